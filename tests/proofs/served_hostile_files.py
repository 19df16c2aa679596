"""Puts hostile files under hostile names before the real service, with good recordings among them."""

from __future__ import annotations

import os
import random
from pathlib import Path

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once
from tests.end_to_end.recordings import age, call_text, drop
from tests.proofs.watched_probe import TIME_LIMIT_SECONDS


def hostile_name(number: int) -> bytes:
    """A name of its own, of the kinds that programs stumble over."""
    chance = random.Random(number)
    shape = chance.choice(
        (
            b"-rf %d",
            b"--once=%d",
            b"a\nb%d",
            b"\xff\xfe%d",
            b"'\";%d",
            b"up..%d..",
            b"$(touch pwned)%d",
            b"%%s%%n%d",
            b"\x1b[31m%d",
        )
    )
    return shape % number + b"x" * chance.choice((0, 200)) + b".wav"


def put_hostile(folder: Path, number: int, content: bytes) -> None:
    """A hostile file of an hour ago under a hostile name, described like a good one."""
    name = os.fsdecode(hostile_name(number))
    (folder / f"{name[:-4]}.json").write_text(call_text(f"hostile-{number}"))
    (folder / name).write_bytes(content)
    age(folder / name, 3600)


def serve(home: Home, sandbox: Sandbox, hostile: list[bytes], good: int, *, seconds: float) -> dict[str, int]:
    """`run --once` over hostile files with good recordings among them; how many hostile ones ended in which state."""
    home.config["media"] = {"time_limit": f"{TIME_LIMIT_SECONDS}s", "incomplete_for": "1s"}
    for number, content in enumerate(hostile):
        put_hostile(home.recorder, number, content)
    expected = {f"good-{number}": drop(home.recorder, f"good-{number}.wav", number) for number in range(good)}
    ran = home.run_once(seconds=seconds)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    states = home.states()
    assert {key: state for key, state in states.items() if key.startswith("good-")} == {
        f"{name}.wav": "done" for name in expected
    }
    sent = {str(call.client_unique_id) for call in sandbox.calls}
    assert expected.keys() <= sent
    assert {call.media_puts for call in sandbox.calls} == {1}
    assert not (home.root / "pwned").exists()
    told: dict[str, int] = {}
    for entry in home.entries():
        if not entry["key"].startswith("good-"):
            told[entry["state"]] = told.get(entry["state"], 0) + 1
            assert entry["reason"] or entry["state"] == "done"
    assert set(told) <= {"held", "skipped", "done"}  # nothing waits for ever, nothing used up its attempts
    if not sent - expected.keys():
        each_call_once(sandbox, expected)
    return told
