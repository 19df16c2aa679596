"""Presigned links to a real store: what they give, and how long they live (G3, R18)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import SourceChanged, SourceGone
from gong_bridge.sources.base import NotLinkable
from gong_bridge.sources.s3 import Bucket
from tests.store import store_client

numbers = count(1)


pytestmark = pytest.mark.usefixtures("store_credentials")


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    made = store_client(store_url)
    yield made
    made.close()


@pytest.fixture
def bucket(store: Any) -> str:
    name = f"links-{next(numbers)}"
    store.create_bucket(Bucket=name)
    store.put_object(Bucket=name, Key="calls/größe +1.wav", Body=b"RIFFdata")
    return name


def source(store_url: str, bucket: str, **options: Any) -> Bucket:
    settings = {"name": "store", "bucket": bucket, "mapping": "amazon-connect", "delivery": "link"}
    return Bucket(BucketSource.model_validate({**settings, "endpoint_url": store_url, **options}))


def linked(place: Bucket) -> Any:
    return place.link(place.stat("calls/größe +1.wav"), content_type="audio/wav", file_name="recording-1.wav")


def lifetime_seconds(url: str) -> int:
    found = re.search(r"X-Amz-Expires=(\d+)", url)
    assert found
    return int(found[1])


def test_a_link_gives_the_recording_to_anybody_as_audio_with_a_plain_name(store_url: str, bucket: str) -> None:
    link = linked(source(store_url, bucket))
    answer = httpx.get(link.url)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"RIFFdata", "audio/wav")
    assert answer.headers["content-disposition"] == 'attachment; filename="recording-1.wav"'


def test_a_link_names_the_version_that_was_checked_where_the_bucket_keeps_versions(
    store: Any, store_url: str, bucket: str
) -> None:
    store.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store.put_object(Bucket=bucket, Key="calls/größe +1.wav", Body=b"first")
    link = linked(source(store_url, bucket))
    store.put_object(Bucket=bucket, Key="calls/größe +1.wav", Body=b"second")
    assert httpx.get(link.url).content == b"first"


def test_there_is_no_link_to_another_version_or_to_nothing(store: Any, store_url: str, bucket: str) -> None:
    place = source(store_url, bucket)
    recording = place.stat("calls/größe +1.wav")
    store.put_object(Bucket=bucket, Key="calls/größe +1.wav", Body=b"RIFFother")
    with pytest.raises(SourceChanged):
        place.link(recording, content_type="audio/wav", file_name="a.wav")
    store.delete_object(Bucket=bucket, Key="calls/größe +1.wav")
    with pytest.raises(SourceGone):
        place.link(recording, content_type="audio/wav", file_name="a.wav")


def test_R18_a_link_of_lasting_credentials_lives_as_long_as_configured(store_url: str, bucket: str) -> None:
    link = linked(source(store_url, bucket, link_lifetime="3h"))
    assert lifetime_seconds(link.url) == 3 * 3600
    assert abs(link.expires_at - datetime.now(UTC) - timedelta(hours=3)) < timedelta(seconds=30)


@pytest.fixture
def profile_whose_credentials_end_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`profile(seconds)`: the name of a profile whose process gives credentials that end so soon."""

    def profile(seconds: float) -> str:
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        told = {
            "Version": 1, "AccessKeyId": "testing", "SecretAccessKey": "testing", "SessionToken": "token",
            "Expiration": end.isoformat(),
        }  # fmt: skip
        (tmp_path / "told.json").write_text(json.dumps(told))
        program = f"{sys.executable} -c \"print(open('{tmp_path}/told.json').read())\""
        (tmp_path / "config").write_text(f"[profile short]\ncredential_process = {program}\nregion = us-east-1\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        return "short"

    return profile


def test_R18_a_link_ends_a_minute_before_the_credentials_that_signed_it(
    store_url: str, bucket: str, profile_whose_credentials_end_in: Any
) -> None:
    profile = profile_whose_credentials_end_in(45 * 60)
    link = linked(source(store_url, bucket, profile=profile, link_lifetime="2h"))
    assert 43.5 * 60 <= lifetime_seconds(link.url) <= 44 * 60
    assert httpx.get(link.url).content == b"RIFFdata"


def test_R18_with_less_than_a_quarter_of_an_hour_left_there_is_no_link(
    store_url: str, bucket: str, profile_whose_credentials_end_in: Any
) -> None:
    profile = profile_whose_credentials_end_in(15 * 60 + 30)
    with pytest.raises(NotLinkable, match=r"the AWS credentials end in 1[56] minutes, too soon for Gong to fetch"):
        linked(source(store_url, bucket, profile=profile))


def test_auto_gives_no_link_to_a_store_that_gong_cannot_reach(store_url: str, bucket: str) -> None:
    with pytest.raises(NotLinkable, match=r"Gong cannot reach the store"):
        linked(source(store_url, bucket, delivery="auto"))
