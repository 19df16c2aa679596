"""Reads YAML text into nodes that know their line and into plain data, without YAML 1.1's surprises; pure.

PyYAML's SafeLoader turns `0123` into 83, `12:30` into 750, `no` into False and keeps the last of two equal keys. Here
plain scalars follow YAML 1.2's core schema, narrowed for telephony: only null, true/false and decimal numbers without
leading zeros or plus sign become anything but text, so that extensions and +1... numbers survive. Keys are always text.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

DEEPEST = 40
"""Levels of nesting; more is an accident or an attack."""
MOST_NODES = 100_000
"""Values after every alias was written out: stops `&a [*b, *b, ...]` bombs."""

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")  # no plus sign, no leading zero: those are phone numbers
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)")


class Mistake(NamedTuple):
    """What is wrong at a line and column (both from 1), with its cure."""

    line: int
    column: int
    what: str


class NotYaml(Exception):
    """The text cannot be read at all; `mistakes` says where and why."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__(mistakes)
        self.mistakes = mistakes


def read_nodes(text: str) -> tuple[Node | None, Any]:
    """The root node (None for an empty text) and its plain data: dict, list, str, int, float, bool, None.

    Raises NotYaml with every duplicate key at once, or with the first place where the syntax breaks.
    """
    try:
        loader = _NodeLoader(text)
        root = loader.get_single_node()
    except ReaderError as error:
        raise NotYaml([_bad_character(text, error)]) from None
    except yaml.MarkedYAMLError as error:
        raise NotYaml([_bad_syntax(error)]) from None
    if root is None:
        return None, None
    builder = _Builder()
    data = builder.value(root, 0)
    if builder.mistakes:
        raise NotYaml(builder.mistakes)
    return root, data


class _NodeLoader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to the nodes, with no implicit types; refuses tags, deep nesting and floods."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise _refused(event.start_mark, "tags (words with ! before them) are not used; put the value in quotes")
        self._depth += 1
        self._nodes += 1
        if self._depth > DEEPEST:
            raise _refused(event.start_mark, f"nested deeper than {DEEPEST} levels; check the brackets and indentation")
        if self._nodes > MOST_NODES:
            raise _refused(event.start_mark, f"more than {MOST_NODES} values; split the file")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Builder:
    """Nodes to data; collects the mistakes that do not stop reading."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self._values = 0

    def value(self, node: Node, depth: int) -> Any:
        self._values += 1
        if depth > DEEPEST or self._values > MOST_NODES:
            what = "an alias (*name) repeats itself too often or contains itself; write the values out"
            raise NotYaml([_at(node.start_mark, what)])
        if isinstance(node, ScalarNode):
            if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in node.value):
                self.mistakes.append(_at(node.start_mark, "an escape for a zero byte or half a character; remove it"))
            return _plain(node.value) if node.style is None else node.value
        if isinstance(node, SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        return self._mapping(node, depth)

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first_seen: dict[str, Node] = {}
        for key, child in node.value:
            value = self.value(child, depth + 1)
            if not isinstance(key, ScalarNode):
                what = "a key must be a plain word; if this is a value with { or [, put it in quotes"
                self.mistakes.append(_at(key.start_mark, what))
            elif key.style is None and key.value in ("", "<<"):
                what = "a key is missing before the colon" if not key.value else "'<<' is not used here"
                self.mistakes.append(_at(key.start_mark, f"{what}; write every key out"))
            elif key.value in first_seen:
                line = first_seen[key.value].start_mark.line + 1
                what = f"the key {key.value!r} stands here and in line {line}; keep one of them"
                self.mistakes.append(_at(key.start_mark, what))
            else:
                first_seen[key.value] = key
                data[key.value] = value
        return data


def _plain(text: str) -> Any:
    """An unquoted scalar's value."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


# --- words for broken syntax; PyYAML's own texts may quote parts of a secret, so they are never shown ---------------

_SINGLE_QUOTES = "a backslash in \"double quotes\" has a meaning of its own; use 'single quotes'"
_CLOSE_QUOTE = "a quote is opened here and never closed; add the closing quote"
_QUOTE_STAR = "a value that begins with * or & needs quotes, such as '**/*.wav'"
_PROBLEMS = {
    # a part of PyYAML's problem: (where to point, what and cure)
    "character '\\t'": ("problem", "a tab stands where spaces are expected; replace it with spaces"),
    "that cannot start any token": ("problem", "this character cannot begin a value; put the whole value in quotes"),
    "mapping values are not allowed": (
        "problem",
        "a second colon, or a key at the wrong indentation; "
        "put a value that contains ': ' in quotes, and align keys of one group in one column",
    ),
    "sequence entries are not allowed": ("problem", "a list cannot begin here; start each '- ' on a line of its own"),
    "could not find expected ':'": (
        "context",
        "no colon follows this key; write `key: value`, a space after the colon",
    ),
    "expected <block end>, but found '<scalar>'": (
        "problem",
        "text stands after a closing quote; write one value a line, and two single quotes ('') for one inside quotes",
    ),
    "expected <block end>": (
        "problem",
        "the indentation does not fit the lines above; align keys of one group in one column",
    ),
    "expected ',' or ']'": ("context", "a list opened with [ is not closed, or lacks a comma; add ] or the comma"),
    "expected ',' or '}'": ("context", "a group opened with { is not closed, or lacks a comma; add } or the comma"),
    "found unexpected end of stream": ("context", _CLOSE_QUOTE),
    "found unexpected document separator": (
        "context",
        _CLOSE_QUOTE,
    ),
    "unknown escape character": (
        "problem",
        _SINGLE_QUOTES,
    ),
    "expected escape sequence": (
        "problem",
        _SINGLE_QUOTES,
    ),
    "expected alphabetic or numeric character": ("context", _QUOTE_STAR),
    "undefined alias": ("problem", _QUOTE_STAR),
    "duplicate anchor": ("problem", _QUOTE_STAR),
    "expected a single document": ("problem", "a second document begins here; remove the line with ---"),
    "expected '<document start>'": (
        "problem",
        "text after the end of the file; check the indentation of this line",
    ),
    "expected the node content": ("problem", "a value is missing here; remove the extra comma or write the value"),
}


def _bad_syntax(error: yaml.MarkedYAMLError) -> Mistake:
    problem = error.problem or ""
    if isinstance(error, _Refused):
        return _at(error.problem_mark, problem)
    for part, (where, what) in _PROBLEMS.items():
        if part in f"{error.context} {problem}":
            mark = error.context_mark if where == "context" and error.context_mark else error.problem_mark
            return _at(mark or error.context_mark, what)
    what = "this is not valid YAML; check the quotes, colons and indentation of this line and the one above"
    return _at(error.problem_mark or error.context_mark, what)


def _bad_character(text: str, error: ReaderError) -> Mistake:
    before = text[: error.position]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Mistake(line, column, f"an invisible character (U+{ord(text[error.position]):04X}) stands here; delete it")


class _Refused(yaml.MarkedYAMLError):
    """Our own refusal; its text may be shown."""


def _refused(mark: Any, what: str) -> _Refused:
    return _Refused(problem=what, problem_mark=mark)


def _at(mark: Any, what: str) -> Mistake:
    return Mistake(mark.line + 1, mark.column + 1, what) if mark else Mistake(1, 1, what)


__all__ = ["MappingNode", "Mistake", "Node", "NotYaml", "ScalarNode", "SequenceNode", "read_nodes"]
