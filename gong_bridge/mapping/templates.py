"""Turns text with {{ expressions }} into values: Jinja2, closed in so that a mapping can compute but never act.

Only expressions exist: no statements, so no loops; no calls, so no methods; filters and tests are the named ones. What
remains is bounded by the length of the expression, and every step that can make text or numbers grow has a limit. So a
template needs no deadline: tests/unit/mapping/test_templates.py throws hostile ones at it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import jinja2
from jinja2 import StrictUndefined, UndefinedError, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from gong_bridge.errors import BridgeError
from gong_bridge.mapping.weight import check_weight
from gong_bridge.mapping.words import listed, unknown

LONGEST_TEMPLATE = 4096
LONGEST_TEXT = 65_536
"""Characters that one computed text may have."""
_MOST_NODES = 400
_LARGEST_NUMBER = 10.0**30
_TIME_PARTS = ("year", "month", "day", "hour", "minute", "second")
_ALLOWED = (
    nodes.Add, nodes.And, nodes.Compare, nodes.Concat, nodes.CondExpr, nodes.Const, nodes.Dict, nodes.Div,
    nodes.Filter, nodes.FloorDiv, nodes.Getattr, nodes.Getitem, nodes.Keyword, nodes.List, nodes.Mod, nodes.Mul,
    nodes.Name, nodes.Neg, nodes.Not, nodes.Operand, nodes.Or, nodes.Output, nodes.Pair, nodes.Pos, nodes.Slice,
    nodes.Sub, nodes.Template, nodes.TemplateData, nodes.Test, nodes.Tuple,
)  # fmt: skip
_TESTS = (
    "defined",
    "undefined",
    "none",
    "number",
    "string",
    "boolean",
    "integer",
    "mapping",
    "sequence",
    "odd",
    "even",
)


class NotUsable(ValueError):
    """A value cannot be computed; the message says why and gets its field's name from the caller."""


class Missing(StrictUndefined):
    """Something that is not there. Going deeper into it stays missing; using it raises and says what is there."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        name, parent = self._undefined_name, self._undefined_obj
        if isinstance(parent, Mapping):
            return f"there is no {str(name)!r}; there is: {listed(sorted(map(str, parent)))}"
        kind = "nothing" if parent in (None, "") else "a list" if isinstance(parent, (list, tuple)) else "a plain value"
        return f"there is no {str(name)!r} in {kind}"


class Later:
    """Facts that cost a request, fetched when an expression first goes into them."""

    def __init__(self, load: Callable[[], Mapping[str, Any]]) -> None:
        self._load = load
        self._facts: Mapping[str, Any] | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        if self._facts is None:
            self._facts = self._load()
        return self._facts

    @property
    def loaded(self) -> Mapping[str, Any] | None:
        return self._facts


class _Context(Context):
    """Jinja's context without what blocks, globals and escaping need: made for every template of every recording."""

    def __init__(self, environment: jinja2.Environment, parent: dict[str, Any], name: None, blocks: Any) -> None:
        self.environment, self.parent, self.name, self.blocks = environment, parent, name, blocks
        self.vars: dict[str, Any] = {}
        self.exported_vars: set[str] = set()


class _Environment(ImmutableSandboxedEnvironment):
    """Attributes mean keys of mappings and parts of times, nothing else; arithmetic is for numbers, with limits."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%"))

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Later):
            obj = obj.facts
        if isinstance(obj, Mapping) and isinstance(argument, (str, int)):
            if argument in obj:
                return obj[argument]
        elif isinstance(obj, (list, tuple, str)) and isinstance(argument, (int, slice)):
            try:
                return obj[argument]
            except IndexError:
                return Missing(hint=f"there is no item {argument}; there are {len(obj)}")
        elif isinstance(obj, date) and argument in _TIME_PARTS:
            return getattr(obj, argument)
        return Missing(obj=obj, name=str(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        for side in (left, right):
            if isinstance(side, Undefined):
                side._fail_with_undefined_error()
            if isinstance(side, bool) or not isinstance(side, (int, float)):
                raise NotUsable(f"'{operator}' is for numbers; join texts with ~, shift times with | plus(seconds=...)")
        result = super().call_binop(context, operator, left, right)
        if abs(result) > _LARGEST_NUMBER:
            raise NotUsable("the result of a calculation is too large")
        return result


def join_text(parts: list[Any]) -> str:
    """The texts of `parts` one after the other; nothing becomes empty text, times become ISO 8601."""
    texts = [text_of(part) for part in parts]
    if sum(map(len, texts)) > LONGEST_TEXT:
        raise NotUsable(f"the text is longer than {LONGEST_TEXT} characters")
    return "".join(texts)


def text_of(value: Any) -> str:
    """A plain value as text. Raises NotUsable for lists and mappings, and for what is missing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise NotUsable("a list or a mapping is no text; choose one value in it, or write | to_json")


class Expressions:
    """Compiles templates against one set of filters; the filters' names and checks come from filters.py."""

    def __init__(self, filters: Mapping[str, Callable[..., Any]], tests: Mapping[str, Callable[..., Any]]) -> None:
        self._environment = _Environment(undefined=Missing, optimized=False, autoescape=False, cache_size=0)
        self._environment.globals.clear()
        known_tests = {name: self._environment.tests[name] for name in _TESTS}
        self._environment.tests = {**known_tests, **tests}
        self._environment.filters = {**filters, "_join": join_text}

    def compile(self, text: str) -> Template:
        """A template. Raises ValueError with the cure when it does not compile or does more than compute."""
        if len(text) > LONGEST_TEMPLATE:
            raise ValueError(f"a template has at most {LONGEST_TEMPLATE} characters")
        try:
            tree = self._environment.parse(text)
        except TemplateSyntaxError as error:
            raise ValueError(_syntax_cure(text, error.message or "")) from None
        except RecursionError:
            raise ValueError("the template is nested too deeply; split it with `let`") from None
        self._check(tree)
        parts = [part for output in tree.body for part in _parts_of(output)]
        expression = parts[0] if len(parts) == 1 else nodes.List(parts, lineno=1)
        if len(parts) != 1:
            expression = nodes.Filter(expression, "_join", [], [], None, None, lineno=1)
        return self.of_node(_Rewriting().visit(expression), text)

    def of_node(self, expression: nodes.Expr, text: str = "") -> Template:
        """A template of an expression that was checked already."""
        body = nodes.Template([nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)], lineno=1)
        body.set_environment(self._environment)
        return Template(text=text, tree=expression, compiled=self._environment.from_string(body))

    def compile_condition(self, text: str) -> Template:
        """A template that is one condition; its braces may be left out."""
        return self.compile(text if "{{" in text or "{%" in text else "{{ " + text + " }}")

    def _check(self, tree: nodes.Template) -> None:
        count = 0
        for node in _walk(tree):
            count += 1
            if not isinstance(node, _ALLOWED):
                raise ValueError(_refusal(node))
            if isinstance(node, nodes.Filter):
                if node.name not in self._environment.filters or node.name.startswith("_"):
                    public = [name for name in self._environment.filters if not name.startswith("_")]
                    raise ValueError(unknown("filter", node.name, public))
                if node.dyn_args is not None or node.dyn_kwargs is not None:
                    raise ValueError("a filter's arguments are written one by one, without * and **")
            if isinstance(node, nodes.Test) and node.name not in self._environment.tests:
                raise ValueError(unknown("test", node.name, self._environment.tests))
        if count > _MOST_NODES:
            raise ValueError("the template is too long; split it with `let`")


class Template:
    """One compiled text; safe to use from several threads at once."""

    def __init__(self, *, text: str, tree: nodes.Expr, compiled: jinja2.Template) -> None:
        self.text = text
        self.paths = tuple(dict.fromkeys(_paths_of(tree)))
        """Every fact the template reads, such as ("sidecar", "caller", "number")."""
        self.names = tuple(dict.fromkeys(path[0] for path in self.paths))
        """The first names of all paths."""
        self.filters = tuple(node for node in _walk(tree) if isinstance(node, nodes.Filter) and node.name != "_join")
        self.tree = tree
        self._builds = any(isinstance(node, (nodes.List, nodes.Tuple, nodes.Dict)) for node in _walk(tree))
        self._compiled = compiled

    def evaluate(self, facts: dict[str, Any]) -> Any:
        """The value: what the expression gives when the text is one expression, else text. Missing becomes an error.

        Raises NotUsable (also for every fault of the expression itself) and what look-ups raise (UnknownPerson ...).
        """
        context = _Context(self._compiled.environment, facts, None, {})
        try:
            for _ in self._compiled.root_render_func(context):
                pass
            result = context.vars["result"]
            if isinstance(result, Undefined):
                result._fail_with_undefined_error()
            if self._builds and isinstance(result, (list, tuple, dict)):
                check_weight(result)
        except (BridgeError, NotUsable):
            raise
        except UndefinedError as error:
            raise NotUsable(f"{self.shown}: {error.message}") from None
        except ValueError as error:
            raise NotUsable(f"{self.shown}: {error}") from None
        except Exception as error:
            raise NotUsable(f"{self.shown} cannot be computed: {type(error).__name__}: {error}") from error
        if isinstance(result, str) and len(result) > LONGEST_TEXT:
            raise NotUsable(f"the text is longer than {LONGEST_TEXT} characters")
        return result

    @property
    def shown(self) -> str:
        """The template as messages show it."""
        text = " ".join(self.text.split())
        return text if len(text) <= 120 else text[:117] + "..."


class _Rewriting(NodeTransformer):
    """`a ~ b` goes through join_text, which knows the limits; `a if b` without else is nothing when b is false."""

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        otherwise = nodes.Const(None, lineno=node.lineno) if node.expr2 is None else self.visit(node.expr2)
        return nodes.CondExpr(self.visit(node.test), self.visit(node.expr1), otherwise, lineno=node.lineno)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        inner = nodes.List([self.visit(part) for part in node.nodes], lineno=node.lineno)
        return nodes.Filter(inner, "_join", [], [], None, None, lineno=node.lineno)


def _parts_of(output: nodes.Node) -> list[nodes.Expr]:
    if not isinstance(output, nodes.Output):
        raise ValueError(_refusal(output))
    return [nodes.Const(part.data, lineno=1) if isinstance(part, nodes.TemplateData) else part for part in output.nodes]


def _walk(node: nodes.Node) -> list[nodes.Node]:
    found, waiting = [], [node]
    while waiting:
        item = waiting.pop()
        found.append(item)
        waiting.extend(item.iter_child_nodes())
    return found


def _paths_of(tree: nodes.Node) -> list[tuple[str, ...]]:
    """Dotted paths of facts, the longest where one contains another, in the order of the text."""
    path = path_of(tree)
    if path is not None:
        return [path]
    return [path for child in tree.iter_child_nodes() for path in _paths_of(child)]


def path_of(node: nodes.Node) -> tuple[str, ...] | None:
    """("sidecar", "caller", "number") when the node is just such a path."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        parent = path_of(node.node)
        return None if parent is None else (*parent, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        parent = path_of(node.node)
        return None if parent is None else (*parent, str(node.arg.value))
    return None


def _refusal(node: nodes.Node) -> str:
    if isinstance(node, nodes.Call):
        return "functions and methods cannot be called; use a filter, such as {{ name | split('-') | first }}"
    if isinstance(node, nodes.Pow):
        return "** is not part of the language"
    if isinstance(node, nodes.For):
        return "there is no {% for %}; write `each: a.list` beside the fields of a party, or pick with | query('...')"
    return "only {{ expressions }} can be used, no {% statements %}; write a choice as {{ a if condition else b }}"


def _syntax_cure(text: str, message: str) -> str:
    plain = re.sub(r"\s+", " ", message).strip()
    opened, closed = text.count("{{"), text.count("}}")
    cure = "; every {{ needs its }}" if opened != closed else ""
    return f"the template does not compile: {plain}{cure}"
