"""Runs a program under the unit's own seccomp filters: python -m tests.integration.under_the_unit UNIT PROGRAM ...

systemd itself cannot run in a test. Its filters can: the sets of SystemCallFilter= as `systemd-analyze` lists them,
MemoryDenyWriteExecute= and RestrictAddressFamilies= as systemd.exec(5) describes them, loaded through libseccomp.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import mmap
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
SHM_EXEC = 0o100000
_EQUAL, _GREATER, _MASKED_EQUAL = 4, 6, 7
_NO_NEW_PRIVILEGES = 38
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


class _Argument(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    ]


def settings(unit: Path) -> dict[str, list[str]]:
    """Every setting of the unit with its values in their order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z]+)=(.*)", line)
        if match:
            found.setdefault(match[1], []).append(match[2])
    return found


def members(name: str) -> set[str]:
    """The system calls of a set such as @system-service, sets within it followed."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    lines = [line.strip() for line in listed[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*(members(line) for line in lines))


def allowed_calls(filters: list[str]) -> set[str]:
    """What SystemCallFilter= lines leave: an allow list, then removals (~). @default is always allowed."""
    allowed = members("@default")
    for line in filters:
        for name in line.removeprefix("~").split():
            allowed = allowed - members(name) if line.startswith("~") else allowed | members(name)
    return allowed | members("@default")


def restrict(unit: Path) -> None:
    """This process and its children, for good."""
    said = settings(unit)
    seccomp = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp.seccomp_init.argtypes = [ctypes.c_uint32]
    seccomp.seccomp_load.argtypes = [ctypes.c_void_p]
    rule = seccomp.seccomp_rule_add_array
    rule.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Argument)]
    number = seccomp.seccomp_syscall_resolve_name

    calls = seccomp.seccomp_init(REFUSE)
    # systemd execs the service before its filter is complete; here the filter must let the service be started.
    for name in allowed_calls(said["SystemCallFilter"]) | {"execve"}:
        if number(name.encode()) >= 0:
            _succeed(rule(calls, ALLOW, number(name.encode()), 0, None))

    memory = seccomp.seccomp_init(ALLOW)
    if said["MemoryDenyWriteExecute"] == ["yes"]:
        both = mmap.PROT_WRITE | mmap.PROT_EXEC
        for name, argument, bits in (
            ("mmap", 2, both),
            ("mprotect", 2, mmap.PROT_EXEC),
            ("pkey_mprotect", 2, mmap.PROT_EXEC),
            ("shmat", 2, SHM_EXEC),
        ):
            _refuse(rule, memory, number(name.encode()), _Argument(argument, _MASKED_EQUAL, bits, bits))
    families = {_FAMILIES[one] for one in said["RestrictAddressFamilies"][0].split()}
    for family in set(range(max(families))) - families:
        _refuse(rule, memory, number(b"socket"), _Argument(0, _EQUAL, family, 0))
    _refuse(rule, memory, number(b"socket"), _Argument(0, _GREATER, max(families), 0))

    libc = ctypes.CDLL(None, use_errno=True)
    _succeed(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _succeed(seccomp.seccomp_load(memory))
    _succeed(seccomp.seccomp_load(calls))


def _refuse(rule: Any, context: int, call: int, argument: _Argument) -> None:
    _succeed(rule(context, REFUSE, call, 1, ctypes.byref(argument)))


def _succeed(result: int) -> None:
    if result != 0:
        raise OSError(abs(result), os.strerror(abs(result)))


if __name__ == "__main__":
    restrict(Path(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
