"""Objects of a stand-in for S3: what a bridge asks of a bucket, kept as files that are only read.

Strict where a bridge could be wrong without noticing: ranges and If-Match are obeyed, listings come in pages, a copy
and a deletion change the listing and never the files.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

_PIECE_BYTES = 1 << 20


class StoreRefusal(Exception):
    """The request is refused: the HTTP status, and S3's word for it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One object. `etag` without quotes; `modified_at` aware."""

    path: Path
    size_bytes: int
    etag: str
    modified_at: datetime
    content_type: str = "binary/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPage:
    """A page of a listing in the order of keys; `next_token` when there is more."""

    objects: Sequence[tuple[str, StoredObject]]
    prefixes: Sequence[str]
    next_token: str | None


class Store:
    """Buckets and their objects; thread-safe."""

    def __init__(self, *, page_keys: int = 1000) -> None:
        """`page_keys`: so many keys, at most, are on a page, whatever is asked for."""
        self._lock = threading.Lock()
        self._page_keys = page_keys
        self._buckets: dict[str, dict[str, StoredObject]] = {}

    def add_bucket(self, bucket: str) -> None:
        """A bucket, empty unless it is there already."""
        with self._lock:
            self._buckets.setdefault(bucket, {})

    def put(self, bucket: str, key: str, stored: StoredObject) -> None:
        """Put an object there, in place of the one that was."""
        with self._lock:
            self._bucket(bucket)[key] = stored

    def keys(self, bucket: str) -> list[str]:
        """All keys of a bucket."""
        with self._lock:
            return sorted(self._bucket(bucket))

    def get(self, bucket: str, key: str, *, if_match: str | None = None) -> StoredObject:
        """The object, if its ETag is `if_match`. Raises StoreRefusal."""
        with self._lock:
            stored = self._bucket(bucket).get(key)
        if stored is None:
            raise StoreRefusal(404, "NoSuchKey")
        if if_match is not None and if_match.strip('"') != stored.etag:
            raise StoreRefusal(412, "PreconditionFailed")
        return stored

    def delete(self, bucket: str, key: str) -> None:
        """Forget the object; its file stays. No object there: nothing happens, as with S3."""
        with self._lock:
            self._bucket(bucket).pop(key, None)

    def copy(self, source: tuple[str, str], bucket: str, key: str, changed: StoredObject) -> None:
        """Another object of the same content. `changed`: the original with other metadata. Raises StoreRefusal."""
        original = self.get(*source)
        copied = replace(changed, path=original.path, size_bytes=original.size_bytes, etag=original.etag)
        self.put(bucket, key, copied)

    def list(self, bucket: str, *, prefix: str, after: str, delimiter: str, most: int) -> ListedPage:
        """What begins with `prefix` and sorts behind `after` by its UTF-8 bytes. Raises StoreRefusal."""
        with self._lock:
            objects = dict(self._bucket(bucket))
        most = min(most, self._page_keys)
        found: list[tuple[str, StoredObject]] = []
        prefixes: list[str] = []
        last = ""
        for key in sorted(objects, key=str.encode):
            common = _common_prefix(key, prefix, delimiter)
            if not key.startswith(prefix) or key.encode() <= after.encode() or common in prefixes:
                continue
            if common and after.startswith(common):
                continue
            if len(found) + len(prefixes) == most:
                return ListedPage(objects=found, prefixes=prefixes, next_token=last)
            last = common or key
            if common:
                prefixes.append(common)
            else:
                found.append((key, objects[key]))
        return ListedPage(objects=found, prefixes=prefixes, next_token=None)

    def _bucket(self, bucket: str) -> dict[str, StoredObject]:
        try:
            return self._buckets[bucket]
        except KeyError:
            raise StoreRefusal(404, "NoSuchBucket") from None


def etag_of_file(path: Path) -> str:
    """What S3 gives to an object that was uploaded in one piece: its MD5 in hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def range_of(header: str, size_bytes: int) -> tuple[int, int]:
    """First and last byte, both included, that `Range: bytes=A-B` asks for. Raises StoreRefusal (416)."""
    unit, _, span = header.partition("=")
    first, dash, last = span.partition("-")
    if unit.strip() != "bytes" or not dash or not first.isdecimal() or not (last.isdecimal() or not last):
        raise StoreRefusal(416, "InvalidRange")
    begin, end = int(first), min(int(last) if last else size_bytes - 1, size_bytes - 1)
    if begin > end:
        raise StoreRefusal(416, "InvalidRange")
    return begin, end


def _common_prefix(key: str, prefix: str, delimiter: str) -> str:
    if not delimiter or not key.startswith(prefix):
        return ""
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + found if found else ""
