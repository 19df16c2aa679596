"""Which characters a part of a regular expression can begin with; pure reading of Python's own parse tree."""

from __future__ import annotations

from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any

REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_PROBES = frozenset(map(chr, range(128))) | {"é", "ß", "中", "\U0001f4de", "٣"}


def is_single(body: list[Any]) -> bool:
    return len(body) == 1 and body[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


def first_characters(items: list[Any], after: frozenset[str] | None) -> frozenset[str] | None:
    """The characters that a text matching `items` can begin with; None when that is not known."""
    found: frozenset[str] = frozenset()
    for operation, value in items:
        if operation is sre.AT:
            if value in (sre.AT_END, sre.AT_END_STRING):
                return found
            continue
        if operation in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return found | characters((operation, value))
        if operation is sre.SUBPATTERN:
            items_inside = [*list(value[-1])]
            first = first_characters(items_inside, None)
            return None if first is None else found | first
        if operation is sre.BRANCH:
            firsts = [first_characters(list(branch), None) for branch in value[1]]
            known = [first for first in firsts if first is not None]
            return found.union(*known) if len(known) == len(firsts) else None
        if operation in (*REPEATS, sre.POSSESSIVE_REPEAT):
            first = first_characters(list(value[2]), None)
            if first is None:
                return None
            found |= first
            if int(value[0]) > 0:
                return found
            continue
        return None
    return None if after is None else found | after


def characters(item: Any) -> frozenset[str]:
    """Which of the probe characters a one-character item matches (either case, to be on the safe side)."""
    operation, value = item
    if operation is sre.ANY:
        return _PROBES
    if operation is sre.LITERAL:
        return frozenset({chr(value), chr(value).lower(), chr(value).upper()})
    if operation is sre.NOT_LITERAL:
        return _PROBES - {chr(value)}
    matched: set[str] = set()
    negated = False
    for kind, detail in value:
        if kind is sre.NEGATE:
            negated = True
        elif kind is sre.LITERAL:
            matched |= {chr(detail), chr(detail).lower(), chr(detail).upper()} if not negated else {chr(detail)}
        elif kind is sre.RANGE:
            inside = {probe for probe in _PROBES if detail[0] <= ord(probe) <= detail[1]}
            matched |= inside if negated else inside | {probe.swapcase() for probe in inside}
        elif kind is sre.CATEGORY:
            matched |= {probe for probe in _PROBES if _in_category(detail, probe)}
    return _PROBES - matched if negated else frozenset(matched)


def _in_category(category: Any, character: str) -> bool:
    name = str(category)
    if name.endswith("SPACE"):
        inside = character.isspace()
    elif name.endswith("DIGIT"):
        inside = character.isdigit()
    else:
        inside = character.isalnum() or character == "_"
    return inside is not ("_NOT_" in name)
