"""R15: every shape in which AWS's own documents show a notification is understood; nothing else passes for one.

The samples are those of the pages named beside them, with bucket and key put in.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_bridge.errors import BadNotification
from gong_bridge.sources.s3_event_shapes import ObjectEvent, events_of


def record(name: str, key: str, version: str = "2.1", **more: Any) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""
    return {
        "eventVersion": version,
        "eventSource": "aws:s3",
        "awsRegion": "us-west-2",
        "eventTime": "1970-01-01T00:00:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": "C3D13FE58DE4C810",
            "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "testConfigRule",
            "bucket": {
                "name": "amzn-s3-demo-bucket",
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": "arn:aws:s3:::amzn-s3-demo-bucket",
            },
            "object": {
                "key": key,
                "size": 1024,
                "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                "sequencer": "0055AED6DCD90281E5",
            },
        },
        **more,
    }


def direct(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


def bridged(kind: str, key: str, **detail: Any) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"""
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": kind,
            "source": "aws.s3",
            "account": "111122223333",
            "time": "2021-11-12T00:00:00Z",
            "region": "ca-central-1",
            "resources": ["arn:aws:s3:::amzn-s3-demo-bucket"],
            "detail": {
                "version": "0",
                "event-version": "1.0",
                "bucket": {"name": "amzn-s3-demo-bucket"},
                "object": {
                    "key": key,
                    "size": 5,
                    "etag": "b1946ac92492d2347c6235b4d2611184",
                    "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
                    "sequencer": "617f08299329d189",
                },
                "request-id": "N4N7GDK58NMKJ12R",
                "requester": "123456789012",
                "source-ip-address": "1.2.3.4",
                **detail,
            },
        }
    )


def wrapped(message: str, kind: str = "Notification") -> str:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html"""
    return json.dumps(
        {
            "Type": kind,
            "MessageId": "63a3f6b6-d533-4a47-aef9-fcf5cf758c76",
            "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic",
            "Subject": "Amazon S3 Notification",
            "Message": message,
            "Timestamp": "2012-03-29T05:12:16.901Z",
            "SignatureVersion": "1",
            "Signature": "EXAMPLEnTrFPa3...",
            "SigningCertURL": "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233f.pem",
            "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn",
        }
    )


TEST_EVENT = json.dumps(
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, at its end
    {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2014-10-13T15:57:02.089Z",
        "Bucket": "amzn-s3-demo-bucket",
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    }
)


def event(*keys: str, change: Any = "written") -> ObjectEvent:
    return ObjectEvent(bucket="amzn-s3-demo-bucket", keys=keys, change=change)


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "3.0"])
@pytest.mark.parametrize(
    "name",
    [
        "ObjectCreated:Put",
        "ObjectCreated:Post",
        "ObjectCreated:Copy",  # also what S3 Batch Operations, replication and restores to a copy give
        "ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectCreated:Put",  # as MinIO writes it
        "Replication:OperationReplicatedAfterThreshold",
        "ObjectTagging:Put",
        "ObjectAcl:Put",
        "LifecycleTransition",
        "IntelligentTiering",
    ],
)
def test_R15_whatever_happened_to_an_object_that_is_there_is_a_reason_to_look(name: str, version: str) -> None:
    assert events_of(direct(record(name, "HappyFace.jpg", version))) == (event("HappyFace.jpg"),)


@pytest.mark.parametrize(
    "name",
    [
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "LifecycleExpiration:Delete",
        "LifecycleExpiration:DeleteMarkerCreated",
        "ObjectRestore:Delete",
        "ReducedRedundancyLostObject",
        "s3:ObjectRemoved:Delete",
    ],
)
def test_R15_what_was_removed_is_told_as_such(name: str) -> None:
    assert events_of(direct(record(name, "HappyFace.jpg"))) == (event("HappyFace.jpg", change="removed"),)


def test_R15_a_restored_object_can_be_read_again() -> None:
    glacier = {
        "restoreEventData": {
            "lifecycleRestorationExpiryTime": "1970-01-01T00:00:00.000Z",
            "lifecycleRestoreStorageClass": "GLACIER",
        }
    }
    body = direct(record("ObjectRestore:Completed", "a.wav", "2.1", glacierEventData=glacier))
    assert events_of(body) == (event("a.wav", change="restored"),)
    body = bridged("Object Restore Completed", "a.wav", **{"restore-expiry-time": "2021-11-13T00:00:00Z"})
    assert events_of(body) == (event("a.wav", change="restored"),)


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("red+flower.jpg", "red flower.jpg"),  # the page's own example
        ("a%2Bb.wav", "a+b.wav"),
        ("2026/11/a%252Bb.wav", "2026/11/a%2Bb.wav"),
        ("K%C3%B6ln/%E9%80%9A%E8%AF%9D.wav", "Köln/通话.wav"),
        ("a%0Ab%22%27.wav", "a\nb\"'.wav"),
        ("folder/", "folder/"),
        ("%F0%9F%93%9E.wav", "\N{TELEPHONE RECEIVER}.wav"),
    ],
)
def test_R15_keys_from_s3_are_decoded_and_where_a_store_does_not_encode_them_taken_as_written(
    encoded: str, key: str
) -> None:
    wanted = (key,) if key == encoded else (key, encoded)
    assert events_of(direct(record("ObjectCreated:Put", encoded))) == (event(*wanted),)
    assert events_of(wrapped(direct(record("ObjectCreated:Put", encoded)))) == (event(*wanted),)


@pytest.mark.parametrize("key", ["red flower.jpg", "a+b.wav", "a%2Bb.wav", "Köln/通话.wav", "folder/"])
def test_R15_keys_from_eventbridge_are_plain(key: str) -> None:
    assert events_of(bridged("Object Created", key, reason="PutObject")) == (event(key),)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Object Created", "written"),
        ("Object Deleted", "removed"),
        ("Object Restore Initiated", "written"),
        ("Object Restore Expired", "removed"),
        ("Object Tags Added", "written"),
        ("Object Tags Deleted", "written"),
        ("Object ACL Updated", "written"),
        ("Object Storage Class Changed", "written"),
        ("Object Access Tier Changed", "written"),
    ],
)
def test_R15_every_kind_of_eventbridge_event_is_understood(kind: str, change: str) -> None:
    assert events_of(bridged(kind, "a.wav")) == (event("a.wav", change=change),)


def test_R15_what_cloudtrail_tells_eventbridge_is_understood() -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
    body = {
        "version": "0",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "detail": {
            "eventSource": "s3.amazonaws.com",
            "eventName": "PutObject",
            "requestParameters": {"bucketName": "amzn-s3-demo-bucket", "key": "a b.wav"},
        },
    }
    assert events_of(json.dumps(body)) == (event("a b.wav"),)


def test_R15_one_message_may_hold_several_records() -> None:
    body = direct(
        record("ObjectCreated:Put", "a.wav"),
        record("ObjectRemoved:Delete", "b.wav"),
        record("ObjectCreated:Copy", "c.wav"),
    )
    assert events_of(body) == (event("a.wav"), event("b.wav", change="removed"), event("c.wav"))
    assert events_of('{"Records": []}') == ()


def test_R15_the_topic_s_envelope_is_taken_off_and_raw_delivery_has_none() -> None:
    body = direct(record("ObjectCreated:Put", "a.wav"))
    assert events_of(wrapped(body)) == events_of(body) == (event("a.wav"),)
    assert events_of(wrapped(bridged("Object Created", "a.wav"))) == (event("a.wav"),)
    assert events_of(wrapped(wrapped(body))) == (event("a.wav"),)  # a topic behind a topic


def test_R15_s3_s_test_message_says_nothing_however_it_comes() -> None:
    assert events_of(TEST_EVENT) == ()
    assert events_of(wrapped(TEST_EVENT)) == ()


def test_a_topic_that_wants_to_be_confirmed_is_for_a_person() -> None:
    with pytest.raises(BadNotification, match="confirm-subscription"):
        events_of(wrapped("You have chosen to subscribe to the topic ...", "SubscriptionConfirmation"))
    with pytest.raises(BadNotification, match="no longer subscribes"):
        events_of(wrapped("You have chosen to deactivate the subscription ...", "UnsubscribeConfirmation"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "no JSON"),
        ("hello", "no JSON"),
        ('{"Records": [', "no JSON"),
        ("[" * 100_000, "no"),
        ("null", "no notification of S3"),
        ("42", "no notification of S3"),
        ("{}", "neither `Records`"),
        (json.dumps({"Records": [{"eventSource": "aws:ses"}]}), "no `s3`"),
        (json.dumps({"Records": ["a"]}), "no `Records`"),
        (json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {}}}]}), "names no key"),
        (json.dumps({"Records": [{"s3": {"bucket": {}, "object": {"key": "a"}}}]}), "names no bucket"),
        (direct(record("ObjectCreated:Put", "%FF%FE.wav")), "no UTF-8"),
        (direct(record("ObjectCreated:Put", "a%00b")), "NUL"),
        (direct(record("ObjectCreated:Put", "x" * 4000)), "longer"),
        (bridged("Object Created", "\ud800.wav"), "no valid text"),
        (bridged("Object Created", "x" * 1025), "longer"),
        (wrapped("Hello world!"), "no JSON"),
        (wrapped("Hello", "Whatever"), "carries no notification"),
        (json.dumps({"detail-type": "EC2 Instance State-change Notification", "detail": {}}), r"no `detail.bucket`"),
    ],
)
def test_R17_what_is_no_notification_is_refused_with_the_reason(body: str, reason: str) -> None:
    with pytest.raises(BadNotification, match=reason):
        events_of(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Records", "s3", "bucket", "object", "name", "key", "detail", "detail-type", "Type", "TopicArn",
                 "Message", "Event", "eventName", "requestParameters", "bucketName"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(_JSON)
def test_R17_no_message_whatever_breaks_the_reading(document: Any) -> None:
    found: tuple[ObjectEvent, ...] = ()
    with suppress(BadNotification):
        found = events_of(json.dumps(document))
    assert all(each.keys and each.bucket for each in found)
