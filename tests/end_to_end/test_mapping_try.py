"""`gong-bridge mapping try` as people run it before the first real day: on a folder, a prefix, a single file."""

from __future__ import annotations

import json

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home
from tests.end_to_end.recordings import call_text, drop, wav, write
from tests.store import CREDENTIALS, store_client

EPOCH = 1788257730  # 2026-09-01 10:15:30 UTC


def fill(home: Home) -> None:
    """Four recordings of FreePBX: one fits, two are of an unknown extension, one has a name of its own."""
    home.source["mapping"] = "freepbx"
    day = home.recorder / "2026" / "09" / "01"
    day.mkdir(parents=True)
    for number, name in enumerate(
        (
            f"out-8005550100-201-20260901-101530-{EPOCH}.1.wav",
            f"out-8005550100-299-20260901-101530-{EPOCH}.2.wav",
            f"external-299-8005550100-20260901-101530-{EPOCH}.3.wav",
            "greeting.wav",
        )
    ):
        write(day / name, wav(number))


def test_a_folder_shows_what_fits_what_does_not_and_the_line_for_agents_csv(home: Home, sandbox: Sandbox) -> None:
    """Exit 1 because a person is needed; no ledger, no call."""
    fill(home)
    home.environment = {"COLUMNS": "250"}
    tried = home.run("mapping", "try", str(home.recorder))
    assert tried.returncode == 1, tried.stderr
    words = " ".join(tried.stdout.split())
    assert "pbx freepbx 4 1 3" in words
    assert "no pattern of mapping 'freepbx' matches" in words
    assert "THE.AGENT@YOUR-COMPANY,299,, 2 recordings" in words
    assert not list(home.root.glob("ledger*"))
    assert sandbox.calls == []


def test_the_ready_line_with_an_address_makes_the_recordings_fit(home: Home, sandbox: Sandbox) -> None:
    """The line is taken as it is printed, the address filled in."""
    fill(home)
    (home.recorder / "2026" / "09" / "01" / "greeting.wav").unlink()
    rows = [json.loads(line) for line in home.run("mapping", "try", str(home.recorder), "--json").stdout.splitlines()]
    line = next(row["person"]["agents_line"] for row in rows if row["person"])
    home.agents.write_text(home.agents.read_text() + line.replace("THE.AGENT@YOUR-COMPANY", "agent-202@example.com"))
    tried = home.run("mapping", "try", str(home.recorder), "--json")
    assert tried.returncode == 0, tried.stdout
    requests = [json.loads(line)["request"] for line in tried.stdout.splitlines()]
    assert sorted(request["direction"] for request in requests) == ["Inbound", "Outbound", "Outbound"]


def test_a_wrong_mapping_of_another_source_stops_nobody(home: Home, sandbox: Sandbox) -> None:
    """`explain` and `mapping try` look at the source that is asked for, and say where its own mapping is wrong."""
    drop(home.recorder, "one.wav", 1)
    (home.root / "other").mkdir()
    other = {"name": "other", "folder": "other", "mapping": "not-written-yet"}
    home.config["sources"].append(other)
    assert home.run("explain", str(home.recorder / "one.wav")).returncode == 0
    assert home.run("mapping", "try", str(home.recorder)).returncode == 0
    drop(home.root / "other", "two.wav", 2)
    for command in (["explain", str(home.root / "other" / "two.wav")], ["mapping", "try", str(home.root / "other")]):
        refused = home.run(*command)
        assert refused.returncode == 2
        assert "bridge.yaml:" in refused.stderr
        assert "not-written-yet" in refused.stderr
    assert home.run("mapping", "try", str(home.root / "other"), "--mapping", "sidecar-json").returncode == 0
    assert home.run("check").returncode == 2


def test_commands_about_mappings_need_no_secrets(home: Home, sandbox: Sandbox) -> None:
    """They are run on a laptop, too; what asks Gong says which variable is missing."""
    drop(home.recorder, "one.wav", 1)
    home.config["gong"]["access_key_secret"] = "env:GONG_BRIDGE_TEST_NOWHERE"
    home.config["privacy"] = {"key": "env:GONG_BRIDGE_TEST_NOWHERE"}
    names = home.root / "names.txt"
    names.write_text("one.wav\n")
    lists = ["mapping", "list"], ["mapping", "lint", "freepbx"], ["mapping", "test", "freepbx"]
    for command in (*lists, ["mapping", "try", "--names-from", str(names), "--mapping", "freepbx"]):
        assert "GONG_BRIDGE_TEST_NOWHERE" not in home.run(*command).stderr
    assert [home.run(*command).returncode for command in lists] == [0, 0, 0]
    assert "GONG_BRIDGE_TEST_NOWHERE" in home.run("explain", str(home.recorder / "one.wav")).stderr


def test_part_of_a_folder_one_file_and_another_mapping(home: Home, sandbox: Sandbox) -> None:
    """A subfolder is a part; a file that the source leaves out is said to be so; --mapping wins over the source's."""
    fill(home)
    write(home.recorder / f"user-201-8005550100-{EPOCH}.wav", wav(9))
    below = home.run("mapping", "try", str(home.recorder / "2026"), "--json")
    assert len(below.stdout.splitlines()) == 4
    (home.recorder / "notes.txt").write_text("no recording")
    left_out = json.loads(home.run("mapping", "try", str(home.recorder / "notes.txt"), "--json").stdout)
    assert left_out["verdict"] == "not taken"
    wazo = home.run(
        "mapping", "try", str(home.recorder / f"user-201-8005550100-{EPOCH}.wav"), "--mapping", "wazo", "--json"
    )
    shown = json.loads(wazo.stdout)
    assert (wazo.returncode, shown["mapping"], shown["verdict"]) == (0, "wazo", "sent")
    assert shown["request"]["actualStart"] == "2026-09-01T10:15:30+00:00"


def test_media_is_really_read_and_waiting_is_not_held(home: Home, sandbox: Sandbox) -> None:
    """Garbage is held for what is in it; a recording whose sidecar may still come only waits."""
    home.environment = {"COLUMNS": "250"}
    write(home.recorder / "alone.wav", wav(1))
    alone = home.run("mapping", "try", str(home.recorder))
    assert alone.returncode == 0
    assert "no sidecar yet (looked for *.json, *.wav.json)" in " ".join(alone.stdout.split())
    drop(home.recorder, "garbage.wav", 2)
    write(home.recorder / "garbage.wav", b"no audio at all" * 20_000)
    tried = home.run("mapping", "try", str(home.recorder), "--json")
    verdicts = {row["key"]: (row["verdict"], row["code"]) for row in map(json.loads, tried.stdout.splitlines())}
    assert verdicts == {"alone.wav": ("waits", "waiting-for-sidecar"), "garbage.wav": ("held", "bad-media")}
    assert tried.returncode == 1


def test_with_whom_calls_would_be_shared_is_shown_there_and_by_explain(home: Home, sandbox: Sandbox) -> None:
    (home.root / "mappings").mkdir()
    (home.root / "mappings" / "own.yaml").write_text("about: Own.\nextends: sidecar-json\nshare_with: ['202', '299']\n")
    home.config["mappings"] = "mappings"
    home.config["sources"][0]["mapping"] = "own"
    home.write()
    drop(home.recorder, "one.wav", 1)
    tried = home.run("mapping", "try", str(home.recorder))
    assert "Shared with, once Gong has them:\nagent-202@example.com    1 call\n" in tried.stdout
    assert "share_with: extension '299' is nobody in agents.csv or Gong" in tried.stdout.replace("\n", " ")
    explained = home.run("explain", str(home.recorder / "one.wav"))
    assert "shared  with agent-202@example.com, once Gong has the media" in explained.stdout
    facts = json.loads(home.run("explain", str(home.recorder / "one.wav"), "--json").stdout)
    assert [one["user_id"] is None for one in facts["share_with"]] == [False, True]
    assert sandbox.calls == []


def test_two_recordings_with_one_identity_are_pointed_out(home: Home, sandbox: Sandbox) -> None:
    """The mapping would lose one of them."""
    home.environment = {"COLUMNS": "250"}
    drop(home.recorder, "first.wav", 1, unique_id="same")
    drop(home.recorder, "second.wav", 2, unique_id="same")
    tried = home.run("mapping", "try", str(home.recorder))
    assert tried.returncode == 0
    assert "2 sent once the same clientUniqueId" in " ".join(tried.stdout.split())


def test_one_cause_with_other_figures_is_one_row(home: Home, sandbox: Sandbox) -> None:
    """Two that are too short by different seconds: one line with the count, and a first example."""
    home.environment = {"COLUMNS": "250"}
    for number in (4, 6):
        drop(home.recorder, f"short-{number}.wav", number)
        write(home.recorder / f"short-{number}.wav", wav(number, seconds=number))
    words = " ".join(home.run("mapping", "try", str(home.recorder)).stdout.split())
    assert "2 skipped it lasts" in words
    assert words.count("it lasts") == 1


def test_a_prefix_of_a_bucket_up_to_a_limit(home: Home, sandbox: Sandbox, store_url: str) -> None:
    """Only keys below the prefix, sidecars left out, and it says when there are more."""
    client = store_client(store_url)
    client.create_bucket(Bucket="tried")
    for number in range(3):
        client.put_object(Bucket="tried", Key=f"calls/a/{number}.wav", Body=wav(number))
        client.put_object(Bucket="tried", Key=f"calls/a/{number}.json", Body=call_text(f"tried-{number}").encode())
    client.put_object(Bucket="tried", Key="calls/b/9.wav", Body=wav(9))
    home.environment = dict(CREDENTIALS)
    home.config["sources"].append(
        {"name": "store", "bucket": "tried", "prefix": "calls/", "endpoint_url": store_url, "mapping": "sidecar-json"}
    )
    tried = home.run("mapping", "try", "s3://tried/calls/a/", "--json")
    rows = [json.loads(line) for line in tried.stdout.splitlines()]
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert [row["request"]["clientUniqueId"] for row in rows] == ["tried-0", "tried-1", "tried-2"]
    limited = home.run("mapping", "try", "s3://tried", "--limit", "2")
    assert "Only the first 2 were looked at" in limited.stdout


def test_what_no_source_reads_is_wrong_usage(home: Home, sandbox: Sandbox) -> None:
    """Exit 2 with the cure: a folder outside, a mapping that is not there, a folder without recordings."""
    fill(home)
    (home.root / "elsewhere").mkdir()
    (home.recorder / "empty").mkdir()
    for arguments, words in (
        ([str(home.root / "elsewhere")], "no source of the configuration reads"),
        ([str(home.recorder), "--mapping", "freepbxx"], "freepbx"),
        ([str(home.recorder / "empty")], "no recordings there"),
    ):
        ran = home.run("mapping", "try", *arguments)
        assert ran.returncode == 2, ran.stdout
        assert words in ran.stderr
