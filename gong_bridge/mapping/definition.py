"""A mapping file after loading: frozen, compiled, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gong_bridge.mapping.patterns import GuardedPattern
from gong_bridge.mapping.table_index import Join
from gong_bridge.mapping.table_rows import Shape
from gong_bridge.mapping.templates import Template

Node = Any
"""A constant, a Template, or a list or mapping of nodes."""

FACTS = (
    "source", "key", "name", "stem", "extension", "folder", "folders", "modified_at", "size_bytes", "media", "sidecar",
    "object", "company", "options", "group",
)  # fmt: skip
"""Names that every mapping knows besides its own captures and `let`."""
ITEM = "item"
"""The name of one item, in the fields beside an `each`."""


class CallItem(dict[str, Any]):
    """An object in a list of the call, such as a party, or one of share_with: `when` and `each` say how often."""


def templates_in(node: Node) -> Iterator[Template]:
    """Every template of a node."""
    if isinstance(node, Template):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from templates_in(inner)


def reads(node: Node, lets: Mapping[str, Node]) -> frozenset[str]:
    """The facts that a node needs in the end, through every `let` it uses."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        for template in templates_in(waiting.pop()):
            waiting += [lets[name] for name in template.names if name in lets and name not in found]
            found.update(template.names)
    return frozenset(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """One way to read a name; `subject` is name, stem or key."""

    subject: Literal["name", "stem", "key"]
    guarded: GuardedPattern
    constants: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """When something holds, and why."""

    when: Node
    because: Node = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a sidecar may lie. `rule` is a key of FindRule; `ending` is the literal end of its name.

    where: the name that bridge.yaml gives to another folder or bucket; empty: the source itself.
    """

    rule: str
    name: Node
    ending: str
    where: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowRule:
    """What the columns of one join must equal, and a condition on the rows that do."""

    values: tuple[Node, ...]
    only: Node


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSidecar:
    """How the rows of a recording are found in a table. `joins` and `rules` belong together, one by one."""

    shape: Shape
    joins: tuple[Join, ...]
    rules: tuple[RowRule, ...]
    only: Node
    order: Node
    choose: Literal["one", "first", "last"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sidecar:
    """Where a recording's description lies and how it is written."""

    format: Literal["json", "xml", "csv", "jsonl"]
    places: tuple[Place, ...]
    needed_when: Node
    wait_seconds: float
    when_missing: Literal["hold", "degrade", "skip"]
    largest_bytes: int
    where: dict[str, Node]
    table: TableSidecar | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouping:
    """How several files become one call.

    prefers: what is sent, the best first, for merge and pick: names of parts, or MERGED for both sides.
    """

    call: Node
    part: Node
    starts_at: Node
    window_seconds: float
    policy: Literal["merge", "pick", "separate", "join"]
    left: Node
    right: Node
    prefers: tuple[str, ...]
    keep_gaps: bool
    when_incomplete: Literal["hold", "send"]
    when_late: Literal["hold", "skip", "send"]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Everything a mapping file says."""

    name: str
    about: str
    patterns: tuple[Pattern, ...]
    capture_names: tuple[str, ...]
    when_no_match: Literal["hold", "skip"]
    placeholders: frozenset[str]
    tables: dict[str, dict[str, Any]]
    sidecar: Sidecar | None
    grouping: Grouping | None
    lets: dict[str, Node]
    skip_when: tuple[Condition, ...]
    hold_when: tuple[Condition, ...]
    warn_when: tuple[Condition, ...]
    internal_when: Node
    internal_policy: Literal["skip", "Conference", "Unknown"]
    share_with: Node
    body: Template | None
    call: dict[str, Node]
    names_used: frozenset[str]
    options: dict[str, str | int | float | bool]
    extends: tuple[str, ...]
    files: tuple[Path, ...]
