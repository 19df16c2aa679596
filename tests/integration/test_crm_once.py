"""Gong takes a file of CRM objects once, whatever breaks: lost answers and ledgers, kills, the same command twice."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge.errors import BadCredentials, WrongBaseUrl
from gong_bridge.sandbox.options import Fault
from tests.crm_desk import Desk
from tests.forked_command import ForkedCommands
from tests.notebook import eventually


def test_a_file_is_taken_whole_and_the_same_command_sends_it_no_second_time(registered: Desk) -> None:
    file = registered.accounts()
    assert "DONE: 3 taken, 0 failed" in registered.does("upload", "ACCOUNT", file)
    (upload,) = registered.sandbox.crm.requests()
    assert upload.sha256 == hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert "it was not sent now" in registered.does("upload", "ACCOUNT", file)
    assert registered.sent() == 1
    registered.does("upload", "ACCOUNT", file, "--again")
    assert registered.uploads == [("ACCOUNT", 3, 0)] * 2


def test_a_lost_ledger_does_not_make_gong_take_a_file_twice(registered: Desk) -> None:
    file = registered.accounts()
    registered.does("upload", "ACCOUNT", file)
    (registered.folder / "ledger.db").unlink()
    assert "it was not sent now" in registered.does("upload", "ACCOUNT", file)
    assert registered.uploads == [("ACCOUNT", 3, 0)]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("drop_before", 500), ("drop_after", 500), ("status_after", 500), ("status_after", 503), ("truncated", 500)],
)
def test_whatever_breaks_gong_takes_a_file_once(registered: Desk, kind: str, status: int) -> None:
    registered.sandbox.play(Fault(operation="uploadCrmData", kind=kind, status=status, retry_after="1"))
    said = registered.does("upload", "ACCOUNT", registered.accounts())
    assert ("DONE: 3 taken" in said, "was not sent now" in said) == (True, False)
    assert registered.uploads == [("ACCOUNT", 3, 0)]


def test_an_outcome_that_stays_unclear_is_told_and_the_same_command_asks_before_it_sends(registered: Desk) -> None:
    registered.sandbox.play(
        Fault(operation="uploadCrmData", kind="drop_after"),
        Fault(operation="getRequestStatus", kind="status", status=401),
    )
    file = registered.accounts()
    result = registered.run("upload", "ACCOUNT", file)
    assert isinstance(result.exception, BadCredentials)
    registered.sandbox.play_no_faults()
    assert "DONE: 3 taken" in registered.does("upload", "ACCOUNT", file)
    assert (registered.uploads, registered.sent()) == ([("ACCOUNT", 3, 0)], 1)


def test_a_web_page_instead_of_an_answer_is_told_and_the_same_command_asks_before_it_sends(registered: Desk) -> None:
    registered.sandbox.play(Fault(operation="uploadCrmData", kind="garbage"))
    file = registered.accounts()
    assert isinstance(registered.run("upload", "ACCOUNT", file).exception, WrongBaseUrl)
    assert "DONE: 3 taken" in registered.does("upload", "ACCOUNT", file)
    assert (registered.uploads, registered.sent()) == ([("ACCOUNT", 3, 0)], 1)


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkedCommands]:
    forked = ForkedCommands()
    yield forked
    forked.close()


def test_killed_while_the_file_is_under_way_the_same_command_sends_it_once(
    registered: Desk, processes: ForkedCommands
) -> None:
    file = registered.accounts(20, name="x" * 100_000)
    registered.start(processes, "upload", "ACCOUNT", file, GONG_BRIDGE_KILL_AT="body-50-percent")
    assert processes.code() == -signal.SIGKILL
    assert registered.uploads == []
    assert "DONE: 20 taken" in registered.does("upload", "ACCOUNT", file)
    assert registered.uploads == [("ACCOUNT", 20, 0)]


def test_killed_while_gong_works_it_in_the_same_command_follows_and_sends_nothing(
    registered: Desk, processes: ForkedCommands
) -> None:
    file = registered.accounts()
    registered.sandbox.play(Fault(operation="uploadCrmData", kind="slow", seconds=30.0))
    registered.start(processes, "upload", "ACCOUNT", file)
    assert eventually(lambda: registered.uploads == [("ACCOUNT", 3, 0)])
    assert processes.kill() == -signal.SIGKILL
    assert "DONE: 3 taken" in registered.does("upload", "ACCOUNT", file)
    assert registered.uploads == [("ACCOUNT", 3, 0)]


def test_two_of_the_same_command_at_once_make_gong_take_the_file_once(
    registered: Desk, processes: ForkedCommands
) -> None:
    registered.sandbox.play(Fault(operation="uploadCrmData", kind="slow", seconds=1.0))  # neither is alone
    file = registered.accounts()
    registered.start(processes, "upload", "ACCOUNT", file)
    registered.does("upload", "ACCOUNT", file)
    assert processes.code() == 0
    assert registered.uploads == [("ACCOUNT", 3, 0)]
