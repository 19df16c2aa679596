"""A sidecar is read strictly, waited for patiently, and never trusted to be small or kind (R9)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gong_bridge.errors import BadMetadata, NotYetComplete
from gong_bridge.mapping.engine import Mapping, load_mapping
from gong_bridge.mapping.library import shipped_folder
from gong_bridge.mapping.sidecar_formats import Malformed, read_sidecar
from tests.unit.mapping.scenes import BODY, compose, mapping_of, media

SIDECAR_JSON = load_mapping(shipped_folder() / "sidecar-json.yaml")
GOOD = json.dumps(BODY).encode()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"a": NaN}', "1:7: NaN is no JSON number; write a number or null"),
        (b'{"a": "NaN",\n "b": -Infinity}', "2:7: -Infinity is no JSON number; write a number or null"),
        (b'{"a": 1,\n "b": {"c": 1},\n "a": 2}', "3:2: the key 'a' is there twice in one object; remove one"),
        (b'{"a": ', "1:7: this is no JSON: expecting value"),
        (b"", "1:1: this is no JSON: expecting value"),
        (b'{"a":\n "\xff"}', "2:3: this byte is not UTF-8; write the file as UTF-8"),
        ('{"a": 1}'.encode("utf-16"), '1:1: the file is UTF-16 ("Unicode" in Windows editors); write it as UTF-8'),
        (b'{"a": 1e999}', "a number in the JSON is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number in the JSON is too long; write it in quotes"),
        (b"[" * 100 + b"]" * 100, "the data is nested more than 64 levels deep"),
        (b"[" * 100_000, "the JSON is nested too deeply"),
        (b"[" + b"0," * 300_000 + b"0]", "the data holds more than 200000 values"),
    ],
)
def test_malformed_json_says_line_column_and_cure(data: bytes, problem: str) -> None:
    started = time.thread_time()
    with pytest.raises(Malformed) as refusal:
        read_sidecar(data, "json")

    assert str(refusal.value) == problem
    assert time.thread_time() - started < 1.0


def test_whole_numbers_of_any_length_stay_exact_and_a_mark_at_the_start_is_fine() -> None:
    assert read_sidecar(b'\xef\xbb\xbf{"id": 56353042788515840001}', "json") == {"id": 56353042788515840001}


def test_xml_is_read_whatever_its_namespaces() -> None:
    plain = b'<call id="7"><party><nr>1</nr></party><party><nr>2</nr></party><start>10:00</start></call>'
    prefixed = (
        b'<t:call xmlns:t="urn:x:1" xmlns:u="urn:y" u:id="7"><t:party><t:nr>1</t:nr></t:party>'
        b"<t:party><t:nr>2</t:nr></t:party><u:start>10:00</u:start></t:call>"
    )
    expected = {"id": "7", "party": [{"nr": "1"}, {"nr": "2"}], "start": "10:00"}

    assert read_sidecar(plain, "xml") == expected
    assert read_sidecar(prefixed, "xml") == expected


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<a>\n<b></a>", "2:6: this is no XML: mismatched tag"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "1:1: the XML has a DTD or entities, which are never read"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "1:1: the XML has a DTD or entities, which are never read"),
        (b"<a>" * 5000 + b"</a>" * 5000, "the data is nested more than 64 levels deep"),
    ],
)
def test_broken_or_hostile_xml_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_sidecar(data, "xml")

    assert str(refusal.value).startswith(problem)


@pytest.mark.parametrize(
    ("form", "data"),
    [("csv", b"a,b\n" + b"1,2\n" * 900_000), ("xml", b"<a>" + b"<b/>" * 900_000 + b"</a>"), ("json", b"[" * 4_000_000)],
)
def test_a_sidecar_of_a_million_values_is_refused_within_a_second(form: str, data: bytes) -> None:
    started = time.thread_time()
    with pytest.raises(Malformed, match="more than 200000 values"):
        read_sidecar(data, form)

    assert time.thread_time() - started < 1.0


def test_csv_rows_go_by_the_names_of_the_first_line() -> None:
    data = b'name;from\r\na.wav;"Desk; Front"\r\nb.wav;\r\n'

    assert read_sidecar(data, "csv") == [{"name": "a.wav", "from": "Desk; Front"}, {"name": "b.wav", "from": ""}]


# --- waiting -----------------------------------------------------------------------------------------------------


def test_R9_a_recording_waits_for_its_sidecar_and_says_where_it_looked() -> None:
    places = r"\(looked for calls/a\.json, calls/a\.wav\.json\)"
    with pytest.raises(NotYetComplete, match=f"no sidecar yet {places}") as wait:
        compose(SIDECAR_JSON, age_seconds=40)

    assert wait.value.wait_seconds == 10.0


def test_R9_the_wait_grows_with_the_age_and_ends_with_the_time_allowed() -> None:
    waits = []
    for age_seconds in (0, 100, 500, 595):
        with pytest.raises(NotYetComplete) as wait:
            compose(SIDECAR_JSON, age_seconds=age_seconds)
        waits.append(wait.value.wait_seconds)

    assert waits == [1.0, 25.0, 60.0, 5.1]


def test_R9_a_sidecar_that_never_comes_holds_the_recording() -> None:
    with pytest.raises(BadMetadata, match=r"no sidecar came within 600 s \(looked for calls/a\.json"):
        compose(SIDECAR_JSON, age_seconds=601)


def test_R9_a_sidecar_that_comes_after_the_hold_is_taken_on_retry() -> None:
    found = compose(SIDECAR_JSON, age_seconds=100_000, files={"calls/a.json": GOOD})

    assert found.draft is not None


@pytest.mark.parametrize("half", [b"", GOOD[:40]], ids=["empty", "half"])
def test_R9_a_sidecar_that_is_still_being_written_is_waited_for(half: bytes) -> None:
    with pytest.raises(NotYetComplete, match=r"the sidecar calls/a\.json cannot be read yet") as wait:
        compose(SIDECAR_JSON, files={"calls/a.json": half}, sidecar_age_seconds=10)

    assert wait.value.wait_seconds == 5.0


def test_R9_a_sidecar_that_stays_broken_is_held_with_its_place() -> None:
    with pytest.raises(BadMetadata, match=r"the sidecar calls/a\.json:1:41: this is no JSON: .*; correct the file"):
        compose(SIDECAR_JSON, files={"calls/a.json": GOOD[:40]}, sidecar_age_seconds=31)


def test_the_first_place_that_holds_a_sidecar_wins() -> None:
    other = json.dumps({**BODY, "title": "appended"}).encode()

    both = compose(SIDECAR_JSON, files={"calls/a.wav.json": other, "calls/a.json": GOOD})
    one = compose(SIDECAR_JSON, files={"calls/a.wav.json": other})

    assert (both.draft and both.draft.title, one.draft and one.draft.title) == (None, "appended")


# --- sidecar-json ------------------------------------------------------------------------------------------------


def identity(mapping: Mapping, key: str, body: dict[str, object], fingerprint: str = "00ff") -> str:
    found = compose(
        mapping,
        key,
        files={key[: key.rindex(".")] + ".json": json.dumps(body).encode()},
        info=media(fingerprint=fingerprint),
    )
    assert found.draft is not None
    return found.draft.client_unique_id


def test_R11_the_same_bytes_and_description_are_the_same_call_wherever_they_lie() -> None:
    reordered = dict(reversed(list(BODY.items())))

    assert identity(SIDECAR_JSON, "calls/a.wav", BODY) == identity(SIDECAR_JSON, "other/b.WAV", reordered)
    assert identity(SIDECAR_JSON, "calls/a.wav", BODY).startswith("gb-")
    assert len(identity(SIDECAR_JSON, "calls/a.wav", BODY)) == len("gb-") + 40


def test_R11_other_bytes_or_another_description_are_another_call() -> None:
    ids = {
        identity(SIDECAR_JSON, "a.wav", BODY),
        identity(SIDECAR_JSON, "a.wav", BODY, fingerprint="11ff"),
        identity(SIDECAR_JSON, "a.wav", {**BODY, "title": "another"}),
    }

    assert len(ids) == 3


def test_the_sidecar_itself_is_no_recording() -> None:
    names = ["a.json", "a.wav.json", "b/A.JSON", "a.wav", "json", "a.json.wav"]

    assert [SIDECAR_JSON.is_sidecar(name) for name in names] == [True, True, True, False, False, False]


# --- other formats and places ------------------------------------------------------------------------------------

OWN = """
about: a recorder of our own
match:
  - stem: '^(?P<id>\\w+)$'
sidecar:
  format: {format}
  find: [{find}]
  {more}
call:
  clientUniqueId: "{{{{ id }}}}"
  actualStart: "{{{{ sidecar.start | time('%d.%m.%Y %H:%M:%S') }}}}"
  direction: Inbound
  primaryUser: "{{{{ (sidecar.ext | agent('extension')).user_id }}}}"
  parties:
    - emailAddress: "{{{{ (sidecar.ext | agent('extension')).email }}}}"
    - phoneNumber: "{{{{ sidecar.caller | phone }}}}"
"""


@pytest.mark.parametrize(
    ("form", "find", "more", "key", "data"),
    [
        (
            "xml",
            "{replace_extension: .XML}",
            "",
            "calls/c1.XML",
            b"<c xmlns='urn:c'><start>14.01.2026 05:00:00</start><ext>201</ext><caller>8005550101</caller></c>",
        ),
        (
            "csv",
            "{append: _metadata.csv}",
            "",
            "calls/c1.wav_metadata.csv",
            b"start,ext,caller\n14.01.2026 05:00:00,201,8005550101\n",
        ),
        (
            "csv",
            "{beside: 'all.csv'}",
            "where: {file: '{{ name }}'}",
            "calls/all.csv",
            b"file,start,ext,caller\nx.wav,,,\nc1.wav,14.01.2026 05:00:00,201,8005550101\n",
        ),
        (
            "json",
            "{key: 'meta/{{ id }}.call.json'}",
            "",
            "meta/c1.call.json",
            b'{"start": "14.01.2026 05:00:00", "ext": 201, "caller": "8005550101"}',
        ),
    ],
)
def test_sidecars_of_every_format_and_place_give_the_same_call(
    tmp_path: Path, form: str, find: str, more: str, key: str, data: bytes
) -> None:
    mapping = mapping_of(tmp_path, OWN.format(format=form, find=find, more=more))

    found = compose(mapping, "calls/c1.wav", files={key: data})

    assert mapping.is_sidecar(key)
    assert found.draft is not None
    assert found.draft.to_json() == {
        "clientUniqueId": "c1",
        "actualStart": "2026-01-14T05:00:00-05:00",
        "direction": "Inbound",
        "primaryUser": "7201",
        "parties": [
            {"emailAddress": "agent-201@example.com", "userId": "7201"},
            {"phoneNumber": "+18005550101"},
        ],
    }


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"file,start\nx.wav,\n", "calls/all.csv has no row for this recording"),
        (b"file,start\nc1.wav,\nc1.wav,\n", "calls/all.csv has 2 rows for this recording"),
        (b"name,start\nc1.wav,\n", "calls/all.csv has no column 'file'; it has: name, start"),
    ],
)
def test_a_csv_that_does_not_choose_one_row_is_held(tmp_path: Path, data: bytes, problem: str) -> None:
    text = OWN.format(format="csv", find="{beside: 'all.csv'}", more="where: {file: '{{ name }}'}")

    with pytest.raises(BadMetadata, match=problem):
        compose(mapping_of(tmp_path, text), "calls/c1.wav", files={"calls/all.csv": data})


def test_a_sidecar_larger_than_the_limit_is_held(tmp_path: Path) -> None:
    text = OWN.format(format="json", find="{append: .json}", more="largest: 1 KiB")

    with pytest.raises(BadMetadata, match=r"calls/c1\.wav\.json: the file is larger than 1024 bytes"):
        compose(mapping_of(tmp_path, text), "calls/c1.wav", files={"calls/c1.wav.json": b" " * 1025})


def test_a_name_that_leads_out_of_the_source_is_not_looked_at(tmp_path: Path) -> None:
    text = OWN.format(format="json", find="{key: '{{ folder }}/../../etc/{{ id }}.json'}", more="when_missing: degrade")

    with pytest.raises(NotYetComplete, match=r"no sidecar yet \(looked for none\)"):
        compose(mapping_of(tmp_path, text), "calls/c1.wav", files={"calls/../../etc/c1.json": GOOD}, age_seconds=1)


def test_a_csv_with_nul_bytes_is_refused_with_the_place() -> None:
    with pytest.raises(Malformed, match=r"^2:3: there are NUL bytes in it"):
        read_sidecar(b"a,b\n1,\0\n", "csv")


def test_a_small_csv_that_was_cut_off_is_not_filled_up_with_empty_cells() -> None:
    with pytest.raises(Malformed) as refusal:
        read_sidecar(b"file,agent,number\na.wav,20", "csv")
    assert str(refusal.value) == "2:1: the last line is cut off: it has fewer cells than the first"
    assert read_sidecar(b"file,agent,number\na.wav,20\n", "csv") == [{"file": "a.wav", "agent": "20", "number": ""}]
    assert read_sidecar(b"file,agent\na.wav,20", "csv") == [{"file": "a.wav", "agent": "20"}]
