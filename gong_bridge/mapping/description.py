"""What describes one recording: its sidecar, read when the first expression needs it, and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gong_bridge.mapping.definition import Definition
from gong_bridge.mapping.sidecars import Beside, SidecarMissing, ValueOf, Waiting, digest_of, find_sidecar
from gong_bridge.mapping.table_rows import Row
from gong_bridge.mapping.templates import Missing

_HINT = "no sidecar was found for this recording; write | default after what may be missing"


class Description:
    """The sidecar of one recording, as its mapping says where it lies.

    key, digest: which file or table, and of what it says; empty until it is read. missing: why there is none though
    there should be one. has_rows: it is a table.
    """

    def __init__(self, definition: Definition, waiting: Waiting, beside: Beside) -> None:
        self._rule = definition.sidecar
        self._waiting = waiting
        self._beside = beside
        self.has_rows = self._rule is not None and self._rule.table is not None
        self._reads_rows = self.has_rows and "rows" in definition.names_used
        self.key = ""
        self.digest: str | None = None
        self.missing: str | None = None

    def read(self, value_of: ValueOf) -> tuple[Any, Sequence[Row]]:
        """What the sidecar says, and every row of a table; something Missing where a mapping can do without.

        Raises what find_sidecar raises.
        """
        nothing = Missing(hint=_HINT)
        if self._rule is None:
            return nothing, ()
        try:
            found = find_sidecar(self._rule, self._waiting, self._beside, value_of)
        except SidecarMissing as missing:
            if self._rule.when_missing != "degrade":
                raise
            self.missing = missing.message
            return nothing, ()
        if found is None:
            return nothing, ()
        self.key = found.key
        self.digest = digest_of([found.data, *found.rows] if self._reads_rows else found.data)
        return found.data, found.rows

    def __str__(self) -> str:
        return f"the sidecar {self.key}" if self.key else "the value"
