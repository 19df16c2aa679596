"""A CSV becomes CRM objects by a map; mistakes in either are told with their line, those of the map with its column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gong_bridge.crm.converting import Source, convert
from gong_bridge.crm.csv_map import load_csv_map
from gong_bridge.crm.entities import Entity
from gong_bridge.errors import ConfigError
from gong_bridge.gong.models.crm import SchemaField

MAP = """\
about: Accounts
object: ACCOUNT
fields:
  objectId: No
  modifiedDate: {column: Changed, time: '%d.%m.%Y %H:%M', zone: Europe/Berlin}
  name: Company
  domains: {column: Sites, split: ','}
  kind: {column: Kind, map: {A: Analyst, n/a: ''}, otherwise: Partner}
  turnover: {column: Turnover, decimal: ','}
  vip: VIP
  since: {column: Since, time: iso}
  url: {column: No, prefix: 'https://crm.example.com/'}
  isDeleted: {value: false}
"""
SCHEMA = [
    SchemaField(unique_name=name, type=kind)
    for name, kind in (("kind", "STRING"), ("turnover", "CURRENCY"), ("vip", "BOOLEAN"), ("since", "DATE"))
]
HEADING = "No;Changed;Company;Sites;Kind;Turnover;VIP;Since\n"


def converted(folder: Path, csv: str, map_text: str = MAP, encoding: str = "utf-8") -> tuple[Source, list[dict]]:
    (folder / "map.yaml").write_text(map_text, encoding="utf-8")
    (folder / "a.csv").write_bytes(csv.encode(encoding))
    target = folder / "objects.jsonl"
    source = convert(folder / "a.csv", load_csv_map(folder / "map.yaml"), Entity("ACCOUNT", SCHEMA), target)
    return source, [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


def test_cells_become_what_gong_wants_of_each_field(tmp_path: Path) -> None:
    row = '7;03.07.2025 08:05;"Übung; GmbH";a.example.com, b.example.com;A;1.234,50;yes;2024-02-29\n'
    _, objects = converted(tmp_path, HEADING + row)
    assert objects == [
        {
            "objectId": "7",
            "modifiedDate": "2025-07-03T08:05:00+02:00",
            "name": "Übung; GmbH",
            "domains": ["a.example.com", "b.example.com"],
            "kind": "Analyst",
            "turnover": 1234.5,
            "vip": True,
            "since": "2024-02-29",
            "url": "https://crm.example.com/7",
            "isDeleted": False,
        }
    ]


def test_empty_cells_are_left_out_and_what_no_rule_reads_is_left_to_the_check(tmp_path: Path) -> None:
    _, objects = converted(tmp_path, HEADING + "8;yesterday;;;?;much;perhaps;\n")
    assert objects == [
        {
            "objectId": "8",
            "modifiedDate": "yesterday",
            "kind": "Partner",
            "turnover": "much",
            "vip": "perhaps",
            "url": "https://crm.example.com/8",
            "isDeleted": False,
        }
    ]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1.234,5", 1234.5), ("1 234", 1234), ("1'234'567,25", 1234567.25), ("-7", -7), ("1234", 1234), ("1e3", 1000.0),
        ("1.5", "1.5"), ("12.34,5", "12.34,5"), ("1,2,3", "1,2,3"), ("1.234.5", "1.234.5"), ("inf", "inf"),
    ],
)  # fmt: skip
def test_thousands_are_parted_in_threes_or_the_cell_is_a_mistake(tmp_path: Path, cell: str, number: object) -> None:
    _, objects = converted(tmp_path, HEADING + f"8;;;;A;{cell};;\n")
    assert objects[0]["turnover"] == number


def test_messages_tell_the_column_of_a_field_and_how_the_map_reads_its_time(tmp_path: Path) -> None:
    source, _ = converted(tmp_path, HEADING + "8;;;;A;;;\n")
    assert source.origin_of("modifiedDate") == " (column 'Changed', which the map reads as time: %d.%m.%Y %H:%M)"
    assert source.origin_of("turnover") == " (column 'Turnover')"
    assert (source.origin_of("isDeleted"), Source.of_lines(tmp_path).origin_of("name")) == ("", "")


def test_each_object_knows_its_lines_in_the_csv(tmp_path: Path) -> None:
    csv = HEADING + '1;;"two\nlines";;;;;\n\n;;;;;;;\n2;;;;;;;\n3;short\n'
    source, objects = converted(tmp_path, csv)
    assert [one["objectId"] for one in objects] == ["1", "2", "3"]
    assert [source.place(line) for line in (0, 1, 2, 3)] == [(0, 0), (2, 5), (6, 6), (7, 7)]
    assert [(one.line, one.what) for one in source.mistakes] == [(7, "has 2 cells, and the first line names 8")]


def test_encodings_are_read_as_the_map_says_and_delimiters_as_the_first_line_shows(
    tmp_path: Path,
) -> None:
    simple = "object: ACCOUNT\ncsv: {encoding: ENCODING}\nfields: {objectId: No, name: Company}\n"
    for encoding, delimiter in (("cp1252", ";"), ("utf-16", "\t"), ("utf-8", "|"), ("utf-8-sig", ",")):
        text = f"No{delimiter}Company\n1{delimiter}Müller\n"
        _, objects = converted(tmp_path, text, simple.replace("ENCODING", encoding), encoding)
        assert objects == [{"objectId": "1", "name": "Müller"}]
    with pytest.raises(ConfigError, match="is not written in utf-8; say its encoding in the map"):
        converted(tmp_path, "No;Company\n1;Müller\n", simple.replace("ENCODING", "utf-8"), "cp1252")


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("object: ACOUNT", "map.yaml:2:9: object: "),
        ("  name: Compny", "map.yaml:6:3: fields.name: "),
        ("  nam: Company", "map.yaml:6:3: fields.nam: ACCOUNT has no such field; did you mean name?"),
        ("  name: {colum: Company}", "map.yaml:6:10: "),
        ("  name: {column: Company, value: 1}", "map.yaml:6:9: fields.name: say `column:` or `value:`, one of them"),
        ("  name: {column: Company, otherwise: 1}", "map.yaml:6:38: fields.name.otherwise: has a meaning only"),
        (
            "  modifiedDate: {column: Changed, time: iso, zone: Europe/Berlinn}",
            "map.yaml:5:52: fields.modifiedDate.zone: zone 'Europe/Berlinn' is not known; ",
        ),
        ("  modifiedDate: {column: Changed, time: today}", "map.yaml:5:41: fields.modifiedDate.time: write iso"),
    ],
)  # fmt: skip
def test_mistakes_of_a_map_are_told_with_line_and_column(tmp_path: Path, line: str, mistake: str) -> None:
    number = {"object": 1, "  modifiedDate": 4}.get(line.partition(":")[0], 5)
    lines = MAP.splitlines()
    lines[number] = line
    with pytest.raises(ConfigError) as caught:
        converted(tmp_path, HEADING, "\n".join(lines) + "\n")
    assert f"{tmp_path}/{mistake}" in str(caught.value)


@pytest.mark.parametrize(
    ("csv", "mistake"),
    [
        ("", "a.csv:1: the first line must name the columns"),
        ("No;No\n", "a.csv:1: the column 'No' is named twice"),
        ('No;Company\n1;"never closed\n', "a.csv:2: cannot be read as CSV: unexpected end of data"),
        ("No;Firma\n", "has no column 'Company'; there are No, Firma"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, csv: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        converted(tmp_path, csv, "object: ACCOUNT\nfields: {objectId: No, name: Company}\n")
    assert mistake in str(caught.value)
