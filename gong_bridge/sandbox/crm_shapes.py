"""What lines of CRM objects and fields of their schema may look like, as Gong's descriptions say; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gong_bridge.sandbox.shapes import Choice, Day, Flag, ListOf, Number, Shape, Text, Thing, Url, parse_time

OBJECT_TYPES = ("ACCOUNT", "CONTACT", "DEAL", "LEAD")
UPLOAD_TYPES = (*OBJECT_TYPES, "BUSINESS_USER", "STAGE")
_FIELD_TYPES = (
    "DATE", "DATETIME", "NUMBER", "PERCENT", "CURRENCY", "ID", "URL", "STRING", "BOOLEAN", "PHONENUMBER",
    "EMAILADDRESS", "PICKLIST", "REFERENCE", "STRINGARRAY",
)  # fmt: skip
_REFERRED = (*OBJECT_TYPES, "USER")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OBJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # the underscore: in the specification's own example


@dataclass(frozen=True, slots=True)
class TimeToTheSecond:
    """ISO-8601 with an offset and without milliseconds."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if parse_time(value) is None or "." in value:
            yield f"{where} must be an ISO-8601 date and time without milliseconds, such as 2020-12-17T07:37:21+02:00"


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, str) or not _EMAIL.fullmatch(value):
            yield f"{where} must be an e-mail address"


@dataclass(frozen=True, slots=True)
class ObjectId:
    """Letters, digits and dashes, or an e-mail address; at most 64 characters."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if (
            not isinstance(value, str)
            or len(value) > 64
            or not (_OBJECT_ID.fullmatch(value) or _EMAIL.fullmatch(value))
        ):
            yield f"{where} must be letters, digits and dashes or an e-mail address, at most 64 characters"


@dataclass(frozen=True, slots=True)
class OrNull:
    """A value or null."""

    shape: Shape

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        return iter(()) if value is None else self.shape.mistakes(value, where)


_COMMON: dict[str, Shape] = {
    "objectId": ObjectId(),
    "modifiedDate": TimeToTheSecond(),
    "isDeleted": Flag(),
    "url": Url(),
}
_PERSON: dict[str, Shape] = {name: Text() for name in ("firstName", "lastName", "title", "phoneNumber")}
_FIELDS: Mapping[str, dict[str, Shape]] = {
    "BUSINESS_USER": {**_COMMON, "emailAddress": Email()},
    "ACCOUNT": {**_COMMON, "name": Text(), "domains": ListOf(Text())},
    "CONTACT": {**_COMMON, **_PERSON, "accountId": Text(), "emailAddress": Text()},
    "LEAD": {
        **_COMMON, **_PERSON, "emailAddress": Text(), "convertedToDealId": Text(), "convertedToContactId": Text(),
        "convertedToAccountId": Text(),
    },
    "DEAL": {
        **_COMMON, "accountId": Text(), "ownerId": Text(), "name": Text(), "createdDate": TimeToTheSecond(),
        "closeDate": Text(), "status": Choice(("WON", "LOST", "OPEN")), "stage": Text(), "amount": Number(),
    },
    "STAGE": {
        "objectId": ObjectId(), "modifiedDate": TimeToTheSecond(), "name": Text(filled=True), "isActive": Flag(),
        "sortOrder": Number(least=1, whole=True),
    },
}  # fmt: skip
_SIMPLE: Mapping[str, Shape] = {
    "DATE": Day(), "DATETIME": TimeToTheSecond(), "NUMBER": Number(), "PERCENT": Number(least=0, most=100),
    "CURRENCY": Number(), "ID": Text(), "URL": Url(), "STRING": Text(), "BOOLEAN": Flag(), "PHONENUMBER": Text(),
    "EMAILADDRESS": Email(), "REFERENCE": Text(), "STRINGARRAY": ListOf(Text()),
}  # fmt: skip
_SCHEMA = ListOf(
    Thing(
        {
            "uniqueName": Text(filled=True),
            "label": Text(filled=True),
            "type": Choice(_FIELD_TYPES),
            "lastModified": TimeToTheSecond(),
            "isDeleted": Flag(),
            "referenceTo": Choice(_REFERRED),
            "orderedValueList": ListOf(Text()),
        },
        required=("uniqueName", "label", "type"),
    )
)


_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "STAGE": ("objectId", "name"),
    "BUSINESS_USER": ("objectId", "modifiedDate", "emailAddress"),
}


def schema_mistakes(fields: Any) -> list[str]:
    """What is wrong with the body of uploadCrmSchemaField."""
    mistakes = list(_SCHEMA.mistakes(fields, "fields"))
    if mistakes:
        return mistakes
    names = [field["uniqueName"] for field in fields]
    mistakes += [f"{name} is given twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    for field in fields:
        if field["type"] == "PICKLIST" and not field.get("orderedValueList") and not field.get("isDeleted"):
            mistakes.append(f"{field['uniqueName']} is a PICKLIST and needs orderedValueList")
        if field["type"] == "REFERENCE" and "referenceTo" not in field:
            mistakes.append(f"{field['uniqueName']} is a REFERENCE and needs referenceTo")
    return mistakes


class LineShape:
    """What a line of this type must be; `added`: the fields that the company's schema adds."""

    def __init__(self, object_type: str, added: Sequence[Mapping[str, Any]]) -> None:
        self._object_type = object_type
        self._required = _REQUIRED.get(object_type, ("objectId", "modifiedDate"))
        shapes = {
            name: shape if name in self._required else OrNull(shape) for name, shape in _FIELDS[object_type].items()
        }
        for field in added:
            values = tuple(field.get("orderedValueList") or ())
            shape = Choice(values) if field["type"] == "PICKLIST" else _SIMPLE[field["type"]]
            shapes.setdefault(field["uniqueName"], OrNull(shape))
        self._thing = Thing(shapes)

    def mistakes(self, value: Any) -> list[str]:
        """What is wrong with one object."""
        if not isinstance(value, dict):
            return ["The line is not a JSON object"]
        is_gone = self._object_type == "BUSINESS_USER" and value.get("isDeleted") is True
        missing = [
            f"Mandatory field [{name}] is missing or empty"
            for name in self._required
            if value.get(name) in (None, "") and not (is_gone and name == "emailAddress")
        ]
        if is_gone and value.get("emailAddress", "") in (None, ""):
            value = {name: one for name, one in value.items() if name != "emailAddress"}
        return missing or list(self._thing.mistakes(value, ""))
