"""Proves of patterns that an earlier one takes every name that they take, and lists what a group can hold; pure.

Both patterns become automata over one representative of each kind of character that any of them tells apart; a search
for a name that the later one matches and no earlier one does then ends with such a name, or with the proof that there
is none. What cannot be turned into an automaton exactly (look-ahead, flags) proves nothing, so nothing is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

_MOST_STATES = 4000
_MOST_PAIRS = 20_000
_MOST_VALUES = 64
_OTHERS = "ƕ૩\u2003⁂"  # a letter, a digit, a space and a mark beyond ASCII
_ALPHABET = "".join(map(chr, range(128))) + _OTHERS
_FLAGS = re.IGNORECASE | re.MULTILINE | re.ASCII
_CATEGORIES = {
    sre.CATEGORY_DIGIT: re.compile(r"\d"), sre.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    sre.CATEGORY_SPACE: re.compile(r"\s"), sre.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    sre.CATEGORY_WORD: re.compile(r"\w"), sre.CATEGORY_NOT_WORD: re.compile(r"\W"),
}  # fmt: skip
_TAKES = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_BEGINS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
_MATCH, _LAST = 0, 1  # the states that every automaton begins with

States = frozenset[int]


class _Unclear(Exception):
    """This pattern cannot be told exactly by an automaton."""


def is_covered(pattern: str, earlier: Sequence[str], *, with_slash: bool) -> bool:
    """Is every text that `pattern` is found in one in which one of `earlier` is found, too? True only when proved.

    with_slash: may the texts hold a slash (keys do, names do not)?
    """
    characters = _ALPHABET + "".join(sorted(set("".join((pattern, *earlier))) - set(_ALPHABET)))
    machine = _Machine(characters if with_slash else characters.replace("/", ""))
    try:
        late = [machine.add_pattern(pattern, exact=False)]
    except _Unclear:
        return False
    covers = []
    for text in earlier:
        try:
            covers.append(machine.add_pattern(text, exact=True))
        except _Unclear:
            continue
    return bool(covers) and machine.is_inside(late, covers)


def matches_everything(pattern: str) -> bool:
    """Is the pattern found in every text? True only when proved."""
    return is_covered("", [pattern], with_slash=True)


def values_of(pattern: str, group: str) -> frozenset[str] | None:
    """All that a named group of the pattern can hold; None when that is not a short list."""
    tree = sre_parser.parse(pattern, re.DOTALL)
    number = tree.state.groupdict.get(group)
    inner = _group(list(tree), number) if number is not None else None
    found = None if inner is None or re.compile(pattern).flags & _FLAGS else _values(inner)
    return None if found is None else frozenset(found)


class _Machine:
    """States of several patterns: each is (kind, characters it takes, next states)."""

    def __init__(self, characters: str) -> None:
        self._characters = characters
        self._states: list[tuple[str, frozenset[str], tuple[int, ...]]] = [
            ("match", frozenset(), ()),
            ("last", frozenset(), (_MATCH,)),
        ]

    def add_pattern(self, text: str, *, exact: bool) -> int:
        """The start of the pattern's automaton; raises _Unclear. Inexact ones may take more than the pattern does."""
        tree = sre_parser.parse(text, re.DOTALL)
        if re.compile(text).flags & _FLAGS:
            raise _Unclear
        return self._sequence(list(tree), _MATCH, exact)

    def is_inside(self, late: Sequence[int], covers: Sequence[int]) -> bool:
        """Is there no text that a search for `late` accepts and a search for any of `covers` does not?"""
        kinds = self._kinds_of_characters()
        first = (self._closure(late, at_start=True), self._closure(covers, at_start=True))
        again = (self._closure(late, at_start=False), self._closure(covers, at_start=False))
        seen, waiting = {first}, [first]
        while waiting:
            one, cover = waiting.pop()
            if _MATCH in cover:
                continue
            if self._ends(one) and not self._ends(cover):
                return False
            if len(seen) > _MOST_PAIRS:
                return False
            for character in kinds:
                pair = (self._step(one, character) | again[0], self._step(cover, character) | again[1])
                pair = (frozenset({_MATCH}) if _MATCH in pair[0] else pair[0], pair[1])
                if pair not in seen:
                    seen.add(pair)
                    waiting.append(pair)
        return True

    # --- building ----------------------------------------------------------------------------------------------------

    def _add(self, kind: str, after: tuple[int, ...], characters: frozenset[str] = frozenset()) -> int:
        if len(self._states) >= _MOST_STATES:
            raise _Unclear
        self._states.append((kind, characters, after))
        return len(self._states) - 1

    def _sequence(self, items: list[Any], after: int, exact: bool) -> int:
        for operation, value in reversed(items):
            after = self._item(operation, value, after, exact)
        return after

    def _item(self, operation: Any, value: Any, after: int, exact: bool) -> int:
        if operation in _TAKES:
            return self._add("take", (after,), frozenset(c for c in self._characters if _takes(operation, value, c)))
        if operation is sre.SUBPATTERN and not value[1] and not value[2]:
            return self._sequence(list(value[3]), after, exact)
        if operation is sre.BRANCH:
            return self._add("split", tuple(self._sequence(list(branch), after, exact) for branch in value[1]))
        if operation in _REPEATS and not (exact and operation is sre.POSSESSIVE_REPEAT):
            return self._repeat(int(value[0]), value[1], list(value[2]), after, exact)
        if operation is sre.AT:
            return self._at(value, after, exact)
        if operation is sre.ATOMIC_GROUP and not exact:
            return self._sequence(list(value), after, exact)
        if operation in (sre.ASSERT, sre.ASSERT_NOT) and not exact:
            return after
        raise _Unclear

    def _at(self, place: Any, after: int, exact: bool) -> int:
        if place in _BEGINS:
            return self._add("begin", (after,))
        if place in (sre.AT_END, sre.AT_END_STRING):
            if self._states[after][0] not in ("match", "last", "end"):
                raise _Unclear
            return self._add("end", (after,)) if place is sre.AT_END else _LAST
        if exact:
            raise _Unclear
        return after

    def _repeat(self, least: int, most: Any, body: list[Any], after: int, exact: bool) -> int:
        if most is sre.MAXREPEAT:
            loop = self._add("split", (after,))
            self._states[loop] = ("split", frozenset(), (self._sequence(body, loop, exact), after))
            start = loop
        else:
            start = after
            for _ in range(int(most) - least):
                start = self._add("split", (self._sequence(body, start, exact), after))
        for _ in range(least):
            start = self._sequence(body, start, exact)
        return start

    # --- running -----------------------------------------------------------------------------------------------------

    def _kinds_of_characters(self) -> list[str]:
        """One character of each kind that some state tells from the others."""
        sets = list(dict.fromkeys(characters for kind, characters, _ in self._states if kind == "take"))
        kinds: dict[tuple[bool, ...], str] = {}
        for character in self._characters:
            kinds.setdefault((character == "\n", *(character in one for one in sets)), character)
        return list(kinds.values())

    def _closure(self, states: Iterable[int], *, at_start: bool) -> States:
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in found:
                continue
            found.add(state)
            kind, _, after = self._states[state]
            if kind == "split" or (kind == "begin" and at_start):
                waiting.extend(after)
        return frozenset(state for state in found if self._states[state][0] not in ("split", "begin"))

    def _step(self, states: States, character: str) -> States:
        after: set[int] = set()
        for state in states:
            kind, characters, following = self._states[state]
            if kind == "take" and character in characters:
                after.update(following)
            elif kind == "match":
                after.add(state)
            elif kind == "end" and character == "\n":  # $ also stands before a line break at the very end
                after.add(_LAST)
        return self._closure(after, at_start=False)

    def _ends(self, states: States) -> bool:
        return any(self._states[state][0] in ("match", "last", "end") for state in states)


def _takes(operation: Any, value: Any, character: str) -> bool:
    if operation is sre.ANY:
        return True
    if operation is sre.LITERAL:
        return ord(character) == int(value)
    if operation is sre.NOT_LITERAL:
        return ord(character) != int(value)
    negated = any(kind is sre.NEGATE for kind, _ in value)
    inside = False
    for kind, detail in value:
        if kind is sre.LITERAL:
            inside |= ord(character) == detail
        elif kind is sre.RANGE:
            if detail[1] > 127:
                raise _Unclear
            inside |= detail[0] <= ord(character) <= detail[1]
        elif kind is sre.CATEGORY:
            inside |= _CATEGORIES[detail].match(character) is not None
    return inside is not negated


def _group(items: list[Any], number: int) -> list[Any] | None:
    for operation, value in items:
        inner: list[list[Any]] = []
        if operation is sre.SUBPATTERN:
            if value[0] == number:
                return list(value[3])
            inner = [list(value[3])]
        elif operation is sre.BRANCH:
            inner = [list(branch) for branch in value[1]]
        elif operation in _REPEATS:
            inner = [list(value[2])]
        for one in inner:
            found = _group(one, number)
            if found is not None:
                return found
    return None


def _values(items: list[Any]) -> set[str] | None:
    found = {""}
    for operation, value in items:
        ways: set[str] | None = None
        if operation is sre.LITERAL:
            ways = {chr(value)}
        elif operation is sre.IN and all(kind is sre.LITERAL for kind, _ in value):
            ways = {chr(detail) for _, detail in value}
        elif operation is sre.SUBPATTERN and not value[1]:
            ways = _values(list(value[3]))
        elif operation is sre.BRANCH:
            parts = [_values(list(branch)) for branch in value[1]]
            ways = None if any(part is None for part in parts) else set().union(*(part or set() for part in parts))
        elif operation in _REPEATS and value[0] == 0 and value[1] == 1:
            once = _values(list(value[2]))
            ways = None if once is None else {"", *once}
        if ways is None or len(ways) * len(found) > _MOST_VALUES:
            return None
        found = {before + way for before in found for way in ways}
    return found
