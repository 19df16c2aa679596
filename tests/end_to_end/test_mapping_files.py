"""Mapping files are watched: a corrected one frees what it held, a wrong one is not used; nobody restarts anything."""

from __future__ import annotations

from pathlib import Path

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, wait_until
from tests.end_to_end.recordings import drop, wav

OWN = """
about: Names of our own.
match: [{stem: '^call-(?P<id>\\d+)$'}]
options: {agent_channel: 0, title: by its name}
call:
  clientUniqueId: 'own-{{ id }}'
  actualStart: '2026-09-01T10:00:00Z'
  direction: Outbound
  title: '{{ options.title }}'
  primaryUser: "{{ ('201' | agent).user_id }}"
  parties:
    - userId: "{{ ('201' | agent).user_id }}"
      mediaChannelId: '{{ options.agent_channel if media.channels == 2 }}'
    - phoneNumber: '+15550100123'
"""


def own_mapping(home: Home, text: str = OWN) -> Path:
    """The source is read by a mapping of its own; the file."""
    home.config["mappings"] = "mappings"
    home.source["mapping"] = "own"
    path = home.root / "mappings" / "own.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_R25_a_corrected_mapping_frees_what_it_held_without_a_restart(home: Home, sandbox: Sandbox) -> None:
    path = own_mapping(home)
    with home.running() as service:
        (home.recorder / "talk-1.wav").write_bytes(wav(1))
        home.wait_for("talk-1.wav", "held", code="bad-metadata")
        assert "no pattern of mapping 'own'" in home.entry("talk-1.wav")["reason"]
        path.write_text(OWN.replace("^call-", "^(?:call|talk)-"))
        home.wait_for("talk-1.wav", "done")
        assert service.stop() == 0
    assert [call.client_unique_id for call in sandbox.calls] == ["own-1"]


def test_a_mapping_that_becomes_wrong_stays_in_use_as_it_was_and_status_says_so(home: Home, sandbox: Sandbox) -> None:
    path = own_mapping(home)
    with home.running() as service:
        (home.recorder / "call-1.wav").write_bytes(wav(1))
        home.wait_for("call-1.wav", "done")
        path.write_text(OWN.replace("{{ id }}", "{{ idd }}"))
        wait_until(lambda: home.wrong_files(), "status names the file")
        (trouble,) = home.wrong_files()
        assert trouble.startswith("mapping own is not used as its file is now: ")
        assert "own.yaml:6:19: call.clientUniqueId: there is no fact 'idd'; did you mean 'id'?" in trouble
        shown = home.run("status")
        assert shown.returncode == 0, shown.stderr
        assert "mapping own is not used as its file is now" in " ".join(shown.stdout.split())
        assert [row["key"] for row in home.listed()] == ["call-1.wav"]
        (home.recorder / "call-2.wav").write_bytes(wav(2))
        home.wait_for("call-2.wav", "done")
        path.write_text(OWN)
        wait_until(lambda: not home.wrong_files(), "status is content again")
        assert service.stop() == 0
        assert service.log_text.count("mapping is wrong and not used") == 1
    assert sorted(call.client_unique_id for call in sandbox.calls) == ["own-1", "own-2"]


def test_a_file_of_one_s_own_takes_the_place_of_a_shipped_mapping_while_running(home: Home, sandbox: Sandbox) -> None:
    home.config["mappings"] = "mappings"
    (home.root / "mappings").mkdir()
    with home.running() as service:
        drop(home.recorder, "a.wav", 1)
        home.wait_for("a.wav", "done")
        own = home.root / "mappings" / "sidecar-json.yaml"
        own.write_text("extends: sidecar-json\ncall: {title: of our own}\n")
        wait_until(lambda: "mapping read again" in service.log_text, "the new file is in use")
        drop(home.recorder, "b.wav", 2)
        home.wait_for("b.wav", "done")
        assert service.stop() == 0
    assert [call.body.get("title") for call in sandbox.calls] == [None, "of our own"]


def test_each_source_sets_its_own_options(home: Home, sandbox: Sandbox) -> None:
    own_mapping(home)
    (home.root / "other").mkdir()
    other = {
        **home.source,
        "name": "other",
        "folder": "other",
        "options": {"agent_channel": 1, "title": "by the source"},
    }
    home.config["sources"] = [home.source, other]
    (home.recorder / "call-1.wav").write_bytes(wav(1))
    (home.root / "other" / "call-2.wav").write_bytes(wav(2))
    assert home.run_once().returncode == 0
    titles = {call.client_unique_id: call.body["title"] for call in sandbox.calls}
    assert titles == {"own-1": "by its name", "own-2": "by the source"}
    home.source["options"] = {"agent_chanel": 1, "title": 7}
    checked = home.run("check")
    assert checked.returncode == 2
    assert "options.agent_chanel: there is no option 'agent_chanel'; did you mean 'agent_channel'?" in checked.stderr
    assert 'expected text (the mapping\'s default is "by its name"), found a number' in checked.stderr
