"""Gong's API v2: one client, one file per resource.

    client = GongClient(base_url, access_key, access_key_secret, timeouts, allowance, stop)
    for user in Users(client).list(): ...
    Calls(client).find(client_unique_id, around=actual_start)

A new resource is one file: its Operations (path, scope, what a 404 means) and a class of methods over
`GongClient.send`, with `Pages` where it lists. client decides nothing about meaning: answers reads statuses, refusals
reads Gong's sentences, breakdowns reads broken connections.
"""

from gong_bridge.gong.calls import Calls
from gong_bridge.gong.client import Allowance, GongClient
from gong_bridge.gong.users import Users

__all__ = ["Allowance", "Calls", "GongClient", "Users"]
