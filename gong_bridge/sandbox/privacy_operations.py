"""The four operations of /v2/data-privacy: what references a person, and erasing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge.sandbox.answers import EXTRA, JsonAnswer, Refusal
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall
from gong_bridge.sandbox.requests_read import read_query

_NOT_A_DIGIT = re.compile(r"\D", re.ASCII)


class PrivacyOperations:
    """By e-mail address: every call that it takes part in. By number: those of the company's customers only."""

    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived

    async def find_email(self, request: Request) -> Response:
        """Operation findAllReferencesToEmailAddress."""
        address = _email_in(request)
        return _answer(request, **_references(self._of_email(address)), customerEngagement=[])

    async def find_phone(self, request: Request) -> Response:
        """Operation findAllReferencesToPhoneNumber."""
        supplied, digits = _phone_in(request)
        calls = self._of_phone(digits)
        parties = [party for call in calls for party in call.body["parties"] if _is_customer(party, digits)]
        emails = sorted({party["emailAddress"] for party in parties if "emailAddress" in party})
        numbers = sorted({party["phoneNumber"] for party in parties})
        return _answer(
            request,
            **_references(calls),
            suppliedPhoneNumber=supplied,
            matchingPhoneNumbers=numbers,
            emailAddresses=emails,
        )

    async def purge_email(self, request: Request) -> Response:
        """Operation purgeEmailAddress. Here it is done at once."""
        self._forget(self._of_email(_email_in(request)))
        return _answer(request)

    async def purge_phone(self, request: Request) -> Response:
        """Operation purgePhoneNumber. Here it is done at once."""
        self._forget(self._of_phone(_phone_in(request)[1]))
        return _answer(request)

    def _of_email(self, address: str) -> list[ArrivedCall]:
        return [
            call
            for call in self._arrived.calls()
            if any(party.get("emailAddress", "").casefold() == address for party in call.body["parties"])
        ]

    def _of_phone(self, digits: str) -> list[ArrivedCall]:
        calls = self._arrived.calls()
        return [call for call in calls if any(_is_customer(party, digits) for party in call.body["parties"])]

    def _forget(self, calls: list[ArrivedCall]) -> None:
        for call in calls:
            self._arrived.forget_call(call.id)


def _is_customer(party: Mapping[str, Any], digits: str) -> bool:
    """Whether this is a lead or contact with the number; Gong's own users are neither."""
    return "userId" not in party and _NOT_A_DIGIT.sub("", party.get("phoneNumber", "")) == digits


def _references(calls: list[ArrivedCall]) -> dict[str, Any]:
    shown = [{"id": call.id, "status": "COMPLETED", "externalSystems": [], **EXTRA} for call in calls]
    return {"emails": [], "calls": shown, "meetings": [], "customerData": []}


def _answer(request: Request, **content: Any) -> Response:
    return JsonAnswer(content, request_id=request.state.request_id)


def _email_in(request: Request) -> str:
    address = read_query(request, {"emailAddress"}).get("emailAddress")
    if address is None:
        raise Refusal(400, "emailAddress is required")
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address):
        raise Refusal(400, "emailAddress is not an e-mail address")
    return address.casefold()


def _phone_in(request: Request) -> tuple[str, str]:
    """The number as it was given, and its digits."""
    number = read_query(request, {"phoneNumber"}).get("phoneNumber")
    if number is None:
        raise Refusal(400, "phoneNumber is required")
    digits = _NOT_A_DIGIT.sub("", number)
    if not number.startswith("+") or not 7 <= len(digits) <= 15:
        raise Refusal(400, "phoneNumber must start with + followed by the country code, area code and local number")
    return number, digits
