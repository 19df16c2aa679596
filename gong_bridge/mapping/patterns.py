"""Regular expressions that cannot run away: what could take exponential time is refused when the mapping is loaded.

Python's `re` cannot be stopped once it runs, so the decision falls before: a repeat inside a repeat, a choice inside a
repeat and back references are refused. What remains takes time by a power of the text's length: each repeat that can
give characters to what follows it adds one to the power, so do reading on by the other repeats and a start without ^.
The third power is the highest that is allowed, and only on texts of at most 255 characters, so that the worst search
takes less than half a second; tests/unit/mapping/test_patterns.py throws random patterns at it. Possessive repeats
(`\\d++`) never go back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

LONGEST_TEXT = 1024
"""Characters of a file name or key that are searched: S3's own limit for keys."""
_LONGEST_TEXT_CUBIC = 255  # the longest file name of Linux
_HIGHEST_DEGREE = 3
_LONGEST_PATTERN = 2000
_NARROW = 8  # a repeat that may vary by so few characters multiplies the work by a constant, not by the length
_LONG_RUN = 64  # a fixed run of this many characters costs like a repeat
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_PROBES = frozenset(map(chr, range(128))) | {"é", "ß", "中", "\U0001f4de", "٣"}
_ANCHORS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardedPattern:
    """A compiled pattern and the longest text that it may be given."""

    pattern: re.Pattern[str]
    longest_text: int

    def search(self, text: str) -> re.Match[str] | None:
        """As re.Pattern.search; a text longer than `longest_text` raises ValueError."""
        if len(text) > self.longest_text:
            raise ValueError(
                f"a text of {len(text)} characters is too long for a pattern ({self.longest_text} at most)"
            )
        return self.pattern.search(text)


def guarded_pattern(text: str) -> GuardedPattern:
    """Compile `text`. Raises ValueError with the cure when it is no pattern or could run away."""
    if len(text) > _LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {_LONGEST_PATTERN} characters")
    try:
        pattern = re.compile(text, re.DOTALL)  # what callers sent may hold line breaks
        tree = sre_parser.parse(text, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"this is no regular expression: {error}") from None
    free = _free_repeats(list(tree), after=None, inside_repeat=False)
    degree = free + (1 if _wide_repeats(tree) > free else 0)  # the others still read on, once for every way of the free
    degree += 0 if _is_anchored(tree) else 1  # without ^ the search starts anew at every character
    if degree > _HIGHEST_DEGREE:
        raise ValueError(
            "too many repeats of this pattern may share the same characters, which can take minutes on a long name; "
            "start it with ^, write what cannot be in a field ([^-]+ for .+), or make repeats possessive (\\d++)"
        )
    longest = _LONGEST_TEXT_CUBIC if degree == _HIGHEST_DEGREE else LONGEST_TEXT
    return GuardedPattern(pattern=pattern, longest_text=longest)


def named_groups(patterns: Iterable[GuardedPattern]) -> tuple[str, ...]:
    """The names of all named groups of all patterns, in order of first appearance."""
    return tuple(dict.fromkeys(name for guarded in patterns for name in guarded.pattern.groupindex))


def captures_of(match: re.Match[str]) -> Mapping[str, str]:
    """What the named groups hold; a group that took no part is empty."""
    return {name: value or "" for name, value in match.groupdict().items()}


def _is_anchored(tree: Any) -> bool:
    first = next(iter(tree), None)
    return first is not None and first[0] is sre.AT and first[1] in _ANCHORS


def _free_repeats(items: list[Any], *, after: frozenset[str] | None, inside_repeat: bool) -> int:
    """How many repeats of this sequence can give characters back and forth to what follows them.

    `after`: the characters that may follow the sequence; None when anything may (or the end).
    """
    free = 0
    for index, (operation, value) in enumerate(items):
        follows = _first_characters(items[index + 1 :], after)
        if operation in _REPEATS:
            free += _repeat(value, follows, inside_repeat)
        elif operation is sre.BRANCH:
            if inside_repeat:
                raise ValueError(_choice_in_repeat())
            free += max(_free_repeats(list(branch), after=follows, inside_repeat=False) for branch in value[1])
        elif operation is sre.SUBPATTERN:
            free += _free_repeats(list(value[-1]), after=follows, inside_repeat=inside_repeat)
        elif operation in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            raise ValueError("a pattern may not refer back to a group; compare the two captures in a condition instead")
        elif operation in (sre.ASSERT, sre.ASSERT_NOT):
            free += _free_repeats(list(value[1]), after=None, inside_repeat=inside_repeat)
        elif operation is sre.ATOMIC_GROUP:
            free += _free_repeats(list(value), after=None, inside_repeat=False)
        elif operation is sre.POSSESSIVE_REPEAT:
            body = list(value[2])
            if not _is_single(body):
                free += _free_repeats(body, after=None, inside_repeat=False)
    return free


def _wide_repeats(tree: Any) -> int:
    """How many repeats, anywhere, may read on over the whole text."""
    found = 0
    waiting: list[Any] = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, sre_parser.SubPattern):
            waiting.extend(item)
        elif isinstance(item, (list, tuple)):
            if len(item) == 2 and item[0] in (*_REPEATS, sre.POSSESSIVE_REPEAT):
                found += 1 if _is_wide(int(item[1][0]), int(item[1][1])) else 0
            waiting.extend(item)
    return found


def _is_wide(least: int, most: int) -> bool:
    return most - least > _NARROW or most >= _LONG_RUN


def _repeat(value: Any, follows: frozenset[str] | None, inside_repeat: bool) -> int:
    least, most, body = int(value[0]), int(value[1]), list(value[2])
    if inside_repeat and least != most:
        raise ValueError(
            "a repeat inside a repeat such as (a+)+ can take for ever; write the inner one possessive (a++), "
            "or match the parts one after the other"
        )
    if most > 1 and value[2].getwidth()[0] == 0:
        raise ValueError("a repeat of something that may be empty has no end; repeat something that takes a character")
    inner = 0
    if most > 1 and not _is_single(body):
        inner = _free_repeats(body, after=None, inside_repeat=True)
    elif most == 1:
        inner = _free_repeats(body, after=follows, inside_repeat=inside_repeat)
    if not _is_wide(least, most):
        return inner
    own = _characters(body[0]) if _is_single(body) else None
    overlaps = own is None or follows is None or bool(own & follows)
    return inner + (1 if overlaps else 0)


def _choice_in_repeat() -> str:
    return "a choice inside a repeat such as (a|ab)+ can take for ever; write the choices as separate patterns"


def _is_single(body: list[Any]) -> bool:
    return len(body) == 1 and body[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


def _first_characters(items: list[Any], after: frozenset[str] | None) -> frozenset[str] | None:
    """The characters that a text matching `items` can begin with; None when that is not known."""
    found: frozenset[str] = frozenset()
    for operation, value in items:
        if operation is sre.AT:
            if value in (sre.AT_END, sre.AT_END_STRING):
                return found
            continue
        if operation in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return found | _characters((operation, value))
        if operation is sre.SUBPATTERN:
            items_inside = [*list(value[-1])]
            first = _first_characters(items_inside, None)
            return None if first is None else found | first
        if operation is sre.BRANCH:
            firsts = [_first_characters(list(branch), None) for branch in value[1]]
            known = [first for first in firsts if first is not None]
            return found.union(*known) if len(known) == len(firsts) else None
        if operation in (*_REPEATS, sre.POSSESSIVE_REPEAT):
            first = _first_characters(list(value[2]), None)
            if first is None:
                return None
            found |= first
            if int(value[0]) > 0:
                return found
            continue
        return None
    return None if after is None else found | after


def _characters(item: Any) -> frozenset[str]:
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
