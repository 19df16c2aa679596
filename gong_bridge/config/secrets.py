"""Secrets: resolved when the configuration is read, shown as ******** everywhere else."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

_KINDS = ("env", "file", "credential")
_SHELL_VARIABLE = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?")
_LARGEST_BYTES = 65_536  # a secret is short; this stops at /dev/zero and at recordings


class Secret:
    """A value that never shows itself; `reveal()` is for the one place that sends it."""

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        """None: it was not read, because the command needs no secrets."""
        self._value = value

    @property
    def is_read(self) -> bool:
        """False in a command that reads bridge.yaml without its secrets."""
        return self._value is not None

    def reveal(self) -> str:
        """The secret itself."""
        if self._value is None:
            raise RuntimeError("a secret is asked for by a command that reads none")
        return self._value

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not written anywhere")

    @classmethod
    def resolve(cls, text: str, folder: Path | None = None) -> Secret:
        """The secret that `text` points to: env:NAME, file:PATH, credential:NAME (systemd), or the text itself.

        A relative PATH is below `folder` (that of bridge.yaml), `~` is the user's home.
        Raises ValueError that names the missing variable or file, never a value.
        """
        kind, _, name = text.strip().partition(":")
        name = name.strip()
        if kind in _KINDS and not name:
            raise ValueError(f"a name must follow {kind}: (it is written {kind}:NAME)")
        if _SHELL_VARIABLE.fullmatch(text.strip()):
            raise ValueError(f"variables are written env:NAME here; write env:{text.strip().strip('${}')}")
        if kind == "env":
            value = os.environ.get(name, "")
            if not value:
                raise ValueError(f"environment variable {name} is not set or empty; export {name}=...")
            return cls(value)
        if kind == "credential":
            credentials = os.environ.get("CREDENTIALS_DIRECTORY")
            if not credentials:
                raise ValueError(f"credential:{name} needs systemd; add LoadCredential={name}:PATH to the unit")
            return cls(_read(Path(credentials) / name, f"add LoadCredential={name}:PATH to the unit"))
        if kind == "file":
            return cls(
                _read(
                    (folder or Path()) / _expanded(name),
                    "write the secret into it, readable by the service's user only",
                )
            )
        if not text.strip():
            raise ValueError("the secret is empty; use env:NAME, file:PATH or credential:NAME")
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any, info: ValidationInfo) -> Secret:
            if isinstance(value, cls):
                return value
            if not isinstance(value, str):
                raise ValueError("a secret is text: env:NAME, file:PATH, credential:NAME or the value in quotes")
            context = info.context or {}
            return cls.resolve(value, context.get("folder")) if context.get("read_secrets", True) else cls(None)

        return core_schema.with_info_plain_validator_function(
            check, serialization=core_schema.plain_serializer_function_ser_schema(lambda _secret: "********")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "env:NAME, file:PATH, credential:NAME or the value itself"}


def points_elsewhere(text: str) -> bool:
    """Whether `text` names a place (env:, file:, credential:) and is not the secret itself."""
    return text.strip().partition(":")[0] in _KINDS


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ValueError(f"the home folder in {name} is not known; write the whole path") from None


def _read(path: Path, cure: str) -> str:
    try:
        with path.open("rb") as file:
            value = file.read(_LARGEST_BYTES + 1).decode("utf-8").strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); {cure}") from None
    except ValueError:
        raise ValueError(f"{path} cannot be read (it is not UTF-8 text); {cure}") from None
    if not value:
        raise ValueError(f"{path} is empty; {cure}")
    if len(value) > _LARGEST_BYTES or "\n" in value:
        raise ValueError(f"{path} holds more than one line; {cure}")
    return value
