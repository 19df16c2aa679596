"""Presigned URLs of an S3 bucket: by them Gong fetches a recording itself, while the credentials last (G3, R18)."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gong_bridge import clock
from gong_bridge.config.sources import SHORTEST_LINK_SECONDS, BucketSource
from gong_bridge.errors import SourceChanged
from gong_bridge.kill_points import Point, reached
from gong_bridge.model import Recording
from gong_bridge.sources.base import Link, NotLinkable
from gong_bridge.sources.s3_client import etag_of, make_signing_client, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CREDENTIALS_MARGIN_SECONDS = 60.0
"""So much before its credentials a link ends, whatever the two clocks say."""
_INNER_NAMES = (".local", ".internal", ".lan", ".home", ".corp", ".intranet", ".localdomain")


class Presigner:
    """Makes links to the objects of one bucket; thread-safe. Boto3 is loaded with the first link."""

    def __init__(self, options: BucketSource) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._client_made: S3Client | None = None
        self._expires_within: Callable[[float], bool] = lambda _seconds: False

    def link(self, recording: Recording, *, content_type: str, file_name: str) -> Link:
        """See Source.link. One HEAD request: the link must not give another version than the one that was checked."""
        options = self._options
        if options.delivery == "auto" and options.endpoint_url and not is_public(options.endpoint_url):
            raise NotLinkable("Gong cannot reach the store: its endpoint_url is not a public https:// address")
        with translated(options.bucket):
            client = self._client()
            head = client.head_object(Bucket=options.bucket, Key=recording.key)
            if head["ETag"] != etag_of(recording.version) or head["ContentLength"] != recording.size_bytes:
                raise SourceChanged(f"an object in bucket {options.bucket} changed since it was found")
            region = head["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", client.meta.region_name)
            if region != client.meta.region_name:  # boto3 follows the redirect, Gong would not
                raise NotLinkable(f"the bucket lies in another region; set `region: {region}` for links")
            lifetime_seconds = self._lifetime_seconds()
            target: dict[str, Any] = {"Bucket": options.bucket, "Key": recording.key}
            if head.get("VersionId", "null") != "null":
                target["VersionId"] = head["VersionId"]
            now = clock.now()
            url = client.generate_presigned_url(
                "get_object",
                Params={
                    **target,
                    "ResponseContentType": content_type,
                    "ResponseContentDisposition": f'attachment; filename="{file_name}"',
                },
                ExpiresIn=int(lifetime_seconds),
            )
        reached(Point.LINK_MADE)
        return Link(url=url, expires_at=now + timedelta(seconds=int(lifetime_seconds)))

    def _lifetime_seconds(self) -> float:
        """As long as configured, or as the credentials really have left. Raises NotLinkable."""
        wanted_seconds = self._options.link_lifetime
        if not self._expires_within(wanted_seconds + _CREDENTIALS_MARGIN_SECONDS):
            return wanted_seconds
        least, most = 0.0, wanted_seconds + _CREDENTIALS_MARGIN_SECONDS
        while most - least > 1.0:  # the credentials say only whether they end within so many seconds
            middle = (least + most) / 2
            least, most = (least, middle) if self._expires_within(middle) else (middle, most)
        left_seconds = least - _CREDENTIALS_MARGIN_SECONDS
        if left_seconds < SHORTEST_LINK_SECONDS:
            raise NotLinkable(
                f"the AWS credentials end in {max(least, 0) / 60:.0f} minutes, too soon for Gong to fetch by a link"
            )
        return left_seconds

    def _client(self) -> S3Client:
        with self._lock:
            if self._client_made is None:
                self._client_made, self._expires_within = make_signing_client(self._options)
            return self._client_made


def is_public(endpoint_url: str) -> bool:
    """Whether Gong, out on the internet, may be able to reach this address; no name is looked up."""
    parts = urlsplit(endpoint_url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_INNER_NAMES)
