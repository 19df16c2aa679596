"""Old recordings are brought in by order: slowly, once each, over pauses and kills, and behind every new call."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import age, call_text, drop, drop_many, wav

DAY = 86_400
SINCE = "2026-01-01"
ON_TOP = "the time for what waits counts what a backfill has taken; what it has still to take or list comes on top"
"""What `status` says while an order is open."""


@pytest.fixture
def old_home(home: Home) -> Home:
    """A home whose source leaves what is older than SINCE to backfill."""
    home.source["since"] = SINCE
    home.config["ledger"]["lease"] = "2s"
    home.write()
    return home


def drop_old(folder: Path, count: int, *, first: int = 0) -> dict[str, str]:
    """Recordings of the year 2024: call-000 of the first of June, the next ones a day later each."""
    expected = drop_many(folder, count, first=first)
    midnight = 1_717_200_000  # 2024-06-01 00:00 UTC
    for place, name in enumerate(expected):
        path = folder / f"{name}.wav"
        age(path, path.stat().st_mtime - (midnight + 3600 + place * DAY))
    return expected


def drop_thousands(folder: Path, count: int) -> None:
    """Small recordings of two years ago, each of its own content: old-0000 ..."""
    whole = wav(1)
    for number in range(count):
        path = folder / f"old-{number:04}.wav"
        path.write_bytes(whole[:-8] + number.to_bytes(8, "big"))
        path.with_suffix(".json").write_text(call_text(path.stem))
        age(path, 700 * DAY)


def orders(home: Home) -> list[dict[str, object]]:
    told = home.run("backfill", "--status", "--json")
    assert told.returncode == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def state_of(home: Home) -> tuple[str, int]:
    with Ledger.open(home.config["ledger"]["url"]) as ledger:
        [order] = ledger.backfills.all()
        return str(order.state), order.taken


def test_what_is_older_than_since_is_left_alone_and_explain_and_status_say_so(old_home: Home) -> None:
    drop_old(old_home.recorder, 2)
    drop(old_home.recorder, "new.wav", 9)
    assert old_home.run_once().returncode == 0
    assert old_home.states() == {"new.wav": "done"}
    told = old_home.run("explain", str(old_home.recorder / "call-001.wav"))
    assert "left for backfill: last changed before `since: 2026-01-01`" in told.stdout
    assert "gong-bridge backfill --source pbx --since 2024-06-02" in told.stdout
    assert old_home.status()["left_for_backfill"] == {"pbx": "2026-01-01"}


def test_a_dry_run_counts_looks_and_touches_nothing(old_home: Home, sandbox: Sandbox) -> None:
    drop_old(old_home.recorder, 5)
    drop(old_home.recorder, "nobody.wav", 9, primaryUser="299")
    age(old_home.recorder / "nobody.wav", 700 * DAY)
    told = old_home.run("backfill", "--source", "pbx", "--since", "2024-06-02", "--dry-run", "--json")
    assert told.returncode == 1, told.stderr
    facts = json.loads(told.stdout)
    assert (facts["count"], facts["looked_at"], facts["in_the_ledger"]) == (5, 5, 0)
    assert facts["verdicts"] == {"sent": 4, "held": 1}
    assert facts["to_send"] == 5
    assert [one["agents_line"] for one in facts["unknown_people"]] == ["THE.AGENT@YOUR-COMPANY,299,,"]
    until = old_home.run(
        "backfill", "--source", "pbx", "--since", "2024-06-02", "--until", "2024-06-03", "--dry-run", "--look-at", "1"
    )
    assert until.returncode == 0, until.stderr
    assert "2 recordings (496 kB) of pbx, last changed since 2024-06-02 until 2024-06-03, would" in until.stdout
    assert "1 of them, spread over all, were looked at" in until.stdout
    assert not old_home.ledger_path.exists()
    assert sandbox.calls == []


def test_R22_killed_in_the_midst_of_a_backfill_every_old_recording_arrives_once(
    old_home: Home, sandbox: Sandbox
) -> None:
    old_home.limit(15)
    expected = drop_old(old_home.recorder, 60)
    with old_home.running() as service:
        wait_until(lambda: old_home.health() == {"pbx": True}, "the service runs")
        placed = old_home.run("backfill", "--source", "pbx", "--since", "2024-01-01")
        assert placed.returncode == 0, placed.stderr
        assert "The running service does it, new calls first" in placed.stdout
        wait_until(lambda: len(sandbox.calls) >= 5, "the first old calls")
        service.send(signal.SIGKILL)
        service.ended()
    assert len(sandbox.calls) < 60
    with old_home.running() as service:
        wait_until(lambda: set(old_home.states().values()) == {"done"} and len(old_home.states()) == 60, "all of them")
        wait_until(lambda: state_of(old_home) == ("done", 60), "the order is done")
        assert service.stop() == 0
    each_call_once(sandbox, expected)


def test_a_pause_holds_while_the_service_runs_and_resume_goes_on(old_home: Home, sandbox: Sandbox) -> None:
    expected = drop_old(old_home.recorder, 6)
    with old_home.running() as service:
        wait_until(lambda: old_home.health() == {"pbx": True}, "the service runs")
        assert old_home.run("backfill", "--since", "2024-01-01", "--max-per-day", "2").returncode == 0
        wait_until(lambda: list(old_home.states().values()) == ["done"] * 2, "what one day may have")
        assert sorted(old_home.states()) == ["call-000.wav", "call-001.wav"]
        [told] = orders(old_home)
        assert told["summary"] == (
            "backfill of pbx since 2024-01-01: 2 of 6 taken, 2 today (2 a day at most); 4 to come = 2 days at 2 a day; "
            "enough for today, it goes on tomorrow"
        )
        assert ON_TOP in " ".join(old_home.run("status").stdout.split())
        assert old_home.run("backfill", "--pause").returncode == 0
        assert old_home.run("backfill", "--since", "2024-01-01").returncode == 0
        time.sleep(5)
        assert state_of(old_home) == ("paused", 2)
        resumed = old_home.run("backfill", "--source", "pbx", "--resume")
        assert resumed.returncode == 0, resumed.stderr
        wait_until(lambda: state_of(old_home) == ("done", 6), "the rest")
        wait_until(lambda: list(old_home.states().values()) == ["done"] * 6, "delivered")
        assert service.stop() == 0
    assert ON_TOP not in " ".join(old_home.run("status").stdout.split())
    each_call_once(sandbox, expected)


def test_run_once_works_an_order_and_ends_when_the_day_is_full(old_home: Home, sandbox: Sandbox) -> None:
    assert old_home.run_once().returncode == 0
    drop_old(old_home.recorder, 5)
    placed = old_home.run("backfill", "--since", "2024-01-01", "--max-per-day", "3")
    assert "No bridge that can open them runs now" in placed.stdout.replace("\n", " ")
    assert old_home.run_once().returncode == 0
    assert [call.client_unique_id for call in sorted(sandbox.calls, key=lambda call: call.client_unique_id)] == [
        "call-000", "call-001", "call-002",
    ]  # fmt: skip
    assert old_home.run("backfill", "--cancel").returncode == 0
    assert state_of(old_home) == ("cancelled", 3)
    assert old_home.run("backfill", "--resume").returncode == 2


def test_R26_new_calls_are_sent_within_seconds_while_a_backfill_of_thousands_runs(
    old_home: Home, start_sandbox: Callable[..., Sandbox], make_home: Callable[[Sandbox], Home]
) -> None:
    """3 calls a second, a thousand old recordings in the ledger and more to come: three new calls, each in seconds."""
    sandbox = start_sandbox(calls_per_second=3, page_size=100)
    home = make_home(sandbox)
    home.source["since"] = SINCE
    home.limit(3)
    drop_thousands(home.recorder, 3001)
    with home.running() as service:
        wait_until(lambda: home.health() == {"pbx": True}, "the service runs")
        assert home.run("backfill", "--since", "2024-01-01").returncode == 0
        wait_until(lambda: len(sandbox.calls) >= 3, "the first old calls")
        for number in range(3):
            dropped_at = time.monotonic()
            drop(home.recorder, f"new-{number}.wav", 5000 + number)
            wait_until(
                lambda: any(call.client_unique_id == f"new-{number}" and call.media for call in sandbox.calls),  # noqa: B023
                "the new call",
            )
            assert time.monotonic() - dropped_at < 30
        with Ledger.open(home.config["ledger"]["url"]) as ledger:
            [order] = ledger.backfills.all()
            assert ledger.backfills.waiting(order.lane, 5000) <= 1000
            assert order.taken >= 1000
            assert order.taken + (order.to_come or 0) == 3001
        assert service.stop() == 0
    assert "429" not in sandbox.statuses


def test_R22_killed_while_thousands_are_still_to_come_the_next_start_goes_on_with_those(
    old_home: Home, sandbox: Sandbox
) -> None:
    drop_thousands(old_home.recorder, 1500)
    old_home.limit(100)
    with old_home.running() as service:
        wait_until(lambda: old_home.health() == {"pbx": True}, "the service runs")
        assert old_home.run("backfill", "--since", "2024-01-01").returncode == 0
        wait_until(lambda: state_of(old_home)[1] >= 1000, "a thousand are taken")
        service.send(signal.SIGKILL)
        service.ended()
    taken = state_of(old_home)[1]
    assert taken < 1500
    assert len(old_home.entries()) == taken
    with old_home.running() as service:
        wait_until(lambda: state_of(old_home)[1] >= taken + 50, "it goes on")
        assert service.stop() == 0
    assert len(old_home.entries()) == state_of(old_home)[1]
    assert len({call.client_unique_id for call in sandbox.calls}) == len(sandbox.calls)
    assert {call.media_puts for call in sandbox.calls} <= {0, 1}
