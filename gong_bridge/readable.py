"""How text and sizes from outside are written for people: nothing that a terminal or a log would obey."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` on one line, with everything that is not to be seen (control, bidi, half characters) written as \\x1b."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def size(size_bytes: float) -> str:
    """Bytes as people read them: "812 B", "3.4 MB"."""
    value, unit = float(size_bytes), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
