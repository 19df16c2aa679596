"""The table of docs/gong-api.md is true: every operation of the specification, and what the code has for it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import typer.main

import gong_bridge.gong
from gong_bridge.cli import build_app
from gong_bridge.gong.connection import connect
from gong_bridge.gong.wire import Operation
from tests.contract.gong_specification import SPECIFICATION, only_with_specification

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gong-api.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| `\w+` \| `[A-Z]+ /v2/", line)
]
NOT_YET = "not yet"


def operations() -> dict[str, Operation]:
    """Every Operation of the client; the first of several that differ in what they are for."""
    found: dict[str, Operation] = {}
    for module in pkgutil.iter_modules(gong_bridge.gong.__path__):
        for value in vars(importlib.import_module(f"gong_bridge.gong.{module.name}")).values():
            if isinstance(value, Operation):
                found.setdefault(value.operation_id, value)
    return found


def words(cell: str) -> str:
    return cell.strip("`")


@only_with_specification
def test_every_operation_of_the_specification_has_one_row_with_its_request() -> None:
    documented = {
        (one["operationId"], f"{method.upper()} {path}")
        for path, methods in SPECIFICATION["paths"].items()
        for method, one in methods.items()
        if isinstance(one, dict) and "operationId" in one
    }
    assert sorted((words(row[0]), words(row[1])) for row in ROWS) == sorted(documented)


def test_rows_say_not_yet_exactly_where_the_code_has_no_operation() -> None:
    has = {words(row[0]) for row in ROWS if NOT_YET not in (row[2], row[3])}
    assert has == set(operations())
    assert all(row[2:4] == [NOT_YET, NOT_YET] for row in ROWS if words(row[0]) not in has)


@pytest.mark.parametrize("operation", operations().values(), ids=lambda operation: operation.operation_id)
def test_request_and_scope_are_those_of_the_code(operation: Operation) -> None:
    (row,) = [row for row in ROWS if words(row[0]) == operation.operation_id]
    assert words(row[1]) == f"{operation.method} {operation.path}"
    assert words(row[4]) == operation.scope.split(" and ")[0]


@pytest.mark.parametrize("name", sorted({words(row[3]) for row in ROWS} - {NOT_YET}))
def test_client_methods_are_there(name: str) -> None:
    root, resource, method = name.split(".")
    assert root == "gong"
    with connect("https://us-12345.api.gong.io", "key", "secret") as gong:
        assert callable(getattr(getattr(gong, resource), method))


@pytest.mark.parametrize("command", sorted({words(row[2]) for row in ROWS} - {NOT_YET}))
def test_commands_and_their_options_are_there(command: str) -> None:
    found = typer.main.get_command(build_app(command.split()[0]))
    for word in command.split():
        if word.startswith("--"):
            assert word in {option for parameter in found.params for option in parameter.opts}
        elif word != "ID":
            found = found.commands[word]
