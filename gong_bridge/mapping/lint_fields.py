"""The checks of a mapping's `call`: what Gong will refuse, and identities and times that cannot be meant; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import nodes
from pydantic import ValidationError

from gong_bridge.mapping.definition import Definition, Node, reads, templates_in
from gong_bridge.mapping.drafting import problems_of_values
from gong_bridge.mapping.languages import LANGUAGE_CODES
from gong_bridge.mapping.lint_trees import Found, Loc, Results, error, warning
from gong_bridge.mapping.plain_filters import is_empty
from gong_bridge.mapping.templates import Template
from gong_bridge.mapping.times import WORDS
from gong_bridge.mapping.words import nearest

_PLACES = {"folder": "files are moved", "folders": "files are moved", "key": "files are moved",
           "name": "files are converted, and the ending changes; use stem", "extension": "files are converted",
           "modified_at": "a copy has another time"}  # fmt: skip
_SAME_FOR_ALL = ("company", "source")


def _refused(definition: Definition) -> Iterator[Found]:
    """Every constant that a field can come to is put to the model of Gong's call, one at a time."""
    results = Results(lets=definition.lets, tables=definition.tables)
    for loc, node in _leaves(definition.call, ()):
        if loc[-1] in ("when", "each"):
            continue
        for value in dict.fromkeys(value for value in results.of(node) if isinstance(value, (str, int, float, bool))):
            if is_empty(value):
                continue
            for rule in _rules_broken(loc, value):
                yield error(("call", *loc), f"{value!r} is refused by Gong: {rule}")
        if isinstance(node, Template) and isinstance(node.tree, nodes.Filter) and node.tree.name == "_join":
            literal = "".join(_literals(node.tree))
            for rule in _rules_broken(loc, literal) if literal else ():
                if "more than" in rule:
                    yield error(("call", *loc), f"the text that stands here is refused by Gong: {rule}")


def _rules_broken(loc: Loc, value: Any) -> Iterator[str]:
    if loc == ("languageCode",) and value not in LANGUAGE_CODES:
        near = nearest(str(value), LANGUAGE_CODES)
        yield f"did you mean {near!r}?" if near else "write one such as en-US"
    built: Any = value
    for part in reversed(loc):
        built = [built] if isinstance(part, int) else {part: built}
    path = tuple(0 if isinstance(part, int) else part for part in loc)
    try:
        for where, rule in problems_of_values(built):
            if where == path:
                yield rule
    except (ValidationError, ValueError):
        return


def _leaves(node: Node, loc: Loc) -> Iterator[tuple[Loc, Node]]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if pairs is None:
        yield loc, node
        return
    for key, inner in pairs:
        yield from _leaves(inner, (*loc, key))


def _literals(tree: nodes.Filter) -> Iterator[str]:
    for item in tree.node.items if isinstance(tree.node, nodes.List) else ():
        if isinstance(item, nodes.Const) and isinstance(item.value, str):
            yield item.value


def _identity(definition: Definition) -> Iterator[Found]:
    node, loc = definition.call.get("clientUniqueId"), ("call", "clientUniqueId")
    if node is None:
        return
    facts = reads(node, definition.lets) - set(definition.lets)
    constants = {name for pattern in definition.patterns for name in pattern.constants}
    own = facts - set(_SAME_FOR_ALL) - constants
    if not own:
        yield error(loc, "it is the same for every recording, and Gong would take them for one call; "
                         "put the recorder's own id into it")  # fmt: skip
        return
    results = Results(lets=definition.lets, tables=definition.tables)
    if results.can_be_constant(node):
        yield error(loc, "where its value is missing, recordings get one and the same id; leave out the constant "
                         "in `default`, or add what differs between two recordings")  # fmt: skip
    for name in sorted(facts & set(_PLACES)):
        yield warning(loc, f"it depends on {name}, and a recording that is known would become a second call: "
                           f"{_PLACES[name]}")  # fmt: skip


def _start(definition: Definition) -> Iterator[Found]:
    node, loc = definition.call.get("actualStart"), ("call", "actualStart")
    if node is None:
        return
    templates = list(templates_in(node))
    templates += [one for name in reads(node, definition.lets) for one in templates_in(definition.lets.get(name))]
    times = [one for template in templates for one in template.filters if one.name == "time"]
    for form in dict.fromkeys(
        argument.value for one in times for argument in one.args if isinstance(argument, nodes.Const)
    ):
        if form in WORDS or not isinstance(form, str):
            continue
        if not any(mark in form for mark in ("%H", "%I", "%X", "%c", "%s")):
            yield error(loc, f"the format {form!r} has no time of day; the call would begin at midnight")
        if "%I" in form and "%p" not in form:
            yield error(loc, f"the format {form!r} reads twelve hours without %p; write %H, or add %p")
    facts = reads(node, definition.lets) - set(definition.lets)
    captures = facts & set(definition.capture_names)
    if not times and captures and not facts - captures:
        named = ", ".join(sorted(captures))
        yield warning(loc, f"{named} goes to Gong as it is written in the name; put | time('%Y%m%d%H%M%S') or "
                           "the like behind it, unless it has an offset")  # fmt: skip
    if "modified_at" in facts:
        yield warning(loc, "the time of the file is the end of the call at best, and changes when it is copied; "
                           "take the start from the name or the sidecar")  # fmt: skip
    if Results(lets=definition.lets, tables=definition.tables).can_be_constant(node):
        yield error(loc, "it can be a constant, and calls would get a time that is not theirs; without a time the "
                         "recording is held, which is right")  # fmt: skip


def _nobody(definition: Definition) -> Iterator[Found]:
    primary, parties = definition.call.get("primaryUser"), definition.call.get("parties")
    if definition.body is not None or not isinstance(parties, list) or primary is None:
        return
    wanted = reads(primary, definition.lets)
    for party in parties:
        if not isinstance(party, dict) or party.get("userId") is not None or party.get("emailAddress") is not None:
            return
        if reads(party.get("phoneNumber"), definition.lets) & wanted:
            return
    yield error(("call", "parties"), "none of them is the primaryUser; add a party with the same userId")


def _shares(definition: Definition) -> Iterator[Found]:
    """Who is named under share_with, as far as it stands in the file."""
    results = Results(lets=definition.lets, tables=definition.tables)
    for loc, node in _leaves(definition.share_with, ("share_with",)):
        if loc[-1] in ("when", "each"):
            continue
        for value in dict.fromkeys(value for value in results.of(node) if isinstance(value, str)):
            if value.count("@") > 1 or any(mark in value for mark in ",;"):
                yield error(loc, f"{value!r} names several people in one text, and is nobody; write a list")
            elif "@" in value and not _ADDRESS.fullmatch(value.strip()):
                yield error(loc, f"{value!r} is no e-mail address")
        if isinstance(node, Template) and any(one.name == "agent" for one in node.filters):
            yield error(loc, "| agent holds a recording before it is sent when nobody is found, and gives no text; "
                             "leave it out: an extension or login is looked up here anyway")  # fmt: skip


_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
Check = Callable[[Definition], Iterator[Found]]
FIELD_CHECKS: tuple[Check, ...] = (_refused, _identity, _start, _nobody, _shares)
