"""Proof: while it looks into hostile files, the child opens no file and no connection, as the kernel saw it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proofs.traced_driver import MARK

FILES = 400
CALLS = (
    "openat,open,creat,socket,connect,bind,sendto,execve,execveat,unlink,unlinkat,rename,renameat,mkdir,link,symlink"
)
HARMLESS = re.compile(r'openat\(AT_FDCWD, "/proc/self/statm"')  # how much memory it uses
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed on this machine")
def test_R7_hostile_files_make_the_child_open_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    ran = subprocess.run(
        ["strace", "-f", "-qq", "-s", "120", "-e", f"trace={CALLS}", "-o", str(trace),
         sys.executable, "-m", "tests.proofs.traced_driver", str(FILES)],
        capture_output=True, text=True, cwd=ROOT, timeout=850, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    before, after = ran.stdout.split("\n")[:2]
    assert before == after, "the child was replaced: run it again with another seed"
    child = before.strip()
    lines = trace.read_text(errors="replace").splitlines()
    begin = next(number for number, line in enumerate(lines) if MARK in line)
    of_child = [line for line in lines[begin:] if line.split()[0] == child and "+++" not in line]
    looked = [line for line in of_child if HARMLESS.search(line)]
    print(
        json.dumps(
            {"hostile files": FILES, "answers of the child": len(looked), "opened else": len(of_child) - len(looked)}
        )
    )
    assert [line for line in lines[:begin] if line.startswith(child) and ".so" in line], "strace did not see the child"
    assert len(looked) >= FILES
    assert [line for line in of_child if line not in looked] == []
