"""R29: nobody can use Gong: a key revoked in the midst, an address that is not Gong's; one alert, and on it goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, Service, each_call_once, wait_until
from tests.end_to_end.recordings import drop_many

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

RECORDINGS = 12


def told_once(home: Home, service: Service, code: str) -> None:
    """One line in the log and one pause in `status`, however many recordings wait; no attempt used up."""
    status = home.status()
    assert status["paused"]["code"] == code
    assert status["needs_a_person"] == []
    assert service.log_text.count('"paused"') == 1
    assert {entry["attempts"] for entry in home.entries()} == {0}
    assert {entry["state"] for entry in home.entries()} <= {"found", "drafted", "created", "done"}


def goes_on(home: Home, service: Service, sandbox: Sandbox, expected: dict[str, str]) -> None:
    """By itself, until everything is there once."""
    wait_until(lambda: set(home.states().values()) == {"done"}, "the end of the pause", 90)
    assert service.log_text.count('"resumed"') == 1
    assert home.status()["paused"] is None
    assert {entry["attempts"] for entry in home.entries()} == {0}
    each_call_once(sandbox, expected)


def test_R29_a_key_that_is_revoked_in_the_midst_pauses_once_and_all_goes_on_when_it_is_back(
    home: Home, sandbox: Sandbox
) -> None:
    """Some calls are there, some have no media yet, others are not begun."""
    home.limit(20)
    expected = drop_many(home.recorder, RECORDINGS)
    with home.running() as service:
        wait_until(lambda: len(sandbox.calls) >= 3, "the first calls")
        sandbox.play(Fault(operation="*", kind="status", status=401, times=None))
        wait_until(lambda: '"paused"' in service.log_text, "the pause")
        told_once(home, service, "bad-credentials")
        sandbox.play_no_faults()
        goes_on(home, service, sandbox, expected)


def test_R29_an_address_that_is_not_gongs_pauses_once_and_nothing_is_sent_there(
    make_home: Callable[[Sandbox], Home], sandbox: Sandbox
) -> None:
    """Another server answers: with a page, with a redirect."""
    home = make_home(sandbox)
    sandbox.play(Fault(operation="*", kind="status", status=302, body="<html>Sign in</html>", times=None))
    expected = drop_many(home.recorder, 3)
    with home.running() as service:
        wait_until(lambda: '"paused"' in service.log_text, "the pause")
        told_once(home, service, "wrong-base-url")
        assert sandbox.calls == []
        sandbox.play_no_faults()
        goes_on(home, service, sandbox, expected)
