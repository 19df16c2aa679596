"""Media on its way to Gong: exact bytes, exact length, one open per attempt, little memory (R19, R20, R26)."""

from __future__ import annotations

import hashlib
import io
import queue
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gong_bridge.errors import SourceChanged, SourceGone, SourceUnavailable
from gong_bridge.gong.calls import Calls, DeliveredMedia
from tests.integration.scripted_gong import Exchange, NotedAllowance, ScriptedGong, talk

SOUND = bytes(range(256)) * 12_345


class Watched(io.BytesIO):
    """A source that says when it was opened and closed."""

    def __init__(self, content: bytes, notes: list[str]) -> None:
        super().__init__(content)
        self._notes = notes
        notes.append("open")

    def close(self) -> None:
        if not self.closed:
            self._notes.append("close")
        super().close()


def stores(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.answer(201, {"requestId": "r-1", "callId": "7", "url": "https://gong.example.com/call?id=7"})


def part_of(exchange: Exchange) -> tuple[str, bytes]:
    """The header and the content of the one part."""
    boundary = exchange.headers["content-type"].partition("boundary=")[2].encode()
    body = bytes(exchange.body)
    assert body.startswith(b"--" + boundary + b"\r\n")
    assert body.endswith(b"\r\n--" + boundary + b"--\r\n")
    head, _, content = body.partition(b"\r\n\r\n")
    return head.decode("ascii"), content[: -len(boundary) - 8]


def test_R19_the_bytes_arrive_unchanged_with_their_exact_length() -> None:
    with talk(stores) as (gong, client):
        delivered = Calls(client).put_media("7", lambda: io.BytesIO(SOUND), len(SOUND), ".wav", "audio/wav")
        exchange = gong.requests[0]
    head, content = part_of(exchange)
    assert hashlib.sha256(content).hexdigest() == hashlib.sha256(SOUND).hexdigest()
    assert int(exchange.headers["content-length"]) == len(exchange.body)
    assert "transfer-encoding" not in exchange.headers
    assert head.split("\r\n")[1:] == [
        'Content-Disposition: form-data; name="mediaFile"; filename="recording.wav"',
        "Content-Type: audio/wav",
    ]
    assert (exchange.method, exchange.target) == ("PUT", "/v2/calls/7/media")
    assert delivered == DeliveredMedia(
        call_url="https://gong.example.com/call?id=7", request_id="r-1", http_status=201, sent_bytes=len(SOUND)
    )


def test_R19_every_attempt_opens_the_source_again_and_closes_it() -> None:
    notes: list[str] = []
    with talk(stores) as (gong, client):
        for _ in range(2):
            Calls(client).put_media("7", lambda: Watched(SOUND, notes), len(SOUND), "wav", "audio/wav")
        contents = [part_of(exchange)[1] for exchange in gong.requests]
    assert notes == ["open", "close", "open", "close"]
    assert contents == [SOUND, SOUND]


def test_R26_the_slot_is_taken_before_the_source_is_opened() -> None:
    allowance = NotedAllowance()
    with talk(stores, allowance) as (_gong, client):
        Calls(client).put_media("7", lambda: Watched(SOUND, allowance.notes), len(SOUND), "wav", "audio/wav")
    assert allowance.notes == ["take", "open", "depart", "sent", "close"]


def test_R19_a_source_that_is_not_at_its_beginning_is_refused_and_closed() -> None:
    notes: list[str] = []

    def half_read() -> io.BytesIO:
        file = Watched(SOUND, notes)
        file.seek(100)
        return file

    with talk(stores) as (gong, client):
        with pytest.raises(ValueError, match="beginning"):
            Calls(client).put_media("7", half_read, len(SOUND), "wav", "audio/wav")
        assert gong.requests == []
    assert notes == ["open", "close"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(SOUND[:-1], f"ends after {len(SOUND) - 1} bytes"), (SOUND + b"x", "goes on after"), (b"", "ends after 0 bytes")],
)
def test_R19_a_source_of_another_length_is_cut_off_and_gong_stores_nothing(content: bytes, words: str) -> None:
    whole: queue.Queue[bool] = queue.Queue()

    def script(exchange: Exchange) -> None:
        whole.put(len(exchange.read_body()) == exchange.body_bytes_declared)
        exchange.close()

    notes: list[str] = []
    with talk(script) as (_gong, client):
        with pytest.raises(SourceChanged, match=words):
            Calls(client).put_media("7", lambda: Watched(content, notes), len(SOUND), "wav", "audio/wav")
        assert whole.get(timeout=5) is False
    assert notes == ["open", "close"]


class Breaking(io.BytesIO):
    """A source whose second read fails."""

    def __init__(self, content: bytes, error: Exception) -> None:
        super().__init__(content)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            raise self._error
        return super().read(size)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SourceChanged("it changed"), SourceChanged),
        (SourceGone("it is gone"), SourceGone),
        (SourceUnavailable("unmounted"), SourceUnavailable),
        (OSError(5, "Input/output error"), SourceUnavailable),
    ],
)
def test_the_sources_own_errors_pass_the_http_client_unchanged(error: Exception, expected: type[Exception]) -> None:
    def script(exchange: Exchange) -> None:
        exchange.drain()
        exchange.close()

    with talk(script) as (_gong, client), pytest.raises(expected, match=str(error.args[-1])):
        Calls(client).put_media("7", lambda: Breaking(SOUND, error), len(SOUND), "wav", "audio/wav")


def test_the_connection_of_a_cut_off_upload_is_not_used_again() -> None:
    with talk(stores) as (gong, client):
        with pytest.raises(SourceChanged):
            Calls(client).put_media("7", lambda: io.BytesIO(SOUND[:5]), len(SOUND), "wav", "audio/wav")
        Calls(client).put_media("7", lambda: io.BytesIO(SOUND), len(SOUND), "wav", "audio/wav")
        # The server's thread of the first one may be the later of the two to notice what it got.
        whole = [one for one in gong.requests if one.body.endswith(b"--\r\n")]
        assert [part_of(one)[1] for one in whole] == [SOUND]
        assert gong.connection_count == 2


class Dribbling(io.BytesIO):
    """A source that gives less than it is asked for, as streams from a network do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 70_001))


def test_short_reads_are_no_end() -> None:
    with talk(stores) as (gong, client):
        Calls(client).put_media("7", lambda: Dribbling(SOUND), len(SOUND), "wav", "audio/wav")
        assert part_of(gong.requests[0])[1] == SOUND


def test_progress_counts_every_byte_once() -> None:
    seen: list[int] = []
    with talk(stores) as (_gong, client):
        Calls(client).put_media("7", lambda: io.BytesIO(SOUND), len(SOUND), "wav", "audio/wav", seen.append)
    assert sum(seen) == len(SOUND)
    assert max(seen) == 1024 * 1024


@pytest.mark.parametrize("suffix", ['wav"\r\nX: y', "../wav", "", "w av", "wav\x00", "ü"])
def test_a_suffix_cannot_break_out_of_the_part_header(suffix: str) -> None:
    with talk(stores) as (gong, client):
        with pytest.raises(ValueError, match="suffix"):
            Calls(client).put_media("7", lambda: io.BytesIO(SOUND), len(SOUND), suffix, "audio/wav")
        assert gong.requests == []


def test_a_content_type_cannot_break_out_of_the_part_header() -> None:
    with talk(stores) as (gong, client):
        with pytest.raises(ValueError, match="content_type"):
            Calls(client).put_media("7", lambda: io.BytesIO(SOUND), len(SOUND), "wav", "audio/wav\r\nX: y")
        assert gong.requests == []


def test_the_boundary_differs_each_time_and_cannot_be_guessed() -> None:
    with talk(stores) as (gong, client):
        for _ in range(3):
            Calls(client).put_media("7", lambda: io.BytesIO(b"x"), 1, "wav", "audio/wav")
        boundaries = {exchange.headers["content-type"] for exchange in gong.requests}
    assert len(boundaries) == 3
    assert all(re.fullmatch(r"multipart/form-data; boundary=[0-9a-f]{32}", text) for text in boundaries)


FOUR_UPLOADS = """
    import sys, threading
    from pathlib import Path
    from gong_bridge.gong.calls import Calls
    from tests.integration.scripted_gong import client_of

    base_url, path = sys.argv[1], Path(sys.argv[2])
    size_bytes = path.stat().st_size
    with client_of(base_url) as client:
        calls = Calls(client)
        def upload():
            sent = calls.put_media("7", lambda: path.open("rb"), size_bytes, "wav", "audio/wav").sent_bytes
            assert sent == size_bytes
            finished.append(sent)
        finished = []
        threads = [threading.Thread(target=upload) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    assert len(finished) == 4
    # Not getrusage: its peak is inherited from whoever started this process.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
"""


def test_R20_four_uploads_of_400_mb_at_once_stay_below_150_mib(tmp_path: Path) -> None:
    recording = tmp_path / "recording.wav"
    with recording.open("wb") as file:
        file.truncate(400_000_000)
    sizes: list[int] = []

    def script(exchange: Exchange) -> None:
        sizes.append(exchange.discard())
        exchange.answer(201, {"callId": "7"})

    with ScriptedGong(script) as gong:
        command = [sys.executable, "-c", textwrap.dedent(FOUR_UPLOADS), gong.base_url, str(recording)]
        checkout = Path(__file__).resolve().parents[2]
        result = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    assert all(size > 400_000_000 for size in sizes)
    assert int(result.stdout) < 150 * 2**20
