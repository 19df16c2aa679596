"""Which names are recordings, and how names become keys: pure.

Patterns are matched here and not by the watcher, against the key: the path below the source's root, with `/`.

    *.wav            a name, in any folder (a pattern without / looks at the last part only)
    /*.wav           a name, only at the top
    2026/**/*.wav    ** crosses folders, also none; * and ? stay inside one part; [ab] and [!ab] are one character
    archive/         a folder with everything below it

Case does not matter: recorders write .wav and .WAV, and a recording that is not seen is worse than one too many.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

TEMPORARY_SUFFIXES = (".part", ".partial", ".filepart", ".tmp", ".crdownload")
"""What transfer programs append while they write (R8)."""

_SERVICE_FOLDERS = ("@eadir",)
_MAYBE_TEMPORARY = re.compile(
    rf"(?:^|[/\n])[.~@]|(?:{'|'.join(map(re.escape, TEMPORARY_SUFFIXES))})(?:[/\n]|$)", re.IGNORECASE
)
"""Looks at one key, or at many with a line each; a key that holds a line's end is looked at more closely."""
_ESCAPED_FIRST, _ESCAPED_LAST = 0xF780, 0xF7FF
_TO_SURROGATE = {code: code - _ESCAPED_FIRST + 0xDC80 for code in range(_ESCAPED_FIRST, _ESCAPED_LAST + 1)}
_FROM_SURROGATE = {surrogate: code for code, surrogate in _TO_SURROGATE.items()}
_RESERVED = re.compile(f"[{chr(_ESCAPED_FIRST)}-{chr(_ESCAPED_LAST)}]")


def key_from_bytes(path: bytes) -> str:
    """The key of a path below the root, storable in any database; `key_to_bytes` gives the same bytes back.

    A byte that is no UTF-8 (0x80 to 0xFF) becomes one character of the private range U+F780 to U+F7FF. Characters of
    that range which a name really holds are written as their three bytes, so no two paths share a key.
    """
    if path.isascii():
        return path.decode("ascii")
    text = path.decode("utf-8", "surrogateescape")
    text = _RESERVED.sub(lambda found: "".join(chr(0xDC00 + byte) for byte in found[0].encode()), text)
    return text.translate(_FROM_SURROGATE)


def key_to_bytes(key: str) -> bytes:
    """The path below the root, as the file system holds it."""
    return key.translate(_TO_SURROGATE).encode("utf-8", "surrogateescape")


class NameRules:
    """Include, exclude and the names that are ignored by default (R8).

    A pattern that itself names a temporary suffix, a dot or ~ name or @eaDir takes such names: `*.tmp` in include
    means it.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str] = (), *, apart: str | None = None) -> None:
        """`apart`: a folder's key that is not looked into at all, such as where delivered recordings are moved."""
        self._include = _any_of(include, below="")
        self._exclude = _any_of(exclude, below="(?:/.*)?") if exclude else None
        self._apart = None if apart is None else apart.rstrip("/") + "/"
        wanted = [part for pattern in include for part in pattern.lower().split("/")]
        self._suffixes = tuple(s for s in TEMPORARY_SUFFIXES if not any(part.endswith(s) for part in wanted))
        self._dots = not any(part.startswith(".") for part in wanted)
        self._tildes = not any(part.startswith("~") for part in wanted)
        self._folders = frozenset(_SERVICE_FOLDERS).difference(wanted)

    def takes(self, key: str) -> bool:
        """Whether a file of this key is a recording."""
        if self._is_apart(key) or self._is_temporary(key):
            return False
        name = _for_matching(key)
        return bool(self._include.fullmatch(name)) and not (self._exclude and self._exclude.fullmatch(name))

    def taken(self, keys: Sequence[str]) -> list[bool]:
        """`takes` for each of many keys, quickly when nothing is odd about any: one look instead of one for each."""
        lines = "\n".join(keys)
        if self._apart is not None or not lines.isascii() or _MAYBE_TEMPORARY.search(lines):
            return [self.takes(key) for key in keys]
        takes, leaves = self._include.fullmatch, self._exclude.fullmatch if self._exclude else lambda _: None
        return [takes(key) is not None and leaves(key) is None for key in keys]

    def enters(self, folder_key: str) -> bool:
        """Whether anything below this folder can be a recording."""
        folder = folder_key + "/"
        if self._is_apart(folder) or self._is_temporary(folder_key):
            return False
        return not (self._exclude and self._exclude.fullmatch(_for_matching(folder)))

    def _is_apart(self, key: str) -> bool:
        return self._apart is not None and key.startswith(self._apart)

    def _is_temporary(self, key: str) -> bool:
        if not _MAYBE_TEMPORARY.search(key):  # nearly every key: one look instead of one for each part
            return False
        for part in key.lower().split("/"):
            if part.endswith(self._suffixes) or part in self._folders or (self._tildes and part.startswith("~")):
                return True
            # ".." is no dot file: object keys may hold it as a plain part
            if self._dots and part.startswith(".") and part not in (".", ".."):
                return True
        return False


def _for_matching(text: str) -> str:
    # One letter with an umlaut may be written as one character or as two (macOS, some SMB clients)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _any_of(patterns: Sequence[str], *, below: str) -> re.Pattern[str]:
    expressions = (f"(?:{_expression(_for_matching(pattern))}{below})" for pattern in patterns)
    return re.compile("|".join(expressions), re.IGNORECASE | re.DOTALL)


_TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?(?:\]|[^\]/])[^\]/]*\]|.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _expression(pattern: str) -> str:
    body = pattern.rstrip("/")
    if "/" not in body:
        body = "**/" + body
    if pattern.endswith("/"):
        body += "/**"
    return "".join(_MEANING.get(token) or _character(token) for token in _TOKEN.findall(body.removeprefix("/")))


def _character(token: str) -> str:
    inside = token[1:-1].removeprefix("!")
    if not inside:
        return re.escape(token)
    choice = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside)
    expression = f"(?!/)[{'^' if token[1] == '!' else ''}{choice}]"
    try:
        re.compile(expression)
    except re.error:  # such as [z-a]: taken as written
        return re.escape(token)
    return expression
