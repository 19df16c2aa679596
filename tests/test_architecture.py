"""Imports point down and siblings never meet; rooms stay small enough to read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "gong_bridge"

# Lowest first. Names on one line are siblings: they may not import each other.
LEVELS: list[set[str]] = [
    {"errors", "private_file", "readable"},
    {"call_draft", "model", "clock", "kill_points", "logs", "notify", "strict_yaml", "tokens"},
    {"recording_page"},
    {"config"},
    {"retry", "sources", "mapping", "media", "gong", "ledger", "sandbox"},
    {"linking", "observer", "owner", "set_back", "switch"},
    {"account", "routes"},
    {"receive"},
    {"connected", "crm", "privacy"},
    {"receipt", "steps"},
    {"pipeline"},
    {"backfill", "worker", "presence", "supervision", "single_pass"},
    {"service"},
    {"running", "scratch", "outcomes"},
    {"web", "demo", "drill"},
    {"cli"},
]
LEVEL_OF = {room: number for number, level in enumerate(LEVELS) for room in level}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in str(path))


def room_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "gong_bridge" and len(parts) > 1 and parts[1] in LEVEL_OF:
                rooms.add(parts[1])
    return rooms


def test_every_module_belongs_to_a_room_that_the_map_knows() -> None:
    rooms = {room_of(path) for path in modules()} - {"__init__", "__main__"}
    assert rooms - set(LEVEL_OF) == set()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_and_siblings_never_meet(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    wrong = {other for other in imported_rooms(path) if other != room and LEVEL_OF[other] >= LEVEL_OF[room]}
    assert wrong == set()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_its_one_job_in_its_first_line(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert 10 < len(docstring.splitlines()[0]) <= 120


def test_only_the_probe_s_child_process_loads_decoders() -> None:
    # The service must stay small while 1.5 GB recordings pass through it (R20).
    import subprocess
    import sys

    program = (
        "import sys, gong_bridge.running, gong_bridge.cli.run; "
        "print(sorted({'av', 'pydub', 'boto3', 'moto', 'numpy'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", ["ledger", "status", "pause"])
def test_commands_that_only_look_into_the_ledger_load_nothing_that_works_on_recordings(verb: str) -> None:
    # People and scripts type them again and again: with everything loaded each would take twice the time.
    import subprocess
    import sys

    heavy = {"alembic", "boto3", "httpx", "jinja2", "phonenumbers", "starlette", "structlog", "watchdog"}
    program = f"import sys; from gong_bridge.cli import build_app; build_app({verb!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert heavy & set(loaded.stdout.split()) == set()


def test_nobody_but_the_clock_sleeps_or_asks_the_time() -> None:
    asked = []
    for path in modules():
        if path.name == "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                if (owner, node.func.attr) in {("time", "sleep"), ("datetime", "now"), ("time", "time")}:
                    asked.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert asked == []


LONGEST_FILE_LINES = 350
LONGEST_FUNCTION_LINES = 60


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small_enough_to_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION_LINES
    }
    assert long == {}
    assert text.count("\n") <= LONGEST_FILE_LINES
