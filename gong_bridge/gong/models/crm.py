"""The CRM integration, the schema of its objects, and what became of an upload or a deletion."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from gong_bridge.gong.wire import GongAnswer

ObjectType = Literal["ACCOUNT", "CONTACT", "DEAL", "LEAD"]
"""What has a schema that can be changed, and can be read back."""
UploadType = Literal["ACCOUNT", "CONTACT", "DEAL", "LEAD", "BUSINESS_USER", "STAGE"]
"""What can be uploaded."""


class CrmIntegration(GongAnswer):
    """The integration of the company; there is one at most."""

    integration_id: str | None = None
    name: str | None = None
    owner_email: str | None = None


class CrmIntegrations(GongAnswer):
    """GET /v2/crm/integrations."""

    integrations: tuple[CrmIntegration, ...] | None = None


class Registered(GongAnswer):
    """PUT /v2/crm/integrations."""

    integration_id: str


class SchemaField(GongAnswer):
    """A field that the company added to an object type. last_modified: ISO-8601.

    type: DATE, DATETIME, NUMBER, PERCENT, CURRENCY, ID, URL, STRING, BOOLEAN, PHONENUMBER, EMAILADDRESS, PICKLIST,
    REFERENCE (then reference_to) or STRINGARRAY. ordered_value_list: of a PICKLIST; Gong does not always tell it.
    """

    unique_name: str | None = None
    label: str | None = None
    type: str | None = None
    last_modified: str | None = None
    is_deleted: bool | None = None
    reference_to: str | None = None
    ordered_value_list: tuple[str, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_as_in_the_example(cls, value: Any) -> Any:
        # The schema of Gong's answer says uniqueName, the example beside it says name.
        if isinstance(value, dict) and value.get("uniqueName") is None and "name" in value:
            return {**value, "uniqueName": value["name"]}
        return value


class SchemaFields(GongAnswer):
    """GET /v2/crm/entity-schema: object type -> fields."""

    object_type_to_selected_fields: dict[str, tuple[SchemaField, ...] | None] | None = None


class CrmObjects(GongAnswer):
    """GET /v2/crm/entities: the CRM's id -> field -> value; None for an object that Gong does not have."""

    crm_objects_map: dict[str, dict[str, Any] | None] | None = None


class LineError(GongAnswer):
    """A line that could not be processed, from 1; line 0 stands for the whole file."""

    line: int | None = None
    description: str | None = None


class RequestStatus(GongAnswer):
    """GET /v2/crm/request-status: PENDING, IN_PROGRESS, DONE or FAILED; `errors` tells 20 lines at most."""

    status: str
    errors: tuple[LineError, ...] | None = None
    total_error_count: int | None = None
    total_success_count: int | None = None

    @property
    def has_ended(self) -> bool:
        """DONE or FAILED; a status that nobody knows is one that goes on."""
        return self.status in ("DONE", "FAILED")
