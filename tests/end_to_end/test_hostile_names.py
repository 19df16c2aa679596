"""File names hold what callers sent: they are delivered, shown escaped, and never logged."""

from __future__ import annotations

import json
import os

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once
from tests.end_to_end.recordings import call_text, sha256, wav

NAMES = [
    b"-rf.wav",
    b"--once.wav",
    b'it\'s "quoted".wav',
    b"two\nlines.wav",
    b"bell\x07 and \x1b[31mred.wav",
    b"latin-\xe9\xff.wav",
    "größe-📞.wav".encode(),
    b"$(touch pwned);`id`|&.wav",
    b"[red]rich[bold] {{ 7 * 7 }}.wav",
    b"dots..wav",
    b"%s %d %(name)s +%2B.wav",
    b"a" * 240 + b".wav",
]


def test_hostile_names_are_delivered_and_shown_escaped(home: Home, sandbox: Sandbox) -> None:
    """Each is one call; no line of the list is broken, no terminal obeys, nothing is run."""
    root = os.fsencode(home.recorder)
    expected = {}
    for number, name in enumerate(NAMES):
        (home.recorder / os.fsdecode(name[:-4] + b".json")).write_text(call_text(f"call-{number}"))
        with open(os.path.join(root, name), "wb") as file:
            file.write(wav(number))
        expected[f"call-{number}"] = sha256(wav(number))
    ran = home.run_once()
    assert (ran.returncode, ran.stderr) == (0, "")
    each_call_once(sandbox, expected)
    rows = home.listed()
    assert len(rows) == len(NAMES)
    assert "two\nlines.wav" in {row["key"] for row in rows}
    shown = home.run("ledger", "list")
    assert shown.returncode == 0
    assert "\x07" not in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "[red]rich[bold] {{ 7 * 7 }}.wav" in shown.stdout
    assert not (home.root / "pwned").exists()
    explained = home.run("explain", os.fsdecode(os.path.join(root, b"latin-\xe9\xff.wav")), "--json")
    assert explained.returncode == 0, explained.stderr
    assert json.loads(explained.stdout)["request"]["clientUniqueId"] == "call-5"


def test_the_log_holds_no_names_numbers_addresses_or_secrets(home: Home, sandbox: Sandbox) -> None:
    """Every outcome, each a line of JSON: sent, held, skipped, waiting, refused."""
    home.config["log"] = {"format": "json", "level": "debug"}
    for number, (name, changes) in enumerate(
        {
            "Visible Name +15550100177": {},
            "unknown-person-299": {"primaryUser": "299"},
            "inactive": {"primaryUser": "agent-206@example.com"},
            "bad-field": {"direction": "Sideways", "title": "Secret Title"},
        }.items()
    ):
        (home.recorder / f"{name}.json").write_text(call_text(f"id-{name}", **changes))
        (home.recorder / f"{name}.wav").write_bytes(wav(number))
    (home.recorder / "short-one.json").write_text(call_text("short"))
    (home.recorder / "short-one.wav").write_bytes(wav(9, seconds=3))
    (home.recorder / "half-one.json").write_text(call_text("half"))
    (home.recorder / "half-one.wav").write_bytes(wav(10)[:100_000])
    (home.recorder / "lonely-one.wav").write_bytes(wav(11))
    with home.running() as service:
        home.wait_for("Visible Name +15550100177.wav", "done")
        for held in ("unknown-person-299.wav", "inactive.wav", "bad-field.wav"):
            home.wait_for(held, "held")
        home.wait_for("short-one.wav", "skipped")
        home.wait_for("half-one.wav", "found", code="not-yet-complete")
        home.wait_for("lonely-one.wav", "found", code="waiting-for-sidecar")
        assert service.stop() == 0
    lines = [json.loads(line) for line in service.log_text.splitlines()]
    assert {line["event"] for line in lines} >= {"moved", "waiting"}
    # Times and Gong's own ids are digits that may look like anybody's.
    told = json.dumps([{key: line[key] for key in line.keys() - {"at", "call_id", "request_id"}} for line in lines])
    for person in ("Visible", "555", "example.com", "299", "Secret", "sandbox-secret", "-one", "bad-field", "inactive"):
        assert person not in told
