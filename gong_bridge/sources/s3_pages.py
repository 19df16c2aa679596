"""Reads pages of a listing: boto3 asks, signs, retries and names errors; only the objects are read more quickly.

boto3 spends about 0.1 ms on each key of a page, most of the time of a listing. The objects are taken out of the page
before boto3 reads it, by a pattern of what every store writes; a page that looks otherwise is left to boto3.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGE_KEYS = 1000
"""So many keys, at most, come with one answer."""

_QUOTE = '(?:"|&quot;|&#34;)*'
_OBJECT = re.compile(  # no entity of XML in a name, times are in UTC
    r"<Contents>\s*<Key>([^<&]+)</Key>\s*<LastModified>([^<]+Z)</LastModified>\s*"
    rf"<ETag>{_QUOTE}([^<&\"]*){_QUOTE}</ETag>(?:(?!<Size>|</Contents>).)*<Size>(\d+)</Size>",
    re.DOTALL,
)
_FIRST, _LAST = "<Contents>", "</Contents>"
_ENCODED = "<EncodingType>url</EncodingType>"
_QUOTES = '"'
_TAKEN = "TakenObjects"


class Found(NamedTuple):
    """One object of a listing. `modified_at` in UTC, `etag` without quotes."""

    key: str
    modified_at: datetime
    etag: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One answer: objects and, with a delimiter, common prefixes; `next_token` when there is more."""

    objects: Sequence[Found]
    prefixes: Sequence[str]
    next_token: str | None


def read_quickly(client: S3Client) -> S3Client:
    """The same client, whose listings are from now on read by `list_page` alone."""
    # The star brings it before the handler of botocore that parses every answer once more, to look for an error
    client.meta.events.register_first("before-parse.*.ListObjectsV2", _take_objects)
    return client


def list_page(
    client: S3Client,
    bucket: str,
    prefix: str,
    *,
    after: str = "",
    token: str | None = None,
    delimiter: str = "",
    most: int = PAGE_KEYS,
) -> Page:
    """One page of what begins with `prefix` and sorts behind `after`. Raises what boto3 raises."""
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    asked |= {"Delimiter": delimiter} if delimiter else {}
    asked |= {"MaxKeys": most} if most != PAGE_KEYS else {}
    if token is not None:
        asked["ContinuationToken"] = token
    elif after:
        asked["StartAfter"] = after
    answer: Any = client.list_objects_v2(**asked)
    objects = answer.get(_TAKEN)
    if objects is None:
        objects = [
            Found(one["Key"], one["LastModified"].astimezone(UTC), one["ETag"].strip(_QUOTES), one["Size"])
            for one in answer.get("Contents", [])
        ]
    return Page(
        objects=objects,
        prefixes=[one["Prefix"] for one in answer.get("CommonPrefixes", [])],
        next_token=answer.get("NextContinuationToken") if answer.get("IsTruncated") else None,
    )


def _take_objects(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """botocore's event before-parse: take the objects out of the body when all of them are understood."""
    if response_dict["status_code"] != 200:
        return
    taken = objects_in(response_dict["body"])
    if taken is not None:
        customized_response_dict[_TAKEN], response_dict["body"] = taken


def objects_in(body: bytes) -> tuple[list[Found], bytes] | None:
    """The objects in a page, and the page without them; None when something in it is not as usual."""
    try:
        text = body.decode("utf-8")
        first, last = text.find(_FIRST), text.rfind(_LAST)
        if first < 0 or last < first:
            return None
        rest = text[:first] + text[last + len(_LAST) :]
        rows = _OBJECT.findall(text, first)
        between = text.count(_FIRST, first) != len(rows) or "<CommonPrefixes>" in text[first:last]
        if between or not rest.rstrip().endswith("</ListBucketResult>"):
            return None
        if _ENCODED in rest and ("%" in text or "+" in text):
            rows = [(unquote_plus(key), *others) for key, *others in rows]
        parsed = datetime.fromisoformat
        found = [Found(key, parsed(modified_at), etag, int(size)) for key, modified_at, etag, size in rows]
        return found, rest.encode("utf-8")
    except ValueError:  # no UTF-8, no time: boto3 knows what that is
        return None
