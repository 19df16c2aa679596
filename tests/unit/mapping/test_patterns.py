"""No pattern that a mapping may hold keeps a worker busy, whatever the name."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_bridge.mapping.patterns import LONGEST_TEXT, GuardedPattern, guarded_pattern, named_groups

REFUSED = [
    "(a+)+$",
    "^(a+)+$",
    "(a*)*b",
    "(a|a)*$",
    "(a|ab)+c",
    "([a-z]+)*=",
    "(?:(?:x+)y?)+z",
    "(.*a){20}",
    "(a?){30}a{30}",
    "(x+x+)+y",
    r"(\w+\s?)*$",
    "(?:){1000000}x",
    r"(.+)\1+$",
    ".*.*.*.*x",
    "(.*)(.*)(.*)(.*)$",
    r"(?=(a+)+b)",
    "(?:a{0,7})" * 12 + "b",
    "^" + "a?" * 60 + "x",
    "^" + "(?:a|ab|aba)" * 30 + "x$",
    "^" + "(a|aa|)" * 30 + "x",
    "^" + r"[^\W\d_]{0,8}" * 20 + "!",
    "(?:(?:(?:a?)?)?)?" * 20 + "x",
    "(?i)(?:\u017f+s+)+x",
    "(?:a?|b?)" * 26 + "x$",
]
ACCEPTED = [
    r"^(?P<kind>out|in)-(?P<dest>[^-]*)-(?P<from>.*)-(?P<date>\d{8})\.\w+$",
    r"^\w+-\w+-\w+-\w+-\w+\.\w+$",
    r"(?:\d++\.){3}\d+$",
    r"(?P<id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})",
    r"(-(?P<extra>\w+))?\.wav$",
    "(.*)(.*)x",
    "^(.*)(.*)(.*)x",
    "^(.*)(.*)(.*)a{0,8}x",
    "^" + "a?" * 24 + "x",
    "^" + "(?:a|aa)" * 24 + "x",
    r"^(?P<kind>in|internal|ex|exten|external)-(?P<a>[^-]*)-(?P<b>.*)-(?:[\w.-]*-)?\d+$",
]
HOSTILE_TEXTS = ["a" * LONGEST_TEXT, "-" * LONGEST_TEXT, "a-" * 512, "0" * 1023 + "!", "ab" * 512, "out-" + "1-" * 510]


@pytest.mark.parametrize("text", REFUSED)
def test_a_pattern_that_could_run_away_is_refused_when_it_is_loaded(text: str) -> None:
    with pytest.raises(ValueError, match=r"repeat|refer back|optional parts and choices"):
        guarded_pattern(text)


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_patterns_that_recorders_need_are_taken_and_end_within_a_second(text: str) -> None:
    assert slowest_search(guarded_pattern(text), HOSTILE_TEXTS) < 1.0


ATOMS = st.sampled_from(["a", "b", ".", r"\w", r"\d", "[^-]", "[ab]", "-", "(a)", "(ab)", "(?:a|b)", "(?P<n>x)", "ab"])
PIECES = st.tuples(ATOMS, st.sampled_from(["", "*", "+", "?", "{2}", "{0,3}", "{0,8}", "*?", "++"])).map("".join)
GROUPS = st.tuples(st.lists(PIECES, min_size=1, max_size=4).map("".join), st.sampled_from(["", "*", "+", "?", "{3}"]))


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(st.one_of(PIECES, GROUPS.map(lambda pair: f"(?:{pair[0]}){pair[1]}")), min_size=1, max_size=14),
    anchored=st.booleans(),
)
def test_whatever_is_accepted_ends_within_two_seconds(pieces: list[str], anchored: bool) -> None:
    text = ("^" if anchored else "") + "".join(pieces) + "$"
    try:
        guarded = guarded_pattern(text)
    except ValueError:
        return

    assert slowest_search(guarded, ["a" * 1024, "ab" * 512, "a-" * 512, "x" * 1023 + "!"]) < 2.0


def test_a_text_longer_than_any_key_is_not_searched_at_all() -> None:
    with pytest.raises(ValueError, match="too long for a pattern"):
        guarded_pattern("a").search("a" * (LONGEST_TEXT + 1))


@pytest.mark.parametrize("text", [".?" * 900, "(" * 90 + "a?" + ")?" * 90, "[a-z]{0,3}" * 190, "(?:a|b)" * 270])
def test_judging_a_pattern_takes_less_than_a_second(text: str) -> None:
    started = time.thread_time()
    with contextlib.suppress(ValueError):
        guarded_pattern(text)

    assert time.thread_time() - started < 1.0


def test_a_broken_pattern_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="this is no regular expression: missing"):
        guarded_pattern("(?P<a>x")


def test_groups_are_named_once_in_the_order_of_the_patterns() -> None:
    patterns = [guarded_pattern("(?P<to>a)-(?P<by>b)"), guarded_pattern("(?P<by>b)-(?P<at>c)")]

    assert named_groups(patterns) == ("to", "by", "at")


def slowest_search(guarded: GuardedPattern, texts: list[str]) -> float:
    """Seconds that the slowest of the texts takes."""
    slowest = 0.0
    for text in texts:
        started = time.thread_time()
        guarded.search(text[: guarded.longest_text])
        slowest = max(slowest, time.thread_time() - started)
    return slowest
