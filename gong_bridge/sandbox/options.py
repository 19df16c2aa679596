"""What a sandbox is told at its start: keys, limits, people, how it treats repeats, which faults it plays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gong_bridge.sandbox.people import DEFAULT_USERS, USER_FIELDS
from gong_bridge.sandbox.shapes import Choice, Number, Text, Thing

FaultKind = Literal[
    "status", "status_after", "drop_before", "drop_after", "slow", "garbage", "truncated", "swallow", "ignore_range"
]
FAULT_KINDS: tuple[FaultKind, ...] = (
    "status",
    "status_after",
    "drop_before",
    "drop_after",
    "slow",
    "garbage",
    "truncated",
    "swallow",
)
"""What the stand-in for Gong plays."""
LOG_IN = "generateCustomerToken"
"""What faults call the log-in's exchange of codes and refresh tokens; it is no operation of the API."""
OPERATIONS = (
    "listUsers",
    "listMultipleUsers",
    "getUser",
    "getUserHistory",
    "addCall",
    "addCallRecording",
    "listCalls",
    "getCall",
    "listCallsExtensive",
    "getCallTranscripts",
    "listMultipleUsersAggregateActivity",
    "listMultipleUsersAggregateByPeriod",
    "listMultipleUsersDayByDayActivity",
    "listInteractionStats",
    "listAnsweredScorecards",
    "listWorkspaces",
    "listScorecards",
    "listTrackers",
    "getLibraryStructure",
    "getCallsInSpecificFolder",
    "getUsersAccessToCalls",
    "addUsersAccessToCalls",
    "deleteUsersAccessToCalls",
    "findAllReferencesToEmailAddress",
    "findAllReferencesToPhoneNumber",
    "purgeEmailAddress",
    "purgePhoneNumber",
    "listGenericCrmIntegration",
    "registerGenericCrmIntegration",
    "deleteGenericCrmIntegration",
    "listCrmSchemaFields",
    "uploadCrmSchemaField",
    "getCrmObjects",
    "uploadCrmData",
    "getRequestStatus",
)
"""Gong's operationIds that the sandbox knows."""
LARGEST_PAGE = 100
"""Gong puts at most so many rows on a page."""
STORE_OPERATIONS = (
    "listObjectsV2", "getObject", "headObject", "getObjectTagging", "copyObject", "deleteObject",
    "receiveMessage", "deleteMessageBatch", "changeMessageVisibilityBatch", "getQueueAttributes",
)  # fmt: skip
"""What the stand-in for S3 and SQS knows (sandbox/store_server.py)."""
STORE_FAULT_KINDS: tuple[FaultKind, ...] = ("status", "drop_before", "truncated", "ignore_range")


_FAULT = Thing(
    {
        "operation": Choice(("*", LOG_IN, *OPERATIONS)),
        "kind": Choice(FAULT_KINDS),
        "times": Number(least=0, whole=True),
        "skip": Number(least=0, whole=True),
        "status": Number(least=200, most=599, whole=True),
        "retry_after": Text(),
        "seconds": Number(least=0),
        "body": Text(),
        "after_bytes": Number(least=0, whole=True),
    },
    required=("operation", "kind"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One rule of trouble on demand.

    operation: one of OPERATIONS, or "*" for any. times: how often, None for always. skip: so many matching requests
    pass first. kind:
      status        answer `status` (with Retry-After: `retry_after`, as it stands) and do nothing
      status_after  do what was asked, then answer `status`
      drop_before   close the connection and do nothing; `after_bytes` of the request's body are read first
      drop_after    do what was asked, then close the connection without an answer
      slow          do what was asked, answer `seconds` later
      garbage       do what was asked, answer 200 with `body` instead of JSON
      truncated     do what was asked, answer JSON that stops half way; with `after_bytes` the answer announces its
                    whole length and the connection closes after so many bytes
      swallow       do nothing, and answer as if it were done: a Gong that loses what it took
    Of a store (STORE_OPERATIONS) the kinds are status, where `body` is S3's word such as SlowDown; drop_before;
    truncated, with `after_bytes`; and ignore_range: answer a part with the whole, as stores do that know no ranges.
    body: text that replaces the answer's body (status, status_after, garbage).
    """

    operation: str
    kind: FaultKind
    times: int | None = 1
    skip: int = 0
    status: int = 500
    retry_after: str | None = None
    seconds: float = 0.0
    body: str | None = None
    after_bytes: int | None = None

    def __post_init__(self) -> None:
        of_store = self.operation in STORE_OPERATIONS
        if not of_store and self.operation not in ("*", LOG_IN, *OPERATIONS):
            raise ValueError(f"operation {self.operation!r} is not known; use * or one of {', '.join(OPERATIONS)}")
        kinds = STORE_FAULT_KINDS if of_store else FAULT_KINDS
        if self.kind not in kinds:
            raise ValueError(f"kind {self.kind!r} is not known; use one of {', '.join(kinds)}")
        if not 200 <= self.status <= 599:
            raise ValueError("status is a number from 200 to 599")

    @classmethod
    def from_json(cls, value: Any) -> Fault:
        """A rule from a JSON object with the fields above. Raises ValueError that says what is wrong with it."""
        if not isinstance(value, Mapping):
            raise ValueError("a fault is an object with at least operation and kind")
        fields = dict(value)
        if isinstance(fields.get("retry_after"), int):
            fields["retry_after"] = str(fields["retry_after"])
        stated: dict[str, Any] = {name: field for name, field in fields.items() if field is not None}
        mistakes = list(_FAULT.mistakes(stated, ""))
        if mistakes:
            raise ValueError("; ".join(mistakes))
        # null in "times" means always; anywhere else it means the default.
        always = {"times": None} if fields.get("times", 1) is None else {}
        return cls(**{**stated, **always})


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxOptions:
    """How strict, how slow and how populated the stand-in is. The defaults limit nothing.

    users: items as GET /v2/users gives them. page_size: rows on one page, at most 100. cursor_seconds: how long a
    cursor is good. retry_after: how a 429 says how long to wait. repeated_id: what a repeated clientUniqueId gets; Gong
    does not document it. keep_media_bytes: media up to this size is kept for listening, of larger media only size and
    SHA-256; keep_media_total_bytes: of all kept
    media together, the oldest goes first. fetch_links: whether the media behind downloadMediaUrl is fetched, as Gong
    does. future_slack_seconds: how far ahead of the sandbox's clock actualStart may lie. client_id, client_secret: the
    integration that may log in with OAuth. token_seconds: how long an access token lives. crm_polls: how often a CRM
    request is found PENDING or IN_PROGRESS before it is found at its end.
    """

    access_key: str = "sandbox"
    access_key_secret: str = "sandbox-secret"  # noqa: S105 - the documented key of a stand-in
    users: tuple[Mapping[str, Any], ...] = DEFAULT_USERS
    page_size: int = 3
    cursor_seconds: float = 3600.0
    calls_per_second: int | None = None
    calls_per_day: int | None = None
    retry_after: Literal["seconds", "date"] = "seconds"
    repeated_id: Literal["conflict", "bad_request", "same_id"] = "conflict"
    users_forbidden: bool = False
    keep_media_bytes: int = 2 * 2**20
    keep_media_total_bytes: int = 64 * 2**20
    largest_media_bytes: int = 1_500_000_000
    fetch_links: bool = False
    future_slack_seconds: float = 300.0
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-client-secret"  # noqa: S105 - the documented secret of a stand-in
    token_seconds: float = 86_400.0
    crm_polls: int = 2
    faults: tuple[Fault, ...] = field(default=())

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= LARGEST_PAGE:
            raise ValueError(f"page_size is a number from 1 to {LARGEST_PAGE}")


def load_users(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Users from a JSON file: a list of items as GET /v2/users gives them, or its whole answer.

    Raises ValueError that names the file, the item and the cure.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error}); save the answer of GET /v2/users there") from None
    users = data.get("users") if isinstance(data, dict) else data
    if not isinstance(users, list) or not users:
        raise ValueError(f"{path}: holds no users; it needs a list of objects with id and emailAddress")
    for number, user in enumerate(users, start=1):
        if not isinstance(user, dict) or not str(user.get("id", "")).isdigit() or "emailAddress" not in user:
            raise ValueError(f"{path}: user {number} needs an id of digits, in quotes, and an emailAddress")
    return tuple({**USER_FIELDS, **user, "id": str(user["id"])} for user in users)
