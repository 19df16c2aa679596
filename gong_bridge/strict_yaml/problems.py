"""Sentences with a place for people who know telephones, not Python: what is wrong, and the cure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from pydantic import BaseModel, ValidationError

from gong_bridge.strict_yaml.document import Document
from gong_bridge.strict_yaml.findings import EXPECTED, Finding, findings_of, value_at
from gong_bridge.strict_yaml.keys import KeyGroup, groups_at, key_paths, near_name


def problems_of(
    document: Document, error: ValidationError, model: type[BaseModel], *, secret_keys: Collection[str] = ()
) -> list[str]:
    """Every mistake that pydantic found, one line each: `file:line:column: key.path: what; cure`, in the file's order.

    `model` is the class that `document.data` was validated against (known keys come from it); values at or below
    `secret_keys` are never shown.
    """
    lines: dict[str, tuple[int, int]] = {}
    for finding in findings_of(document.data, error):
        hidden = any(part in secret_keys for part in finding.loc)
        of_key = finding.kind in ("extra_forbidden", "missing")
        at = finding.loc[:-1] if finding.kind == "missing" else finding.loc
        what = _sentence(_Scene(document=document, model=model, finding=finding, hidden=hidden))
        line = document.problem(finding.loc, what, at=at, of_key=of_key)
        lines[line] = document.line_and_column(at, of_key=of_key)
    return sorted(lines, key=lambda line: lines[line])


class _Scene:
    """A finding with what is needed to speak of it."""

    def __init__(self, *, document: Document, model: type[BaseModel], finding: Finding, hidden: bool) -> None:
        self.finding = finding
        self.model = model
        self.hidden = hidden
        self.document = document
        self.value = value_at(document.data, finding.loc)
        self.written = None if hidden else document.written(finding.loc)

    def groups(self, loc: tuple[str | int, ...]) -> list[KeyGroup]:
        return groups_at(self.model, loc, self.finding.branches)

    def about(self) -> str:
        """What the key at this place is for."""
        key = str(self.finding.loc[-1]) if self.finding.loc else ""
        return next((group.about[key] for group in self.groups(self.finding.loc[:-1]) if key in group.about), "")

    def found(self, *, shown: bool = True) -> str:
        """What stands there, in words; the value itself only when it is short, no secret, and `shown`."""
        value, written = self.value, self.written
        if value is None:
            return "nothing"
        if isinstance(value, dict | list):
            return "keys below it" if isinstance(value, dict) else "a list"
        if written is None or not shown:
            return "text" if isinstance(value, str) else "a word" if isinstance(value, bool) else "a number"
        text = written if len(written) <= 60 else written[:57] + "..."
        return repr(text) if isinstance(value, str) else text


def _sentence(scene: _Scene) -> str:
    finding = scene.finding
    wording = _WORDINGS.get(finding.kind)
    if wording is not None:
        return wording(scene)
    if finding.kind in EXPECTED:
        return _unexpected(scene)
    message = finding.message[:1].lower() + finding.message[1:]
    return f"{message}, found {scene.found()}" if message.startswith("input ") else message


def _unexpected(scene: _Scene) -> str:
    """A value of quite another kind."""
    expected = EXPECTED[scene.finding.kind]
    if scene.finding.kind in ("model_type", "model_attributes_type", "dict_type"):
        if scene.value is None:
            return "nothing is written below this key; write its keys in the lines below, indented, or remove it"
        group = next(iter(scene.groups(scene.finding.loc)), None)
        keys = f" ({', '.join(group.about)})" if group else ""
        return f"expected {expected}{keys}, found {scene.found(shown=False)}"
    if expected == "text" and isinstance(scene.value, bool | int | float):
        about = scene.about().split(";")[0]
        about = f" ({about})" if about else ""
        return f"expected text{about}, found {scene.found()}; put it in quotes: '{scene.written or '...'}'"
    if scene.finding.kind.endswith(("tuple_type", "list_type", "set_type")) and isinstance(scene.value, str):
        return f"expected a list, found {scene.found()}; write it in brackets: ['{scene.written or '...'}']"
    return f"expected {expected}, found {scene.found()}"


def _union(scene: _Scene) -> str:
    groups = {group.model_name: group for group in scene.groups(scene.finding.loc)}
    wanted = []
    for choice in scene.finding.choices:
        group = groups.get(choice)
        wanted.append("{" + ", ".join(f"{key}: ..." for key in sorted(group.required)) + "}" if group else choice)
    return f"expected {' or '.join(wanted)}, found {scene.found()}"


# --- keys ------------------------------------------------------------------------------------------------------------


def _missing(scene: _Scene) -> str:
    where = "at the top of the file" if len(scene.finding.loc) == 1 else "here"
    about = scene.about()
    return f"this key is missing; add {scene.finding.loc[-1]!r} {where}" + (f" ({about})" if about else "")


def _unknown_key(scene: _Scene) -> str:
    key, parent = str(scene.finding.loc[-1]), scene.finding.loc[:-1]
    groups = scene.groups(parent)
    here = next((group for group in groups if key not in group.about), None)
    if here is None:
        return f"unknown key {key!r}; remove it"
    partner = next((group for group in groups if key in group.about), None)
    if partner is not None:
        return _wrong_partner(key, here, partner)
    siblings = value_at(scene.document.data, parent)
    free = [name for name in here.about if name not in siblings]
    near = near_name(key, free) or near_name(key, here.about)
    if near:
        twice = "" if near in free else ", which is also written here; keep one of them"
        return f"unknown key {key!r}; did you mean {near!r}?{twice}"
    paths = {path.rsplit(".", 1)[-1]: path for path in reversed(list(key_paths(scene.model)))}
    elsewhere = near_name(key, paths)
    if elsewhere:
        return f"unknown key {key!r} at this place; did you mean {paths[elsewhere]}?"
    return f"unknown key {key!r}; known here: {', '.join(here.about)}"


def _wrong_partner(key: str, here: KeyGroup, partner: KeyGroup) -> str:
    """A key of another kind of the same thing, such as `prefix:` in a source that has `folder:`."""
    own = ", ".join(sorted(here.required - set(partner.about))) or "the keys here"
    theirs = partner.required - set(here.about)
    if key in theirs or not theirs:
        return f"{key!r} and {own!r} exclude each other; keep one of them"
    return f"{key!r} goes with {', '.join(sorted(theirs))!r}, this one has {own!r}; remove it"


# --- figures and words -----------------------------------------------------------------------------------------------


def _bound(word: str, figure: str) -> Callable[[_Scene], str]:
    def wording(scene: _Scene) -> str:
        limit = scene.finding.figures.get(figure)
        shown = f"{limit:g}" if isinstance(limit, float) else limit
        return f"must be {word} {shown}, found {scene.found()}"

    return wording


def _length(word: str, figure: str, unit: str) -> Callable[[_Scene], str]:
    return lambda scene: f"must have {word} {scene.finding.figures.get(figure)} {unit}"


def _pattern(scene: _Scene) -> str:
    about = scene.about()
    return f"{scene.found()} is not possible here" + (f"; expected: {about}" if about else "")


_WORDINGS: Mapping[str, Callable[[_Scene], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "union": _union,
    "value_error": lambda scene: str(scene.finding.figures.get("error", scene.finding.message)),
    "assertion_error": lambda scene: str(scene.finding.figures.get("error", scene.finding.message)),
    "literal_error": lambda scene: f"write {scene.finding.figures.get('expected')}; found {scene.found()}",
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "too_short": _length("at least", "min_length", "item(s)"),
    "too_long": _length("at most", "max_length", "items"),
    "string_too_short": _length("at least", "min_length", "character(s)"),
    "string_too_long": _length("at most", "max_length", "characters"),
    "string_pattern_mismatch": _pattern,
}
