"""Matroska and WebM: the sizes of segment and clusters against the bytes that are there (RFC 8794, RFC 9559)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gong_bridge.media.extent import Extent, NoRecording, Reader, compare, truncated, unstated

MAX_ELEMENTS: Final = 50_000
MAX_HEADER_FIELDS: Final = 32
MAX_WALKED_BYTES: Final = 64 * 2**20
"""Clusters of unknown size are walked block by block; beyond this much the answer is "unstated"."""

_EBML, _DOCTYPE, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x4282, 0x18538067, 0x1F43B675
_KINDS: Final = {b"matroska": "mkv", b"webm": "webm"}
_TOP_LEVEL: Final = frozenset(
    {0x114D9B74, 0x1549A966, 0x1654AE6B, _CLUSTER, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0xEC, 0xBF}
)
_IN_CLUSTER: Final = frozenset({0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0x5854, 0xAF, 0xEC, 0xBF})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Element:
    number: int
    start: int  # of the payload
    size: int | None  # None: unknown, ends where the next element of its level begins


def examine_matroska(reader: Reader) -> Extent:
    """An EBML file of type matroska or webm."""
    ebml = _element_at(reader, 0)
    if ebml is None or ebml.size is None or ebml.start + ebml.size > reader.size_bytes:
        return truncated("mkv", "matroska", "it ends inside its header")
    container = _container(reader, ebml)
    segment = _element_at(reader, ebml.start + ebml.size)
    while segment is not None and segment.number in (0xEC, 0xBF) and segment.size is not None:
        segment = _element_at(reader, segment.start + segment.size)
    if segment is None:
        return truncated(container, "matroska", "it ends inside its header")
    if segment.number != _SEGMENT:
        raise NoRecording("a Matroska file without a segment")
    if segment.size is not None:
        return compare(container, "matroska", segment.start + segment.size, reader.size_bytes)
    return _walk_live(reader, container, segment.start)


def _container(reader: Reader, ebml: _Element) -> str:
    """What the header's DocType says; the fields of the header are few, in any order."""
    position, end = ebml.start, ebml.start + (ebml.size or 0)
    for _ in range(MAX_HEADER_FIELDS):
        field = _element_at(reader, position) if position < end else None
        if field is None or field.size is None:
            break
        if field.number == _DOCTYPE:
            kind = _KINDS.get(reader.read_at(field.start, min(field.size, 64)).rstrip(b"\0"))
            if kind is not None:
                return kind
            break
        position = field.start + field.size
    raise NoRecording("an EBML file that is neither Matroska nor WebM")


def _walk_live(reader: Reader, container: str, position: int) -> Extent:
    """A segment of unknown size, as live recorders write: it is cut off when its last element is."""
    limit = min(reader.size_bytes, position + MAX_WALKED_BYTES)
    clusters = 0
    for _ in range(MAX_ELEMENTS):
        if position >= limit:
            break
        element = _element_at(reader, position)
        if element is None:
            return truncated(container, "matroska", "it ends inside the header of an element")
        if element.number not in _TOP_LEVEL and element.number not in _IN_CLUSTER:
            break  # something else follows
        clusters += element.number == _CLUSTER
        if element.size is None:
            position = element.start
            continue
        position = element.start + element.size
        if position > reader.size_bytes:
            return truncated(container, "matroska", "its last element is cut off", position)
    if not clusters:
        return truncated(container, "matroska", "it has a header and no media")
    return unstated(container, "matroska")


def _element_at(reader: Reader, position: int) -> _Element | None:
    head = reader.read_at(position, 12)
    if not head:
        return None
    number_length = 9 - head[0].bit_length()
    if number_length > 4 or len(head) < number_length + 1:
        return None
    number = int.from_bytes(head[:number_length], "big")
    first = head[number_length]
    size_length = 9 - first.bit_length()
    if size_length > 8 or len(head) < number_length + size_length:
        return None
    raw = int.from_bytes(head[number_length : number_length + size_length], "big")
    mask = (1 << 7 * size_length) - 1
    size = raw & mask
    return _Element(number=number, start=position + number_length + size_length, size=None if size == mask else size)
