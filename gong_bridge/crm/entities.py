"""What an object of each type must and may have, and what is wrong with one; pure.

Source: "CRM Entities" of Gong API V2, uploadCrmData; a company adds fields of its own by the schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gong_bridge.crm.values import (
    BOOLEAN,
    DAY_OR_MOMENT,
    EMAIL,
    MOMENT,
    NUMBER,
    OBJECT_ID,
    OF_TYPE,
    ORDER,
    STRING,
    STRINGS,
    URL,
    Check,
    one_of,
    shown,
)
from gong_bridge.gong.models.crm import SchemaField, UploadType
from gong_bridge.strict_yaml.keys import near_name

_COMMON: dict[str, Check] = {"objectId": OBJECT_ID, "modifiedDate": MOMENT, "isDeleted": BOOLEAN, "url": URL}
_PERSON: dict[str, Check] = dict.fromkeys(("emailAddress", "firstName", "lastName", "title", "phoneNumber"), STRING)
FIELDS: Mapping[UploadType, Mapping[str, Check]] = {
    "BUSINESS_USER": {**_COMMON, "emailAddress": EMAIL},
    "ACCOUNT": {**_COMMON, "name": STRING, "domains": STRINGS},
    "CONTACT": {**_COMMON, **_PERSON, "accountId": STRING},
    "LEAD": {
        **_COMMON,
        **_PERSON,
        "convertedToDealId": STRING,
        "convertedToContactId": STRING,
        "convertedToAccountId": STRING,
    },
    "DEAL": {
        **_COMMON,
        "accountId": STRING,
        "ownerId": STRING,
        "name": STRING,
        "createdDate": MOMENT,
        "closeDate": DAY_OR_MOMENT,
        "status": one_of(("WON", "LOST", "OPEN")),
        "stage": STRING,
        "amount": NUMBER,
    },
    "STAGE": {"objectId": OBJECT_ID, "modifiedDate": MOMENT, "name": STRING, "isActive": BOOLEAN, "sortOrder": ORDER},
}
"""Gong's own fields of each type."""
_REQUIRED: Mapping[UploadType, tuple[str, ...]] = {
    "BUSINESS_USER": ("objectId", "modifiedDate", "emailAddress"),
    "STAGE": ("objectId", "name"),
}
_REQUIRED_OF_MOST = ("objectId", "modifiedDate")
WITH_SCHEMA: tuple[UploadType, ...] = ("ACCOUNT", "CONTACT", "DEAL", "LEAD")
"""Types to which a company can add fields."""


class Entity:
    """An object type with the fields that the company added to it."""

    def __init__(self, object_type: UploadType, added: Sequence[SchemaField] = ()) -> None:
        self.object_type = object_type
        self._checks = dict(FIELDS[object_type])
        self._required = _REQUIRED.get(object_type, _REQUIRED_OF_MOST)
        self._deleted: set[str] = set()
        for field in added:
            name = field.unique_name or ""
            if field.is_deleted:
                self._deleted.add(name)
            else:
                self._checks.setdefault(name, _check_of(field))

    @property
    def fields(self) -> Sequence[str]:
        """The names of all fields."""
        return tuple(self._checks)

    def check_of(self, field: str) -> Check:
        """What a value of the field must be; any text for a field that is not known."""
        return self._checks.get(field, STRING)

    def mistakes(self, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Field and what is wrong with it, for each mistake of one object."""
        for name in self._required:
            if value.get(name) in (None, "") and not self._may_be_absent(name, value):
                yield name, f"is missing or empty; each {self.object_type} must have it"
        for name, one in value.items():
            check = self._checks.get(name)
            if check is None:
                yield name, self._unknown(name)
            elif one is not None and not (one == "" and name in self._required):
                said = check(one)
                if said is not None:
                    yield name, f"{said}, found {shown(one)}"

    def _may_be_absent(self, name: str, value: Mapping[str, Any]) -> bool:
        return self.object_type == "BUSINESS_USER" and name == "emailAddress" and value.get("isDeleted") is True

    def _unknown(self, name: str) -> str:
        if name in self._deleted:
            return "was deleted from the schema; leave it out"
        near = near_name(name, self._checks)
        if near is not None:
            return f"is not known; did you mean {near}?"
        if self.object_type not in WITH_SCHEMA:
            return f"is not known; a {self.object_type} has {', '.join(self._checks)}"
        return f"is not known; leave it out, or add it to the schema of {self.object_type} (gong-bridge crm schema)"


def _check_of(field: SchemaField) -> Check:
    if field.type == "PICKLIST" and field.ordered_value_list:
        return one_of(field.ordered_value_list)
    return OF_TYPE.get(field.type or "", lambda _value: None)
