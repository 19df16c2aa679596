"""A bucket whose queue tells of new recordings: each is delivered once, and the listing finds what nobody told of."""

from __future__ import annotations

from typing import Any

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop
from tests.store import CREDENTIALS, store_client
from tests.store_queue import StoreQueue

NAME = "told-by-its-bucket"


class Told:
    """A bucket that tells a queue of every object, and a home that reads both."""

    def __init__(self, home: Home, store_url: str) -> None:
        self.home = home
        self.s3 = store_client(store_url)
        self.queue = StoreQueue(NAME, store_url)
        self.s3.create_bucket(Bucket=NAME)
        self._queue = {"QueueArn": self.queue.arn, "Events": ["s3:ObjectCreated:*"]}
        home.environment = dict(CREDENTIALS)
        home.config["sources"] = [
            {"name": "store", "bucket": NAME, "endpoint_url": store_url, "events": self.queue.url, "rescan": "1h",
             "include": ["**/*.wav"], "mapping": "sidecar-json"}
        ]  # fmt: skip

    def tells(self, *, of_everything: bool) -> None:
        """Whether the store sends a message for each object from now on."""
        wanted: dict[str, Any] = {"QueueConfigurations": [self._queue]} if of_everything else {}
        self.s3.put_bucket_notification_configuration(Bucket=NAME, NotificationConfiguration=wanted)

    def put(self, number: int) -> dict[str, str]:
        """A recording with its sidecar; what must arrive."""
        expected = drop(self.home.root / "made", f"call-{number}.wav", number, unique_id=f"call-{number}")
        for part in (f"call-{number}.json", f"call-{number}.wav"):
            self.s3.put_object(Bucket=NAME, Key=part, Body=(self.home.root / "made" / part).read_bytes())
        return {f"call-{number}": expected}

    def name_again(self, number: int) -> None:
        """One message more for an object, as SQS may hand out any message twice."""
        self.queue.tell(f"call-{number}.wav")


def test_R16_what_is_told_of_is_delivered_once_and_the_listing_finds_what_is_not(
    home: Home, sandbox: Sandbox, store_url: str
) -> None:
    """Named once, named twice, and named by a message that got lost; the queue is empty when all is in the ledger."""
    told = Told(home, store_url)
    with home.running() as service:
        wait_until(lambda: home.health() == {"store": True}, "the first listing, of an empty bucket")
        told.tells(of_everything=True)
        expected = {**told.put(0), **told.put(1)}
        told.name_again(1)
        wait_until(lambda: set(home.states()) == {"call-0.wav", "call-1.wav"}, "they are noticed by their messages")
        home.wait_for("call-0.wav", "done")
        home.wait_for("call-1.wav", "done")
        wait_until(lambda: told.queue.left() == 0, "the messages are gone")
        told.name_again(0)
        wait_until(lambda: told.queue.left() == 0, "one that comes late is gone, too")
        told.tells(of_everything=False)
        expected |= told.put(2)
        assert service.stop() == 0
    assert set(home.states()) == {"call-0.wav", "call-1.wav"}
    assert home.run_once().returncode == 0
    assert len(home.entries()) == 3
    each_call_once(sandbox, expected)
