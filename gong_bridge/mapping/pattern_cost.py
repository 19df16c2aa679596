"""What a regular expression can cost: the repeats that give characters back and forth, and the choices among them.

The worst search tries every way to share a text among what may go back: a power of the text's length with one for each
free repeat, times the ways of the narrow ones (`a?` has two, `(?:in|internal)` has two, `a{0,8}` nine).
"""

from __future__ import annotations

from dataclasses import dataclass
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

from gong_bridge.mapping.pattern_characters import REPEATS, characters, first_characters, is_single

_NARROW = 8  # a repeat that may vary by so few characters multiplies the work by a number, not by the length
_LONG_RUN = 64  # a fixed run of this many characters costs like a repeat
_ANCHORS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
_MOST_WAYS = 10**9  # more need not be counted


@dataclass(frozen=True, slots=True)
class Cost:
    """free: repeats that share characters with what follows. ways: how the narrow ones can be combined."""

    free: int = 0
    ways: int = 1

    def then(self, other: Cost) -> Cost:
        """The cost of one after the other."""
        return Cost(self.free + other.free, min(self.ways * other.ways, _MOST_WAYS))


def cost_of(tree: Any) -> Cost:
    """What searching with the whole pattern costs; `free` counts reading on and starting anew too.

    Raises ValueError with the cure for what could take exponential time.
    """
    cost = _sequence(list(tree), after=None, inside_repeat=False)
    free = cost.free + (
        1 if _wide_repeats(tree) > cost.free else 0
    )  # the others read on, once for every way of the free
    first = next(iter(tree), None)
    anchored = first is not None and first[0] is sre.AT and first[1] in _ANCHORS
    return Cost(free + (0 if anchored else 1), cost.ways)  # without ^ the search starts anew at every character


def _sequence(items: list[Any], *, after: frozenset[str] | None, inside_repeat: bool) -> Cost:
    """after: the characters that may follow the sequence; None when anything may (or the end)."""
    cost, follows = Cost(), after
    for operation, value in reversed(items):
        cost = _item(operation, value, follows, inside_repeat).then(cost)
        follows = first_characters([(operation, value)], follows)
    return cost


def _item(operation: Any, value: Any, follows: frozenset[str] | None, inside_repeat: bool) -> Cost:
    if operation in REPEATS:
        return _repeat(value, follows, inside_repeat)
    if operation is sre.BRANCH:
        if inside_repeat:
            raise ValueError(_choice_in_repeat())
        return _branch([list(branch) for branch in value[1]], follows)
    if operation is sre.SUBPATTERN:
        return _sequence(list(value[-1]), after=follows, inside_repeat=inside_repeat)
    if operation in (sre.GROUPREF, sre.GROUPREF_EXISTS):
        raise ValueError("a pattern may not refer back to a group; compare the two captures in a condition instead")
    if operation in (sre.ASSERT, sre.ASSERT_NOT):
        return _sequence(list(value[1]), after=None, inside_repeat=inside_repeat)
    if operation is sre.ATOMIC_GROUP:
        return _sequence(list(value), after=None, inside_repeat=False)
    if operation is sre.POSSESSIVE_REPEAT and not is_single(list(value[2])):
        return _sequence(list(value[2]), after=None, inside_repeat=False)
    return Cost()


def _branch(branches: list[list[Any]], follows: frozenset[str] | None) -> Cost:
    """The dearest branch; where several can match the same text, all of them are tried."""
    costs = [_sequence(branch, after=follows, inside_repeat=False) for branch in branches]
    ways = 0
    for one, cost in zip(branches, costs, strict=True):
        rivals = [other for other in branches if other is not one and _may_both_match(one, other, follows)]
        ways += cost.ways if rivals else 0
    return Cost(max(cost.free for cost in costs), min(max(ways, *(cost.ways for cost in costs), 1), _MOST_WAYS))


def _may_both_match(one: list[Any], other: list[Any], follows: frozenset[str] | None) -> bool:
    """Can both match at the same place? Of two plain words only when what follows the shorter is in the longer."""
    short, long = sorted((_word(one) or "", _word(other) or ""), key=len)
    if _word(one) is not None and _word(other) is not None:
        rest = long[len(short) :]
        return long.startswith(short) and (not rest or follows is None or bool({rest[0], rest[0].upper()} & follows))
    firsts = (first_characters(one, follows), first_characters(other, follows))
    return firsts[0] is None or firsts[1] is None or bool(firsts[0] & firsts[1])


def _word(items: list[Any]) -> str | None:
    literal = all(operation is sre.LITERAL for operation, _ in items)
    return "".join(chr(value).casefold() for _, value in items) if literal else None


def _repeat(value: Any, follows: frozenset[str] | None, inside_repeat: bool) -> Cost:
    least, most, body = int(value[0]), int(value[1]), list(value[2])
    if inside_repeat and least != most:
        raise ValueError(
            "a repeat inside a repeat such as (a+)+ can take for ever; write the inner one possessive (a++), "
            "or match the parts one after the other"
        )
    if most > 1 and value[2].getwidth()[0] == 0:
        raise ValueError("a repeat of something that may be empty has no end; repeat something that takes a character")
    inner = Cost()
    if most > 1 and not is_single(body):
        inner = _sequence(body, after=None, inside_repeat=True)
    elif most == 1:
        inner = _sequence(body, after=follows, inside_repeat=inside_repeat)
    own = characters(body[0]) if is_single(body) else first_characters(body, None)
    shares = own is None or follows is None or bool(own & follows)
    if _is_wide(least, most):
        certain = is_single(body) and not shares
        return inner if certain else inner.then(Cost(free=1))
    return inner.then(Cost(ways=most - least + 1)) if shares else inner


def _wide_repeats(tree: Any) -> int:
    """How many repeats, anywhere, may read on over the whole text."""
    found = 0
    waiting: list[Any] = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, sre_parser.SubPattern):
            waiting.extend(item)
        elif isinstance(item, (list, tuple)):
            if len(item) == 2 and item[0] in (*REPEATS, sre.POSSESSIVE_REPEAT):
                found += 1 if _is_wide(int(item[1][0]), int(item[1][1])) else 0
            waiting.extend(item)
    return found


def _is_wide(least: int, most: int) -> bool:
    return most - least > _NARROW or most >= _LONG_RUN


def _choice_in_repeat() -> str:
    return "a choice inside a repeat such as (a|ab)+ can take for ever; write the choices as separate patterns"
