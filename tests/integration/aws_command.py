"""Enough of the AWS CLI to type the handbook's commands at a stand-in for AWS: `aws SERVICE OPERATION --name value`.

Run as a program; the stand-in is $STAND_IN_URL. Parameters are checked against boto3's own model of the operation, so
a name that AWS does not know fails.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
import jmespath

_SERVICES = {"s3api": "s3"}


def _value(text: str, shape: Any) -> Any:
    """A value as the CLI takes it: file://, JSON, `Key=Value,...`, or plain text."""
    if text.startswith("file://"):
        text = Path(text.removeprefix("file://")).read_text(encoding="utf-8")
    if shape.type_name == "string":
        return text
    if text.lstrip().startswith(("{", "[")):
        return json.loads(text)
    if shape.type_name in ("map", "structure"):
        return dict(part.split("=", 1) for part in text.split(","))
    if shape.type_name == "list":
        return [_value(text, shape.member)]
    return int(text)


def main(arguments: list[str]) -> None:
    service, operation, *rest = arguments
    client = boto3.client(_SERVICES.get(service, service), endpoint_url=os.environ["STAND_IN_URL"])
    method = operation.replace("-", "_")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    members = {name.lower(): name for name in shape.members}
    members["notificationendpoint"] = "Endpoint"  # the CLI's own name: --endpoint would be mistaken for --endpoint-url
    given: dict[str, Any] = {}
    query = None
    for option, text in zip(rest[::2], rest[1::2], strict=True):
        plain = option.removeprefix("--").replace("-", "")
        if plain == "query":
            query = text
        elif plain != "output":
            name = members[plain]
            given[name] = _value(text, shape.members[name])
    answer = getattr(client, method)(**given)
    if query is not None:
        sys.stdout.write(f"{jmespath.search(query, answer)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
