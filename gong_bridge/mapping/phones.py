"""Phone numbers as recorders write them, turned into E.164 (+15550100200)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers

_LONGEST_NUMBER = 64
_ADDRESS = re.compile(r"(?:sips?|tel):([^@;>]*)|<([^<>@]*)>", re.IGNORECASE)
_USER = re.compile(r"(?:<\s*)?(?:(?:sips?|tel):)?(?P<user>[^@;<>\"]*)", re.IGNORECASE)
_WITHHELD = frozenset({"anonymous", "unknown", "restricted", "private", "unavailable", "withheld"})
_WITHHELD_HOST = "anonymous.invalid"  # RFC 3323: how SIP writes a caller who does not want to be known
_DIALLED = re.compile(r"\+?[\d*#][\d\s()./*#-]*")


@lru_cache(maxsize=4096)  # a mapping asks whether it is a number, whose it is, and which: three times the same text
def e164(text: str, country: str, *, drop_extension: bool = False) -> str | None:
    """`text` as E.164, or None when it is no dialable number of `country` or with an international prefix.

    SIP and tel addresses give their user part, `"Name" <number>` gives the number. Short numbers (extensions,
    emergency) have no E.164 form; neither has a number with an extension (+1 555 0100 x 204), which is somebody else's,
    unless `drop_extension`.
    """
    written = text.strip()
    if not written or len(written) > _LONGEST_NUMBER:
        return None
    address = _ADDRESS.search(written)
    if address:
        written = address[1] or address[2] or ""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    # numbers that only work inside one town are possible to phonenumbers, but + and country code make them wrong
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not possible or (number.extension and not drop_extension):
        return None
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def user_part(text: str) -> str:
    """Who a SIP or tel address names: 201 of `sip:201@pbx;transport=tls` and of `"Desk" <sip:201@pbx>`; else the text.

    An address without `sip:` counts too: 201@10.0.0.1 is 201.
    """
    written = text.strip()
    match = _USER.match(written, max(written.rfind("<"), 0))
    return unquote(match["user"]).strip() if match is not None and match["user"].strip() else written


def is_withheld(text: str) -> bool:
    """Is it one of the words, or SIP's address, for a caller who does not want to be known?"""
    return _WITHHELD_HOST in text.casefold() or user_part(text).casefold() in _WITHHELD


def is_dialled(text: str) -> bool:
    """Is the text what somebody keys in on a telephone, and no name?"""
    return len(text) <= _LONGEST_NUMBER and _DIALLED.fullmatch(text.strip()) is not None


def same_number(one: str, other: str, country: str) -> bool:
    """Do both texts mean the same number, however they are written?"""
    first = e164(one, country)
    return first is not None and first == e164(other, country)
