"""Proof that a whole drill comes out as it must: every scene, for a folder and for a bucket with a queue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from gong_bridge.drill.scenes import SCENES
from tests.end_to_end.bridge import Home, run_command
from tests.end_to_end.recordings import age, call_text
from tests.made_recordings import FLAC, MP3, WAV_MULAW, WAV_PCM, record
from tests.store import CREDENTIALS, moto_server, store_client

KINDS = (WAV_PCM, WAV_MULAW, MP3, FLAC)


@pytest.fixture
def real_store() -> Iterator[str]:
    """What stands for the user's own S3 and SQS: the drill must only read it."""
    with moto_server() as url:
        yield url


def in_store(client: Any) -> dict[str, tuple[str, str]]:
    listed = client.list_objects_v2(Bucket="calls")["Contents"]
    return {one["Key"]: (one["ETag"], str(one["LastModified"])) for one in listed}


def in_folder(root: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(root)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_every_scene_comes_out_as_it_must_and_nothing_real_changes(home: Home, real_store: str) -> None:
    client = store_client(real_store)
    client.create_bucket(Bucket="calls")
    queue = boto3.client("sqs", endpoint_url=real_store, region_name="us-east-1", aws_access_key_id="testing",
                         aws_secret_access_key="testing")  # fmt: skip
    queue_url = queue.create_queue(QueueName="calls")["QueueUrl"]
    queue.send_message(QueueUrl=queue_url, MessageBody="for the real bridge")
    for number, kind in enumerate(KINDS):
        data = record(kind, 34.0, seed=number + 1)
        name = f"folder-{number}.wav"
        (home.recorder / name).write_bytes(data)
        (home.recorder / f"folder-{number}.json").write_text(call_text(f"folder-{number}"))
        age(home.recorder / name, 3600)
        client.put_object(Bucket="calls", Key=f"bucket-{number}.wav", Body=data)
        client.put_object(Bucket="calls", Key=f"bucket-{number}.json", Body=call_text(f"bucket-{number}").encode())
    home.source["after_upload"] = "delete"
    home.config["sources"].append(
        {
            "name": "cloud", "bucket": "calls", "region": "us-east-1", "endpoint_url": real_store, "events": queue_url,
            "mapping": "sidecar-json", "include": ["**/*.wav"], "delivery": "link",
            "after_upload": {"move_to": "done"},
        }
    )  # fmt: skip
    home.environment.update(CREDENTIALS)
    configuration = str(home.write())
    before = in_folder(home.root), in_store(client)
    arguments = ("drill", "--json", "--recordings", "4", "-c", configuration)
    result = run_command(*arguments, env=home.environment, seconds=500)
    told = {one["scene"]: one for one in map(json.loads, result.stdout.splitlines())}
    assert {name: one["wrong"] for name, one in told.items()} == {scene.name: [] for scene in SCENES}
    assert result.returncode == 0, result.stderr
    assert (in_folder(home.root), in_store(client)) == before
    waiting = queue.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    assert (waiting["ApproximateNumberOfMessages"], waiting["ApproximateNumberOfMessagesNotVisible"]) == ("1", "0")
    print(f"{len(told)} scenes, {sum(one['arrived_once'] for one in told.values())} arrivals")
