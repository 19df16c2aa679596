"""R12, R22, R26: two sides of a call are one call with both of them on it, whoever works on it and whenever it dies."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, wait_until
from tests.recorded_groups import START, channels_of, drop, first_sound, pitch, write_mapping

MakeHome = Callable[[Sandbox], Home]


def grouping(home: Home, **group_by: Any) -> Home:
    """The home, with a mapping that groups."""
    write_mapping(home.root, **group_by)
    home.config["mappings"] = "mappings"
    home.source["mapping"] = "grouped"
    home.write()
    return home


def drop_pairs(home: Home, count: int) -> set[str]:
    """Both sides of so many calls, the right one a second and a half later; their clientUniqueIds."""
    for number in range(count):
        drop(home.recorder, f"c{number}", "in", at=START + 60 * number, hz=440, silent=1)
        drop(home.recorder, f"c{number}", "out", at=START + 60 * number + 1.5, hz=700, silent=2)
    return {f"g-c{number}" for number in range(count)}


def each_call_once_with_both_sides(sandbox: Sandbox, expected: set[str]) -> None:
    """One call, one media, the left side heard from 1.0 s and the right side from 3.5 s on."""
    assert sorted(call.client_unique_id for call in sandbox.calls) == sorted(expected)
    for call in sandbox.calls:
        assert call.media_puts == 1
        data = sandbox.media_of(call.id)
        assert data is not None
        rate, (left, right) = channels_of(data)
        assert abs(first_sound(left, rate) - 1.0) <= 0.02
        assert abs(first_sound(right, rate) - 3.5) <= 0.02
        assert abs(pitch(left, rate, 5, 10) - 440) < 2
        assert abs(pitch(right, rate, 5, 10) - 700) < 2


def test_run_once_does_not_end_before_the_window_is_over(home: Home, sandbox: Sandbox) -> None:
    grouping(home, window="15s")  # a pass of --once begins every five seconds
    drop(home.recorder, "c1", "in", hz=440, silent=1)
    with home.running("--once") as service:
        wait_until(lambda: [entry["reason_code"] for entry in home.entries()] == ["awaiting-parts"], "the wait")
        drop(home.recorder, "c1", "out", at=START + 1.5, hz=700, silent=2)
        assert service.ended() == 0
    each_call_once_with_both_sides(sandbox, {"g-c1"})


def test_a_side_that_never_comes_is_a_hold_that_run_once_waits_for(home: Home, sandbox: Sandbox) -> None:
    grouping(home, window="1s")
    drop(home.recorder, "c1", "in")
    assert home.run_once().returncode == 1
    (entry,) = home.entries()
    assert (entry["state"], entry["reason_code"]) == ("held", "incomplete-call")
    assert sandbox.calls == []
    assert "incomplete-call" in home.run("status").stdout


def test_R9_the_other_side_comes_while_the_service_runs(home: Home, sandbox: Sandbox) -> None:
    grouping(home, window="1s")
    with home.running() as service:
        drop(home.recorder, "c1", "out", at=START + 1.5, hz=700, silent=2)
        wait_until(lambda: [entry["state"] for entry in home.entries()] == ["held"], "the hold")
        drop(home.recorder, "c1", "in", hz=440, silent=1)
        wait_until(lambda: [call.media_puts for call in sandbox.calls] == [1], "the call")
        assert service.stop() == 0
    each_call_once_with_both_sides(sandbox, {"g-c1"})


def test_R28_two_bridges_on_one_ledger_make_one_call_of_two_sides(home: Home, sandbox: Sandbox) -> None:
    grouping(home)
    with home.running() as one, home.running() as other:
        expected = drop_pairs(home, 8)
        wait_until(lambda: sum(call.media_puts for call in sandbox.calls) >= 8, "eight calls")
        time.sleep(1)  # a second media would come now
        one.send(signal.SIGTERM)
        assert other.stop() == 0
        assert one.ended() == 0
    each_call_once_with_both_sides(sandbox, expected)


@pytest.mark.parametrize(
    ("group_by", "says"),
    [
        ({"merge": None}, "merging needs to know the sides"),
        ({"policy": "pick"}, "pick: [mix, in, out] says which file is the best"),
        ({"policy": "join", "starts_at": None}, "starts_at must say when each of them starts"),
        ({"call": "{{ group.call }}"}, "cannot depend on the group itself"),
        ({"when_incomplete": "go_on"}, "when_incomplete"),
    ],
)
def test_a_wrong_group_by_is_named_with_its_cure(home: Home, group_by: dict[str, Any], says: str) -> None:
    grouping(home, **group_by)
    checked = home.run("check")
    assert checked.returncode == 2
    assert says in checked.stdout + checked.stderr
    assert "grouped.yaml:" in checked.stdout + checked.stderr


def test_explain_and_mapping_try_say_which_call_a_file_belongs_to(home: Home, sandbox: Sandbox) -> None:
    grouping(home)
    path = drop(home.recorder, "c1", "in")
    remark = "one of the files of the call 'c1', part 'in', the left side: group_by (merge) waits up to 1.5 s"
    assert remark in home.run("explain", str(path)).stdout
    assert remark in home.run("mapping", "try", str(home.recorder), "--json").stdout
    assert sandbox.calls == []
