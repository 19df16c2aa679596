"""R22: what somebody deleted in Gong comes back once, whole, and only once: whatever it is made of, whoever dies."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from sqlalchemy import text

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import call_text, drop, sha256, wav
from tests.recorded_groups import START, channels_of, first_sound, write_mapping
from tests.recorded_groups import drop as drop_side
from tests.sandbox_requests import client_of

DAYS = ("--from", "2026-08-31", "--to", "2026-09-02")


def delete_in_gong(sandbox: Sandbox, client_unique_id: str) -> None:
    call = next(call for call in sandbox.calls if call.client_unique_id == client_unique_id)
    with client_of(sandbox) as client:
        assert client.post(f"/_sandbox/calls/{call.id}/delete").status_code == 200


def wait_a_quarter(home: Home) -> None:
    """Every entry was changed a quarter of an hour earlier."""
    with Ledger.open(home.config["ledger"]["url"]) as ledger, ledger.database.write() as connection:
        connection.execute(text("UPDATE entries SET updated_at = updated_at - 1000000000"))


def repair(home: Home) -> CompletedProcess[str]:
    return home.run("reconcile", *DAYS, "--repair", "--yes")


def counts(home: Home) -> dict[str, Any]:
    """What a receipt says now, of what it counts at all."""
    rows = [json.loads(line) for line in home.run("reconcile", *DAYS, "--json").stdout.splitlines()]
    [row] = [row for row in rows if row["source"]]
    names = ("recorded", "in_gong", "waiting", "skipped", "held", "missing", "doubled")
    return {name: row[name] for name in names if row[name]}


def test_R22_a_call_of_two_files_counts_once_and_comes_back_whole(home: Home, sandbox: Sandbox) -> None:
    write_mapping(home.root)
    home.config["mappings"] = "mappings"
    home.source["mapping"] = "grouped"
    drop_side(home.recorder, "c1", "in", hz=440, silent=1)
    drop_side(home.recorder, "c1", "out", at=START + 1.5, hz=700, silent=2)
    for path in home.recorder.glob("*.wav"):  # a part has no call of its own: its day is that of its file
        os.utime(path, (START, START))
    home.run_once()
    assert counts(home) == {"recorded": 2, "in_gong": 1, "skipped": {"grouped": 1}}
    delete_in_gong(sandbox, "g-c1")
    wait_a_quarter(home)

    repaired = repair(home)

    assert (repaired.returncode, "1 put back" in repaired.stderr) == (0, True), repaired.stderr
    assert home.run_once().returncode == 0
    [call] = sandbox.calls
    data = sandbox.media_of(call.id)
    assert data is not None
    rate, (left, right) = channels_of(data)
    assert (round(first_sound(left, rate), 1), round(first_sound(right, rate), 1)) == (1.0, 3.5)
    assert counts(home) == {"recorded": 2, "in_gong": 1, "skipped": {"grouped": 1}}


def test_R22_of_a_call_with_new_media_the_newest_comes_back(home: Home, sandbox: Sandbox) -> None:
    home.source["on_change"] = "replace_media"
    drop(home.recorder, "a.wav", 1)
    home.run_once()
    newest = drop(home.recorder, "a.wav", 2)
    home.run_once()
    delete_in_gong(sandbox, "a")
    wait_a_quarter(home)
    assert counts(home) == {"recorded": 2, "skipped": {"newer-version": 1}, "missing": 1}
    assert repair(home).returncode == 0
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"a": newest})
    assert repair(home).returncode == 0
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"a": newest})


def test_R22_killed_after_the_repair_it_comes_back_once_all_the_same(home: Home, sandbox: Sandbox) -> None:
    media = drop(home.recorder, "a.wav", 1)
    home.run_once()
    delete_in_gong(sandbox, "a")
    wait_a_quarter(home)
    assert repair(home).returncode == 0
    home.environment["GONG_BRIDGE_KILL_AT"] = "post-sent"
    assert home.run_once().returncode == -9
    home.environment.clear()
    assert repair(home).returncode == 0  # it waits: there is nothing to put back
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"a": media})


def test_R22_what_only_another_host_sees_is_put_back_there(
    sandbox: Sandbox, empty_postgresql_url: str, tmp_path: Path
) -> None:
    here, there = (Home(tmp_path / name, sandbox.base_url) for name in ("rec-1", "rec-2"))
    for home in (here, there):
        home.config["ledger"] = {"url": empty_postgresql_url}
        home.source["reach"] = home.root.name
    media = drop(here.recorder, "a.wav", 1)
    (there.recorder / "b.wav").write_bytes(wav(2))
    (there.recorder / "b.json").write_text(call_text("b"))
    here.run_once()
    there.run_once()
    delete_in_gong(sandbox, "a")
    wait_a_quarter(here)

    elsewhere = repair(there)

    assert elsewhere.returncode == 1
    assert "it can be read on rec-1 only; repair there" in elsewhere.stderr
    assert repair(here).returncode == 0
    assert here.run_once().returncode == 0
    each_call_once(sandbox, {"a": media, "b": sha256(wav(2))})


def test_a_repair_brings_nobody_back_who_was_erased(home: Home, sandbox: Sandbox) -> None:
    home.config["privacy"] = {"key": "k" * 48}
    drop(home.recorder, "known.wav", 1)
    drop(home.recorder, "pruned.wav", 2)
    home.run_once()
    with Ledger.open(home.config["ledger"]["url"]) as ledger, ledger.database.write() as connection:
        # As `ledger prune` leaves an entry: the ledger does not know any more who is in it.
        connection.execute(text("UPDATE entries SET draft = NULL, media = NULL WHERE key = 'pruned.wav'"))
    for name in ("known", "pruned"):
        delete_in_gong(sandbox, name)
    erased = home.run("privacy", "erase", "--phone", "+15550100123", "--yes")
    assert erased.returncode in (0, 1), erased.stderr
    wait_a_quarter(home)
    assert counts(home)["skipped"] == {"erased": 1}

    assert "1 put back" in repair(home).stderr  # the pruned one: its file says whose it is when it is read again

    home.run_once()
    assert sandbox.calls == []
    assert home.reason_codes() == {"known.wav": "erased", "pruned.wav": "erased"}
    assert counts(home) == {"recorded": 2, "skipped": {"erased": 2}}


def test_the_service_makes_the_nightly_receipt_although_it_was_killed_when_it_was_due(
    home: Home, sandbox: Sandbox
) -> None:
    home.config["reconcile"] = {"at": "00:00", "days": 2}
    yesterday = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    drop(home.recorder, "a.wav", 1, actualStart=yesterday.isoformat())
    home.run_once()  # makes none: whoever types it waits for recordings
    with Ledger.open(home.config["ledger"]["url"]) as ledger:
        assert ledger.nights.get(None) is None
        with home.running() as service:
            service.send(signal.SIGKILL)
            service.ended()
        with home.running() as service:
            wait_until(lambda: '"event": "receipt"' in service.log_text, "the receipt")
            assert service.stop() == 0
        assert [(one.day, one.counts["in_gong"]) for one in ledger.receipts.kept()] == [(yesterday.date(), 1)]
        night = ledger.nights.get(None)
        assert night is not None
        assert night.finished_at is not None


def test_a_repair_asks_first_and_no_leaves_everything_as_it_is(home: Home, sandbox: Sandbox) -> None:
    drop(home.recorder, "a.wav", 1)
    home.run_once()
    delete_in_gong(sandbox, "a")
    wait_a_quarter(home)
    for answer, said, code, state in (("n", "nothing was put back", 1, "done"), ("y", "1 put back", 0, "found")):
        terminal, ours = pty.openpty()
        os.write(terminal, f"{answer}\n".encode())
        command = home.command("reconcile", *DAYS, "--repair")
        asked = subprocess.run(command, stdin=ours, capture_output=True, text=True, timeout=60, check=False)
        os.close(terminal)
        os.close(ours)
        assert "1 recording is delivered anew. A call that somebody deleted in Gong on purpose" in asked.stderr
        assert (said in asked.stderr, asked.returncode, home.states()) == (True, code, {"a.wav": state})
