"""What is sent to Gong: the recording itself, or its conversion in a temporary file."""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gong_bridge.config.schema import MediaOptions
from gong_bridge.media.assembly import Assembly, Piece
from gong_bridge.media.probe import MediaProbe
from gong_bridge.media.rules import Conversion, container_content_type, container_suffix

_NAME = re.compile(r"gong-bridge-(\d+)-[0-9a-f]{32}\.[a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """Something to upload: `open` gives it from the first byte, as often as it is called."""

    open: Callable[[], BinaryIO]
    size_bytes: int
    suffix: str
    content_type: str


class Bodies:
    """Makes bodies from what the ledger says of the media."""

    def __init__(self, probe: MediaProbe, options: MediaOptions) -> None:
        self._probe = probe
        self._folder = options.conversion_folder or Path(tempfile.gettempdir())

    @contextmanager
    def of(
        self,
        media: Mapping[str, Any],
        size_bytes: int,
        open_source: Callable[[], BinaryIO],
        open_piece: Callable[[Piece], BinaryIO],
    ) -> Iterator[Body]:
        """The body for one delivery; what is made for it lives on disk only inside the `with`.

        `media` is the ledger's media record. Raises BadMedia when the conversion fails, and what opening raises.
        """
        if media.get("assembly") is not None:
            assembly = Assembly.from_json(media["assembly"])
            with self._target("flac") as target:
                with ExitStack() as opened:
                    files = [(opened.enter_context(open_piece(piece)), piece.size_bytes) for piece in assembly.pieces]
                    self._probe.assemble(files, assembly, target)
                yield _body_in(target, "flac")
            return
        conversion = media.get("conversion")
        if conversion is None:
            container = str(media.get("container", ""))
            yield Body(
                open=open_source,
                size_bytes=size_bytes,
                suffix=container_suffix(container),
                content_type=container_content_type(container),
            )
            return
        wanted = Conversion(**conversion)
        with self._target(wanted.container) as target:
            with open_source() as source:
                self._probe.convert(source, size_bytes, wanted, target)
            yield _body_in(target, wanted.container)

    @contextmanager
    def _target(self, container: str) -> Iterator[Path]:
        suffix = container_suffix(container)
        target = self._folder / f"gong-bridge-{os.getpid()}-{uuid.uuid4().hex}.{suffix}"
        try:
            yield target
        finally:
            target.unlink(missing_ok=True)

    def remove_leftovers(self) -> int:
        """Delete conversions of processes that are gone (a kill leaves them behind); how many there were."""
        removed = 0
        for path in self._folder.glob("gong-bridge-*-*.*"):
            match = _NAME.fullmatch(path.name)
            if match and not Path(f"/proc/{match[1]}").exists():
                with suppress(OSError):  # somebody else's (a run as root): no reason not to start
                    path.unlink()
                    removed += 1
        return removed


def _body_in(target: Path, container: str) -> Body:
    return Body(
        open=lambda: target.open("rb"),
        size_bytes=target.stat().st_size,
        suffix=container_suffix(container),
        content_type=container_content_type(container),
    )
