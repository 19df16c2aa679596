"""What a stand-in for S3 answers: each operation that a bridge uses, in S3's own words and XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from gong_bridge.sandbox.store import Store, StoredObject, StoreRefusal, range_of

_XML = {"Content-Type": "application/xml"}
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_METADATA = "x-amz-meta-"
_MOST_KEYS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request: `path` without its encoding, header names in small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def bucket(self) -> str:
        """The first part of the path."""
        return self.path.lstrip("/").partition("/")[0]

    @property
    def key(self) -> str:
        """All behind it."""
        return self.path.lstrip("/").partition("/")[2]

    @property
    def operation(self) -> str:
        """S3's name of what is asked for, as `Fault.operation` has it."""
        if self.method == "GET" and not self.key:
            return "listObjectsV2"
        if self.method == "GET" and "tagging" in self.query:
            return "getObjectTagging"
        if self.method == "PUT" and "x-amz-copy-source" in self.headers:
            return "copyObject"
        return {"GET": "getObject", "HEAD": "headObject", "DELETE": "deleteObject"}.get(self.method, "unknown")

    def without_range(self) -> Asked:
        """The same, as a store reads it that knows nothing of ranges."""
        return replace(self, headers={name: value for name, value in self.headers.items() if name != "range"})


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreAnswer:
    """Status, headers, and a body: bytes, or a part of a file (its path, first byte, length)."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    part: tuple[Path, int, int] | None = None

    @property
    def size_bytes(self) -> int:
        """Of the body."""
        return len(self.body) if self.part is None else self.part[2]

    def pieces(self, piece_bytes: int) -> Iterator[bytes]:
        """The body, piece by piece."""
        if self.part is None:
            yield self.body
            return
        path, first, left = self.part
        with path.open("rb") as file:
            file.seek(first)
            while left and (piece := file.read(min(piece_bytes, left))):
                left -= len(piece)
                yield piece


def answer_store(store: Store, asked: Asked) -> StoreAnswer:
    """The answer to a request. Raises StoreRefusal."""
    verbs: dict[str, Callable[[Store, Asked], StoreAnswer]] = {
        "listObjectsV2": _list,
        "getObjectTagging": _tagging,
        "copyObject": _copy,
        "getObject": _read,
        "headObject": _read,
        "deleteObject": _delete,
    }
    if asked.operation not in verbs:
        raise StoreRefusal(501, "NotImplemented")
    return verbs[asked.operation](store, asked)


def error_body(code: str, *, of_queue: bool) -> bytes:
    """S3's XML, or the JSON of SQS, for a refusal."""
    if of_queue:
        return json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": code}).encode()
    return f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'.encode()


def _list(store: Store, asked: Asked) -> StoreAnswer:
    if asked.query.get("list-type") != "2":
        raise StoreRefusal(501, "NotImplemented")
    page = store.list(
        asked.bucket,
        prefix=asked.query.get("prefix", ""),
        after=asked.query.get("continuation-token") or asked.query.get("start-after", ""),
        delimiter=asked.query.get("delimiter", ""),
        most=int(asked.query.get("max-keys", _MOST_KEYS)),
    )
    written = (lambda text: quote(text, safe="/")) if asked.query.get("encoding-type") == "url" else escape
    contents = "".join(
        f"<Contents><Key>{written(key)}</Key><LastModified>{_iso(one.modified_at)}</LastModified>"
        f"<ETag>&quot;{one.etag}&quot;</ETag><Size>{one.size_bytes}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key, one in page.objects
    )
    prefixes = "".join(f"<CommonPrefixes><Prefix>{written(one)}</Prefix></CommonPrefixes>" for one in page.prefixes)
    more = page.next_token is not None
    token = f"<NextContinuationToken>{escape(page.next_token)}</NextContinuationToken>" if page.next_token else ""
    encoding = "<EncodingType>url</EncodingType>" if asked.query.get("encoding-type") == "url" else ""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="{_NAMESPACE}"><Name>{asked.bucket}</Name>'
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{encoding}"
        f"<KeyCount>{len(page.objects) + len(page.prefixes)}</KeyCount>{contents}{prefixes}</ListBucketResult>"
    )
    return StoreAnswer(headers=_XML, body=text.encode("utf-8", "xmlcharrefreplace"))


def _read(store: Store, asked: Asked) -> StoreAnswer:
    stored = store.get(asked.bucket, asked.key, if_match=asked.headers.get("if-match"))
    first, last, status = 0, stored.size_bytes - 1, 200
    headers = {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": format_datetime(stored.modified_at.astimezone(UTC), usegmt=True),
        "Content-Type": asked.query.get("response-content-type", stored.content_type),
        "Accept-Ranges": "bytes",
        **{f"{_METADATA}{name}": value for name, value in stored.metadata.items()},
    }
    if "response-content-disposition" in asked.query:
        headers["Content-Disposition"] = asked.query["response-content-disposition"]
    if "range" in asked.headers:
        first, last = range_of(asked.headers["range"], stored.size_bytes)
        status, headers["Content-Range"] = 206, f"bytes {first}-{last}/{stored.size_bytes}"
    return StoreAnswer(status=status, headers=headers, part=(stored.path, first, last - first + 1))


def _tagging(store: Store, asked: Asked) -> StoreAnswer:
    tags = store.get(asked.bucket, asked.key).tags
    rows = "".join(
        f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>" for name, value in tags.items()
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?><Tagging xmlns="{_NAMESPACE}"><TagSet>{rows}</TagSet></Tagging>'
    return StoreAnswer(headers=_XML, body=text.encode("utf-8"))


def _copy(store: Store, asked: Asked) -> StoreAnswer:
    bucket, _, key = unquote(asked.headers["x-amz-copy-source"]).lstrip("/").partition("/")
    original = store.get(bucket, key, if_match=asked.headers.get("x-amz-copy-source-if-match"))
    changed: StoredObject = original
    if asked.headers.get("x-amz-metadata-directive") == "REPLACE":
        changed = replace(
            original,
            content_type=asked.headers.get("content-type", original.content_type),
            metadata={
                name.removeprefix(_METADATA): value
                for name, value in asked.headers.items()
                if name.startswith(_METADATA)
            },
        )
    store.copy((bucket, key), asked.bucket, asked.key, changed)
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><CopyObjectResult><LastModified>{_iso(original.modified_at)}'
        f"</LastModified><ETag>&quot;{original.etag}&quot;</ETag></CopyObjectResult>"
    )
    return StoreAnswer(headers=_XML, body=text.encode())


def _delete(store: Store, asked: Asked) -> StoreAnswer:
    store.delete(asked.bucket, asked.key)
    return StoreAnswer(status=204)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
