"""`gong-bridge gong ...` against a strict Gong: what is asked for comes whole and once, whatever happens."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from gong_bridge.cli import build_app
from gong_bridge.errors import ConfigError
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import HOST_ID, add_call, client_of, put_media, wav_bytes

FIRST_OF_MARCH = ("--from", "2024-03-01", "--to", "2024-03-10")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A person's shell: a configuration, a sandbox with 20 calls on 10 days, pages of 3."""

    sandbox: Sandbox
    folder: Path
    call_ids: list[str]

    def run(self, *words: str) -> Result:
        """`gong-bridge gong ...`, in this process."""
        return CliRunner().invoke(build_app("gong"), ["gong", *words, "--config", str(self.folder / "bridge.yaml")])

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """What a command that must succeed writes as JSON lines."""
        result = self.run(*words, "--format", "jsonl")
        assert result.exit_code == 0, (result.stderr, result.exception)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def asked(self, path: str) -> int:
        """How many requests to `path` arrived."""
        return sum(request.path == path for request in self.sandbox.requests)


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path) -> Desk:
    return desk_at(sandbox, tmp_path)


def desk_at(sandbox: Sandbox, folder: Path) -> Desk:
    (folder / "bridge.yaml").write_text(
        f"""
gong: {{base_url: "{sandbox.base_url}", access_key: sandbox, access_key_secret: sandbox-secret,
  limits: {{calls_per_second: 1000}}}}
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
sources: [{{name: pbx, folder: {folder}, mapping: freepbx}}]
"""
    )
    (folder / "bridge.yaml").chmod(0o600)
    with client_of(sandbox) as client:
        ids = [
            add_call(
                client, clientUniqueId=f"c{n}", actualStart=f"2024-03-{1 + n // 2:02}T1{n % 2}:00:00Z", title=title
            )
            for n in range(20)
            for title in [("=HYPERLINK(1)", 'Übung ☎, "two"\nlines')[n % 2]]
        ]
        for call_id in ids[:5]:
            put_media(client, call_id, wav_bytes())
    return Desk(sandbox=sandbox, folder=folder, call_ids=ids)


def test_calls_of_a_period_come_whole_and_in_order(desk: Desk) -> None:
    assert [row["id"] for row in desk.rows("calls", *FIRST_OF_MARCH)] == desk.call_ids
    two_days = desk.rows("calls", "--from", "2024-03-02", "--to", "2024-03-03T10:30:00Z")
    assert [row["id"] for row in two_days] == desk.call_ids[2:5]
    assert desk.rows("calls", "--from", "2023-01-01", "--to", "2023-01-31") == []


def test_a_table_shows_ids_whole_and_nothing_that_a_terminal_obeys(desk: Desk) -> None:
    shown = desk.run("calls", *FIRST_OF_MARCH, "--limit", "4").stdout
    assert shown.splitlines()[0].split() == ["started", "duration", "direction", "title", "id"]
    assert all(call_id in shown for call_id in desk.call_ids[:4])
    assert desk.call_ids[4] not in shown
    assert "\\nlines" in shown


def test_what_people_said_is_written_for_the_owner_alone_and_a_half_file_too(desk: Desk) -> None:
    before = os.umask(0)
    try:
        for name in ("calls.csv", "calls.parquet"):
            assert desk.run("calls", *FIRST_OF_MARCH, "--output", str(desk.folder / name)).exit_code == 0
        desk.sandbox.play(Fault(operation="listCalls", kind="status", status=403, skip=1))
        many = ("--from", "2024-03-01", "--to", "2024-03-31", "--output", str(desk.folder / "half.jsonl"))
        assert desk.run("calls", *many).exit_code == 1
    finally:
        os.umask(before)
    names = ("calls.csv", "calls.parquet", "half.jsonl.part", "half.jsonl.resume")
    assert [stat.S_IMODE((desk.folder / name).stat().st_mode) for name in names] == [0o600] * 4


def test_csv_and_parquet_and_jsonl_say_the_same(desk: Desk) -> None:
    import pyarrow.parquet

    for name in ("calls.csv", "calls.parquet", "calls.jsonl"):
        result = desk.run("calls", *FIRST_OF_MARCH, "--output", str(desk.folder / name))
        assert result.exit_code == 0, result.stderr
        assert result.stderr == f"20 calls in {desk.folder / name}\n"
    lines = (desk.folder / "calls.jsonl").read_text().splitlines()
    by_json = [(one["id"], one["title"]) for one in map(json.loads, lines)]
    table = pyarrow.parquet.read_table(desk.folder / "calls.parquet")
    by_parquet = list(zip(table["id"].to_pylist(), table["title"].to_pylist(), strict=True))
    by_csv = [
        (one["id"], one["title"].removeprefix("'"))
        for one in csv.DictReader(io.StringIO((desk.folder / "calls.csv").read_bytes().decode(), newline=""))
    ]
    assert by_json == by_parquet == by_csv
    assert "'=HYPERLINK(1)" in (desk.folder / "calls.csv").read_text()
    assert sorted(path.name for path in desk.folder.glob("calls*")) == ["calls.csv", "calls.jsonl", "calls.parquet"]


def test_every_other_list_comes_too(desk: Desk) -> None:
    days = ("--from", "2024-03-01", "--to", "2024-03-07")
    (full,) = desk.rows("calls", desk.call_ids[0], "--show", "parties", "--show", "media")
    assert (full["metaData"]["id"], len(full["parties"])) == (desk.call_ids[0], 2)
    assert full["media"]["audioUrl"].endswith(desk.call_ids[0])
    assert [row["id"] for row in desk.rows("calls", desk.call_ids[3])] == [desk.call_ids[3]]
    assert [row["callId"] for row in desk.rows("transcripts", *FIRST_OF_MARCH)] == desk.call_ids[:5]
    assert len(desk.rows("transcripts", *FIRST_OF_MARCH, "--by", "sentence")) == 30
    assert len(desk.rows("users")) == 7
    assert len(desk.rows("users", "--avatars")) == 8
    assert [row["extension"] for row in desk.rows("users", HOST_ID)] == ["201"]
    assert len(desk.rows("users", "--from", "2024-01-01", "--to", "2024-01-31")) == 7
    assert {row["setting"] for row in desk.rows("users", "--history", HOST_ID)} >= {"active", "callsImported"}
    (host, *_) = desk.rows("stats", "aggregate", *days)
    assert host["userAggregateActivityStats"]["callsAsHost"] == 14
    (by_week, *_) = desk.rows("stats", "by-period", *days, "--period", "WEEK")
    assert [one["callsAsHost"] for one in by_week["userAggregateActivity"]] == [6, 8]
    (by_day,) = desk.rows("stats", "day-by-day", *days, "--user", HOST_ID)
    assert by_day["userDailyActivityStats"][0]["callsAsHost"] == desk.call_ids[:2]
    assert len(desk.rows("stats", "interaction", *days)) == 6
    assert len(desk.rows("stats", "scorecards", *days, "--method", "BOTH")) == 28
    assert [row["name"] for row in desk.rows("settings", "workspaces")] == ["Sales", "Service"]
    assert next(row["scorecardId"] for row in desk.rows("settings", "scorecards")) == "6000000000000000001"
    assert len(desk.rows("settings", "trackers", "--workspace", "4000000000000000002")) == 1
    folders = {row["name"]: row["id"] for row in desk.rows("library", "folders")}
    assert [row["id"] for row in desk.rows("library", "calls", folders["All calls"])] == desk.call_ids


def test_ids_that_gong_does_not_know_are_named_and_the_others_come(desk: Desk) -> None:
    for words in (("calls", "99", desk.call_ids[0]), ("calls", "99", desk.call_ids[0], "--show", "parties")):
        result = desk.run(*words, "--format", "jsonl")
        assert (result.exit_code, result.stderr) == (1, "Gong has no call 99\n")
        assert len(result.stdout.splitlines()) == 1
    assert desk.run("users", HOST_ID, "98").stderr == "Gong has no user 98\n"
    assert desk.run("transcripts", "97").stderr == "Gong has no transcript of call 97\n"
    assert desk.run("library", "calls", "96").stderr == "Gong has no folder 96\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("calls",), "say from when, such as --from 2026-01-31"),
        (("calls", "--from", "2024-02-30"), "--from: '2024-02-30' is no day"),
        (("calls", "abc"), "call 'abc' is no Gong id"),
        (("users", "--history", "x"), "--history 'x' is no Gong id"),
        (("calls", *FIRST_OF_MARCH, "--show", "weather"), "--show weather: there are parties, structure"),
        (("calls", *FIRST_OF_MARCH, "--format", "xlsx"), "--format xlsx: there are table, jsonl, csv, parquet"),
        (("calls", *FIRST_OF_MARCH, "--output", "calls.xlsx"), "say --format jsonl, csv or parquet"),
        (("calls", *FIRST_OF_MARCH, "--output", "/no/such/folder/calls.csv"), "there is no folder /no/such/folder"),
        (("calls", *FIRST_OF_MARCH, "--resume"), "--resume needs --output FILE"),
        (("calls", *FIRST_OF_MARCH, "--account", "emea"), "--account: there is no account 'emea'"),
    ],
)
def test_wrong_words_are_named_before_anything_is_asked(desk: Desk, words: tuple[str, ...], message: str) -> None:
    asked = len(desk.sandbox.requests)
    result = desk.run(*words)
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)
    assert len(desk.sandbox.requests) == asked


def test_parquet_without_pyarrow_says_how_to_install_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = desk.run("calls", *FIRST_OF_MARCH, "--output", str(desk.folder / "calls.parquet"))
    assert "pip install 'gong-bridge[parquet]'" in str(result.exception)
    assert not list(desk.folder.glob("calls*"))


def test_a_missing_scope_is_named(desk: Desk) -> None:
    desk.sandbox.play(Fault(operation="getCallTranscripts", kind="status", status=403))
    result = desk.run("transcripts", *FIRST_OF_MARCH)
    assert result.exit_code == 1
    assert "403 on getCallTranscripts, scope api:calls:read:transcript" in result.stderr
    assert "shown above" not in result.stderr


def test_an_export_that_could_not_begin_leaves_nothing_behind(desk: Desk) -> None:
    desk.sandbox.play(Fault(operation="listUsers", kind="status", status=500, times=None))
    began_at = time.monotonic()
    result = desk.run("users", "--output", str(desk.folder / "users.csv"))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "Gong failed to list the users (500" in result.stderr
    assert not list(desk.folder.glob("users*"))
    assert time.monotonic() - began_at < 10


def test_a_gong_that_fails_for_a_moment_is_asked_again_for_the_same_page(desk: Desk) -> None:
    desk.sandbox.play(Fault(operation="listUsers", kind="drop_before", skip=1))
    desk.sandbox.play(Fault(operation="listUsers", kind="status", status=429, retry_after="1", skip=2))
    assert len(desk.rows("users")) == 7


# --- exports that are interrupted -------------------------------------------------------------------------------------


def half(desk: Desk, name: str, *words: str, after_pages: int = 4) -> Path:
    """An export that Gong ends after some pages."""
    desk.sandbox.play(Fault(operation="listCalls", kind="status", status=403, skip=after_pages))
    output = desk.folder / name
    result = desk.run("calls", *FIRST_OF_MARCH, *words, "--output", str(output))
    assert result.exit_code == 1
    assert f"calls are in {output}.part; the same command with --resume goes on from there" in result.stderr
    assert not output.exists()
    return output


@pytest.mark.parametrize("name", ["calls.jsonl", "calls.csv", "calls.parquet"])
def test_a_half_written_file_goes_on_where_it_stopped_and_is_as_if_it_never_had(desk: Desk, name: str) -> None:
    whole = desk.folder / f"whole-{name}"
    assert desk.run("calls", *FIRST_OF_MARCH, "--output", str(whole)).exit_code == 0
    output = half(desk, name)
    with Path(f"{output}.part").open("ab") as torn:
        torn.write(b'{"id":"506428279')
    before = desk.asked("/v2/calls")
    result = desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), "--resume")
    assert result.exit_code == 0, result.stderr
    assert output.read_bytes() == whole.read_bytes()
    assert desk.asked("/v2/calls") - before < 10
    assert sorted(path.name for path in desk.folder.glob(f"{name}*")) == [name]


def test_an_expired_cursor_begins_its_window_again_and_doubles_nothing(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    desk = desk_at(start_sandbox(page_size=1, cursor_seconds=0.5), tmp_path)
    desk.sandbox.play(Fault(operation="listCalls", kind="slow", seconds=0.7, skip=4, times=1))
    output = tmp_path / "calls.jsonl"
    assert desk.run("calls", *FIRST_OF_MARCH, "--output", str(output)).exit_code == 0
    assert [json.loads(line)["id"] for line in output.read_text().splitlines()] == desk.call_ids
    assert [request.status for request in desk.sandbox.requests if request.path == "/v2/calls"].count(400) == 1


def test_a_cursor_that_expired_between_two_commands_begins_its_window_again(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    desk = desk_at(start_sandbox(page_size=1, cursor_seconds=1.0), tmp_path)
    output = half(desk, "calls.csv", after_pages=3)
    time.sleep(1.1)
    assert desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), "--resume").exit_code == 0
    rows = list(csv.DictReader(io.StringIO(output.read_bytes().decode(), newline="")))
    assert [row["id"] for row in rows] == desk.call_ids


def test_rows_on_the_screen_cannot_be_taken_back_and_it_says_so(desk: Desk) -> None:
    desk.sandbox.play(Fault(operation="listUsers", kind="status", status=400, skip=1))
    result = desk.run("users", "--format", "jsonl")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    assert "ask again with --output FILE" in result.stderr
    assert "what is shown above is not all" in result.stderr


def test_a_file_is_never_written_over_nor_gone_on_with_by_another_question(desk: Desk) -> None:
    output = half(desk, "calls.jsonl")
    again = desk.run("calls", *FIRST_OF_MARCH, "--output", str(output))
    assert "did not come to its end; go on with --resume" in str(again.exception)
    other = desk.run("calls", "--from", "2024-03-02", "--to", "2024-03-10", "--output", str(output), "--resume")
    assert "is of another export: from was '2024-03-01', and is '2024-03-02' now" in str(other.exception)
    assert desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), "--resume").exit_code == 0
    whole = output.read_bytes()
    for words in ((), ("--resume",)):
        refused = desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), *words)
        assert "is there already, and whole" in str(refused.exception)
    assert output.read_bytes() == whole


def test_a_list_without_windows_begins_again_when_its_cursor_is_lost(desk: Desk) -> None:
    desk.sandbox.play(Fault(operation="listUsers", kind="status", status=400, skip=2))
    output = desk.folder / "users.jsonl"
    assert desk.run("users", "--output", str(output)).exit_code == 0
    assert [json.loads(line)["extension"] for line in output.read_text().splitlines()] == [
        str(extension) for extension in range(201, 208)
    ]


def test_a_part_that_lost_the_end_of_its_window_is_begun_again_there(desk: Desk) -> None:
    output = half(desk, "calls.jsonl", after_pages=4)
    part, note = Path(f"{output}.part"), json.loads(Path(f"{output}.resume").read_text())
    assert 0 < note["window_mark"] < note["mark"] == part.stat().st_size
    with part.open("r+b") as file:
        file.truncate(note["mark"] - 1)
    assert desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), "--resume").exit_code == 0
    assert [json.loads(line)["id"] for line in output.read_text().splitlines()] == desk.call_ids


def test_a_part_that_was_cut_short_is_refused_by_name(desk: Desk) -> None:
    output = half(desk, "calls.jsonl")
    part, note = Path(f"{output}.part"), Path(f"{output}.resume")
    window_mark = json.loads(note.read_text())["window_mark"]
    with part.open("r+b") as file:
        file.truncate(window_mark - 1)
    refused = desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), "--resume")
    assert "it was changed since" in str(refused.exception)
    note.write_text("{")
    refused = desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), "--resume")
    assert "cannot be read as the place of an export" in str(refused.exception)


def test_two_at_once_do_not_write_one_file(desk: Desk) -> None:
    output = half(desk, "calls.jsonl")
    with Path(f"{output}.part").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = desk.run("calls", *FIRST_OF_MARCH, "--output", str(output), "--resume")
        assert "is being written by another gong-bridge" in str(refused.exception)


def test_another_account_is_asked_with_its_own_address(desk: Desk, start_sandbox: Callable[..., Sandbox]) -> None:
    emea = start_sandbox(page_size=100)
    with (desk.folder / "bridge.yaml").open("a") as file:
        keys = "access_key: sandbox, access_key_secret: sandbox-secret"
        file.write(f'accounts: {{emea: {{base_url: "{emea.base_url}", {keys}}}}}\n')
    assert len(desk.rows("users", "--account", "emea")) == 7
    assert [request.path for request in emea.requests] == ["/v2/users"]
    assert desk.asked("/v2/users") == 0


def test_looking_makes_no_ledger(desk: Desk) -> None:
    desk.rows("users")
    assert not (desk.folder / "ledger.db").exists()


def test_the_sandbox_saw_no_query_it_does_not_know(desk: Desk) -> None:
    desk.rows("calls", *FIRST_OF_MARCH, "--workspace", "4000000000000000001")
    assert httpx.codes.BAD_REQUEST not in [request.status for request in desk.sandbox.requests]
