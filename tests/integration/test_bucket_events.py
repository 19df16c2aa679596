"""R15-R17: notifications from a real queue over HTTP, by every way from a bucket to it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest

from gong_bridge import clock
from gong_bridge.config.schema import BucketSource, FolderSource
from gong_bridge.errors import BadNotification, LedgerReadOnly, SourceUnavailable
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.mapping.tables import Tables
from gong_bridge.model import Notification, Recording, SidecarFile, State
from gong_bridge.routes.beside import Beside
from gong_bridge.routes.notifications import read_again
from gong_bridge.routes.sidecar_watch import SidecarWatch
from gong_bridge.running import run_once
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.sources import s3_events
from gong_bridge.sources.base import Intake
from gong_bridge.sources.folder import Folder
from gong_bridge.sources.s3 import Bucket
from gong_bridge.sources.s3_events import Arrivals, QueueReader
from gong_bridge.sources.s3_health import BucketHealth
from gong_bridge.sources.sqs_client import region_of
from tests.integration.bench import bench
from tests.notebook import Notebook, eventually, running
from tests.store import CREDENTIALS, breaking_proxy, moto_server, store_client
from tests.store_queue import StoreQueue

ROOT = Path(__file__).resolve().parents[2]
HANDBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
numbers = count()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, store_credentials: None) -> None:
    monkeypatch.setattr(s3_events, "POLL_SECONDS", 1)
    monkeypatch.setattr(s3_events, "WAITS_BEFORE_HELD_SECONDS", (0, 0))
    monkeypatch.setattr(s3_events, "FIRST_WAIT_SECONDS", 0)


class Queue(StoreQueue):
    """A bucket, a queue of the same name, and the source that reads both."""

    def __init__(self, store_url: str) -> None:
        super().__init__(f"told-of-{next(numbers)}", store_url)  # the stand-in is one for the whole process
        self.store_url = store_url
        self.s3 = store_client(store_url)
        self.bucket = self.name
        self.s3.create_bucket(Bucket=self.bucket)

    def tell(self, key: str, name: str = "ObjectCreated:Put", bucket: str | None = None) -> None:
        super().tell(quote_plus(key), name, bucket)

    def put(self, key: str, data: bytes = b"RIFF") -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    def source(self, **options: Any) -> Bucket:
        settings = {"name": "connect", "bucket": self.bucket, "mapping": "amazon-connect", "rescan": 3600,
                    "endpoint_url": self.store_url, "events": self.url}  # fmt: skip
        return Bucket(BucketSource.model_validate({**settings, **options}))


@pytest.fixture
def queue(store_url: str) -> Iterator[Queue]:
    made = Queue(store_url)
    yield made
    made.s3.close()
    made.close()


@contextmanager
def reading(source: Bucket, notebook: Notebook, intake: Intake | None = None) -> Iterator[Notebook]:
    """The source after its first listing: what is found from now on, the queue told."""
    stop = threading.Event()
    thread = threading.Thread(target=source.run, args=(intake or notebook.intake, stop), daemon=True)
    thread.start()
    try:
        assert eventually(lambda: any(health.last_scan_at for health in notebook.health))
        yield notebook
        assert thread.is_alive(), "the source's thread died"
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive(), "the source did not stop"


# --- what leads to an entry -------------------------------------------------------------------------------------------


def test_R15_a_recording_is_noticed_by_its_notification_and_the_message_is_gone(queue: Queue) -> None:
    with reading(queue.source(), Notebook()) as notebook:
        queue.put("2026/11/a.wav")
        queue.tell("2026/11/a.wav")
        assert eventually(lambda: notebook.keys == ["2026/11/a.wav"])
        assert eventually(lambda: queue.left() == 0)
    (row,) = notebook.rows
    (listed,) = queue.source().candidates()
    assert row == listed  # the same row as the listing would make: the ledger knows it as one
    assert notebook.health[-1].watch == "notifications + listing"
    assert notebook.backlog == {"2026/11/a.wav": False}


@pytest.mark.parametrize("key", ["a+b.wav", "a%2Bb.wav", "a b.wav", "Köln/通話.wav", "a&b='c'\".wav", "a//b.wav"])
def test_R15_an_encoded_key_is_found_as_it_is(queue: Queue, key: str) -> None:
    with reading(queue.source(), Notebook()) as notebook:
        queue.put(key)
        queue.tell(key)
        assert eventually(lambda: notebook.keys == [key])


def test_R15_duplicates_and_disorder_give_one_entry_and_deletions_none(queue: Queue) -> None:
    queue.put("a.wav")
    queue.put("gone.wav")
    queue.s3.delete_object(Bucket=queue.bucket, Key="gone.wav")
    with reading(queue.source(), Notebook()) as notebook:
        queue.put("b.wav")
        for key, name in [
            ("b.wav", "ObjectRemoved:Delete"),  # of an earlier life
            ("b.wav", "ObjectCreated:Put"),
            ("gone.wav", "ObjectCreated:Put"),
            ("b.wav", "ObjectCreated:CompleteMultipartUpload"),
            ("a.wav", "ObjectCreated:Put"),  # the listing was first
            ("gone.wav", "ObjectRemoved:Delete"),
        ]:
            queue.tell(key, name)
        assert eventually(lambda: queue.left() == 0)
    assert notebook.keys == ["a.wav", "b.wav"]


def test_R15_folders_empty_objects_other_names_buckets_and_prefixes_are_no_recordings(queue: Queue) -> None:
    with reading(queue.source(prefix="connect/", exclude=["test/"]), Notebook()) as notebook:
        for key in ("connect/folder/", "connect/empty.wav"):
            queue.put(key, b"")
        for key in ("other/a.wav", "connect/test/a.wav", "connect/a.wav.part", "connect/b.wav"):
            queue.put(key)
        for key in ("connect/folder/", "connect/empty.wav", "other/a.wav", "connect/test/a.wav", "connect/a.wav.part"):
            queue.tell(key)
        queue.tell("connect/b.wav", bucket="another-bucket")
        assert eventually(lambda: queue.left() == 0)
        assert notebook.keys == []
        queue.tell("connect/b.wav")
        assert eventually(lambda: notebook.keys == ["connect/b.wav"])


def test_R15_an_old_object_that_is_told_of_now_is_backlog(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    from gong_bridge.sources import base

    with reading(queue.source(), Notebook()) as notebook:
        queue.put("old.wav")
        time.sleep(1.1)
        monkeypatch.setattr(base, "BACKLOG_AGE_SECONDS", 1.0)
        queue.tell("old.wav", "ObjectTagging:Put")
        assert eventually(lambda: notebook.backlog == {"old.wav": True})


def test_R13_what_no_notification_tells_is_found_by_the_listing(queue: Queue) -> None:
    with reading(queue.source(rescan=0.3), Notebook()) as notebook:
        queue.put("a.wav")
        assert eventually(lambda: notebook.keys == ["a.wav"])


def test_keys_that_were_written_are_told_to_those_who_wait_for_sidecars(queue: Queue) -> None:
    told: list[str] = []
    restored: list[str] = []
    notebook = Notebook()
    intake = Intake(
        unseen=notebook.intake.unseen, add=notebook.intake.add, health=notebook.intake.health,
        noticed=told.extend, restored=restored.extend,
    )  # fmt: skip
    with reading(queue.source(include=["**/*.wav"]), notebook, intake):
        queue.put("a.json", b"{}")
        queue.tell("a.json")
        queue.tell("b.wav", "ObjectRestore:Completed")
        assert eventually(lambda: sorted(told) == ["a.json", "b.wav"])
        assert restored == ["b.wav"]
    assert notebook.keys == []


def test_R9_of_many_that_wait_those_whose_sidecar_was_written_are_looked_at_first(
    tmp_path: Path, new_sqlite_ledger: Any
) -> None:
    looked: list[str] = []

    class Noting(Folder):
        def read_beside(self, key: str, max_bytes: int) -> SidecarFile | None:
            looked.append(key)
            return super().read_beside(key, max_bytes)

    folder = Noting(FolderSource(name="connect", mapping="flat", folder=tmp_path))
    ledger = Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db"))
    found = [
        Recording(source="connect", key=f"{number:02}.wav", version="1", size_bytes=1, modified_at=clock.now())
        for number in range(60)
    ]
    ledger.intake.add(found, False, clock.now())
    watch = SidecarWatch(ledger)
    for entry in ledger.views.entries():
        beside = Beside({"": folder}, Tables())
        beside.read("", entry.key.replace(".wav", ".json"), 1000)
        watch.expect(entry, beside)
    looked.clear()
    assert watch.look() == 0
    assert looked == []  # it is not time yet
    watch.notice(["47.json", "59.json", "other.json"])
    watch.look()
    assert looked[:2] == ["47.json", "59.json"]
    ledger.close()


def test_several_bridges_share_one_queue(queue: Queue, tmp_path: Path, new_sqlite_ledger: Any) -> None:
    url = new_sqlite_ledger(tmp_path / "ledger.db")
    first, second = Ledger.open(url), Ledger.open(url)
    one, other = Notebook(), Notebook()
    with reading(queue.source(), one, on(first, one)), reading(queue.source(), other, on(second, other)):
        for number in range(60):
            queue.put(f"{number:02}.wav")
            queue.tell(f"{number:02}.wav")
        assert eventually(lambda: queue.left() == 0, 30)
        assert sorted(entry.key for entry in first.views.entries()) == [f"{number:02}.wav" for number in range(60)]
    first.close()
    second.close()


def on(ledger: Ledger, notebook: Notebook, add: Callable[..., int] | None = None) -> Intake:
    """An intake on a real ledger; health goes to the notebook."""

    def write(recordings: Sequence[Recording], backlog: bool) -> int:
        return ledger.intake.add(recordings, backlog=backlog, now=clock.now())

    def refuse(notification: Notification) -> bool:
        return ledger.intake.keep_notification(notification, now=clock.now())

    return Intake(unseen=ledger.intake.unseen, add=add or write, health=notebook.intake.health, refuse=refuse)


def test_a_stop_does_not_wait_for_the_queue(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_events, "POLL_SECONDS", 20)
    with reading(queue.source(), Notebook()):
        time.sleep(1)  # the queue is asked, and answers in 20 seconds
        began = time.monotonic()
    assert time.monotonic() - began < 5


# --- when a message may go --------------------------------------------------------------------------------------------


def test_R16_a_message_stays_until_the_ledger_has_its_entry(queue: Queue) -> None:
    notebook = Notebook()
    ledger_is_full = threading.Event()
    ledger_is_full.set()
    refusals: list[int] = []

    def add(recordings: Sequence[Recording], backlog: bool) -> int:
        if ledger_is_full.is_set():
            refusals.append(len(recordings))
            raise LedgerReadOnly("the disk is full")
        return notebook.intake.add(recordings, backlog)

    intake = Intake(unseen=notebook.intake.unseen, add=add, health=notebook.intake.health)
    with reading(queue.source(), notebook, intake):
        queue.put("a.wav")
        queue.tell("a.wav")
        assert eventually(lambda: len(refusals) > 2)  # it came again and again
        assert queue.left() == 1
        assert not notebook.health[-1].healthy
        assert "the disk is full" in notebook.health[-1].message
        ledger_is_full.clear()
        assert eventually(lambda: notebook.keys == ["a.wav"])
        assert eventually(lambda: queue.left() == 0)
        assert eventually(lambda: notebook.health[-1].healthy)


def test_R16_a_message_stays_while_the_bucket_cannot_be_looked_at(queue: Queue, store_url: str) -> None:
    with breaking_proxy(store_url) as (url, seen), reading(queue.source(endpoint_url=url), Notebook()) as notebook:
        queue.put("a.wav")
        denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        seen.answer = lambda method, path: (403, denied)
        queue.tell("a.wav")
        assert eventually(lambda: not notebook.health[-1].healthy)
        assert "allow s3:ListBucket" in notebook.health[-1].message
        assert queue.left() == 1
        seen.answer = lambda method, path: None
        assert eventually(lambda: notebook.keys == ["a.wav"])
        assert eventually(lambda: queue.left() == 0)


def test_R16_a_bridge_that_dies_between_commit_and_delete_makes_no_second_entry(
    queue: Queue, tmp_path: Path, new_sqlite_ledger: Any
) -> None:
    ledger = Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db"))
    deaths = iter(range(2))

    def commit_and_die(recordings: Sequence[Recording], backlog: bool) -> int:
        added = ledger.intake.add(recordings, backlog=backlog, now=clock.now())
        if next(deaths, None) is not None:
            raise LedgerReadOnly("the answer to the commit got lost")
        return added

    notebook = Notebook()
    with reading(queue.source(), notebook, on(ledger, notebook, commit_and_die)):
        queue.put("a.wav")
        queue.tell("a.wav")
        queue.put("b.wav")
        queue.tell("b.wav")
        assert eventually(lambda: queue.left() == 0)
    assert sorted(entry.key for entry in ledger.views.entries()) == ["a.wav", "b.wav"]
    ledger.close()


# --- what cannot be understood ----------------------------------------------------------------------------------------


def test_R17_a_poison_message_is_tried_again_then_held_whole_and_only_then_deleted(
    queue: Queue, tmp_path: Path, new_sqlite_ledger: Any
) -> None:
    ledger = Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db"))
    notebook = Notebook()
    body = '{"hello": "wörld", "long": "' + "x" * 9000 + '"}'
    with reading(queue.source(), notebook, on(ledger, notebook)):
        queue.send(body)
        queue.put("a.wav")
        queue.tell("a.wav")
        assert eventually(lambda: queue.left() == 0)
        assert eventually(lambda: "1 held" in notebook.health[-1].message)
    (held,) = ledger.views.entries(EntryFilter(states=(State.HELD,)))
    assert held.source == "connect"
    assert held.key.startswith("sqs:")
    assert held.reason_code == "bad-notification"
    assert held.notification == body
    assert held.held_from is State.FOUND
    assert [event.code for event in ledger.views.events(held.id)] == ["bad-notification"]
    assert [entry.key for entry in ledger.views.entries(EntryFilter(states=(State.FOUND,)))] == ["a.wav"]
    ledger.close()


def test_R17_a_poison_message_is_left_alone_between_looks(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_events, "WAITS_BEFORE_HELD_SECONDS", (1, 2))
    refused: list[float] = []
    notebook = Notebook()

    def refuse(notification: Notification) -> bool:
        refused.append(time.monotonic())
        return True

    intake = Intake(
        unseen=notebook.intake.unseen, add=notebook.intake.add, health=notebook.intake.health, refuse=refuse
    )
    with reading(queue.source(), notebook, intake):
        began = time.monotonic()
        queue.send("poison")
        assert eventually(lambda: refused, 15)  # the count of those held by somebody may blink when they come back
        assert eventually(lambda: queue.left() == 0)
    assert len(refused) == 1
    assert refused[0] - began >= 3.0


def test_R17_of_a_flood_of_poison_a_thousand_are_held_and_the_rest_stays_in_the_queue(
    tmp_path: Path, new_sqlite_ledger: Any
) -> None:
    from gong_bridge import clock
    from gong_bridge.ledger import intake

    ledger = Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db"))
    assert intake.MOST_NOTIFICATIONS == 1000
    kept = [
        ledger.intake.keep_notification(
            Notification(source="connect", message_id=str(number), body="?", reason="no"), now=clock.now()
        )
        for number in range(1002)
    ]
    assert kept == [True] * 1000 + [False] * 2
    other = Notification(source="other", message_id="1", body="?", reason="no")
    assert ledger.intake.keep_notification(other, now=clock.now())
    ledger.close()


def test_R17_a_held_notification_is_read_again_when_a_person_retries_it(
    queue: Queue, tmp_path: Path, new_sqlite_ledger: Any
) -> None:
    ledger = Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db"))
    queue.put("a.wav")
    queue.put("a.json", b"{}")
    about = [{"s3": {"bucket": {"name": queue.bucket}, "object": {"key": key}}} for key in ("a.wav", "a.json")]
    for number, body in enumerate(["still poison", json.dumps({"Records": about})]):
        kept = Notification(source="connect", message_id=str(number), body=body, reason="not known to an older version")
        ledger.intake.keep_notification(kept, now=clock.now())
    assert ledger.operator.retry(EntryFilter(code="bad-notification"), now=clock.now()) == 2
    outcomes = {}
    for _ in range(2):
        entry = ledger.work.claim(owner="test", now=clock.now(), lease_seconds=30)
        assert entry is not None
        try:
            after = read_again(
                ledger, queue.source(), entry, is_sidecar=lambda key: key.endswith(".json"), now=clock.now()
            )
            outcomes[entry.key] = (after.state, after.reason_code)
        except BadNotification as bad:
            outcomes[entry.key] = (State.HELD, bad.code)
    assert outcomes == {"sqs:0": (State.HELD, "bad-notification"), "sqs:1": (State.SKIPPED, "notification-read")}
    assert [entry.key for entry in ledger.views.entries() if entry.notification is None] == ["a.wav"]
    ledger.close()


def test_R17_a_retried_notification_of_a_source_without_queue_is_held_again(tmp_path: Path, sandbox: Sandbox) -> None:
    with bench(tmp_path, sandbox.base_url) as opened:
        ledger = opened.bridge.ledger
        source = next(iter(opened.bridge.routes))
        kept = Notification(source=source, message_id="1", body="poison", reason="no")
        ledger.intake.keep_notification(kept, now=clock.now())
        ledger.operator.retry(EntryFilter(code="bad-notification"), now=clock.now())
        assert run_once(opened.bridge, threading.Event()) is None
        (entry,) = ledger.views.entries()
        assert (entry.state, entry.reason_code) == (State.HELD, "bad-notification")
        assert "is a folder now" in (entry.reason or "")


def test_R16_the_messages_of_a_long_batch_stay_hidden_from_other_readers(queue: Queue) -> None:
    """Hidden for a second at a time; what they name takes longer to look at, until nobody else got them for two."""
    looking, may_go_on = threading.Event(), threading.Event()

    def slow_look(key: str) -> None:
        looking.set()
        assert may_go_on.wait(20)

    options = BucketSource(name="connect", bucket=queue.bucket, mapping="amazon-connect", events=queue.url,
                           endpoint_url=queue.store_url)  # fmt: skip
    intake = Notebook().intake
    arrivals = Arrivals(bucket=queue.bucket, prefix="", takes=lambda key: True, look=slow_look)
    health = BucketHealth("connect", intake, has_queue=True)
    queue.tell("a.wav")
    reader = QueueReader(options, arrivals, intake, health, visibility_seconds=1)
    reader.start()
    try:
        assert looking.wait(10)
        others = queue.sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=2, VisibilityTimeout=0)
        assert "Messages" not in others
        may_go_on.set()
        assert eventually(lambda: queue.left() == 0)
        reader.raise_failure()
    finally:
        may_go_on.set()
        reader.stop()


# --- the queue in trouble ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "answer", "cure"),
    [
        (400, {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no"}, "no such queue; correct `events`"),
        (400, {"__type": "com.amazon.coral.service#AccessDeniedException", "message": "no"}, "sqs:ReceiveMessage"),
        (400, {"__type": "InvalidClientTokenId", "message": "no"}, "the access key is not known"),
        (400, {"__type": "com.amazonaws.sqs#KmsAccessDenied", "message": "no"}, "allow kms:Decrypt"),
        (418, {"__type": "Teapot", "message": "no"}, "SQS answers Teapot"),
    ],
)
def test_a_queue_that_refuses_is_reported_with_its_cure_and_the_listing_goes_on(
    queue: Queue, status: int, answer: dict[str, str], cure: str
) -> None:
    with breaking_proxy(queue.store_url) as (url, seen):
        seen.answer = lambda method, path: (status, json.dumps(answer).encode())
        source = queue.source(events=queue.url.replace(queue.store_url, url), rescan=0.3)
        with reading(source, Notebook()) as notebook:
            assert eventually(lambda: not notebook.health[-1].healthy and cure in notebook.health[-1].message)
            queue.put("a.wav")
            assert eventually(lambda: notebook.keys == ["a.wav"])
            assert not notebook.health[-1].healthy
            seen.answer = lambda method, path: None
            queue.put("b.wav")
            queue.tell("b.wav")
            assert eventually(lambda: queue.left() == 0)
            assert eventually(lambda: notebook.health[-1].healthy)


def test_a_queue_that_is_not_there_is_reported_and_asked_seldom(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_events, "FIRST_WAIT_SECONDS", 5)
    with reading(queue.source(events="http://127.0.0.1:1/123/q"), Notebook()) as notebook:
        assert eventually(lambda: "the queue cannot be reached" in notebook.health[-1].message, 20)
        reports = len(notebook.health)
        time.sleep(1.5)
        assert len(notebook.health) - reports <= 1


def test_check_says_how_many_messages_wait(queue: Queue) -> None:
    queue.tell("a.wav")
    assert queue.source().check().endswith("queue: 1 messages wait")
    with pytest.raises(SourceUnavailable, match="no such queue"):
        queue.source(events=queue.url + "-other").check()


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.us-west-2.amazonaws.com/1/q", "us-west-2"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1"),
        ("https://sqs-fips.us-gov-west-1.amazonaws.com/1/q", "us-gov-west-1"),
        ("https://sqs.eu-central-1.api.aws/1/q", "eu-central-1"),
        ("https://vpce-1a2b-3c.sqs.ap-southeast-2.vpce.amazonaws.com/1/q", "ap-southeast-2"),
        ("https://us-west-2.queue.amazonaws.com/1/q", "us-west-2"),
        ("https://queue.amazonaws.com/1/q", "us-east-1"),
        ("http://localhost:9324/000000000000/q", None),
        ("http://sqs.us-east-1.localhost.localstack.cloud:4566/1/q", None),
    ],
)
def test_the_region_of_a_queue_is_the_one_in_its_url(url: str, region: str | None) -> None:
    # https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
    assert region_of(url) == region


# --- the handbook's commands ------------------------------------------------------------------------------------------


def commands(after: str) -> str:
    """The first block of shell commands after these words of the handbook."""
    section = HANDBOOK.split("## Notifications from S3", 1)[1].split(after, 1)[1]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1]


def type_at_a_shell(script: str, store_url: str, folder: Path) -> str:
    """Run commands of the handbook as they stand there, with an `aws` that speaks to the stand-in."""
    folder.mkdir(exist_ok=True)
    aws = folder / "aws"
    aws.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tests.integration.aws_command "$@"\n')
    aws.chmod(0o755)
    environment = {
        **os.environ, **CREDENTIALS, "STAND_IN_URL": store_url, "PYTHONPATH": str(ROOT),
        "PATH": f"{folder}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("way", "raw"),
    [
        ("**S3 to SQS.**", "true"),
        ("**S3 to SNS to SQS**", "true"),
        ("**S3 to SNS to SQS**", "false"),
        ("**EventBridge**", "true"),
    ],
)
def test_R15_the_handbook_s_commands_bring_a_recording_through_the_queue(tmp_path: Path, way: str, raw: str) -> None:
    with moto_server() as store_url:
        s3 = store_client(store_url)
        s3.create_bucket(Bucket="recordings")
        given = commands("Put in your own names first")
        script = given + commands("print its URL")
        if "SNS" in way:
            sns = boto3.client("sns", endpoint_url=store_url, region_name="us-east-1")
            arn = sns.create_topic(Name="bucket-events")["TopicArn"]
            to_topic = {"TopicArn": arn, "Events": ["s3:ObjectCreated:*"]}
            s3.put_bucket_notification_configuration(
                Bucket="recordings", NotificationConfiguration={"TopicConfigurations": [to_topic]}
            )
            sns.close()
        if "EventBridge" in way:
            s3.put_bucket_notification_configuration(
                Bucket="recordings", NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
        script += commands(way).replace("RawMessageDelivery=true", f"RawMessageDelivery={raw}")
        printed = type_at_a_shell(script, store_url, tmp_path / "shell")
        queue_url = re.search(r"http://\S+", printed)
        assert queue_url
        source = Bucket(
            BucketSource.model_validate(
                {"name": "connect", "bucket": "recordings", "prefix": "connect/", "mapping": "amazon-connect",
                 "rescan": 3600, "endpoint_url": store_url, "events": queue_url[0]}
            )
        )  # fmt: skip
        notebook = Notebook()
        with running(source, notebook):
            assert eventually(lambda: any(health.last_scan_at for health in notebook.health))
            for key in ("connect/Köln a+b.wav", "elsewhere/b.wav"):
                s3.put_object(Bucket="recordings", Key=key, Body=b"RIFF")
            assert eventually(lambda: notebook.keys == ["connect/Köln a+b.wav"])
        s3.close()


def test_the_handbook_s_queue_lets_only_bucket_topic_and_rule_send(tmp_path: Path) -> None:
    with moto_server() as store_url:
        script = commands("Put in your own names first") + commands("print its URL")
        printed = type_at_a_shell(script, store_url, tmp_path / "shell")
        sqs = boto3.client("sqs", endpoint_url=store_url, region_name="us-east-1")
        told = sqs.get_queue_attributes(QueueUrl=printed.strip(), AttributeNames=["All"])["Attributes"]
        sqs.close()
    assert told["MessageRetentionPeriod"] == "1209600"
    statements = json.loads(told["Policy"])["Statement"]
    assert {one["Principal"]["Service"]: one["Condition"]["ArnLike" if "s3" in str(one) else "ArnEquals"]
            for one in statements} == {
        "s3.amazonaws.com": {"aws:SourceArn": "arn:aws:s3:*:*:recordings"},
        "sns.amazonaws.com": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:bucket-events"},
        "events.amazonaws.com": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/recordings-for-gong"},
    }  # fmt: skip
    assert {one["Resource"] for one in statements} == {"arn:aws:sqs:us-east-1:123456789012:recordings-for-gong"}
