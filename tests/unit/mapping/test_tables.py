"""A table of many rows gives each recording its own, however it is written and while it grows (R9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_bridge.errors import BadMetadata, ConfigError, MissingSidecar, NotYetComplete
from gong_bridge.mapping.engine import Mapping
from tests.unit.mapping.scenes import compose, mapping_of

HEADING = b"file,agent,number,note\n"


def table_mapping(folder: Path, table: str, *, find: str = "{key: calls.csv}", form: str = "csv") -> Mapping:
    return mapping_of(
        folder,
        f"""
about: One table for many recordings.
sidecar:
  format: {form}
  find: [{find}]
  table: {table}
let:
  host: "{{{{ sidecar.agent | agent }}}}"
call:
  clientUniqueId: "t-{{{{ name }}}}"
  actualStart: "2026-01-14T10:00:00Z"
  direction: Outbound
  title: "{{{{ sidecar.note | default('none') }}}}"
  customData: "{{{{ rows | length }}}}"
  primaryUser: "{{{{ host.user_id }}}}"
  parties:
    - userId: "{{{{ host.user_id }}}}"
    - phoneNumber: "{{{{ sidecar.number | default('') | phone }}}}"
      name: somebody
""",
    )


BY_NAME = "{join: [{where: {file: '{{ name }}'}}]}"


def title(mapping: Mapping, key: str, data: bytes, **scene: float) -> str | None:
    draft = compose(mapping, key, files={"calls.csv": data}, **scene).draft  # type: ignore[arg-type]
    assert draft is not None
    return draft.title


def test_each_recording_gets_its_own_row(tmp_path: Path) -> None:
    mapping = table_mapping(tmp_path, BY_NAME)
    rows = HEADING + b"".join(b"%d.wav,201,8005550101,call %d\n" % (n, n) for n in range(1000))

    assert [title(mapping, f"x/{n}.wav", rows) for n in (0, 7, 999)] == ["call 0", "call 7", "call 999"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (b"a.wav,201,8005550101,plain\n", "plain"),
        (b"a.wav,201,8005550101,plain\r\n", "plain"),
        (b'"a.wav","201","8005550101","says ""hi"", twice"\n', 'says "hi", twice'),
        (b'a.wav, 201 , 8005550101 , "two\nlines"\n', "two\nlines"),
        (b"\n\nb.wav,202,,other\n\na.wav,201,8005550101,after empty lines\n", "after empty lines"),
        (b'b.wav,202,,a 5" screen\na.wav,201,8005550101,a lone quote before\n', "a lone quote before"),
        (b'b.wav,202,,"never closed\na.wav,201,8005550101,a quote left open before\n', "a quote left open before"),
        (b"b.wav,2\na.wav,201,8005550101,a cut line before\n", "a cut line before"),
        (b"b.wav,202,,\xff\xfe\na.wav,201,8005550101,wrong bytes before\n", "wrong bytes before"),
        ("a.wav,201,8005550101,Zoë\n".encode(), "Zoë"),
        (b"a.wav,201,8005550101,,,\n", "none"),
    ],
)
def test_rows_are_found_among_all_that_recorders_write(tmp_path: Path, rows: bytes, expected: str) -> None:
    mapping = table_mapping(tmp_path, BY_NAME)

    assert title(mapping, "a.wav", HEADING + rows) == expected
    assert title(mapping, "a.wav", b"\xef\xbb\xbf" + HEADING + rows) == expected


def test_a_row_that_cannot_be_read_says_where_and_holds_only_its_own_recording(tmp_path: Path) -> None:
    mapping = table_mapping(tmp_path, BY_NAME)
    rows = HEADING + b"a.wav,201,8005550101,fine\nb.wav,201,8005550101,caf\xe9\n"

    assert title(mapping, "a.wav", rows) == "fine"
    with pytest.raises(BadMetadata) as held:
        title(mapping, "b.wav", rows)
    assert held.value.message == (
        "the table calls.csv:3:25: this byte is not UTF-8; say how the table is written in the mapping, "
        "such as `encoding: cp1252`; correct the file or the mapping, then retry"
    )
    cp1252 = table_mapping(tmp_path, "{encoding: cp1252, join: [{where: {file: '{{ name }}'}}]}")
    assert title(cp1252, "b.wav", rows) == "café"


def test_a_column_of_another_alphabet_joins_too(tmp_path: Path) -> None:
    mapping = table_mapping(tmp_path, "{encoding: cp1252, join: [{where: {'file | lower': '{{ name | lower }}'}}]}")

    assert title(mapping, "ÉTÉ.wav", HEADING + "été.wav,201,8005550101,x\n".encode("cp1252")) == "x"


def test_a_file_of_one_recording_without_a_heading_needs_no_join(tmp_path: Path) -> None:
    table = "{columns: [agent, number, note], delimiter: '|'}"
    mapping = table_mapping(tmp_path, table, find="{beside: calls.csv}")

    assert title(mapping, "x.wav", b"201|8005550101|the only one\n") == "the only one"


def test_several_rows_of_one_recording_s_own_file_are_chosen_from_as_in_any_table(tmp_path: Path) -> None:
    data = b"201,8005550101,first\n201,8005550101,last\n"
    mapping = table_mapping(tmp_path, "{columns: [agent, number, note], choose: last}", find="{beside: calls.csv}")

    assert title(mapping, "x.wav", data) == "last"


def test_columns_without_a_heading_may_be_absent_at_the_end(tmp_path: Path) -> None:
    table = (
        "{columns: [file, agent, number, note, extra], optional: [note, extra], join: [{where: {file: '{{ name }}'}}]}"
    )
    mapping = table_mapping(tmp_path, table)
    rows = b"a.wav,201,8005550101\nb.wav,201,8005550101,noted\nc.wav,201\n"

    assert [title(mapping, name, rows) for name in ("a.wav", "b.wav")] == ["none", "noted"]
    with pytest.raises(MissingSidecar) as held:
        title(mapping, "c.wav", rows)
    assert held.value.message == (
        "no row for this recording in calls.csv came within 600 s (lines that cannot be read: 3 "
        "(line 3: 2 cells instead of 3 to 5)); it goes on when the row comes; if the row is there, correct what the "
        "mapping joins by"
    )


def test_R9_a_row_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    mapping = table_mapping(tmp_path, BY_NAME)

    with pytest.raises(NotYetComplete) as waits:
        title(mapping, "a.wav", HEADING, age_seconds=60)
    assert waits.value.message == (
        "no row for this recording in calls.csv yet; it is waited for until 2026-01-15 12:09:00 UTC, "
        "then a person is asked"
    )
    assert waits.value.wait_seconds == 15


def test_R9_a_last_line_counts_when_it_ends_or_when_nobody_writes_any_more(tmp_path: Path) -> None:
    mapping = table_mapping(tmp_path, BY_NAME)
    partial = HEADING + b"a.wav,201,8005550101,wh"

    with pytest.raises(NotYetComplete):
        title(mapping, "a.wav", partial, age_seconds=60, sidecar_age_seconds=5)
    assert title(mapping, "a.wav", partial, age_seconds=60, sidecar_age_seconds=60) == "wh"
    assert title(mapping, "a.wav", partial + b"ole\n", age_seconds=60, sidecar_age_seconds=5) == "whole"


def test_of_several_rows_the_mapping_chooses_and_sees_all(tmp_path: Path) -> None:
    join = "join: [{where: {file: '{{ name }}'}}]"
    rows = HEADING + b"a.wav,201,5,queue\na.wav,201,4,agent\na.wav,202,7,other\n"

    with pytest.raises(BadMetadata, match="has 3 rows for this recording; let `only`"):
        title(table_mapping(tmp_path, f"{{{join}}}"), "a.wav", rows)
    assert title(table_mapping(tmp_path, f"{{{join}, choose: first}}"), "a.wav", rows) == "queue"
    assert title(table_mapping(tmp_path, f"{{{join}, choose: last}}"), "a.wav", rows) == "other"
    smallest = table_mapping(tmp_path, f"{{{join}, choose: first, order: '{{{{ row.number | int }}}}'}}")
    assert title(smallest, "a.wav", rows) == "agent"
    only = table_mapping(tmp_path, f"""{{{join}, only: "{{{{ row.agent == '202' }}}}"}}""")
    draft = compose(only, "a.wav", files={"calls.csv": rows}).draft
    assert draft is not None
    assert (draft.title, draft.custom_data) == ("other", "3")


def test_joins_are_tried_in_order_and_those_without_a_value_not_at_all(tmp_path: Path) -> None:
    table = """
    join:
      - where: {file: "{{ stem | find('^id-(.+)$') | default('') }}"}
      - where: {agent: '201', number: "{{ stem | digits }}"}
        only: "{{ row.note is not empty }}"
"""
    mapping = table_mapping(tmp_path, table)
    rows = HEADING + b"77,202,1,by id\nother,201,8005550101,\nother,201,8005550101,by both\n"

    assert title(mapping, "id-77.wav", rows) == "by id"
    assert title(mapping, "8005550101.wav", rows) == "by both"


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("file | file_name", "/var/spool/x/a.wav"),
        ("file | file_stem", r"C:\calls\a.mp3"),
        ("file | find('rec=(.*)$')", "id=1;rec=a"),
        ("file | file_stem | replace('-all', '')", "http://192.0.2.1/RECORDINGS/MP3/a-all.mp3"),
        ("file | lower | trim", " A "),
    ],
)
def test_a_part_of_a_column_can_be_joined_by(tmp_path: Path, column: str, cell: str) -> None:
    wanted = "{{ name }}" if column == "file | file_name" else "{{ stem }}"
    mapping = table_mapping(tmp_path, f"""{{join: [{{where: {{"{column}": '{wanted}'}}}}]}}""")

    assert title(mapping, "a.wav", HEADING + f"{cell},201,8005550101,found\n".encode()) == "found"


def test_json_lines_are_a_table_too(tmp_path: Path) -> None:
    mapping = table_mapping(tmp_path, BY_NAME, form="jsonl")
    rows = b'{"file": "b.wav"\n{"file": "a.wav", "agent": "201", "number": "8005550101", "note": "caf\\u00e9"}\n'

    assert title(mapping, "a.wav", rows) == "café"


def test_tables_lie_in_other_places_and_all_of_them_are_searched(tmp_path: Path) -> None:
    find = "{key: calls.csv}, {in: cdr, key: old/calls.csv}"
    mapping = table_mapping(tmp_path, BY_NAME, find=find)
    files = {
        "calls.csv": HEADING + b"b.wav,201,8005550101,here\n",
        "cdr:old/calls.csv": HEADING + b"a.wav,201,8005550101,there\n",
    }
    draft = compose(mapping, "a.wav", files=files).draft

    assert draft is not None
    assert draft.title == "there"
    assert mapping.places_needed == {"cdr"}
    assert mapping.is_sidecar("x/calls.csv")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"name,agent\na.wav,201\n", "calls.csv:1:1: there is no column 'file'; there is: name, agent"),
        (HEADING + b"a\n" * 100, "calls.csv:2:1: 1 cells instead of 4, and so in most lines"),
        ((HEADING.decode() + "a,b,c,d\n").encode("utf-16"), 'calls.csv:1:1: the table is UTF-16 ("Unicode"'),
        (b"," * 2_000_000, "calls.csv:1:1: the first line is longer than 1048576 bytes"),
        (HEADING + b"a" * 5_000_000, "calls.csv:2:1: the line is longer than 4194304 bytes"),
    ],
)
def test_what_is_no_such_table_is_said_with_its_place(tmp_path: Path, data: bytes, problem: str) -> None:
    with pytest.raises(BadMetadata) as held:
        title(table_mapping(tmp_path, BY_NAME), "a.wav", data)
    assert problem in held.value.message


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("{join: [{where: {'file | nmae': x}}]}", "there is no filter 'nmae'"),
        ("{join: [{where: {'file | agent': x}}]}", "there is no filter for the cells of a table 'agent'"),
        ("{join: [{where: {'file | replace(name, 1)': x}}]}", "its arguments must be written out here"),
        ("{join: [{where: {file: '{{ row.x }}'}}]}", "there is no fact 'row'"),
        ("{encoding: utf-16, join: [{where: {file: x}}]}", "'utf-16' is no encoding in which tables can be read"),
        ("{columns: [a, b], optional: [a], join: [{where: {a: x}}]}", "`optional` names the last of `columns`"),
    ],
)
def test_mistakes_in_a_table_rule_are_told_with_their_line(tmp_path: Path, table: str, problem: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        table_mapping(tmp_path, table)
    assert problem in str(wrong.value)
    assert "own.yaml:6:" in str(wrong.value)
