"""Gong's specification as tests read it: schemas by name, and a check of one answer against its operation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

SPECIFICATION_PATH = Path(__file__).resolve().parents[2].parent / "shared" / "gong-api-v2-openapi.json"
only_with_specification = pytest.mark.skipif(
    not SPECIFICATION_PATH.exists(), reason="Gong's specification (../shared/gong-api-v2-openapi.json) is not here"
)
SPECIFICATION: dict[str, Any] = json.loads(SPECIFICATION_PATH.read_text()) if SPECIFICATION_PATH.exists() else {}
SCHEMAS: dict[str, Any] = SPECIFICATION.get("components", {}).get("schemas", {})

WRONG_KEYS_ANSWER_401 = {("listUsers", 401), ("listWorkspaces", 401)}
"""These document 403 alone; wrong keys get 401 from the sandbox there as everywhere, users 403 by option."""

OVER_THE_LIMIT = 429
"""The limits that Gong's overview describes hold for every operation; some do not list their status."""


def check_answer(operation: str, answer: httpx.Response) -> None:
    """The status is documented for the operation, the body fits that status's schema and has a field beyond it."""
    documented = _operation(operation)["responses"]
    undocumented = answer.status_code == OVER_THE_LIMIT or (operation, answer.status_code) in WRONG_KEYS_ANSWER_401
    assert str(answer.status_code) in documented or undocumented
    reference = documented.get(str(answer.status_code), documented["400"])
    schema_name = reference["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert answer.headers["content-type"] == "application/json"
    registry: Registry[Any] = Registry().with_resource("urn:gong", DRAFT202012.create_resource(SPECIFICATION))
    schema = {"$ref": f"urn:gong#/components/schemas/{schema_name}"}
    Draft202012Validator(schema, registry=registry).validate(answer.json())
    assert re.fullmatch(r"[0-9a-z]{20}", answer.json()["requestId"])
    assert set(answer.json()) - set(SCHEMAS[schema_name]["properties"]), "no field that a client must ignore"
    if schema_name == "ErrorResponse":
        assert answer.json()["errors"]


def _operation(operation: str) -> dict[str, Any]:
    for methods in SPECIFICATION["paths"].values():
        for described in methods.values():
            if isinstance(described, dict) and described.get("operationId") == operation:
                return described
    raise LookupError(operation)


def description_of(operation: str) -> str:
    """What the specification tells people of this operation; its scope stands there in quotes."""
    description: str = _operation(operation)["description"]
    return description
