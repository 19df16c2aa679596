"""Reads a mapping file and checks everything that can be known before a recording comes, all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.definition import (
    FACTS,
    ITEM,
    CallItem,
    Condition,
    Definition,
    Grouping,
    Node,
    Pattern,
    reads,
)
from gong_bridge.mapping.extending import files_of, load_layers, names_of
from gong_bridge.mapping.filter_checks import check_filters
from gong_bridge.mapping.filters import EXPRESSIONS
from gong_bridge.mapping.language import LEFT_TO_THE_BRIDGE, MERGED, GroupRule, MappingFile
from gong_bridge.mapping.patterns import GuardedPattern, guarded_pattern, named_groups
from gong_bridge.mapping.sidecar_loading import Loc, SidecarReader, items_in, mapping_in
from gong_bridge.mapping.templates import Template
from gong_bridge.mapping.words import unknown
from gong_bridge.strict_yaml import Document, problems_of

_RESERVED = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_GROUP = re.compile(r"\(\?P<(\w+)>")


def load_definition(path: Path) -> Definition:
    """The mapping in `path`. Raises ConfigError with `file:line:column: key: what; cure` for every mistake."""
    document = load_layers(path)
    problems: list[str] = []
    parsed: MappingFile | None = None
    try:
        parsed = MappingFile.model_validate(document.data)
    except ValidationError as error:
        problems += problems_of(document, error, MappingFile)
    reader = _Reader(document)
    definition = reader.read(path.stem, parsed)
    problems += reader.problems
    if problems:
        raise ConfigError(sorted(dict.fromkeys(problems), key=_by_place))
    assert definition is not None
    return definition


class _Reader:
    """Walks the raw data, so that it finds its mistakes also in a file whose keys are wrong."""

    def __init__(self, document: Document) -> None:
        self.problems: list[str] = []
        self._document = document
        self._known: set[str] = set(FACTS)
        if mapping_in(document.data.get("sidecar")).get("table"):
            self._known.add("rows")
        self._taken = self._known | {"row"}
        self._tables: dict[str, Any] = mapping_in(document.data.get("tables"))
        self._used: set[str] = set()
        self._options = mapping_in(document.data.get("options"))

    def read(self, name: str, parsed: MappingFile | None) -> Definition | None:
        data = self._document.data
        patterns = self._patterns(items_in(data.get("match")))
        captures = named_groups(pattern.guarded for pattern in patterns)
        self._names_of_facts(captures, patterns)
        if not data.get("sidecar"):
            self._known.discard("sidecar")
        if not data.get("group_by"):
            self._known.discard("group")
        lets: dict[str, Node] = {}
        for let, value in mapping_in(data.get("let")).items():
            lets[let] = self._node(value, ("let", let))
            self._new_name(let, ("let", let))
        reader = SidecarReader(node=self._node, condition=self._condition, problem=self._problem, known=self._known)
        sidecar = reader.read(mapping_in(data.get("sidecar")), parsed.sidecar if parsed else None, lets)
        grouping = self._grouping(mapping_in(data.get("group_by")), parsed.group_by if parsed else None, lets)
        rules = {key: self._rules(data.get(key), key) for key in ("skip_when", "hold_when", "warn_when")}
        internal = mapping_in(data.get("internal_calls"))
        internal_when = self._condition(internal.get("when", False), ("internal_calls", "when"))
        body = self._node(data["body"], ("body",)) if isinstance(data.get("body"), str) else None
        share_with = self._node(data.get("share_with", []), ("share_with",))
        call = {key: self._node(value, ("call", key)) for key, value in mapping_in(data.get("call")).items()}
        self._required(body, call)
        if parsed is None or self.problems:
            return None
        return Definition(
            name=name,
            about=parsed.about,
            patterns=patterns,
            capture_names=captures,
            when_no_match=parsed.when_no_match,
            placeholders=frozenset(word.strip().casefold() for word in parsed.placeholders),
            tables=parsed.tables,
            sidecar=sidecar,
            grouping=grouping,
            lets=lets,
            skip_when=rules["skip_when"],
            hold_when=rules["hold_when"],
            warn_when=rules["warn_when"],
            internal_when=internal_when,
            internal_policy=parsed.internal_calls.policy if parsed.internal_calls else "skip",
            share_with=share_with,
            body=body if isinstance(body, Template) else None,
            call=call,
            names_used=frozenset(self._used),
            options=parsed.options,
            extends=names_of(self._document),
            files=files_of(self._document),
        )

    # --- names ---------------------------------------------------------------------------------------------------

    def _patterns(self, items: list[Any]) -> tuple[Pattern, ...]:
        found = []
        for index, item in enumerate(items):
            for subject in ("name", "stem", "key"):
                text = mapping_in(item).get(subject)
                if isinstance(text, str):
                    guarded = self._pattern(text, ("match", index, subject))
                    if guarded is not None:
                        constants = mapping_in(mapping_in(item).get("set"))
                        found.append(Pattern(subject=subject, guarded=guarded, constants=constants))
        return tuple(found)

    def _pattern(self, text: str, loc: Loc) -> GuardedPattern | None:
        try:
            return guarded_pattern(text)
        except ValueError as error:
            self._problem(loc, str(error))
            self._known.update(_GROUP.findall(text))  # so that templates which use its groups are not blamed too
            return None

    def _names_of_facts(self, captures: Sequence[str], patterns: Sequence[Pattern]) -> None:
        for capture in captures:
            self._new_name(capture, ("match",), "the group")
        for index, pattern in enumerate(patterns):
            for constant in pattern.constants:
                if constant not in self._known:
                    self._new_name(constant, ("match", index, "set", constant))

    def _new_name(self, name: str, loc: Loc, what: str = "the name") -> None:
        if name in _RESERVED or not _NAME.fullmatch(name):
            self._problem(loc, f"{what} {name!r} cannot be used in templates; use letters, digits and _")
        elif name in self._taken or name == ITEM or (name in self._known and loc[0] == "let"):
            self._problem(loc, f"{what} {name!r} is taken; choose another")
        self._known.add(name)

    # --- parts ---------------------------------------------------------------------------------------------------

    def _grouping(self, data: dict[str, Any], rule: GroupRule | None, lets: dict[str, Node]) -> Grouping | None:
        if not data:
            return None
        merge = mapping_in(data.get("merge"))
        nodes = {key: self._node(data.get(key), ("group_by", key)) for key in ("call", "part", "starts_at")}
        nodes |= {side: self._node(merge.get(side), ("group_by", "merge", side)) for side in ("left", "right")}
        if "group" in reads(list(nodes.values()), lets):
            self._problem(("group_by",), "what binds the files cannot depend on the group itself; use other facts here")
        if rule is None:
            return None
        return Grouping(
            **nodes,
            window_seconds=rule.window,
            policy=rule.policy,
            prefers=(MERGED, *(name for name in rule.pick if name != MERGED)) if rule.policy == "merge" else rule.pick,
            keep_gaps=rule.gaps == "keep",
            when_incomplete=rule.when_incomplete,
            when_late=rule.when_late,
        )

    def _rules(self, items: Any, key: str) -> tuple[Condition, ...]:
        return tuple(
            Condition(
                when=self._condition(mapping_in(item).get("when", False), (key, index, "when")),
                because=self._node(mapping_in(item).get("because", ""), (key, index, "because")),
            )
            for index, item in enumerate(items_in(items))
        )

    def _condition(self, value: Any, loc: Loc) -> Node:
        return self._template(value, loc, condition=True) if isinstance(value, str) else value

    def _node(self, value: Any, loc: Loc) -> Node:
        if isinstance(value, str):
            return self._template(value, loc) if "{{" in value or "{%" in value else value
        if isinstance(value, dict) and _is_item_of_call(loc):
            return self._item(value, loc)
        if isinstance(value, dict):
            return {key: self._node(inner, (*loc, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._node(inner, (*loc, index)) for index, inner in enumerate(value)]
        return value

    def _item(self, value: dict[str, Any], loc: Loc) -> CallItem:
        """An object in a list of the call: `when` is a condition, `each` a list whose items the rest may read."""
        first: dict[str, Node] = {}
        if isinstance(value.get("each"), str):
            if ITEM in self._known:
                self._problem((*loc, "each"), "no each inside of another each; use | query for the inner list")
            first["each"] = self._condition(value["each"], (*loc, "each"))
            self._known.add(ITEM)
        rest = {
            key: (self._condition if key == "when" else self._node)(inner, (*loc, key))
            for key, inner in value.items()
            if key != "each"
        }
        if first:
            self._known.discard(ITEM)
        return CallItem({**first, **rest})

    def _template(self, text: str, loc: Loc, *, condition: bool = False) -> Template | None:
        try:
            template = EXPRESSIONS.compile_condition(text) if condition else EXPRESSIONS.compile(text)
        except ValueError as error:
            self._problem(loc, str(error))
            return None
        for mistake in check_filters(template, self._tables):
            self._problem(loc, mistake)
        for option in sorted({path[1] for path in template.paths if path[0] == "options" and len(path) > 1}):
            if option not in self._options:
                self._problem(loc, unknown("option", option, self._options))
        for name in template.names:
            self._used.add(name)
            if name == "sidecar" and name not in self._known:
                self._problem(loc, "there is no sidecar to read here; declare where it lies under `sidecar`")
            elif name == "group" and name not in self._known:
                self._problem(loc, "every file is a call of its own here; say under `group_by` what binds several")
            elif name not in self._known:
                self._problem(loc, unknown("fact", name, self._known))
        return template

    def _required(self, body: Node, call: dict[str, Node]) -> None:
        for field in LEFT_TO_THE_BRIDGE:
            if field in call:
                self._problem(("call", field), f"{field} is filled in by the bridge; remove it")
        needed = ("clientUniqueId", "actualStart", "direction", "primaryUser", "parties")
        missing = [field for field in needed if field not in call]
        if body is None and missing and isinstance(self._document.data.get("call"), dict):
            self._problem(("call",), f"Gong cannot do without {', '.join(missing)}; add what is missing")

    def _problem(self, loc: Loc, what: str) -> None:
        self.problems.append(f"{self._document.place(loc)}: {key_path(loc)}: {what}")


def key_path(loc: Loc) -> str:
    """`match[#1].name`: Document.key_path would call a pattern by its text, because the key is `name`."""
    text = ""
    for part in loc:
        text += f"[#{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _is_item_of_call(loc: Loc) -> bool:
    return loc[0] in ("call", "share_with") and isinstance(loc[-1], int)


def _by_place(problem: str) -> tuple[int, int]:
    place = re.match(r".*?:(\d+):(\d+): ", problem)
    return (int(place[1]), int(place[2])) if place else (0, 0)
