"""A person is erased in every Gong account and on every host: each step as people do it, a process each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home
from tests.end_to_end.recordings import drop
from tests.end_to_end.test_privacy import CUSTOMER, Office

pytestmark = pytest.mark.proof


@pytest.fixture
def office(tmp_path: Path, sandbox: Sandbox) -> Office:
    return Office(Home(tmp_path / "home", sandbox.base_url), sandbox)


def test_another_host_s_folder_is_named_and_that_host_finishes(office: Office, empty_postgresql_url: str) -> None:
    office.home.config["ledger"] = {"url": empty_postgresql_url}
    office.home.source["reach"] = "host-b"
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.home.run_once()
    office.home.source["reach"] = "host-a"
    result = office.erased("--recordings", "delete", code=1)
    assert "only host-b can open it; erase there with the same command" in " ".join(result.stderr.split())
    assert (office.home.recorder / "one.wav").exists()
    office.home.source["reach"] = "host-b"
    office.erased("--recordings", "delete")
    assert not (office.home.recorder / "one.wav").exists()
    office.home.source["reach"] = "host-a"
    office.erased("--recordings", "delete")


def test_several_accounts_are_all_told(office: Office, start_sandbox: Callable[..., Sandbox]) -> None:
    second = start_sandbox()
    office.home.config["accounts"] = {"emea": {**office.home.config["gong"], "base_url": second.base_url}}
    other = office.home.root / "emea"
    other.mkdir()
    office.home.config["sources"].append({**office.home.source, "name": "emea", "folder": "emea", "account": "emea"})
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    drop(other, "two.wav", 2, parties=CUSTOMER)
    office.home.run_once()
    assert [len(gong.calls) for gong in (office.sandbox, second)] == [1, 1]
    office.erased()
    assert [len(gong.calls) for gong in (office.sandbox, second)] == [0, 0]
