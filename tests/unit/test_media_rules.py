"""Every rule about media: what is sent, waited for, skipped, converted, held, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, NotYetComplete
from gong_bridge.media.rules import Conversion, Verdict, container_content_type, container_suffix, judge
from gong_bridge.model import Completeness, MediaInfo

WRITTEN = datetime(2026, 9, 1, 14, 0, tzinfo=UTC)
LATER = WRITTEN + timedelta(minutes=5)

GOOD = MediaInfo(
    container="wav",
    codec="pcm_s16le",
    channels=1,
    sample_rate_hz=8000,
    duration_seconds=95.0,
    declared_bytes=1_520_044,
    present_bytes=1_520_044,
    completeness=Completeness.WHOLE,
    level_dbfs=(-24.0,),
    peak_dbfs=(-6.0,),
    fingerprint="ab",
)


def verdict(info: MediaInfo, *, now: datetime = LATER, **options: object) -> Verdict:
    return judge(info, MediaOptions(**options), modified_at=WRITTEN, now=now)


def hold(info: MediaInfo, *, now: datetime = LATER, **options: object) -> str:
    with pytest.raises(BadMedia) as held:
        verdict(info, now=now, **options)
    return held.value.message


def test_a_good_recording_is_sent_as_it_is():
    assert verdict(GOOD) == Verdict()


# --- whole -----------------------------------------------------------------------------------------------------------


def test_R7_a_cut_recording_waits_until_it_is_old_enough():
    cut = replace(GOOD, completeness=Completeness.TRUNCATED, present_bytes=760_000)
    with pytest.raises(NotYetComplete) as young:
        verdict(cut, now=WRITTEN + timedelta(seconds=12))
    assert young.value.wait_seconds == 18.0
    assert "declares 1520044 bytes, it has 760000" in young.value.message


def test_R7_a_cut_recording_is_held_when_it_does_not_grow():
    cut = replace(GOOD, completeness=Completeness.TRUNCATED, present_bytes=760_000)
    assert hold(cut, now=WRITTEN + timedelta(seconds=30)) == (
        "it is cut off: its header declares 1520044 bytes, it has 760000 bytes; "
        "copy it again from the recorder, and let copies end with a rename"
    )


def test_R7_a_cut_flac_states_no_bytes():
    cut = replace(GOOD, container="flac", completeness=Completeness.TRUNCATED, declared_bytes=None, present_bytes=9)
    assert "its header declares more audio than is there, it has 9 bytes" in hold(cut)


def test_R7_how_long_to_wait_is_an_option():
    cut = replace(GOOD, completeness=Completeness.TRUNCATED)
    assert "cut off" in hold(cut, now=WRITTEN + timedelta(seconds=3), incomplete_for="3s")


def test_R7_a_header_that_was_never_finalised_has_a_reason_of_its_own():
    message = hold(replace(GOOD, completeness=Completeness.UNFINALISED, declared_bytes=None))
    assert message.startswith("its WAV header was never finalised: the recorder was stopped")
    assert "sox --ignore-length" in message


def test_R7_an_mp4_without_an_end_is_not_told_to_use_sox():
    message = hold(replace(GOOD, container="mp4", completeness=Completeness.UNFINALISED))
    assert message.startswith("its MP4 file was never finalised")
    assert "sox" not in message


def test_R8_an_empty_file_waits_and_is_then_held():
    empty = replace(GOOD, container="", present_bytes=0, completeness=Completeness.UNFINALISED, declared_bytes=None)
    with pytest.raises(NotYetComplete):
        verdict(empty, now=WRITTEN)
    assert hold(empty).startswith("it is empty")


def test_a_file_that_has_only_begun_is_called_that():
    begun = replace(GOOD, container="", present_bytes=3, completeness=Completeness.TRUNCATED, declared_bytes=None)
    assert hold(begun).startswith("it has 3 bytes, too few to be a recording")


def test_a_recording_that_states_no_length_is_sent():
    assert verdict(replace(GOOD, container="mp3", codec="mp3", completeness=Completeness.UNSTATED)) == Verdict()


# --- size and length -------------------------------------------------------------------------------------------------


def test_a_recording_over_one_and_a_half_gigabytes_is_held():
    large = replace(GOOD, present_bytes=1_500_000_001, declared_bytes=1_500_000_001)
    assert hold(large).startswith("it has 1.50 GB, more than media.largest (1.50 GB; Gong takes at most 1.5 GB)")
    assert verdict(large, largest="2 GB") == Verdict()
    assert verdict(replace(GOOD, present_bytes=1_500_000_000, declared_bytes=1_500_000_000)) == Verdict()


def test_R7_a_header_that_declares_more_hours_than_the_bytes_can_hold_is_held():
    lying = replace(GOOD, container="mp4", codec="aac", duration_seconds=17024.0, present_bytes=9108)
    assert hold(lying) == (
        "its header declares 17024 s, more than its 9108 bytes can hold; "
        "the header is damaged, fetch it anew from the recorder"
    )
    assert verdict(replace(lying, present_bytes=17024 * 10)).skip_reason is None


def test_a_recording_shorter_than_gongs_minimum_is_skipped():
    assert verdict(replace(GOOD, duration_seconds=29.9)).skip_reason == (
        "it lasts 29.90 s, less than media.shortest (30 s); Gong does not import calls that short"
    )
    assert verdict(replace(GOOD, duration_seconds=30.0)).skip_reason is None
    assert verdict(replace(GOOD, duration_seconds=29.9), shortest=10).skip_reason is None
    assert verdict(replace(GOOD, duration_seconds=None)).skip_reason is None


def test_a_short_and_silent_recording_is_skipped_and_not_held():
    assert verdict(replace(GOOD, duration_seconds=2.0, peak_dbfs=(-120.0,))).skip_reason is not None


# --- sound -----------------------------------------------------------------------------------------------------------

SILENT = replace(GOOD, level_dbfs=(-90.0,), peak_dbfs=(-78.0,))
ONE_SIDED = replace(GOOD, channels=2, level_dbfs=(-24.0, -120.0), peak_dbfs=(-6.0, -120.0))


def test_a_silent_recording_is_held_skipped_or_sent_as_the_option_says():
    assert hold(SILENT).startswith(
        "nothing can be heard in it: its loudest sample is at -78 dBFS, below media.silence_dbfs (-65)"
    )
    assert (verdict(SILENT, when_silent="skip").skip_reason or "").startswith("nothing can be heard")
    assert verdict(SILENT, when_silent="send") == Verdict()
    assert verdict(SILENT, silence_dbfs=-80) == Verdict()


def test_a_dead_channel_is_reported_held_or_ignored_as_the_option_says():
    assert verdict(ONE_SIDED).warnings == (
        "nothing can be heard on the right channel (1): one side of the call is missing",
    )
    assert "set media.when_one_channel_silent to report" in hold(ONE_SIDED, when_one_channel_silent="hold")
    assert verdict(ONE_SIDED, when_one_channel_silent="send").warnings == ()


def test_a_header_that_declares_much_less_than_is_there_is_reported():
    info = replace(GOOD, declared_bytes=100_000)
    assert verdict(info).warnings[0].startswith("its header declares 100000 bytes and it has 1520044")


# --- kinds -----------------------------------------------------------------------------------------------------------

FLAC, MKV = Conversion(container="flac", codec="flac"), Conversion(container="mkv", codec="copy")


@pytest.mark.parametrize(
    ("container", "codec", "conversion"),
    [
        ("wav", "pcm_s16le", None),
        ("wav", "pcm_mulaw", None),
        ("wav", "pcm_alaw", None),
        ("wav", "gsm_ms", FLAC),
        ("wav", "adpcm_ms", FLAC),
        ("rf64", "pcm_s16le", FLAC),
        ("w64", "pcm_s16le", FLAC),
        ("mp3", "mp3", None),
        ("mp4", "aac", None),
        ("mp4", "opus", MKV),
        ("3gp", "amr_nb", FLAC),
        ("3gp", "aac", MKV),
        ("mov", "aac", MKV),
        ("mkv", "opus", None),
        ("flac", "flac", None),
        ("webm", "opus", MKV),
        ("ogg", "opus", MKV),
        ("ogg", "vorbis", MKV),
        ("ogg", "speex", FLAC),
        ("aac", "aac", MKV),
        ("amr", "amr_nb", FLAC),
        ("asf", "wmav2", FLAC),
        ("au", "pcm_mulaw", FLAC),
        ("aiff", "pcm_s16be", FLAC),
        ("caf", "pcm_s16le", FLAC),
        ("gsm", "gsm", FLAC),
    ],
)
def test_G9_what_gong_takes_goes_as_it_is_and_the_rest_is_converted(container, codec, conversion):
    info = replace(GOOD, container=container, codec=codec)
    assert verdict(info).conversion == conversion


def test_G9_without_conversion_other_kinds_are_held():
    message = hold(replace(GOOD, container="ogg", codec="opus"), convert=False)
    assert message.startswith("Gong does not take opus in ogg; set media.convert: true")
    assert verdict(GOOD, convert=False) == Verdict()


def test_G3_content_types_and_suffixes():
    assert [container_content_type(c) for c in ("wav", "mp3", "mp4", "mkv", "flac", "rare")] == [
        "audio/wav",
        "audio/mpeg",
        "audio/mp4",
        "audio/x-matroska",
        "audio/flac",
        "application/octet-stream",
    ]
    assert [container_suffix(c) for c in ("wav", "mkv", "")] == ["wav", "mkv", "bin"]


def test_R7_a_header_without_audio_waits_and_is_then_skipped():
    # recorders.md 15.7: what an unanswered call leaves behind
    header = replace(GOOD, completeness=Completeness.UNFINALISED, present_bytes=44, duration_seconds=None, peak_dbfs=())
    with pytest.raises(NotYetComplete):
        verdict(header, now=WRITTEN + timedelta(seconds=5))
    assert verdict(header).skip_reason == "it is a header without any audio: there was nothing to record"


def test_R7_a_short_recording_with_more_behind_its_header_is_held_and_not_skipped():
    stale = replace(GOOD, duration_seconds=18.0, declared_bytes=288_044, present_bytes=576_044)
    message = hold(stale)
    assert message.startswith("its header declares 288044 bytes and it has 576044")
    assert "repair the header" in message
