"""`ledger backup`, `verify` and `prune` as an operator types them, beside a running service."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once
from tests.end_to_end.recordings import drop


def test_R28_a_backup_taken_while_the_service_runs_can_take_its_place(home: Home, sandbox: Sandbox) -> None:
    expected = {"one": drop(home.recorder, "one.wav", 1, unique_id="one")}
    copy = home.root / "copy.db"
    with home.running():
        home.wait_for("one.wav", "done")
        told = home.run("ledger", "backup", str(copy))
        assert (told.returncode, told.stderr) == (0, "")
        again = home.run("ledger", "backup", str(copy))
        assert (again.returncode, again.stdout) == (2, "")
        assert "exists already" in again.stderr
    copy.rename(home.ledger_path)
    for suffix in ("-wal", "-shm"):
        home.ledger_path.with_name(home.ledger_path.name + suffix).unlink(missing_ok=True)
    checked = home.run("ledger", "verify")
    assert (checked.returncode, checked.stdout.strip()) == (0, "the ledger is in order")
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)


def test_R28_verify_says_what_is_wrong_and_what_to_do(home: Home, sandbox: Sandbox) -> None:
    drop(home.recorder, "one.wav", 1)
    home.run_once()
    with closing(sqlite3.connect(home.ledger_path)) as database:
        database.execute("UPDATE entries SET call_id = NULL")
        database.commit()
    checked = home.run("ledger", "verify")
    assert checked.returncode == 1
    assert checked.stdout.splitlines()[0] == "1 times an entry created without a call"
    assert "restore the latest backup" in checked.stdout


def test_prune_forgets_the_people_and_uploads_nothing_again(home: Home, sandbox: Sandbox) -> None:
    expected = {"one": drop(home.recorder, "one.wav", 1, unique_id="one")}
    home.run_once()
    assert home.run("ledger", "prune", "--older-than", "0s", "--dry-run").stdout.strip() == "1 entries would be pruned"
    assert home.run("ledger", "prune", "--older-than", "0s").returncode == 0
    assert "agent-201" not in home.run("ledger", "export").stdout
    assert home.run("ledger", "prune", "--older-than", "soon").returncode == 2
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)
