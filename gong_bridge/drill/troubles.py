"""What goes wrong in the scenes of a drill: each function plays one trouble, or ends it."""

from __future__ import annotations

from gong_bridge.drill.stage import Stage
from gong_bridge.model import State
from gong_bridge.sandbox.options import Fault

TROUBLE_SECONDS = 4.0
"""How long a trouble lasts that does not end by itself."""
NOTICED_SECONDS = 30.0
"""How long a scene waits for the bridge to notice its trouble."""


def gong(operation: str, kind: str, times: int | None = 1, **more: object) -> Fault:
    """One rule of trouble at the stand-in for Gong."""
    return Fault.from_json({"operation": operation, "kind": kind, "times": times, **more})


def rate_limit(stage: Stage) -> None:
    stage.gong_plays(
        gong("*", "status", 4, status=429, retry_after="1"),
        gong("addCallRecording", "status", 2, status=429, retry_after="1"),
        gong("*", "status", 2, status=503, retry_after="1", skip=2),
    )


def server_errors(stage: Stage) -> None:
    stage.gong_plays(
        gong("listUsers", "status", 1, status=500),
        gong("addCall", "status", stage.count, status=500),
        gong("addCall", "status_after", 1, status=502),
        gong("addCall", "status_after", 1, status=503, retry_after="1"),
        gong("addCallRecording", "status", stage.count, status=500),
        gong("addCallRecording", "status_after", 1, status=504),
        gong("addCallRecording", "status_after", 1, status=503, retry_after="1"),
    )


def cut_before(stage: Stage) -> None:
    stage.gong_plays(
        gong("addCall", "drop_before", stage.count),
        gong("addCallRecording", "drop_before", stage.count, after_bytes=20_000),
    )


def cut_after(stage: Stage) -> None:
    stage.gong_plays(gong("addCall", "drop_after", stage.count), gong("addCallRecording", "drop_after", stage.count))


def slow(stage: Stage) -> None:
    few = min(stage.count, 3)
    stage.gong_plays(gong("addCall", "slow", few, seconds=4.0), gong("addCallRecording", "slow", few, seconds=4.0))


def garbage(stage: Stage) -> None:
    # One of each: a recording that pauses everything twice lets the others go first for a minute.
    stage.gong_plays(*(gong(operation, "garbage", 1) for operation in ("listUsers", "addCall", "addCallRecording")))


def truncated(stage: Stage) -> None:
    stage.gong_plays(
        gong("addCall", "truncated", stage.count), gong("addCallRecording", "truncated", stage.count, after_bytes=20)
    )


def keys_refused(stage: Stage) -> None:
    stage.gong_plays(gong("*", "status", None, status=401))


def until_paused(stage: Stage) -> None:
    stage.wait_until(lambda: stage.is_paused, NOTICED_SECONDS)
    stage.watching.pauses(stage.is_paused)
    stage.wait(TROUBLE_SECONDS)
    stage.gong_recovers()
    stage.name.forgotten.clear()


def name_forgotten(stage: Stage) -> None:
    stage.name.forgotten.set()


def gong_stops(stage: Stage) -> None:
    for one in stage.gongs.values():
        one.stop()


def gong_starts_again(stage: Stage) -> None:
    stage.wait(TROUBLE_SECONDS)
    stage.met += any(entry.reason_code for entry in stage.entries())
    for one in stage.gongs.values():
        one.start()


def media_fails(stage: Stage) -> None:
    stage.gong_plays(gong("addCallRecording", "status", None, status=503, retry_after="1"))


def vanishes(stage: Stage) -> None:
    stage.wait_until(lambda: any(entry.state is State.CREATED for entry in stage.entries()), NOTICED_SECONDS)
    victim = next((entry for entry in stage.entries() if entry.state is State.CREATED), None)
    if victim is not None:
        stage.take_away(victim.source, victim.key)
        stage.met += 1
        # Until it is missed: an upload under way has its file open, and would still arrive.
        stage.wait_until(lambda: any(entry.state is State.HELD for entry in stage.entries()), NOTICED_SECONDS)
    stage.gong_recovers()


def folders_away(stage: Stage) -> None:
    stage.wait_until(lambda: any(entry.state is State.CREATED for entry in stage.entries()), NOTICED_SECONDS)
    for source in stage.company.folders():
        stage.away(source, back=False)
    stage.gong_recovers()
    stage.wait(TROUBLE_SECONDS)
    for source in stage.company.folders():
        stage.away(source, back=True)


def store(stage: Stage, *faults: Fault) -> None:
    stage.store.play(*faults)


def slow_down(stage: Stage) -> None:
    for operation in ("listObjectsV2", "getObject", "headObject"):
        store(stage, Fault(operation=operation, kind="status", times=None, status=503, body="SlowDown"))


def store_recovers(stage: Stage) -> None:
    stage.wait(TROUBLE_SECONDS)
    stage.store.play_no_faults()


def broken_ranges(stage: Stage) -> None:
    store(
        stage,
        Fault(operation="getObject", kind="truncated", times=2 * stage.count, after_bytes=5_000),
        Fault(operation="getObject", kind="drop_before", times=stage.count),
        Fault(operation="getObject", kind="ignore_range", times=stage.count),
        Fault(operation="headObject", kind="drop_before", times=1),
    )


def redelivery(stage: Stage) -> None:
    store(
        stage,
        Fault(operation="receiveMessage", kind="status", status=500, body="InternalFailure"),
        Fault(operation="deleteMessageBatch", kind="status", times=2, status=500, body="InternalFailure"),
        Fault(operation="deleteMessageBatch", kind="drop_before", times=1),
    )


def told_by_the_queue(stage: Stage) -> None:
    """The first listing finds nothing, the next one comes too late: the queue alone tells of the recordings."""
    queues = [one.name for one in stage.company.buckets() if one.events is not None]

    def listed() -> bool:
        return set(queues) <= {one.source for one in stage.bridge.ledger.notes.health() if one.last_scan_at}

    stage.wait_until(listed, NOTICED_SECONDS)
    stage.hand_over()
    stage.wait_until(lambda: not any(queue.waiting for queue in stage.store.queues.values()), NOTICED_SECONDS)
