"""MP4, M4A, 3GP and MOV: the top-level boxes against the bytes that are there (ISO 14496-12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gong_bridge.media.extent import WHOLE, Extent, Reader, truncated, unfinalised, unstated

MAX_BOXES: Final = 20_000
DEMUXER: Final = "mp4"

_TOP_LEVEL: Final = frozenset(
    b"ftyp moov mdat free skip wide uuid moof mfra sidx styp meta udta pnot prft emsg ssix pdin".split()
)
_BEGINNINGS: Final = frozenset(b"ftyp moov mdat free skip wide pnot styp".split())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Box:
    kind: bytes
    size: int  # header included; 0 means up to the end of the file


@dataclass(slots=True)
class _Seen:
    index: bool = False
    media: bool = False
    fragments: bool = False
    fragment_index: bool = False
    last_fragment_has_media: bool = True


def is_isobmff(head: bytes) -> bool:
    """Whether the first box is one that such files begin with."""
    return head[4:8] in _BEGINNINGS and (head[4:8] != b"ftyp" or int.from_bytes(head[:4], "big") >= 8)


def examine_isobmff(reader: Reader, head: bytes) -> Extent:
    """Walk the boxes of the top level; nothing inside them is looked at."""
    container = _container(head)
    present = reader.size_bytes
    seen = _Seen()
    position = 0
    for _ in range(MAX_BOXES):
        if position >= present:
            break
        header = reader.read_at(position, 16)
        box = _parse(header)
        if box is None or box.kind not in _TOP_LEVEL:
            one_more = seen.fragments and not seen.fragment_index and len(header) < 8
            if seen.index and (seen.media or seen.fragments) and not one_more:
                break  # whatever follows a complete recording is not our concern
            if len(header) < 16:
                return truncated(container, DEMUXER, "it ends inside a header")
            return truncated(container, DEMUXER, "what follows is no part of such a file")
        if box.size == 0:
            return _open_ended(container, seen, box)
        if position + box.size > present:
            return truncated(container, DEMUXER, "its last part is cut off", position + box.size)
        _note(seen, box)
        position += box.size
    return _conclude(container, seen, min(position, present))


def _container(head: bytes) -> str:
    brand = head[8:12]
    if head[4:8] != b"ftyp" or brand == b"qt  ":
        return "mov"
    return "3gp" if brand[:3] in (b"3gp", b"3g2") else "mp4"


def _parse(header: bytes) -> _Box | None:
    if len(header) < 8:
        return None
    size, kind = int.from_bytes(header[:4], "big"), header[4:8]
    if size == 1:
        if len(header) < 16:
            return None
        size = int.from_bytes(header[8:16], "big")
        return _Box(kind=kind, size=size) if size >= 16 else None
    return _Box(kind=kind, size=size) if size == 0 or size >= 8 else None


def _note(seen: _Seen, box: _Box) -> None:
    if box.kind == b"moov":
        seen.index = True
    elif box.kind == b"mdat":
        seen.media = seen.media or box.size > 16
        seen.last_fragment_has_media = True
    elif box.kind == b"moof":
        seen.fragments, seen.last_fragment_has_media = True, False
    elif box.kind == b"mfra":
        seen.fragment_index = True


def _open_ended(container: str, seen: _Seen, box: _Box) -> Extent:
    """A box that reaches to the end of the file: fine for media whose index came before, else never closed."""
    if box.kind == b"mdat" and seen.index:
        return unstated(container, DEMUXER)
    return unfinalised(container, DEMUXER, "its index was never written")


def _conclude(container: str, seen: _Seen, end: int) -> Extent:
    if not seen.index:
        return unfinalised(container, DEMUXER, "its index was never written")
    if seen.fragments:
        if not seen.last_fragment_has_media:
            return truncated(container, DEMUXER, "its last fragment has no media")
        if not seen.fragment_index:
            return unstated(container, DEMUXER)
    elif not seen.media:
        return truncated(container, DEMUXER, "it has an index and no media")
    return Extent(container=container, demuxer=DEMUXER, completeness=WHOLE, declared_bytes=end)
