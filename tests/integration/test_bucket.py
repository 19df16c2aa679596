"""A bucket source against a real store over HTTP, with faults in between."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import BadMetadata, SourceChanged, SourceGone, SourceUnavailable
from gong_bridge.sources import s3_file
from gong_bridge.sources.s3 import Bucket
from tests.notebook import Notebook, eventually, running
from tests.store import CREDENTIALS, Seen, breaking_proxy, listing_server, serving, store_client

MIB = 1 << 20
numbers = count()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, store_credentials: None) -> None:
    monkeypatch.setattr(s3_file, "_FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture
def client(store_url: str) -> Iterator[Any]:
    made = store_client(store_url)
    yield made
    made.close()


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"connect-{next(numbers)}"
    client.create_bucket(Bucket=name)
    return name


def source(endpoint_url: str, bucket: str, **options: Any) -> Bucket:
    settings = {"name": "connect", "bucket": bucket, "mapping": "amazon-connect", "rescan": 0.3}
    return Bucket(BucketSource.model_validate({**settings, "endpoint_url": endpoint_url, **options}))


# --- listing ----------------------------------------------------------------------------------------------------------


def test_R13_objects_of_the_same_second_are_all_found_once_and_late_ones_too(
    store_url: str, client: Any, bucket: str
) -> None:
    notebook = Notebook()
    with running(source(store_url, bucket), notebook):
        for key in ("m.wav", "n.wav", "z.wav"):
            client.put_object(Bucket=bucket, Key=key, Body=b"RIFF")
        assert eventually(lambda: len(notebook.rows) == 3)
        client.delete_object(Bucket=bucket, Key="z.wav")  # would have been a cursor's key
        client.put_object(Bucket=bucket, Key="n.wav", Body=b"RIFF-changed")
        client.put_object(Bucket=bucket, Key="a.wav", Body=b"RIFF")  # sorts before all that were listed
        assert eventually(lambda: len(notebook.rows) == 5)
        scans = len(notebook.health)
        assert eventually(lambda: len(notebook.health) > scans + 2)
    assert notebook.keys == ["a.wav", "m.wav", "n.wav", "n.wav", "z.wav"]


def test_R13_a_listing_of_many_pages_is_complete() -> None:
    with listing_server(3456) as url:
        notebook = Notebook()
        assert source(url, "recordings").scan_once(notebook.intake, threading.Event()) == 3456
    assert len(set(notebook.keys)) == 3456
    assert max(notebook.batches) <= 1000  # a page
    assert set(notebook.backlog.values()) == {True}


def test_only_keys_below_the_prefix_are_listed(store_url: str, client: Any, bucket: str) -> None:
    for key in ("connect/a.wav", "other/b.wav", "connect/", "connect/empty.wav"):
        client.put_object(Bucket=bucket, Key=key, Body=b"" if key.endswith("/") or "empty" in key else b"RIFF")
    assert [found.key for found in source(store_url, bucket, prefix="connect/").candidates()] == ["connect/a.wav"]


@pytest.mark.parametrize(
    "key",
    ["a+b.wav", "a%2Bb.wav", "a b.wav", "ü/通話.wav", "a/../b.wav", "../../etc/passwd.wav", "a//b.wav", "a?b#c.wav"],
)
def test_R15_every_key_is_read_and_settled_as_it_is(store_url: str, client: Any, bucket: str, key: str) -> None:
    client.put_object(Bucket=bucket, Key=key, Body=b"RIFF" + key.encode())
    delivered = source(store_url, bucket, after_upload={"move_to": "done"})
    (recording,) = delivered.candidates()
    assert recording.key == key
    with delivered.open(recording) as file:
        assert file.read() == b"RIFF" + key.encode()
    assert delivered.settle(recording) == "moved"
    assert [found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["done/" + key]


def test_the_version_of_an_object_is_its_size_and_etag(store_url: str, client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"hello")
    (recording,) = source(store_url, bucket).candidates()
    assert recording.version == "5-5d41402abc4b2a76b9719d911017c592"


# --- reading through a network that breaks ----------------------------------------------------------------------------


@pytest.fixture
def proxy(store_url: str) -> Iterator[tuple[str, Seen]]:
    with breaking_proxy(store_url) as made:
        yield made


def ranges(seen: Seen) -> list[str | None]:
    return [wanted for method, _, wanted in seen.requests if method == "GET"]


def test_R20_reading_from_beginning_to_end_takes_two_requests(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    data = os.urandom(5 * MIB + 17)
    client.put_object(Bucket=bucket, Key="a.wav", Body=data)
    reading = source(url, bucket)
    recording = reading.stat("a.wav")
    with reading.open(recording) as file:
        assert b"".join(iter(lambda: file.read(MIB), b"")) == data
    assert ranges(seen) == [f"bytes=0-{MIB - 1}", f"bytes={MIB}-{len(data) - 1}"]


def test_jumping_about_fetches_blocks_and_keeps_the_last_ones(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    data = os.urandom(20 * MIB)
    client.put_object(Bucket=bucket, Key="a.mp4", Body=data)
    reading = source(url, bucket)
    with reading.open(reading.stat("a.mp4")) as file:
        for position in (0, 20 * MIB - 500, 100, 7 * MIB + 5, 20 * MIB - 900, 200):
            file.seek(position)
            assert file.read(300) == data[position : position + 300]
    assert ranges(seen) == [f"bytes={first}-{first + MIB - 1}" for first in (0, 19 * MIB, 7 * MIB)]


def test_R19_a_body_that_breaks_is_resumed_at_the_byte_it_broke_at(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    data = os.urandom(6 * MIB)
    client.put_object(Bucket=bucket, Key="a.wav", Body=data)
    reading = source(url, bucket)
    recording = reading.stat("a.wav")
    cuts = iter([400_000, None, 1_500_000, 700_000])
    seen.cut_after = lambda method, path, wanted: next(cuts, None) if method == "GET" else None
    with reading.open(recording) as file:
        assert b"".join(iter(lambda: file.read(256 * 1024), b"")) == data
    assert ranges(seen) == [
        f"bytes=0-{MIB - 1}",
        f"bytes=400000-{MIB - 1}",
        f"bytes={MIB}-{6 * MIB - 1}",
        f"bytes={MIB + 1_500_000}-{6 * MIB - 1}",
        f"bytes={MIB + 2_200_000}-{6 * MIB - 1}",
    ]


def test_R19_an_object_replaced_between_break_and_resume_is_never_mixed(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"1" * 4 * MIB)
    reading = source(url, bucket)
    recording = reading.stat("a.wav")

    def replace_and_cut(method: str, path: str, wanted: str | None) -> int | None:
        if wanted == f"bytes={MIB}-{4 * MIB - 1}":
            client.put_object(Bucket=bucket, Key="a.wav", Body=b"2" * 4 * MIB)
            return 500_000
        return None

    seen.cut_after = replace_and_cut
    with reading.open(recording) as file:
        assert file.read(MIB) == b"1" * MIB
        with pytest.raises(SourceChanged):
            file.read()


def test_R19_a_body_that_always_breaks_at_once_is_given_up_for_later(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"1" * 1000)
    reading = source(url, bucket)
    recording = reading.stat("a.wav")
    seen.cut_after = lambda method, path, wanted: 0
    with pytest.raises(SourceUnavailable, match="broke off 6 times"):
        reading.open(recording)


def test_a_reader_closed_early_gives_its_connection_back(client: Any, bucket: str, proxy: tuple[str, Seen]) -> None:
    url, _ = proxy
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"1" * 3 * MIB)
    reading = source(url, bucket)
    recording = reading.stat("a.wav")
    for _round in range(40):  # more than the pool has connections
        with reading.open(recording) as file:
            file.read(MIB)
            assert file.read(10) == b"1" * 10


# --- answers that say no ----------------------------------------------------------------------------------------------


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "code", "cure"),
    [
        (403, "AccessDenied", "allow s3:ListBucket"),
        (403, "InvalidAccessKeyId", "the access key is not known"),
        (403, "SignatureDoesNotMatch", "the secret access key is wrong"),
        (400, "ExpiredToken", "the credentials have expired"),
        (403, "RequestTimeTooSkewed", "this machine's clock is wrong"),
        (404, "NoSuchBucket", "there is no such bucket; correct `bucket`"),
        (400, "AuthorizationHeaderMalformed", "another region"),
        (301, "PermanentRedirect", "correct `endpoint_url`"),  # a web server that sends http to https
        (500, "InternalError", "if this stays, check `endpoint_url`"),
        (418, "Teapot", "the store answers Teapot"),
    ],
)
def test_a_refused_listing_names_the_cure_and_is_tried_again(
    client: Any, bucket: str, proxy: tuple[str, Seen], status: int, code: str, cure: str
) -> None:
    url, seen = proxy
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"RIFF")
    seen.answer = lambda method, path: (status, error(code))
    notebook = Notebook()
    with running(source(url, bucket), notebook):
        assert eventually(lambda: bool(notebook.health))
        assert not notebook.health[0].healthy
        assert cure in notebook.health[0].message
        assert bucket in notebook.health[0].message
        seen.answer = lambda method, path: None
        assert eventually(lambda: notebook.keys == ["a.wav"])
        assert eventually(lambda: notebook.health[-1].healthy)


def test_a_store_that_asks_for_fewer_requests_is_asked_again_by_itself(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"RIFF")
    slow_down = iter([(503, error("SlowDown"))])
    seen.answer = lambda method, path: next(slow_down, None)
    assert [found.key for found in source(url, bucket).candidates()] == ["a.wav"]


def test_a_store_that_is_not_there_is_reported_with_what_to_check() -> None:
    with pytest.raises(SourceUnavailable, match="check the network, DNS and `endpoint_url`"):
        list(source("http://127.0.0.1:1", "recordings").candidates())


def test_something_else_than_a_store_is_reported_as_such(proxy: tuple[str, Seen]) -> None:
    url, seen = proxy
    seen.answer = lambda method, path: (200, b"<html>Welcome to the router")
    with pytest.raises(SourceUnavailable, match="if this stays, check `endpoint_url`"):
        list(source(url, "recordings").candidates())


@pytest.mark.parametrize("endpoint_url", ["minio:9000", "http://", "https://exa mple"])
def test_an_impossible_endpoint_is_reported(endpoint_url: str) -> None:
    with pytest.raises(SourceUnavailable, match="`endpoint_url`"):
        list(source(endpoint_url, "recordings").candidates())


def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(SourceUnavailable, match=r"nobody.*~/.aws/config"):
        list(source("http://127.0.0.1:1", "recordings", profile="nobody").candidates())


def test_without_credentials_the_message_says_where_they_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(SourceUnavailable, match=r"no usable credentials.*`profile`"):
        list(source("http://127.0.0.1:1", "recordings").candidates())


def test_an_archived_object_says_restore_it_and_waits_long(client: Any, bucket: str, proxy: tuple[str, Seen]) -> None:
    url, seen = proxy
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"RIFF")
    reading = source(url, bucket)
    recording = reading.stat("a.wav")
    seen.answer = lambda method, path: (403, error("InvalidObjectState")) if method == "GET" else None
    with pytest.raises(SourceUnavailable, match="restore it") as raised:
        reading.open(recording)
    assert raised.value.wait_seconds == 3600


def test_a_missing_bucket_is_no_missing_object(store_url: str, client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"RIFF")
    reading = source(store_url, bucket)
    with pytest.raises(SourceGone):
        reading.stat("b.wav")
    client.delete_object(Bucket=bucket, Key="a.wav")
    client.delete_bucket(Bucket=bucket)
    with pytest.raises(SourceUnavailable, match="no such bucket"):
        reading.stat("a.wav")


# --- facts and what happens after the delivery ------------------------------------------------------------------------


def test_metadata_and_tags_are_described(store_url: str, client: Any, bucket: str) -> None:
    client.put_object(
        Bucket=bucket,
        Key="a.wav",
        Body=b"RIFF",
        Metadata={"Agent": "201", "queue": "sales"},
        Tagging="site=HQ&kind=a%20b",
    )
    reading = source(store_url, bucket)
    facts = reading.describe(reading.stat("a.wav"))
    assert facts.metadata == {"agent": "201", "queue": "sales"}
    assert facts.tags == {"site": "HQ", "kind": "a b"}


def test_tags_that_may_not_be_read_are_none_and_metadata_stays(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"RIFF", Metadata={"agent": "201"}, Tagging="site=HQ")
    seen.answer = lambda method, path: (403, error("AccessDenied")) if path.endswith("?tagging") else None
    reading = source(url, bucket)
    facts = reading.describe(reading.stat("a.wav"))
    assert facts.metadata == {"agent": "201"}
    assert facts.tags == {}


def test_metadata_in_other_scripts_is_read_as_written(store_url: str, client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a.wav", Body=b"RIFF", Metadata={"agent": "=?UTF-8?Q?J=C3=BCrgen?="})
    reading = source(store_url, bucket)
    assert reading.describe(reading.stat("a.wav")).metadata == {"agent": "Jürgen"}


def test_R30_a_move_killed_between_copy_and_delete_ends_with_one_copy(
    client: Any, bucket: str, proxy: tuple[str, Seen]
) -> None:
    url, seen = proxy
    client.put_object(Bucket=bucket, Key="in/a.wav", Body=b"RIFF", Metadata={"agent": "201"}, ContentType="audio/wav")
    moving = source(url, bucket, prefix="in/", after_upload={"move_to": "/done/"})
    (recording,) = moving.candidates()
    seen.answer = lambda method, path: (403, error("AccessDenied")) if method == "DELETE" else None
    with pytest.raises(SourceUnavailable, match="s3:DeleteObject"):
        moving.settle(recording)
    seen.answer = lambda method, path: None
    assert moving.settle(recording) == "moved"
    assert [found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["done/a.wav"]
    head = client.head_object(Bucket=bucket, Key="done/a.wav")
    assert head["Metadata"]["agent"] == "201"
    assert head["ContentType"] == "audio/wav"


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_bridge_without_buckets_does_not_load_boto3() -> None:
    program = (
        "import sys; import gong_bridge.sources.folder, gong_bridge.sources.s3; "
        "print(sorted(name for name in ('boto3', 'botocore', 'urllib3') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout == "[]\n"


def test_R14_listing_ten_thousand_known_keys_adds_little_memory() -> None:
    def resident_kib() -> int:
        match = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
        assert match
        return int(match[1])

    with listing_server(10_000) as url:
        listing = source(url, "recordings")
        sum(1 for _ in listing.candidates())
        before = resident_kib()
        assert sum(1 for _ in listing.candidates()) == 10_000
        assert resident_kib() - before < 10_000


# --- a sidecar of a gigabyte ------------------------------------------------------------------------------------------


def test_R9_a_sidecar_of_a_gigabyte_is_not_fetched_whole() -> None:
    held = r"the sidecar calls/a\.json is larger than 4 MiB: is it the right file"
    with endless_object(1 << 30) as (url, sent), pytest.raises(BadMetadata, match=held):
        source(url, "connect").read_beside("calls/a.json", 4 * MIB)
    assert 4 * MIB <= sum(sent) < 32 * MIB  # what lies in the buffers of a connection was sent, too


@contextmanager
def endless_object(size_bytes: int) -> Iterator[tuple[str, list[int]]]:
    """A store whose every object has so many bytes: its URL, and what it sent before its client hung up."""
    sent: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(size_bytes))
            self.send_header("Last-Modified", "Tue, 01 Sep 2026 10:00:00 GMT")
            self.end_headers()
            try:
                for _ in range(size_bytes // MIB):
                    self.wfile.write(bytes(MIB))
                    sent.append(MIB)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as url:
        yield url, sent
