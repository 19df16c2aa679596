"""Taking a delivered object out of its place: delete it, or move it to another prefix without overwriting (R30)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

from gong_bridge.kill_points import Point, reached
from gong_bridge.model import Recording
from gong_bridge.sources.base import Erased
from gong_bridge.sources.s3_client import etag_of, version_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

# The ETag of a copy is not the original's (uploads in parts, KMS), so a copy carries the version it was made of
_MOVED_VERSION = "gong-bridge-version"


def delete_delivered(client: S3Client, bucket: str, recording: Recording) -> str:
    """Delete the object if it still is this version. "deleted" (also when it is gone), "changed".

    Raises what boto3 raises.
    """
    lies_there = _head(client, bucket, recording.key)
    if lies_there is None:
        return "deleted"
    if _version(lies_there) != recording.version:
        return "changed"
    client.delete_object(Bucket=bucket, Key=recording.key)
    reached(Point.OBJECT_REMOVED)
    return "deleted"


def move_delivered(client: S3Client, bucket: str, recording: Recording, target: str) -> str:
    """Copy the object to the key `target`, then delete it. "moved", "changed". Raises what boto3 raises.

    May be repeated after a crash at any point. A key that is taken by something else gets a number: x.wav, x.1.wav.
    """
    lies_there = _head(client, bucket, recording.key)
    if lies_there is not None and _version(lies_there) != recording.version:
        return "changed"
    for key in _keys(target):
        copied = _head(client, bucket, key)
        if copied is None:
            break
        if copied["Metadata"].get(_MOVED_VERSION) == _mark(recording):
            if lies_there is not None:
                client.delete_object(Bucket=bucket, Key=recording.key)
            return "moved"
    if lies_there is None:
        return "changed"
    client.copy_object(
        Bucket=bucket,
        Key=key,
        CopySource={"Bucket": bucket, "Key": recording.key},
        CopySourceIfMatch=etag_of(recording.version),
        MetadataDirective="REPLACE",
        Metadata={**lies_there["Metadata"], _MOVED_VERSION: _mark(recording)},
        ContentType=lies_there.get("ContentType", "binary/octet-stream"),
    )
    reached(Point.OBJECT_COPIED)
    client.delete_object(Bucket=bucket, Key=recording.key)
    reached(Point.OBJECT_REMOVED)
    return "moved"


def copies_of(client: S3Client, bucket: str, recording: Recording, target: str | None) -> list[str]:
    """The keys under which exactly this version lies: its own, and `target` where it was moved.

    Raises what boto3 raises.
    """
    lies_there = _head(client, bucket, recording.key)
    found = [recording.key] if lies_there is not None and _version(lies_there) == recording.version else []
    for key in _keys(target) if target is not None else ():
        copied = _head(client, bucket, key)
        if copied is None:
            break
        if copied["Metadata"].get(_MOVED_VERSION) == _mark(recording):
            found.append(key)
    return found


def erase_keys(client: S3Client, bucket: str, keys: Sequence[str]) -> Erased:
    """Delete these objects. A bucket that keeps versions only hides them, and says so. Raises what boto3 raises."""
    answers = [client.delete_object(Bucket=bucket, Key=key) for key in keys]
    return Erased(count=len(keys), versions_stay=any("VersionId" in answer for answer in answers))


def _mark(recording: Recording) -> str:
    return recording.version.encode("ascii", "backslashreplace").decode("ascii")


def _version(head: HeadObjectOutputTypeDef) -> str:
    return version_of(head["ContentLength"], head["ETag"])


def _head(client: S3Client, bucket: str, key: str) -> HeadObjectOutputTypeDef | None:
    from botocore.exceptions import ClientError

    try:
        return client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return None
        raise


def _keys(target: str) -> Iterator[str]:
    stem, suffix = posixpath.splitext(target)
    yield target
    for number in count(1):
        yield f"{stem}.{number}{suffix}"
