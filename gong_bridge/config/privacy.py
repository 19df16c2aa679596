"""What bridge.yaml says of people who were erased: the key of their list."""

from __future__ import annotations

from pydantic import field_validator

from gong_bridge.config.options import Options
from gong_bridge.config.secrets import Secret

SHORTEST_KEY = 32


class PrivacyOptions(Options):
    """How erased people are remembered."""

    key: Secret | None = None
    """Key of the list of erased people, the same on every host of a ledger: env:NAME, file:PATH, credential:NAME."""
    earlier_keys: tuple[Secret, ...] = ()
    """Keys that were in use before; who was erased under them stays erased."""

    @field_validator("key", "earlier_keys")
    @classmethod
    def _check_keys(cls, value: Secret | tuple[Secret, ...] | None) -> Secret | tuple[Secret, ...] | None:
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None and one.is_read and len(one.reveal()) < SHORTEST_KEY:
                raise ValueError(
                    f"the key needs {SHORTEST_KEY} characters or more, that nobody can guess; "
                    "`gong-bridge privacy key` makes one"
                )
        return value
