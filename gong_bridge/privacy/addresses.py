"""By what a person is known from outside: an e-mail address or a phone number, in whatever spelling; pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal
from urllib.parse import unquote

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.phones import e164

_EMAIL = re.compile(r"[^\s<>\"(),:;\[\]\\/|@]+@[^\W_](?:[^\W_]|[.-])*")
_BEFORE_EMAIL = re.compile(
    r"\A[^\w+-]+"
)  # quotes and brackets of every kind, which some programs do allow in addresses
_WHOLE_EMAIL = re.compile(r"[^\s<>\"(),:;\[\]\\/|@]+@[^\s<>\"'(),:;\[\]\\/|@_.]+(\.[^\s<>\"'(),:;\[\]\\/|@_.]+)*")
_BETWEEN = r"[\s()\[\].\-/_~\u00a0\u00b7\u2010-\u2015\u2022]{1,3}"
_NUMBERS = re.compile(rf"\+?\d+(?:{_BETWEEN}\d+)*")
_GROUP = re.compile(r"\d+")
_NOT_DIALLED = str.maketrans("", "", " ()[].-/_~\t\n\r\v\f\x1c\x1d\x1e\x1f")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters that nobody sees: hyphens of typesetting, and how address books set numbers beside right-to-left words."""
_ESCAPED = re.compile(r"\\[utnr]")  # of JSON: a character that is not ASCII, or white space between groups of digits
_MOST_ENCODINGS = 3
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
_MOST_GROUPS = 7
_MOST_CANDIDATES = 4_000
_TELLING_DIGITS = 7
"""The last so many digits of a number are the same in each of its spellings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """What is erased. value: an e-mail address in small letters, or a number as E.164; never logged."""

    kind: Literal["email", "phone"]
    value: str = field(repr=False)


def email_address(text: str) -> Address:
    """The address that a person wrote. Raises ConfigError; its message does not repeat it."""
    written = _plain(text.strip())
    if not _WHOLE_EMAIL.fullmatch(written) or len(written) > 320:
        raise ConfigError("this is no e-mail address; write it whole, such as customer@example.com")
    return Address(kind="email", value=_with_domain_as_read(written))


def phone_number(text: str, country: str) -> Address:
    """The number that a person wrote; `country`: of one without + and its country's code. Raises ConfigError."""
    number = e164(text, country)
    if number is None:
        raise ConfigError(
            f"this is no phone number of {country} or with + and a country's code; write it whole, such as "
            "+1 202-555-0143 (an extension is nobody from outside)"
        )
    return Address(kind="phone", value=number)


def addresses_in(text: str, country: str, *, is_name: bool = False) -> Iterator[Address]:
    """Every address that `text` may hold, the same one perhaps several times.

    is_name: of a file, an object or a call. What touches an address there may not belong to it
    (`call-customer@example.com-1.wav`), so it is rather found once too often.
    """
    for one in _readings(text):
        plain = one if one.isascii() else unicodedata.normalize("NFKC", one)
        if "@" in plain:
            yield from (Address(kind="email", value=value) for value in _emails_in(plain.casefold(), is_name=is_name))
        yield from (Address(kind="phone", value=value) for value in _numbers_in(one, country))


def _readings(text: str) -> Iterator[str]:
    """The text as it is read, and without the percent signs of addresses (some programs encode twice)."""
    if not text.isascii():
        text = _UNSEEN.sub("", text)
    yield text
    for _ in range(_MOST_ENCODINGS):
        if "%" not in text or (decoded := unquote(text)) == text:
            return
        text = decoded
        yield text


def addresses_of(draft: Mapping[str, Any], names: Iterable[str], country: str) -> set[Address]:
    """Every address in a request for Gong, wherever it stands, and in the names of its files."""
    found = {address for text in texts_in(draft) for address in addresses_in(text, country)}
    return found | {address for name in names for address in addresses_in(name, country, is_name=True)}


def addresses_said(texts: Iterable[str], country: str) -> set[Address]:
    """Every address in these texts, some of which may be JSON; names of files give no e-mail addresses of their own."""
    return {address for text in texts for one in _texts_of(text) for address in addresses_in(one, country)}


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value; numbers, too, as they are written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def mentions(address: Address, text: str, country: str, *, is_name: bool = False) -> bool:
    """Whether `text` (or, where it is JSON, any text in it) holds this address. Quick where it does not."""
    if not _may_mention(address, text):
        return False
    return any(address in addresses_in(one, country, is_name=is_name) for one in _texts_of(text))


def _may_mention(address: Address, text: str) -> bool:
    if not text.isascii() or "%" in text or _ESCAPED.search(text):
        return True
    if address.kind == "email":
        return address.value in text.casefold() if address.value.isascii() else "xn--" in text
    return address.value[-_TELLING_DIGITS:] in text.translate(_NOT_DIALLED)


def _texts_of(text: str) -> Iterable[str]:
    if text.startswith(("{", "[")):
        try:
            return list(texts_in(json.loads(text)))
        except (ValueError, RecursionError):
            pass
    return [text]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _emails_in(text: str, *, is_name: bool) -> Iterator[str]:
    for found in _EMAIL.findall(text):
        local, _, domain = found.partition("@")
        domain = domain.rstrip(".")
        if not is_name:
            for one in {local, _BEFORE_EMAIL.sub("", local), re.split("[=&?]", local)[-1]} - {""}:
                yield _with_domain_as_read(f"{one}@{domain}")
            continue
        pieces = re.split(r"([-.])", domain)[:32]
        domains = [whole for whole in accumulate(pieces) if whole[-1:] not in ("", "-", ".")]
        starts = [0, *(place + 1 for place, character in enumerate(local) if character in "-_=+.")][:16]
        names = {local[start:] for start in starts} | {_BEFORE_EMAIL.sub("", local)}
        for address in (f"{name}@{one}" for name in names - {""} for one in domains):
            yield _with_domain_as_read(address)


def _with_domain_as_read(address: str) -> str:
    """The address with the letters of its domain, where it is written as computers exchange it (xn--...)."""
    if "xn--" not in address:
        return address
    local, _, domain = address.partition("@")
    try:
        return f"{local}@{domain.encode('ascii').decode('idna').casefold()}"
    except UnicodeError:
        return address


def _numbers_in(text: str, country: str) -> Iterator[str]:
    left = _MOST_CANDIDATES
    for run in _NUMBERS.findall(text.replace("(0)", " ") if "(0)" in text else text):  # +44 (0)20: nobody dials that 0
        groups = _GROUP.findall(run)
        for first in range(len(groups)):
            digits = ""
            for group in groups[first : first + _MOST_GROUPS]:
                digits += group
                if len(digits) > _MOST_DIGITS + 2 or left <= 0:
                    break
                if len(digits) >= _FEWEST_DIGITS:
                    left -= 1
                    yield from _as_dialled(digits, country, has_plus=first == 0 and run.startswith("+"))


def _as_dialled(digits: str, country: str, *, has_plus: bool) -> Iterator[str]:
    """The numbers that these digits may be: with a country's code, behind 00, or of this country."""
    spellings = [f"+{digits}"] if has_plus else [digits, f"+{digits.removeprefix('00')}"]
    for spelling in spellings:
        number = e164(spelling, country)
        if number is not None:
            yield number
