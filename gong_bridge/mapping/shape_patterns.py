"""The regular expressions that read names of a shape, and the words of a direction; pure, for `mapping new`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gong_bridge.mapping.guessing import DIRECTIONS, OPPOSITES, Field, Shape
from gong_bridge.mapping.name_times import pattern_of_format
from gong_bridge.mapping.patterns import guarded_pattern

EPOCHS = {"epoch": r"\d{10}", "epoch_ms": r"\d{13}", "epoch_us": r"\d{16}", "epoch_hex": "[0-9a-fA-F]{8}"}
CAPTURES = {
    "start": "when", "date": "day", "clock": "clock", "agent": "agent_field", "customer": "customer",
    "caller": "caller", "called": "called", "direction": "way", "id": "call_id", "name": "other_name",
}  # fmt: skip
_FREE = ("customer", "caller", "called", "name")  # what callers sent stands here: anything


def pattern_of(shape: Shape) -> str:
    """The regular expression that reads the names of a shape (its stems), one named group for each role."""
    for widest in (True, False):
        text = "^" + "".join(_pieces(shape, widest=widest)) + "$"
        try:
            guarded_pattern(text)
        except ValueError:
            continue
        return text
    return text


def _pieces(shape: Shape, *, widest: bool) -> Iterator[str]:
    taken: set[str] = set()
    may_be_free = widest
    for index, part in enumerate(shape.parts):
        if isinstance(part, str):
            yield _literal(part)
            continue
        after = shape.parts[index + 1] if index + 1 < len(shape.parts) else ""
        before = shape.parts[index - 1] if index else ""
        beside = after[0] if isinstance(after, str) and after else before[-1:] if isinstance(before, str) else ""
        is_free = may_be_free and part.role in _FREE
        may_be_free = may_be_free and not is_free
        capture = CAPTURES.get(part.role)
        inner = ".*" if is_free else _inside(part, beside)
        if part.kind == "uniqueid" and "epoch" not in taken:
            taken |= {"epoch", "call_id"}
            yield r"(?P<call_id>(?P<epoch>\d{9,10})\.\d+)" if part.role == "id" else r"(?P<epoch>\d{9,10})\.\d+"
        elif part.role == "start" and part.kind in EPOCHS:
            name = "epoch"
            yield f"(?P<{name}>{inner})" if name not in taken else inner
            taken.add(name)
        elif capture is None or capture in taken:
            yield f"(?:{inner})" if "|" in inner else inner
        else:
            taken.add(capture)
            yield f"(?P<{capture}>{inner})"


def _literal(text: str) -> str:
    return "".join(
        f"\\u{ord(character):04x}" if not character.isprintable() and ord(character) < 2**16
        else "\\" + character if character in "\\.^$*+?{}[]|()" else character
        for character in text
    )  # fmt: skip


def _inside(part: Field, edge: str) -> str:
    if part.kind in EPOCHS:
        return EPOCHS[part.kind]
    if part.kind.startswith("%") and part.role in ("start", "date", "clock", "ignore"):
        return pattern_of_format(part.kind)
    if part.kind == "uuid":
        return "[0-9a-fA-F-]{36}"
    if part.kind == "uniqueid":
        return r"\d{9,10}\.\d+"
    if part.role == "direction":
        return "|".join(map(_literal, direction_words(part.values)))
    if part.role == "agent" and all(value.isdigit() for value in part.values):
        return r"\d+"
    anything = f"[^{_in_class(edge)}]" if edge else "."
    return anything + ("*" if part.role in (*_FREE, "agent", "ignore") or "" in part.values else "+")


def _in_class(character: str) -> str:
    return "\\" + character if character in "\\]^-" else character


def direction_words(values: Sequence[str]) -> list[str]:
    """The words that were seen, and for each of them its opposite in the same spelling."""
    words = list(dict.fromkeys(value for value in values if value))
    for word in list(words):
        for one, other in OPPOSITES:
            for here, there in ((one, other), (other, one)):
                if word.casefold() == here and not any(
                    DIRECTIONS.get(seen.casefold()) == DIRECTIONS[there] for seen in words
                ):
                    words.append(there.upper() if word.isupper() else there.title() if word.istitle() else there)
    return words
