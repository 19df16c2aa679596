"""Regular expressions that cannot run away: what could take exponential time is refused when the mapping is loaded.

Python's `re` cannot be stopped once it runs, so the decision falls before: a repeat inside a repeat, a choice inside a
repeat and back references are refused. What remains takes time by a power of the text's length (pattern_cost.py): the
third is the highest that is allowed, and the ways of optional parts and choices multiply it. Texts may be as long as
the worst search takes less than half a second; tests/unit/mapping/test_patterns.py throws random patterns at it.
Possessive repeats (`\\d++`) never go back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from re import _parser as sre_parser  # type: ignore[attr-defined]

from gong_bridge.mapping.pattern_cost import cost_of

LONGEST_TEXT = 1024
"""Characters of a file name or key that are searched: S3's own limit for keys."""
_LONGEST_NAME = 255
"""Characters of a file name on Linux: a pattern must be able to read so many."""
_LENGTHS = (LONGEST_TEXT, _LONGEST_NAME)
_MOST_STEPS = 30_000_000
"""Ways to share a text that one search may try; about half a second."""
_HIGHEST_DEGREE = 3
_LONGEST_PATTERN = 2000


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


@lru_cache(maxsize=512)
def guarded_pattern(text: str) -> GuardedPattern:
    """Compile `text`. Raises ValueError with the cure when it is no pattern or could run away."""
    if len(text) > _LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {_LONGEST_PATTERN} characters")
    try:
        pattern = re.compile(text, re.DOTALL)  # what callers sent may hold line breaks
        tree = sre_parser.parse(text, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"this is no regular expression: {error}") from None
    cost = cost_of(tree)
    if cost.free > _HIGHEST_DEGREE:
        raise ValueError(
            "too many repeats of this pattern may share the same characters, which can take minutes on a long name; "
            "start it with ^, write what cannot be in a field ([^-]+ for .+), or make repeats possessive (\\d++)"
        )
    longest = next((length for length in _LENGTHS if cost.ways * comb(length, cost.free) <= _MOST_STEPS), None)
    if longest is None:
        raise ValueError(
            "too many optional parts and choices of this pattern may match the same characters, which can take "
            "minutes; make them possessive (a?+), or write the choices as separate patterns"
        )
    return GuardedPattern(pattern=pattern, longest_text=longest)


def named_groups(patterns: Iterable[GuardedPattern]) -> tuple[str, ...]:
    """The names of all named groups of all patterns, in order of first appearance."""
    return tuple(dict.fromkeys(name for guarded in patterns for name in guarded.pattern.groupindex))


def captures_of(match: re.Match[str]) -> Mapping[str, str]:
    """What the named groups hold; a group that took no part is empty."""
    return {name: value or "" for name, value in match.groupdict().items()}
