"""The eight operations of /v2/crm: integrations, entity schema, entities and the status of requests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge.sandbox.answers import EXTRA, JsonAnswer, Refusal
from gong_bridge.sandbox.crm_shapes import OBJECT_TYPES, UPLOAD_TYPES, Email, LineShape, schema_mistakes
from gong_bridge.sandbox.crm_store import MOST_ERRORS, CrmRequest, CrmStore
from gong_bridge.sandbox.multipart_file import OneFile
from gong_bridge.sandbox.requests_read import read_json, read_query
from gong_bridge.sandbox.shapes import ListOf, Text, Thing

LARGEST_FILE_BYTES = 200_000_000
_MOST_OBJECTS = 100
_KEPT_OF_UPLOAD = 20_000
_DATA_TYPES = (b"application/", b"text/", b"binary/")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_REGISTRATION = Thing({"name": Text(filled=True), "ownerEmail": Email()}, required=("name", "ownerEmail"))
_IDS = ListOf(Text(filled=True))


class CrmOperations:
    """What the company's own CRM tells Gong."""

    def __init__(self, store: CrmStore) -> None:
        self._store = store

    async def list_integrations(self, request: Request) -> Response:
        """Operation listGenericCrmIntegration."""
        read_query(request, set())
        return _answer(request, integrations=[{**one, **EXTRA} for one in self._store.integrations()])

    async def register(self, request: Request) -> Response:
        """Operation registerGenericCrmIntegration."""
        read_query(request, set())
        body = await read_json(request)
        mistakes = list(_REGISTRATION.mistakes(body, ""))
        if mistakes:
            raise Refusal(400, *mistakes)
        return _answer(request, integrationId=self._store.register(body["name"], body["ownerEmail"]))

    async def delete(self, request: Request) -> Response:
        """Operation deleteGenericCrmIntegration: the integration goes when the request is DONE."""
        query = read_query(request, {"integrationId", "clientRequestId"})
        integration_id, client_request_id = self._integration_in(query), _request_id_in(query)
        order = CrmRequest(integration_id=integration_id, client_request_id=client_request_id, object_type=None)
        self._store.add_request(order)
        return _answer(request, http_status=201, clientRequestId=client_request_id)

    async def list_schema(self, request: Request) -> Response:
        """Operation listCrmSchemaFields."""
        query = read_query(request, {"integrationId", "objectType"})
        self._integration_in(query)
        object_type = _type_in(query, OBJECT_TYPES)
        fields = [{**one, **EXTRA} for one in self._store.schema(object_type)]
        return _answer(request, objectTypeToSelectedFields={object_type: fields})

    async def upload_schema(self, request: Request) -> Response:
        """Operation uploadCrmSchemaField."""
        query = read_query(request, {"integrationId", "objectType"})
        self._integration_in(query)
        object_type = _type_in(query, OBJECT_TYPES)
        fields = await read_json(request)
        mistakes = schema_mistakes(fields)
        if mistakes:
            raise Refusal(400, *mistakes)
        self._store.set_schema(object_type, fields)
        return _answer(request, http_status=201)

    async def get_objects(self, request: Request) -> Response:
        """Operation getCrmObjects: of more than 100 ids the first 100."""
        given = request.query_params.multi_items()
        query = {name: value for name, value in given if name != "objectsCrmIds"}
        if len(query) + sum(name == "objectsCrmIds" for name, _ in given) != len(given):
            raise Refusal(400, "a parameter is given twice")
        unknown = query.keys() - {"integrationId", "objectType"}
        if unknown:
            raise Refusal(400, *(f"{name[:50]} is not a known parameter" for name in sorted(unknown)))
        self._integration_in(query)
        object_type = _type_in(query, OBJECT_TYPES)
        ids = await read_json(request)
        mistakes = list(_IDS.mistakes(ids, "objectsCrmIds"))
        if mistakes:
            raise Refusal(400, *mistakes)
        return _answer(request, crmObjectsMap=self._store.objects(object_type, ids[:_MOST_OBJECTS]))

    async def upload(self, request: Request) -> Response:
        """Operation uploadCrmData. Nothing is kept unless the whole body arrived."""
        query = read_query(request, {"integrationId", "objectType", "clientRequestId"})
        integration_id, client_request_id = self._integration_in(query), _request_id_in(query)
        object_type = _type_in(query, UPLOAD_TYPES)
        self._store.check_unused(client_request_id)
        schema = self._store.schema(object_type)
        upload = CrmRequest(integration_id=integration_id, client_request_id=client_request_id, object_type=object_type)
        lines = _Lines(upload, schema)
        await _receive(request.headers, request.stream(), lines)
        self._store.add_request(upload, lines.objects)
        return _answer(request, http_status=201, clientRequestId=client_request_id)

    async def status(self, request: Request) -> Response:
        """Operation getRequestStatus."""
        query = read_query(request, {"integrationId", "clientRequestId"})
        return _answer(request, **self._store.status(_integration_id_in(query), _request_id_in(query)))

    def _integration_in(self, query: Mapping[str, str]) -> int:
        integration_id = _integration_id_in(query)
        self._store.check_integration(integration_id)
        return integration_id


class _Lines:
    """Reads an upload line by line as it streams by; writes into `upload` what became of it."""

    def __init__(self, upload: CrmRequest, schema: list[Mapping[str, Any]]) -> None:
        self.objects: list[Mapping[str, Any]] = []
        self._upload = upload
        self._shape = LineShape(str(upload.object_type), schema)
        self._rest = b""
        self._line = 0
        self._digest = hashlib.sha256()

    def take(self, piece: bytes) -> None:
        """The next bytes of the file."""
        self._upload.size_bytes += len(piece)
        self._digest.update(piece)
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for line in whole:
            self._read(line)

    def end(self) -> None:
        """The file has ended. Raises Refusal (400) for one without a line."""
        if self._rest.strip():
            self._read(self._rest)
        if not self._line:
            raise Refusal(400, "dataFile is empty")
        self._upload.sha256 = self._digest.hexdigest()

    def _read(self, line: bytes) -> None:
        self._line += 1
        try:
            value = json.loads(line.decode("utf-8"))
            mistakes = self._shape.mistakes(value)
        except (ValueError, RecursionError):
            mistakes = ["The line is not valid JSON"]
        if mistakes:
            self._upload.failed += 1
            if len(self._upload.errors) < MOST_ERRORS:
                self._upload.errors.append({"line": self._line, "description": mistakes[0]})
            return
        self._upload.taken += 1
        if len(self.objects) < _KEPT_OF_UPLOAD:
            self.objects.append(value)


async def _receive(headers: Mapping[str, str], body: AsyncIterator[bytes], lines: _Lines) -> None:
    form = OneFile(
        headers,
        field="dataFile",
        types=_DATA_TYPES,
        types_told="application/* or text/*",
        largest_bytes=LARGEST_FILE_BYTES,
    )
    size_bytes = 0
    async for chunk in body:
        for piece in form.take(chunk) if chunk else ():
            size_bytes += len(piece)
            if size_bytes <= LARGEST_FILE_BYTES:
                lines.take(bytes(piece))
    form.check_end()
    if size_bytes > LARGEST_FILE_BYTES:
        raise Refusal(400, f"dataFile must not be larger than {LARGEST_FILE_BYTES} bytes")
    lines.end()


def _answer(request: Request, /, http_status: int = 200, **content: Any) -> Response:
    return JsonAnswer(content, request_id=request.state.request_id, status=http_status)


def _integration_id_in(query: Mapping[str, str]) -> int:
    value = query.get("integrationId")
    if value is None:
        raise Refusal(400, "integrationId is required")
    if not (value.isascii() and value.isdigit() and int(value) < 2**63):
        raise Refusal(400, "integrationId must be a number of 64 bits")
    return int(value)


def _request_id_in(query: Mapping[str, str]) -> str:
    value = query.get("clientRequestId")
    if value is None:
        raise Refusal(400, "clientRequestId is required")
    if not _REQUEST_ID.fullmatch(value):
        raise Refusal(400, "clientRequestId must be letters, numbers, dashes and underscores")
    return value


def _type_in(query: Mapping[str, str], known: tuple[str, ...]) -> str:
    value = query.get("objectType")
    if value is None:
        raise Refusal(400, "objectType is required")
    if value not in known:
        raise Refusal(400, f"objectType must be one of {', '.join(known)}")
    return value
