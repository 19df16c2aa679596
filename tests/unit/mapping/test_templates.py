"""A mapping computes values and nothing else: it calls nothing, loops never, and cannot grow without limit."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from gong_bridge.mapping.filter_checks import check_filters
from gong_bridge.mapping.filters import EXPRESSIONS, Here
from gong_bridge.mapping.templates import NotUsable
from tests.unit.mapping.scenes import COMPANY, PEOPLE

HERE = Here(
    company=COMPANY,
    people=PEOPLE,
    tables={"kinds": {"out": "Outbound"}},
    placeholders=frozenset({"anonymous", "unknown"}),
)
FACTS = {
    "number": "8005550101",
    "empty": "",
    "nothing": None,
    "count": 3,
    "start": datetime(2026, 1, 14, 10, 0, tzinfo=UTC),
    "sidecar": {"Agent": {"Username": "first.login"}, "items": "2", "list": [{"n": "a"}, {"n": "b"}], "Null": None},
}


def value_of(text: str) -> Any:
    return EXPRESSIONS.compile(text).evaluate({**FACTS, "_here": HERE})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain text", "plain text"),
        ("{{ count }}", 3),
        ("{{ count + 1 }}", 4),
        ("{{ number }}-{{ count }}", "8005550101-3"),
        ("a{{ nothing }}b", "ab"),
        ("{{ start }}", datetime(2026, 1, 14, 10, 0, tzinfo=UTC)),
        ("at {{ start }}", "at 2026-01-14T10:00:00+00:00"),
        ("{{ sidecar.Agent.Username }}", "first.login"),
        ("{{ sidecar.items }}", "2"),
        ("{{ sidecar['list'][1].n }}", "b"),
        ("{{ sidecar.Agent.Nobody | default('x') }}", "x"),
        ("{{ sidecar.Null.Deeper.Still | default('x') }}", "x"),
        ("{{ sidecar.Agent is defined and sidecar.Nobody is empty }}", True),
        ("{{ 'in' if count > 2 else 'out' }}", "in"),
        ("{{ 'in' if count > 3 }}", None),
        ("a{{ 'in' if count > 3 }}b", "ab"),
        ("{{ number | phone }}", "+18005550101"),
        ("{{ 'front desk' | phone('empty') }}", None),
        ("{{ '12#' | phone('if_dialled') }}", "12#"),
        ("{{ 'front desk' | phone('if_dialled') }}", None),
        ("{{ 'sip:8005550101@pbx.example.com' | phone }}", "+18005550101"),
        ("{{ '+44 20 7946 0123' | phone }}", "+442079460123"),
        ("{{ '020 7946 0123' | phone(country='GB') }}", "+442079460123"),
        ("{{ '201' | is_extension }}", True),
        ("{{ number | is_extension }}", False),
        ("{{ '+18005550199' | is_own_number }}", True),
        ("{{ ('201' | agent).email }}", "agent-201@example.com"),
        ("{{ ('299' | agent(otherwise='empty')).email | default('nobody') }}", "nobody"),
        ("{{ 'out' | lookup('kinds') }}", "Outbound"),
        ("{{ 'other' | lookup('kinds', 'Unknown') }}", "Unknown"),
        ("{{ 'Anonymous' | meaningful | default('x') }}", "x"),
        ("{{ 'a-b-c' | split('-') | last }}", "c"),
        ("{{ ['a', '', 'b'] | join('/') }}", "a/b"),
        ("{{ 'ext 42' | find('\\d+') }}", "42"),
        ("{{ 'a%2Bb' | percent_decode }}", "a+b"),
        ("{{ sidecar | query('list[].n') | join(',') }}", "a,b"),
        ("{{ sidecar['list'] | where('n', 'b') | first | to_json }}", '{"n":"b"}'),
        ("{{ [{'id': 7, 'n': 'a'}, {'id': '7', 'n': 'b'}] | where('id', '7') | query('[].n') | join }}", "ab"),
        ("{{ sidecar.Agent | where('Username', 'first.login') | length }}", 1),
        ("{{ [{'call': {'id': 7}, 'n': 'a'}, {'call': 7}] | where('call.id', 7) | query('[].n') | join }}", "a"),
        ("{{ [{'a.b': 7, 'a': {'b': 8}, 'n': 'a'}] | where('a.b', 7) | length }}", 1),
        ("{{ sidecar['list'] | where('n', nothing) | first | default('none of them') }}", "none of them"),
        ("{{ ['b', {'n': ['b']}] | where('n', 'b') | length }}", 0),
        ("{{ {'b': 1, 'a': [true, none]} | to_json }}", '{"a":[true,null],"b":1}'),
        ("{{ 'x' | digest(8) }}", "2d711642"),
        ("{{ 'abcdef' | shorten(4) }}", "abc…"),
        ("{{ start | plus(seconds=-90) | write_time('%H:%M') }}", "04:58"),
        ("{{ start | seconds_since(start | plus(minutes=-1)) }}", 60.0),
        ("{{ '7' | int * 2 }}", 14),
    ],
)
def test_an_expression_gives_its_value(text: str, value: object) -> None:
    assert value_of(text) == value


HOSTILE = [
    "{{ 'x' * 10**10 }}",
    "{{ 'x' * 10000000000 }}",
    "{{ [0] * 10000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{% for i in range(10**9) %}{% endfor %}",
    "{{ range(1000000000) | list }}",
    "{{ '%9999999999d' % 1 }}",
    "{{ 'x' | replace('x', 'y' * 99999) }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ sidecar.__class__ }}",
    "{{ number.replace('8', 'x') }}",
    "{{ lipsum() }}",
    "{{ cycler }}{{ cycler.__init__() }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% set x = 1 %}",
    "{{ number | attr('__class__') }}",
    "{{ number | format }}",
    "{{ number | center(10000000000) }}",
    "{{ '(a+)+' | find('(a+)+$') }}",
    "{{ sidecar | query('" + "[@,@]|[]|" * 40 + "[]') }}",
    "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}",
    "{{ " + "not " * 900 + "1 }}",
    "{{ 999999999999999999999999999999 * 999999999999999999999999999999 }}",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:40])
def test_a_hostile_template_is_refused_or_fails_within_a_second(text: str) -> None:
    started = time.thread_time()
    try:
        template = EXPRESSIONS.compile(text)
        outcome = "; ".join(check_filters(template, {})) or repr(template.evaluate({**FACTS, "_here": HERE}))
    except ValueError as error:
        outcome = f"refused: {error}"

    assert outcome.startswith(("refused: ", "filter "))
    assert time.thread_time() - started < 1.0


def test_growing_by_joining_stops_at_the_longest_text() -> None:
    facts = {**FACTS, "_here": HERE, "long": "x" * 40_000}
    with pytest.raises(NotUsable, match="longer than 65536 characters"):
        EXPRESSIONS.compile("{{ long ~ long }}").evaluate(facts)


def test_a_missing_value_says_which_there_are_but_not_what_they_hold() -> None:
    with pytest.raises(NotUsable) as refusal:
        value_of("{{ sidecar.Agent.Usrname }}")

    assert str(refusal.value) == "{{ sidecar.Agent.Usrname }}: there is no 'Usrname'; there is: Username"


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("{{ number | phon }}", "there is no filter 'phon'; did you mean 'phone'?"),
        ("{{ number is emty }}", "there is no test 'emty'; did you mean 'empty'?"),
        ("{{ number.upper() }}", "use a filter, such as"),
        ("{{ number", "every {{ needs its }}"),
        ("{% if a %}b{% endif %}", "write a choice as {{ a if condition else b }}"),
    ],
)
def test_a_template_that_does_not_compile_says_how_it_is_written(text: str, cure: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the message is compared below
        EXPRESSIONS.compile(text)

    assert cure in str(refusal.value)
