"""Secrets: resolved when the configuration is read, shown as ******** everywhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Secret:
    """A value that never shows itself; `reveal()` is for the one place that sends it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
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
    def resolve(cls, text: str) -> Secret:
        """The secret that `text` points to: env:NAME, file:PATH, credential:NAME (systemd), or the text itself.

        Raises ValueError that names the missing variable or file, never a value.
        """
        kind, _, name = text.partition(":")
        if kind == "env":
            value = os.environ.get(name, "")
            if not value:
                raise ValueError(f"environment variable {name} is not set or empty; export {name}=...")
            return cls(value)
        if kind == "credential":
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            if not folder:
                raise ValueError(f"credential:{name} needs systemd; add LoadCredential={name}:PATH to the unit")
            return cls(_read(Path(folder) / name, f"add LoadCredential={name}:PATH to the unit"))
        if kind == "file":
            return cls(_read(Path(name), "write the secret into it, readable by the service's user only"))
        if not text.strip():
            raise ValueError("the secret is empty; use env:NAME, file:PATH or credential:NAME")
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any) -> Secret:
            if isinstance(value, cls):
                return value
            if not isinstance(value, str):
                raise ValueError("a secret is text: env:NAME, file:PATH, credential:NAME or the value in quotes")
            return cls.resolve(value)

        return core_schema.no_info_plain_validator_function(
            check, serialization=core_schema.plain_serializer_function_ser_schema(lambda _secret: "********")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "env:NAME, file:PATH, credential:NAME or the value itself"}


def _read(path: Path, cure: str) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ValueError(f"{path} cannot be read ({reason}); {cure}") from None
    if not value:
        raise ValueError(f"{path} is empty; {cure}")
    return value
