"""Recordings that Gong does not take as they are: converted before it hears of them, or held."""

from __future__ import annotations

from pathlib import Path

from gong_bridge.sandbox.server import Sandbox
from tests import made_recordings as made
from tests.end_to_end.recordings import call_text
from tests.integration.bench import bench
from tests.made_recordings import record

(AU_STREAMED,) = [kind for kind in made.RARER_NOT_STATING_IT if kind.container == "au"]
ANY = {"include": ["*.wav"], "settle": "0s", "rescan": "1s"}


def test_R24_what_cannot_be_converted_is_held_and_leaves_no_call_without_media(tmp_path: Path, sandbox: Sandbox):
    with bench(tmp_path, sandbox.base_url, source=ANY, media={"shortest": "0s"}) as it:
        for name, data in (("whole", record(made.AMR)), ("broken", record(AU_STREAMED)[:41])):
            (it.recorder / f"{name}.json").write_text(call_text(name))
            (it.recorder / f"{name}.wav").write_bytes(data)
        assert it.find() == 2
        it.work()
        keys = {entry.recording.key: str(entry.state) for entry in it.bridge.ledger.views.entries()}
        assert keys == {"whole.wav": "done", "broken.wav": "held"}
    assert [(call.client_unique_id, call.media_puts) for call in sandbox.calls] == [("whole", 1)]
