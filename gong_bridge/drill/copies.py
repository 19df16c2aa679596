"""Copies of the user's recordings, and of what describes them: the only files that a drill works on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gong_bridge.sandbox.store import Store, StoredObject, etag_of_file
from gong_bridge.sources.beneath import safe_parts
from gong_bridge.sources.names import key_to_bytes

_PART = ".gong-bridge-drill.part"


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """One file or object, copied to `path`, which nobody changes.

    place: empty for the source itself, else the name of its place of sidecars. is_recording: else it describes one.
    """

    source: str
    place: str
    key: str
    path: Path
    size_bytes: int
    sha256: str
    modified_at: datetime
    is_recording: bool
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def stored(self) -> StoredObject:
        """As the stand-in for S3 keeps it."""
        return StoredObject(
            path=self.path, size_bytes=self.size_bytes, etag=etag_of_file(self.path),
            modified_at=self.modified_at.replace(microsecond=0), metadata=self.metadata, tags=self.tags,
        )  # fmt: skip


class Bank:
    """The folder in which the copies lie, under numbers: the keys of recordings are hostile."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0

    def keep(
        self,
        pieces: Iterable[bytes],
        *,
        source: str,
        key: str,
        modified_at: datetime,
        is_recording: bool,
        place: str = "",
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Copy:
        """Write the pieces down, and say what they are together."""
        self._count += 1
        path = self._folder / f"{self._count:06}"
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        nanoseconds = int(modified_at.astimezone(UTC).timestamp() * 1e6) * 1000
        os.utime(path, ns=(nanoseconds, nanoseconds))
        return Copy(
            source=source, place=place, key=key, path=path, size_bytes=path.stat().st_size, sha256=digest.hexdigest(),
            modified_at=modified_at, is_recording=is_recording, metadata=metadata or {}, tags=tags or {},
        )  # fmt: skip


def put_into_folder(root: Path, copy: Copy) -> None:
    """A hard link where the recorder would have put it, under a temporary name first, then renamed.

    The bridge opens recordings for reading only, so the copy that the link shares stays what it is.
    """
    target = path_in(root, copy.key)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / _PART
    part.unlink(missing_ok=True)
    part.hardlink_to(copy.path)
    if target.exists():  # a table that several recordings share
        part.unlink()
        return
    part.rename(target)


def path_in(root: Path, key: str) -> Path:
    """Where a key lies below `root`. Raises BadMetadata for one that would leave it."""
    return root.joinpath(*(os.fsdecode(part) for part in safe_parts(key_to_bytes(key))))


def put_into_store(store: Store, bucket: str, prefix: str, copy: Copy) -> StoredObject:
    """The same in a bucket of the stand-in."""
    stored = copy.stored()
    store.put(bucket, prefix + copy.key, stored)
    return stored
