"""Reads agents.csv: which extension, login or name belongs to which e-mail address."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.words import nearest

COLUMNS = ("email", "extension", "login", "name")
LARGEST_FILE_BYTES = 16 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """One line of agents.csv; an empty cell is an empty text. `line` counts from 1 and includes the header."""

    email: str = ""
    extension: str = ""
    login: str = ""
    name: str = ""
    line: int = 0


def load_agents(path: Path) -> list[Agent]:
    """All agents of the file: UTF-8 with or without BOM, separated by `,` or `;`, header in any order and case.

    Raises ConfigError with one line `file:line: what; cure` for every mistake: unknown columns, too many cells, the
    same e-mail, extension or login on two lines (an agent with two extensions is two lines with the same e-mail).
    """
    text = _read_text(path)
    first_line = text.split("\n", 1)[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    problems: list[str] = []
    agents: list[Agent] = []
    columns: list[str] = []
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            if not columns:
                columns = [cell.lower() for cell in row]
                problems += _header_problems(path, reader.line_num, columns)
                if problems:
                    break
                continue
            agent = _agent(path, reader.line_num, columns, row, problems)
            if agent is not None:
                agents.append(agent)
    except csv.Error as error:
        problems.append(f"{path}:{reader.line_num}: this line is no CSV ({error}); put text with quotes in quotes")
    if not columns:
        problems.append(f"{path}:1: the file is empty; its first line must be: {','.join(COLUMNS)}")
    problems += _duplicates(path, agents)
    if problems:
        raise ConfigError(problems)
    return agents


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check the name and the permissions") from None
    if len(raw) > LARGEST_FILE_BYTES:
        raise ConfigError(f"{path} is larger than 16 MiB; is this the right file?")
    if b"\0" in raw:
        raise ConfigError(f"{path}:1: the file is no CSV in UTF-8; save it as 'CSV UTF-8'")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: a character is not UTF-8; save the file as 'CSV UTF-8'") from None


def _header_problems(path: Path, line: int, columns: list[str]) -> list[str]:
    problems = []
    for column in columns:
        if column not in COLUMNS:
            near = nearest(column, COLUMNS)
            cure = f"did you mean {near!r}?" if near else f"the columns are {', '.join(COLUMNS)}"
            problems.append(f"{path}:{line}: column {column!r} is not known; {cure}")
    for column in sorted({column for column in columns if columns.count(column) > 1}):
        problems.append(f"{path}:{line}: column {column!r} is there twice; remove one")
    return problems


def _agent(path: Path, line: int, columns: list[str], row: list[str], problems: list[str]) -> Agent | None:
    if len(row) > len(columns) and any(row[len(columns) :]):
        problems.append(f"{path}:{line}: {len(row)} cells, but the header has {len(columns)}; quote texts with a comma")
        return None
    cells = dict(zip(columns, row, strict=False))
    if cells.get("email") and "@" not in cells["email"]:
        problems.append(f"{path}:{line}: the cell in column email is no e-mail address; check the columns' order")
        return None
    return Agent(**cells, line=line)


def _duplicates(path: Path, agents: list[Agent]) -> list[str]:
    problems = []
    for column in ("extension", "login"):
        seen: dict[str, Agent] = {}
        for agent in agents:
            value: str = getattr(agent, column)
            if not value:
                continue
            first = seen.setdefault(value.casefold(), agent)
            if first is not agent:
                problems.append(
                    f"{path}:{agent.line}: {column} {value!r} is on line {first.line} already; "
                    f"one {column} belongs to one person, remove one of the two lines"
                )
    return problems
