"""Whose leases may be freed: only those of processes that can be seen from here, and are dead."""

from __future__ import annotations

import os
import subprocess
import sys

from gong_bridge.owner import is_alive, owner_name

NAME = "from gong_bridge.owner import owner_name; print(owner_name())"


def test_R28_this_process_lives_and_one_that_ended_here_does_not() -> None:
    ended = subprocess.run([sys.executable, "-c", NAME], capture_output=True, text=True, check=True).stdout.strip()
    assert is_alive(owner_name())
    assert not is_alive(ended)


def test_R28_a_process_elsewhere_may_live_although_its_number_is_free_here() -> None:
    host, place, _, started, random = owner_name().split(":")
    absent = "4194999"
    assert not is_alive(f"{host}:{place}:{absent}:{started}:{random}")
    assert is_alive(f"another-host:{place}:{absent}:{started}:{random}")
    assert is_alive(f"{host}:another-container:{absent}:{started}:{random}")


def test_R28_a_number_that_another_process_has_now_is_not_taken_for_the_old_one() -> None:
    host, place, _, _, random = owner_name().split(":")
    assert not is_alive(f"{host}:{place}:{os.getpid()}:17:{random}")
