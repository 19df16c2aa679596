"""Guesses what a sidecar beside the samples says: which format, and which of its keys is what; reads one file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gong_bridge.mapping.guessing import DIRECTIONS, Plan
from gong_bridge.mapping.name_times import epoch_format, find_times, settle_day_and_month
from gong_bridge.mapping.sidecar_formats import Malformed, read_sidecar
from gong_bridge.mapping.writing import SidecarPlan

FORMATS = {".json": "json", ".xml": "xml", ".csv": "csv"}
_LARGEST_BYTES = 4 * 2**20
_MOST_KEYS = 200
_WORDS = {
    "start": ("start", "begin", "time", "date", "created", "timestamp", "answer"),
    "agent": (
        "agent",
        "user",
        "extension",
        "login",
        "owner",
        "operator",
        "username",
        "email",
        "localparty",
        "internal",
    ),
    "customer": ("customer", "external", "remote", "caller", "ani", "number", "phone", "client", "contact"),
    "direction": ("direction", "calltype", "way"),
    "id": ("callid", "uniqueid", "uuid", "guid", "recordingid", "id", "sessionid", "contactid"),
}


def find_sidecar(recording: Path) -> tuple[Path, dict[str, str]] | None:
    """The file beside a recording that describes it, and the rule of `sidecar.find` that leads there."""
    for ending in (*FORMATS, *(ending.upper() for ending in FORMATS)):
        for path, rule in (
            (recording.with_name(recording.name + ending), "append"),
            (recording.with_suffix(ending), "replace_extension"),
        ):
            if path.is_file() and path != recording:
                return path, {rule: ending}
    for path in sorted(recording.parent.glob(f"{_escaped(recording.name)}*")):
        ending = path.name[len(recording.name) :]
        if path.suffix.lower() in FORMATS and ending:
            return path, {"append": ending}
    for path in sorted(recording.parent.glob(f"{_escaped(recording.stem)}.*")):
        if path.suffix.lower() in FORMATS and path != recording:
            return path, {"replace_extension": path.name[len(recording.stem) :]}
    return None


def keys_of(path: Path) -> dict[str, str]:
    """Every plain value of a sidecar: the expression that gives it, such as sidecar.caller.number, and its text.

    Raises ValueError when the file cannot be read as what its ending says.
    """
    try:
        data = read_sidecar(path.read_bytes()[: _LARGEST_BYTES + 1], FORMATS[path.suffix.lower()])
    except (OSError, Malformed) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from None
    first = data[0] if path.suffix.lower() == ".csv" and data else data
    return dict(item for item, _ in zip(_flat("sidecar", first), range(_MOST_KEYS), strict=False))


def guess_sidecar(path: Path, find: dict[str, str], plan: Plan, given: dict[str, str]) -> SidecarPlan:
    """The plan with the most likely key for each role; `given` (role -> expression) wins. Raises ValueError."""
    keys = keys_of(path)
    paths: dict[str, tuple[str, str]] = {}
    for role in _WORDS:
        expression = given.get(role) or _likeliest(role, keys, plan, taken={one for one, _ in paths.values()})
        if expression is not None:
            paths[role] = (expression, _time_format(keys.get(expression, ""), plan) or "iso")
    return SidecarPlan(format=FORMATS[path.suffix.lower()], find=find, paths=paths)


def _likeliest(role: str, keys: dict[str, str], plan: Plan, taken: set[str]) -> str | None:
    best: tuple[int, str] | None = None
    for expression, value in keys.items():
        if expression in taken or not value or not _fits(role, value, plan):
            continue
        words = re.sub(r"[^a-z]", "", expression.casefold().removeprefix("sidecar"))
        last = re.sub(r"[^a-z]", "", re.split(r"[.\[]", expression)[-1].casefold())
        scores = [100 - 10 * place + (20 if last == word else 5 if word in last else 0)
                  for place, word in enumerate(_WORDS[role]) if word in words]  # fmt: skip
        score = max(scores, default=0) + (
            30 if scores and role == "agent" and "@" in value else 0
        )  # Gong knows e-mails
        if score > (best[0] if best else 0):
            best = (score, expression)
    return best[1] if best else None


def _fits(role: str, value: str, plan: Plan) -> bool:
    if role == "start":
        return _time_format(value, plan) is not None
    if role == "direction":
        return value.casefold() in DIRECTIONS
    if role == "customer":
        return plan.is_phone(value) or plan.is_extension(value)
    return len(value) <= 128 and _time_format(value, plan) is None


def _time_format(value: str, plan: Plan) -> str | None:
    """The format in which a whole value is a time; iso for what is ISO 8601."""
    if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value):
        return "iso"
    epoch = epoch_format([value])
    if epoch:
        return epoch
    for written in find_times(value):
        if written.start == 0 and written.end == len(value) and "%M" in written.form:
            return settle_day_and_month(written.form, [value], plan.country)[0]
    return None


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key)
            yield from _flat(f"{path}.{key}" if plain else f"{path}[{key!r}]", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value[:4]):
            yield from _flat(f"{path}[{index}]", inner)
    elif value is not None and not isinstance(value, bool):
        yield path, str(value)


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)
