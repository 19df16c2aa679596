"""Finds what a mapping file says that loads, and yet cannot be meant: each with its place and the cure; pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from jinja2 import nodes

from gong_bridge.mapping.coverage import is_covered, matches_everything, values_of
from gong_bridge.mapping.definition import Condition, Definition, Node, Pattern, reads, templates_in
from gong_bridge.mapping.extending import load_layers
from gong_bridge.mapping.filters import KNOWING
from gong_bridge.mapping.lint_fields import FIELD_CHECKS
from gong_bridge.mapping.lint_trees import Found, Loc, error, warning
from gong_bridge.mapping.loading import key_path, load_definition
from gong_bridge.mapping.templates import NotUsable, Template, path_of
from gong_bridge.strict_yaml import Document

_MEDIA = (
    ".wav", ".mp3", ".ogg", ".opus", ".flac", ".m4a", ".mp4", ".gsm", ".webm", ".mkv", ".wma", ".amr", ".aiff", ".aif",
    ".au", ".raw", ".ulaw", ".alaw", ".sln", ".g729", ".mov", ".aac", ".3gp", ".wv",
)  # fmt: skip
_MOST_CASES = 500
_CLOSED = re.compile(r"(?<!\\)(?:\\\\)*(?:\$|\\Z)\)*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing to mend. `error`: recordings will be held or lost by it; `warning`: it is probably not meant.

    place is `file:line:column`, key the path in the file such as `call.direction`, text says what and the cure.
    """

    level: Literal["error", "warning"]
    place: str
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.text}"


def lint(path: Path) -> list[Finding]:
    """All findings of one mapping file, in its order. Raises ConfigError when the file cannot be loaded at all."""
    definition, document = load_definition(path), load_layers(path)
    found = [one for check in (*CHECKS, *FIELD_CHECKS) for one in check(definition)]
    found += _text_against_number(definition, document)
    placed = [
        (document.line_and_column(one.loc), Finding(
            level=one.level, place=document.place(one.loc), key=key_path(one.loc), text=one.text
        ))
        for one in found
    ]  # fmt: skip
    return [finding for _, finding in sorted(placed, key=lambda pair: pair[0])]


def templates_of(value: Any) -> Iterator[Template]:
    """Every template of a definition or a part of it, whatever keys the language has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            yield from templates_of(getattr(value, one.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from templates_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from templates_of(item)
    else:
        yield from templates_in(value)


# --- patterns --------------------------------------------------------------------------------------------------------


def _unreachable(definition: Definition) -> Iterator[Found]:
    for index, pattern in enumerate(definition.patterns):
        text, before = _text(pattern), definition.patterns[:index]
        same = [_text(other) for other in before if other.subject == pattern.subject]
        with_slash = pattern.subject == "key"
        single = next((_place_of(definition, other) for other in before if _takes_all_of(other, pattern)), None)
        if single is not None or (same and is_covered(text, same, with_slash=with_slash)):
            which = f"pattern #{single + 1}" if single is not None else "one of the patterns above it"
            yield error(
                ("match", index, pattern.subject),
                f"no name ever comes to this pattern: {which} matches everything that it matches; "
                "put the narrower pattern first, or remove one",
            )


def _takes_all_of(other: Pattern, pattern: Pattern) -> bool:
    if matches_everything(_text(other)):
        return True
    with_slash = pattern.subject == "key"
    return other.subject == pattern.subject and is_covered(_text(pattern), [_text(other)], with_slash=with_slash)


def _place_of(definition: Definition, pattern: Pattern) -> int:
    return next(index for index, one in enumerate(definition.patterns) if one is pattern)


def _open_ended(definition: Definition) -> Iterator[Found]:
    for index, pattern in enumerate(definition.patterns):
        if not _CLOSED.search(_text(pattern)):
            yield warning(
                ("match", index, pattern.subject),
                "the pattern also takes names that go on behind its end (x.wav.bak); end it with $, "
                "or with .*$ when more may follow",
            )


def _unused_captures(definition: Definition) -> Iterator[Found]:
    used = {name for template in templates_of(definition) for name in template.names}
    for index, pattern in enumerate(definition.patterns):
        unused = [name for name in pattern.guarded.pattern.groupindex if name not in used]
        if unused:
            names = ", ".join(unused)
            cure = "use it, or write (?:...) or nothing in place of (?P<name>...)"
            yield warning(("match", index, pattern.subject), f"nothing reads the group {names}; {cure}")
        for name in pattern.constants:
            if name not in used:
                yield warning(("match", index, "set", name), f"nothing reads the fact {name}; use it, or remove it")


# --- names -----------------------------------------------------------------------------------------------------------


def _unused_lets(definition: Definition) -> Iterator[Found]:
    used = {name for template in templates_of(definition) for name in template.names}
    for name in definition.lets:
        if name not in used:
            yield warning(("let", name), f"nothing reads {name}; use it, or remove it")


def _unused_tables(definition: Definition) -> Iterator[Found]:
    looked_up = {
        given.value
        for template in templates_of(definition)
        for node in template.filters
        if node.name == "lookup"
        for given in (*node.args[:1], *(pair.value for pair in node.kwargs if pair.key == "table"))
        if isinstance(given, nodes.Const)
    }
    for name in definition.tables:
        if name not in looked_up:
            yield warning(("tables", name), f"nothing looks up the table {name}; use | lookup({name!r}), or remove it")


def _colliding_sidecars(definition: Definition) -> Iterator[Found]:
    for index, place in enumerate(definition.sidecar.places if definition.sidecar else ()):
        if place.where:
            continue
        if place.ending.endswith(_MEDIA):
            yield error(
                ("sidecar", "find", index, place.rule),
                f"names that end in {place.ending} are recordings; as a sidecar's ending it hides them all. "
                "Write the ending of the file that describes the recording, such as .json",
            )


# --- rules -----------------------------------------------------------------------------------------------------------


def _rules(definition: Definition) -> Iterator[Found]:
    finite = _finite_facts(definition)
    for key in ("skip_when", "hold_when", "warn_when"):
        rules: Sequence[Condition] = getattr(definition, key)
        seen: dict[str, int] = {}
        for index, rule in enumerate(rules):
            loc: Loc = (key, index, "when")
            text = " ".join(rule.when.text.split()) if isinstance(rule.when, Template) else None
            if text is not None and text in seen and key != "warn_when":
                yield warning(loc, f"rule #{seen[text] + 1} has the same condition and comes first; remove one")
                continue
            seen.setdefault(text or "", index)
            yield from _never_or_always(rule.when, loc, definition, finite, always=key != "warn_when")
    yield from _never_or_always(definition.internal_when, ("internal_calls", "when"), definition, finite, always=True)
    parties = definition.call.get("parties")
    for index, party in enumerate(parties if isinstance(parties, list) else ()):
        if isinstance(party, dict) and "when" in party:
            loc = ("call", "parties", index, "when")
            yield from _never_or_always(party["when"], loc, definition, finite, always=False)


def _never_or_always(
    when: Node, loc: Loc, definition: Definition, finite: dict[str, tuple[Any, ...]], *, always: bool
) -> Iterator[Found]:
    is_written = isinstance(when, Template) or loc[0] != "internal_calls"
    outcomes = _outcomes(when, definition, finite) if is_written else set()
    if outcomes == {False}:
        yield warning(loc, "this can never hold for any name that the patterns match; correct it, or remove the rule")
    elif outcomes == {True} and always:
        yield error(loc, "this always holds: no recording gets past it; write a condition")


def _finite_facts(definition: Definition) -> dict[str, tuple[Any, ...]]:
    """The facts that can only have a few values, with all of them: empty where another pattern matched."""
    found: dict[str, set[Any]] = {}
    endless: set[str] = set()
    for pattern in definition.patterns:
        for name in pattern.guarded.pattern.groupindex:
            values = values_of(_text(pattern), name)
            if values is None:
                endless.add(name)
            else:
                found.setdefault(name, {""}).update(values)
        for name, value in pattern.constants.items():
            if isinstance(value, (str, int, float, bool)):
                found.setdefault(name, {""}).add(value)
            else:
                endless.add(name)
    return {name: tuple(values) for name, values in found.items() if name not in endless}


def _outcomes(when: Node, definition: Definition, finite: dict[str, tuple[Any, ...]]) -> set[bool]:
    """Every truth that a condition can have; empty when that cannot be told."""
    if not isinstance(when, Template):
        return {bool(when)}
    names = reads(when, definition.lets)
    facts = sorted(name for name in names if name not in definition.lets)
    if not all(name in finite for name in facts) or any(
        node.name in KNOWING for template in _all_read(when, definition) for node in template.filters
    ):
        return set()
    cases = list(product(*(finite[name] for name in facts))) if facts else [()]
    if len(cases) > _MOST_CASES:
        return set()
    try:
        return {_holds(when, definition, dict(zip(facts, case, strict=True))) for case in cases}
    except NotUsable:
        return set()


def _holds(when: Template, definition: Definition, facts: dict[str, Any]) -> bool:
    for name, node in definition.lets.items():
        if isinstance(node, Template) and all(one in facts for one in node.names):
            facts[name] = node.evaluate(facts)
        elif not any(True for _ in templates_in(node)):
            facts[name] = node
    if any(name not in facts for name in when.names):
        raise NotUsable("a value that is no single expression")
    return bool(when.evaluate(facts))


def _all_read(when: Node, definition: Definition) -> Iterator[Template]:
    yield from templates_in(when)
    for name in reads(when, definition.lets):
        yield from templates_in(definition.lets.get(name))


def _text_against_number(definition: Definition, document: Document) -> Iterator[Found]:
    texts = {name for pattern in definition.patterns for name in pattern.guarded.pattern.groupindex}
    texts -= {name for pattern in definition.patterns for name in pattern.constants}
    texts |= {"name", "stem", "key", "extension", "folder", "source"}
    csv_or_xml = definition.sidecar is not None and definition.sidecar.format in ("csv", "xml")
    for template in templates_of(definition):
        for compare in _compares(template.tree):
            path = path_of(compare.expr)
            is_text = path is not None and (
                (len(path) == 1 and path[0] in texts) or (csv_or_xml and path[0] == "sidecar")
            )
            for operand in compare.ops if is_text else ():
                numbers = _numbers(operand.expr)
                if path and numbers and operand.op in ("eq", "ne", "in", "notin"):
                    what = f"{'.'.join(path)} is text and never equals the number {numbers[0]}"
                    yield error(_loc_of(template, document), f"{what}; write '{numbers[0]}', or {'.'.join(path)} | int")


def _compares(tree: nodes.Node) -> Iterator[nodes.Compare]:
    if isinstance(tree, nodes.Compare):
        yield tree
    yield from tree.find_all(nodes.Compare)


def _numbers(node: nodes.Expr) -> list[Any]:
    items = node.items if isinstance(node, (nodes.List, nodes.Tuple)) else [node]
    return [
        item.value
        for item in items
        if isinstance(item, nodes.Const) and isinstance(item.value, (int, float)) and not isinstance(item.value, bool)
    ]


def _loc_of(template: Template, document: Document) -> Loc:
    """Where the template's text stands in the file."""

    def search(value: Any, loc: Loc) -> Loc | None:
        if isinstance(value, str) and template.text in (
            value,
            "{{ " + value + " }}",
        ):  # conditions stand without braces
            return loc
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return next((found for key, inner in pairs if (found := search(inner, (*loc, key))) is not None), None)

    return search(document.data, ()) or ()


def _text(pattern: Pattern) -> str:
    return pattern.guarded.pattern.pattern


Check = Callable[[Definition], Iterator[Found]]
CHECKS: tuple[Check, ...] = (
    _unreachable,
    _open_ended,
    _unused_captures,
    _unused_lets,
    _unused_tables,
    _colliding_sidecars,
    _rules,
)
