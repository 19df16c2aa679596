"""Whatever a recorder does to its files, none is taken before it settled, and every one that rests is taken."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gong_bridge.sources.stability import StabilityTracker

SETTLE_SECONDS = 5.0
KEYS = ("a.wav", "b/c.wav")
SHAPES = st.sampled_from([(1, 0), (1, -1), (2, 0), (2, -1), None])
SECONDS = st.sampled_from([0.5, 0.0, 4.5, 4.999, 5.0, 7.0])
"""Few names, sizes and times: what happens to one file must often happen to it twice."""


class Recorder(RuleBasedStateMachine):
    """Files grow, are touched, shrink, vanish and come back; the lookout looks when it likes, at what it likes.

    `since` is the moment from which a file has been seen as it is now, over all looks: what the law speaks of.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tracker = StabilityTracker(settle_seconds=SETTLE_SECONDS)
        self.now = 1000.0
        self.files: dict[str, tuple[int, int]] = dict.fromkeys(KEYS, (1, 0))
        self.since: dict[str, tuple[tuple[int, int], float]] = {}

    @rule(key=st.sampled_from(KEYS), shape=SHAPES)
    def is_written_or_vanishes(self, key: str, shape: tuple[int, int] | None) -> None:
        """Any size and any time, also those that it had before; also one that vanished."""
        self.files.pop(key, None)
        if shape is not None:
            self.files[key] = shape

    @rule(key=st.sampled_from(KEYS), seconds=SECONDS)
    def is_looked_at(self, key: str, seconds: float) -> None:
        """By an event or a walk, after any time."""
        self.now += seconds
        self.look(key)

    @rule(seconds=SECONDS)
    def what_is_due_is_looked_at(self, seconds: float) -> None:
        """As the lookout does it: the law of rest is that this finds every file that rested."""
        self.now += seconds
        for key in self.tracker.due(self.now, limit=len(KEYS)):
            self.look(key)
        for key, (shape, since) in self.since.items():
            rested = self.files.get(key) == shape and since + SETTLE_SECONDS <= self.now
            assert not rested, "a file that rested was not taken"

    def look(self, key: str) -> None:
        shape = self.files.get(key)
        if shape is None:
            self.tracker.forget(key)
            self.since.pop(key, None)
            return
        told = self.tracker.observe(key, *shape, self.now)
        before = self.since.get(key)
        if before is None or before[0] != shape:
            self.since[key] = (shape, self.now)
            assert told == self.now + SETTLE_SECONDS, "whatever changed, or is new, waits its whole time"
        elif self.now >= before[1] + SETTLE_SECONDS:
            assert told is None, "what rested is taken"
            self.tracker.forget(key)
            del self.since[key]
        else:
            assert told == before[1] + SETTLE_SECONDS, "what rests is not taken before its time, nor made to wait anew"

    @invariant()
    def waits_for_exactly_what_was_seen(self) -> None:
        assert len(self.tracker) == len(self.since)
        assert all(key in self.tracker for key in self.since)
        moments = [since + SETTLE_SECONDS for _, since in self.since.values()]
        assert self.tracker.next_due() == min(moments, default=None)
        due = self.tracker.due(self.now, limit=len(KEYS))
        assert set(due) == {key for key, (_, since) in self.since.items() if since + SETTLE_SECONDS <= self.now}


Recorder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class TestR5R6AFileIsTakenWhenItRestsAndNotBefore(Recorder.TestCase):  # type: ignore[misc]
    """Run by hypothesis."""

    def test_R5_R6_a_file_is_taken_when_it_rests_and_not_before(self) -> None:
        self.runTest()
