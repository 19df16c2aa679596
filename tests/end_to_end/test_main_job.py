"""The main job: a recording in a folder or a bucket becomes one call with its media, and commands say so."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once
from tests.end_to_end.recordings import drop, drop_many, wav
from tests.store import CREDENTIALS, store_client

AGENT_201 = "4815162342201201603"


@pytest.fixture
def home(home: Home) -> Home:
    """Before the real command, which loads everything itself."""
    home.loaded = False
    return home


def test_recordings_of_a_folder_arrive_identical_and_once(home: Home, sandbox: Sandbox) -> None:
    """However often it runs."""
    expected = drop_many(home.recorder, 3)
    first = home.run_once()
    assert (first.returncode, first.stderr) == (0, "")
    assert "3 done" in first.stdout
    second = home.run_once()
    assert second.returncode == 0
    each_call_once(sandbox, expected)


def test_the_call_says_who_spoke_to_whom_and_when(home: Home, sandbox: Sandbox) -> None:
    """As the sidecar says, completed with what Gong's users and the media say."""
    drop(home.recorder, "support.wav", 1, unique_id="pbx-17", title="Support", disposition="solved")
    assert home.run_once().returncode == 0
    (call,) = sandbox.calls
    assert call.body == {
        "clientUniqueId": "pbx-17",
        "actualStart": "2026-09-01T10:15:30-04:00",
        "direction": "Inbound",
        "primaryUser": AGENT_201,
        "parties": [
            {"emailAddress": "agent-201@example.com", "userId": AGENT_201},
            {"phoneNumber": "+15550100123"},
        ],
        "title": "Support",
        "disposition": "solved",
        "duration": 31.0,
    }
    assert call.media is not None
    assert (call.media.kind, call.media.content_type) == ("wav", "audio/wav")


def test_recordings_of_a_bucket_arrive_identical_and_once(home: Home, sandbox: Sandbox, store_url: str) -> None:
    """With sidecars that are objects, and keys that hold spaces, plus signs and umlauts."""
    store = store_client(store_url)
    store.create_bucket(Bucket="main-job")
    expected = {}
    for number, name in enumerate(["a.wav", "b c+d.wav", "größe.wav"]):
        expected[f"s3-{number}"] = drop(home.root / "made", name, number, unique_id=f"s3-{number}")
        for part in (name, name.replace(".wav", ".json")):
            store.put_object(Bucket="main-job", Key=f"calls/{part}", Body=(home.root / "made" / part).read_bytes())
    store.put_object(Bucket="main-job", Key="elsewhere/no.wav", Body=wav(9))
    home.config["sources"] = [
        {"name": "store", "bucket": "main-job", "prefix": "calls/", "endpoint_url": store_url, "delivery": "upload",
         "include": ["**/*.wav"], "mapping": "sidecar-json"}
    ]  # fmt: skip
    home.environment = dict(CREDENTIALS)
    for _ in range(2):
        ran = home.run_once()
        assert (ran.returncode, ran.stderr) == (0, "")
    each_call_once(sandbox, expected)


def test_ledger_list_has_the_fixed_fields(home: Home) -> None:
    """Other tools rely on them."""
    drop(home.recorder, "one.wav", 1, unique_id="one")
    home.run_once()
    (row,) = home.listed()
    fixed = {"id", "source", "key", "state", "client_unique_id", "call_id", "attempts", "due_at", "reason"}
    assert fixed <= row.keys()
    shown: dict[str, Any] = {name: row[name] for name in fixed - {"call_id", "due_at"}}
    assert shown == {
        "id": 1, "source": "pbx", "key": "one.wav", "state": "done", "client_unique_id": "one", "attempts": 0,
        "reason": None,
    }  # fmt: skip
    assert datetime.fromisoformat(row["due_at"]).tzinfo is not None
    assert row["call_id"].isdigit()


def test_something_held_makes_the_exit_code_1(home: Home, sandbox: Sandbox) -> None:
    """The others arrive all the same."""
    expected = {"good": drop(home.recorder, "good.wav", 1)}
    drop(home.recorder, "bad.wav", 2, direction="Sideways")
    ran = home.run_once()
    assert ran.returncode == 1
    assert "1 done, 1 held" in ran.stdout
    assert "1 needs a person: gong-bridge ledger list --state held --state rejected" in ran.stdout
    each_call_once(sandbox, expected)
    held = home.entry("bad.wav")
    assert held["state"] == "held"
    assert "direction" in held["reason"]
    assert "Inbound" in held["reason"]


def test_a_wrong_configuration_touches_nothing(home: Home, sandbox: Sandbox) -> None:
    """Exit 2, every mistake with its line, no ledger, no request."""
    drop(home.recorder, "one.wav", 1)
    home.config["soruces"] = home.config.pop("sources")
    home.config["company"] = {"time_zone": "America/NewYork"}
    for command in (["run", "--once"], ["run"], ["check"], ["status"]):
        ran = home.run(*command)
        assert ran.returncode == 2, command
        problems = ran.stderr.splitlines()
        assert any("bridge.yaml" in line and "soruces" in line and "sources" in line for line in problems)
        assert any("America/NewYork" in line and "America/New_York" in line for line in problems)
    assert not home.ledger_path.exists()
    assert sandbox.requests == []


def test_a_lost_ledger_makes_no_second_call(home: Home, sandbox: Sandbox) -> None:
    """Gong knows the clientUniqueId: the call is looked up and adopted, its media is seen to be there."""
    expected = drop_many(home.recorder, 3)
    assert home.run_once().returncode == 0
    for leftover in home.root.glob("ledger.db*"):
        leftover.unlink()
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)
    assert {(entry["state"], entry["reason_code"]) for entry in home.entries()} == {("done", "confirmed")}


def test_explain_touches_nothing_and_shows_what_is_posted_then(home: Home, sandbox: Sandbox) -> None:
    """No ledger, no call; only Gong's users are asked for."""
    drop(home.recorder, "one.wav", 1, unique_id="one")
    explained = home.run("explain", str(home.recorder / "one.wav"), "--json")
    assert (explained.returncode, explained.stderr) == (0, "")
    assert not list(home.root.glob("ledger*"))
    assert {request.path for request in sandbox.requests} == {"/v2/users"}
    facts = json.loads(explained.stdout)
    assert facts["verdict"] == "sent"
    assert facts["origins"]["clientUniqueId"] == "sidecar: clientUniqueId"
    assert home.run_once().returncode == 0
    assert sandbox.calls[0].body == facts["request"]
