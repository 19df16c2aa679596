"""Phone numbers as recorders write them, turned into E.164 (+15550100200)."""

from __future__ import annotations

import re

import phonenumbers

_LONGEST_NUMBER = 64
_ADDRESS = re.compile(r"(?:sips?|tel):([^@;>]*)|<([^<>@]*)>", re.IGNORECASE)
_DIALLED = re.compile(r"\+?[\d*#][\d\s()./*#-]*")


def e164(text: str, country: str) -> str | None:
    """`text` as E.164, or None when it is no dialable number of `country` or with an international prefix.

    SIP and tel addresses give their user part, `"Name" <number>` gives the number. Short numbers (extensions,
    emergency) have no E.164 form.
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
    if not possible or number.extension:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_dialled(text: str) -> bool:
    """Is the text what somebody keys in on a telephone, and no name?"""
    return len(text) <= _LONGEST_NUMBER and _DIALLED.fullmatch(text.strip()) is not None


def same_number(one: str, other: str, country: str) -> bool:
    """Do both texts mean the same number, however they are written?"""
    first = e164(one, country)
    return first is not None and first == e164(other, country)
