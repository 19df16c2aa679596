"""The border to SQS: makes the client of one queue, and turns what boto3 raises into our errors, each with its cure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import SourceUnavailable
from gong_bridge.sources.s3_client import make_session

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_REGION_IN_HOST = re.compile(r"(?:^|\.)([a-z]{2}(?:-[a-z]+)+-\d+)\.")
_LEGACY_HOST = ("queue.amazonaws.com",)
_MISSING = "there is no such queue; correct `events` (`aws sqs get-queue-url --queue-name NAME` prints the URL)"
_PERMISSIONS = (
    "access denied; allow sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and "
    "sqs:GetQueueAttributes on the queue"
)
_CREDENTIALS = "correct the credentials (environment, ~/.aws, instance role, `profile`)"
_BUSY = "SQS asks for fewer requests; it is tried again later"

_CURES = {
    "AWS.SimpleQueueService.NonExistentQueue": _MISSING,
    "QueueDoesNotExist": _MISSING,
    "NonExistentQueue": _MISSING,
    "404": _MISSING,
    "InvalidAddress": "the address is not valid in this region; correct `events`",
    "UnsupportedOperation": "what answers there is no SQS; correct `events`",
    "AccessDenied": _PERMISSIONS,
    "AccessDeniedException": _PERMISSIONS,
    "403": _PERMISSIONS,
    "KmsAccessDenied": "the queue is encrypted with a key that may not be used; allow kms:Decrypt on it",
    "KMS.AccessDeniedException": "the queue is encrypted with a key that may not be used; allow kms:Decrypt on it",
    "KmsDisabled": "the key that encrypts the queue is disabled; enable it",
    "InvalidClientTokenId": f"the access key is not known; {_CREDENTIALS}",
    "UnrecognizedClientException": f"the access key is not known; {_CREDENTIALS}",
    "InvalidAccessKeyId": f"the access key is not known; {_CREDENTIALS}",
    "SignatureDoesNotMatch": f"the secret access key or the region is wrong; {_CREDENTIALS}",
    "ExpiredToken": f"the credentials have expired; {_CREDENTIALS}",
    "ExpiredTokenException": f"the credentials have expired; {_CREDENTIALS}",
    "OverLimit": "too many messages are in flight; other readers of the queue should delete what they have read",
    "RequestThrottled": _BUSY,
    "ThrottlingException": _BUSY,
}


def make_queue_client(options: BucketSource, queue_url: str) -> SQSClient:
    """A client for the host and region that the queue's URL names. Raises SourceUnavailable."""
    with queue_translated():
        from botocore.config import Config

        host = urlsplit(queue_url).netloc
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=10, read_timeout=40,
            tcp_keepalive=True,
        )  # fmt: skip
        # boto3 alone would ask the region of `region` and the host of that region, wherever the queue lies
        endpoint = None if host.endswith(_LEGACY_HOST) else f"{urlsplit(queue_url).scheme}://{host}"
        session = make_session(options)
        region = region_of(queue_url) or options.region or session.region_name or "us-east-1"
        return session.client("sqs", region_name=region, endpoint_url=endpoint, config=config)


def region_of(queue_url: str) -> str | None:
    """The AWS region in a queue's URL; None for hosts that are not Amazon's."""
    host = (urlsplit(queue_url).hostname or "") + "."
    if ".amazonaws." not in host and not host.endswith(".api.aws."):
        return None
    found = _REGION_IN_HOST.search(host)
    return found[1] if found else "us-east-1"


@contextmanager
def queue_translated() -> Iterator[None]:
    """Raises SourceUnavailable for whatever boto3 raises inside; its message names the queue's trouble and the cure."""
    import botocore.exceptions

    try:
        yield
    except botocore.exceptions.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        other = f"SQS answers {code or 'with an error'} to {error.operation_name}; if this stays, check `events`"
        raise SourceUnavailable(f"the queue cannot be read: {_CURES.get(code, other)}") from error
    except (botocore.exceptions.BotoCoreError, OSError, ValueError, RecursionError) as error:
        kind = type(error).__name__
        cure = _CREDENTIALS if "Credential" in kind else "check the network, DNS and the URL in `events`"
        raise SourceUnavailable(f"the queue cannot be reached ({kind}); {cure}") from error
