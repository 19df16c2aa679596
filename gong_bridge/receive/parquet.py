"""Lines of JSON as a Parquet file, a row group at a time; needs pyarrow, which is an extra."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from gong_bridge.errors import ConfigError
from gong_bridge.private_file import private
from gong_bridge.receive.columns import Column

ROWS_IN_GROUP = 10_000


def check_parquet() -> None:
    """Raise ConfigError, with the cure, where pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        raise ConfigError(
            "--format parquet needs pyarrow, which is not installed; install it with: pip install "
            "'gong-bridge[parquet]' (or choose csv or jsonl)"
        )


def write_parquet(lines: BinaryIO, columns: Sequence[Column], path: Path) -> None:
    """All of `lines` into a new file (mode 0600): texts as strings, numbers as doubles, lists as JSON texts."""
    import pyarrow
    import pyarrow.parquet

    kinds = {"text": pyarrow.string(), "json": pyarrow.string(), "number": pyarrow.float64(), "flag": pyarrow.bool_()}
    schema = pyarrow.schema([(column.name, kinds[column.kind]) for column in columns])
    with open(path, "wb", opener=private) as file, pyarrow.parquet.ParquetWriter(file, schema) as writer:
        for records in _groups(lines):
            values = [[_value(column, column.value_in(record)) for record in records] for column in columns]
            arrays = [pyarrow.array(one, kinds[column.kind]) for one, column in zip(values, columns, strict=True)]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema), row_group_size=ROWS_IN_GROUP)


def _groups(lines: BinaryIO) -> Iterator[list[Any]]:
    while group := [json.loads(line) for line in islice(lines, ROWS_IN_GROUP)]:
        yield group


def _value(column: Column, value: Any) -> Any:
    if value is None or column.kind in ("text", "flag"):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if column.kind == "json" else float(value)
