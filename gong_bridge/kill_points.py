"""Names the moments at which a crash must do no harm, and kills this process at one of them when a proof asks for it.

`GONG_BRIDGE_KILL_AT=post-sent` (or `post-sent:3`: the third time) in the environment of any command. Without it a
kill point is one comparison. tests/proofs/test_crash_matrix.py dies at each of them; docs/reliability.md says what was
counted afterwards.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from enum import Enum

from gong_bridge.errors import ConfigError

VARIABLE = "GONG_BRIDGE_KILL_AT"


class Point(Enum):
    """A moment between two writes, or between an effect and its note: its word, and what is true just then."""

    # finding
    SEEN = "seen", "recordings were found, and none of them is written down"
    FOUND = "found", "recordings are written down, and nobody has taken them"
    QUEUE_READ = "queue-read", "messages were read from the queue, and nothing of them is written down"
    QUEUE_COMMITTED = "queue-committed", "what messages name is written down, and they are still in the queue"
    QUEUE_DELETED = "queue-deleted", "messages were deleted from the queue"
    BACKFILL_LISTED = "backfill-listed", "an order to bring in old recordings was listed, and nothing of it taken"
    BACKFILL_TAKEN = "backfill-taken", "a batch of old recordings is written down and counted"

    # from found to drafted
    CLAIMED = "claimed", "a recording is leased to this process"
    HEARTBEAT = "heartbeat", "the leases of this process were just prolonged"
    PROBED = "probed", "its media was looked into, and nothing of that is written down"
    GROUP_REPORTED = "group-reported", "a file is written down as one of a call's files"
    GROUP_CHOSEN = "group-chosen", "of a call's files it is written down who leads and who follows"
    DRAFTED = "drafted", "the request to Gong is written down, and not sent"
    OUTCOME_UNWRITTEN = "outcome-unwritten", "a step failed, and what that means is not written down"

    # from drafted to created
    LINK_MADE = "link-made", "a presigned link exists, and is written down nowhere"
    CREATE_INTENDED = "create-intended", "it is written down that the call is about to be created"
    POST_SENT = "post-sent", "the last byte of POST /v2/calls has left, with the link if there is one"
    POST_ANSWERED = "post-answered", "Gong's answer has come, and was not read"
    CALL_UNSTORED = "call-unstored", "the call's id is known to this process, and is written down nowhere"
    CALL_FOUND = "call-found", "the call of an earlier request was found in Gong, and that is not written down"
    CREATED = "created", "the call's id is written down, and no media was sent"

    # from created to delivered
    CONVERTING = "converting", "what is to be sent is being converted, or made of several files"
    CONVERTED = "converted", "the conversion is whole, and nothing of it was sent"
    UPLOAD_INTENDED = "upload-intended", "it is written down that the media is about to be sent"
    BODY_1 = "body-1-percent", "one hundredth of the media has left"
    BODY_50 = "body-50-percent", "half of the media has left"
    BODY_100 = "body-100-percent", "all of the media has left, but not the end of the request"
    MEDIA_SENT = "media-sent", "the last byte of the request with the media has left"
    MEDIA_ANSWERED = "media-answered", "Gong's answer to the media has come, and was not read"
    MEDIA_UNSTORED = "media-unstored", "Gong has taken the media, and that is not written down"
    MEDIA_CONFIRMED = "media-confirmed", "Gong was asked and has the media already, and that is not written down"
    DELIVERED = "delivered", "it is written down that Gong has the media; the source is untouched"

    # from delivered to done
    SHARE_SENT = "share-sent", "the last byte of the request that shares the call with users has left"
    SHARE_UNSTORED = "share-unstored", "Gong has given users access to the call, and that is not written down"
    SHARED = "shared", "it is written down that users have access to the call; the source is untouched"
    DELETE_CHECKED = "delete-checked", "the file is what was delivered, and is about to be deleted"
    DELETED = "deleted", "the file is deleted, and that is not written down"
    MOVE_RESERVED = "move-reserved", "an empty file holds the name to which the recording is moved"
    MOVED = "moved", "the file was renamed, and that is not written down"
    COPY_BEGUN = "copy-begun", "a part of the file was copied to another disk"
    COPY_WHOLE = "copy-whole", "the copy is on the other disk, under a hidden name"
    COPY_PLACED = "copy-placed", "the copy has its name, and the original is still there"
    OBJECT_COPIED = "object-copied", "the object was copied to its new key, and the original is still there"
    OBJECT_REMOVED = "object-removed", "the object was deleted, and that is not written down"
    FOLLOWER_SETTLED = "follower-settled", "of a call's files one was removed, and the leading one was not"

    # erasing a person
    PERSON_LISTED = "person-listed", "somebody is on the list of erased people, and nothing of them is erased"
    PERSON_PURGED = "person-purged", "Gong was told to erase somebody, and the ledger still names them"
    PERSON_TAKEN_OUT = "person-taken-out", "somebody was taken out of the ledger, and their recordings are there"
    RECORDING_ERASED = "recording-erased", "a recording was deleted, and its name is still in the ledger"

    # the ledger itself
    LEDGER_MADE = "ledger-made", "the ledger's file is empty (SQLite)"
    REVISION_APPLIED = "revision-applied", "a revision of the tables was made, and is not committed"
    MIGRATED = "migrated", "the tables are up to date, and nothing else was done"
    MOVE_BEGUN = "ledger-move-begun", "both ledgers know that one is moved to the other, and nothing is copied"
    MOVE_BATCH = "ledger-move-batch", "a batch of rows is in the new ledger"
    MOVE_COMPARED = "ledger-move-compared", "everything is copied and compared; bridges refuse both ledgers"
    MOVE_OPENED = "ledger-move-opened", "the new ledger may be used, and the old one does not say where it went"

    def __init__(self, word: str, meaning: str) -> None:
        self.word = word
        self.meaning = meaning


class _Armed:
    """The point at which this process is to die, and how often it must still be reached."""

    def __init__(self, point: Point, times: int, die: Callable[[], None]) -> None:
        self._point = point
        self._left = times
        self._die = die
        self._lock = threading.Lock()

    def reached(self, point: Point) -> None:
        if point is not self._point:
            return
        with self._lock:
            self._left -= 1
            is_now = self._left == 0
        if is_now:
            self._die()


_armed: _Armed | None = None


def reached(point: Point) -> None:
    """The process is at `point`; it may not come back from here."""
    if _armed is not None:
        _armed.reached(point)


def kill_this_process() -> None:
    """What a power cut does to a process: no handler, no `finally`, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(wanted: str | None, die: Callable[[], None] = kill_this_process) -> None:
    """From now on `die` at the point that `wanted` names ("name" or "name:times"); None and "": at none.

    Raises ConfigError for a name that is not in the table: a proof that kills nothing proves nothing.
    """
    global _armed
    word, _, times = (wanted or "").partition(":")
    points = {point.word: point for point in Point}
    if not word:
        _armed = None
        return
    if word not in points or not (times or "1").isdecimal() or int(times or 1) < 1:
        raise ConfigError(f"{VARIABLE}={wanted}: write a name or name:times; the names are {', '.join(points)}")
    _armed = _Armed(points[word], int(times or 1), die)
