"""The company's own CRM in Gong: its integration, the fields of its objects, and their upload."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from gong_bridge.errors import RefusedByGong
from gong_bridge.gong.bodies import FileBody, JsonBody
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.models.crm import (
    CrmIntegration,
    CrmIntegrations,
    CrmObjects,
    ObjectType,
    Registered,
    RequestStatus,
    SchemaField,
    SchemaFields,
    UploadType,
)
from gong_bridge.gong.wire import NotFound, Operation, read_as

LARGEST_FILE_BYTES = 200_000_000
"""Of an upload: "200 megabytes" (Gong API V2, uploadCrmData)."""
MOST_OBJECTS = 100
"""Gong gives back the first so many of the objects that are asked for, and says nothing of the others."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)

INTEGRATIONS = Operation(
    operation_id="listGenericCrmIntegration",
    method="GET",
    path="/v2/crm/integrations",
    doing="look up the CRM integration",
    scope="api:crm:integrations:read",
)
REGISTER = Operation(
    operation_id="registerGenericCrmIntegration",
    method="PUT",
    path="/v2/crm/integrations",
    doing="register the CRM integration",
    scope="api:crm:integration:register",
    changes_gong=True,
)
DELETE = Operation(
    operation_id="deleteGenericCrmIntegration",
    method="DELETE",
    path="/v2/crm/integrations",
    doing="delete the CRM integration",
    scope="api:crm:integration:delete",
    changes_gong=True,
    not_found=NotFound.REFUSED,
)
SCHEMA = Operation(
    operation_id="listCrmSchemaFields",
    method="GET",
    path="/v2/crm/entity-schema",
    doing="list the fields of the CRM's objects",
    scope="api:crm:schema",
    not_found=NotFound.REFUSED,
)
UPLOAD_SCHEMA = Operation(
    operation_id="uploadCrmSchemaField",
    method="POST",
    path="/v2/crm/entity-schema",
    doing="set the fields of the CRM's objects",
    scope="api:crm:schema",
    changes_gong=True,
    not_found=NotFound.REFUSED,
)
OBJECTS = Operation(
    operation_id="getCrmObjects",
    method="GET",
    path="/v2/crm/entities",
    doing="read objects of the CRM",
    scope="api:crm:get-objects",
    not_found=NotFound.REFUSED,
)
UPLOAD = Operation(
    operation_id="uploadCrmData",
    method="POST",
    path="/v2/crm/entities",
    doing="upload objects of the CRM",
    scope="api:crm:upload",
    changes_gong=True,
    not_found=NotFound.REFUSED,
)
STATUS = Operation(
    operation_id="getRequestStatus",
    method="GET",
    path="/v2/crm/request-status",
    doing="ask what became of the CRM request",
    scope="api:crm:upload",
    not_found=NotFound.REFUSED,
)


class RequestIdUsed(RefusedByGong):
    """Gong has had a request with this clientRequestId: nothing was taken now; its status says what became of it."""


class IntegrationExists(RefusedByGong):
    """The company has a CRM integration already, of this kind or a native one; Gong allows one."""


class Crm:
    """The CRM of one Gong. Ids of integrations are texts of up to 20 digits.

    All raise RateLimited, ServiceDown, BadCredentials (the scope is missing, too), WrongBaseUrl, RefusedByGong (an
    integration or a request that Gong does not know, ...); what changes something also Unclear. A clientRequestId is
    letters, digits, dashes and underscores, and is good for one request: ValueError for any other.
    """

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def integrations(self) -> tuple[CrmIntegration, ...]:
        """The integration that was registered through this API, if there is one. Scope api:crm:integrations:read."""
        return read_as(CrmIntegrations, self._client.send(INTEGRATIONS)).integrations or ()

    def register(self, name: str, owner_email: str) -> str:
        """Make the integration; its id. Raises IntegrationExists. Scope api:crm:integration:register."""
        try:
            answer = self._client.send(REGISTER, body=JsonBody({"name": name, "ownerEmail": owner_email}))
        except RefusedByGong as refused:
            raise _conflict_as(IntegrationExists, refused, _DELETE_FIRST) from None
        return read_as(Registered, answer).integration_id

    def delete(self, integration_id: str, client_request_id: str) -> None:
        """Order that the integration and all its objects be deleted, which takes Gong up to 24 hours.

        `request_status` says when it is done. Raises RequestIdUsed. Scope api:crm:integration:delete.
        """
        query = {"integrationId": integration_id, "clientRequestId": checked_request_id(client_request_id)}
        try:
            self._client.send(DELETE, query=query, about=f"integration {integration_id}")
        except RefusedByGong as refused:
            raise _conflict_as(RequestIdUsed, refused, _ASK_STATUS) from None

    def schema(self, integration_id: str, object_type: ObjectType) -> tuple[SchemaField, ...]:
        """The fields that the company added to an object type; Gong's own are not among them. Scope api:crm:schema."""
        query = {"integrationId": integration_id, "objectType": object_type}
        answer = self._client.send(SCHEMA, query=query, about=f"integration {integration_id}")
        fields = read_as(SchemaFields, answer).object_type_to_selected_fields or {}
        return fields.get(object_type) or ()

    def upload_schema(self, integration_id: str, object_type: ObjectType, fields: Sequence[Mapping[str, Any]]) -> None:
        """Say which fields an object type has besides Gong's own: all of them, each time. Scope api:crm:schema.

        fields: as Gong takes them (uniqueName, label, type ...). A field that is left out is refused; one with
        isDeleted, or with another type than before, loses its data. Repeating it does no harm.
        """
        self._client.send(
            UPLOAD_SCHEMA,
            query={"integrationId": integration_id, "objectType": object_type},
            body=JsonBody([dict(field) for field in fields]),
            about=f"integration {integration_id}",
        )

    def objects(
        self, integration_id: str, object_type: ObjectType, ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any] | None]:
        """The objects with these ids of the CRM, as Gong has them; None for each that it has not.

        At most 100 ids: ValueError for more. Gong means it for looking while one builds. Scope api:crm:get-objects.
        """
        if len(ids) > MOST_OBJECTS:
            raise ValueError(f"Gong gives back {MOST_OBJECTS} objects at most, but {len(ids)} are asked for")
        # The specification lists the ids as a parameter of the query and says that they stand in the body: both.
        query = {"integrationId": integration_id, "objectType": object_type, "objectsCrmIds": list(ids)}
        answer = self._client.send(
            OBJECTS, query=query, body=JsonBody(list(ids)), about=f"integration {integration_id}"
        )
        return read_as(CrmObjects, answer).crm_objects_map or {}

    def upload(
        self,
        integration_id: str,
        object_type: UploadType,
        client_request_id: str,
        open_body: Callable[[], BinaryIO],
        size_bytes: int,
        on_progress: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """Hand over a file of LDJSON, one object a line; `request_status` says what becomes of it.

        open_body: gives the file at its beginning, which is streamed and closed. size_bytes: at most 200,000,000;
        ValueError for more. on_progress: told of each piece's size. Raises RequestIdUsed, SourceChanged when the file
        has another size. Scope api:crm:upload.
        """
        if size_bytes > LARGEST_FILE_BYTES:
            raise ValueError(f"Gong takes {LARGEST_FILE_BYTES} bytes at most, but the file has {size_bytes}")
        body = FileBody(
            part="dataFile",
            file_name=f"{object_type.lower()}.ldjson",
            content_type="application/octet-stream",
            open_body=open_body,
            size_bytes=size_bytes,
            on_progress=on_progress,
            what="the file of CRM objects",
        )
        query = {
            "integrationId": integration_id,
            "objectType": object_type,
            "clientRequestId": checked_request_id(client_request_id),
        }
        try:
            self._client.send(UPLOAD, query=query, body=body, about=f"integration {integration_id}")
        except RefusedByGong as refused:
            raise _conflict_as(RequestIdUsed, refused, _ASK_STATUS) from None

    def request_status(self, integration_id: str, client_request_id: str) -> RequestStatus:
        """How far an upload or a deletion is. Scope api:crm:upload, also for a deletion."""
        query = {"integrationId": integration_id, "clientRequestId": checked_request_id(client_request_id)}
        answer = self._client.send(STATUS, query=query, about=f"integration {integration_id}")
        return read_as(RequestStatus, answer)


_DELETE_FIRST = "look at it with `gong-bridge crm list`; to make another one, delete it first, in Gong if it is native"
_ASK_STATUS = "ask with `gong-bridge crm status ID` what became of it"
_CONFLICT = 409


def _conflict_as(kind: type[RefusedByGong], refused: RefusedByGong, cure: str) -> RefusedByGong:
    if refused.http_status != _CONFLICT:
        return refused
    said = refused.message.partition(" Cure: ")[0]
    return kind(f"{said} Cure: {cure}.", http_status=refused.http_status, request_id=refused.request_id)


def checked_request_id(client_request_id: str) -> str:
    """The id, when Gong takes its characters. Raises ValueError."""
    if not _REQUEST_ID.fullmatch(client_request_id):
        raise ValueError(f"{client_request_id!r}: letters, digits, dashes and underscores make a clientRequestId")
    return client_request_id
