"""Finds dates and times in names, with the strptime format that reads them, and times as seconds since 1970; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_HOUR, _SIXTY = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_WHEN = re.compile(
    rf"(?<!\d)(?:(?P<y>{_YEAR})(?P<s>[-_.]?)(?P<m>{_MONTH})(?P=s)(?P<d>{_DAY})"
    rf"|(?P<d2>\d\d)(?P<s2>[-_.])(?P<m2>\d\d)(?P=s2)(?P<y2>{_YEAR})"
    rf"|(?P<y3>{_YEAR})(?P<s3>[-_. ]?)(?P<b3>[A-Z][a-z]{{2}})(?P=s3)(?P<d3>{_DAY})"
    rf"|(?P<d4>{_DAY})(?P<s4>[-_. ]?)(?P<b4>[A-Z][a-z]{{2}})(?P=s4)(?P<y4>{_YEAR}))"
    rf"(?:(?P<j>T|[-_. ]{{0,2}}|[-_ ]at[-_ ])(?P<H>{_HOUR})(?P<t>[-_.:]?)(?P<M>{_SIXTY})(?P=t)(?P<S>{_SIXTY})"
    rf"(?P<f>(?<=:\d\d)[.,]\d{{1,6}}(?!\d))?(?P<p>[ _-]?[AaPp][Mm])?"
    rf"|(?P<j2>T| )(?P<H2>{_HOUR})(?P<t2>[-_.:])(?P<M2>{_SIXTY})"
    rf"|(?P<H3>{_HOUR})(?P<M3>{_SIXTY}))?"
    r"(?P<z>(?<=\d)Z(?![A-Za-z])|\+(?:0\d|1[0-4]):?[0134][05](?!\d)|(?<=:\d\d)-(?:0\d|1[0-2]):?[0134][05](?!\d))?(?!\d)"
)
_CLOCK_FIRST = re.compile(
    rf"(?<!\d)(?P<H>{_HOUR})(?P<t>[-_.:])(?P<M>{_SIXTY})(?P=t)(?P<S>{_SIXTY})(?P<f>\.\d{{1,6}})?(?P<j>[-_ ])"
    rf"(?P<a>\d\d)(?P<s>[-_.])(?P<b>\d\d)(?P=s)(?P<y>{_YEAR})(?!\d)"
)
_SHORT_YEAR = re.compile(rf"(?<!\d)\d\d{_MONTH}{_DAY}(?P<j>[-_T ]?){_HOUR}{_SIXTY}{_SIXTY}(?!\d)")
_CLOCK_ALONE = re.compile(rf"(?<![\d.:-]){_HOUR}(?P<t>[-.:]){_SIXTY}(?P=t){_SIXTY}(?![\d.:-])")
CLOCK = re.compile(rf"{_HOUR}([-_.:]?){_SIXTY}\1{_SIXTY}")
"""A time of day alone."""
EITHER = "%!"
"""Stands in a format for the day or the month, in this order or the other."""
_DIGITS = {"%Y": 4, "%y": 2, "%m": 2, "%d": 2, "%H": 2, "%I": 2, "%M": 2, "%S": 2}
_NO_DIGITS = {"%b": "[A-Za-z]{3}", "%p": "[AaPp][Mm]", "%f": r"\d{1,6}", "%z": r"(?:Z|[+-]\d{2}:?\d{2})"}
_FIRST_SECOND, _LAST_SECOND = 1_000_000_000, 2_200_000_000
_SPAN_SECONDS = 3 * 366 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A time as it stands in a name: where, how (a strptime format; day and month may be open), and which."""

    start: int
    end: int
    form: str


def find_times(text: str) -> Iterator[Written]:
    """Every date in the text, with the time of day that follows it (or stands before it)."""
    taken = 0
    for match in _CLOCK_FIRST.finditer(text):
        form = match["t"].join(("%H", "%M", "%S")) + (".%f" if match["f"] else "")
        form += match["j"] + match["s"].join((f"{EITHER}1", f"{EITHER}2", "%Y"))
        yield Written(start=match.start(), end=match.end(), form=form)
        taken = match.end()
    for match in _WHEN.finditer(text):
        if match.start() >= taken:
            yield Written(start=match.start(), end=match.end(), form=_day(match) + _clock(match) + _zone(match))
    for match in _SHORT_YEAR.finditer(text):
        yield Written(start=match.start(), end=match.end(), form=f"%y%m%d{match['j']}%H%M%S")
    for match in _CLOCK_ALONE.finditer(text):
        yield Written(start=match.start(), end=match.end(), form=match["t"].join(("%H", "%M", "%S")))


def _day(match: re.Match[str]) -> str:
    if match["y"]:
        return match["s"].join(("%Y", "%m", "%d"))
    if match["y2"]:
        return match["s2"].join((f"{EITHER}1", f"{EITHER}2", "%Y"))
    if match["y3"]:
        return match["s3"].join(("%Y", "%b", "%d"))
    return match["s4"].join(("%d", "%b", "%Y"))


def _clock(match: re.Match[str]) -> str:
    if match["H"]:
        hour = "%I" if match["p"] else "%H"
        fraction = f"{match['f'][0]}%f" if match["f"] else ""
        half = (match["p"][:-2] + "%p") if match["p"] else ""
        return match["j"] + match["t"].join((hour, "%M", "%S")) + fraction + half
    if match["H2"]:
        return match["j2"] + match["t2"].join(("%H", "%M"))
    return "%H%M" if match["H3"] else ""


def _zone(match: re.Match[str]) -> str:
    return "%z" if match["z"] else ""


def settle_day_and_month(form: str, values: Sequence[str], country: str) -> tuple[str, bool]:
    """The format with day and month in their order, and whether the values leave no doubt."""
    if EITHER not in form:
        return form, True
    ways = [form.replace(f"{EITHER}1", a).replace(f"{EITHER}2", b) for a, b in (("%d", "%m"), ("%m", "%d"))]
    fits = [way for way in ways if all(_reads(value, way) for value in values)]
    if len(fits) == 1:
        return fits[0], True
    return ways[1 if country == "US" else 0], False


def _reads(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def pattern_of_format(form: str) -> str:
    """The regular expression of texts that a strptime format reads."""
    text, digits = "", 0
    for piece in re.findall(r"%[A-Za-z]|[^%]", form):
        width = _DIGITS.get(piece, 0)
        if digits and not width:
            text, digits = f"{text}\\d{{{digits}}}", 0
        digits += width
        if not width:
            text += _NO_DIGITS.get(piece) or re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", piece)
    return f"{text}\\d{{{digits}}}" if digits else text


def epoch_format(values: Sequence[str]) -> str | None:
    """ "epoch", "epoch_ms", "epoch_us" or "epoch_hex" when all values are such times, not far from each other."""
    for form, digits, unit in (("epoch", 10, 1), ("epoch_ms", 13, 1000), ("epoch_us", 16, 1_000_000)):
        if all(len(value) == digits and value.isdecimal() and value.isascii() for value in values):
            return form if _close([int(value) / unit for value in values]) else None
    if len(values) > 1 and all(re.fullmatch(r"[0-9a-fA-F]{8}", value) for value in values):
        letters = any(re.search(r"[a-fA-F]", value) for value in values)
        return "epoch_hex" if letters and _close([int(value, 16) for value in values]) else None
    return None


def _close(seconds: Sequence[float]) -> bool:
    inside = all(_FIRST_SECOND <= one <= _LAST_SECOND for one in seconds)
    return inside and max(seconds) - min(seconds) <= _SPAN_SECONDS
