"""What to do with a recording, from what the probe measured: send, wait, skip, convert or hold; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, NotYetComplete
from gong_bridge.model import Completeness, MediaInfo

_ANY_CODEC: Final[frozenset[str]] = frozenset()

SENT_AS_IT_IS: Final[dict[str, frozenset[str]]] = {
    "wav": frozenset({"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_mulaw", "pcm_alaw"}),
    "mp3": frozenset({"mp3"}),
    "mp4": frozenset({"aac", "mp3", "alac"}),
    "mkv": _ANY_CODEC,
    "flac": frozenset({"flac"}),
}
"""Containers that Gong's guide names, with the codecs that belong in them (empty: any). A WAV may also hold GSM 6.10,
ADPCM or others that few readers know: those become FLAC, which loses nothing."""

COPIED_INTO_MKV: Final = frozenset({"opus", "vorbis", "aac", "mp3", "flac"})
"""Codecs that Matroska carries and everybody reads: moving them to another container leaves every sample as it was."""

_CONTENT_TYPES: Final = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "mkv": "audio/x-matroska",
    "flac": "audio/flac",
    "webm": "audio/webm",
    "ogg": "audio/ogg",
}

_HEADER_SAYS_LESS: Final = 0.9
HEADER_ONLY_BYTES = 128
"""A WAV header with its usual extra chunks; 128 bytes of audio would be 16 ms."""
_BYTES_PER_GB: Final = 1e9
_LEAST_BYTES_PER_SECOND: Final = 4
"""Opus that sends nothing but its container's overhead in silence has more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """Into which container ("mkv", "flac") and how ("copy" moves the codec as it is, "flac" encodes)."""

    container: str
    codec: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A recording that is not held: to be skipped (`skip_reason`), or sent, perhaps converted and with warnings."""

    conversion: Conversion | None = None
    warnings: tuple[str, ...] = ()
    skip_reason: str | None = None


def container_content_type(container: str) -> str:
    """The MIME type to send a container as; Gong takes octet-stream for those without one (G3)."""
    return _CONTENT_TYPES.get(container, "application/octet-stream")


def container_suffix(container: str) -> str:
    """The file name suffix of a container, without the dot."""
    return container if container.isalnum() else "bin"


def judge(info: MediaInfo, options: MediaOptions, *, modified_at: datetime, now: datetime) -> Verdict:
    """Apply every rule of `media:` in bridge.yaml.

    Raises NotYetComplete while an incomplete recording is young, BadMedia when a person must act.
    """
    nothing = nothing_in(info, options, modified_at=modified_at, now=now)
    if nothing:
        return Verdict(skip_reason=nothing)
    if info.present_bytes > options.largest:
        raise BadMedia(
            f"it has {info.present_bytes / _BYTES_PER_GB:.2f} GB, more than media.largest "
            f"({options.largest / _BYTES_PER_GB:.2f} GB; Gong takes at most 1.5 GB); "
            "split it, or let the recorder use a codec that needs less room"
        )
    if info.duration_seconds is not None and info.present_bytes < info.duration_seconds * _LEAST_BYTES_PER_SECOND:
        raise BadMedia(
            f"its header declares {info.duration_seconds:.0f} s, more than its {info.present_bytes} bytes can hold; "
            "the header is damaged, fetch it anew from the recorder"
        )
    if info.duration_seconds is not None and info.duration_seconds < options.shortest:
        understated = _header_warnings(info)
        if understated:  # the audio behind what the header declares would be lost without a word
            raise BadMedia(f"{understated[0]}; repair the header, for example with 'sox --ignore-length', or skip it")
        return Verdict(
            skip_reason=f"it lasts {info.duration_seconds:.2f} s, less than media.shortest ({options.shortest:g} s); "
            "Gong does not import calls that short"
        )
    if _is_silent(info, options):
        skip_reason = _judge_silence(info, options)
        if skip_reason:
            return Verdict(skip_reason=skip_reason)
    warnings = (*_dead_channel_warnings(info, options), *_header_warnings(info))
    return Verdict(conversion=_conversion(info, options), warnings=warnings)


def nothing_in(info: MediaInfo, options: MediaOptions, *, modified_at: datetime, now: datetime) -> str | None:
    """Why there is no audio in it at all; all that can be said of one side or segment of a call alone.

    Raises NotYetComplete and BadMedia, as `judge` does, for a recording that is not whole.
    """
    _require_whole(info, options, modified_at, now)
    return "it is a header without any audio: there was nothing to record" if _is_header_only(info) else None


def _require_whole(info: MediaInfo, options: MediaOptions, modified_at: datetime, now: datetime) -> None:
    if info.completeness in (Completeness.WHOLE, Completeness.UNSTATED):
        return
    if info.present_bytes == 0:
        what = "it is empty: the recorder opened it and wrote nothing; check the recorder's disk, or delete the file"
    elif not info.container:
        what = (
            f"it has {info.present_bytes} bytes, too few to be a recording; "
            "the recorder or the copy stopped right after the beginning"
        )
    elif info.completeness is Completeness.TRUNCATED:
        declared = "more audio than is there" if info.declared_bytes is None else f"{info.declared_bytes} bytes"
        what = (
            f"it is cut off: its header declares {declared}, it has {info.present_bytes} bytes; "
            "copy it again from the recorder, and let copies end with a rename"
        )
    else:
        kind = info.container.upper()
        what = (
            f"its {kind} header was never finalised: the recorder was stopped, or lost the file, before it wrote the "
            f"sizes ({info.present_bytes} bytes are there); repair it, for example with "
            "'sox --ignore-length broken.wav repaired.wav', or skip it"
            if info.container in ("wav", "rf64", "w64")
            else f"its {kind} file was never finalised: the recorder was stopped, or lost the file, before it wrote "
            f"the end ({info.present_bytes} bytes are there); fetch it again from the recorder, or skip it"
        )
    ripe_at = modified_at + timedelta(seconds=options.incomplete_for)
    if now < ripe_at:
        raise NotYetComplete(
            f"{what} (waiting until it is {options.incomplete_for:g} s old, media.incomplete_for)",
            wait_seconds=math.ceil((ripe_at - now).total_seconds() * 10) / 10,
        )
    if not _is_header_only(info):
        raise BadMedia(what)


def _is_header_only(info: MediaInfo) -> bool:
    """What Asterisk leaves of a call that nobody answered; a recording that has just begun looks so, too."""
    return info.completeness is Completeness.UNFINALISED and 0 < info.present_bytes <= HEADER_ONLY_BYTES


def _is_silent(info: MediaInfo, options: MediaOptions) -> bool:
    return bool(info.peak_dbfs) and max(info.peak_dbfs) < options.silence_dbfs


def _judge_silence(info: MediaInfo, options: MediaOptions) -> str | None:
    """The reason to skip, or None to send; raises BadMedia to hold."""
    what = (
        f"nothing can be heard in it: its loudest sample is at {max(info.peak_dbfs):.0f} dBFS, "
        f"below media.silence_dbfs ({options.silence_dbfs:g})"
    )
    if options.when_silent == "hold":
        raise BadMedia(
            f"{what}; check that the recorder gets the audio (mirror port, codec, encryption), "
            "or set media.when_silent to skip or send"
        )
    return what if options.when_silent == "skip" else None


def _dead_channel_warnings(info: MediaInfo, options: MediaOptions) -> tuple[str, ...]:
    dead = [number for number, peak in enumerate(info.peak_dbfs) if peak < options.silence_dbfs]
    if not dead or len(dead) == len(info.peak_dbfs) or options.when_one_channel_silent == "send":
        return ()
    names = ", ".join(_channel_name(number, info.channels) for number in dead)
    what = f"nothing can be heard on {names}: one side of the call is missing"
    if options.when_one_channel_silent == "hold":
        raise BadMedia(
            f"{what}; check that the recorder gets both directions, or set media.when_one_channel_silent to report"
        )
    return (what,)


def _channel_name(number: int, channels: int) -> str:
    if channels == 2:
        return ("the left channel (0)", "the right channel (1)")[number]
    return f"channel {number}"


def _header_warnings(info: MediaInfo) -> tuple[str, ...]:
    if info.container != "wav" or info.declared_bytes is None:
        return ()
    if info.declared_bytes >= info.present_bytes * _HEADER_SAYS_LESS:
        return ()
    return (
        f"its header declares {info.declared_bytes} bytes and it has {info.present_bytes}: "
        "players stop early; the recorder may have gone on after it closed the header",
    )


def _conversion(info: MediaInfo, options: MediaOptions) -> Conversion | None:
    codecs = SENT_AS_IT_IS.get(info.container)
    if codecs is not None and (codecs is _ANY_CODEC or info.codec in codecs):
        return None
    if not options.convert:
        raise BadMedia(
            f"Gong does not take {info.codec} in {info.container}; "
            "set media.convert: true, or let the recorder write WAV, MP3, MP4, MKV or FLAC"
        )
    if info.codec in COPIED_INTO_MKV:
        return Conversion(container="mkv", codec="copy")
    return Conversion(container="flac", codec="flac")
