"""What Gong's sentences mean when it refuses a call: a table of patterns, pure (R23).

Gong documents 409 only as "Conflict, e.g. recording is not enabled for the primary user" and does not document what a
repeated clientUniqueId gets (G6), so the words of `errors[]` decide, and words nobody knows hold the recording.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gong_bridge.errors import RefusedByGong
from gong_bridge.gong.sentences import LONGEST_SENTENCE, one_line


class AlreadyKnown(RefusedByGong):
    """Gong has a call with this clientUniqueId: look it up and adopt it."""

    code = "already-known"


class NotEnabled(RefusedByGong):
    """Gong is not set to import telephony calls of the primary user."""

    code = "not-enabled"


_CALL = r"(client\s*-?_?\s*unique\s*-?_?\s*id\w*|unique\s+id\w*|\bcall\b|\brecording\b)"
_EXISTS = (
    r"(already\s+(exist|been|known|used|in\s+use|present|upload|creat|added|regist|import)|duplicate"
    r"|must\s+be\s+unique|(is\s+)?not\s+unique|\bexists\b|previously\s+(added|uploaded|created))"
)
_ABOUT_ELSE = r".*((\bno\b|\bnot\b|n't\b).*\bexist|download\s*media\s*url)"
_NOT = r"(\bnot\b|n't\b|\bdisabled\b|\bno\s+permission\b|\bmust\s+be\b|\bunable\b|\bfalse\b)"
_CAPTURE = r"(record|import|telephony|data\s+capture)"

_MEANINGS: tuple[tuple[type[RefusedByGong], re.Pattern[str]], ...] = (
    (
        AlreadyKnown,
        re.compile(rf"^(?!{_ABOUT_ELSE}).*({_CALL}.*{_EXISTS}|{_EXISTS}.*{_CALL})", re.IGNORECASE | re.DOTALL),
    ),
    (
        NotEnabled,
        re.compile(
            rf"{_CAPTURE}\w*.*{_NOT}.*(enabl|allow|set\b|import|record|permit|user|disabled)"
            rf"|{_NOT}.*(enabled|allowed|set|configured|import|permitted)\b.*{_CAPTURE}"
            rf"|\b(user|host|owner)\b.*{_NOT}.*{_CAPTURE}"
            rf"|{_CAPTURE}\w*.*\bdisabled\b|\bdisabled\b.*{_CAPTURE}",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
)

_CURES: dict[type[RefusedByGong], str] = {
    AlreadyKnown: "the call is looked up and adopted",
    NotEnabled: (
        "let a Gong administrator open Company settings, the team member, Data capture, and turn on the import of "
        "telephony calls (the words may differ in your Gong), then retry"
    ),
    RefusedByGong: "mend what Gong names, then retry",
}

READ_STATUSES = (400, 409)
"""The statuses whose sentences are read; any other status speaks for itself."""

_MOST_SENTENCES = 3


def meaning_of(http_status: int, errors: Sequence[str]) -> type[RefusedByGong]:
    """Which kind of refusal these sentences are; RefusedByGong when nobody knows (held, R23)."""
    if http_status in READ_STATUSES:
        for sentence in errors:
            for kind, pattern in _MEANINGS:
                if pattern.search(sentence[:LONGEST_SENTENCE]):
                    return kind
    return RefusedByGong


def refusal(
    *, doing: str, http_status: int, errors: Sequence[str], request_id: str | None, about: str = ""
) -> RefusedByGong:
    """The error for a refused request: what Gong said, whom it is about, the cure.

    `about` names the person or call by Gong's id, such as "Gong user 2345", never by name.
    """
    kind = meaning_of(http_status, errors)
    said = "; ".join(one_line(text) for text in errors[:_MOST_SENTENCES] if text.strip()) or "no reason given"
    whom = f" for {about}" if about else ""
    return kind(
        f"Gong refused to {doing}{whom} (HTTP {http_status}): {said}. Cure: {_CURES[kind]}.",
        http_status=http_status,
        request_id=request_id,
    )
