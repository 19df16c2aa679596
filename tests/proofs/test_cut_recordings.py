"""Proof of R7: every kind of recording, cut at 20 places each, through the whole service: only whole ones arrive."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests import made_recordings as made
from tests.borders import silent_cuts
from tests.end_to_end.bridge import Home
from tests.end_to_end.recordings import age, call_text, sha256
from tests.made_recordings import Kind, record

KINDS = (
    *made.STATING_THEIR_LENGTH,
    *made.RARER_STATING_THEIR_LENGTH,
    *made.NOT_STATING_IT,
    *made.RARER_NOT_STATING_IT,
)
SECONDS = 3.0


def put(folder: Path, name: str, data: bytes) -> None:
    """A recording of an hour ago with what describes it."""
    (folder / f"{name}.json").write_text(call_text(name))
    path = folder / f"{name}.rec"
    path.write_bytes(data)
    age(path, 3600)


def cut_everywhere(folder: Path, number: int, kind: Kind) -> tuple[str, set[str]]:
    """The whole one and its 20 cuts; its name, and the names of cuts where the format cannot tell."""
    data = record(kind, SECONDS)
    whole = f"{number:02}-whole"
    put(folder, whole, data)
    # A kind that does not state its length may be cut where nobody can see it: those are counted, not hidden.
    unseen = silent_cuts(kind, data) if kind in made.NOT_STATING_IT + made.RARER_NOT_STATING_IT else set()
    cannot_tell = set()
    for cut in kind.cuts(data, seed=number):
        put(folder, f"{number:02}-cut-{cut}", data[:cut])
        if cut in unseen:
            cannot_tell.add(f"{number:02}-cut-{cut}")
    return whole, cannot_tell


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_R7_of_all_kinds_cut_at_twenty_places_only_the_whole_ones_are_sent(home: Home, sandbox: Sandbox) -> None:
    home.source["include"] = ["**/*.rec"]
    home.config["media"] = {"shortest": "0s", "incomplete_for": "1s"}
    whole, cannot_tell = set(), set()
    for number, kind in enumerate(KINDS):
        one, doubtful = cut_everywhere(home.recorder, number, kind)
        whole.add(one)
        cannot_tell |= doubtful
    ran = home.run_once(seconds=850)
    assert ran.returncode == 1, ran.stderr  # the cuts are held
    arrived = {str(call.client_unique_id) for call in sandbox.calls if call.media}
    states = home.states()
    assert whole - arrived == set()
    assert arrived - whole - cannot_tell == set()

    assert {call.media_puts for call in sandbox.calls} == {1}  # no call in Gong is without its media
    as_it_was = {call.client_unique_id: call.media.sha256 for call in sandbox.calls if call.media}
    for number, kind in enumerate(KINDS):
        if (kind.container, kind.codec) in (("wav", "pcm_s16le"), ("flac", "flac"), ("mp4", "aac")):
            assert as_it_was[f"{number:02}-whole"] == sha256(record(kind, SECONDS))
    told = Counter(states[f"{name.removesuffix('.json')}.rec"] for name in names_of_cuts(home.recorder))
    print(
        json.dumps(
            {
                "kinds": len(KINDS),
                "cut files": sum(told.values()),
                "cut files sent where the format can tell": len(arrived - whole - cannot_tell),
                "cut at a border that no reader can see": len(cannot_tell),
                "whole files sent": len(whole),
                "states of the cut files": dict(told),
            }
        )
    )


def names_of_cuts(folder: Path) -> list[str]:
    """The sidecars of all cut recordings."""
    return [path.name for path in folder.glob("*-cut-*.json")]
