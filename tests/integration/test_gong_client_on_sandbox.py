"""The client and the sandbox, two readings of one specification, understand each other."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import pytest

from gong_bridge.errors import BadCredentials, BridgeError, RateLimited, RefusedByGong, Unclear, WrongBaseUrl
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.refusals import AlreadyKnown, NotEnabled
from gong_bridge.gong.users import Users
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.integration.scripted_gong import NotedAllowance, client_of
from tests.sandbox_requests import NOT_IMPORTED_ID, new_call, wav_bytes

START = "2024-03-01T10:12:01-05:00"
WAV = wav_bytes(frames=100_000)


def client_for(sandbox: Sandbox, allowance: NotedAllowance | None = None, secret: str = "sandbox-secret") -> GongClient:
    return client_of(sandbox.base_url, allowance, keys=("sandbox", secret))


def put(calls: Calls, call_id: str) -> None:
    calls.put_media(call_id, lambda: io.BytesIO(WAV), len(WAV), "wav", "audio/wav")


def test_a_call_is_created_delivered_and_found_again(sandbox: Sandbox) -> None:
    with client_for(sandbox) as client:
        calls = Calls(client)
        created = calls.create(new_call())
        assert calls.has_media(created.call_id) is False
        put(calls, created.call_id)
        found = calls.find("call-1", START)
        assert found is not None
        assert found.id == created.call_id
        assert calls.has_media(created.call_id)
        assert calls.find("call-2", START) is None
        assert calls.find("call-1", "2024-03-02T10:12:01-05:00") is None
    (arrived,) = sandbox.calls
    assert arrived.body == new_call()
    assert arrived.media is not None
    assert (arrived.media.size_bytes, arrived.media.sha256) == (len(WAV), hashlib.sha256(WAV).hexdigest())
    assert arrived.media.file_name == "recording.wav"


def test_users_of_all_pages_are_listed(sandbox: Sandbox) -> None:
    with client_for(sandbox) as client:
        users = {user.extension: user for user in Users(client).everybody()}
    assert users["201"].email == "agent-201@example.com"
    assert users["202"].aliases == ("sales-202@example.com",)
    assert not users["206"].active
    assert not users["207"].telephony_calls_imported
    assert users["201"].active
    assert users["201"].telephony_calls_imported


@pytest.mark.parametrize("way", ["conflict", "bad_request"])
def test_R23_a_repeated_call_is_already_known_and_can_be_looked_up(
    start_sandbox: Callable[..., Sandbox], way: str
) -> None:
    with client_for(start_sandbox(repeated_id=way)) as client:
        first = Calls(client).create(new_call())
        with pytest.raises(AlreadyKnown):
            Calls(client).create(new_call())
        found = Calls(client).find("call-1", START)
    assert found is not None
    assert found.id == first.call_id


def test_R23_a_repeated_call_may_get_the_same_id(start_sandbox: Callable[..., Sandbox]) -> None:
    with client_for(start_sandbox(repeated_id="same_id")) as client:
        assert Calls(client).create(new_call()).call_id == Calls(client).create(new_call()).call_id


def test_R23_a_user_who_does_not_import_is_not_enabled(sandbox: Sandbox) -> None:
    draft = new_call(primaryUser=NOT_IMPORTED_ID, parties=[{"userId": NOT_IMPORTED_ID}])
    with client_for(sandbox) as client, pytest.raises(NotEnabled, match=NOT_IMPORTED_ID):
        Calls(client).create(draft)


@pytest.mark.parametrize(
    "changes", [{"direction": "Sideways"}, {"actualStart": "2024-03-01T10:12:01"}, {"primaryUser": "17"}]
)
def test_a_wrong_draft_is_refused_with_gongs_words_and_request_id(sandbox: Sandbox, changes: dict[str, str]) -> None:
    with client_for(sandbox) as client, pytest.raises(RefusedByGong) as caught:
        Calls(client).create(new_call(**changes))
    assert type(caught.value) is RefusedByGong
    assert caught.value.http_status == 400
    assert caught.value.request_id


def test_wrong_keys_are_bad_credentials(sandbox: Sandbox) -> None:
    with client_for(sandbox, secret="wrong") as client, pytest.raises(BadCredentials):
        list(Users(client).list())


def test_R22_an_answer_lost_after_the_effect_is_unclear_and_the_look_up_finds_the_call(sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="drop_after"))
    with client_for(sandbox) as client:
        with pytest.raises(Unclear):
            Calls(client).create(new_call())
        found = Calls(client).find("call-1", START)
    assert found is not None
    assert [call.id for call in sandbox.calls] == [found.id]


def test_R22_an_answer_lost_before_the_effect_is_unclear_and_the_look_up_finds_nothing(sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="drop_before"))
    with client_for(sandbox) as client:
        with pytest.raises(Unclear):
            Calls(client).create(new_call())
        assert Calls(client).find("call-1", START) is None
    assert sandbox.calls == []


def test_R21_media_whose_answer_was_lost_is_looked_for_before_it_is_sent_again(sandbox: Sandbox) -> None:
    with client_for(sandbox) as client:
        calls = Calls(client)
        call_id = calls.create(new_call()).call_id
        sandbox.play(Fault(operation="addCallRecording", kind="drop_after"))
        with pytest.raises(Unclear):
            put(calls, call_id)
        assert calls.has_media(call_id)
    assert sandbox.calls[0].media_puts == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(operation="addCall", kind="garbage"), WrongBaseUrl),
        (Fault(operation="addCall", kind="truncated"), Unclear),
        (Fault(operation="addCall", kind="truncated", after_bytes=5), Unclear),
        (Fault(operation="addCall", kind="status_after", status=500), Unclear),
        (Fault(operation="addCall", kind="status_after", status=502), Unclear),
    ],
)
def test_R22_a_spoilt_answer_to_a_creation_is_never_a_success(
    sandbox: Sandbox, fault: Fault, expected: type[BridgeError]
) -> None:
    sandbox.play(fault)
    with client_for(sandbox) as client, pytest.raises(expected):
        Calls(client).create(new_call())


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_R27_the_sandbox_s_limit_pauses_as_long_as_it_says(start_sandbox: Callable[..., Sandbox], form: str) -> None:
    allowance = NotedAllowance()
    with client_for(start_sandbox(calls_per_day=1, retry_after=form), allowance) as client:
        Calls(client).get("1")
        with pytest.raises(RateLimited) as caught:
            Calls(client).get("1")
    assert caught.value.wait_seconds is not None
    assert 1 <= caught.value.wait_seconds <= 3600
    assert allowance.notes == [
        "take",
        "depart",
        "sent",
        "take",
        "depart",
        "sent",
        f"too many, pause {caught.value.wait_seconds:g}",
    ]
