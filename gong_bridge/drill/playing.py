"""Plays the scenes one after another or several at once, and says of each what came out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gong_bridge import clock
from gong_bridge.config.accounts import account_name
from gong_bridge.drill.judging import Arrival, CallKey, Ended, Seen, Verdict, Wanted, judge, quiet_day
from gong_bridge.drill.scenes import SCENES, Scene
from gong_bridge.drill.stage import Company, Stage
from gong_bridge.errors import ConfigError
from gong_bridge.model import Entry

AT_ONCE = 4
"""Scenes are mostly waiting; so many are played at the same time."""
_CALLS_A_RECORDING = 6
"""Requests that a recording may need when much goes wrong; more of them take longer at the configured rate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One scene and what came out. waited_seconds: the longest from a recording's being found to its being done."""

    scene: Scene
    verdict: Verdict
    waited_seconds: float
    attempts: int
    took_seconds: float

    @property
    def fine(self) -> bool:
        """Whether it came out as it must."""
        return self.verdict.fine


def check_names(names: Sequence[str]) -> None:
    """Raises ConfigError for a name that no scene has."""
    for name in names:
        if name not in {scene.name for scene in SCENES}:
            raise ConfigError(f"there is no scene {name!r}; gong-bridge drill --list shows them")


def chosen_scenes(company: Company, names: Sequence[str], *, quick: bool) -> list[Scene]:
    """Those of these (known) names, or all that this configuration can have. Raises ConfigError."""
    known = {scene.name: scene for scene in SCENES}
    for name in names:
        why = cannot_play(company, known[name])
        if why:
            raise ConfigError(f"scene {name} cannot be played: {why}")
    wanted = [known[name] for name in dict.fromkeys(names)]
    wanted = wanted or [one for one in SCENES if (one.quick or not quick) and not cannot_play(company, one)]
    return [known["quiet"], *(one for one in wanted if one.name != "quiet")]


def cannot_play(company: Company, scene: Scene) -> str:
    """Why this configuration has nothing to play the scene with; empty: it has."""
    buckets = company.buckets()
    there = {
        "any": True,
        "folder": bool(company.folders()),
        "bucket": bool(buckets),
        "links": any(one.delivery != "upload" for one in buckets),
        "queue": any(one.events is not None for one in buckets),
    }
    if there[scene.needs]:
        return ""
    return {
        "folder": "no source is a folder",
        "bucket": "no source is a bucket",
        "links": "no bucket is delivered by link",
        "queue": "no source has `events` (an SQS queue)",
    }[scene.needs]


def play_all(
    company: Company, scenes: Sequence[Scene], folder: Path, on_result: Callable[[Result], None]
) -> list[Result]:
    """Each scene in a folder of its own below `folder`; the first one says what the others must bring."""
    first = play(company, scenes[0], folder / scenes[0].name, None)
    on_result(first[0])
    lock = threading.Lock()

    def one(scene: Scene) -> Result | None:
        if company.stop.is_set():
            return None
        result, _ = play(company, scene, folder / scene.name, first[1])
        with lock:
            on_result(result)
        return result

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            return [first[0], *(result for result in pool.map(one, scenes[1:]) if result is not None)]
        except BaseException:
            company.stop.set()  # Ctrl-C: leaving the pool waits for the scenes that are being played
            raise


def play(
    company: Company, scene: Scene, folder: Path, calls: dict[CallKey, str | None] | None
) -> tuple[Result, dict[CallKey, str | None]]:
    """What came out of one scene, and its calls. `calls`: what must arrive; None: what its own recordings say."""
    began = clock.monotonic_seconds()
    with Stage(company, folder, delivery=scene.delivery, queue_alone=scene.queue_alone, repeats=scene.repeats) as stage:
        scene.before(stage)
        stage.begin()
        if scene.hands_over:
            stage.hand_over()
        scene.during(stage)
        in_time = stage.until_done(scene.patience_seconds + _allowance_seconds(company))
        seen = look_at(stage, scene, in_time=in_time)
    expected = quiet_day(seen) if calls is None else calls
    wanted = Wanted(calls=expected, persons=scene.persons, pauses=scene.pauses, keeps_attempts=scene.keeps_attempts)
    return Result(
        scene=scene,
        verdict=judge(seen, wanted),
        waited_seconds=max((one.waited_seconds for one in seen.ended), default=0.0),
        attempts=seen.attempts,
        took_seconds=clock.monotonic_seconds() - began,
    ), expected


def look_at(stage: Stage, scene: Scene, *, in_time: bool) -> Seen:
    """What the stand-ins hold, what the ledger says, and what became of the copies."""
    entries = stage.entries()
    left, missing = _copies(stage, entries)
    return Seen(
        arrivals=[
            Arrival(
                account=account_name(account), client_unique_id=call.client_unique_id,
                sha256=None if call.media is None else call.media.sha256, puts=call.media_puts,
            )
            for account, gong in stage.gongs.items()
            for call in gong.calls
        ],
        ended=[_ended(stage, entry) for entry in entries],
        given={(copy.source, copy.key): copy.sha256 for copy in stage.company.recordings},
        attempts=stage.watching.attempts,
        paused=stage.watching.paused,
        played=stage.played() if scene.has_trouble else None,
        left_lying=left,
        missing_copies=[] if scene.persons else missing,
        in_time=in_time,
    )  # fmt: skip


def _ended(stage: Stage, entry: Entry) -> Ended:
    draft, media = entry.draft or {}, entry.media or {}
    unique_id = draft.get("clientUniqueId")
    return Ended(
        source=entry.source,
        key=entry.key,
        state=str(entry.state),
        code=entry.reason_code,
        call=None if unique_id is None else (stage.account_of(entry.source), str(unique_id)),
        waited_seconds=(entry.updated_at - entry.found_at).total_seconds(),
        is_made=bool(media.get("conversion") or media.get("assembly")),
    )


def _copies(stage: Stage, entries: Sequence[Entry]) -> tuple[list[str], list[str]]:
    """Keys of copies that lie there although they were delivered and settled, and of those that are gone too early."""
    done = {(entry.source, entry.key) for entry in entries if entry.state == "done"}
    settles = {one.name for one in stage.config.sources if one.after_upload != "leave"}
    left, missing = [], []
    for copy in stage.company.recordings:
        there, delivered = stage.lies_there(copy), (copy.source, copy.key) in done
        if there and delivered and copy.source in settles:
            left.append(copy.key)
        if not there and not (delivered and copy.source in settles):
            grouped = any(one.key == copy.key and one.reason_code == "grouped" for one in entries)
            missing += [] if grouped else [copy.key]
    return left, missing


def _allowance_seconds(company: Company) -> float:
    """What the configured rate adds: a company with a small allowance waits longer."""
    by_account: dict[str | None, int] = {}
    for one in company.config.sources:
        count = sum(copy.source == one.name for copy in company.recordings)
        by_account[one.account] = by_account.get(one.account, 0) + count
    limits = {name: options.limits.our_calls_per_second for name, options in company.config.all_accounts.items()}
    return max((_CALLS_A_RECORDING * count / limits[name] for name, count in by_account.items()), default=0.0)
