"""`pause` and `resume`: a person stops deliveries, of one source or all; over restarts, and for every bridge."""

from __future__ import annotations

import signal
import socket
import time

import httpx
import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop, drop_many

OBEYED_SECONDS = 2.5
"""Within two seconds, and half a second for a busy machine."""


@pytest.fixture
def home_of_two(home: Home) -> Home:
    """A home with a second source, `lab`."""
    (home.root / "lab").mkdir()
    home.config["sources"].append({**home.source, "name": "lab", "folder": "lab"})
    return home


def test_what_is_paused_is_found_but_not_delivered_until_it_is_resumed(home: Home, sandbox: Sandbox) -> None:
    """Restarts and kills change nothing; `status` says since when and why; `resume` is obeyed at once."""
    first = drop_many(home.recorder, 1)
    with home.running():
        home.wait_for("call-000.wav", "done")
        said = home.run("pause", "--reason", "new trunk")
        assert said.returncode == 0, said.stderr
        assert "everything is paused by hand since" in said.stdout
        assert "because: new trunk; gong-bridge resume lets it go on" in " ".join(said.stdout.split())
        time.sleep(OBEYED_SECONDS)
        later = drop_many(home.recorder, 3, first=1)
        home.wait_for("call-003.wav", "found")
    with home.running() as service:
        time.sleep(OBEYED_SECONDS)
        service.send(signal.SIGKILL)
        service.ended()
    with home.running() as service:
        home.wait_for("call-001.wav", "found")
        time.sleep(OBEYED_SECONDS)
        assert len(sandbox.calls) == 1
        (paused,) = home.status()["paused_by_hand"]
        assert (paused["source"], paused["reason"], paused["cure"]) == (None, "new trunk", "gong-bridge resume")
        assert "because: new trunk (gong-bridge resume ends it)" in " ".join(home.run("status").stdout.split())
        assert home.run("resume").stdout == "everything goes on\n"
        for number in (1, 2, 3):
            home.wait_for(f"call-00{number}.wav", "done")
        assert service.stop() == 0
    each_call_once(sandbox, {**first, **later})
    assert home.run("resume").stdout == "nothing was paused by hand\n"


def test_one_source_is_paused_and_the_other_goes_on(home_of_two: Home, sandbox: Sandbox) -> None:
    """An unknown source is refused; what is paused altogether is not resumed for one source."""
    home = home_of_two
    assert home.run("pause").returncode == 2, "there is no ledger yet"
    assert not home.ledger_path.exists()
    with home.running() as service:
        wait_until(home.ledger_path.exists, "the ledger")
        assert home.run("pause", "--source", "lab").returncode == 0
        unknown = home.run("pause", "--source", "lob")
        assert (unknown.returncode, unknown.stderr) == (2, "there is no source 'lob'; there are: lab, pbx\n")
        time.sleep(OBEYED_SECONDS)
        drop(home.root / "lab", "b.wav", 2)
        drop(home.recorder, "a.wav", 1)
        home.wait_for("a.wav", "done")
        home.wait_for("b.wav", "found")
        assert home.run("pause").returncode == 0
        refused = home.run("resume", "--source", "lab")
        assert refused.returncode == 2
        assert "everything is paused by hand, lab with it; gong-bridge resume ends that" in refused.stderr
        assert home.run("resume").returncode == 0
        home.wait_for("b.wav", "done")
        assert service.stop() == 0
    assert len(sandbox.calls) == 2


def test_a_step_that_runs_comes_to_its_end(home: Home, sandbox: Sandbox) -> None:
    """The call that is being created when the pause begins is created; its media waits."""
    sandbox.play(Fault(operation="addCall", kind="slow", seconds=4))
    expected = drop_many(home.recorder, 1)
    with home.running():
        wait_until(lambda: sandbox.calls, "the call under way")
        assert home.run("pause").returncode == 0
        home.wait_for("call-000.wav", "created")
        time.sleep(OBEYED_SECONDS)
        assert sandbox.calls[0].media is None
        assert home.entry("call-000.wav")["working"] is False
        home.run("resume")
        home.wait_for("call-000.wav", "done")
    each_call_once(sandbox, expected)


def test_run_once_says_that_it_is_paused_and_ends(home_of_two: Home, sandbox: Sandbox) -> None:
    """What is not paused is delivered first; nothing is waited for."""
    home = home_of_two
    assert home.run_once().returncode == 0
    home.run("pause", "--source", "lab", "--reason", "moving house")
    drop(home.recorder, "a.wav", 1)
    drop(home.root / "lab", "b.wav", 2)
    ended = home.run_once(seconds=40)
    assert ended.returncode == 1
    assert home.states() == {"a.wav": "done", "b.wav": "found"}
    told = " ".join(ended.stderr.split())
    assert "not finished: 1 recordings wait, for source lab is paused by hand since" in told
    assert "because: moving house (gong-bridge resume --source lab ends it)" in told


def test_a_pause_by_hand_is_seen_but_is_no_fault(home: Home) -> None:
    """The page says it on top, /healthz stays 200 and tells it, and a metric counts the seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    home.config["web"] = {"listen": listen}
    with home.running() as service:
        wait_until(home.ledger_path.exists, "the ledger")
        home.run("pause", "--reason", "<b>audit</b>")
        with httpx.Client(base_url=f"http://{listen}", trust_env=False) as client:

            def answers() -> bool:
                try:
                    return client.get("/healthz").status_code in (200, 503)
                except httpx.TransportError:
                    return False

            wait_until(answers, "the page")
            health = client.get("/healthz")
            assert health.status_code == 200
            (paused,) = health.json()["paused_by_hand"]
            assert (paused["source"], paused["reason"]) == (None, "<b>audit</b>")
            page = client.get("/").text
            assert "Paused by hand: nothing is being delivered" in page
            assert "<b>audit</b>" not in page
            assert 'gong_bridge_paused_by_hand_seconds{source="all"}' in client.get("/metrics").text
        assert service.stop() == 0


def test_pause_and_resume_work_while_a_mapping_is_wrong(home: Home) -> None:
    """That is when somebody wants to stop deliveries: the service goes on with the last good mapping meanwhile."""
    (home.root / "mappings").mkdir()
    mapping = home.root / "mappings" / "own.yaml"
    mapping.write_text("extends: sidecar-json\n")
    home.config["mappings"] = "mappings"
    home.source["mapping"] = "own"
    with home.running() as service:
        wait_until(lambda: home.health() == {"pbx": True}, "the service runs")
        mapping.write_text("extends: [")
        assert home.run("check").returncode != 0
        paused = home.run("pause", "--source", "pbx")
        assert (paused.returncode, paused.stderr) == (0, "")
        assert "source pbx is paused by hand since" in paused.stdout
        time.sleep(OBEYED_SECONDS)
        drop(home.recorder, "a.wav", 1)
        home.wait_for("a.wav", "found")
        time.sleep(OBEYED_SECONDS)
        assert home.states() == {"a.wav": "found"}
        resumed = home.run("resume", "--source", "pbx")
        assert (resumed.returncode, resumed.stdout, resumed.stderr) == (0, "source pbx goes on\n", "")
        home.wait_for("a.wav", "done")
        assert service.stop() == 0
