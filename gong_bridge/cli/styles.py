"""One colour a state, the same in every table and bar."""

from __future__ import annotations

from gong_bridge.model import State

STYLES = {
    State.FOUND: "cyan",
    State.DRAFTED: "cyan",
    State.CREATED: "blue",
    State.DELIVERED: "blue",
    State.DONE: "green",
    State.SKIPPED: "yellow",
    State.HELD: "magenta",
    State.REJECTED: "red",
}
