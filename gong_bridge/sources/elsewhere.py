"""Folders and buckets that hold sidecars only, read by the code that reads sources."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gong_bridge.config.places import SidecarBucket, SidecarFolder
from gong_bridge.config.schema import BucketSource, FolderSource
from gong_bridge.errors import SourceUnavailable
from gong_bridge.model import Recording, SidecarFile
from gong_bridge.sources.base import Source
from gong_bridge.sources.beneath import opened_root


class Elsewhere:
    """One place of sidecars. Keys are paths below the folder, or object keys without the prefix.

    Any thread may call any method. What is asked of it is what is asked of a Source.
    """

    def __init__(self, name: str, options: SidecarFolder | SidecarBucket) -> None:
        """`name` is the one in bridge.yaml. Does not touch the network."""
        self.name = name
        self._options = options
        self._prefix = options.prefix if isinstance(options, SidecarBucket) else ""
        self._source = _source(name, options)

    def read_beside(self, key: str, max_bytes: int) -> SidecarFile | None:
        """See Source.read_beside."""
        with self._named():
            return self._source.read_beside(self._prefix + key, max_bytes)

    def stat(self, key: str) -> Recording:
        """See Source.stat."""
        with self._named():
            return self._source.stat(self._prefix + key)

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        """See Source.read_part."""
        with self._named():
            return self._source.read_part(recording, first, size_bytes)

    def check(self) -> str:
        """One line on whether it can be read. Raises SourceUnavailable."""
        if isinstance(self._options, SidecarFolder):
            with self._named(), opened_root(str(self._options.folder)):
                return f"folder {self._options.folder} can be read"
        with self._named():
            self._source.check()
        return f"bucket {self._options.bucket} can be read"

    @contextmanager
    def _named(self) -> Iterator[None]:
        """A folder or bucket that is away is told with the name that bridge.yaml gives it."""
        try:
            yield
        except SourceUnavailable as error:
            if type(error) is not SourceUnavailable:
                raise
            raise SourceUnavailable(
                f"sidecars {self.name}: {error.message}", wait_seconds=error.wait_seconds
            ) from error


def _source(name: str, options: SidecarFolder | SidecarBucket) -> Source:
    if isinstance(options, SidecarFolder):
        from gong_bridge.sources.folder import Folder

        return Folder(FolderSource(name=name, mapping="none", folder=options.folder))
    from gong_bridge.sources.s3 import Bucket

    return Bucket(BucketSource(name=name, mapping="none", **options.model_dump()))
