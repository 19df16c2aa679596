"""The stand-in for S3 and SQS answers what a bridge asks as another store does, and refuses strangers' keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import SourceUnavailable
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.store import Store, StoredObject, etag_of_file
from gong_bridge.sandbox.store_server import ACCESS_KEY, SECRET_KEY, StoreServer
from gong_bridge.sources.s3 import Bucket
from tests.store import moto_server

KEYS = ("a/1 é+%2B.wav", "a/<2>&.wav", "a/b/3.wav", "c.wav", "d/4.wav")
DATA = bytes(range(256)) * 40


def client_of(url: str, key: str = ACCESS_KEY) -> Any:
    """As another program would use the store."""
    return boto3.client(
        "s3", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=SECRET_KEY, region_name="us-east-1",
        config=Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    path = tmp_path_factory.mktemp("store") / "object"
    path.write_bytes(DATA)
    with StoreServer(Store()) as server:
        server.store.add_bucket("calls")
        for key in KEYS:
            server.store.put("calls", key, stored(path))
        yield server


def stored(path: Path) -> StoredObject:
    return StoredObject(
        path=path, size_bytes=len(DATA), etag=etag_of_file(path), modified_at=datetime(2026, 9, 1, tzinfo=UTC),
        content_type="audio/wav", metadata={"agent": "201"}, tags={"queue": "sales"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def stores(stand_in: StoreServer) -> Iterator[list[Any]]:
    """Clients of the stand-in, and of moto's server with the same objects."""
    with ExitStack() as stack:
        other = client_of(stack.enter_context(moto_server()))
        other.create_bucket(Bucket="calls")
        for key in KEYS:
            other.put_object(
                Bucket="calls", Key=key, Body=DATA, ContentType="audio/wav", Metadata={"agent": "201"},
                Tagging="queue=sales",
            )  # fmt: skip
        yield [client_of(stand_in.base_url), other]


def listed(client: Any, **asked: Any) -> dict[str, Any]:
    answer = client.list_objects_v2(Bucket="calls", **asked)
    return {
        "keys": [(one["Key"], one["Size"], one["ETag"]) for one in answer.get("Contents", [])],
        "prefixes": [one["Prefix"] for one in answer.get("CommonPrefixes", [])],
        "more": answer["IsTruncated"],
    }


def read(client: Any, **asked: Any) -> Any:
    try:
        answer = client.get_object(Bucket="calls", Key=KEYS[0], **asked)
    except ClientError as error:
        return error.response["Error"]["Code"]
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status, answer["Body"].read(), answer.get("ContentRange"), answer["ContentType"], answer["Metadata"]


def missing(client: Any) -> list[str]:
    codes = []
    for ask in (
        lambda: client.get_object(Bucket="calls", Key="no such.wav"),
        lambda: client.head_object(Bucket="calls", Key="no such.wav"),
        lambda: client.list_objects_v2(Bucket="no-such-bucket"),
    ):
        with pytest.raises(ClientError) as raised:
            ask()
        codes.append(raised.value.response["Error"]["Code"])
    return codes


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "everything": listed,
    "below a prefix": lambda client: listed(client, Prefix="a/"),
    "behind a key": lambda client: listed(client, StartAfter="a/b/3.wav"),
    "with a delimiter": lambda client: listed(client, Delimiter="/"),
    "a delimiter below a prefix": lambda client: listed(client, Prefix="a/", Delimiter="/"),
    "one key": lambda client: listed(client, MaxKeys=1),
    "the whole": read,
    "a part": lambda client: read(client, Range="bytes=300-5000"),
    "a part up to the end": lambda client: read(client, Range="bytes=300-"),
    "a part behind the end": lambda client: read(client, Range="bytes=20000-30000"),
    "the same version": lambda client: read(client, IfMatch=f'"{etag()}"'),
    "another version": lambda client: read(client, IfMatch='"0123"'),
    "tags": lambda client: client.get_object_tagging(Bucket="calls", Key=KEYS[0])["TagSet"],
    "what is not there": missing,
}


def etag() -> str:
    import hashlib

    return hashlib.md5(DATA).hexdigest()


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_stand_in_answers_as_another_store(stores: list[Any], question: str) -> None:
    ours, others = (QUESTIONS[question](client) for client in stores)
    assert ours == others


def test_pages_follow_each_other_to_the_last_key(stand_in: StoreServer) -> None:
    paged = Store(page_keys=2)
    paged.add_bucket("calls")
    for key in KEYS:
        paged.put("calls", key, stand_in.store.get("calls", key))
    with StoreServer(paged) as server:
        pages = client_of(server.base_url).get_paginator("list_objects_v2").paginate(Bucket="calls")
        assert [one["Key"] for page in pages for one in page["Contents"]] == sorted(KEYS)


def test_a_copy_and_a_deletion_change_the_listing_and_no_file(stand_in: StoreServer, tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(DATA)
    stand_in.store.put("calls", "z.wav", stored(path))
    client = client_of(stand_in.base_url)
    client.copy_object(
        Bucket="calls", Key="done/z.wav", CopySource={"Bucket": "calls", "Key": "z.wav"}, MetadataDirective="REPLACE",
        Metadata={"moved": "yes"},
    )  # fmt: skip
    client.delete_object(Bucket="calls", Key="z.wav")
    assert client.head_object(Bucket="calls", Key="done/z.wav")["Metadata"] == {"moved": "yes"}
    assert "z.wav" not in stand_in.store.keys("calls")
    assert path.read_bytes() == DATA
    client.delete_object(Bucket="calls", Key="done/z.wav")


def test_a_presigned_url_gives_the_object_with_the_type_that_was_asked_for(stand_in: StoreServer) -> None:
    params = {"Bucket": "calls", "Key": KEYS[0], "ResponseContentType": "audio/x-wav"}
    answer = httpx.get(client_of(stand_in.base_url).generate_presigned_url("get_object", Params=params))
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "audio/x-wav", DATA)


def test_a_request_that_was_signed_with_another_key_is_refused(stand_in: StoreServer) -> None:
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client_of(stand_in.base_url, key="AKIAIOSFODNN7EXAMPLE").list_objects_v2(Bucket="calls")


def test_what_a_bridge_does_not_need_is_not_implemented(stand_in: StoreServer) -> None:
    with pytest.raises(ClientError, match="NotImplemented"):
        client_of(stand_in.base_url).put_object(Bucket="calls", Key="new.wav", Body=b"")


def test_R19_a_store_that_gives_the_whole_for_a_part_is_noticed_and_nothing_of_it_is_read(
    stand_in: StoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    path = tmp_path / "large"
    path.write_bytes(DATA * 300)
    large = StoredObject(
        path=path, size_bytes=path.stat().st_size, etag=etag_of_file(path), modified_at=datetime(2026, 9, 1, tzinfo=UTC)
    )
    stand_in.store.put("calls", "large.wav", large)
    options = BucketSource.model_validate(
        {"name": "calls", "bucket": "calls", "mapping": "freepbx", "endpoint_url": stand_in.base_url}
        | {"region": "us-east-1", "include": ["large.wav"]}
    )
    source = Bucket(options)
    (recording,) = source.candidates()
    with source.open(recording) as file:
        file.seek(2**20 + 7)
        stand_in.play(Fault(operation="getObject", kind="ignore_range"))
        with pytest.raises(SourceUnavailable, match="it knows no ranges"):
            file.read(10)
        assert file.read(10) == (DATA * 300)[2**20 + 7 : 2**20 + 17]


def queue_client(url: str) -> Any:
    return boto3.client(
        "sqs", endpoint_url=url, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name="us-east-1"
    )


def test_a_message_hides_while_it_is_read_and_comes_again_as_often_as_the_queue_is_told(stand_in: StoreServer) -> None:
    url = stand_in.add_queue("twice", deliveries=2)
    stand_in.queues["twice"].send("hello")
    client = queue_client(stand_in.base_url)

    def received() -> list[tuple[str, str]]:
        answer = client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
        )
        last.extend(answer.get("Messages", []))
        return [(one["Body"], one["Attributes"]["ApproximateReceiveCount"]) for one in answer.get("Messages", [])]

    def deleted() -> None:
        entries = [{"Id": "0", "ReceiptHandle": last[-1]["ReceiptHandle"]}]
        assert client.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed", []) == []

    last: list[dict[str, Any]] = []
    assert received() == [("hello", "1")]
    assert received() == []
    deleted()
    assert received() == [("hello", "2")]
    deleted()
    assert received() == []
    assert stand_in.queues["twice"].waiting == 0


def test_a_message_that_is_left_alone_comes_at_once_when_it_is_hidden_no_longer(stand_in: StoreServer) -> None:
    url = stand_in.add_queue("hidden")
    stand_in.queues["hidden"].send("hello")
    client = queue_client(stand_in.base_url)
    first = client.receive_message(QueueUrl=url)["Messages"][0]
    entries = [{"Id": "0", "ReceiptHandle": first["ReceiptHandle"], "VisibilityTimeout": 0}]
    client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert client.receive_message(QueueUrl=url)["Messages"][0]["MessageId"] == first["MessageId"]
