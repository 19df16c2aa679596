"""The border to boto3: makes clients, and turns what boto3 raises into our errors, each with its cure.

boto3 is imported when the first client is made: a bridge that only watches folders does not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import BridgeError, SourceChanged, SourceGone, SourceUnavailable
from gong_bridge.sources.s3_file import BrokenBody

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.exceptions import ClientError
    from botocore.loaders import Loader
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_ARCHIVED_WAIT_SECONDS = 3600.0
_CREDENTIALS = "set them as boto3 expects (environment, ~/.aws, instance role), or name a `profile`"
_PERMISSIONS = (
    "access denied; allow s3:ListBucket on the bucket and s3:GetObject on its objects (after_upload: delete needs "
    "s3:DeleteObject, move_to also s3:PutObject)"
)
_LOOK_ELSEWHERE = "it is tried again; if this stays, check `endpoint_url` and `region`"
_BUSY = "the store asks for fewer requests; it is tried again later"
_REGION = "the bucket lies in another region; set `region` to it"

_CURES = {
    "NoSuchBucket": "there is no such bucket; correct `bucket`, `endpoint_url` or `region`",
    "InvalidBucketName": "this is no valid name of a bucket; correct `bucket`",
    "AccessDenied": _PERMISSIONS,
    "AllAccessDisabled": _PERMISSIONS,
    "403": _PERMISSIONS,
    "InvalidAccessKeyId": f"the access key is not known; {_CREDENTIALS}",
    "SignatureDoesNotMatch": f"the secret access key is wrong; {_CREDENTIALS}",
    "ExpiredToken": f"the credentials have expired; {_CREDENTIALS}",
    "InvalidToken": f"the session token is wrong; {_CREDENTIALS}",
    "RequestTimeTooSkewed": "this machine's clock is wrong; let it be set from the network (NTP)",
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
    "TooManyRequests": _BUSY,
    "RequestLimitExceeded": _BUSY,
    "503": _BUSY,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "301": _REGION,
    "400": f"the request is refused; {_REGION}, or the credentials are wrong: {_CREDENTIALS}",
}
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "NotFound", "404"})
_CHANGED = frozenset({"PreconditionFailed", "412", "InvalidRange", "416"})
_NO_CREDENTIALS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "SSOError",
    "TokenRetrievalError",
)


def version_of(size_bytes: int, etag: str) -> str:
    """The version of an object: its size and its ETag without quotes."""
    bare_etag = etag.strip('"')
    return f"{size_bytes}-{bare_etag}"


def etag_of(version: str) -> str:
    """The ETag in a version, quoted as If-Match wants it (RFC 9110, 13.1.1)."""
    return f'"{version.partition("-")[2]}"'


def make_client(options: BucketSource) -> S3Client:
    """A client for this bucket; clients may be shared by threads. Raises SourceUnavailable."""
    with translated(options.bucket):
        return _client_of(make_session(options), options)


def make_signing_client(options: BucketSource) -> tuple[S3Client, Callable[[float], bool]]:
    """A client for presigned URLs, and whether its credentials end within so many seconds. Raises SourceUnavailable."""
    with translated(options.bucket):
        session = make_session(options)
        credentials = session.get_credentials()

        def end_within(seconds: float) -> bool:
            # Only temporary credentials know an end; asking for the frozen ones renews those that are about to end.
            if credentials is None or not hasattr(credentials, "refresh_needed"):
                return False
            credentials.get_frozen_credentials()
            return bool(credentials.refresh_needed(refresh_in=seconds))

        return _client_of(session, options, signature_version="s3v4"), end_within


def make_session(options: BucketSource) -> Session:
    """boto3's session with this source's credentials; sessions may not be shared by threads."""
    import boto3
    import botocore.session

    core = botocore.session.get_session()
    core.register_component("data_loader", _descriptions_of_services())
    return boto3.session.Session(botocore_session=core, profile_name=options.profile, region_name=options.region)


def _client_of(session: Session, options: BucketSource, signature_version: str | None = None) -> S3Client:
    from botocore.config import Config

    config = Config(
        signature_version=signature_version,
        retries={"mode": "standard", "total_max_attempts": 5},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=32,  # every recording that is being sent holds one
        tcp_keepalive=True,
        # Only AWS itself has a name in DNS for every bucket
        s3={"addressing_style": "path" if options.endpoint_url else "auto"},
        # Other stores know nothing of the checksums that boto3 adds by default since 1.36
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client("s3", endpoint_url=options.endpoint_url, config=config)


@cache
def _descriptions_of_services() -> Loader:
    # Shared by all sessions: otherwise every further bucket costs 12 MiB and 0.1 s of CPU (measured; shared: 0.5 MiB)
    from botocore.loaders import create_loader

    return create_loader()


@contextmanager
def translated(bucket: str) -> Iterator[None]:
    """Raises SourceGone, SourceChanged or SourceUnavailable for whatever boto3 raises inside."""
    import botocore.exceptions

    try:
        yield
    except botocore.exceptions.ClientError as error:
        raise _of_answer(bucket, error) from error
    except (botocore.exceptions.BotoCoreError, OSError, ValueError, RecursionError) as error:
        # RecursionError is how botocore takes a redirect that names no region, as any web server sends it
        raise SourceUnavailable(f"bucket {bucket}: {_cure_of(error)}") from error


def _of_answer(bucket: str, error: ClientError) -> BridgeError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _GONE:
        return SourceGone(f"the object is no longer in bucket {bucket}")
    if code in _CHANGED:
        return SourceChanged(f"an object in bucket {bucket} changed since it was found; its new version is taken")
    if code == "InvalidObjectState":
        return SourceUnavailable(
            f"bucket {bucket}: the object is archived (Glacier); restore it and it goes on by itself",
            wait_seconds=_ARCHIVED_WAIT_SECONDS,
        )
    cure = _CURES.get(code, f"the store answers {code or 'with an error'} to {error.operation_name}; {_LOOK_ELSEWHERE}")
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if cure is _REGION and headers.get("x-amz-bucket-region"):
        cure = f"the bucket lies in another region; set `region: {headers['x-amz-bucket-region']}`"
    return SourceUnavailable(f"bucket {bucket}: {cure}")


def _cure_of(error: Exception) -> str:
    kind = type(error).__name__
    if kind in _NO_CREDENTIALS:
        return f"there are no usable credentials ({kind}); {_CREDENTIALS}"
    if kind == "ProfileNotFound":
        return f"{error}; name one of ~/.aws/config in `profile`"
    if kind == "RecursionError":
        return "what answers there only sends elsewhere; correct `endpoint_url` (https://?) or `region`"
    if kind in ("ParamValidationError", "InvalidRegionError", "ValueError"):
        return "the bucket's name, `region` or `endpoint_url` is not valid; correct it"
    return f"cannot be reached ({kind}); check the network, DNS and `endpoint_url`; it is tried again"


class RangeBody:
    """A body whose breaks are all one kind of error."""

    def __init__(self, body: StreamingBody) -> None:
        self._body = body

    def read(self, size_bytes: int) -> bytes:
        """At most so many bytes; empty at the end. Raises BrokenBody."""
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        try:
            return self._body.read(size_bytes)
        except (BotoCoreError, HTTPError, OSError) as error:
            raise BrokenBody(type(error).__name__) from error

    def close(self) -> None:
        """Give the connection back."""
        self._body.close()
