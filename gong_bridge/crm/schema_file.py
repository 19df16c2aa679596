"""The fields that a company adds to Gong's CRM objects, from a YAML file: checked, and compared with those in Gong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gong_bridge.crm.values import MOMENT, FieldType
from gong_bridge.errors import ConfigError
from gong_bridge.gong.models.crm import ObjectType, SchemaField
from gong_bridge.strict_yaml import Document, load_document, problems_of

OBJECT_TYPES: tuple[ObjectType, ...] = get_args(ObjectType)


class FieldInFile(BaseModel):
    """One field, with Gong's own names."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    uniqueName: str = Field(min_length=1)
    """The field's name in the CRM, and in the uploaded objects."""
    label: str = Field(min_length=1)
    """What Gong shows to people."""
    type: FieldType
    """DATE, DATETIME, NUMBER, PERCENT, CURRENCY, ID, URL, STRING, BOOLEAN, PHONENUMBER, ... ."""
    lastModified: str | None = None
    """When the schema was changed: 2020-12-17T13:45:01Z."""
    isDeleted: bool = False
    """Delete the field in Gong, with all its data."""
    referenceTo: Literal["ACCOUNT", "CONTACT", "DEAL", "LEAD", "USER"] | None = None
    """Of a REFERENCE: the object type that it leads to."""
    orderedValueList: list[str] | None = None
    """Of a PICKLIST: its values."""


class SchemaFile(BaseModel):
    """All fields that are added, by object type."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    about: str | None = None
    """What the file is for, in words."""
    ACCOUNT: list[FieldInFile] | None = None
    """Fields of accounts."""
    CONTACT: list[FieldInFile] | None = None
    """Fields of contacts."""
    DEAL: list[FieldInFile] | None = None
    """Fields of deals."""
    LEAD: list[FieldInFile] | None = None
    """Fields of leads."""


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What a schema file says. fields: as Gong takes them, for each object type that is named."""

    document: Document
    fields: Mapping[ObjectType, Sequence[Mapping[str, Any]]]

    def as_gong_has_it(self, object_type: str) -> tuple[SchemaField, ...]:
        """The fields as Gong would give them."""
        listed = {str(name): fields for name, fields in self.fields.items()}
        return tuple(SchemaField.model_validate(one) for one in listed.get(object_type, ()))

    def check_complete(self, object_type: ObjectType, present: Sequence[SchemaField]) -> None:
        """Raise ConfigError when Gong has a field that the file leaves out: Gong would refuse the file."""
        named = {one["uniqueName"] for one in self.fields[object_type]}
        left_out = [str(one.unique_name) for one in present if not one.is_deleted and one.unique_name not in named]
        if left_out:
            what = (
                f"Gong has {', '.join(left_out)} besides; name every field each time, and one that is to be deleted "
                "with isDeleted: true"
            )
            raise ConfigError(self.document.problem((object_type,), what, of_key=True))

    def data_lost(self, object_type: ObjectType, present: Sequence[SchemaField]) -> list[str]:
        """What Gong would delete with its data, in words."""
        types = {one.unique_name: one.type for one in present if not one.is_deleted}
        lost = []
        for field in self.fields[object_type]:
            name, before = field["uniqueName"], types.get(field["uniqueName"])
            if before is not None and field.get("isDeleted"):
                lost.append(f"{object_type}.{name} is deleted with its data")
            elif before is not None and before != field["type"]:
                lost.append(f"{object_type}.{name} becomes {field['type']}: what it held as {before} is deleted")
        return lost


def load_schema(path: Path) -> Schema:
    """Read a schema file. Raises ConfigError with every mistake, `file:line:column: what; cure`."""
    document = load_document(path)
    try:
        read = SchemaFile.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError(problems_of(document, error, SchemaFile)) from None
    fields = {name: getattr(read, name) for name in OBJECT_TYPES}
    named = {name: one for name, one in fields.items() if one is not None}
    problems = [problem for name, listed in named.items() for problem in _problems(document, name, listed)]
    if not named:
        problems = [document.problem((), f"no object type is named; write fields below {', '.join(OBJECT_TYPES)}")]
    if problems:
        raise ConfigError(problems)
    return Schema(
        document=document,
        fields={
            name: [one.model_dump(exclude_none=True, exclude_defaults=True) for one in listed]
            for name, listed in named.items()
        },
    )


def _problems(document: Document, object_type: str, fields: Sequence[FieldInFile]) -> list[str]:
    problems = []
    seen: set[str] = set()
    for number, field in enumerate(fields):
        at = (object_type, number)
        if field.uniqueName in seen:
            problems.append(document.problem((*at, "uniqueName"), f"{field.uniqueName} is named twice"))
        seen.add(field.uniqueName)
        if field.type == "PICKLIST" and not field.orderedValueList and not field.isDeleted:
            problems.append(document.problem(at, "a PICKLIST needs orderedValueList: [one, another]"))
        if field.type == "REFERENCE" and field.referenceTo is None:
            problems.append(document.problem(at, "a REFERENCE needs referenceTo: ACCOUNT, CONTACT, DEAL, LEAD or USER"))
        if field.lastModified is not None and MOMENT(field.lastModified) is not None:
            problems.append(document.problem((*at, "lastModified"), str(MOMENT(field.lastModified))))
    return problems
