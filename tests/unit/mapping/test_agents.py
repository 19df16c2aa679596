"""agents.csv is read as spreadsheets write it, and every mistake names its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.agents import Agent, load_agents


def written(folder: Path, data: bytes) -> Path:
    path = folder / "agents.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        b"email,extension,login,name\nagent@example.com,0201,agent.201,Front Desk\n",
        b"\xef\xbb\xbfEmail;Extension;Login;Name\r\nagent@example.com;0201;agent.201;Front Desk\r\n",
        b"name , login, EXTENSION,email\n Front Desk ,agent.201, 0201 , agent@example.com\n\n,,,\n",
        b'extension,email,name,login\n"0201","agent@example.com","Front Desk",agent.201',
    ],
    ids=["plain", "excel with mark and semicolons", "any order, spaces, empty lines", "quotes, no last line end"],
)
def test_the_same_agent_is_read_however_the_file_is_written(tmp_path: Path, data: bytes) -> None:
    assert load_agents(written(tmp_path, data)) == [
        Agent(email="agent@example.com", extension="0201", login="agent.201", name="Front Desk", line=2)
    ]


def test_empty_cells_and_missing_columns_are_empty(tmp_path: Path) -> None:
    path = written(tmp_path, b"email,extension\na@example.com,\n,202\n")

    assert load_agents(path) == [Agent(email="a@example.com", line=2), Agent(extension="202", line=3)]


def test_an_agent_with_two_extensions_has_two_lines(tmp_path: Path) -> None:
    path = written(tmp_path, b"email,extension\na@example.com,201\na@example.com,202\n")

    assert [agent.extension for agent in load_agents(path)] == ["201", "202"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"email,extention\n", ":1: column 'extention' is not known; did you mean 'extension'?"),
        (b"email,email\n", ":1: column 'email' is there twice; remove one"),
        (b"", ":1: the file is empty; its first line must be: email,extension,login,name"),
        (b"email,name\na@example.com,Desk, Front\n", ":2: 3 cells, but the header has 2; quote texts with a comma"),
        (b"email,extension\n201,a@example.com\n", ":2: the cell in column email is no e-mail address"),
        (b"email,name\na@example.com,\xfc\n", ":2: a character is not UTF-8; save the file as 'CSV UTF-8'"),
        (b"\xff\xfee\0m\0", ":1: the file is no CSV in UTF-8; save it as 'CSV UTF-8'"),
    ],
)
def test_a_mistake_names_its_line_and_the_cure(tmp_path: Path, data: bytes, problem: str) -> None:
    path = written(tmp_path, data)

    with pytest.raises(ConfigError) as refusal:
        load_agents(path)

    assert refusal.value.message.startswith(f"{path}{problem}")


def test_two_lines_with_one_extension_name_both_lines(tmp_path: Path) -> None:
    path = written(tmp_path, b"email,extension,login\na@example.com,201,x\nb@example.com,202,y\nc@example.com,201,X\n")

    with pytest.raises(ConfigError) as refusal:
        load_agents(path)

    assert refusal.value.problems == [
        f"{path}:4: extension '201' is on line 2 already; one extension belongs to one person, "
        "remove one of the two lines",
        f"{path}:4: login 'X' is on line 2 already; one login belongs to one person, remove one of the two lines",
    ]
