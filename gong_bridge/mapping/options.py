"""What a source may set of a mapping's options, and which version of a mapping is in use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from gong_bridge.mapping.words import unknown

Options = Mapping[str, str | int | float | bool]
NO_OPTIONS: Options = MappingProxyType({})


def wrong_options(declared: Options, given: Options) -> dict[str, str]:
    """Name -> what is wrong with it and the cure, for every option that cannot be set so.

    A value is of the kind of its default: true or false, a number, or text.
    """
    wrong = {}
    for name, value in given.items():
        if name not in declared:
            wrong[name] = (
                unknown("option", name, declared)
                if declared
                else "the mapping has no options; remove this, or let a mapping of your own extend it and declare some"
            )
        elif _kind(value) != _kind(declared[name]):
            default = json.dumps(declared[name], ensure_ascii=False)
            wrong[name] = f"expected {_kind(declared[name])} (the mapping's default is {default}), found {_kind(value)}"
    return wrong


def version_of(files: Iterable[Path], options: Options) -> str:
    """A digest of what the files hold now and of the options; changes when either does."""
    digest = hashlib.sha256(json.dumps(dict(options), sort_keys=True).encode())
    for path in files:
        digest.update(path.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float) else "text"
