"""Conversions come out whole, private and within their limits, or not at all."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, NoRoom
from gong_bridge.media.probe import MediaProbe
from gong_bridge.media.rules import Conversion
from gong_bridge.model import Completeness
from tests import made_recordings as made
from tests.made_recordings import Kind, record, speech

TO_FLAC = Conversion(container="flac", codec="flac")
TO_MKV = Conversion(container="mkv", codec="copy")


@pytest.fixture(scope="module")
def probe() -> Iterator[MediaProbe]:
    probe = MediaProbe(MediaOptions())
    yield probe
    probe.close()


@pytest.mark.parametrize(
    ("kind", "conversion", "codec"),
    [
        (made.OGG_OPUS, TO_MKV, "opus"),
        (made.WEBM, TO_MKV, "opus"),
        (made.AAC, TO_MKV, "aac"),
        (made.AMR, TO_FLAC, "flac"),
        (made.WMA, TO_FLAC, "flac"),
        (made.AU, TO_FLAC, "flac"),
        (made.AIFF, TO_FLAC, "flac"),
        (made.CAF, TO_FLAC, "flac"),
        (made.WAV_ADPCM, TO_FLAC, "flac"),
    ],
    ids=str,
)
def test_a_conversion_is_whole_and_as_long_as_its_source(
    probe: MediaProbe, tmp_path: Path, kind: Kind, conversion: Conversion, codec: str
):
    data, target = record(kind), tmp_path / "converted"
    info = probe.convert(io.BytesIO(data), len(data), conversion, target)
    assert (info.container, info.codec, info.channels) == (conversion.container, codec, kind.channels)
    assert info.completeness is Completeness.WHOLE
    assert info.duration_seconds == pytest.approx(6.0, abs=0.15)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_flac_made_from_pcm_holds_the_same_samples(probe: MediaProbe, tmp_path: Path):
    import av

    data, target = record(made.AIFF), tmp_path / "x.flac"
    probe.convert(io.BytesIO(data), len(data), TO_FLAC, target)
    with av.open(str(target)) as container:
        samples = b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in container.decode(audio=0))
    assert samples == speech(6.0, 8000, 1)


def test_a_conversion_stays_within_the_disk_budget(tmp_path: Path):
    tight = MediaProbe(MediaOptions(conversion_disk=40_000))
    data, target = record(made.AIFF), tmp_path / "x.flac"
    with pytest.raises(BadMedia, match=r"needs more than media\.conversion_disk"):
        tight.convert(io.BytesIO(data), len(data), TO_FLAC, target)
    assert list(tmp_path.iterdir()) == []
    tight.close()


def test_a_conversion_waits_while_others_take_the_budget(tmp_path: Path):
    shared = MediaProbe(MediaOptions(conversion_disk=100_000))
    data, first = record(made.AIFF), tmp_path / "first.flac"
    shared.convert(io.BytesIO(data), len(data), TO_FLAC, first)
    with pytest.raises(NoRoom, match="waits its turn"):
        shared.convert(io.BytesIO(data), len(data), TO_FLAC, tmp_path / "second.flac")
    first.unlink()
    assert shared.convert(io.BytesIO(data), len(data), TO_FLAC, tmp_path / "second.flac").container == "flac"
    shared.close()


def test_a_missing_conversion_folder_is_a_wait_that_names_the_cure(probe: MediaProbe, tmp_path: Path):
    data = record(made.AIFF)
    with pytest.raises(NoRoom, match=r"create the folder for the service's user, or set media\.conversion_folder"):
        probe.convert(io.BytesIO(data), len(data), TO_FLAC, tmp_path / "missing" / "x.flac")


def test_a_conversion_never_follows_a_link_that_lies_in_its_place(probe: MediaProbe, tmp_path: Path):
    victim, target = tmp_path / "victim", tmp_path / "x.flac"
    victim.write_text("untouched")
    target.symlink_to(victim)
    data = record(made.AIFF)
    probe.convert(io.BytesIO(data), len(data), TO_FLAC, target)
    assert victim.read_text() == "untouched"
    assert not target.is_symlink()


def test_a_conversion_that_takes_too_long_is_stopped_and_leaves_nothing(tmp_path: Path):
    hasty = MediaProbe(MediaOptions(conversion_time_limit=0.01))
    data = record(made.OGG_OPUS)
    with pytest.raises(BadMedia, match=r"media\.conversion_time_limit \(0\.01 s\)"):
        hasty.convert(io.BytesIO(data), len(data), TO_MKV, tmp_path / "x.mkv")
    assert list(tmp_path.iterdir()) == []
    hasty.close()
