"""Which files of a call are sent does not depend on the order in which they come; and who is waited for ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.definition import Grouping
from gong_bridge.mapping.language import MERGED
from gong_bridge.model import Entry, State
from gong_bridge.steps.gathering.decision import choose, in_sequence, missing, part_of, ripe_at

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


def rule(
    *prefers: str, policy: Literal["merge", "pick", "separate", "join"] = "pick", window_seconds: float = 120.0
) -> Grouping:
    return Grouping(
        call="", part="", starts_at=None, window_seconds=window_seconds, policy=policy, left="in", right="out",
        prefers=prefers, keep_gaps=True, when_incomplete="hold", when_late="hold",
    )  # fmt: skip


def entry(number: int, name: str, *, start: float | None = 0.0, **changes: Any) -> Entry:
    """A file of the call that reported itself; `trouble` and `fingerprint` are what was found in it."""
    trouble = changes.pop("trouble", None)
    said = {
        "side": {"in": "left", "out": "right"}.get(name, ""),
        "starts_at": None if start is None else (NOON + timedelta(seconds=start)).isoformat(),
        "trouble": trouble,
        "trouble_as_side": trouble,
    }
    media = {"fingerprint": changes.pop("fingerprint", f"{number}"), "group": said}
    facts: dict[str, Any] = {
        "id": number, "source": "pbx", "key": f"{number}-{name}", "version": "1", "size_bytes": 1,
        "modified_at": NOON, "state": State.FOUND, "due_at": NOON, "found_at": NOON, "updated_at": NOON,
        "group_key": "c1", "group_part": name, "media": media,
    }  # fmt: skip
    return Entry(**{**facts, **changes})


def sent(grouping: Grouping, entries: list[Entry]) -> tuple[list[int], int] | None:
    """Ids of the files of the call, and of its leader."""
    choice = choose(grouping, [part_of(one) for one in entries])
    return None if choice is None else ([part.entry.id for part in choice.parts], choice.leader.entry.id)


@given(st.permutations([entry(1, "in", start=2), entry(2, "out", start=0), entry(3, "mix"), entry(4, "other")]))
def test_the_order_of_arrival_decides_nothing(arrived: list[Entry]) -> None:
    assert sent(rule(MERGED), arrived) == ([1, 2], 2)
    assert sent(rule("mix", MERGED), arrived) == ([3], 3)
    assert sent(rule("nothing", MERGED), arrived) == ([1, 2], 2)


@given(st.permutations([entry(number, f"{number}", start=10.0 * number) for number in range(5)]))
def test_segments_follow_one_another_in_the_order_of_their_starts(arrived: list[Entry]) -> None:
    choice = in_sequence([part_of(one) for one in arrived])
    assert choice is not None
    assert [part.entry.id for part in choice.parts] == [0, 1, 2, 3, 4]
    assert choice.leader.entry.id == 0


def test_a_file_with_trouble_gives_way_to_the_next_best() -> None:
    files = [entry(1, "mix", trouble="cut off"), entry(2, "in"), entry(3, "out")]
    assert sent(rule("mix", MERGED), files) == ([2, 3], 2)
    assert sent(rule("mix", MERGED), [*files[:2], entry(3, "out", trouble="empty")]) is None
    assert missing(rule(MERGED), [part_of(one) for one in files[:2]]) == ["the right side"]


def test_a_copy_of_a_side_is_no_second_side_but_other_audio_is() -> None:
    both = [entry(1, "in", fingerprint="x"), entry(2, "in", fingerprint="x"), entry(3, "out")]
    assert sent(rule(MERGED), both) == ([1, 3], 1)
    with pytest.raises(BadMetadata, match="2 different files say that they are 'left' of the same call"):
        sent(rule(MERGED), [entry(1, "in"), entry(2, "in"), entry(3, "out")])


def test_new_content_of_a_sent_leader_leads_so_that_the_call_gets_new_media() -> None:
    files = [entry(1, "in", start=5, replaces=9), entry(2, "out", start=0)]
    assert sent(rule(MERGED), files) == ([1, 2], 1)


def test_a_file_that_was_not_looked_at_yet_is_no_choice() -> None:
    assert sent(rule("mix"), [entry(1, "mix", media=None)]) is None


@pytest.mark.parametrize(
    ("modified", "found", "ripe"),
    [(0, 0, 120), (-86_400, 0, 10), (-100, 0, 20), (-115, 0, 10), (-30, -30, 90), (3600, 0, 120), (0, 86_400, 0)],
    ids=["new", "a day old", "a little old", "nearly over", "found before", "file from the future", "clock set back"],
)
def test_the_window_is_over_in_time_whatever_the_clocks_say(modified: float, found: float, ripe: float) -> None:
    one = entry(1, "in", modified_at=NOON + timedelta(seconds=modified), found_at=NOON + timedelta(seconds=found))
    assert (ripe_at(rule("mix"), [one], NOON) - NOON).total_seconds() == ripe


@given(
    st.lists(st.tuples(st.floats(-1e7, 1e7), st.floats(-1e7, 1e7)), min_size=1, max_size=6),
    st.floats(0, 7200),
)
def test_nobody_waits_longer_than_two_windows(times: list[tuple[float, float]], window_seconds: float) -> None:
    entries = [
        entry(number, "in", modified_at=NOON + timedelta(seconds=modified), found_at=NOON + timedelta(seconds=found))
        for number, (modified, found) in enumerate(times)
    ]
    ripe = ripe_at(rule("mix", window_seconds=window_seconds), entries, NOON)
    assert (ripe - NOON).total_seconds() <= 2 * window_seconds + 0.001
