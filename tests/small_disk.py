"""File systems of a few megabytes, to be filled, or made read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """An empty file system of this size (as `mount` takes it) over a folder; skips, visibly, where that is not allowed.

    Taken off at the end, also while somebody looks into it.
    """
    with _mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)):
        yield folder


@contextmanager
def bound(folder: Path, mount_point: Path) -> Iterator[Path]:
    """`folder` also at another place, until the end; skips, visibly, where that is not allowed."""
    with _mounted("--bind", str(folder), str(mount_point)):
        yield mount_point


@contextmanager
def _mounted(*words: str) -> Iterator[None]:
    done = subprocess.run(["mount", *words], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", words[-1]], check=True)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A new folder with a file system of this size."""
    folder.mkdir()
    with mounted(folder, size):
        yield folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk on which a ledger has room for some hundred recordings."""
    with disk(tmp_path / "disk", "1m") as folder:
        yield folder


@pytest.fixture
def roomy_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk on which a ledger has room for thousands of recordings."""
    with disk(tmp_path / "disk", "12m") as folder:
        yield folder


def fill_up(folder: Path) -> Path:
    """A file that takes all the room there is; delete it to give the room back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def remount(folder: Path, how: str) -> None:
    """Make the disk "ro" or "rw"; skips, visibly, where that is not allowed."""
    if subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("cannot remount here")
