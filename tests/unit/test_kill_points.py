"""The table of kill points is whole, and a process that is told to dies at its point, the asked-for time."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gong_bridge
from gong_bridge import kill_points
from gong_bridge.errors import ConfigError
from gong_bridge.kill_points import Point, arm, reached

PACKAGE = Path(gong_bridge.__file__).parent


def test_every_point_of_the_table_is_in_the_source() -> None:
    """The other way round the type checker knows: `reached` takes only what is in the table."""
    named = re.compile(r"\bPoint\.([A-Z0-9_]+)")
    sources = (path for path in PACKAGE.rglob("*.py") if path.name != "kill_points.py")
    used = {name for path in sources for name in named.findall(path.read_text(encoding="utf-8"))}
    assert used == {point.name for point in Point}


def test_the_published_table_has_every_point() -> None:
    document = (PACKAGE.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*?) \| .+ \|$", document, re.MULTILINE)
    assert rows == [(point.word, point.meaning) for point in Point]


def test_every_point_is_walked_by_a_proof() -> None:
    proofs = Path(__file__).resolve().parents[1] / "proofs"
    walked = {name for path in proofs.glob("*.py") for name in re.findall(r"\bPoint\.([A-Z0-9_]+)", path.read_text())}
    assert walked == {point.name for point in Point}


def test_every_point_has_a_word_of_its_own_and_a_meaning() -> None:
    assert len({point.word for point in Point}) == len(Point)
    assert all(re.fullmatch("[a-z0-9-]+", point.word) and len(point.meaning) > 10 for point in Point)


def test_it_dies_at_the_asked_for_time_once() -> None:
    deaths: list[str] = []
    arm("post-sent:2", die=lambda: deaths.append("dead"))
    try:
        for point in (Point.POST_SENT, Point.POST_ANSWERED, Point.POST_SENT, Point.POST_SENT):
            reached(point)
            deaths.append(point.word)
    finally:
        arm(None)
    assert deaths == ["post-sent", "post-answered", "dead", "post-sent", "post-sent"]


@pytest.mark.parametrize("wanted", ["post-send", "post-sent:0", "post-sent:x", "post-sent:-1"])
def test_a_point_that_does_not_exist_is_refused_with_the_names(wanted: str) -> None:
    with pytest.raises(ConfigError, match=r"write a name or name:times; the names are seen, found, queue-read"):
        arm(wanted)


def test_a_command_dies_there_by_the_signal_that_nobody_can_catch(tmp_path: Path) -> None:
    program = (
        "from gong_bridge.kill_points import Point, arm, reached; arm('found');"
        "\ntry: reached(Point.FOUND)\nfinally: print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


def test_without_the_variable_nothing_is_armed() -> None:
    assert kill_points._armed is None
