"""When a file counts as finished."""

from __future__ import annotations

from gong_bridge.sources.stability import StabilityTracker


def test_a_file_settles_when_two_observations_a_settle_apart_agree() -> None:
    tracker = StabilityTracker(settle_seconds=5.0)
    assert tracker.observe("a.wav", 100, 7, now=10.0) == 15.0
    assert tracker.observe("a.wav", 100, 7, now=14.9) == 15.0
    assert tracker.observe("a.wav", 100, 7, now=15.0) is None


def test_R6_a_file_that_grew_is_armed_again() -> None:
    tracker = StabilityTracker(settle_seconds=5.0)
    tracker.observe("a.wav", 100, 7, now=10.0)
    assert tracker.observe("a.wav", 200, 7, now=15.0) == 20.0
    assert tracker.observe("a.wav", 200, 8, now=19.0) == 24.0
    assert tracker.observe("a.wav", 200, 8, now=24.0) is None


def test_R6_a_file_is_armed_again_for_as_long_as_it_grows() -> None:
    tracker = StabilityTracker(settle_seconds=10.0)
    for minute in range(600):
        assert tracker.observe("long.wav", 1000 + minute, minute, now=60.0 * minute) == 60.0 * minute + 10.0
    assert tracker.observe("long.wav", 1599, 599, now=60.0 * 600) is None


def test_mtime_is_compared_and_never_subtracted() -> None:
    tracker = StabilityTracker(settle_seconds=5.0)
    in_a_hundred_years = 4_900_000_000 * 10**9
    tracker.observe("future.wav", 100, in_a_hundred_years, now=10.0)
    tracker.observe("past.wav", 100, -1, now=10.0)
    assert tracker.observe("future.wav", 100, in_a_hundred_years, now=15.0) is None
    assert tracker.observe("past.wav", 100, -1, now=15.0) is None


def test_what_falls_due_first_is_named_first_and_no_more_than_asked_for() -> None:
    tracker = StabilityTracker(settle_seconds=5.0)
    tracker.observe("a.wav", 1, 1, now=1.0)
    tracker.observe("b.wav", 1, 1, now=2.0)
    tracker.observe("c.wav", 1, 1, now=3.0)
    tracker.observe("a.wav", 2, 1, now=4.0)  # changed: goes to the end
    assert tracker.due(6.9, limit=10) == []
    assert tracker.due(8.0, limit=10) == ["b.wav", "c.wav"]
    assert tracker.due(9.0, limit=2) == ["b.wav", "c.wav"]
    assert tracker.next_due() == 7.0


def test_a_settled_file_stays_due_until_it_is_forgotten() -> None:
    tracker = StabilityTracker(settle_seconds=5.0)
    tracker.observe("a.wav", 1, 1, now=1.0)
    assert tracker.observe("a.wav", 1, 1, now=6.0) is None
    assert tracker.due(6.0, limit=10) == ["a.wav"]
    tracker.forget("a.wav")
    assert tracker.due(6.0, limit=10) == []
    assert tracker.next_due() is None
    assert "a.wav" not in tracker
    assert len(tracker) == 0


def test_settle_zero_still_needs_a_second_look() -> None:
    tracker = StabilityTracker(settle_seconds=0.0)
    assert tracker.observe("a.wav", 1, 1, now=1.0) == 1.0
    assert tracker.observe("a.wav", 1, 1, now=1.0) is None
