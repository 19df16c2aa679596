"""A file of CRM objects is checked whole before anything is sent: each mistake has its line, its field and its cure."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from gong_bridge.crm.checking import CheckedFile, check_file
from gong_bridge.crm.entities import FIELDS, Entity
from gong_bridge.crm.repeated_ids import RepeatedIds
from gong_bridge.errors import ConfigError, SourceChanged
from gong_bridge.gong.models.crm import SchemaField, UploadType

WHEN = "2019-01-03T23:45:57+01:00"
SCHEMA = [
    SchemaField(unique_name="category", type="PICKLIST", ordered_value_list=("Analyst", "Partner")),
    SchemaField(unique_name="open", type="PICKLIST"),
    SchemaField(unique_name="since", type="DATE"),
    SchemaField(unique_name="share", type="PERCENT"),
    SchemaField(unique_name="tags", type="STRINGARRAY"),
    SchemaField(unique_name="seen", type="DATETIME"),
    SchemaField(unique_name="mail", type="EMAILADDRESS"),
    SchemaField(unique_name="gone", type="STRING", is_deleted=True),
]


def check(folder: Path, content: bytes, object_type: UploadType = "ACCOUNT", most: int = 20) -> CheckedFile:
    file = folder / "objects.jsonl"
    file.write_bytes(content)
    return check_file(file, Entity(object_type, SCHEMA if object_type == "ACCOUNT" else ()), most=most)


def account(**fields: object) -> bytes:
    return json.dumps({"objectId": "a-1", "modifiedDate": WHEN, **fields}).encode()


def told(checked: CheckedFile) -> list[str]:
    return [f"{one.line}: {one.field + ': ' if one.field else ''}{one.what}" for one in checked.mistakes]


def test_what_is_right_has_no_mistakes(tmp_path: Path) -> None:
    full = account(
        isDeleted=False, url="https://crm.example.com/1", name="Example", domains=["example.com"], category="Partner",
        open="whatever", since="2020-05-31", share=67.3, tags=["a"], seen="2020-12-17T05:37:21Z", mail="a@example.com",
    )  # fmt: skip
    email = b'{"objectId":"a@example.com","modifiedDate":"2019-01-03T23:45:57Z","name":null}\r\n'
    checked = check(tmp_path, full + b"\n" + email)
    assert (told(checked), checked.lines, checked.mistake_count) == ([], 2, 0)


def test_the_examples_of_gong_are_right_but_for_their_slips(tmp_path: Path) -> None:
    # A comment, and OPEN without quotes, stand in its examples; its objectIds have underscores.
    user = b'{"objectId": "user1_Id_In_CRM", "emailAddress": "a@example.com", "modifiedDate": "2019-01-03T23:45:57Z"}\n'
    gone = b'{"objectId": "user2_Id", "isDeleted": true, "modifiedDate": "2019-01-03T23:45:57+01:00"}\n'
    assert told(check(tmp_path, user + gone, "BUSINESS_USER")) == []
    deal = b'{"objectId": "8608553", "modifiedDate": "2022-02-04T18:24:59Z", "status": OPEN}\n'
    assert told(check(tmp_path, deal, "DEAL")) == ["1: is not JSON: expecting value, at column 75"]


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ({"objectId": None}, "objectId: is missing or empty; each ACCOUNT must have it"),
        ({"objectId": ""}, "objectId: is missing or empty; each ACCOUNT must have it"),
        ({"objectId": 7}, "objectId: must be a text in quotes, found 7"),
        ({"objectId": "a b"}, "objectId: must be letters, digits and dashes, or an e-mail address, found 'a b'"),
        (
            {"objectId": "x" * 65},
            "objectId: is too long: 65 characters, and Gong takes 64, found 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
        ),
        (
            {"modifiedDate": "2019-01-03T23:45:57.123Z"},
            "modifiedDate: must be a time with its offset and without milliseconds, such as 2020-12-17T07:37:21+02:00, "
            "found '2019-01-03T23:45:57.123Z'",
        ),
        (
            {"modifiedDate": "2019-02-30T23:45:57Z"},
            "modifiedDate: is no moment of the calendar, found '2019-02-30T23:45:57Z'",
        ),
        ({"isDeleted": "true"}, "isDeleted: must be true or false, without quotes, found 'true'"),
        ({"url": "crm/1"}, "url: must be a whole address that begins with http:// or https://, found 'crm/1'"),
        (
            {"domains": "example.com"},
            'domains: must be a list of texts, such as ["a.example.com", "b.example.com"], found \'example.com\'',
        ),
        ({"category": "Shop"}, "category: must be one of Analyst, Partner, found 'Shop'"),
        ({"since": "2020-02-30"}, "since: is no day of the calendar, found '2020-02-30'"),
        ({"share": 101}, "share: must be a number from 0 to 100, found 101"),
        ({"share": True}, "share: must be a number, without quotes, found true"),
        (
            {"domains": [None]},
            'domains: must be a list of texts, such as ["a.example.com", "b.example.com"], found [null]',
        ),
        ({"mail": "nobody"}, "mail: must be an e-mail address, found 'nobody'"),
        ({"nam": "x"}, "nam: is not known; did you mean name?"),
        ({"gone": "x"}, "gone: was deleted from the schema; leave it out"),
        (
            {"turnover": 1},
            "turnover: is not known; leave it out, or add it to the schema of ACCOUNT (gong-bridge crm schema)",
        ),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_what_it_must_be(tmp_path: Path, fields: dict, mistake: str) -> None:
    assert told(check(tmp_path, account(**fields))) == [f"1: {mistake}"]


def test_a_number_that_no_program_can_hold_is_named(tmp_path: Path) -> None:
    line = account(share=1).replace(b'"share": 1', b'"share": 1e999')
    assert told(check(tmp_path, line)) == ["1: share: is too large for a number, found Infinity"]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (b"", "is blank; delete it: Gong counts lines, and wants an object in each"),
        (b"  \r", "is blank; delete it: Gong counts lines, and wants an object in each"),
        (b"// remove it", "is a comment, which JSON has not; delete it"),
        (b"[", "begins a list; write each object on a line of its own, without brackets and commas around it"),
        (b'["a"]', "holds a list, not an object in braces"),
        (b"7", "holds a single value, not an object in braces"),
        (b"{}, {}", "goes on after the object, at column 3; one object a line, without a comma behind it"),
        (b'{"objectId": 1', "is not JSON: expecting ',' delimiter, at column 15"),
        (b'{"a": 1, "a": 2}', "is not JSON: a stands in it twice"),
        (b'{"a": NaN}', "is not JSON: NaN is no number in JSON"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "is not JSON: a number has 5,000 digits"),
        (b'{"a": "\\ud800"}', "holds half of a surrogate pair (\\ud8..), which is no character"),
        (b'{"a": "\xe9"}', "is not UTF-8 at byte 8; save the file as UTF-8"),
        (b'{"a":' * 100_000, "is not JSON: it is nested too deeply"),
        (b"x" * 5_000_000, "is longer than 4 MiB; write each object on a line of its own"),
    ],
    ids=lambda one: one[:12] if isinstance(one, str) else "",
)
def test_a_line_that_is_no_object_is_named_and_the_next_is_read_on(tmp_path: Path, line: bytes, mistake: str) -> None:
    checked = check(tmp_path, account() + b"\n" + line + b"\n" + account(objectId="a-2", share=200))
    after = "3: share: must be a number from 0 to 100, found 200"
    found = told(checked)
    assert (len(found), found[1], checked.lines) == (2, after, 3)
    assert found[0] == f"2: {mistake}"


@pytest.mark.parametrize(("mark", "name"), [("utf-8-sig", "UTF-8 with a mark (BOM)"), ("utf-16", "UTF-16")])
def test_marks_of_encodings_are_named(tmp_path: Path, mark: str, name: str) -> None:
    checked = check(tmp_path, account().decode().encode(mark))
    assert told(checked)[0] == f"1: begins as {name}; save the file as UTF-8 without a mark"


def test_an_id_that_stands_twice_is_named_with_the_line_where_it_stood_first(tmp_path: Path) -> None:
    lines = [account(objectId=one) for one in ("a", "b", "a", "A", "a")]
    assert told(check(tmp_path, b"\n".join(lines))) == [
        "3: objectId: stands in line 1 already; send several states of one object in files of their own",
        "5: objectId: stands in line 1 already; send several states of one object in files of their own",
    ]


def test_of_many_mistakes_the_first_are_told_and_all_are_counted(tmp_path: Path) -> None:
    checked = check(tmp_path, b"\n" * 5000, most=3)
    assert (len(checked.mistakes), checked.mistake_count, checked.lines) == (3, 5000, 5000)


def test_stages_and_users_have_their_own_required_fields(tmp_path: Path) -> None:
    assert told(check(tmp_path, b'{"objectId": "won", "sortOrder": 0}', "STAGE")) == [
        "1: name: is missing or empty; each STAGE must have it",
        "1: sortOrder: must be a whole number from 1 on, without quotes, found 0",
    ]
    user = b'{"objectId": "u", "modifiedDate": "2019-01-03T23:45:57Z"}'
    assert told(check(tmp_path, user, "BUSINESS_USER")) == [
        "1: emailAddress: is missing or empty; each BUSINESS_USER must have it"
    ]


def test_files_that_cannot_be_files_of_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is empty; write one JSON object a line"):
        check(tmp_path, b"")
    with pytest.raises(ConfigError, match="is not a file that is there"):
        check_file(tmp_path / "none.jsonl", Entity("ACCOUNT"))
    with pytest.raises(ConfigError, match="is not a file that is there"):
        check_file(tmp_path, Entity("ACCOUNT"))
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.truncate(200_000_001)
    with pytest.raises(ConfigError, match="has 200,000,001 bytes, and Gong takes 200,000,000; split it"):
        check_file(large, Entity("ACCOUNT"))


def test_what_was_changed_after_the_check_is_not_sent(tmp_path: Path) -> None:
    checked = check(tmp_path, account())
    checked.opened().close()
    checked.path.write_bytes(account(name="another"))
    with pytest.raises(SourceChanged, match="was changed after it was checked; nothing was sent"):
        checked.opened()


def test_a_check_holds_neither_lines_nor_ids(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_bytes(b"".join(account(objectId=f"id-{n}") + b"\n" for n in range(8_000)))
    tracemalloc.start()
    checked = check_file(file, Entity("ACCOUNT"))
    most_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (checked.lines, checked.mistake_count) == (8_000, 0)
    assert most_bytes < 1_000_000  # the ids alone would be as much, and the lines more


def test_repeats_of_one_id_are_not_held() -> None:
    with RepeatedIds() as ids:
        for line in range(1, 60_001):
            ids.add("a", line)
        tracemalloc.start()
        count = sum(first == 1 for _, first in ids.repeated())
        most_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 59_999
    assert most_bytes < 400_000  # the heap in which they lie has 1,200,000


def test_every_type_that_can_be_uploaded_has_its_fields() -> None:
    from typing import get_args

    assert set(FIELDS) == set(get_args(UploadType))
