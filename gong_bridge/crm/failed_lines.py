"""Puts the lines that Gong could not process into a file of their own, to be mended and sent alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gong_bridge.errors import BridgeError
from gong_bridge.private_file import private


def write_failed_lines(source: Path, lines: Collection[tuple[int, int]], target: Path, *, heading: bool) -> None:
    """Copy the `lines` of `source` (first and last of each, from 1) as they stand there.

    heading: with its first line, as a CSV needs it. Raises BridgeError when it cannot be written.
    """
    wanted = {number for first, last in lines for number in range(first, last + 1)} | ({1} if heading else set())
    last = max(wanted, default=0)
    try:
        with source.open("rb") as read, open(target, "wb", opener=private) as write:
            for number, line in enumerate(read, start=1):
                if number > last:
                    break
                if number in wanted:
                    write.write(line if line.endswith(b"\n") else line + b"\n")
    except OSError as error:
        raise BridgeError(f"{target} cannot be written: {error.strerror or error}") from None


def name_for_failed(source: Path) -> Path:
    """`accounts.failed.jsonl` beside `accounts.jsonl`, or with a number where that is there already."""
    for number in range(1, 1000):
        ending = ".failed" if number == 1 else f".failed-{number}"
        name = source.with_name(f"{source.stem}{ending}{source.suffix}")
        if not name.exists():
            return name
    raise BridgeError(f"there are a thousand files of failed lines beside {source}; move them away")
