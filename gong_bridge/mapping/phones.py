"""Phone numbers as recorders write them, turned into E.164 (+15550100200)."""

from __future__ import annotations

import re

import phonenumbers

_LONGEST_NUMBER = 64
_SIP = re.compile(r"(?:sips?|tel):([^@;>]*)", re.IGNORECASE)


def e164(text: str, country: str) -> str | None:
    """`text` as E.164, or None when it is no dialable number of `country` or with an international prefix.

    SIP and tel addresses give their user part. Short numbers (extensions, emergency) have no E.164 form.
    """
    written = text.strip()
    if not written or len(written) > _LONGEST_NUMBER:
        return None
    address = _SIP.search(written)
    if address:
        written = address[1]
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or number.extension:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def same_number(one: str, other: str, country: str) -> bool:
    """Do both texts mean the same number, however they are written?"""
    first = e164(one, country)
    return first is not None and first == e164(other, country)
