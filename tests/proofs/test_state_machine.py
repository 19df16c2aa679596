"""R22, R29: the law of tests/integration/test_core_state_machine.py for thousands of sequences of troubles."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.test_core_state_machine import TROUBLES, Trouble, World, _own_clock, check_every_sequence, world

__all__ = ["_own_clock", "world"]

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]
SEQUENCES = 1000


def test_R22_R29_a_thousand_sequences_with_each_answer(world: World) -> None:
    tried: list[int] = []

    @settings(max_examples=SEQUENCES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(troubles=st.lists(TROUBLES, max_size=10))
    def check(troubles: list[Trouble]) -> None:
        tried.append(len(troubles))
        check_every_sequence(world, troubles)

    check()
    print(f"\n{world.sandbox.options.repeated_id}: {len(tried)} recordings, {sum(tried)} troubles, 0 lost, 0 doubled")
