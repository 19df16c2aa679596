"""R5, R6, R7: recorders that pause for longer than `settle`, each in its way; hundreds of files: tests/proofs."""

from __future__ import annotations

from pathlib import Path

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.pausing_writers import WAYS, begin, make


def write_under_the_service(home: Home, made: Path, count: int, *, writers: int, seconds: float) -> dict[str, str]:
    """Let these recordings be written while the service runs, until all are in Gong: id -> sha256."""
    home.source.update(include=["**/*.rec"], settle="300ms", rescan="2s")
    home.config["media"] = {"shortest": "0s", "incomplete_for": "60s"}
    expected = make(made, home.recorder, count)
    with home.running() as service:
        processes = begin(home.recorder, made, [f"{name}.rec" for name in expected], writers=writers)
        try:
            assert [process.wait(seconds) for process in processes] == [0] * writers
        finally:
            for process in processes:
                process.kill()
                process.wait()
        wait_until(lambda: list(home.states().values()) == ["done"] * count, "all of them", seconds)
        assert service.stop() == 0
    return expected


def test_R5_R6_R7_nothing_of_writers_that_pause_is_sent_before_it_is_whole(
    home: Home, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Appended, renamed, moved in, with their room or their full length first, begun anew."""
    expected = write_under_the_service(home, tmp_path / "made", len(WAYS), writers=2, seconds=60)
    each_call_once(sandbox, expected)
