"""Rows as lines: stable columns, ids as text, nothing that a spreadsheet would obey; windows as long as pages allow."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gong_bridge.gong.models.calls import CallSummary
from gong_bridge.gong.models.stats import AnsweredScorecard, UserActivity
from gong_bridge.gong.models.users import UserRow
from gong_bridge.receive.columns import columns_of
from gong_bridge.receive.lines import csv_heading, csv_lines, harmless, json_lines
from gong_bridge.receive.windows import LONGEST, Window, first_window, next_window

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_columns_are_those_of_the_documentation_whatever_a_row_holds() -> None:
    names = [column.name for column in columns_of(UserRow)]
    assert names[:3] == ["id", "emailAddress", "created"]
    assert names[12:14] == ["settings.webConferencesRecorded", "settings.preventWebConferenceRecording"]
    assert len(names) == 22
    row = UserRow.model_validate({"id": "7", "settings": None, "new": 1})
    (line,) = csv.reader(io.StringIO(csv_lines([row]).decode()))
    assert len(line) == len(columns_of(UserRow))
    assert line[0] == "7"


def test_ids_that_gong_sends_as_numbers_are_texts_to_the_last_digit() -> None:
    row = AnsweredScorecard.model_validate({"scorecardId": 9223372036854775807, "callId": 12345678901234567890})
    assert json.loads(json_lines([row])) == {"scorecardId": "9223372036854775807", "callId": "12345678901234567890"}


def test_a_csv_line_has_lists_as_json_and_flags_as_words() -> None:
    row = UserRow.model_validate(
        {"id": "7", "active": False, "emailAliases": ["a@example.com", "b@example.com"], "firstName": 'Ülo, "Jr"\nX'}
    )
    (line,) = csv.DictReader(io.StringIO((csv_heading(UserRow) + csv_lines([row])).decode(), newline=""))
    assert line["emailAliases"] == '["a@example.com","b@example.com"]'
    assert (line["active"], line["firstName"], line["title"]) == ("false", 'Ülo, "Jr"\nX', "")


def test_counts_stay_numbers() -> None:
    row = UserActivity.model_validate({"userId": 5, "userAggregateActivityStats": {"callsAsHost": 3}})
    assert csv_lines([row]).decode().startswith("5,,3,,")


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "＝1+1"])
def test_what_a_spreadsheet_would_obey_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["+1 555 010 0201", "+15550100", "-5", "-0.5", "", "a=b", "'", "1+1"])
def test_numbers_phone_numbers_and_plain_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(some.text(alphabet=some.characters(codec="utf-8")))
def test_any_title_comes_back_whole_from_both_forms(title: str) -> None:
    row = CallSummary(id="1", title=title)
    assert json.loads(json_lines([row]))["title"] == title
    lines = list(csv.reader(io.StringIO(csv_lines([row]).decode(), newline="")))
    assert len(lines) == 1
    assert lines[0][2] in (title, "'" + title)
    assert not lines[0][2].startswith(("=", "@", "\t", "\r"))


def windows_of(days: int, pages: int) -> list[Window]:
    period = Window(from_time=NOON, to_time=NOON + timedelta(days=days))
    found = [first_window(period)]
    while (window := next_window(period, found[-1], pages)) is not None:
        found.append(window)
    assert found[0].from_time == period.from_time
    assert found[-1].to_time == period.to_time
    assert all(before.to_time == after.from_time for before, after in pairwise(found))
    return found


def test_quiet_times_are_asked_for_in_long_windows_and_busy_ones_in_short_ones() -> None:
    assert len(windows_of(365, 1)) == 16
    assert max(window.to_time - window.from_time for window in windows_of(365, 1)) == LONGEST
    assert len(windows_of(30, 10)) == 30
    assert min(window.to_time - window.from_time for window in windows_of(3, 500)[:-1]) == timedelta(hours=1)
