"""Recordings of every kind, broken at random but repeatably: headers, sizes, order, content."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests import made_recordings as made
from tests.made_recordings import Kind, record

KINDS: tuple[Kind, ...] = tuple(
    kind
    for kind in (*made.EVERY_KIND, *made.RARER_STATING_THEIR_LENGTH, *made.RARER_NOT_STATING_IT)
    if kind is not made.MP3_44K  # slow to make, and no other than MP3
)
SECONDS = 1.0
HEADER_BYTES = 700
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)
EXTREME_SIZES = (0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0, 0x10000000, 0x00FFFFFF)

Breaking = Callable[[bytearray, random.Random], bytearray]


def flip_header(data: bytearray, chance: random.Random) -> bytearray:
    """Bytes of the header become extremes."""
    for _ in range(chance.choice((1, 2, 5, 20))):
        data[chance.randrange(min(len(data), HEADER_BYTES))] = chance.choice((*EXTREMES, chance.randrange(256)))
    return data


def flip_anywhere(data: bytearray, chance: random.Random) -> bytearray:
    """Bytes anywhere become others."""
    for _ in range(chance.choice((1, 10, 100, 1000))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return data


def lie_about_sizes(data: bytearray, chance: random.Random) -> bytearray:
    """Four bytes in the header, in either order, become an extreme size, count or rate."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.randrange(min(len(data) - 4, HEADER_BYTES))
        data[place : place + 4] = chance.choice(EXTREME_SIZES).to_bytes(4, chance.choice(("big", "little")))
    return data


def lie_at_the_end(data: bytearray, chance: random.Random) -> bytearray:
    """The same in the last part, where indexes and tables lie."""
    place = len(data) - chance.randrange(4, min(len(data), 2000))
    data[place : place + 4] = chance.choice(EXTREME_SIZES).to_bytes(4, chance.choice(("big", "little")))
    return data


def cut(data: bytearray, chance: random.Random) -> bytearray:
    """The end is missing."""
    return data[: chance.randrange(1, len(data))]


def lose_a_piece(data: bytearray, chance: random.Random) -> bytearray:
    """A piece in the middle is missing."""
    place = chance.randrange(len(data) - 1)
    del data[place : place + chance.choice((1, 2, 4, 8, 100, 5000))]
    return data


def repeat_a_piece(data: bytearray, chance: random.Random) -> bytearray:
    """A piece comes twice, or a thousand times."""
    place = chance.randrange(min(len(data) - 1, 4 * HEADER_BYTES))
    piece = data[place : place + chance.choice((4, 8, 32, 200))]
    return data[:place] + piece * chance.choice((2, 100, 2000)) + data[place:]


def swap_pieces(data: bytearray, chance: random.Random) -> bytearray:
    """Two pieces change places."""
    half = len(data) // 2
    first, second, length = chance.randrange(half), half + chance.randrange(half), chance.randrange(1, 500)
    data[first : first + length], data[second : second + length] = (
        data[second : second + length],
        data[first : first + length],
    )
    return data


def blank_a_piece(data: bytearray, chance: random.Random) -> bytearray:
    """A piece is zeros, as on a disk that lost a block."""
    place, length = chance.randrange(len(data)), chance.choice((16, 512, 4096))
    length = min(length, len(data) - place)
    data[place : place + length] = bytes(length)
    return data


def graft(data: bytearray, chance: random.Random) -> bytearray:
    """The head of one kind on the body of another."""
    other = record(chance.choice(KINDS), SECONDS)
    return data[: chance.randrange(4, min(len(data), HEADER_BYTES))] + other[chance.randrange(len(other)) :]


BREAKINGS: tuple[Breaking, ...] = (
    flip_header,
    flip_header,
    flip_anywhere,
    lie_about_sizes,
    lie_about_sizes,
    lie_about_sizes,
    lie_at_the_end,
    cut,
    lose_a_piece,
    repeat_a_piece,
    swap_pieces,
    blank_a_piece,
    graft,
)


def broken_files(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` labels and contents; the same for the same seed."""
    chance = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        data = bytearray(record(kind, SECONDS))
        broken = [chance.choice(BREAKINGS) for _ in range(chance.choice((1, 1, 2, 3)))]
        for breaking in broken:
            if len(data) > 2100:
                data = breaking(data, chance)
        yield f"{kind} {'+'.join(breaking.__name__ for breaking in broken)}", bytes(data)
