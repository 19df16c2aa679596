"""The recordings that ship with the demo are what their manifest says they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

import gong_bridge
from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia
from gong_bridge.media.probe import MediaProbe
from gong_bridge.media.rules import Verdict, judge
from gong_bridge.model import Completeness, MediaInfo

FOLDER = Path(gong_bridge.__file__).parent / "demo" / "samples"
SAMPLES: dict[str, dict[str, Any]] = {
    row["file"]: row for row in yaml.safe_load((FOLDER / "manifest.yaml").read_text())["samples"]
}
NOW = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def probe() -> Iterator[MediaProbe]:
    probe = MediaProbe(MediaOptions())
    yield probe
    probe.close()


def look(probe: MediaProbe, file: str) -> MediaInfo:
    path = FOLDER / file
    with path.open("rb") as recording:
        return probe.inspect(recording, path.stat().st_size)


def verdict(info: MediaInfo) -> Verdict:
    return judge(info, MediaOptions(), modified_at=NOW - timedelta(days=1), now=NOW)


def test_the_manifest_names_every_file_and_all_of_them_are_small():
    named = {*SAMPLES, *(one["file"] for row in SAMPLES.values() for one in row.get("sidecars", ()))}
    assert named == {path.name for path in FOLDER.iterdir()} - {"manifest.yaml", "MAKING.md"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000
    assert {row["expect"] for row in SAMPLES.values()} == {"delivered", "held", "skipped"}


@pytest.mark.parametrize(
    ("file", "container", "codec", "channels"),
    [
        ("pbx-outbound-pcm.wav", "wav", "pcm_s16le", 1),
        ("pbx-inbound.mp3", "mp3", "mp3", 1),
        ("pbx-outbound.flac", "flac", "flac", 1),
        ("pbx-unknown-extension.mp3", "mp3", "mp3", 1),
        ("connect-inbound-pcm.wav", "wav", "pcm_s16le", 2),
        ("connect-outbound-mulaw.wav", "wav", "pcm_mulaw", 2),
    ],
)
def test_the_good_ones_pass_every_rule(probe: MediaProbe, file: str, container: str, codec: str, channels: int):
    info = look(probe, file)
    assert (info.container, info.codec, info.channels) == (container, codec, channels)
    assert 31 <= (info.duration_seconds or 0) <= 45
    assert verdict(info) == Verdict()


def test_the_truncated_one_is_held_for_that(probe: MediaProbe):
    info = look(probe, "pbx-truncated.wav")
    with pytest.raises(BadMedia, match=f"declares {info.declared_bytes} bytes, it has 160000 bytes"):
        verdict(info)
    assert str(info.declared_bytes) in SAMPLES["pbx-truncated.wav"]["about"]


def test_the_silent_one_is_held_for_that(probe: MediaProbe):
    info = look(probe, "pbx-silent.wav")
    assert info.completeness is Completeness.WHOLE
    with pytest.raises(BadMedia, match="nothing can be heard"):
        verdict(info)


def test_the_short_one_is_skipped(probe: MediaProbe):
    assert (verdict(look(probe, "pbx-short.wav")).skip_reason or "").startswith("it lasts 9.00 s")


@pytest.mark.parametrize(
    "row", [row for row in SAMPLES.values() if row["source"] == "pbx"], ids=lambda row: row["file"]
)
def test_freepbx_names_carry_one_moment_in_two_clocks(row: dict[str, Any]):
    name = re.fullmatch(r"(\d{4}/\d\d/\d\d)/\w+-\d+-\d+-(\d{8}-\d{6})-(\d+)\.\d+\.\w+", row["key"])
    assert name is not None
    local = datetime.strptime(name[2], "%Y%m%d-%H%M%S").replace(tzinfo=ZoneInfo("America/New_York"))
    assert local.timestamp() == int(name[3])
    assert (local.strftime("%Y/%m/%d"), local.year, local.month) == (name[1], 2026, 9)


@pytest.mark.parametrize(
    "row", [row for row in SAMPLES.values() if row["source"] == "connect"], ids=lambda row: row["file"]
)
def test_amazon_connect_names_agree_with_their_contact_record(row: dict[str, Any]):
    [sidecar] = row["sidecars"]
    record = json.loads((FOLDER / sidecar["file"]).read_text())
    stem = row["key"].removesuffix(".wav")
    connected = datetime.fromisoformat(record["Agent"]["ConnectedToAgentTimestamp"])
    assert sidecar["key"] == stem + ".json"
    assert stem.endswith(f"/{connected:%Y/%m/%d}/{record['ContactId']}_{connected:%Y%m%dT%H:%M}_UTC")
    assert record["Recordings"][0]["Location"].endswith(row["key"])
    assert record["Agent"]["Username"] in ("agent.203", "agent.204")
