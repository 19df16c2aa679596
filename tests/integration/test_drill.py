"""A drill in this process: what it plays with, that it can fail, and that nothing real is touched."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gong_bridge import clock
from gong_bridge.config.load import load_config
from gong_bridge.config.schema import Config
from gong_bridge.drill import troubles
from gong_bridge.drill.made import sound
from gong_bridge.drill.playing import Result, chosen_scenes, play
from gong_bridge.drill.preparing import prepare
from gong_bridge.drill.scenes import SCENES, Scene
from gong_bridge.drill.stage import Company, Stage
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.untouched import users_untouched
from gong_bridge.mapping.library import find_mapping
from gong_bridge.model import GongUser

NAMES = {
    "out-12025550143-201-20260914-101502-1789395302.118.wav": 1,
    "external-202-12025550171-20260914-114237-1789400557.131.wav": 2,
}


@pytest.fixture(autouse=True)
def _surroundings() -> Iterator[None]:
    """A drill forgets the keys of this process; the other tests want theirs back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A user's folder: a configuration, agents.csv, a recorder's folder with two recordings."""
    root = tmp_path / "site"
    (root / "rec").mkdir(parents=True)
    (root / "agents.csv").write_text(
        "email,extension,login,name\nagent-201@example.com,201,,\nagent-202@example.com,202,,\n"
    )
    for name, seed in NAMES.items():
        (root / "rec" / name).write_bytes(sound(34, channels=1, seed=seed))
    write(root)
    return root


def write(root: Path, **changed: Any) -> None:
    """bridge.yaml; `changed` is about the source."""
    source = {"name": "pbx", "folder": "rec", "mapping": "freepbx", **changed}
    gong = {
        "base_url": "https://us-12345.api.gong.io", "access_key": "real", "access_key_secret": "real",
        "limits": {"calls_per_second": 100},
    }  # fmt: skip
    told = {
        "gong": gong,
        "ledger": {"url": "sqlite:///ledger.db"},
        "company": {"extensions": r"\d{3}"},
        "agents": "agents.csv",
        "sources": [source],
    }
    (root / "bridge.yaml").write_text(yaml.safe_dump(told))


def config(root: Path) -> Config:
    return load_config(root / "bridge.yaml", find_mapping).config


def prepared(root: Path, *, wanted: int = 2) -> Company:
    return prepare(config(root), root.parent / "drill", wanted=wanted, stop=threading.Event(), tell=lambda _: None)


def played(company: Company, scene: Scene, root: Path) -> Result:
    """One scene after a quiet day."""
    _, calls = play(company, scene_of("quiet"), root.parent / "quiet", None)
    return play(company, scene, root.parent / "scene", calls)[0]


def scene_of(name: str) -> Scene:
    return next(scene for scene in SCENES if scene.name == name)


def contents(root: Path) -> dict[str, tuple[str, int, int]]:
    """Every file below `root`: its digest, its time of change, its inode."""
    return {
        str(path.relative_to(root)): (
            hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns, path.stat().st_ino,
        )
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }  # fmt: skip


def test_every_recording_arrives_once_though_each_first_answer_is_lost(site: Path) -> None:
    write(site, after_upload="delete")
    before = contents(site)
    company = prepared(site)
    result = played(company, scene_of("cut-after"), site)
    assert result.verdict.wrong == ()
    assert (result.verdict.arrived, result.attempts) == (2, 4)
    assert contents(site) == before


def swallowed(stage: Stage) -> None:
    stage.gong_plays(troubles.gong("addCallRecording", "swallow", 1))


def test_a_gong_that_loses_a_recording_without_a_word_fails_the_scene(site: Path) -> None:
    scene = replace(scene_of("server-errors"), name="swallowed", before=swallowed)
    result, _ = play(prepared(site), scene, site.parent / "scene", None)
    assert result.verdict.wrong == ("1 call without a recording",)


def test_a_recording_that_is_taken_away_in_the_midst_fails_a_scene_that_asks_for_nobody(site: Path) -> None:
    scene = replace(scene_of("vanished"), persons=0)
    result = played(prepared(site), scene, site)
    assert "1 recording held for a person (1 source-gone), 0 expected" in result.verdict.wrong
    assert "after_upload: 1 recording taken away without being delivered" in result.verdict.wrong
    assert "1 call without a recording" in result.verdict.wrong


def test_the_newest_recordings_that_would_be_sent_are_copied_and_the_others_are_counted(site: Path) -> None:
    short = site / "rec" / "out-12025550143-201-20260914-111502-1789398902.119.wav"
    short.write_bytes(sound(9, channels=1, seed=3))
    (site / "rec" / "nobody knows this name.wav").write_bytes(sound(34, channels=1, seed=4))
    older = site / "rec" / next(iter(NAMES))
    os.utime(older, (1_700_000_000, 1_700_000_000))
    chosen = prepared(site, wanted=1).chosen[0]
    assert [copy.key for copy in chosen.recordings] == [list(NAMES)[1]]
    assert sum(chosen.left_out.values()) == 2
    assert "held (bad-metadata)" in chosen.left_out


def test_where_nothing_lies_golden_cases_give_names_that_the_configuration_would_send(site: Path) -> None:
    for name in NAMES:
        (site / "rec" / name).unlink()
    company = prepared(site, wanted=2)
    assert company.chosen[0].made
    result, calls = play(company, scene_of("quiet"), site.parent / "quiet", None)
    assert result.verdict.wrong == ()
    assert len(calls) == 2


def test_nothing_to_play_with_is_a_wrong_configuration_and_names_the_cure(site: Path) -> None:
    for name in NAMES:
        (site / "rec" / name).unlink()
    write(site, include=["**/*.opus"])
    with pytest.raises(ConfigError, match="there is nothing to play with"):
        prepared(site)


def test_a_scene_that_no_source_is_made_for_is_refused_by_name_and_left_out_otherwise(site: Path) -> None:
    company = prepared(site, wanted=1)
    with pytest.raises(ConfigError, match="scene sqs-redelivery cannot be played: no source has `events`"):
        chosen_scenes(company, ["sqs-redelivery"], quick=False)
    names = [scene.name for scene in chosen_scenes(company, [], quick=False)]
    assert names == [scene.name for scene in SCENES if scene.needs in ("any", "folder")]


def test_gong_s_users_are_read_from_the_ledger_without_touching_it(site: Path) -> None:
    url = config(site).ledger.url
    ledger = Ledger.open(url)
    ledger.people.replace_users([GongUser(id="17", email="agent-201@example.com", name="Agent 201")], clock.now())
    ledger.close()
    before = contents(site)
    assert [user.id for user in users_untouched(url)[None]] == ["17"]
    assert contents(site) == before
    assert [path.name for path in site.iterdir() if path.name.startswith("ledger.db-")] == []


def test_a_ledger_that_a_bridge_has_open_is_read_too(ledger_url: str) -> None:
    with_bridge = Ledger.open(ledger_url)
    try:
        with_bridge.people.replace_users([GongUser(id="18", email="agent-202@example.com")], datetime.now(UTC), "emea")
        assert [user.id for user in users_untouched(ledger_url)["emea"]] == ["18"]
    finally:
        with_bridge.close()


def test_two_new_ledgers_may_be_made_at_the_same_moment(tmp_path: Path) -> None:
    troubles_met: list[BaseException] = []

    def open_one(number: int) -> None:
        try:
            Ledger.open(f"sqlite:///{tmp_path / str(number)}.db").close()
        except BaseException as error:
            troubles_met.append(error)

    threads = [threading.Thread(target=open_one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles_met == []
