"""Gong's API v2: one client, one file per resource.

    from gong_bridge.gong import connect

    with connect(base_url, access_key, access_key_secret) as gong:
        for user in gong.users.list(): ...

A new resource is one file: its Operations (path, scope, what a 404 means) and a class of methods over
`GongClient.send`, with `list_of` where it lists; what its answers hold is one file of `models`. client decides nothing
about meaning: answers reads statuses, refusals reads Gong's sentences, breakdowns reads broken connections.

The names that a program of one's own needs are found here, and loaded when they are asked for: the service imports
single files, and must not wait for models that it never reads.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gong_bridge.gong.call_filter import PARTS, CallFilter, Content
    from gong_bridge.gong.connection import Gong, connect
    from gong_bridge.gong.pages import CursorLost, Listing

__all__ = ["PARTS", "CallFilter", "Content", "CursorLost", "Gong", "Listing", "connect"]

_FILES = {
    "PARTS": "call_filter",
    "CallFilter": "call_filter",
    "Content": "call_filter",
    "CursorLost": "pages",
    "Gong": "connection",
    "Listing": "pages",
    "connect": "connection",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
