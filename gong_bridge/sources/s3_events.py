"""Reads a bucket's notifications from its SQS queue: each is a hint where to look, deleted once it is dealt with.

A message is deleted when what it led to is committed to the ledger, not after the upload (R16). What cannot be
understood is tried again with growing waits, then kept in the ledger with its raw body (R17). What cannot be looked
at now stays in the queue; the listing is the safety net for all of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from gong_bridge import clock
from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import BadNotification, BridgeError
from gong_bridge.kill_points import Point, reached
from gong_bridge.model import Notification, Recording
from gong_bridge.sources.base import Intake
from gong_bridge.sources.s3_event_shapes import ObjectEvent, events_of
from gong_bridge.sources.s3_health import BucketHealth
from gong_bridge.sources.s3_parallel import in_parallel
from gong_bridge.sources.sqs_client import make_queue_client, queue_translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

POLL_SECONDS = 20
"""The longest that SQS lets a request wait for messages."""
VISIBILITY_SECONDS = 120
"""How long a message that was read stays hidden from other readers, unless that is extended."""
WAITS_BEFORE_HELD_SECONDS = (10, 60)
"""How long a message that cannot be understood is left alone before each further look; then it is held."""
LONGEST_WAIT_SECONDS = 900
FIRST_WAIT_SECONDS = 5
LOOKS_AT_ONCE = 8
_MOST_MESSAGES = 10
_STOP_SECONDS = 0.5


class Arrivals:
    """Where a source looks for what its notifications name."""

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str,
        takes: Callable[[str], bool],
        look: Callable[[str], Recording | None],
    ) -> None:
        """`takes`: whether a key can be a recording. `look`: the recording that lies at a key now."""
        self._bucket = bucket
        self._prefix = prefix
        self._takes = takes
        self._look = look

    def wants(self, event: ObjectEvent) -> bool:
        """Whether there may be something to look at: in this bucket, below the prefix, not removed, no folder."""
        return event.bucket == self._bucket and event.change != "removed" and bool(self.keys(event))

    def keys(self, event: ObjectEvent) -> tuple[str, ...]:
        """The keys by which the event may mean an object of this source."""
        return tuple(key for key in event.keys if key.startswith(self._prefix) and not key.endswith("/"))

    def recording(self, event: ObjectEvent) -> Recording | None:
        """What lies there now, None for nothing or no recording. Raises SourceUnavailable."""
        for key in filter(self._takes, self.keys(event)):
            found = self._look(key)
            if found is not None:
                return found
        return None

    def recordings(self, body: str) -> list[Recording]:
        """The recordings that a message's body speaks of. Raises BadNotification, SourceUnavailable."""
        found = [self.recording(event) for event in events_of(body) if self.wants(event)]
        return [recording for recording in found if recording is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """One message and the events of this source in it; `bad` says why it could not be understood."""

    message: MessageTypeDef
    events: tuple[ObjectEvent, ...] = ()
    bad: BadNotification | None = None

    @property
    def times(self) -> int:
        """How often SQS has handed it out, this time included."""
        told = self.message.get("Attributes", {}).get("ApproximateReceiveCount")
        return int(told or len(WAITS_BEFORE_HELD_SECONDS) + 1)


@dataclass(kw_only=True, slots=True)
class _Dealt:
    """What became of a batch."""

    done: list[MessageTypeDef] = field(default_factory=list)
    later: list[tuple[MessageTypeDef, int]] = field(default_factory=list)
    arrived: int = 0
    refused: int = 0
    trouble: BridgeError | None = None


class QueueReader:
    """Reads the queue in a thread of its own from `start` to `stop`; several bridges may read one queue."""

    def __init__(
        self,
        options: BucketSource,
        arrivals: Arrivals,
        intake: Intake,
        health: BucketHealth,
        *,
        visibility_seconds: int = VISIBILITY_SECONDS,
    ) -> None:
        """`visibility_seconds`: how long what was read stays hidden; extended at each third of that while looked at."""
        self._visibility_seconds = visibility_seconds
        self._options = options
        self._url = options.events or ""
        self._arrivals = arrivals
        self._intake = intake
        self._health = health
        self._stopped = threading.Event()
        self._failure: Exception | None = None
        self._made: SQSClient | None = None
        self._thread = threading.Thread(target=self._run, name=f"queue {options.name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon. A request that waits for messages is left behind; what it still gets goes back to the queue."""
        self._stopped.set()
        self._thread.join(_STOP_SECONDS)

    def raise_failure(self) -> None:
        """Raise the bug that ended the thread, if one did, so that it is logged and everything begun anew."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            failures = 0
            while not self._stopped.is_set():
                try:
                    self._read_once()
                    failures = 0
                except BridgeError as error:
                    self._health.queue_failed(error.message)
                    clock.wait(self._stopped, min(60.0, FIRST_WAIT_SECONDS * 2.0**failures))
                    failures = min(failures + 1, 10)
        except Exception as error:
            self._failure = error

    def _read_once(self) -> None:
        began = clock.monotonic_seconds()
        messages = self._receive()
        if self._stopped.is_set():
            self._hide([(message, 0) for message in messages])
            return
        if not messages:
            self._health.queue_read(messages=0, arrived=0, refused=0)
            # A stand-in for SQS may not wait for messages; nobody shall be asked in a hot loop
            clock.wait(self._stopped, 1.0 - (clock.monotonic_seconds() - began))
            return
        reached(Point.QUEUE_READ)
        reads = [self._understood(message) for message in messages]
        try:
            dealt = self._deal_with(reads)
        except BridgeError:  # the ledger takes nothing now: the messages stay
            with suppress(BridgeError):
                self._hide([(read.message, _wait_seconds(read.times)) for read in reads])
            raise
        reached(Point.QUEUE_COMMITTED)
        self._delete(dealt.done)
        reached(Point.QUEUE_DELETED)
        self._hide(dealt.later)
        if dealt.trouble is not None:
            raise dealt.trouble
        self._health.queue_read(messages=len(dealt.done), arrived=dealt.arrived, refused=dealt.refused)

    def _understood(self, message: MessageTypeDef) -> _Read:
        try:
            events = events_of(message.get("Body", ""))
        except BadNotification as bad:
            return _Read(message=message, bad=bad)
        return _Read(message=message, events=tuple(event for event in events if self._arrivals.wants(event)))

    def _deal_with(self, reads: Sequence[_Read]) -> _Dealt:
        """Look at what they name and write it down; nothing is deleted here. Raises what the intake raises."""
        dealt = _Dealt()
        good = [read for read in reads if read.bad is None]
        events = list(dict.fromkeys(event for read in good for event in read.events))
        messages = [read.message for read in reads]
        looks = in_parallel(
            [partial(self._arrivals.recording, event) for event in events],
            threads=LOOKS_AT_ONCE,
            every_seconds=self._visibility_seconds / 3,
            meanwhile=lambda: self._keep_hidden(messages),
        )
        outcomes = dict(zip(events, looks, strict=True))
        found = {look.key: look for look in looks if isinstance(look, Recording)}
        dealt.arrived = self._intake.add_new(list(found.values()), backlog_before=clock.now())
        self._tell_those_who_wait(events)
        for read in good:
            failed = [look for event in read.events if isinstance(look := outcomes[event], BridgeError)]
            if failed:
                dealt.trouble = failed[0]
                dealt.later.append((read.message, _wait_seconds(read.times)))
            else:
                dealt.done.append(read.message)
        for read in reads:
            if read.bad is not None:
                self._refuse(read, read.bad, dealt)
        return dealt

    def _tell_those_who_wait(self, events: Sequence[ObjectEvent]) -> None:
        written = [key for event in events for key in self._arrivals.keys(event)]
        if written:
            self._intake.noticed(written)
        restored = [key for event in events if event.change == "restored" for key in self._arrivals.keys(event)]
        if restored:
            self._intake.restored(restored)

    def _refuse(self, read: _Read, bad: BadNotification, dealt: _Dealt) -> None:
        if read.times <= len(WAITS_BEFORE_HELD_SECONDS):
            dealt.later.append((read.message, WAITS_BEFORE_HELD_SECONDS[read.times - 1]))
            return
        notification = Notification(
            source=self._options.name,
            message_id=read.message.get("MessageId", ""),
            body=read.message.get("Body", ""),
            reason=f"a message of the queue cannot be understood: {bad.message}",
        )
        if self._intake.refuse(notification):
            dealt.done.append(read.message)
            dealt.refused += 1
        else:
            dealt.later.append((read.message, LONGEST_WAIT_SECONDS))

    # --- requests -------------------------------------------------------------------------------------------------

    def _client(self) -> SQSClient:
        if self._made is None:
            self._made = make_queue_client(self._options, self._url)
        return self._made

    def _receive(self) -> list[MessageTypeDef]:
        client = self._client()
        with queue_translated():
            answer = client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_MOST_MESSAGES,
                WaitTimeSeconds=POLL_SECONDS,
                VisibilityTimeout=self._visibility_seconds,
                AttributeNames=["ApproximateReceiveCount"],
            )
        return answer.get("Messages", [])

    def _delete(self, messages: Sequence[MessageTypeDef]) -> None:
        if not messages:
            return
        with queue_translated():
            # One that cannot be deleted comes again, and leads to nothing new
            self._client().delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"]} for number, one in enumerate(messages)
                ],
            )

    def _hide(self, messages: Sequence[tuple[MessageTypeDef, int]]) -> None:
        if not messages:
            return
        with queue_translated():
            self._client().change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": wait_seconds}
                    for number, (one, wait_seconds) in enumerate(messages)
                ],
            )

    def _keep_hidden(self, messages: Sequence[MessageTypeDef]) -> None:
        with suppress(BridgeError):  # another reader may then take them, too: twice the work, one entry
            self._hide([(message, self._visibility_seconds) for message in messages])


def describe_queue(options: BucketSource) -> str:
    """One line on the queue, for `check --online`. Raises SourceUnavailable."""
    client = make_queue_client(options, options.events or "")
    with queue_translated():
        wanted = client.get_queue_attributes(
            QueueUrl=options.events or "", AttributeNames=["ApproximateNumberOfMessages"]
        )
    return f"queue: {wanted['Attributes'].get('ApproximateNumberOfMessages', 'some')} messages wait"


def _wait_seconds(times: int) -> int:
    return int(min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(times - 1, 10)))
