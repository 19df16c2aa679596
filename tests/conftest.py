"""Fixtures for every room: a fresh sandbox that answers as Gong's specification says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.server import Sandbox
from tests.ledgers import (
    empty_postgresql_url,
    ledger_url,
    new_postgresql_ledger,
    new_sqlite_ledger,
    own_postgresql,
    postgresql_url,
)
from tests.store import store_credentials, store_url

__all__ = [
    "empty_postgresql_url",
    "ledger_url",
    "new_postgresql_ledger",
    "new_sqlite_ledger",
    "own_postgresql",
    "postgresql_url",
    "store_credentials",
    "store_url",
]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox with nothing in it and no limits; its address is `sandbox.base_url`."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """`start_sandbox(calls_per_second=3, ...)`: a running sandbox with these SandboxOptions."""
    with ExitStack() as stack:

        def start(**options: Any) -> Sandbox:
            return stack.enter_context(Sandbox(SandboxOptions(**options)))

        yield start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first: at the end no process shall wait for another one's last test."""
    rooms = ("end_to_end", "integration", "contract")
    items.sort(
        key=lambda item: next((place for place, room in enumerate(rooms) if room in item.path.parts), len(rooms))
    )
