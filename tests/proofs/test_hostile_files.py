"""Proof: five thousand broken and hostile files end in an answer or are held; nothing crashes or is left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home
from tests.proofs.broken_files import broken_files
from tests.proofs.hostile_files import SPARSE_HEADS, hostile_file
from tests.proofs.served_hostile_files import serve
from tests.proofs.watched_probe import MEMORY_LIMIT_BYTES, TIME_LIMIT_SECONDS, probe_all

SEED = int(os.environ.get("HOSTILE_SEED", "20260901"))
BROKEN, HOSTILE = 3000, 2000
SPARSE_BYTES = 2**31


def corpus(folder: Path) -> Iterator[tuple[str, bytes | Path]]:
    """Every label and content, made when it is its turn."""
    yield from broken_files(BROKEN, SEED)
    for number in range(HOSTILE):
        yield hostile_file(number, SEED)
    for name, head in SPARSE_HEADS.items():
        yield f"sparse {name}", sparse_file(folder / name, head)


def sparse_file(path: Path, head: bytes) -> Path:
    """2 GB, of which the disk holds the first block."""
    path.write_bytes(head)
    os.truncate(path, SPARSE_BYTES)
    return path


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_R7_five_thousand_hostile_files_crash_nothing(tmp_path: Path) -> None:
    told = probe_all(corpus(tmp_path))
    print(
        json.dumps(
            {
                "seed": SEED,
                "files": sum(told.outcomes.values()),
                "crashes": len(told.crashes),
                "outcomes": dict(told.outcomes.most_common()),
                "slowest seconds": round(told.slowest_seconds, 2),
                "slowest": told.slowest,
                "largest address space MiB": told.largest_address_space // 2**20,
                "largest resident MiB": told.largest_resident // 2**20,
                "children used": len(told.pids),
                "children left": len(told.left_behind),
            }
        )
    )
    assert sum(told.outcomes.values()) == BROKEN + HOSTILE + len(SPARSE_HEADS)
    assert told.crashes == []
    assert told.left_behind == []
    assert told.slowest_seconds < TIME_LIMIT_SECONDS + 3
    assert told.largest_address_space <= MEMORY_LIMIT_BYTES


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_R7_the_service_delivers_the_good_ones_among_a_thousand_hostile_files(home: Home, sandbox: Sandbox) -> None:
    hostile = [content for _, content in broken_files(500, SEED + 1)]
    hostile += [hostile_file(number, SEED + 1)[1] for number in range(500)]
    told = serve(home, sandbox, hostile, 40, seconds=1100)
    print(json.dumps({"hostile files": sum(told.values()), "their states": told, "good recordings delivered": 40}))
