"""Link or upload, and when Gong is asked whether it has fetched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gong_bridge.linking import choose_way, last_look_at, next_look_at
from gong_bridge.model import Entry, Recording, State
from gong_bridge.sources.base import Link, NotLinkable
from gong_bridge.sources.s3_links import is_public

NOW = datetime(2026, 9, 1, 14, 0, 7, tzinfo=UTC)
WAV = {"container": "wav", "codec": "pcm_s16le", "conversion": None}


class Place:
    """A source that gives links, or says why it gives none."""

    def __init__(self, refusal: str | None = None) -> None:
        self.asked: dict[str, str] = {}
        self._refusal = refusal

    def link(self, recording: Recording, *, content_type: str, file_name: str) -> Link:
        self.asked = {"key": recording.key, "content_type": content_type, "file_name": file_name}
        if self._refusal:
            raise NotLinkable(self._refusal)
        return Link(url="https://bucket.example.com/a?X-Amz-Signature=1", expires_at=NOW + timedelta(hours=2))


def entry(**changes: Any) -> Entry:
    return Entry(
        id=17, source="store", key="calls/a.wav", version="1-a", size_bytes=1, modified_at=NOW, state=State.DRAFTED,
        due_at=NOW, found_at=NOW, updated_at=NOW, **changes,
    )  # fmt: skip


def test_a_link_carries_the_content_type_and_a_name_that_tells_nothing_of_the_call() -> None:
    place = Place()
    way = choose_way(entry(), place, WAV, "auto")  # type: ignore[arg-type]
    assert (way.word, way.why) == ("link", "Gong fetches it by a link that is good until 2026-09-01 16:00 UTC")
    assert place.asked == {"key": "calls/a.wav", "content_type": "audio/wav", "file_name": "recording-17.wav"}


@pytest.mark.parametrize(
    ("changes", "media", "delivery", "why"),
    [
        ({}, WAV, "upload", "the source says delivery: upload"),
        ({"replaces": 3}, WAV, "link", "it is new media for a call that Gong has"),
        (
            {},
            {"container": "ogg", "conversion": {"container": "mkv", "codec": "copy"}},
            "link",
            "what is sent is made of the recording first (converted or joined)",
        ),
        ({}, {"container": "w64"}, "auto", "Gong takes no link to this kind of file (w64)"),
    ],
)
def test_what_cannot_be_linked_is_uploaded_and_says_why(
    changes: dict[str, Any], media: dict[str, Any], delivery: Any, why: str
) -> None:
    way = choose_way(entry(**changes), Place(), media, delivery)  # type: ignore[arg-type]
    assert (way.word, way.why, way.link) == ("upload", why, None)


def test_a_source_that_gives_no_link_has_the_recording_uploaded_with_its_reason() -> None:
    way = choose_way(entry(), Place("the AWS credentials end in 3 minutes"), WAV, "auto")  # type: ignore[arg-type]
    assert (way.word, way.why) == ("upload", "the AWS credentials end in 3 minutes")


def test_a_link_never_shows_when_it_is_printed() -> None:
    way = choose_way(entry(), Place(), WAV, "auto")  # type: ignore[arg-type]
    assert "Signature" not in repr(way)


@given(waited_seconds=some.floats(min_value=0, max_value=3 * 3600))
def test_the_next_look_is_shared_with_other_calls_and_none_comes_after_the_last(
    waited_seconds: float,
) -> None:
    one = entry(linked_at=NOW, link_expires_at=NOW + timedelta(hours=2))
    now = NOW + timedelta(seconds=waited_seconds)
    following = next_look_at(one, now)
    assert now < following <= now + timedelta(seconds=931)
    assert following.timestamp() % 30 == 0 or following == last_look_at(one)
    if now < last_look_at(one):
        assert following <= last_look_at(one)


def test_a_link_counts_as_unused_ten_minutes_after_its_end() -> None:
    one = entry(linked_at=NOW, link_expires_at=NOW + timedelta(hours=2))
    assert last_look_at(one) == NOW + timedelta(hours=2, minutes=10)


@pytest.mark.parametrize(
    ("endpoint_url", "public"),
    [
        ("https://s3.eu-central-1.wasabisys.com", True),
        ("https://203.0.113.9:9000", False),  # a documentation range: no address of the internet
        ("https://8.8.8.8:9000", True),
        ("http://minio.example.com", False),
        ("https://10.1.2.3:9000", False),
        ("https://minio:9000", False),
        ("https://store.corp", False),
        ("http://127.0.0.1:5000", False),
        ("https://[::1]:9000", False),
    ],
)
def test_gong_reaches_only_public_https_addresses(endpoint_url: str, public: bool) -> None:
    assert is_public(endpoint_url) is public
