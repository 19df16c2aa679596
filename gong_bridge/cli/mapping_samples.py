"""Reads names of recordings that somebody gives: as names, files, folders, or lines on standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.sidecar_guessing import FORMATS
from gong_bridge.sources.names import NameRules, key_from_bytes

MOST_SAMPLES = 2000
_NOT_RECORDINGS = (*FORMATS, ".txt", ".log", ".md5", ".sha256", ".pdf", ".html", ".cfg", ".conf")


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Keys of recordings; `root` is the folder below which they lie, `first_file` the first that really exists."""

    keys: tuple[str, ...]
    root: Path
    first_file: Path | None


def read_samples(targets: Sequence[str], ask: Callable[[], list[str]] | None) -> Samples:
    """Raises ConfigError when there is not a single name. `ask` is called when nothing was given."""
    names: list[str] = []
    for target in targets:
        names += lines_of(sys.stdin.buffer.read()) if target == "-" else [target]
    if not targets:
        names = ask() if ask is not None else lines_of(sys.stdin.buffer.read())
    folders = [Path(name) for name in names if Path(name).is_dir()]
    files = [Path(name) for name in names if Path(name).is_file()]
    root = folders[0] if folders else files[0].parent if files else Path()
    keys = [key for folder in folders for key in _below(folder)]
    keys += [key_from_bytes(bytes(Path(file.name))) for file in files]
    keys += [name.strip().lstrip("/") for name in names if not Path(name).exists()]
    kept = [key for key in dict.fromkeys(keys) if key and not key.lower().endswith(_NOT_RECORDINGS)]
    if not kept:
        raise ConfigError("there are no names of recordings; give some, a folder, or - and one name a line on stdin")
    first = next((root / key for key in kept if (root / key).is_file()), None)
    return Samples(keys=tuple(kept[:MOST_SAMPLES]), root=root, first_file=first)


def lines_of(data: bytes) -> list[str]:
    """The names of a listing, one a line; bytes that are no UTF-8 become what the bridge makes of them."""
    return [key_from_bytes(line.rstrip(b"\r")) for line in data.split(b"\n") if line.strip()]


def _below(folder: Path) -> Iterator[str]:
    rules = NameRules(("**/*",))
    found = 0
    for path in sorted(folder.rglob("*")):
        key = key_from_bytes(bytes(path.relative_to(folder)))
        if path.is_file() and rules.takes(key):
            yield key
            found += 1
            if found >= 5 * MOST_SAMPLES:
                return
