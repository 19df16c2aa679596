"""Strict YAML: what stays text, what is refused, and that every mistake has a place and a cure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gong_bridge.errors import ConfigError
from gong_bridge.strict_yaml import MistakeAt, load_document, problems_of


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def _read(content: str | bytes) -> Any:
        path = Path("a.yaml")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_document(path)

    return _read


@pytest.fixture
def mistakes(read):
    def _mistakes(content: str | bytes) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(content)
        return caught.value.problems

    return _mistakes


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0123", "0123"),
        ("+15550100", "+15550100"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("OFF", "OFF"),
        ("y", "y"),
        (".5", ".5"),
        ("1e999", "1e999"),
        (".nan", ".nan"),
        ("1234567890123456789", "1234567890123456789"),
        ("=", "="),
        ("<<x", "<<x"),
        (r"\d{3,5}", r"\d{3,5}"),
        ("'201'", "201"),
        ('"true"', "true"),
        ("201", 201),
        ("-7", -7),
        ("0", 0),
        ("1.50", 1.5),
        ("2e3", 2000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_an_unquoted_word_becomes_a_number_only_when_it_cannot_be_a_telephone_number(
    read, written: str, value: Any
) -> None:
    assert read(f"key: {written}\n").data == {"key": value}


def test_keys_are_text_as_they_are_written(read) -> None:
    assert read("201: a\n0201: b\nno: c\n1.50: d\n").data == {"201": "a", "0201": "b", "no": "c", "1.50": "d"}


def test_an_alias_repeats_what_its_anchor_says(read) -> None:
    assert read("a: &same [x, y]\nb: *same\n").data == {"a": ["x", "y"], "b": ["x", "y"]}


def test_windows_line_ends_and_byte_order_mark_do_not_disturb(read) -> None:
    document = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert document.data == {"a": 1, "b": 2}
    assert document.place(["b"]) == "a.yaml:2:4"


def test_every_value_and_key_has_a_place(read) -> None:
    document = read("a:\n  - name: pbx\n    folder: /x\n")
    assert document.place(["a", 0, "folder"]) == "a.yaml:3:13"
    assert document.place(["a", 0, "folder"], of_key=True) == "a.yaml:3:5"
    assert document.place(["a", 0]) == "a.yaml:2:5"
    assert document.place([]) == "a.yaml:1:1"


def test_a_place_that_is_not_there_is_its_nearest_parent(read) -> None:
    document = read("a:\n  - name: pbx\n")
    assert document.place(["a", 0, "missing"]) == "a.yaml:2:5"
    assert document.place(["a", 7, "missing"]) == "a.yaml:2:3"


def test_list_items_are_called_by_their_name_or_else_by_position_from_one(read) -> None:
    document = read("a:\n  - name: pbx\n  - b: 1\n")
    assert document.key_path(["a", 0, "folder"]) == "a[pbx].folder"
    assert document.key_path(["a", 1, "b"]) == "a[#2].b"


def test_a_document_does_not_show_its_data(read) -> None:
    assert "hidden-word" not in repr(read("key: hidden-word\n"))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a: 1\nb:\n\tc: 2\n", "a.yaml:3:1: a tab stands where spaces are expected; replace it with spaces"),
        (
            "name: a: b\n",
            "a.yaml:1:8: a second colon, or a key at the wrong indentation; put a value that contains ': ' in quotes, "
            "and align keys of one group in one column",
        ),
        ("a: 1\nb 2\nc: 3\n", "a.yaml:2:1: no colon follows this key; write `key: value`, a space after the colon"),
        (
            "a:\n    b: 1\n   c: 2\n",
            "a.yaml:3:4: the indentation does not fit the lines above; align keys of one group in one column",
        ),
        ("a: [1, 2\nb: 3\n", "a.yaml:1:4: a list opened with [ is not closed, or lacks a comma; add ] or the comma"),
        ("a: {b: 1\n", "a.yaml:1:4: a group opened with { is not closed, or lacks a comma; add } or the comma"),
        ("a: 'x\nb: y\n", "a.yaml:1:4: a quote is opened here and never closed; add the closing quote"),
        (
            "a: 'it's'\n",
            "a.yaml:1:8: text stands after a closing quote; write one value a line, and two single quotes ('') "
            "for one inside quotes",
        ),
        (
            'a: "\\d+"\n',
            "a.yaml:1:6: a backslash in \"double quotes\" has a meaning of its own; use 'single quotes'",
        ),
        ("a: [**/*.wav]\n", "a.yaml:1:5: a value that begins with * or & needs quotes, such as '**/*.wav'"),
        ("a: *word\n", "a.yaml:1:4: a value that begins with * or & needs quotes, such as '**/*.wav'"),
        ("a: @b\n", "a.yaml:1:4: this character cannot begin a value; put the whole value in quotes"),
        ("a: - b\n", "a.yaml:1:4: a list cannot begin here; start each '- ' on a line of its own"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document begins here; remove the line with ---"),
        ("a: !x b\n", "a.yaml:1:4: tags (words with ! before them) are not used; put the value in quotes"),
        ("a: 1\x07\n", "a.yaml:1:5: an invisible character (U+0007) stands here; delete it"),
        ('a: "\\0"\n', "a.yaml:1:4: an escape for a zero byte or half a character; remove it"),
        ("a: 1\n<<: {b: 2}\n", "a.yaml:2:1: '<<' is not used here; write every key out"),
        ("{a: 1}: 2\n", "a.yaml:1:1: a key must be a plain word; if this is a value with { or [, put it in quotes"),
        ("", "a.yaml:1:1: the file is empty; write its keys into it"),
        ("# nothing\n", "a.yaml:1:1: the file is empty; write its keys into it"),
        (
            "- a\n",
            "a.yaml:1:1: the file must hold `key: value` lines, but a list stands here; a space must follow each colon",
        ),
        (
            "key:value\n",
            "a.yaml:1:1: the file must hold `key: value` lines, but bare text stands here; "
            "a space must follow each colon",
        ),
    ],
)
def test_broken_syntax_is_told_with_place_and_cure(mistakes, content: str, line: str) -> None:
    assert mistakes(content) == [line]


def test_every_duplicate_key_is_told_with_both_lines(mistakes) -> None:
    assert mistakes("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == [
        "a.yaml:4:3: the key 'c' stands here and in line 3; keep one of them",
        "a.yaml:5:1: the key 'a' stands here and in line 1; keep one of them",
    ]


def test_bytes_that_are_not_utf8_are_placed(mistakes) -> None:
    assert mistakes(b"a: 1\nb: M\xfcller\n") == ["a.yaml:2:5: this character is not UTF-8; save the file as UTF-8"]


def test_utf16_is_called_by_its_name(mistakes) -> None:
    expected = 'a.yaml:1:1: the file is UTF-16 ("Unicode" in Windows editors); save it as UTF-8'
    assert mistakes("a: 1\n".encode("utf-16")) == [expected]


def test_a_file_over_one_mebibyte_is_refused(mistakes) -> None:
    assert mistakes(b"a: '" + b"x" * 2**20 + b"'") == ["a.yaml is larger than 1 MiB; is this the right file?"]


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml cannot be read \(No such file or directory\)"):
        load_document(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="is a folder; name the YAML file in it"):
        load_document(tmp_path)


def test_an_alias_bomb_is_refused_before_it_grows(mistakes) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 9)]
    (line,) = mistakes("\n".join(levels))
    assert line.endswith("an alias (*name) repeats itself too often or contains itself; write the values out")


def test_an_alias_that_contains_itself_is_refused(mistakes) -> None:
    (line,) = mistakes("a: &a [*a]\n")
    assert line == "a.yaml:1:4: an alias (*name) repeats itself too often or contains itself; write the values out"


def test_deep_nesting_is_refused_without_exhausting_the_stack(mistakes) -> None:
    (line,) = mistakes("a: " + "[" * (sys.getrecursionlimit() * 3))
    assert line == "a.yaml:1:43: nested deeper than 40 levels; check the brackets and indentation"


def test_syntax_messages_never_repeat_the_text_of_a_secret(mistakes) -> None:
    for content in ("key: &Hidden1 x\nb: &Hidden1 y\n", "key: *Hidden1\n", "key: Hidden1: x\n", "key: 'Hidden1\n"):
        assert "Hidden1" not in "\n".join(mistakes(content))


# --- schema mistakes as sentences ------------------------------------------------------------------------------------


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")
    take: str
    """What to take."""
    times: int = Field(default=1, ge=1, le=9)


class _Pause(BaseModel):
    model_config = ConfigDict(extra="forbid")
    pause: float


class _Recipe(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    name: str
    """What it is called."""
    steps: list[_Step | _Pause] = []
    table: dict[str, _Step] = {}
    kind: Literal["hot", "cold"] | _Pause = "hot"
    secret: Annotated[int, Field(gt=0)] = 1


@pytest.fixture
def problems(read):
    def _problems(content: str) -> list[str]:
        document = read(content)
        with pytest.raises(ValidationError) as caught:
            _Recipe.model_validate(document.data)
        return problems_of(document, caught.value, _Recipe, secret_keys={"secret"})

    return _problems


def test_all_schema_mistakes_are_told_in_the_order_of_the_file(problems) -> None:
    assert problems("nmae: x\ntable:\n  a: {take: 5, times: 0}\n  b: 7\nsecret: hush\n") == [
        "a.yaml:1:1: nmae: unknown key 'nmae'; did you mean 'name'?",
        "a.yaml:3:13: table.a.take: expected text, found 5; put it in quotes: '5'",
        "a.yaml:3:23: table.a.times: must be at least 1, found 0",
        "a.yaml:4:6: table.b: expected keys and values, indented below it (take, times), found a number",
        "a.yaml:5:9: secret: expected a whole number, found text",
    ]


def test_a_missing_key_is_told_at_its_parent_with_its_purpose(problems) -> None:
    assert problems("kind: hot\n") == [
        "a.yaml:1:1: name: this key is missing; add 'name' at the top of the file (What it is called)"
    ]


def test_a_union_of_models_speaks_of_the_kind_that_was_meant(problems) -> None:
    assert problems("name: x\nsteps:\n  - take: a\n    tims: 2\n  - pause: long\n") == [
        "a.yaml:4:5: steps[#1].tims: unknown key 'tims'; did you mean 'times'?",
        "a.yaml:5:12: steps[#2].pause: expected a number, found 'long'",
    ]


def test_a_value_that_fits_no_branch_is_told_all_choices(problems) -> None:
    assert problems("name: x\nkind: warm\n") == [
        "a.yaml:2:7: kind: expected 'hot' or 'cold' or {pause: ...}, found 'warm'"
    ]


def test_a_validator_can_point_at_one_key_of_its_model(read) -> None:
    from pydantic import model_validator

    class _Span(BaseModel):
        first: int
        last: int

        @model_validator(mode="after")
        def _check(self) -> _Span:
            raise MistakeAt("last comes before first; swap them", "last")

    document = read("first: 2\nlast: 1\n")
    with pytest.raises(ValidationError) as caught:
        _Span.model_validate(document.data)
    assert problems_of(document, caught.value, _Span) == ["a.yaml:2:7: last: last comes before first; swap them"]


_WORDS = ["a", "0123", "é", *"[]{}'\">#:", "---", "name:", "steps:", "table:", "kind:", "secret:", "&x", "*x", "!t"]
_BETWEEN = ["- ", "? ", "<<: ", "\n", "\n  ", "\t", "|\n", "\0", "\ufeff"]
_PIECES = st.sampled_from([*_WORDS, *(f"{word} " for word in _WORDS), *_BETWEEN])


@settings(max_examples=400, deadline=None)
@given(content=st.lists(_PIECES, max_size=30).map("".join) | st.text(max_size=60) | st.binary(max_size=40))
def test_no_content_makes_anything_but_a_document_or_placed_problems(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    try:
        document = load_document(path)
        _Recipe.model_validate(document.data)
    except ConfigError as error:
        problems = error.problems
    except ValidationError as error:
        problems = problems_of(document, error, _Recipe)
    else:
        return
    assert problems
    assert all(line.startswith(f"{path}:") and len(line.splitlines()) == 1 for line in problems)
