"""FLAC frames: their checksums, and their exact length by skipping through the coded samples (RFC 9639)."""

from __future__ import annotations

from typing import Final


class Unparsable(Exception):
    """The data ends inside the frame, or is none."""


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return tuple(table)


_CRC8: Final = _table(0x07, 8)
_CRC16: Final = _table(0x8005, 16)


def crc8(data: bytes) -> int:
    """Checksum of a frame header."""
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def crc16(data: bytes) -> int:
    """Checksum of a frame; 0 over a whole frame with its own checksum behind."""
    value, table = 0, _CRC16
    for byte in data:
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
    return value


class _Bits:
    """Reads bits from a text of 0 and 1: finding the end of a unary code is then one search in C."""

    def __init__(self, data: bytes) -> None:
        self._text = bin(int.from_bytes(b"\1" + data, "big"))[3:]
        self.position = 0

    def number(self, count: int) -> int:
        text = self._text[self.position : self.position + count]
        if len(text) < count:
            raise Unparsable
        self.position += count
        return int(text, 2) if count else 0

    def skip(self, count: int) -> None:
        self.position += count
        if self.position > len(self._text):
            raise Unparsable

    def skip_unary(self) -> int:
        end = self._text.find("1", self.position)
        if end < 0:
            raise Unparsable
        zeros = end - self.position
        self.position = end + 1
        return zeros


def frame_length(data: bytes, *, header_bytes: int, samples: int, sample_bits: int, channel_code: int) -> int:
    """Bytes of the frame that begins at `data[0]`, checksum included; raises Unparsable when it is cut off."""
    bits = _Bits(data)
    bits.skip(header_bytes * 8)
    channels = channel_code + 1 if channel_code < 8 else 2
    side = {8: 1, 9: 0, 10: 1}.get(channel_code)
    for channel in range(channels):
        _skip_subframe(bits, samples, sample_bits + (channel == side))
    return (bits.position + 7) // 8 + 2


def _skip_subframe(bits: _Bits, samples: int, sample_bits: int) -> None:
    if bits.number(1):
        raise Unparsable
    kind = bits.number(6)
    if bits.number(1):
        sample_bits -= bits.skip_unary() + 1
    if sample_bits < 1:
        raise Unparsable
    if kind == 0:
        bits.skip(sample_bits)
    elif kind == 1:
        bits.skip(sample_bits * samples)
    elif 8 <= kind <= 12:
        bits.skip(sample_bits * (kind - 8))
        _skip_residual(bits, samples, kind - 8)
    elif kind >= 32:
        order = kind - 31
        bits.skip(sample_bits * order)
        precision = bits.number(4) + 1
        bits.skip(5 + precision * order)
        _skip_residual(bits, samples, order)
    else:
        raise Unparsable


def _skip_residual(bits: _Bits, samples: int, order: int) -> None:
    method = bits.number(2)
    if method > 1:
        raise Unparsable
    parameter_bits = 4 + method
    partitions = 1 << bits.number(4)
    for partition in range(partitions):
        count = samples // partitions - (order if partition == 0 else 0)
        parameter = bits.number(parameter_bits)
        if parameter == (1 << parameter_bits) - 1:
            bits.skip(bits.number(5) * count)
            continue
        for _ in range(count):
            bits.skip_unary()
            bits.skip(parameter)
