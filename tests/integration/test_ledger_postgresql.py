"""A PostgreSQL that stops, drops its connections, becomes read-only or lets two writers meet: the ledger goes on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from gong_bridge.errors import ConfigError, LedgerReadOnly
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.groups import Roles
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, State
from tests.contract.test_ledger import NOON, add, after, claim, recording


def name_of(url: str) -> str:
    return str(make_url(url).database)


def test_R28_a_server_that_stops_pauses_and_one_that_is_back_goes_on_with_nothing_lost(own_postgresql: Any) -> None:
    server = own_postgresql
    with Ledger.open(server.get_uri()) as ledger:
        add(ledger, *(recording(f"{number}.wav") for number in range(3)))
        held = claim(ledger)
        server.stop()
        for verb in (
            lambda: add(ledger, recording("new.wav")),
            lambda: ledger.work.renew([held.lease_token or ""], NOON),
        ):
            began = time.monotonic()
            with pytest.raises(LedgerReadOnly, match="is PostgreSQL running, reachable and writable"):
                verb()
            assert time.monotonic() - began < 5
        server.start()
        assert add(ledger, recording("new.wav")) == 1
        assert ledger.work.advance(held, State.DRAFTED, NOON).state is State.DRAFTED
        assert ledger.views.open_count() == 4


def test_R28_connections_that_the_server_drops_are_replaced(new_postgresql_ledger: Callable[[], str]) -> None:
    url = new_postgresql_ledger()
    with Ledger.open(url) as ledger:
        for round_number in range(3):
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                              " AND backend_type = 'client backend'")  # fmt: skip
            assert add(ledger, recording(f"{round_number}.wav")) == 1
        assert ledger.views.open_count() == 3


def test_R26_after_a_server_was_started_again_nobody_calls_before_what_it_may_have_forgotten_is_over(
    new_postgresql_ledger: Callable[[], str],
) -> None:
    url = new_postgresql_ledger()
    with Ledger.open(url) as ledger:
        allowance = LedgerAllowance(ledger, 3.0, 10_000)
        allowance.take(threading.Event())
        allowance.depart(threading.Event())
        allowance.sent()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                          " AND backend_type = 'client backend'")  # fmt: skip
        began = time.monotonic()
        allowance.take(threading.Event())
        allowance.depart(threading.Event())
        assert 2.0 <= time.monotonic() - began < 5.0  # twice the second that counts


def test_R28_a_server_that_became_read_only_is_left_for_one_that_is_not(empty_postgresql_url: str) -> None:
    """After a failover the old primary still answers on the old connections."""
    name = name_of(empty_postgresql_url)
    with Ledger.open(empty_postgresql_url) as ledger, psycopg.connect(empty_postgresql_url, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                      " WHERE pid <> pg_backend_pid() AND datname = current_database()")  # fmt: skip
        with pytest.raises(LedgerReadOnly, match=r"cannot be used .cannot execute"):
            add(ledger)
        other.execute("SET default_transaction_read_only = off")
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off".encode())
        assert add(ledger) == 1


def test_R28_of_two_writers_that_meet_head_on_one_does_it_again(new_postgresql_ledger: Callable[[], str]) -> None:
    url = new_postgresql_ledger()
    with Ledger.open(url) as ledger:
        add(ledger, recording("1.wav"), recording("2.wav"))
        tokens = [claim(ledger).lease_token or "" for _ in range(2)]
        first, second = sorted(entry.id for entry in ledger.views.entries())
        renewed: list[set[str]] = []
        with psycopg.connect(url) as other:
            other.execute("UPDATE entries SET attempts = 1 WHERE id = %s", [second])
            thread = threading.Thread(target=lambda: renewed.append(ledger.work.renew(tokens, after(90))))
            thread.start()
            time.sleep(0.3)  # now it waits for the second row, and has the first
            other.execute("SET deadlock_timeout = '20s'")
            other.execute("UPDATE entries SET attempts = 1 WHERE id = %s", [first])
            other.commit()
        thread.join(30)
        assert renewed == [set(tokens)]


def test_R28_a_decision_about_a_group_that_meets_another_writer_head_on_is_made_again(
    new_postgresql_ledger: Callable[[], str],
) -> None:
    url = new_postgresql_ledger()
    with Ledger.open(url) as ledger, psycopg.connect(url) as other:
        add(ledger, recording("a.wav"), recording("b.wav"))
        claimed = sorted((claim(ledger), claim(ledger)), key=lambda entry: entry.id)
        first, second = (
            ledger.groups.report(one, NOON, group_key="c1", group_part=one.key, media=None) for one in claimed
        )
        asked: list[int] = []

        def choose(members: Sequence[Entry], _unexamined: bool) -> Roles:
            asked.append(len(members))
            return Roles(leader=first.id, followers={second.id: "part of the call"})

        other.execute("SET deadlock_timeout = '20s'")  # the other one is patient: the decision has to give in
        other.execute("SELECT 1 FROM entries WHERE id = %s FOR UPDATE", (second.id,))
        with ThreadPoolExecutor() as pool:
            decided = pool.submit(ledger.groups.decide, first, NOON, choose)
            time.sleep(0.3)
            other.execute("SELECT 1 FROM entries WHERE id = %s FOR UPDATE", (first.id,))
            other.rollback()
            roles, _ = decided.result(30)
        assert roles is not None
        assert asked == [2]  # the first time it did not come so far
        follower = ledger.views.get(second.id)
        assert follower is not None
        assert (follower.state, follower.duplicate_of) == (State.SKIPPED, first.id)


def test_R28_a_suspended_host_keeps_no_row_from_the_others(new_postgresql_ledger: Callable[[], str]) -> None:
    with Ledger.open(new_postgresql_ledger()) as ledger, ledger.database.write() as connection:
        told = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in (
                "idle_in_transaction_session_timeout",
                "lock_timeout",
                "statement_timeout",
                "transaction_isolation",
            )
        ]
    assert told == ["1min", "30s", "2min", "read committed"]


@pytest.mark.parametrize(
    "url", ["postgresql://user:hunter2@127.0.0.1:1/gong", "postgresql://user@127.0.0.1:1/gong?password=hunter2"]
)
def test_a_password_is_in_no_message(url: str) -> None:
    with pytest.raises(LedgerReadOnly, match=r"ledger postgresql://user@127.0.0.1:1/gong cannot be used") as refused:
        Ledger.open(url)
    assert "hunter2" not in refused.value.message
    assert "hunter2" not in repr(refused.value.__cause__)


def test_R28_a_host_name_that_is_not_known_just_now_is_waited_for() -> None:
    with pytest.raises(LedgerReadOnly, match="cannot be used"):
        Ledger.open("postgresql://user@no-such-host.invalid/gong")


def test_a_user_whom_the_server_does_not_know_is_a_mistake_at_the_start(postgresql_url: str) -> None:
    with pytest.raises(ConfigError, match=r'role "nobody" does not exist; correct ledger\.url'):
        Ledger.open(make_url(postgresql_url).set(username="nobody").render_as_string())


def test_R28_the_ledgers_clock_is_that_of_the_server(new_postgresql_ledger: Callable[[], str]) -> None:
    with Ledger.open(new_postgresql_ledger()) as ledger:
        assert abs(ledger.database.clock_ahead()) < timedelta(seconds=1)


AHEAD = """
import sys, time_machine
from datetime import UTC, datetime, timedelta
with time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(sys.argv[2])), tick=True):
    from gong_bridge import clock
    from gong_bridge.ledger.ledger import Ledger
    with Ledger.open(sys.argv[1]) as ledger:
        ledger.follow_clock()
        taken = [ledger.work.claim("skewed", clock.now(), 30) for _ in range(2)]
        print([entry and entry.key for entry in taken], clock.now().timestamp())
"""


@pytest.mark.parametrize("seconds", [300, -300])
def test_R28_a_host_whose_clock_is_wrong_takes_what_is_due_and_no_lease_that_holds(
    new_postgresql_ledger: Callable[[], str], seconds: int
) -> None:
    url = new_postgresql_ledger()
    with Ledger.open(url) as ledger:
        now = datetime.now(UTC)
        add(ledger, recording("leased.wav"), recording("due.wav"), now=now - timedelta(seconds=1))
        held = ledger.work.claim("punctual", now, 30)
        told = subprocess.run(
            [sys.executable, "-c", AHEAD, url, str(seconds)], capture_output=True, text=True, check=True
        ).stdout.split()
        assert held is not None
        other = {"due.wav": "leased.wav", "leased.wav": "due.wav"}[held.key]
        assert told[:2] == [f"['{other}',", "None]"]
        assert abs(float(told[2]) - datetime.now(UTC).timestamp()) < 5
