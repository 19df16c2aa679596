"""What a message of the queue says about objects, whatever way it came: pure.

Three ways lead from a bucket to a queue: S3 itself, SNS in between (its envelope, or "raw"), EventBridge. In the first
two keys are encoded as in a URL's query, in the last they are plain. Sources:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote_plus

from gong_bridge.errors import BadNotification

_DEEPEST = 4
_LONGEST_KEY_BYTES = 1024
_REMOVED_RECORDS = ("ObjectRemoved:", "LifecycleExpiration:", "ObjectRestore:Delete", "ReducedRedundancyLostObject")
_REMOVED_DETAILS = ("Object Deleted", "Object Restore Expired")
_RESTORED = ("ObjectRestore:Completed", "Object Restore Completed")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectEvent:
    """Something happened to an object.

    keys: how it may be called, the likelier first. Some stores do not encode keys where AWS does.
    change: "removed" leaves nothing to look at; "restored" makes an archived object readable; "written" is the rest.
    """

    bucket: str
    keys: tuple[str, ...]
    change: Literal["written", "removed", "restored"]


def events_of(body: str) -> tuple[ObjectEvent, ...]:
    """The events in a message's body; none for S3's test message. Raises BadNotification."""
    try:
        return _events_in(json.loads(body), 0)
    except RecursionError:
        raise BadNotification("it is nested too deeply to be a notification of S3") from None
    except ValueError:
        raise BadNotification("it is no JSON, as notifications of S3 are") from None


def _events_in(document: object, depth: int) -> tuple[ObjectEvent, ...]:
    if depth > _DEEPEST:
        raise BadNotification("it is nested too deeply to be a notification of S3")
    if isinstance(document, str):  # SNS's Message, and what was encoded twice on its way
        return _events_in(json.loads(document), depth + 1)
    if isinstance(document, list):  # EventBridge Pipes and SNS subscriptions of other kinds send several at once
        return tuple(event for each in document for event in _events_in(each, depth + 1))
    if not isinstance(document, dict):
        raise BadNotification("it is JSON, but no notification of S3")
    if document.get("Event") == "s3:TestEvent":
        return ()
    if isinstance(document.get("Records"), list):
        return tuple(_event_of_record(record) for record in document["Records"])
    if "Type" in document and "TopicArn" in document:
        return _events_from_topic(document, depth)
    if "detail-type" in document:
        return (_event_of_detail(document),)
    raise BadNotification("it has neither `Records` (S3), nor `Message` (SNS), nor `detail` (EventBridge)")


def _events_from_topic(document: dict[str, Any], depth: int) -> tuple[ObjectEvent, ...]:
    kind = document["Type"]
    if kind == "Notification" and isinstance(document.get("Message"), str):
        return _events_in(document["Message"], depth)
    if kind == "SubscriptionConfirmation":
        # Sent when the topic belongs to another account. Nobody follows a link of a message but a person.
        raise BadNotification(
            "the SNS topic asks whether the queue may subscribe; if it is yours, confirm it (`aws sns "
            "confirm-subscription` with the TopicArn and Token of this message), then skip this entry"
        )
    if kind == "UnsubscribeConfirmation":
        raise BadNotification(
            "the SNS topic says that the queue no longer subscribes to it; subscribe again if that was a mistake, "
            "then skip this entry"
        )
    raise BadNotification("it comes from SNS, but carries no notification of S3")


def _event_of_record(record: object) -> ObjectEvent:
    about = _object(_object(record, "Records"), "Records").get("s3")
    bucket = _object(_object(about, "s3").get("bucket"), "s3.bucket").get("name")
    key = _object(_object(about, "s3").get("object"), "s3.object").get("key")
    name = str(_object(record, "Records").get("eventName", "")).removeprefix("s3:")
    encoded = _checked_key(key, most_bytes=3 * _LONGEST_KEY_BYTES)
    try:
        plain = _checked_key(unquote_plus(encoded, errors="strict"))
    except UnicodeDecodeError:
        raise BadNotification("its key is encoded in a way that gives no UTF-8") from None
    as_written = encoded != plain and len(encoded.encode()) <= _LONGEST_KEY_BYTES
    keys = (plain, encoded) if as_written else (plain,)
    return ObjectEvent(bucket=_name(bucket), keys=keys, change=_change(name, _REMOVED_RECORDS))


def _event_of_detail(document: dict[str, Any]) -> ObjectEvent:
    detail = _object(document.get("detail"), "detail")
    kind = str(document["detail-type"])
    if kind == "AWS API Call via CloudTrail":  # how S3 reached EventBridge before it could by itself
        asked = _object(detail.get("requestParameters"), "detail.requestParameters")
        removed = str(detail.get("eventName", "")).startswith("Delete")
        change: Literal["written", "removed"] = "removed" if removed else "written"
        return ObjectEvent(bucket=_name(asked.get("bucketName")), keys=(_checked_key(asked.get("key")),), change=change)
    bucket = _object(detail.get("bucket"), "detail.bucket").get("name")
    key = _object(detail.get("object"), "detail.object").get("key")
    return ObjectEvent(bucket=_name(bucket), keys=(_checked_key(key),), change=_change(kind, _REMOVED_DETAILS))


def _change(name: str, removed: tuple[str, ...]) -> Literal["written", "removed", "restored"]:
    if name.startswith(removed):
        return "removed"
    return "restored" if name in _RESTORED else "written"


def _object(value: object, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise BadNotification(f"it has no `{name}` that is an object, so it names no object of a bucket")


def _name(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise BadNotification("it names no bucket")


def _checked_key(value: object, most_bytes: int = _LONGEST_KEY_BYTES) -> str:
    """A key as S3 allows it: text of 1 to 1024 bytes of UTF-8 (encoded, each byte may be three)."""
    if not isinstance(value, str) or not value:
        raise BadNotification("it names no key")
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError:
        raise BadNotification("its key is no valid text") from None
    if "\0" in value or size_bytes > most_bytes:
        raise BadNotification("its key is longer than S3 allows, or holds a NUL")
    return value
