"""The scenes of a drill: what goes wrong in each, what must come out all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gong_bridge.drill import troubles
from gong_bridge.drill.stage import Stage

Trouble = Callable[[Stage], None]
"""Plays a part of a scene's trouble."""


def _nothing(stage: Stage) -> None:
    """The trouble is prepared beforehand, or there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One thing that goes wrong.

    before: what is prepared before recordings appear; during: what is played while the bridge works. needs: which
    sources it is about. persons, pauses, keeps_attempts: see judging.Wanted. hands_over: False where `during` does.
    patience_seconds: how long everything may take from then on. delivery, queue_alone, repeats: see stage.Stage.
    """

    name: str
    does: str
    must: str
    before: Trouble = _nothing
    during: Trouble = _nothing
    needs: Literal["any", "folder", "bucket", "links", "queue"] = "any"
    quick: bool = False
    persons: int = 0
    pauses: bool = False
    keeps_attempts: bool = False
    has_trouble: bool = True
    hands_over: bool = True
    delivery: Literal["upload", "link"] = "upload"
    queue_alone: bool = False
    repeats: int = 1
    patience_seconds: float = 60.0


SCENES: tuple[Scene, ...] = (
    Scene(
        name="quiet",
        quick=True,
        has_trouble=False,
        does="nothing goes wrong: what every other scene is compared with",
        must="every recording arrives once",
    ),
    Scene(
        name="rate-limit",
        quick=True,
        before=troubles.rate_limit,
        keeps_attempts=True,
        does="Gong answers 429, then 503, each with Retry-After",
        must="all wait as long as asked; no attempt is spent",
    ),
    Scene(
        name="server-errors",
        quick=True,
        before=troubles.server_errors,
        does="Gong answers 500 to every first request, and 502, 503 and 504 to some that took effect",
        must="repeated where nothing happened, looked up where something did",
    ),
    Scene(
        name="cut-before",
        before=troubles.cut_before,
        does="connections are cut before Gong has done anything, and in the middle of recordings",
        must="each recording is sent again from its first byte",
    ),
    Scene(
        name="cut-after",
        quick=True,
        before=troubles.cut_after,
        does="connections are cut when Gong has done what was asked: each first answer is lost",
        must="nothing is created or sent a second time",
    ),
    Scene(
        name="slow",
        before=troubles.slow,
        does="Gong does what is asked and answers too late",
        must="nothing is created or sent a second time",
    ),
    Scene(
        name="garbage",
        before=troubles.garbage,
        patience_seconds=90.0,
        does="Gong's answers are a proxy's error page, though with 200",
        must="nobody is fooled; nothing is created or sent a second time",
    ),
    Scene(
        name="truncated",
        before=troubles.truncated,
        does="Gong's answers stop half way",
        must="nothing is created or sent a second time",
    ),
    Scene(
        name="keys-refused",
        before=troubles.keys_refused,
        during=troubles.until_paused,
        pauses=True,
        keeps_attempts=True,
        does="Gong answers 401 to everything for a while",
        must="the bridge pauses, and goes on by itself; no attempt is spent",
    ),
    Scene(
        name="no-dns",
        before=troubles.name_forgotten,
        during=troubles.until_paused,
        pauses=True,
        keeps_attempts=True,
        does="the name of Gong's host cannot be looked up for a while",
        must="the bridge pauses, and goes on by itself; no attempt is spent",
    ),
    Scene(
        name="gong-down",
        before=troubles.gong_stops,
        during=troubles.gong_starts_again,
        keeps_attempts=True,
        does="nobody listens at Gong's address for a while",
        must="all wait; no attempt is spent",
    ),
    Scene(
        name="vanished",
        before=troubles.media_fails,
        during=troubles.vanishes,
        persons=1,
        does="somebody removes a recording when its call is created, but before it is sent",
        must="that one is held for a person, and all others arrive",
    ),
    Scene(
        name="folder-away",
        needs="folder",
        before=troubles.media_fails,
        during=troubles.folders_away,
        does="the recorder's folder vanishes and comes back, as a mount does",
        must="nothing counts as gone; every recording arrives",
    ),
    Scene(
        name="s3-slow-down",
        needs="bucket",
        before=troubles.slow_down,
        during=troubles.store_recovers,
        keeps_attempts=True,
        does="the store answers SlowDown to everything for a while",
        must="recordings are found and read later; no attempt is spent",
    ),
    Scene(
        name="s3-broken-ranges",
        needs="bucket",
        before=troubles.broken_ranges,
        does="the store breaks off in the middle of objects, and gives the whole where a part was asked for",
        must="what arrives is the recording, byte for byte",
    ),
    Scene(
        name="s3-links",
        needs="links",
        before=troubles.slow_down,
        during=troubles.store_recovers,
        delivery="link",
        patience_seconds=150.0,
        does="recordings are delivered by link, while the store answers SlowDown for a while",
        must="Gong has each recording once, by its link",
    ),
    Scene(
        name="sqs-redelivery",
        needs="queue",
        before=troubles.redelivery,
        during=troubles.told_by_the_queue,
        hands_over=False,
        queue_alone=True,
        repeats=3,
        does="each message of the queue comes three times, newest first; reading and deleting fail at times",
        must="one call for each recording",
    ),
)
"""In the order in which they are shown."""
