"""`gong-bridge mapping new` as people use it: with flags, with names on standard input, and asked on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.bridge import environment, run_command

NAMES = "20260114-093012_201_18005550101_out.wav\n20260114-101544_202_8005550102_in.wav\n"


def with_names(tmp_path: Path, names: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gong_bridge", "mapping", "new", "-", *arguments],
        input=names, capture_output=True, text=True, timeout=60, env=environment({"COLUMNS": "120"}), cwd=tmp_path,
        check=False,
    )  # fmt: skip


def test_names_on_standard_input_become_a_mapping_a_case_and_the_next_steps(tmp_path: Path) -> None:
    """What it writes is sound: lint is silent, its golden case passes, without a further word."""
    made = with_names(tmp_path, NAMES, "--name", "own", "--yes")
    assert made.returncode == 0, made.stderr
    assert "2 of 2 samples become calls" in made.stdout
    assert "THE.AGENT@YOUR-COMPANY,201,," in made.stdout
    assert run_command("mapping", "lint", "own", "--mappings", "mappings", "--strict", cwd=tmp_path).returncode == 0
    tested = run_command("mapping", "test", "mappings/tests", "--mappings", "mappings", cwd=tmp_path)
    assert (tested.returncode, tested.stdout) == (0, "1 of 1 cases are as expected\n")
    again = with_names(tmp_path, NAMES, "--name", "own", "--yes")
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_what_the_flags_say_wins_over_the_guess(tmp_path: Path) -> None:
    made = with_names(
        tmp_path, "20260114093012_jane_7.wav\n", "--name", "own", "--yes", "--field", "2=agent", "--field", "3=ignore",
        "--zone", "Europe/Berlin", "--direction", "Outbound", "--agent-channel", "1",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    call = json.loads((tmp_path / "mappings" / "tests" / "own" / "first" / "expected.json").read_text())
    assert (call["actualStart"], call["direction"]) == ("2026-01-14T09:30:12+01:00", "Outbound")
    assert "mediaChannelId: '{{ 1 if media.channels == 2 }}'" in (tmp_path / "mappings" / "own.yaml").read_text()


def test_a_sidecar_beside_a_real_file_is_found_and_read(tmp_path: Path) -> None:
    """The name says nothing; the JSON beside it says all."""
    folder = tmp_path / "recordings" / "2026"
    folder.mkdir(parents=True)
    (folder / "abc.wav").write_bytes(b"RIFF")
    sidecar = {
        "callId": "c-1", "startTime": "2026-01-14T09:30:12Z", "agent": {"login": "jane"},
        "customerNumber": "+18005550100", "direction": "inbound",
    }  # fmt: skip
    (folder / "abc.wav.json").write_text(json.dumps(sidecar))
    made = run_command("mapping", "new", "recordings", "--name", "own", "--yes", cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    call = json.loads((tmp_path / "mappings" / "tests" / "own" / "first" / "expected.json").read_text())
    assert (call["clientUniqueId"], call["direction"]) == ("own-c-1", "Inbound")
    assert call["actualStart"] == "2026-01-14T09:30:12+00:00"
    tested = run_command("mapping", "test", "mappings/tests", "--mappings", "mappings", cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout


def test_a_sidecar_with_a_longer_ending_is_found_and_its_e_mail_address_is_the_agent(tmp_path: Path) -> None:
    (tmp_path / "c1.wav").write_bytes(b"RIFF")
    told = {"id": "c1", "startedAt": "2026-01-14T09:30:12Z", "user": {"id": 7, "email": "agent-201@example.com"}}
    (tmp_path / "c1.session.json").write_text(json.dumps({**told, "customerNumber": "+18005550100"}))
    made = run_command("mapping", "new", "c1.wav", "--name", "own", "--yes", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    written = (tmp_path / "mappings" / "own.yaml").read_text()
    assert "find: [{replace_extension: '.session.json'}]" in written
    assert "agent_value: '{{ (sidecar.user.email | default | meaningful) }}'" in written


def test_a_mapping_that_a_source_names_already_can_still_be_written(tmp_path: Path) -> None:
    """The company's extensions are taken from bridge.yaml, which waits for this mapping."""
    (tmp_path / "mappings").mkdir()
    (tmp_path / "recorder").mkdir()
    bridge = """
    gong: {base_url: "https://us-1.api.gong.io", access_key: key, access_key_secret: secret}
    company: {extensions: '7\\d{5}'}
    mappings: mappings
    sources: [{name: pbx, folder: recorder, mapping: own}]
    """
    (tmp_path / "bridge.yaml").write_text(bridge)
    checked = run_command("check", cwd=tmp_path)
    assert "there is no mapping 'own'" in checked.stderr
    assert "`gong-bridge mapping new` writes one" in checked.stderr
    made = with_names(tmp_path, NAMES.replace("_20", "_70000"), "--name", "own", "--yes")
    assert made.returncode == 0, made.stderr
    assert "THE.AGENT@YOUR-COMPANY,700001,," in made.stdout
    assert "there is no mapping" not in run_command("check", cwd=tmp_path).stderr


def test_names_that_cannot_be_explained_say_why_and_how(tmp_path: Path) -> None:
    none = with_names(tmp_path, "greeting.wav\n", "--name", "own", "--yes")
    assert none.returncode == 2
    assert "greeting: no part of it reads as a date with a time of day" in none.stderr
    assert "--field 1=start" in none.stderr
    assert not (tmp_path / "mappings").exists()
    some = with_names(tmp_path, NAMES + "greeting.wav\n", "--name", "own", "--yes")
    assert some.returncode == 1
    assert "not explained: greeting" in some.stdout


def on_a_terminal(tmp_path: Path, answers: list[tuple[str, str]], *arguments: str) -> tuple[int, str]:
    """Run on a pseudo terminal; each answer is typed when its question has appeared."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "gong_bridge", "mapping", "new", *arguments],
        stdin=follower, stdout=follower, stderr=follower, cwd=tmp_path, close_fds=True,
        env=environment({"COLUMNS": "100", "TERM": "xterm"}),
    ) as process:  # fmt: skip
        os.close(follower)
        seen, position = "", 0
        waiting = list(answers)
        while True:
            ready, _, _ = select.select([leader], [], [], 20)
            assert ready, f"nothing came after {seen[-300:]}"
            try:
                data = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))
            while waiting and waiting[0][0] in seen[position:]:
                question, answer = waiting.pop(0)
                position = seen.index(question, position) + len(question)
                os.write(leader, answer.encode() + b"\n")
        os.close(leader)
        return process.wait(timeout=60), seen


def test_on_a_terminal_it_asks_what_is_open_and_shows_the_guess_again(tmp_path: Path) -> None:
    """Names are pasted, a wrong guess is corrected, a wrong zone is refused with the nearest."""
    one, other = "20260114093012_jane_ankommend_8005550101.wav", "20260114103012_john_abgehend_201.wav"
    code, seen = on_a_terminal(
        tmp_path,
        [
            ("An empty line ends", f"{one}\n{other}\n"),
            ("A short name for the mapping", "own"),
            ("Right?", "2=nonsense"),
            ("there is no role 'nonsense'", "2=agent 3=direction"),
            ("field  for example", ""),
            ("Which?", "Europe/Belin"),
            ("did you mean Europe/Berlin", "Europe/Berlin"),
            ("The word 'ankommend' means", "Inbound"),
            ("The word 'abgehend' means", "Outbound"),
            ("Calls between colleagues", "Unk"),
            ("In stereo recordings the agent is", "right"),
        ],
    )
    assert code == 0, seen
    text = (tmp_path / "mappings" / "own.yaml").read_text()
    assert "{'ankommend': Inbound, 'abgehend': Outbound}" in text
    assert "zone='Europe/Berlin'" in text
    assert "policy: Unknown" in text
    assert "2 of 2 samples become calls" in seen
