"""A fresh home for each test: configuration, agents and an empty folder, before a running sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import STARTER, Home


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox) -> Home:
    """A home before `sandbox`."""
    return Home(tmp_path / "home", sandbox.base_url)


@pytest.fixture
def make_home(tmp_path: Path) -> Callable[[Sandbox], Home]:
    """`make_home(sandbox)`: a home before a sandbox with options of its own."""
    return lambda sandbox: Home(tmp_path / f"home-{sandbox.base_url.rpartition(':')[2]}", sandbox.base_url)


@pytest.fixture(scope="session", autouse=True)
def no_starter_left() -> Iterator[None]:
    """The process that has loaded the program ends with the tests."""
    yield
    STARTER.close()
