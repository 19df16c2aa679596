"""Data privacy: what Gong has of a person, found and erased by e-mail address or phone number."""

from __future__ import annotations

import re

from gong_bridge.gong.client import GongClient
from gong_bridge.gong.models.privacy import EmailAddressReferences, Erasing, PhoneNumberReferences
from gong_bridge.gong.wire import Operation, read_as

_READ = "api:data-privacy:read"
_DELETE = "api:data-privacy:delete"
FIND_EMAIL_ADDRESS = Operation(
    operation_id="findAllReferencesToEmailAddress",
    method="GET",
    path="/v2/data-privacy/data-for-email-address",
    doing="find what references the e-mail address",
    scope=_READ,
)
FIND_PHONE_NUMBER = Operation(
    operation_id="findAllReferencesToPhoneNumber",
    method="GET",
    path="/v2/data-privacy/data-for-phone-number",
    doing="find what references the phone number",
    scope=_READ,
)
PURGE_EMAIL_ADDRESS = Operation(
    operation_id="purgeEmailAddress",
    method="POST",
    path="/v2/data-privacy/erase-data-for-email-address",
    doing="erase what references the e-mail address",
    scope=_DELETE,
    changes_gong=True,
)
PURGE_PHONE_NUMBER = Operation(
    operation_id="purgePhoneNumber",
    method="POST",
    path="/v2/data-privacy/erase-data-for-phone-number",
    doing="erase what references the phone number",
    scope=_DELETE,
    changes_gong=True,
)
_PERMITTED = re.compile(r"\+[\d\s().-]*\d", re.ASCII)


class Privacy:
    """What one Gong has of a person. Phone numbers are written with + and the country's code: "+1 202-555-0143".

    All methods raise RateLimited, ServiceDown, BadCredentials (the scope is missing, too), WrongBaseUrl, RefusedByGong
    (Gong's words say why), and those with a phone number ValueError when it has not that form.
    One API call each. No message names the person, but Gong's own words may.
    """

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def find_email_address(self, email_address: str) -> EmailAddressReferences:
        """Calls and e-mails that reference the address, leads and contacts that have it. Scope api:data-privacy:read.

        Nothing found: empty lists.
        """
        answer = self._client.send(FIND_EMAIL_ADDRESS, query={"emailAddress": email_address})
        return read_as(EmailAddressReferences, answer)

    def find_phone_number(self, phone_number: str) -> PhoneNumberReferences:
        """Leads and contacts with the number, and their calls and e-mails. Scope api:data-privacy:read."""
        answer = self._client.send(FIND_PHONE_NUMBER, query={"phoneNumber": _checked(phone_number)})
        return read_as(PhoneNumberReferences, answer)

    def purge_email_address(self, email_address: str) -> Erasing:
        """Erase for good the calls, e-mails, leads and contacts that reference the address, within hours.

        Scope api:data-privacy:delete. Raises Unclear when the order may have arrived; repeating it is harmless.
        """
        return read_as(Erasing, self._client.send(PURGE_EMAIL_ADDRESS, query={"emailAddress": email_address}))

    def purge_phone_number(self, phone_number: str) -> Erasing:
        """Erase for good leads and contacts with the number, their calls and e-mails, within hours.

        Scope api:data-privacy:delete. Raises Unclear when the order may have arrived; repeating it is harmless.
        """
        return read_as(Erasing, self._client.send(PURGE_PHONE_NUMBER, query={"phoneNumber": _checked(phone_number)}))


def _checked(phone_number: str) -> str:
    """The number, when Gong would take it: + first, then digits with spaces, hyphens, brackets or dots."""
    digits = sum(character.isdigit() for character in phone_number)
    if not _PERMITTED.fullmatch(phone_number) or not 7 <= digits <= 15:
        raise ValueError("Gong takes phone numbers with + and the country's code only, such as +1 202-555-0143")
    return phone_number
