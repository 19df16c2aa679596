"""`gong-bridge crm ...` against a strict Gong: objects are checked, taken once, and followed to their end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gong_bridge.errors import BadCredentials, ConfigError
from gong_bridge.gong.crm import IntegrationExists
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.crm_desk import WHEN, Desk, desk_at

SCHEMA = """\
about: Our fields
ACCOUNT:
  - {uniqueName: category, label: Category, type: PICKLIST, orderedValueList: [Analyst, Partner]}
  - {uniqueName: staff, label: Staff, type: NUMBER}
"""


def test_an_integration_is_registered_once_and_another_is_refused(crm_desk: Desk) -> None:
    first = crm_desk.does("register", "--name", "Our CRM", "--owner", "owner@example.com")
    assert crm_desk.does("register", "--name", "Our CRM", "--owner", "owner@example.com") == first
    refused = crm_desk.run("register", "--name", "Another", "--owner", "owner@example.com")
    assert isinstance(refused.exception, IntegrationExists)
    assert "There can be one: use it, or delete it first (gong-bridge crm delete)" in str(refused.exception)
    (row,) = [json.loads(line) for line in crm_desk.does("list", "--json").splitlines()]
    assert (row["name"], row["ownerEmail"]) == ("Our CRM", "owner@example.com")
    assert first.split()[-1] == row["integrationId"]


def test_a_registration_whose_answer_is_lost_makes_one_integration(crm_desk: Desk) -> None:
    crm_desk.sandbox.play(Fault(operation="registerGenericCrmIntegration", kind="drop_after"))
    assert "is registered" in crm_desk.does("register", "--name", "Our CRM", "--owner", "owner@example.com")
    assert len(crm_desk.sandbox.crm.integrations()) == 1


def test_a_schema_is_set_from_a_file_and_shown(registered: Desk) -> None:
    assert "ACCOUNT: 2 fields" in registered.does("schema", "--file", registered.file("s.yaml", SCHEMA))
    rows = [json.loads(line) for line in registered.does("schema", "ACCOUNT", "--json").splitlines()]
    assert [(row["uniqueName"], row["type"]) for row in rows] == [("category", "PICKLIST"), ("staff", "NUMBER")]


def test_a_schema_that_leaves_a_field_out_is_refused_and_one_that_deletes_data_asks(registered: Desk) -> None:
    registered.does("schema", "--file", registered.file("s.yaml", SCHEMA))
    less = registered.file("less.yaml", SCHEMA[: SCHEMA.rindex("  - ")])
    refused = registered.run("schema", "--file", less)
    assert isinstance(refused.exception, ConfigError)
    assert "less.yaml:2:1: ACCOUNT: Gong has staff besides; name every field each time" in str(refused.exception)
    other = registered.file("other.yaml", SCHEMA.replace("type: NUMBER", "type: STRING"))
    asked = registered.run("schema", "--file", other)
    assert isinstance(asked.exception, ConfigError)
    assert "ACCOUNT.staff becomes STRING: what it held as NUMBER is deleted" in asked.output
    assert [one["type"] for one in registered.sandbox.crm.schema("ACCOUNT")] == ["PICKLIST", "NUMBER"]
    registered.does("schema", "--file", other, "--yes")
    assert [one["type"] for one in registered.sandbox.crm.schema("ACCOUNT")] == ["PICKLIST", "STRING"]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("  - {uniqueName: a, label: A, type: TEXT}", "s.yaml:2:37: ACCOUNT[#1].type: "),
        ("  - {uniqueName: a, label: A, type: PICKLIST}", "s.yaml:2:5: ACCOUNT[#1]: a PICKLIST needs orderedValueList"),
        ("  - {uniqueName: a, label: A, type: REFERENCE}", "s.yaml:2:5: ACCOUNT[#1]: a REFERENCE needs referenceTo"),
        ("  - {uniqueName: a, lable: A, type: URL}", "s.yaml:2:21: ACCOUNT[#1].lable: unknown key"),
    ],
)
def test_mistakes_of_a_schema_file_are_told_with_line_and_column(crm_desk: Desk, line: str, mistake: str) -> None:
    result = crm_desk.run("schema", "--file", crm_desk.file("s.yaml", f"ACCOUNT:\n{line}\n"))
    assert isinstance(result.exception, ConfigError)
    assert mistake in str(result.exception)
    assert crm_desk.sandbox.requests == []


def test_mistakes_are_all_told_before_anything_is_sent(registered: Desk) -> None:
    registered.does("schema", "--file", registered.file("s.yaml", SCHEMA))
    wrong = '{"objectId":"b","modifiedDate":"today","category":"Shop"}\n\n{"objectId":"b"}\n'
    result = registered.run("upload", "ACCOUNT", registered.file("wrong.jsonl", wrong), "--mistakes", "4")
    assert result.exit_code == 2
    assert [line.partition("wrong.jsonl:")[2] for line in result.stderr.splitlines()[:4]] == [
        "1: modifiedDate: must be a time with its offset and without milliseconds, such as 2020-12-17T07:37:21+02:00, "
        "found 'today'",
        "1: category: must be one of Analyst, Partner, found 'Shop'",
        "2: is blank; delete it: Gong counts lines, and wants an object in each",
        "3: modifiedDate: is missing or empty; each ACCOUNT must have it",
    ]
    assert "... and 1 more" in result.stderr
    assert "5 mistakes; nothing was sent." in result.stderr
    assert registered.sent() == 0


def test_a_dry_run_against_a_schema_file_asks_gong_nothing(crm_desk: Desk) -> None:
    schema = crm_desk.file("s.yaml", SCHEMA)
    said = crm_desk.does("upload", "ACCOUNT", crm_desk.accounts(), "--dry-run", "--schema", schema)
    assert "3 objects, all right; nothing was sent" in said
    assert crm_desk.sandbox.requests == []
    assert not (crm_desk.folder / "ledger.db").exists()


def fail_some_lines(desk: Desk, lines: int, failing: set[int]) -> str:
    """A file with a field that its own schema has, and Gong's has not: Gong cannot take these lines."""
    rows = [
        {"objectId": f"a-{n}", "modifiedDate": WHEN, **({"extra": "x"} if n in failing else {})}
        for n in range(1, lines + 1)
    ]
    return desk.file("accounts.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def test_lines_that_failed_are_told_and_copied_to_a_file_that_can_be_mended_and_sent(registered: Desk) -> None:
    schema = registered.file("s.yaml", "ACCOUNT:\n  - {uniqueName: extra, label: Extra, type: STRING}\n")
    file = fail_some_lines(registered, 5, {2, 5})
    result = registered.run("upload", "ACCOUNT", file, "--schema", schema)
    assert result.exit_code == 1
    assert "accounts.jsonl:2: extra is not a known field" in result.stderr
    assert "FAILED: 3 taken, 2 failed" in result.stdout
    failed = registered.folder / "accounts.failed.jsonl"
    assert [json.loads(line)["objectId"] for line in failed.read_text().splitlines()] == ["a-2", "a-5"]
    assert failed.stat().st_mode & 0o777 == 0o600
    failed.write_text(failed.read_text().replace(', "extra": "x"', ""))
    registered.does("upload", "ACCOUNT", str(failed))
    assert registered.uploads == [("ACCOUNT", 3, 2), ("ACCOUNT", 2, 0)]


def test_a_file_that_failed_is_sent_again_when_the_schema_was_mended(registered: Desk) -> None:
    schema = registered.file("s.yaml", "ACCOUNT:\n  - {uniqueName: extra, label: Extra, type: STRING}\n")
    file = fail_some_lines(registered, 30, set(range(1, 31)))
    result = registered.run("upload", "ACCOUNT", file, "--schema", schema)
    assert "... and 10 more" in result.stderr
    assert "Gong names 20 failed lines at most" in result.stderr
    registered.does("schema", "--file", schema)
    assert "DONE: 30 taken" in registered.does("upload", "ACCOUNT", file)
    assert registered.uploads == [("ACCOUNT", 0, 30), ("ACCOUNT", 30, 0)]


def test_a_csv_is_uploaded_and_its_failed_rows_are_copied_with_its_first_line(registered: Desk) -> None:
    table = registered.file(
        "a.csv", 'No,Changed,Text\n1,2024-01-02T03:04:05Z,\n\n2,2024-01-02T03:04:05Z,"two\nlines"\n'
    )
    columns = "fields: {objectId: No, modifiedDate: Changed, extra: Text}\n"
    csv_map = registered.file("m.yaml", f"object: ACCOUNT\n{columns}")
    schema = registered.file("s.yaml", "ACCOUNT:\n  - {uniqueName: extra, label: Extra, type: STRING}\n")
    result = registered.run("upload", "ACCOUNT", table, "--map", csv_map, "--schema", schema)
    assert (result.exit_code, "a.csv:4: extra is not a known field" in result.stderr) == (1, True)
    copied = (registered.folder / "a.failed.csv").read_text()
    assert copied == 'No,Changed,Text\n2,2024-01-02T03:04:05Z,"two\nlines"\n'
    wrong_type = registered.run("upload", "LEAD", table, "--map", csv_map)
    assert "makes objects of ACCOUNT, not of LEAD" in str(wrong_type.exception)


def test_what_has_not_ended_is_asked_for_later(start_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = start_sandbox(crm_polls=3)
    desk = desk_at(sandbox, tmp_path)
    sandbox.crm.register("Our CRM", "owner@example.com")
    result = desk.run("upload", "ACCOUNT", desk.accounts(), "--wait", "0")
    assert (result.exit_code, result.stdout.startswith("PENDING")) == (1, True)
    request_id = result.stdout.split()[-1]
    assert f"ask later: gong-bridge crm status {request_id}" in result.stderr
    (row,) = [json.loads(line) for line in desk.does("status", "--json").splitlines()]
    assert (row["request"], row["outcome"], row["file"]) == (request_id, "not known", "accounts.jsonl")
    statuses = [desk.run("status", request_id).stdout.partition(" ")[0].strip(":") for _ in range(3)]
    assert statuses == ["IN_PROGRESS", "IN_PROGRESS", "DONE"]
    (row,) = [json.loads(line) for line in desk.does("status", "--json").splitlines()]
    assert row["outcome"] == "DONE"


def test_objects_are_shown_and_those_that_gong_has_not_are_named(registered: Desk) -> None:
    registered.does("upload", "ACCOUNT", registered.accounts(120))
    result = registered.run("objects", "ACCOUNT", *(f"a-{n}" for n in range(119)), "b-1")
    assert len(result.stdout.splitlines()) == 119
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, "Gong has no ACCOUNT b-1")


def test_a_deletion_asks_first_and_is_followed(registered: Desk) -> None:
    asked = registered.run("delete")
    assert isinstance(asked.exception, ConfigError)
    assert len(registered.sandbox.crm.integrations()) == 1
    registered.sandbox.play(Fault(operation="deleteGenericCrmIntegration", kind="drop_after"))
    assert "The integration and its objects are deleted." in registered.does("delete", "--yes")
    assert registered.sandbox.crm.integrations() == []


def test_without_an_integration_or_a_scope_the_message_says_what_to_do(crm_desk: Desk) -> None:
    none = crm_desk.run("upload", "ACCOUNT", crm_desk.accounts())
    assert "make one: gong-bridge crm register --name NAME --owner E-MAIL" in str(none.exception)
    crm_desk.sandbox.play(Fault(operation="listGenericCrmIntegration", kind="status", status=403))
    denied = crm_desk.run("list")
    assert isinstance(denied.exception, BadCredentials)
    assert "api:crm:integrations:read" in str(denied.exception)


@pytest.mark.parametrize(
    "words",
    [
        ("upload", "accounts", "a.jsonl"), ("schema", "STAGE"), ("objects", "STAGE", "won"), ("status", "a b"),
        ("list", "--account", "none"), ("schema", "--dry-run"), ("register", "--name", "CRM", "--owner", "nobody"),
        ("upload", "STAGE", "none.jsonl"),
    ],
)  # fmt: skip
def test_wrong_words_are_refused_before_gong_is_asked(crm_desk: Desk, words: tuple[str, ...]) -> None:
    assert isinstance(crm_desk.run(*words).exception, ConfigError)
    assert crm_desk.sandbox.requests == []
