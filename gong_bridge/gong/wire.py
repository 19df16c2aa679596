"""What every exchange with Gong has in common: operations, answers, pages; the rows inside are in `models`.

Answers ignore fields they do not know (Gong adds some without warning, G8) and keep ids as text, because Gong's ids
have up to 20 digits. Source of the shapes: the OpenAPI specification of Gong API V2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from gong_bridge.errors import ServiceDown, Unclear


class NotFound(Enum):
    """What a 404 means for an operation."""

    NONE = "none"  # there is no such call, or none in that period (G2): an answer, not an error
    WRONG_ADDRESS = "wrong-address"  # the operation exists at every Gong, so this is none
    REFUSED = "refused"  # the thing the request speaks of does not exist


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation of Gong's API.

    operation_id: its name in Gong's specification. doing: what it does, for messages ("create the call").
    scope: what an OAuth token must be allowed. changes_gong: when an outcome is unknown, something may have happened.
    """

    operation_id: str
    method: str
    path: str
    doing: str
    scope: str
    changes_gong: bool = False
    not_found: NotFound = NotFound.WRONG_ADDRESS


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A 2xx answer of Gong, or a 404 that means "none" (`found` is False then, `body` is empty)."""

    operation: Operation
    http_status: int
    request_id: str | None
    body: Mapping[str, Any] = field(default_factory=dict)
    found: bool = True


Number = int | float
"""A number of Gong, as it came: some that are documented as whole are not."""


class GongAnswer(BaseModel):
    """Base of everything that is read out of an answer."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        defer_build=True,  # most commands read one kind of answer; building them all takes longer than a command
    )


class Records(GongAnswer):
    """Where a page stands among all pages; `cursor` is there only when more pages follow."""

    total_records: int | None = None
    current_page_size: int | None = None
    current_page_number: int | None = None
    cursor: str | None = None


class Page(GongAnswer):
    """One page of a list; subclasses add the rows."""

    records: Records | None = None

    @property
    def cursor(self) -> str | None:
        """What asks for the next page; None on the last one."""
        return (self.records.cursor or None) if self.records else None


Shape = TypeVar("Shape", bound=GongAnswer)


def read_as(shape: type[Shape], answer: Answer) -> Shape:
    """The answer's body as `shape`.

    Raises Unclear when the operation changes something at Gong (the answer said yes, but not to what), ServiceDown
    when it only reads. The message names the field, never its value.
    """
    try:
        return shape.model_validate(answer.body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "answer"
        message = (
            f"Gong answered {answer.http_status} to the attempt to {answer.operation.doing}, but {place} is "
            f"missing or not as documented ({first['msg']})"
        )
        outcome = Unclear if answer.operation.changes_gong else ServiceDown
        raise outcome(message, http_status=answer.http_status, request_id=answer.request_id) from None
