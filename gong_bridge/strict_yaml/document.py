"""One strict YAML file, read whole: plain data, and the line and column of everything in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gong_bridge.errors import ConfigError
from gong_bridge.strict_yaml.nodes import MappingNode, Node, NotYaml, ScalarNode, SequenceNode, read_nodes

LARGEST_FILE_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Document:
    """One YAML file: plain data (dict, list, str, int, float, bool, None; keys always text) with line and column.

    `repr` shows the path only: data may hold literal secrets.
    """

    path: Path
    data: Any = field(repr=False)
    root: Node = field(repr=False)

    def place(self, loc: Sequence[str | int], *, of_key: bool = False) -> str:
        """`bridge.yaml:12:5` of the value at `loc` (keys and list positions), or of its key.

        Where `loc` leads to nothing (a missing key, a pydantic union's tag) its nearest existing parent is named.
        """
        line, column = self.line_and_column(loc, of_key=of_key)
        return f"{self.path}:{line}:{column}"

    def line_and_column(self, loc: Sequence[str | int], *, of_key: bool = False) -> tuple[int, int]:
        """Line and column, both from 1."""
        key, node = self._walk(loc)
        mark = (key if of_key and key is not None else node).start_mark
        return mark.line + 1, mark.column + 1

    def written(self, loc: Sequence[str | int]) -> str | None:
        """The text of the scalar at `loc` as it stands in the file (`0123` stays `0123`), None for anything else."""
        _, node = self._walk(loc)
        return node.value if isinstance(node, ScalarNode) else None

    def key_path(self, loc: Sequence[str | int]) -> str:
        """`sources[pbx].folder`: list items by their `name` where they have one, else by position from 1."""
        path, value = "", self.data
        for part in loc:
            if isinstance(part, int):
                value = value[part] if isinstance(value, list) and part < len(value) else None
                name = value.get("name") if isinstance(value, dict) else None
                path += f"[{name}]" if isinstance(name, str) and name.isprintable() else f"[#{part + 1}]"
            else:
                value = value.get(part) if isinstance(value, dict) else None
                shown = part if part.isprintable() else repr(part)
                path += f".{shown}" if path else shown
        return path

    def problem(
        self, loc: Sequence[str | int], what: str, *, at: Sequence[str | int] | None = None, of_key: bool = False
    ) -> str:
        """One line `file:line:column: key.path: what` for a ConfigError; `at` points elsewhere than the path says."""
        place = self.place(loc if at is None else at, of_key=of_key)
        path = self.key_path(loc)
        return f"{place}: {path}: {what}" if path else f"{place}: {what}"

    def _walk(self, loc: Sequence[str | int]) -> tuple[Node | None, Node]:
        """The key's node (None for list items and the root) and the value's; parts that lead nowhere are skipped."""
        key: Node | None = None
        node = self.root
        for part in loc:
            if isinstance(node, MappingNode) and isinstance(part, str):
                pair = next((pair for pair in node.value if pair[0].value == part), None)
                if pair is not None:
                    key, node = pair
            elif isinstance(node, SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
                key, node = None, node.value[part]
        return key, node


def load_document(path: Path) -> Document:
    """Read one YAML file whose top level is keys and values.

    Raises ConfigError: unreadable, over 1 MiB, not UTF-8, broken syntax, duplicate keys, empty; every line
    `file:line:column: what; cure`.
    """
    text = _read_text(path)
    try:
        root, data = read_nodes(text)
    except NotYaml as error:
        raise ConfigError([f"{path}:{at.line}:{at.column}: {at.what}" for at in error.mistakes]) from None
    if root is None or data is None:
        raise ConfigError(f"{path}:1:1: the file is empty; write its keys into it")
    if not isinstance(data, dict):
        line, column = root.start_mark.line + 1, root.start_mark.column + 1
        found = "a list" if isinstance(data, list) else "bare text"
        what = f"the file must hold `key: value` lines, but {found} stands here; a space must follow each colon"
        raise ConfigError(f"{path}:{line}:{column}: {what}")
    return Document(path=path, data=data, root=root)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE_BYTES + 1)
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder; name the YAML file in it") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check the name and the permissions") from None
    except ValueError:
        raise ConfigError("the file's name holds a zero byte; check the name") from None
    if len(raw) > LARGEST_FILE_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB; is this the right file?")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f'{path}:1:1: the file is UTF-16 ("Unicode" in Windows editors); save it as UTF-8')
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise ConfigError(f"{path}:{line}:{column}: this character is not UTF-8; save the file as UTF-8") from None


class MistakeAt(ValueError):
    """A model's validator raises this to point at one of its keys: `raise MistakeAt("what; cure", "base_url")`."""

    def __init__(self, what: str, *at: str | int) -> None:
        super().__init__(what)
        self.at = at
