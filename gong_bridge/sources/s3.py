"""An S3 bucket, or any store that speaks S3, as a source of recordings.

No key and no time is kept as a cursor from one listing to the next: objects may be uploaded with equal times, appear
late, or vanish (R13).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC
from email.header import decode_header, make_header
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from gong_bridge import clock
from gong_bridge.config.schema import BucketSource, MoveTo
from gong_bridge.errors import BadMetadata, BridgeError, ConfigError, SourceGone, SourceUnavailable
from gong_bridge.model import ObjectFacts, Recording, SidecarFile
from gong_bridge.recording_page import RecordingPage
from gong_bridge.sources.base import Erased, Intake, Link, too_large_beside
from gong_bridge.sources.names import NameRules
from gong_bridge.sources.s3_client import RangeBody, etag_of, make_client, translated, version_of
from gong_bridge.sources.s3_events import Arrivals, QueueReader, describe_queue
from gong_bridge.sources.s3_file import BrokenBody, ObjectReader
from gong_bridge.sources.s3_health import BucketHealth
from gong_bridge.sources.s3_links import Presigner
from gong_bridge.sources.s3_pages import Found, Page, list_page, read_quickly
from gong_bridge.sources.s3_passes import Passes
from gong_bridge.sources.s3_removal import copies_of, delete_delivered, erase_keys, move_delivered

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READ_AHEAD_BYTES = 128 * 1024


class Bucket:
    """A Source: the objects of one bucket below one prefix. Keys are whole object keys.

    An object is complete when it can be listed, so nothing has to settle. Any thread may call any method.
    """

    def __init__(self, options: BucketSource) -> None:
        """Raises ConfigError when delivered recordings would be moved onto themselves. Does not touch the network."""
        self.name = options.name
        self._options = options
        self._bucket = options.bucket
        self._move_to: str | None = None
        if isinstance(options.after_upload, MoveTo):
            self._move_to = options.after_upload.move_to.strip("/") + "/"
            if options.prefix.startswith(self._move_to) or self._move_to == "/":
                raise ConfigError(
                    f"source {self.name}: after_upload.move_to holds the source's prefix; name another, such as done/"
                )
        self._names = NameRules(options.include, options.exclude, apart=self._move_to)
        self._presigner = Presigner(options)
        self._client_lock = threading.Lock()
        self._client_made: S3Client | None = None

    # --- finding --------------------------------------------------------------------------------------------------

    def run(self, intake: Intake, stop: threading.Event) -> None:
        """See Source.run. With `events` the queue is read beside the listing."""
        health = BucketHealth(self.name, intake, has_queue=self._options.events is not None)
        if self._options.events is None:
            self._passes().until(stop, intake, health, lambda: None)
            return
        reader = QueueReader(self._options, self._arrivals(), intake, health)
        reader.start()
        try:
            self._passes().until(stop, intake, health, reader.raise_failure)
        finally:
            reader.stop()

    def scan_once(self, intake: Intake, stop: threading.Event) -> int:
        """See Source.scan_once."""
        health = BucketHealth(self.name, intake, has_queue=False)
        return self._passes().whole(intake, stop, health, backlog_before=clock.now())

    def candidates(self) -> Generator[Recording, None, None]:
        """See Source.candidates."""
        for page in self._passes().pages():
            yield from self._recordings(page)

    def check(self) -> str:
        """One line on what is found there now (first page of keys). Raises SourceUnavailable."""
        page = self._page(self._options.prefix)
        region = self._client().meta.region_name
        below = f" below {self._options.prefix}" if self._options.prefix else ""
        count = f"{len(page.objects)} or more" if page.next_token else str(len(page.objects))
        queue = f"; {describe_queue(self._options)}" if self._options.events else ""
        found = f"{count} keys{below}, {len(self._recordings(page.objects))} recordings"
        return f"bucket {self._bucket} (region {region}): {found}{queue}"

    def _passes(self) -> Passes:
        return Passes(self._options, self._page, self._recordings)

    def _page(self, prefix: str, **asked: Any) -> Page:
        with translated(self._bucket):
            return list_page(self._client(), self._bucket, prefix, **asked)

    def _recordings(self, objects: Sequence[Found]) -> RecordingPage:
        taken = self._names.taken([found.key for found in objects])
        kept = [
            found
            for found, is_taken in zip(objects, taken, strict=True)
            if is_taken and found.size_bytes and found.key[-1] != "/"
        ]

        def made(place: int) -> Recording:
            key, modified_at, _, size_bytes = kept[place]
            return Recording(
                source=self.name, key=key, version=versions[place], size_bytes=size_bytes, modified_at=modified_at
            )

        versions = [version_of(found.size_bytes, found.etag) for found in kept]
        return RecordingPage(self.name, [found.key for found in kept], versions, made)

    # --- notifications --------------------------------------------------------------------------------------------

    def notified(self, body: str) -> list[Recording]:
        """See Source.notified."""
        return self._arrivals().recordings(body)

    def _arrivals(self) -> Arrivals:
        return Arrivals(
            bucket=self._bucket, prefix=self._options.prefix, takes=self._names.takes, look=self._look_at_key
        )

    def _look_at_key(self, key: str) -> Recording | None:
        # A listing of this one key, not HEAD: where s3:ListBucket is allowed below a prefix only, as
        # docs/operations.md has it, HEAD says 403 for an object that is gone, and the message would come for ever.
        found = self._page(key, most=1).objects
        return next((one for one in self._recordings(found) if one.key == key), None)

    # --- reading --------------------------------------------------------------------------------------------------

    def stat(self, key: str) -> Recording:
        """See Source.stat."""
        with self._telling_gone_from_away():
            head = self._client().head_object(Bucket=self._bucket, Key=key)
        return Recording(
            source=self.name,
            key=key,
            version=version_of(head["ContentLength"], head["ETag"]),
            size_bytes=head["ContentLength"],
            modified_at=head["LastModified"].astimezone(UTC),
        )

    def open(self, recording: Recording) -> BinaryIO:
        """See Source.open. The first MiB is fetched at once."""
        reader = ObjectReader(partial(self._open_range, recording), recording.size_bytes)
        reader.fetch_first_block()
        return cast(BinaryIO, io.BufferedReader(reader, _READ_AHEAD_BYTES))

    def read_beside(self, key: str, max_bytes: int) -> SidecarFile | None:
        """See Source.read_beside. Any object of the bucket may be asked for, also outside the prefix."""
        if not key or "\0" in key:
            raise BadMetadata("an object beside the recording is asked for by an empty or impossible key")
        try:
            with translated(self._bucket):
                answer = self._client().get_object(Bucket=self._bucket, Key=key)
                with closing(answer["Body"]) as body:
                    data = body.read(max_bytes + 1)
        except SourceGone:
            return None
        if len(data) > max_bytes:
            raise too_large_beside(key, max_bytes)
        return SidecarFile(key=key, data=data, modified_at=answer["LastModified"].astimezone(UTC))

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        """See Source.read_part. One request."""
        last = min(first + size_bytes, recording.size_bytes) - 1
        if last < first:
            return b""
        with closing(self._open_range(recording, first, last)) as body:
            try:
                return b"".join(iter(partial(body.read, last - first + 1), b""))
            except BrokenBody as error:
                raise SourceUnavailable(
                    f"bucket {self._bucket}: reading an object broke off; it is tried again"
                ) from error

    def describe(self, recording: Recording) -> ObjectFacts:
        """See Source.describe. Raises SourceChanged too. Tags that may not be read (s3:GetObjectTagging) are none."""
        with self._telling_gone_from_away():
            head = self._client().head_object(
                Bucket=self._bucket, Key=recording.key, IfMatch=etag_of(recording.version)
            )
        metadata = {name: _plain(value) for name, value in head["Metadata"].items()}
        tags: dict[str, str] = {}
        with suppress(BridgeError), translated(self._bucket):
            answer = self._client().get_object_tagging(Bucket=self._bucket, Key=recording.key)
            tags = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
        return ObjectFacts(metadata=metadata, tags=tags)

    def link(self, recording: Recording, *, content_type: str, file_name: str) -> Link:
        """See Source.link."""
        with self._telling_gone_from_away():
            return self._presigner.link(recording, content_type=content_type, file_name=file_name)

    def settle(self, recording: Recording) -> str:
        """See Source.settle."""
        if self._options.after_upload == "leave":
            return "left"
        with translated(self._bucket):
            if self._move_to is None:
                return delete_delivered(self._client(), self._bucket, recording)
            return move_delivered(self._client(), self._bucket, recording, self._moved_to(recording) or "")

    def _moved_to(self, recording: Recording) -> str | None:
        """The key to which after_upload moves it."""
        folder, slash, _ = self._options.prefix.rpartition("/")
        return None if self._move_to is None else self._move_to + recording.key.removeprefix(folder + slash)

    def places_of(self, recording: Recording) -> list[str]:
        """See Source.places_of."""
        return [f"s3://{self._bucket}/{key}" for key in self._copies(recording)]

    def erase(self, recording: Recording) -> Erased:
        """See Source.erase."""
        keys = self._copies(recording)
        with translated(self._bucket):
            return erase_keys(self._client(), self._bucket, keys)

    def _copies(self, recording: Recording) -> list[str]:
        with translated(self._bucket):
            keys = copies_of(self._client(), self._bucket, recording, self._moved_to(recording))
        if not keys:
            with suppress(SourceGone):  # a bucket that is away says the same of every key
                self.stat(recording.key)
        return keys

    def erase_beside(self, key: str) -> Erased:
        """See Source.erase_beside."""
        try:
            self.stat(key)
        except SourceGone:
            return Erased(count=0)
        with translated(self._bucket):
            return erase_keys(self._client(), self._bucket, [key])

    def _open_range(self, recording: Recording, first: int, last: int) -> RangeBody:
        with translated(self._bucket):
            answer = self._client().get_object(
                Bucket=self._bucket,
                Key=recording.key,
                Range=f"bytes={first}-{last}",
                IfMatch=etag_of(recording.version),
            )
        whole = first == 0 and last == recording.size_bytes - 1
        given = answer.get("ContentRange", "")
        if not given.startswith(f"bytes {first}-{last}/") and (given or not whole):
            # What came instead would be sent as if it were the recording
            answer["Body"].close()
            raise SourceUnavailable(
                f"bucket {self._bucket}: the store did not give the part of an object that was asked for "
                f"({'it knows no ranges' if not given else 'it gave another one'}); what lies between it and this "
                "machine (a proxy, a cache) must pass `Range` on; it is tried again"
            )
        return RangeBody(answer["Body"])

    @contextmanager
    def _telling_gone_from_away(self) -> Iterator[None]:
        """HEAD says 404 for a missing object and for a missing bucket alike; the second loses no recording."""
        try:
            with translated(self._bucket):
                yield
        except SourceGone:
            with translated(self._bucket):
                self._client().list_objects_v2(Bucket=self._bucket, Prefix=self._options.prefix, MaxKeys=1)
            raise

    def _client(self) -> S3Client:
        with self._client_lock:  # clients may be shared by threads, the sessions that make them may not
            if self._client_made is None:
                self._client_made = read_quickly(make_client(self._options))
            return self._client_made


def _plain(value: str) -> str:
    # S3 gives metadata that is not ASCII as MIME encoded words (RFC 2047)
    if not value.startswith("=?"):
        return value
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError):
        return value
