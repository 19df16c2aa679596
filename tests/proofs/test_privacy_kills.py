"""Erasing a person is killed at each of its points: nothing is sent meanwhile, and the same command finishes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_bridge.kill_points import Point
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home
from tests.end_to_end.test_privacy import Office, killed_and_finished
from tests.proofs.crash_scenes import OF_ERASING

pytestmark = pytest.mark.proof


@pytest.mark.parametrize("point", OF_ERASING, ids=lambda point: point.word)
def test_killed_at_each_point_of_erasing_a_person(tmp_path: Path, sandbox: Sandbox, point: Point) -> None:
    killed_and_finished(Office(Home(tmp_path / "home", sandbox.base_url), sandbox), point)
