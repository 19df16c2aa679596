"""R9 between drafting and creating: a draft that had to wait is made from what lies there when it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from gong_bridge.steps import looking
from tests.end_to_end.recordings import call_text, drop
from tests.integration.bench import Bench, bench


def drafted(made: Bench) -> int:
    """A recording that is found and drafted, and given back before its call is created; its entry."""
    made.find()
    entry = made.claim()
    assert entry is not None
    after = made.bridge.pipeline.step(entry)
    assert str(after.state) == "drafted"
    made.bridge.ledger.work.release(after, after.updated_at)
    return entry.id


def story(made: Bench, entry_id: int) -> list[str]:
    """Codes (or states) of its events."""
    return [event.code or str(event.to_state) for event in made.bridge.ledger.views.events(entry_id)]


@pytest.fixture(autouse=True)
def every_draft_has_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "DRAFT_IS_FRESH_SECONDS", 0.0)


def test_R9_a_sidecar_that_changes_before_the_call_is_created_makes_the_draft_anew(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with bench(tmp_path, sandbox.base_url) as made:
        drop(made.recorder, "a.wav", 1)
        number = drafted(made)
        (made.recorder / "a.json").write_text(call_text("a", title="corrected in time"))
        made.work()
        assert story(made, number) == ["found", "drafted", "redrafted", "created", "done"]
    assert [call.body["title"] for call in sandbox.calls] == ["corrected in time"]


def test_R9_a_sidecar_that_went_away_leaves_the_draft_as_it_is(tmp_path: Path, sandbox: Sandbox) -> None:
    with bench(tmp_path, sandbox.base_url) as made:
        drop(made.recorder, "a.wav", 1)
        number = drafted(made)
        (made.recorder / "a.json").unlink()
        made.work()
        assert story(made, number) == ["found", "drafted", "created", "done"]


def test_R9_a_sidecar_that_becomes_wrong_before_the_call_is_created_holds_it(tmp_path: Path, sandbox: Sandbox) -> None:
    with bench(tmp_path, sandbox.base_url) as made:
        drop(made.recorder, "a.wav", 1)
        number = drafted(made)
        (made.recorder / "a.json").write_text(call_text("a", direction="sideways"))
        made.work()
        assert made.states() == {number: ("held", "bad-metadata")}
        (made.recorder / "a.json").write_text(call_text("a"))
        made.retry(number)
        made.work()
        assert made.states()[number][0] == "done"
    assert [call.client_unique_id for call in sandbox.calls] == ["a"]


def test_a_mapping_that_is_corrected_makes_drafts_anew_that_were_not_sent(tmp_path: Path, sandbox: Sandbox) -> None:
    own = tmp_path / "mappings" / "own.yaml"
    own.parent.mkdir()
    own.write_text("extends: sidecar-json\n")
    with bench(tmp_path, sandbox.base_url, source={"mapping": "own"}, mappings="mappings") as made:
        drop(made.recorder, "a.wav", 1)
        number = drafted(made)
        own.write_text("extends: sidecar-json\ncall: {title: of the new mapping}\n")
        assert made.bridge.routes["pbx"].watched.reload()
        made.work()
        assert story(made, number) == ["found", "drafted", "redrafted", "created", "done"]
    assert [call.body["title"] for call in sandbox.calls] == ["of the new mapping"]
