"""Files made to do harm: bombs, lies about sizes, loops, playlists, streams without number; made anew for each run."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

from tests import made_recordings as made
from tests.made_recordings import record, wav

Making = Callable[[random.Random], bytes]
SECONDS = 1.0
HUGE = 0xFFFFFFFF


def u32(value: int) -> bytes:
    return struct.pack(">I", value & HUGE)


# --- not media at all ------------------------------------------------------------------------------------------------


def zip_bomb(chance: random.Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{chance.random()}.wav", bytes(chance.choice((1, 8)) * 2**20))
    return packed.getvalue()


def gzip_bomb(chance: random.Random) -> bytes:
    return gzip.compress(bytes(chance.choice((1, 8)) * 2**20), mtime=0)


def playlist(chance: random.Random) -> bytes:
    address = chance.choice(("http://127.0.0.1:9/a.wav", "file:///etc/passwd", "/dev/zero", "concat:/etc/passwd|x"))
    return chance.choice(
        (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n",
            f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{address}"\n#EXTINF:5,\n{address}\n',
            f"ffconcat version 1.0\nfile '{address}'\n" * 50,
            f"[playlist]\nFile1={address}\nNumberOfEntries=1\n",
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na=control:{address}\n",
            f"<?xml version='1.0'?><MPD><Period><BaseURL>{address}</BaseURL></Period></MPD>",
            f"<asx version='3.0'><entry><ref href='{address}'/></entry></asx>",
            f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{address}'/></svg>",
        )
    ).encode() + b" " * chance.randrange(40)


def xml_bomb(chance: random.Random) -> bytes:
    depth = chance.randrange(5, 30)
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, depth))
    return f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "lol">{entities}]><svg>&l{depth - 1};</svg>'.encode()


def text(chance: random.Random) -> bytes:
    return chance.choice(
        (b'{"a":' * 20_000, b"date;from\n" * 500, b"<html><script>alert(1)</script>" * 40, b"\0" * 9000)
    )


def noise(chance: random.Random) -> bytes:
    magics = (b"RIFF", b"fLaC", b"OggS", b"\x1a\x45\xdf\xa3", b".snd", b"caff", b"FORM", b"ID3\x04", b"\xff\xfb\x90",
              b"\0\0\0\x18ftypisom", b"#!AMR\n", b"", b"RF64", b"\xff\xf1\x50\x80")  # fmt: skip
    return chance.choice(magics) + chance.randbytes(chance.choice((3, 40, 3000, 60_000)))


# --- WAV and its kin -------------------------------------------------------------------------------------------------


def lying_wav(chance: random.Random) -> bytes:
    tag = chance.choice((1, 1, 2, 3, 6, 7, 0x11, 0x31, 0x55, 0x161, 0xFFFE, chance.randrange(65536)))
    channels = chance.choice((0, 1, 2, 64, 65, 255, 32768, 65535))
    rate = chance.choice((0, 1, 8000, 0x7FFFFFFF, HUGE))
    align, bits = chance.choice((0, 1, 2, 65535)), chance.choice((0, 1, 8, 16, 24, 64, 65535))
    fmt = struct.pack("<HHIIHHH", tag, channels, rate, chance.choice((0, HUGE, 16000)), align, bits,
                      chance.choice((0, 22, 65535)))  # fmt: skip
    data = chance.randbytes(chance.choice((0, 1, 5000)))
    size = chance.choice((len(data), len(data), 0, HUGE, 0x7FFFFFFF))
    body = b"WAVEfmt " + struct.pack("<I", chance.choice((len(fmt), 16, 0, HUGE))) + fmt
    body += b"data" + struct.pack("<I", size) + data
    return chance.choice((b"RIFF", b"RIFX", b"RF64", b"BW64")) + struct.pack("<I", len(body)) + body


def chunks_without_end(chance: random.Random) -> bytes:
    chunk = chance.choice(
        (b"junk\0\0\0\0", b"LIST\x04\0\0\0INFO", b"fmt \0\0\0\0", b"ds64\0\0\0\0", b"cue \x04\0\0\0" + b"\xff" * 4)
    )
    return wav(bytes(3000), before=chunk * chance.choice((10, 5000, 60_000)))


def huge_metadata(chance: random.Random) -> bytes:
    text_ = b"x" * chance.choice((100_000, 4_000_000))
    inside = b"INFOIART" + struct.pack("<I", len(text_)) + text_
    return wav(bytes(16_000), before=b"LIST" + struct.pack("<I", len(inside)) + inside)


# --- MP4 and its kin -------------------------------------------------------------------------------------------------


def box(kind: bytes, content: bytes = b"") -> bytes:
    return u32(len(content) + 8) + kind + content


def deep_boxes(chance: random.Random) -> bytes:
    inside = b""
    for _ in range(chance.choice((20, 1000, 10_000))):
        inside = box(chance.choice((b"moov", b"trak", b"udta", b"meta", b"ilst")), inside)
    return box(b"ftyp", b"isom\0\0\0\0isom") + inside + box(b"mdat", bytes(2000))


def ten_thousand_tracks(chance: random.Random) -> bytes:
    data = record(made.MP4, SECONDS)
    moov = data.find(b"moov") - 4
    trak = data.find(b"trak", moov) - 4
    track = data[trak : trak + struct.unpack_from(">I", data, trak)[0]]
    many = box(b"moov", data[moov + 8 : trak] + track * chance.choice((100, 1000, 10_000)))
    return data[:moov] + many


def compressed_index(chance: random.Random) -> bytes:
    """A `cmov` box: the index, packed; it may say any size and unpack to anything."""
    packed = zlib.compress(bytes(chance.choice((2**20, 16 * 2**20))), 9)
    said = chance.choice((10, 2**20, HUGE, 0x7FFFFFFF))
    cmov = box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", u32(said) + packed))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", cmov) + box(b"mdat", bytes(2000))


def lying_tables(chance: random.Random) -> bytes:
    data = bytearray(record(chance.choice((made.MP4, made.MP4_FAST, made.MOV, made.MP4_FRAGMENTS)), SECONDS))
    for name in chance.sample(
        (b"stsz", b"stts", b"stsc", b"stco", b"mdhd", b"mvhd", b"elst", b"stsd", b"dref", b"trun"), 3
    ):
        place = data.find(name)
        if place > 0:
            at = place + chance.choice((-4, 4, 8, 12, 16, 20))
            data[at : at + 4] = u32(chance.choice((0, 1, HUGE, 0x7FFFFFFF, 0x0FFFFFFF)))
    return bytes(data)


def reference_elsewhere(chance: random.Random) -> bytes:
    data = record(made.MOV, SECONDS)
    address = (
        chance.choice((b"http://127.0.0.1:9/x.mov", b"file:///etc/passwd", b"../../etc/passwd", b"/dev/zero")) + b"\0"
    )
    return data.replace(b"\0\0\0\x0curl \0\0\0\x01", u32(12 + len(address)) + b"url \0\0\0\0" + address)


# --- Matroska --------------------------------------------------------------------------------------------------------


def element(number: bytes, content: bytes, *, unknown: bool = False) -> bytes:
    return number + (b"\x01" + b"\xff" * 7 if unknown else (1 << 56 | len(content)).to_bytes(8, "big")) + content


EBML = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"matroska"))
SEGMENT, TRACKS, ENTRY, CLUSTER = b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\x1f\x43\xb6\x75"


def ebml_loops(chance: random.Random) -> bytes:
    inside = b""
    for _ in range(chance.choice((10, 1000, 8000))):
        inside = element(
            chance.choice((SEGMENT, CLUSTER, TRACKS, ENTRY, b"\xe0")), inside, unknown=chance.random() < 0.5
        )
    return EBML + element(SEGMENT, inside, unknown=chance.random() < 0.5)


def matroska_of_many_tracks(chance: random.Random) -> bytes:
    def track(number: int) -> bytes:
        rate = chance.choice(
            (struct.pack(">d", 8000.0), struct.pack(">d", float("inf")), struct.pack(">d", -1.0), bytes(8))
        )
        audio = element(b"\xe1", element(b"\xb5", rate) + element(b"\x9f", bytes([chance.randrange(256)])))
        codec = element(b"\x86", chance.choice((b"A_OPUS", b"A_PCM/INT/LIT", b"A_VORBIS", b"A_AAC")))
        kind = element(b"\xd7", number.to_bytes(4, "big")) + element(b"\x83", b"\x02")
        return element(ENTRY, kind + codec + element(b"\x63\xa2", chance.randbytes(20)) + audio)

    tracks = b"".join(track(number) for number in range(1, chance.choice((2, 65, 1000))))
    cluster = element(CLUSTER, element(b"\xe7", b"\0") + element(b"\xa3", b"\x81\0\0\x80" + chance.randbytes(400)))
    return EBML + element(SEGMENT, element(TRACKS, tracks) + cluster)


# --- Ogg, FLAC, MP3 --------------------------------------------------------------------------------------------------


def ogg_page(payload: bytes, serial: int, number: int, flags: int, granule: int, *, honest: bool = True) -> bytes:
    from gong_bridge.media.ogg import _page_crc

    lacing = bytes([255] * (len(payload) // 255) + [len(payload) % 255])
    page = b"OggS\0" + bytes([flags]) + struct.pack("<QIII", granule & 2**64 - 1, serial, number, 0)
    page += bytes([len(lacing)]) + lacing + payload
    return page[:22] + struct.pack("<I", _page_crc(page) if honest else 7) + page[26:]


def ogg_lies(chance: random.Random) -> bytes:
    head = (
        b"OpusHead\x01" + bytes([chance.choice((0, 1, 2, 255))]) + struct.pack("<HIh", 312, chance.choice((0, HUGE)), 0)
    )
    head += bytes([chance.choice((0, 1, 255))])
    tags = (
        b"OpusTags"
        + struct.pack("<I", chance.choice((0, 4, HUGE)))
        + b"test"
        + struct.pack("<I", chance.choice((0, HUGE)))
    )
    streams = chance.choice((1, 2, 100, 10_000))
    pages = [ogg_page(head, serial, 0, 2, 0) for serial in range(streams)]
    pages += [ogg_page(tags, serial, 1, 0, 0) for serial in range(min(streams, 100))]
    granule = chance.choice((0, 960, -1, 2**62))
    pages += [ogg_page(chance.randbytes(200), 0, 2 + n, 4 if n == 9 else 0, granule * n) for n in range(10)]
    if chance.random() < 0.3:
        pages.append(ogg_page(b"x", 0, 99, 4, -1, honest=False))
    return b"".join(pages)


def lying_flac(chance: random.Random) -> bytes:
    data = bytearray(record(chance.choice((made.FLAC, made.FLAC_STEREO)), SECONDS))
    data[8 : 8 + 18] = chance.choice((bytes(18), b"\xff" * 18, chance.randbytes(18)))
    kind, size = chance.choice((0, 3, 4, 6, 127)), chance.choice((0, 4, 0xFFFFFF))
    return bytes(data[:42]) + bytes([kind]) + size.to_bytes(3, "big") + bytes(data[42:])


def lying_id3(chance: random.Random) -> bytes:
    size = chance.choice((b"\x7f\x7f\x7f\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\x7f\x7f"))
    tag = b"ID3" + bytes([chance.choice((2, 3, 4, 255)), 0, chance.choice((0, 0x10, 0x40, 0xFF))]) + size
    return tag * chance.choice((1, 2, 40, 5000)) + record(chance.choice((made.MP3_BARE, made.AAC, made.FLAC)), SECONDS)


def lying_xing(chance: random.Random) -> bytes:
    data = bytearray(record(made.MP3, SECONDS))
    place = max(data.find(b"Xing"), data.find(b"Info"))
    data[place + 8 : place + 8 + 108] = chance.choice((b"\xff" * 108, bytes(108), chance.randbytes(108)))
    end = b"APETAGEX" + struct.pack("<IIII", 2000, HUGE, HUGE, 0x80000000) + bytes(8)
    return bytes(data) + chance.choice((b"", end, b"TAG" + b"\xff" * 125, b"999999LYRICS200"))


# --- all of them -----------------------------------------------------------------------------------------------------

MAKINGS: tuple[Making, ...] = (
    zip_bomb, gzip_bomb, playlist, playlist, xml_bomb, text, noise, noise, lying_wav, lying_wav, lying_wav,
    chunks_without_end, huge_metadata, deep_boxes, ten_thousand_tracks, compressed_index, lying_tables, lying_tables,
    reference_elsewhere, ebml_loops, matroska_of_many_tracks, ogg_lies, ogg_lies, lying_flac, lying_id3, lying_xing,
)  # fmt: skip


def hostile_file(number: int, seed: int) -> tuple[str, bytes]:
    """Label and content of one hostile file; the same for the same numbers."""
    making = MAKINGS[number % len(MAKINGS)]
    return f"{making.__name__} {number}", making(random.Random(seed * 1_000_003 + number))


SPARSE_HEADS: dict[str, bytes] = {
    "wav": wav(b"", data_size=2**31 - 100, riff_size=2**31 - 64),
    "mp4": box(b"ftyp", b"isom\0\0\0\0isom") + u32(2**31 - 24) + b"mdat",
    "mkv": EBML + SEGMENT + (1 << 56 | 2**31 - len(EBML) - 12).to_bytes(8, "big"),
    "mp3": b"\xff\xfb\x90\x00",
    "ogg": b"OggS",
    "nothing": b"",
    "id3": b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
    "amr": b"#!AMR\n",
    "au": b".snd" + struct.pack(">IIIII", 24, HUGE, 1, 8000, 1),
    "caf": b"caff\0\1\0\0",
    "adts": b"\xff\xf1\x50\x80\x02\x1f\xfc" * 20,
}
"""The first bytes of files of 2 GB that are holes for the rest."""
