"""Keeps real connections of the tests on this machine: no proxy of the surroundings is used."""

from __future__ import annotations

import pytest

from tests.crm_desk import crm_desk, registered

__all__ = ["crm_desk", "registered"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no proxy were configured."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
