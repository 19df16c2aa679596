"""R5, R6, R7 at scale: hundreds of recordings written at once by recorders that pause, watched natively and polled."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once
from tests.end_to_end.test_pausing_writers import write_under_the_service
from tests.pausing_writers import WAYS

RECORDINGS = 400
WRITERS = 4


@pytest.mark.proof
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("watch", ["native", "polling"])
def test_R5_R6_R7_of_400_recordings_that_are_written_with_pauses_none_is_sent_too_early(
    home: Home, sandbox: Sandbox, tmp_path: Path, watch: str
) -> None:
    home.source["watch"] = watch
    began = time.monotonic()
    expected = write_under_the_service(home, tmp_path / "made", RECORDINGS, writers=WRITERS, seconds=700)
    took = time.monotonic() - began
    media = {call.client_unique_id: (call.media.sha256, call.media_puts) for call in sandbox.calls if call.media}
    assert sorted(name for name, whole in expected.items() if media.get(name) != (whole, 1)) == []
    each_call_once(sandbox, expected)
    with Ledger.open(home.config["ledger"]["url"]) as ledger:
        codes = Counter(event.code for entry in ledger.views.entries() for event in ledger.views.events(entry.id))
    assert codes["new-version"] > RECORDINGS  # they were looked at while they were incomplete
    print(
        f"\npausing writers, {watch}: {RECORDINGS} recordings in {len(WAYS)} ways by {WRITERS} writers in {took:.0f} s,"
        f" {codes['new-version']} unfinished states noticed: {len(sandbox.calls)} calls, each whole and once"
    )
