"""Small pieces of messages: the nearest known name, and lists of names that stay short."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` was probably meant to be, or None."""
    plain = {name.replace("_", "").lower(): name for name in known}
    near = difflib.get_close_matches(word.replace("_", "").replace("-", "").lower(), plain, n=1, cutoff=0.65)
    return plain[near[0]] if near else None


def listed(names: Iterable[str], most: int = 20) -> str:
    """`a, b, c`, cut after `most` names."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more if every else "none"


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """`there is no filter 'phon'; did you mean 'phone'?`, or the list of known names when none is near."""
    every = sorted(known)
    near = nearest(word, every)
    cure = f"did you mean {near!r}?" if near else f"known: {listed(every, 40)}"
    return f"there is no {what} {word!r}; {cure}"
