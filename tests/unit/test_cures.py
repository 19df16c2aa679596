"""Every reason for which an entry can stop has a cure, on the page and in the operator's handbook."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

import gong_bridge.gong.refusals
import gong_bridge.pipeline  # noqa: F401 - defines further errors
from gong_bridge.errors import Held, Paused, SourceChanged, SourceGone
from gong_bridge.ledger.receipts import DOUBLED, MISSING
from gong_bridge.web.cures import CURES, GIVEN_UP, PAUSES, RECEIPTS, cure_for, retry_command

HANDBOOK = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def codes_below(kind: type[Held] | type[Paused]) -> set[str]:
    return {kind.code}.union(*(codes_below(one) for one in kind.__subclasses__()))


def test_every_error_that_holds_an_entry_has_a_cure() -> None:
    # The last two: a call exists, but its recording is lost (errors.SourceLost takes over their codes).
    assert set(CURES) == codes_below(Held) | {SourceGone.code, SourceChanged.code}


def test_every_error_that_pauses_the_bridge_has_a_cure() -> None:
    assert set(PAUSES) == codes_below(Paused) - {"paused"}


def test_everything_that_a_receipt_can_find_wrong_has_a_cure() -> None:
    assert set(RECEIPTS) == {MISSING, DOUBLED}


@pytest.mark.parametrize("code", [*CURES, *PAUSES, *RECEIPTS])
def test_the_handbook_explains_every_code(code: str) -> None:
    assert re.search(rf"^\| `{code}` \| .{{20,}} \| .{{20,}} \|$", HANDBOOK, re.MULTILINE)


def test_the_policies_in_the_handbook_are_json() -> None:
    policies = [json.loads(block) for block in re.findall(r"```json\n(\{\n.*?)```", HANDBOOK, re.DOTALL)]
    assert [statement["Sid"] for policy in policies for statement in policy["Statement"]] == [
        "FindRecordings", "ReadRecordings", "DeleteDelivered", "MoveDelivered", "ReadNotifications",
    ]  # fmt: skip


def test_a_rejected_entry_has_the_same_cure_whatever_its_code() -> None:
    assert cure_for("unclear", given_up=True) is GIVEN_UP


def test_an_unknown_code_still_says_something() -> None:
    assert cure_for("from-a-newer-version").to_do == "Read the reason, then retry or skip."


def test_a_command_can_be_pasted_into_a_shell_whatever_the_name_holds() -> None:
    hostile = "name '; rm -rf ~ #$(reboot)`"
    assert shlex.split(retry_command(state="held", code="unknown-person", person=hostile)) == [
        "gong-bridge", "ledger", "retry", "--state", "held", "--code", "unknown-person", "--person", hostile,
    ]  # fmt: skip


def test_a_name_that_cannot_be_shown_is_left_out_of_the_command() -> None:
    command = retry_command(state="held", code="unknown-person", person="name \x1b]0;evil\x07\n")
    assert command == "gong-bridge ledger retry --state held --code unknown-person"
