"""docs/configuration.md and the exported JSON Schema tell the truth about what bridge.yaml may say."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gong_bridge.config.json_schema import bridge_schema
from gong_bridge.config.load import load_config
from gong_bridge.config.schema import Config
from gong_bridge.strict_yaml import load_document
from gong_bridge.strict_yaml.keys import key_paths

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
GONG = "gong: {base_url: 'https://us-12345.api.gong.io', access_key: a, access_key_secret: b}\n"
SOURCES = "sources: [{name: a, folder: /x, mapping: freepbx}]\n"


def _whole(example: str) -> str:
    """An example with the groups that it leaves out."""
    return ("" if "gong:" in example else GONG) + ("" if "sources:" in example else SOURCES) + example


@pytest.fixture(autouse=True)
def _secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY", "ACCESS_KEY_SECRET", "BRIDGE_WEB_TOKEN", "LEDGER_PASSWORD", "CLIENT_SECRET"):
        monkeypatch.setenv(f"GONG_{name}", "x")
    for name in ("PRIVACY_KEY", "PRIVACY_KEY_2025"):
        monkeypatch.setenv(f"GONG_{name}", "x" * 64)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in ("gong_access_key", "gong_access_key_secret"):
        (tmp_path / name).write_text("x")
    (tmp_path / "agents.csv").write_text("email,extension,login,name\n")


def _data(tmp_path: Path, text: str) -> Any:
    (tmp_path / "bridge.yaml").write_text(text)
    return load_document(tmp_path / "bridge.yaml").data


def test_the_tables_are_those_of_the_schema() -> None:
    spec = importlib.util.spec_from_file_location("configuration_tables", DOCS / "configuration_tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.with_tables(PAGE) == PAGE, "run: python docs/configuration_tables.py"


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_is_a_valid_configuration(tmp_path: Path, example: str) -> None:
    (tmp_path / "bridge.yaml").write_text(_whole(example))
    (tmp_path / "bridge.yaml").chmod(0o600)
    loaded = load_config(tmp_path / "bridge.yaml", lambda name, _: Path(name), look_at_disk=False)
    gong = loaded.config.gong
    assert (gong.base_url == "https://us-12345.api.gong.io") != (gong.oauth is not None)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_editors_accept_every_example(tmp_path: Path, example: str) -> None:
    validator = jsonschema.Draft202012Validator(bridge_schema())
    assert list(validator.iter_errors(_data(tmp_path, _whole(example)))) == []


def _paths(value: Any, prefix: str = "") -> Iterator[str]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield f"{prefix}{key}"
        named_by_the_user = key in ("accounts", "sidecars")
        below = f"{prefix}{key}.NAME." if named_by_the_user else f"{prefix}{key}."
        for item in inner if isinstance(inner, list) else list(inner.values()) if named_by_the_user else [inner]:
            yield from _paths(item, below)


def test_the_last_example_holds_every_key_that_there_is(tmp_path: Path) -> None:
    def of_any_account(paths: Iterable[str]) -> set[str]:  # no account has both ways to log in
        return {path.replace("accounts.NAME.", "gong.") for path in paths}

    whole = max(EXAMPLES, key=len)
    assert of_any_account(_paths(_data(tmp_path, whole))) == of_any_account(key_paths(Config))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("folder: /x", "foldr: /x"),
        ("folder: /x", "folder: /x, bucket: b"),
        ("folder: /x", "folder: /x, settle: soon"),
        ("folder: /x", "folder: /x, after_upload: remove"),
        ("access_key: a", "access_key: 5"),
        ("sources:", "source:"),
    ],
)
def test_editors_mark_what_check_refuses(tmp_path: Path, old: str, new: str) -> None:
    data = _data(tmp_path, (GONG + SOURCES).replace(old, new, 1))
    assert list(jsonschema.Draft202012Validator(bridge_schema()).iter_errors(data)) != []


def test_the_schema_is_valid_and_describes_every_key() -> None:
    schema = bridge_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    silent = [
        f"{name}.{key}"
        for name, group in [("Config", schema), *schema["$defs"].items()]
        for key, field in group["properties"].items()
        if "description" not in field and "$ref" not in field
    ]
    assert silent == []
