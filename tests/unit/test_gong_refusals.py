"""What Gong's sentences mean (R23, G6)."""

import pytest

from gong_bridge.errors import Held, RefusedByGong
from gong_bridge.gong.refusals import AlreadyKnown, NotEnabled, meaning_of, refusal


@pytest.mark.parametrize(
    "sentence",
    [
        "A call with this clientUniqueId already exists",
        "Call with clientUniqueId 'abc' already exists in the system",
        "Duplicate clientUniqueId",
        "duplicate call",
        "clientUniqueId must be unique",
        "The client unique id is already in use",
        "The call was previously uploaded",
        "This recording has already been uploaded",
        "clientUniqueId abc is not unique",
    ],
)
@pytest.mark.parametrize("status", [400, 409])
def test_R23_a_repeated_client_unique_id_is_already_known(sentence: str, status: int) -> None:
    assert meaning_of(status, [sentence]) is AlreadyKnown


@pytest.mark.parametrize(
    "sentence",
    [
        "recording is not enabled for the primary user",
        "Recording isn't enabled for user 234599484848423",
        "The primary user is not set to import telephony calls",
        "Telephony calls import is disabled for this user",
        "The user does not import telephony calls",
        "telephonyCallsImported is false for the primary user",
        "Data capture is not enabled for the call owner",
        "user not allowed to record",
    ],
)
def test_R23_a_user_who_does_not_import_is_not_enabled(sentence: str) -> None:
    assert meaning_of(409, [sentence]) is NotEnabled


@pytest.mark.parametrize(
    "sentence",
    [
        "clientUniqueId must not be longer than 2048 characters",
        "actualStart is not a valid date",
        "Conflict",
        "The workspace does not exist",
        "The flow task of this call doesn't exist",
        "No such workspace exists for this call",
        "downloadMediaUrl must be unique: another call has it",
        "primaryUser must be one of the parties",
        "Unknown primary user 17",
        "parties must not be empty",
        "mediaChannelId must be 0 or 1",
        "",
    ],
)
@pytest.mark.parametrize("status", [400, 409])
def test_R23_words_nobody_knows_are_a_plain_refusal(sentence: str, status: int) -> None:
    assert meaning_of(status, [sentence]) is RefusedByGong


def test_only_400_and_409_are_read_for_words() -> None:
    assert meaning_of(413, ["A call with this clientUniqueId already exists"]) is RefusedByGong


def test_the_second_sentence_counts_too() -> None:
    assert meaning_of(400, ["Malformed request", "clientUniqueId already exists"]) is AlreadyKnown


def test_R23_not_enabled_names_the_person_and_the_cure_and_holds() -> None:
    error = refusal(
        doing="create the call",
        http_status=409,
        errors=["recording is not enabled for the primary user"],
        request_id="4al018gzaztcr8nbukw",
        about="Gong user 2345",
    )
    assert isinstance(error, Held)
    assert error.code == "not-enabled"
    assert error.http_status == 409
    assert error.request_id == "4al018gzaztcr8nbukw"
    assert error.message == (
        "Gong refused to create the call for Gong user 2345 (HTTP 409): recording is not enabled for the primary user. "
        "Cure: let a Gong administrator open Company settings, the team member, Data capture, and turn on the import "
        "of telephony calls (the words may differ in your Gong), then retry."
    )


def test_a_refusal_keeps_one_line_of_bounded_length() -> None:
    error = refusal(
        doing="create the call", http_status=400, errors=["a\nb\x1b[31m" + "x" * 5000] * 50, request_id=None
    )
    assert "\n" not in error.message
    assert "\x1b" not in error.message
    assert len(error.message) < 2000
