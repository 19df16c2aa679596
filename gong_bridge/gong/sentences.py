"""What Gong says, made fit to be written down: short, on one line, without what it only knows from us (keys, links)."""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress
from urllib.parse import quote

LONGEST_SENTENCE = 500
_SHORTEST_HIDDEN = 8
"""Shorter keys exist in sandboxes only, and may be words that an answer needs."""
_MASK = b"********"
_SIGNED = re.compile(r"(https?://[^\s?\"']*)\?[^\s\"']*", re.IGNORECASE)


def one_line(text: str) -> str:
    """`text` without line ends and control characters, at most 500 characters, links without their signatures."""
    text = _SIGNED.sub(r"\1?…", text)  # Gong may repeat a link, which opens the recording to anybody who reads it
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return clean if len(clean) <= LONGEST_SENTENCE else clean[: LONGEST_SENTENCE - 1] + "…"


def without_log_in(content: bytes, authorization: str) -> bytes:
    """`content` with the log-in masked that its request carried (`authorization`: the header), in whatever form.

    Proxies and debug pages repeat the headers that they were sent. The same object when there is nothing to mask,
    which is nearly always.
    """
    for form in _forms_of(authorization):
        if form in content:
            content = content.replace(form, _MASK)
    return content


def _forms_of(authorization: str) -> list[bytes]:
    scheme, _, credentials = authorization.partition(" ")
    plain = [credentials]
    if scheme.lower() == "basic":
        with suppress(ValueError):
            plain += base64.b64decode(credentials).decode().split(":", 1)
    forms = [
        form
        for text in plain
        for form in (text, json.dumps(text)[1:-1], text.replace("/", r"\/"), quote(text, safe=""))
    ]
    return [form.encode() for form in dict.fromkeys(forms) if len(form) >= _SHORTEST_HIDDEN]
