"""A mapping file that changes details of another one (`extends: freepbx`), put together before anything is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.library import SUFFIXES, shipped_folder
from gong_bridge.mapping.words import unknown
from gong_bridge.strict_yaml import Document, load_document

Loc = tuple[str | int, ...]
Part = Literal[
    "match", "placeholders", "tables", "sidecar", "let", "skip_when", "hold_when", "warn_when", "internal_calls",
    "options", "share_with", "call",
]  # fmt: skip
"""Keys that are joined with those of the extended mapping; `replace` names those that are not."""
_LISTS = ("match", "placeholders", "skip_when", "hold_when", "warn_when", "share_with")
_LAYER_KEYS = ("extends", "replace")
_DEEPEST = 5


@dataclass(frozen=True, kw_only=True)
class Layered(Document):
    """The data of several files as one; every place leads to the file in which it is written.

    names: the mappings that were extended, nearest first. files: every file that was read, the own one first.
    """

    own: Document
    names: tuple[str, ...]
    files: tuple[Path, ...]
    pieces: Mapping[Loc, tuple[Document, Loc]] = field(repr=False)

    def place(self, loc: Sequence[str | int], *, of_key: bool = False) -> str:
        """`own.yaml:3:5` or, for what is left as it was, `freepbx.yaml:12:3`."""
        document, inner = self._written_at(loc)
        return document.place(inner, of_key=of_key)

    def line_and_column(self, loc: Sequence[str | int], *, of_key: bool = False) -> tuple[int, int]:
        """Line and column in the file that `place` names."""
        document, inner = self._written_at(loc)
        return document.line_and_column(inner, of_key=of_key)

    def written(self, loc: Sequence[str | int]) -> str | None:
        """The text of the scalar at `loc` as it stands in its file."""
        document, inner = self._written_at(loc)
        return document.written(inner)

    def _written_at(self, loc: Sequence[str | int]) -> tuple[Document, Loc]:
        for length in range(len(loc), 0, -1):
            piece = self.pieces.get(tuple(loc[:length]))
            if piece is not None:
                document, start = piece
                return document, (*start, *loc[length:])
        return self.own, tuple(loc)


def load_layers(path: Path) -> Document:
    """The mapping file as a whole: a Layered document when it extends another mapping. Raises ConfigError."""
    return _load(path, ())


def files_of(document: Document) -> tuple[Path, ...]:
    """Every file that the mapping was read from, its own first."""
    return document.files if isinstance(document, Layered) else (document.path,)


def names_of(document: Document) -> tuple[str, ...]:
    """The mappings that were extended, nearest first."""
    return document.names if isinstance(document, Layered) else ()


def _load(path: Path, above: tuple[Path, ...]) -> Document:
    document = load_document(path)
    name = document.data.get("extends")
    if not isinstance(name, str):
        if "replace" in document.data and name is None:
            what = "there is nothing to replace without `extends`; remove it, or name the mapping that is extended"
            raise ConfigError(document.problem(("replace",), what, of_key=True))
        return document
    return _joined(document, name, _load(_extended(document, name, (*above, path)), (*above, path)))


def _extended(document: Document, name: str, visited: tuple[Path, ...]) -> Path:
    """The file of the extended mapping: beside this one, else a shipped one; never one that is being read already."""
    if len(visited) > _DEEPEST:
        what = f"mappings extend each other more than {_DEEPEST} levels deep; extend the first one directly"
        raise ConfigError(document.problem(("extends",), what))
    folders = dict.fromkeys((document.path.parent, shipped_folder()))
    there = [path for folder in folders for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
    free = [path for path in there if path.resolve() not in {one.resolve() for one in visited}]
    if free:
        return free[0]
    if there:
        what = f"{name!r} leads back to this file; extend a mapping of another name"
    else:
        known = {path.stem for folder in folders for path in folder.iterdir() if path.suffix in SUFFIXES}
        what = unknown("mapping", name, known)
    raise ConfigError(document.problem(("extends",), what))


def _joined(own: Document, name: str, base: Document) -> Layered:
    data: dict[str, Any] = {}
    pieces: dict[Loc, tuple[Document, Loc]] = {}
    replaced = own.data.get("replace")
    whole = set(replaced) if isinstance(replaced, list) and all(isinstance(one, str) for one in replaced) else set()
    for key in (*_LAYER_KEYS, *base.data, *own.data):
        if key in data or (key in _LAYER_KEYS and key not in own.data) or (key in whole and key not in own.data):
            continue
        if key in _LAYER_KEYS or key not in base.data or key in whole:
            data[key], pieces[(key,)] = own.data[key], (own, (key,))
        elif key not in own.data:
            data[key], pieces[(key,)] = base.data[key], (base, (key,))
        else:
            data[key] = _both(key, own, base, pieces)
    return Layered(
        path=own.path,
        data=data,
        root=own.root,
        own=own,
        names=(name, *names_of(base)),
        files=(own.path, *files_of(base)),
        pieces=pieces,
    )


def _both(key: str, own: Document, base: Document, pieces: dict[Loc, tuple[Document, Loc]]) -> Any:
    """What both say of one key, joined. Raises ConfigError when they are not of the same kind."""
    mine, theirs = own.data[key], base.data[key]
    pieces[(key,)] = (own, (key,))
    if key in _LISTS and isinstance(mine, list) and isinstance(theirs, list):
        for index in range(len(mine)):
            pieces[(key, index)] = (own, (key, index))
        for index in range(len(theirs)):
            pieces[(key, len(mine) + index)] = (base, (key, index))
        return [*mine, *theirs]
    if type(mine) is not type(theirs):
        wanted = "a list, as there" if key in _LISTS else "keys and values, as there"
        what = f"it is joined with that of {base.path.stem}: expected {wanted}"
        raise ConfigError(own.problem((key,), what))
    if not isinstance(mine, dict):
        return mine
    for name in mine:
        pieces[(key, name)] = (own, (key, name))
    for name in theirs:
        pieces.setdefault((key, name), (base, (key, name)))
    if key == "tables":
        return _tables(mine, theirs, own, base, pieces)
    return {name: (mine if name in mine else theirs)[name] for name in _ordered(list(mine), list(theirs))}


def _tables(
    mine: dict[str, Any],
    theirs: dict[str, Any],
    own: Document,
    base: Document,
    pieces: dict[Loc, tuple[Document, Loc]],
) -> dict[str, Any]:
    """Tables by their names, and tables of one name row by row."""
    tables = {**theirs, **mine}
    for name in mine.keys() & theirs.keys():
        if isinstance(mine[name], dict) and isinstance(theirs[name], dict):
            tables[name] = {**theirs[name], **mine[name]}
            for row in tables[name]:
                pieces[("tables", name, row)] = (own if row in mine[name] else base, ("tables", name, row))
    return tables


def _ordered(mine: list[str], theirs: list[str]) -> list[str]:
    """Names in an order in which each may use those above it.

    A name of the base keeps its place; a new one stands directly before the next name of its own file that the base
    has, too, else at the end.
    """
    order = list(theirs)
    waiting: list[str] = []
    for name in mine:
        if name in theirs:
            place = order.index(name)
            order[place:place] = waiting
            waiting = []
        else:
            waiting.append(name)
    return [*order, *waiting]
