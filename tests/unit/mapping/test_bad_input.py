"""No template and no sidecar keeps a worker busy: each hostile one is refused or held within a second of work."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gong_bridge.errors import BadMetadata, ConfigError
from gong_bridge.mapping.sidecar_formats import Malformed, read_sidecar

from .scenes import compose, mapping_of

ONE = """
about: One hostile expression, in the title.
sidecar: {format: json, find: [{replace_extension: .json}], largest: 8 MiB}
LETS
call:
  clientUniqueId: x
  actualStart: '2026-01-14T10:00:00Z'
  direction: Inbound
  title: TITLE
  primaryUser: '7201'
  parties: [{userId: '7201'}]
"""


def doubling(name: str) -> str:
    """Forty lets, each a list that holds the one before it twice."""
    first = f'  {name}0: "{{{{ [sidecar.x, sidecar.x] }}}}"\n'
    return first + "".join(
        f'  {name}{step}: "{{{{ [{name}{step - 1}, {name}{step - 1}] }}}}"\n' for step in range(1, 40)
    )


TEXTS = 'let:\n  a0: "{{ sidecar.x }}"\n' + "".join(
    f'  a{step}: "{{{{ a{step - 1} ~ a{step - 1} }}}}"\n' for step in range(1, 60)
)


def outcome(folder: Path, title: str, lets: str = "", x: object = "abc") -> str:
    """The message that refuses or holds the recording; it must come within a second of work."""
    text = ONE.replace("TITLE", json.dumps(title)).replace("LETS", lets)
    started = time.thread_time()
    try:
        with pytest.raises((ConfigError, BadMetadata)) as refusal:
            compose(mapping_of(folder, text), "a.wav", files={"a.json": json.dumps({"x": x}).encode()})
    finally:
        taken_seconds = time.thread_time() - started
    assert taken_seconds < 1.0
    return str(refusal.value)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("{{ 'a' * 10**9 }}", "** is not part of the language"),
        ("{{ 9**9**9 }}", "** is not part of the language"),
        ("{{ 'a' * 1000000000 }}", "'*' is for numbers"),
        ("{{ [1] * 1000000000 }}", "'*' is for numbers"),
        ("{{ '%1000000000d' % 5 }}", "'%' is for numbers"),
        ("{{ 10000000 * 10000000 * 10000000 * 10000000 * 10000000 }}", "too large"),
        ("{{ range(1000000000) | join }}", "functions and methods cannot be called"),
        ("{% for a in 'abc' %}{% endfor %}", "there is no {% for %}"),
        ("{{ ''.__class__.__mro__ }}", "there is no '__class__'"),
        ("{{ sidecar['__class__'] }}", "there is no '__class__'"),
        ("{{ modified_at.strftime }}", "there is no 'strftime'"),
        ("{{ sidecar | attr('__class__') }}", "there is no filter 'attr'"),
        ("{{ self }}", "there is no fact 'self'"),
        ("{{ _here.people }}", "there is no fact '_here'"),
        ("{{ 'abc' | list }}", "there is no filter 'list'"),
        ("{{ '{:>1000000000}'.format(1) }}", "functions and methods cannot be called"),
        ("{{ sidecar.x | find('(a+)+$') }}", "can take for ever"),
        # known ways out of Jinja's sandbox, and to spend memory or time in it
        ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "functions and methods cannot be called"),
        ("{{ lipsum.__globals__ }}", "there is no fact 'lipsum'"),
        ("{{ ''['__class__']['__base__'] }}", "there is no '__class__'"),
        ("{{ ''['__cla' ~ 'ss__'] }}", "there is no '__class__'"),
        ("{{ '{0.__class__.__init__.__globals__}'.format(sidecar) }}", "functions and methods cannot be called"),
        ("{{ '{0.__class__}' | format(sidecar) }}", "there is no filter 'format'"),
        ("{{ '%(x)s' | format(x=1) }}", "there is no filter 'format'"),
        ("{{ [sidecar] | map(attribute='__class__') }}", "there is no filter 'map'"),
        ("{{ sidecar | selectattr('__class__') }}", "there is no filter 'selectattr'"),
        ("{{ (1, 2) | xmlattr }}", "there is no filter 'xmlattr'"),
        ("{{ 'a' | center(1000000000) }}", "there is no filter 'center'"),
        ("{{ 'a' | indent(1000000000) }}", "there is no filter 'indent'"),
        ("{{ '%1000000000s' | format('a') }}", "there is no filter 'format'"),
        ("{% set x = namespace(a=1) %}{{ x.a }}", "no {% statements %}"),
        ("{% include '/etc/passwd' %}", "no {% statements %}"),
        ("{% import 'os' as os %}", "no {% statements %}"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "no {% statements %}"),
        ("{{ joiner.__class__ }}", "there is no fact 'joiner'"),
        ("{{ sidecar.x.__class__ | string }}", "there is no filter 'string'"),
        ("{{ dict(a=1) }}", "functions and methods cannot be called"),
        ("{{ modified_at.__reduce__ }}", "there is no '__reduce__'"),
        ("{{ sidecar.x | query('x' * 9) }}", "query"),
        ("{{ " + "(" * 1500 + "1" + ")" * 1500 + " }}", "too deep"),
    ],
)  # fmt: skip
def test_a_template_that_would_explode_or_escape_is_refused(tmp_path: Path, title: str, words: str) -> None:
    assert words in outcome(tmp_path, title)


def test_texts_that_double_at_every_step_end_at_the_limit(tmp_path: Path) -> None:
    assert "let.a15: the text is longer than 65536 characters" in outcome(tmp_path, "{{ a59 }}", TEXTS)


@pytest.mark.parametrize(
    "title",
    ["{{ a39 | to_json | digest }}", "{{ 'y' if a39 == b39 else 'n' }}", "{{ a39 | query('[][][]') | length ~ '' }}"],
)
def test_lists_that_double_at_every_step_end_at_the_limit(tmp_path: Path, title: str) -> None:
    assert "the data is too large" in outcome(tmp_path, title, "let:\n" + doubling("a") + doubling("b"))


@pytest.mark.parametrize("title", ["{{ sidecar.x | replace('a', sidecar.x) }}", "{{ sidecar.x }}"])
def test_a_text_of_a_million_characters_is_too_long(tmp_path: Path, title: str) -> None:
    assert "the text is longer than 65536 characters" in outcome(tmp_path, title, x="a" * 1_000_000)


def test_a_number_in_other_digits_has_a_longest_length(tmp_path: Path) -> None:
    assert "this whole number is too long" in outcome(tmp_path, "{{ sidecar.x | int(16) }}", x="f" * 1_000_000)


def test_a_query_cannot_make_a_text_many_times_longer(tmp_path: Path) -> None:
    eightfold = "query(\"join(',', [@, @, @, @, @, @, @, @])\")"
    title = f"{{{{ sidecar.x | {eightfold} | {eightfold} | {eightfold} | {eightfold} | length ~ '' }}}}"

    assert "a query makes a text that is too long" in outcome(tmp_path, title, x="a" * 1_000_000)


@pytest.mark.parametrize("text", [r"+1800\u00005550105", r"\ud800", r"ok \udfff"])
def test_json_texts_that_are_no_text_hold_the_recording(text: str) -> None:
    with pytest.raises(Malformed, match=r"a text holds \\u0000 or half a character"):
        read_sidecar(b'{"call": {"number": "%s"}}' % text.encode(), "json")
