"""Pages of a listing are read as boto3 reads them, whatever store wrote them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import boto3
import pytest
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_bridge.sources.s3_layout import dated_prefixes
from gong_bridge.sources.s3_pages import Found, objects_in, read_quickly

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, with the fields of later years
AMAZON = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix/><KeyCount>2</KeyCount>
<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
<Contents><Key>my+image%2B%281%29.jpg</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>
<ChecksumType>FULL_OBJECT</ChecksumType><Size>434234</Size><Owner><ID>75aa57f0</ID><DisplayName>x</DisplayName></Owner>
<StorageClass>STANDARD</StorageClass></Contents><Contents><Key>a/%C3%BC.wav</Key>
<LastModified>2009-10-12T17:50:30.123Z</LastModified><ETag>"d41d8cd98f00b204e9800998ecf8427e-2"</ETag><Size>0</Size>
<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>
<RestoreExpiryDate>2012-12-21T00:00:00.000Z</RestoreExpiryDate></RestoreStatus></Contents>
<CommonPrefixes><Prefix>photos/</Prefix></CommonPrefixes></ListBucketResult>"""


def test_a_page_of_amazon_s_is_read_with_names_decoded_and_quotes_taken_off() -> None:
    taken = objects_in(AMAZON.encode())
    assert taken is not None
    objects, rest = taken
    assert objects == [
        Found("my image+(1).jpg", datetime(2009, 10, 12, 17, 50, 30, tzinfo=UTC), "fba9dede5f27731c9771645a39863328",
              434234),
        Found("a/ü.wav", datetime(2009, 10, 12, 17, 50, 30, 123000, tzinfo=UTC), "d41d8cd98f00b204e9800998ecf8427e-2",
              0),
    ]  # fmt: skip
    assert b"<Contents>" not in rest
    assert b"<CommonPrefixes><Prefix>photos/</Prefix></CommonPrefixes>" in rest


def test_the_objects_are_taken_before_botocore_parses_the_whole_page_to_look_for_an_error() -> None:
    client = read_quickly(
        boto3.client("s3", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    )
    answer: dict[str, Any] = {"status_code": 200, "body": AMAZON.encode(), "headers": {}}
    seen_by_botocore: list[bytes] = []
    client.meta.events.register_first(
        "before-parse.s3.*", lambda response_dict, **_: seen_by_botocore.append(response_dict["body"])
    )
    client.meta.events.emit(
        "before-parse.s3.ListObjectsV2",
        operation_model=client.meta.service_model.operation_model("ListObjectsV2"),
        response_dict=answer,
        customized_response_dict={},
    )
    client.close()
    assert len(seen_by_botocore) == 1
    assert b"<Contents>" not in seen_by_botocore[0]


@pytest.mark.parametrize(
    "changed",
    [
        ("<Key>a/%C3%BC.wav</Key>", "<Key>a&amp;b.wav</Key>"),  # not encoded, and with an entity
        ("<Size>0</Size>", ""),  # a field is missing
        ("<Key>a/%C3%BC.wav</Key>", "<Size>1</Size><Key>a.wav</Key>"),  # another order
        ("</ListBucketResult>", ""),  # broken off
        ("2009-10-12T17:50:30.123Z", "Mon, 12 Oct 2009 17:50:30 GMT"),
    ],
)
def test_a_page_that_is_not_as_usual_is_left_to_boto3(changed: tuple[str, str]) -> None:
    assert changed[0] in AMAZON
    assert objects_in(AMAZON.replace(*changed).encode()) is None
    assert objects_in(AMAZON.encode("utf-16")) is None
    assert objects_in(b"<ListBucketResult></ListBucketResult>") is None


@cache
def _shape() -> Any:
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    shape = client.meta.service_model.operation_model("ListObjectsV2").output_shape
    client.close()
    return shape


def _as_boto3_reads_it(body: bytes) -> Any:
    return create_parser("rest-xml").parse({"status_code": 200, "headers": {}, "body": body}, _shape())


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1), max_size=5))
def test_whatever_a_key_is_boto3_reads_the_same_or_reads_it_alone(keys: list[str]) -> None:
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-05T10:00:00.000Z</LastModified>"
        f"<ETag>&quot;0&quot;</ETag><Size>{number}</Size></Contents>"
        for number, key in enumerate(keys)
    )
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()
    taken = objects_in(body)
    if taken is not None:
        read = _as_boto3_reads_it(body)["Contents"]
        assert [(one.key, one.size_bytes) for one in taken[0]] == [(one["Key"], one["Size"]) for one in read]
    else:
        assert not keys or any("&" in escape(key) for key in keys)


def test_the_folders_of_the_last_days_are_named_from_the_look_back_to_tomorrow() -> None:
    now = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
    assert dated_prefixes("year={Y}/month={m}/day={d}/", now, 86400) == [
        "year=2025/month=12/day=31/",
        "year=2026/month=01/day=01/",
        "year=2026/month=01/day=02/",
    ]
    assert dated_prefixes("{Y}/{m}/", now, 86400) == ["2025/12/", "2026/01/"]
    hours = dated_prefixes("{Y}/{m}/{d}/{H}/", now, 3600)
    assert (hours[0], hours[-1], len(hours)) == ("2026/01/01/00/", "2026/01/02/09/", 34)
