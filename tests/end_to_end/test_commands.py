"""The commands around the main job: what they print, what they exit with, what they leave alone."""

from __future__ import annotations

import csv
import io
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gong_bridge.cli import build_app
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, environment, run_real_command, wait_until
from tests.end_to_end.recordings import drop, wav, write
from tests.store import CREDENTIALS, store_client


def test_ledger_show_retry_skip_and_export(home: Home, sandbox: Sandbox) -> None:
    """One delivered, two held: one is mended and retried, one is skipped; the export has all three."""
    drop(home.recorder, "good.wav", 1)
    drop(home.recorder, "mended.wav", 2, direction="Sideways")
    drop(home.recorder, "unwanted.wav", 3, direction="Sideways")
    assert home.run_once().returncode == 1
    ids = {entry["key"]: str(entry["id"]) for entry in home.entries()}
    shown = json.loads(home.run("ledger", "show", ids["good.wav"], "--json").stdout)
    assert [event["to"] for event in shown["events"]] == ["found", "drafted", "created", "done"]
    assert shown["draft"]["clientUniqueId"] == "good"
    assert shown["media"]["container"] == "wav"
    drop(home.recorder, "mended.wav", 2)
    skipped = home.run("ledger", "skip", ids["unwanted.wav"], "--reason", "test call")
    assert (skipped.returncode, skipped.stdout) == (0, "1 skipped\n")
    assert home.run("ledger", "retry", "--state", "held").stdout == "1 will be tried again\n"
    assert home.run_once().returncode == 0
    assert home.states() == {"good.wav": "done", "mended.wav": "done", "unwanted.wav": "skipped"}
    assert home.entry("unwanted.wav")["reason"] == "test call"
    exported = home.run("ledger", "export", "--format", "csv").stdout
    states = {row["key"]: row["state"] for row in csv.DictReader(io.StringIO(exported))}
    assert states == {"good.wav": "done", "mended.wav": "done", "unwanted.wav": "skipped"}
    missing = home.run("ledger", "show", "99")
    assert (missing.returncode, missing.stderr) == (
        2,
        "there is no entry 99; `gong-bridge ledger list` shows the numbers\n",
    )
    unsaid = home.run("ledger", "retry")
    assert (unsaid.returncode, unsaid.stderr) == (
        2,
        "say which entries: numbers, or --state, --source, --code, --person, --account\n",
    )


def test_looking_at_a_bridge_that_never_ran_makes_no_ledger(home: Home, sandbox: Sandbox) -> None:
    """`status`, `ledger list` and `explain` only look."""
    drop(home.recorder, "one.wav", 1)
    assert home.run("ledger", "list").stdout == "no such entries\n"
    assert "nothing needs a person" in home.run("status").stdout
    assert home.run("explain", str(home.recorder / "one.wav")).returncode == 0
    assert not list(home.root.glob("ledger*"))


def test_explain_says_why_a_recording_would_be_held_skipped_or_left_alone(home: Home, sandbox: Sandbox) -> None:
    """Exit 1 for a person to act, else 0; a file outside of every source is wrong usage."""
    drop(home.recorder, "held.wav", 1, primaryUser="299")
    drop(home.recorder, "short.wav", 2)
    write(home.recorder / "short.wav", wav(2, seconds=5))
    verdicts = {}
    for name in ("held.wav", "short.wav", "held.json"):
        explained = home.run("explain", str(home.recorder / name), "--json")
        facts = json.loads(explained.stdout)
        verdicts[name] = (explained.returncode, facts["verdict"], facts["request"])
    assert verdicts == {
        "held.wav": (1, "held", None),
        "short.wav": (0, "skipped", None),
        "held.json": (0, "not taken", None),
    }
    outside = home.run("explain", "/etc/hostname")
    assert outside.returncode == 2
    assert "lies in no source's folder" in outside.stderr
    missing = home.run("explain", str(home.recorder / "missing.wav"))
    assert missing.returncode == 2
    assert sandbox.calls == []


def test_check_says_what_it_read_and_what_gong_and_the_bucket_say(home: Home, sandbox: Sandbox, store_url: str) -> None:
    """Exit 0 when all is well; exit 1 names everybody whom Gong does not know."""
    store_client(store_url).create_bucket(Bucket="checked")
    home.environment = dict(CREDENTIALS)
    home.config["sources"].append(
        {"name": "store", "bucket": "checked", "endpoint_url": store_url, "mapping": "sidecar-json"}
    )
    checked = home.run("check", "--online")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "7 users, 5 of them active and set to import telephony calls" in checked.stdout
    home.agents.write_text("email,extension,login,name\nnobody@example.com,201,,\nagent-206@example.com,206,,\n")
    home.config["sources"][1]["bucket"] = "no-such-bucket"
    checked = home.run("check", "--online")
    assert checked.returncode == 1
    for word in ("nobody@example.com", "agent-206@example.com", "no-such-bucket"):
        assert word in checked.stdout
    assert not home.ledger_path.exists()
    assert sandbox.calls == []


def test_check_prints_schemas_and_mapping_list_the_shipped_mappings(tmp_path: Path) -> None:
    """Without any configuration."""
    schemas = json.loads(run_real_command("check", "--json-schema", cwd=tmp_path).stdout)
    assert schemas["bridge.yaml"]["required"] == ["gong", "sources"]
    assert "call" in schemas["mapping"]["properties"]
    listed = run_real_command("mapping", "list", "--json", cwd=tmp_path)
    assert {"sidecar-json", "freepbx", "amazon-connect"} <= {
        json.loads(line)["name"] for line in listed.stdout.splitlines()
    }


def test_no_configuration_says_where_it_was_looked_for(tmp_path: Path) -> None:
    """Exit 2 and the three places."""
    ran = run_real_command("status", cwd=tmp_path, env={"GONG_BRIDGE_CONFIG": ""})
    assert ran.returncode == 2
    for place in ("bridge.yaml", "/etc/gong-bridge/bridge.yaml", "--config"):
        assert place in ran.stderr
    named = run_real_command("status", "-c", "nowhere.yaml", cwd=tmp_path)
    assert named.returncode == 2
    assert "nowhere.yaml" in named.stderr


def test_the_sandbox_command_answers_until_ctrl_c(tmp_path: Path) -> None:
    """A bridge can deliver to it; faults may be asked for."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    fault = '{"operation": "addCall", "kind": "status", "status": 503, "retry_after": "1"}'
    process = subprocess.Popen(
        [sys.executable, "-m", "gong_bridge", "sandbox", "--listen", address, "--fault", fault],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment({}),
    )  # fmt: skip
    try:
        home = Home(tmp_path / "home", f"http://{address}")
        drop(home.recorder, "one.wav", 1)
        wait_until(lambda: answers(f"http://{address}/_sandbox/state"), "the sandbox")
        assert home.run_once().returncode == 0
        with urllib.request.urlopen(f"http://{address}/_sandbox/state") as answer:
            state = json.load(answer)
        assert [call["clientUniqueId"] for call in state["calls"]] == ["one"]
        assert state["statuses"]["503"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (0, 130)
    finally:
        process.kill()
        output = process.communicate()[0].decode()
    assert f"http://{address}" in output
    assert "Traceback" not in output


def test_the_demo_shows_the_main_job_and_leaves_a_configuration_that_works(tmp_path: Path) -> None:
    """Without an account, a network or a key; the folder of an earlier demo is kept under another name."""
    for _ in range(2):
        shown = run_real_command("demo", "--folder", str(tmp_path / "demo"), cwd=tmp_path)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "5 calls arrived, each with its media" in shown.stdout
        assert "Traceback" not in shown.stdout
    checked = run_real_command("check", "-c", str(tmp_path / "demo" / "bridge.yaml"), cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert len(list(tmp_path.glob("demo*"))) == 2


@pytest.mark.parametrize("address", ["8400", "127.0.0.1:port", "256.0.0.1:8400"])
def test_a_wrong_address_for_the_sandbox_is_wrong_usage(address: str) -> None:
    """Exit 2 with the option's name."""
    ran = run_real_command("sandbox", "--listen", address)
    assert ran.returncode == 2
    assert "--listen" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_help_fits_a_terminal_and_shows_examples() -> None:
    """Each command."""
    commands: list[list[str]] = [[], ["run"], ["check"], ["explain"], ["status"], ["ledger"], ["ledger", "list"]]
    for command in [*commands, ["ledger", "retry"], ["mapping", "test"], ["sandbox"], ["demo"]]:
        helped = CliRunner(env={"COLUMNS": "100"}).invoke(build_app(), [*command, "--help"])
        assert helped.exit_code == 0
        assert max(len(line) for line in helped.stdout.splitlines()) <= 100
        if command and command != ["ledger"]:
            assert "Example" in helped.stdout, command


def answers(url: str) -> bool:
    """Whether anybody answers there."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False
