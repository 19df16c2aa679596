"""Says what a file is that is no recording the bridge can send: headerless audio, text, archives, pictures.

A file without a header cannot be sent: nothing in it says its rate or its codec. What it is likely to be is measured,
because the cure differs: neighbouring samples of speech resemble each other only when they are decoded rightly.
"""

from __future__ import annotations

import audioop
from typing import Final

from gong_bridge.media.extent import NoRecording, Reader

LOOKED_AT_BYTES: Final = 32 * 1024
TEXT_BYTES: Final = 16
"""Fewer printable bytes may as well be the beginning of a recording."""
ALIKE: Final = 0.6
"""Correlation of neighbouring samples above which something is taken for speech; noise has 0, speech 0.8 to 0.95."""

_CURE: Final = (
    "let the recorder write .wav (in Asterisk: format wav or WAV), or convert it with sox before it is dropped"
)

_KINDS: Final = (
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ\0", "an xz archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap); let the recorder write audio instead"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap); let the recorder write audio instead"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng); let the recorder write audio instead"),
    (b"#EXTM3U", "a playlist, which names other files; drop the recordings themselves"),
    (b"[playlist]", "a playlist, which names other files; drop the recordings themselves"),
    (b"ffconcat", "a playlist, which names other files; drop the recordings themselves"),
    (b"<?xml", "an XML text; a sidecar needs its own name, exclude it from this source"),
    (b"SQLite format 3", "a database"),
    (b"FLV\x01", f"a Flash video, which cannot be converted here; {_CURE}"),
    (b"wvpk", f"a WavPack file, which cannot be converted here; {_CURE}"),
    (b"MAC ", f"a Monkey's Audio file, which cannot be converted here; {_CURE}"),
    (b".RMF", f"a RealMedia file, which cannot be converted here; {_CURE}"),
    (b"NIST_1A", f"a NIST SPHERE file, which cannot be converted here; {_CURE}"),
    (b"Creative Voice", f"a Creative Voice file, which cannot be converted here; {_CURE}"),
)


def refuse(reader: Reader) -> NoRecording:
    """The error that says what the file seems to be, and the cure."""
    head = reader.read_at(0, 4096)
    for magic, what in _KINDS:
        if head.startswith(magic):
            return NoRecording(f"there is no audio in this file that can be sent: it is {what}")
    if len(head) >= TEXT_BYTES and _is_text(head):
        return NoRecording("there is no audio in this file: it is a text; exclude such names from this source")
    if not any(head):
        what = "it begins with zeros; the copy may have failed, repeat it"
        return NoRecording(f"there is no audio in this file: {what}", certain=False)
    guess = _guess_headerless(reader)
    if guess:
        return NoRecording(f"this looks like {guess} without a header, which says neither rate nor codec; {_CURE}")
    return NoRecording(
        "there is no audio in this file that is known here; is it encrypted, or still being written?", certain=False
    )


def _is_text(head: bytes) -> bool:
    sample = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") and sample[2:].count(0) * 3 > len(sample):
        return True
    odd = sum(byte < 9 or 13 < byte < 32 or byte == 127 for byte in sample)
    try:
        sample[: max(len(sample) - 4, 1)].decode()
    except UnicodeDecodeError:
        return False
    return odd == 0


def _guess_headerless(reader: Reader) -> str | None:
    start = max((reader.size_bytes - LOOKED_AT_BYTES) // 2, 0) & ~1
    sample = reader.read_at(start, LOOKED_AT_BYTES)
    sample = sample[: len(sample) & ~1]
    if len(sample) < 1024:
        return None
    scores = {
        "G.711 mu-law (.ulaw)": _likeness(audioop.ulaw2lin(sample, 2)),
        "G.711 A-law (.alaw)": _likeness(audioop.alaw2lin(sample, 2)),
        "16-bit PCM (.sln, .raw)": _likeness(sample),
    }
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= ALIKE else None


def _likeness(samples: bytes) -> float:
    """Correlation of each sample with the next one, from -1 to 1."""
    if not audioop.rms(samples, 2):
        return 0.0
    return float(audioop.findfactor(samples[2:], samples[:-2]))
