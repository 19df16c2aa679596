"""bridge.yaml through load_config: what is accepted, and what a person reads when it is not."""

from __future__ import annotations

import copy
import logging
import pickle
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_bridge.config.load import Loaded, default_path, load_config
from gong_bridge.config.schema import BucketSource, FolderSource, MoveTo
from gong_bridge.errors import ConfigError

GONG = """gong:
  base_url: https://us-12345.api.gong.io
  access_key: literal-Key-1
  access_key_secret: literal-Secret-2
"""
LEDGER = "ledger: {url: sqlite:///ledger.db}\n"
SOURCES = """sources:
  - name: pbx
    folder: recordings
    mapping: freepbx
"""
WHOLE = GONG + LEDGER + SOURCES


def find_mapping(name: str, folder: Path | None) -> Path:
    if name != "freepbx":
        raise ConfigError(f"mapping {name!r} is not known; did you mean 'freepbx'?")
    return (folder or Path("/shipped")) / "freepbx.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with bridge.yaml's surroundings, which is also the working folder."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "moved").mkdir()
    (tmp_path / "agents.csv").write_text("email,extension,login,name\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(home: Path):
    def _load(content: str, **options) -> Loaded:
        Path("bridge.yaml").write_text(content)
        Path("bridge.yaml").chmod(0o600)
        return load_config(Path("bridge.yaml"), find_mapping, **options)

    return _load


@pytest.fixture
def mistakes(load):
    def _mistakes(content: str, **options) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(content, **options)
        return caught.value.problems

    return _mistakes


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_a_small_file_is_enough(load) -> None:
    loaded = load(WHOLE)
    assert loaded.warnings == ()
    assert loaded.config.gong.base_url == "https://us-12345.api.gong.io"
    assert loaded.config.sources[0].rescan == 60.0


def test_relative_paths_start_at_the_folder_of_the_file_and_not_at_the_working_folder(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "key").write_text("from-a-file\n")
    (home / "mappings").mkdir()
    content = WHOLE.replace("literal-Key-1", "file:key") + "    after_upload: {move_to: moved}\n"
    (home / "bridge.yaml").write_text(
        content + "agents: agents.csv\nmappings: mappings\nmedia: {conversion_folder: moved}\n"
    )
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    asked: list[Path | None] = []

    def find(name: str, folder: Path | None) -> Path:
        asked.append(folder)
        return find_mapping(name, folder)

    config = load_config(home / "bridge.yaml", find).config
    source = config.sources[0]
    assert isinstance(source, FolderSource)
    assert source.folder == home / "recordings"
    assert source.after_upload == MoveTo(move_to=str(home / "moved"))
    assert config.agents == home / "agents.csv"
    assert config.mappings == home / "mappings"
    assert asked == [home / "mappings"]
    assert config.media.conversion_folder == home / "moved"
    assert config.ledger.url == f"sqlite:///{home}/ledger.db"
    assert config.gong.access_key.reveal() == "from-a-file"


def test_a_tilde_is_the_users_home(load, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    source = load(WHOLE.replace("folder: recordings", "folder: ~/recordings")).config.sources[0]
    assert source.folder == home / "recordings"


def test_a_bucket_takes_after_upload_and_no_look_at_the_disk(load) -> None:
    bucket = "sources:\n  - {name: b, bucket: calls, mapping: freepbx, after_upload: {move_to: done/}}\n"
    source = load(GONG + LEDGER + bucket).config.sources[0]
    assert isinstance(source, BucketSource)
    assert source.after_upload == MoveTo(move_to="done/")


def test_words_like_yes_mean_true_where_true_is_asked_for(load) -> None:
    assert load(WHOLE + "media: {convert: no}\n").config.media.convert is False


def test_a_postgresql_ledger_is_accepted(load) -> None:
    assert load(GONG + "ledger: {url: postgresql://u@h/d}\n" + SOURCES).config.ledger.url == "postgresql://u@h/d"


def test_commands_that_only_read_the_ledger_work_while_a_mount_is_away(load, mistakes) -> None:
    content = WHOLE.replace("folder: recordings", "folder: away")
    assert len(mistakes(content)) == 1
    assert load(content, look_at_disk=False).config.sources[0].name == "pbx"


# --- warnings --------------------------------------------------------------------------------------------------------


def test_literal_secrets_in_a_file_that_all_can_read_are_warned_of(home: Path) -> None:
    path = Path("bridge.yaml")
    path.write_text(WHOLE)
    path.chmod(0o644)
    what = "the secret stands in a file that every user of this machine can read"
    cure = "chmod o-r bridge.yaml, or write env:NAME or file:PATH"
    assert load_config(path, find_mapping).warnings == (
        f"bridge.yaml:3:15: gong.access_key: {what}; {cure}",
        f"bridge.yaml:4:22: gong.access_key_secret: {what}; {cure}",
    )
    path.chmod(0o640)
    assert load_config(path, find_mapping).warnings == ()


def test_a_queue_of_events_is_accepted(load) -> None:
    queue = "https://sqs.us-east-1.amazonaws.com/123456789012/recordings"
    loaded = load(GONG + LEDGER + f"sources:\n  - {{name: b, bucket: c, mapping: freepbx, events: '{queue}'}}\n")
    assert loaded.warnings == ()
    assert loaded.config.sources[0].events == queue


@pytest.mark.parametrize(
    ("queue", "cure"),
    [
        (
            "arn:aws:sqs:eu-west-1:123456789012:recordings",
            "write its URL, https://sqs.eu-west-1.amazonaws.com/123456789012/recordings",
        ),
        (
            "arn:aws-cn:sqs:cn-north-1:123456789012:recordings",
            "write its URL, https://sqs.cn-north-1.amazonaws.com.cn/123456789012/recordings",
        ),
        ("recordings", "`aws sqs get-queue-url --queue-name NAME` prints it"),
        ("https://sqs.us-east-1.amazonaws.com/", "this is no queue's URL"),
        ("https://key:secret@sqs.us-east-1.amazonaws.com/1/q", "name them by profile:"),
    ],
)
def test_what_is_no_queue_s_url_is_refused_with_the_right_one(load, queue: str, cure: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(cure)) as raised:
        load(GONG + LEDGER + f"sources:\n  - {{name: b, bucket: c, mapping: freepbx, events: '{queue}'}}\n")
    assert "secret" not in str(raised.value)


def test_two_sources_on_one_queue_would_steal_each_other_s_messages(load) -> None:
    queue = "events: 'https://sqs.us-east-1.amazonaws.com/123456789012/recordings'"
    content = GONG + LEDGER + "sources:\n"
    content += f"  - {{name: a, bucket: c, prefix: a/, mapping: freepbx, {queue}}}\n"
    content += f"  - {{name: b, bucket: c, prefix: b/, mapping: freepbx, {queue}}}\n"
    with pytest.raises(ConfigError, match="another source reads this queue"):
        load(content)


def test_two_sources_on_one_folder_are_warned_of(load) -> None:
    content = WHOLE + "  - name: again\n    folder: ./recordings/\n    mapping: freepbx\n"
    assert load(content).warnings == (
        "bridge.yaml:11:13: sources[again].folder: this folder and the one in line 8 contain each other; "
        "recordings are found by both sources unless include and exclude keep them apart",
    )


def test_an_account_that_nobody_uses_and_one_with_another_s_address_are_warned_of(load) -> None:
    assert load(WHOLE + EMEA).warnings == (
        "bridge.yaml:12:5: accounts.emea: no source names this account; write `account: emea` into a source, "
        "or remove it",
    )
    assert load(_of_account("emea") + EMEA.replace("eu-1", "us-12345")).warnings == (
        "bridge.yaml:13:15: accounts.emea.base_url: gong has the same address, and Gong counts the calls of a whole "
        "company: if they are one, leave room for each other with limits.reserve",
    )


def test_gong_is_the_account_of_a_source_that_names_none(load) -> None:
    assert load(_of_account("gong")).config.sources[0].account is None
    assert load(WHOLE).config.sources[0].account is None


# --- what telephony people get wrong ---------------------------------------------------------------------------------


def _with(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


API = "https://us-12345.api.gong.io"
EMEA = """accounts:
  emea:
    base_url: https://eu-1.api.gong.io
    access_key: literal-Key-1
    access_key_secret: literal-Secret-2
"""


def _of_account(name: str) -> str:
    """The source belongs to this account, in line 10."""
    return _with("mapping: freepbx\n", f"mapping: freepbx\n    account: {name}\n")


MISTAKES = {
    "an account that is nowhere": (
        _of_account("emea"),
        "10:14: sources[pbx].account: there is no account 'emea' (there is only the one under `gong:`); "
        "add it under `accounts:`, or correct the name",
    ),
    "an account by a wrong name": (
        _of_account("emae") + EMEA,
        "10:14: sources[pbx].account: there is no account 'emae'; did you mean emea?",
    ),
    "an account by another name": (
        _of_account("apac") + EMEA,
        "10:14: sources[pbx].account: there is no account 'apac' (there are emea and gong); "
        "add it under `accounts:`, or correct the name",
    ),
    "an account that is called as the first one": (
        _of_account("gong") + EMEA.replace("emea", "gong"),
        "13:5: accounts.gong: 'gong' is the account under `gong:` itself; choose another name",
    ),
    "an account with a space in its name": (
        _of_account("'a b'") + EMEA.replace("emea", "'a b'"),
        "13:5: accounts.a b: 'a b' cannot be an account's name; write letters, digits and - _ . such as emea",
    ),
    "an account without its secret": (
        _of_account("emea") + EMEA.replace("    access_key_secret: literal-Secret-2\n", ""),
        "13:5: accounts.emea: this key is missing; add 'access_key_secret' here (or `oauth` in place of an access key)",
    ),
    "a variable that is not set": (
        _with("literal-Key-1", "env:GONG_BRIDGE_TEST_UNSET"),
        "3:15: gong.access_key: environment variable GONG_BRIDGE_TEST_UNSET is not set or empty; "
        "export GONG_BRIDGE_TEST_UNSET=...",
    ),
    "a shell variable": (
        _with("literal-Key-1", "${GONG_KEY}"),
        "3:15: gong.access_key: variables are written env:NAME here; write env:GONG_KEY",
    ),
    "a secret of digits": (
        _with("literal-Key-1", "12345"),
        "3:15: gong.access_key: a secret is text: env:NAME, file:PATH, credential:NAME or the value in quotes",
    ),
    "a secret file that is not there": (
        _with("literal-Key-1", "file:nokey"),
        "3:15: gong.access_key: {home}/nokey cannot be read (No such file or directory); "
        "write the secret into it, readable by the service's user only",
    ),
    "systemd's credential without systemd": (
        _with("literal-Key-1", "credential:key"),
        "3:15: gong.access_key: credential:key needs systemd; add LoadCredential=key:PATH to the unit",
    ),
    "the address of an operation": (
        _with(API, API + "/v2/calls"),
        "2:13: gong.base_url: base_url ends before /v2; write it like https://us-12345.api.gong.io "
        "(Gong's API page shows yours)",
    ),
    "the address of the web pages": (
        _with(API, "https://us-12345.app.gong.io"),
        "2:13: gong.base_url: base_url is the address of Gong's web pages; write that of its API, such as "
        "https://us-12345.api.gong.io (Gong's API page shows yours)",
    ),
    "no https": (
        _with(API, "us-12345.api.gong.io"),
        "2:13: gong.base_url: base_url must look like https://us-12345.api.gong.io (Gong's API page shows yours)",
    ),
    "http": (
        _with(API, "http://us-12345.api.gong.io"),
        "2:13: gong.base_url: base_url uses http:// to another machine; "
        "use https://, or set allow_http: true beside it",
    ),
    "a folder that is not there": (
        _with("folder: recordings", "folder: recodings"),
        "8:13: sources[pbx].folder: folder {home}/recodings does not exist; "
        "create it, or mount it, or correct the path",
    ),
    "a file for a folder": (
        _with("folder: recordings", "folder: agents.csv"),
        "8:13: sources[pbx].folder: {home}/agents.csv is a file, not a folder; write the folder it lies in",
    ),
    "an empty folder": (
        _with("folder: recordings", "folder:"),
        "8:12: sources[pbx].folder: expected a path, found nothing",
    ),
    "a mapping that nobody knows": (
        _with("freepbx", "freepx"),
        "9:14: sources[pbx].mapping: mapping 'freepx' is not known; did you mean 'freepbx'?",
    ),
    "an agents file that is not there": (
        WHOLE + "agents: agent.csv\n",
        "10:9: agents: {home}/agent.csv cannot be read (No such file or directory); "
        "write the name of a CSV file with the columns email, extension, login, name",
    ),
    "a mappings folder that is not there": (
        WHOLE + "mappings: mappings\n",
        "10:11: mappings: folder {home}/mappings does not exist; create it, or mount it, or correct the path",
    ),
    "after_upload in other words": (
        WHOLE + "    after_upload: remove\n",
        "10:19: sources[pbx].after_upload: expected 'leave' or 'delete' or {{move_to: ...}}, found 'remove'",
    ),
    "moving recordings to where they are": (
        WHOLE + "    after_upload: {move_to: recordings}\n",
        "10:29: sources[pbx].after_upload.move_to: recordings would be moved onto themselves; name another folder",
    ),
    "moving recordings to nowhere": (
        WHOLE + "    after_upload: {move_to: done}\n",
        "10:29: sources[pbx].after_upload.move_to: folder {home}/done does not exist; "
        "create it, or mount it, or correct the path",
    ),
    "one pattern without brackets": (
        WHOLE + "    include: '*.wav'\n",
        "10:14: sources[pbx].include: expected a list, found '*.wav'; write it in brackets: ['*.wav']",
    ),
    "a pattern without quotes": (
        WHOLE + "    include: [*.wav]\n",
        "10:15: a value that begins with * or & needs quotes, such as '**/*.wav'",
    ),
    "a key of the bucket in a folder": (
        WHOLE + "    prefix: calls/\n",
        "10:5: sources[pbx].prefix: 'prefix' goes with 'bucket', this one has 'folder'; remove it",
    ),
    "folder and bucket": (
        WHOLE + "    bucket: calls\n",
        "10:5: sources[pbx].bucket: 'bucket' and 'folder' exclude each other; keep one of them",
    ),
    "neither folder nor bucket": (
        _with("    folder: recordings\n", ""),
        "7:5: sources[pbx]: a source needs `folder: PATH` or `bucket: NAME`; add one of them",
    ),
    "a key at the wrong level": (
        WHOLE + "calls_per_day: 5000\n",
        "10:1: calls_per_day: unknown key 'calls_per_day' at this place; did you mean gong.limits.calls_per_day?",
    ),
    "a misspelt key": (
        WHOLE + "    setle: 5s\n",
        "10:5: sources[pbx].setle: unknown key 'setle'; did you mean 'settle'?",
    ),
    "a duration in words": (
        WHOLE + "    settle: five seconds\n",
        "10:13: sources[pbx].settle: 'five seconds' is no duration; write it like 5s, 10m, 2h or 1d",
    ),
    "a city for a zone": (
        WHOLE + "company: {time_zone: New York}\n",
        "10:22: company.time_zone: zone 'New York' is not known; did you mean America/New_York?",
    ),
    "an offset for a zone": (
        WHOLE + "company: {time_zone: GMT+1}\n",
        "10:22: company.time_zone: zone 'GMT+1' is not known; zones are named by a place: America/New_York, "
        "Europe/Berlin",
    ),
    "a ledger that is not known, with a password": (
        GONG + SOURCES + "ledger: {url: 'mysql://u:pw@h/d'}\n",
        "9:15: ledger.url: this kind of ledger is not known; write sqlite:////path or postgresql://...",
    ),
    "a zone with a slip": (
        WHOLE + "company: {time_zone: America/NewYork}\n",
        "10:22: company.time_zone: zone 'America/NewYork' is not known; did you mean America/New_York?",
    ),
    "a small country": (
        WHOLE + "company: {country: us}\n",
        "10:20: company.country: 'us' is not possible here; expected: Country of phone numbers written without one "
        "(ISO 3166, two capital letters)",
    ),
    "a number without quotes": (
        WHOLE + "company: {numbers: [+15550100, 15550100]}\n",
        "10:32: company.numbers[#2]: expected text, found 15550100; put it in quotes: '15550100'",
    ),
    "a name with a blank": (
        _with("name: pbx", "name: my pbx"),
        "7:11: sources[my pbx].name: 'my pbx' is not possible here; expected: A short name of your own "
        "(letters, digits and - _ .); the ledger knows recordings by it: never change it",
    ),
    "one name twice": (
        WHOLE + "  - name: pbx\n    folder: moved\n    mapping: freepbx\n",
        "10:11: sources[pbx].name: another source is called 'pbx' too; every source needs a name of its own",
    ),
    "a link that lives longer than S3 signs": (
        GONG + LEDGER + "sources:\n  - {name: b, bucket: c, mapping: freepbx, link_lifetime: 8d}\n",
        "7:59: sources[b].link_lifetime: link_lifetime must be between 15m and 7d (S3 signs no longer)",
    ),
    "a port alone": (
        WHOLE + "web: {listen: 8321}\n",
        "10:15: web.listen: expected text (host:port, such as 127.0.0.1:8321), found 8321; put it in quotes: '8321'",
    ),
    "a page open to all": (
        WHOLE + "web: {listen: 0.0.0.0:8321}\n",
        "10:15: web.listen: it is open to other machines: set web.token, or listen on 127.0.0.1",
    ),
    "an empty group": (
        WHOLE + "media:\n",
        "10:7: media: nothing is written below this key; write its keys in the lines below, indented, or remove it",
    ),
    "a word for a group": (
        WHOLE + "log: debug\n",
        "10:6: log: expected keys and values, indented below it (level, format), found text",
    ),
    "another database": (
        GONG + "ledger: {url: mysql://h/d}\n" + SOURCES,
        "5:15: ledger.url: this kind of ledger is not known; write sqlite:////path or postgresql://...",
    ),
    "a ledger in memory": (
        GONG + "ledger: {url: 'sqlite:///:memory:'}\n" + SOURCES,
        "5:15: ledger.url: the ledger must be a file; write sqlite:////var/lib/gong-bridge/ledger.db (four slashes)",
    ),
    "a ledger where no folder is": (
        _with("ledger.db", "state/ledger.db"),
        "5:15: ledger.url: folder {home}/state does not exist; create it, or mount it, or correct the path",
    ),
    "a list written as a group": (
        GONG + LEDGER + "sources: {name: pbx}\n",
        "6:10: sources: expected a list (lines that begin with a dash), found keys below it",
    ),
    "no sources": (GONG + LEDGER + "sources: []\n", "6:10: sources: must have at least 1 item(s)"),
    "no secret": (
        _with("  access_key_secret: literal-Secret-2\n", ""),
        "2:3: gong: this key is missing; add 'access_key_secret' here (or `oauth` in place of an access key)",
    ),
}


@pytest.mark.parametrize(("content", "line"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_in_one_line_with_place_and_cure(
    mistakes, home: Path, monkeypatch: pytest.MonkeyPatch, content: str, line: str
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    expected = line.replace("{{", "{").replace("}}", "}").replace("{home}", str(home))
    assert mistakes(content) == [f"bridge.yaml:{expected}"]


def test_mistakes_of_schema_disk_and_mappings_are_told_at_once_in_the_order_of_the_file(mistakes, home: Path) -> None:
    content = (
        GONG.replace("access_key:", "acces_key:")
        + "ledger: {url: sqlite:///nowhere/l.db}\n"
        + "sources:\n  - name: pbx\n    folder: away\n    mapping: none\n    settle: soon\n"
        + "agents: no.csv\nwork: {workers: many}\n"
    )
    there = "create it, or mount it, or correct the path"
    assert mistakes(content) == [
        "bridge.yaml:3:3: gong.acces_key: unknown key 'acces_key'; did you mean 'access_key'?",
        f"bridge.yaml:5:15: ledger.url: folder {home}/nowhere does not exist; {there}",
        f"bridge.yaml:8:13: sources[pbx].folder: folder {home}/away does not exist; {there}",
        "bridge.yaml:9:14: sources[pbx].mapping: mapping 'none' is not known; did you mean 'freepbx'?",
        "bridge.yaml:10:13: sources[pbx].settle: 'soon' is no duration; write it like 5s, 10m, 2h or 1d",
        f"bridge.yaml:11:9: agents: {home}/no.csv cannot be read (No such file or directory); "
        "write the name of a CSV file with the columns email, extension, login, name",
        "bridge.yaml:12:17: work.workers: expected a whole number, found 'many'",
    ]


def test_mistakes_inside_mappings_and_agents_are_told_after_those_of_the_file(mistakes) -> None:
    def read(path: Path) -> None:
        raise ConfigError(f"{path.name}:3:1: wrong; cure")

    content = WHOLE + "agents: agents.csv\nwork: {workers: 0}\n"
    assert mistakes(content, read_mapping=read, read_agents=read) == [
        "bridge.yaml:11:17: work.workers: must be at least 1, found 0",
        "agents.csv:3:1: wrong; cure",
        "freepbx.yaml:3:1: wrong; cure",
    ]


AS_A_USER = """
import os, sys
sys.path.insert(0, sys.argv[1])
import encodings.utf_8_sig
from pathlib import Path
from gong_bridge.config.load import load_config
from gong_bridge.errors import ConfigError
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    load_config(Path("bridge.yaml"), lambda name, folder: Path(name))
except ConfigError as error:
    print(error)
"""


def test_what_the_services_user_may_not_touch_is_told_with_the_way_out() -> None:
    """In a process of its own: root may read and write everything, so it first becomes nobody."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        for folder, mode in (("taken", 0o555), ("closed", 0o000), ("state", 0o555)):
            (home / folder).mkdir(mode)
        (home / "bridge.yaml").write_text(
            GONG + "ledger: {url: sqlite:///state/l.db}\nsources:\n"
            "  - {name: a, folder: taken, mapping: freepbx, after_upload: delete}\n"
            "  - {name: b, folder: closed, mapping: freepbx}\n"
        )
        (home / "bridge.yaml").chmod(0o644)
        root = str(Path(__file__).resolve().parents[2])
        answer = subprocess.run([sys.executable, "-c", AS_A_USER, root], cwd=home, capture_output=True, text=True)
        told = answer.stdout.splitlines()
        user = "for this user"
        cure = "give the service's user access to it (ls -ld {0} shows who has)"
        assert told == [
            f"bridge.yaml:5:15: ledger.url: folder {home}/state is not writable {user}, but the ledger lies there; "
            + cure.format(home / "state"),
            f"bridge.yaml:7:23: sources[a].folder: folder {home}/taken is not writable {user}, but after_upload "
            "changes it; " + cure.format(home / "taken"),
            f"bridge.yaml:8:23: sources[b].folder: folder {home}/closed is not readable {user}; "
            + cure.format(home / "closed"),
        ], answer.stderr


# --- which file ------------------------------------------------------------------------------------------------------


def test_the_file_is_the_named_one_then_the_variable_then_here_then_the_systems(home: Path) -> None:
    system = home / "system.yaml"
    system.write_text("")
    variable = {"GONG_BRIDGE_CONFIG": "/x/variable.yaml"}
    assert default_path(Path("named.yaml"), environment=variable, system_path=system) == Path("named.yaml")
    assert default_path(environment=variable, system_path=system) == Path("/x/variable.yaml")
    assert default_path(environment={}, system_path=system) == system
    (home / "bridge.yaml").write_text("")
    assert default_path(environment={}, system_path=system) == Path("bridge.yaml")


def test_without_any_file_every_place_that_was_looked_at_is_told(home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        default_path(environment={}, system_path=Path("/nowhere/bridge.yaml"))
    assert caught.value.problems == [
        f"no configuration found: $GONG_BRIDGE_CONFIG is not set, and neither {home}/bridge.yaml nor "
        "/nowhere/bridge.yaml exists; name the file with --config, or write one (see docs/configuration.md)"
    ]


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_no_form_of_a_configuration_shows_a_secret(load, caplog: pytest.LogCaptureFixture) -> None:
    loaded = load(WHOLE + "web: {listen: 0.0.0.0:8321, token: literal-Token-3}\n")
    config = loaded.config
    logging.getLogger("test").warning("config %s %r", config, config)
    shown = [repr(loaded), str(config), repr(config), config.model_dump_json(), str(config.model_dump(mode="json"))]
    shown += [f"{config.gong.access_key}", repr(copy.copy(config)), caplog.text, str(config.model_dump())]
    assert "literal-" not in "\n".join(shown)
    assert repr(config.gong.access_key) == "********"
    with pytest.raises(TypeError, match="a secret is not written anywhere"):
        pickle.dumps(config)


@pytest.mark.parametrize(
    "content",
    [
        WHOLE.replace("access_key_secret:", "acess_key_secret:"),
        WHOLE.replace("access_key:", "key:"),
        WHOLE.replace("base_url:", "url:"),
        WHOLE.replace("https://", "https://user:literal-Pass-4@"),
        WHOLE.replace("sqlite:///", "mysql://user:literal-Pass-4@"),
        WHOLE.replace("sqlite:///", "postgresql://user:literal-Pass-4@"),
        WHOLE.replace("literal-Key-1", "[literal-Key-1]"),
        WHOLE.replace("literal-Key-1", "{env: literal-Key-1}"),
        WHOLE.replace("literal-Key-1", "&literal-Key-1"),
        WHOLE.replace("literal-Key-1", "*literal-Key-1"),
        WHOLE.replace("literal-Key-1", "'literal-Key-1"),
        WHOLE.replace("literal-Key-1", "!literal-Key-1 x"),
        WHOLE.replace("literal-Key-1", "literal-Key-1: x"),
        WHOLE + "web: {listen: 5, token: literal-Token-3}\n",
        WHOLE + "web: {token: {a: literal-Token-3}}\n",
        WHOLE.replace("gong:\n", "gong: literal-Key-1\nmore:\n"),
        WHOLE + "  - {name: b, bucket: c, mapping: freepbx, endpoint_url: 'https://k:literal-Pass-4@h'}\n",
    ],
)
def test_no_message_shows_a_secret_whatever_else_is_wrong_beside_it(load, content: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(content)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "literal-" not in shown


def test_a_secret_comes_from_the_environment_or_systemds_folder(
    load, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "credentials").mkdir()
    (home / "credentials" / "gong").write_text("from systemd\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(home / "credentials"))
    monkeypatch.setenv("GONG_TEST_KEY", "from environment")
    content = WHOLE.replace("literal-Key-1", "env:GONG_TEST_KEY").replace("literal-Secret-2", "credential:gong")
    gong = load(content).config.gong
    assert (gong.access_key.reveal(), gong.access_key_secret.reveal()) == ("from environment", "from systemd")


# --- no surprises ----------------------------------------------------------------------------------------------------

_VALUES = st.sampled_from(
    [
        "",
        "null",
        "[]",
        "{}",
        "[1]",
        "{a: 1}",
        "yes",
        "0123",
        "5",
        "-1.5",
        "5s",
        "~",
        "~nobody/x",
        "/" + "x" * 5000,
        "''",
    ]
)
_SLIPS = st.tuples(st.integers(0, 40), st.sampled_from(["value", "drop", "twice", "indent", "text"]), _VALUES)


def _slip(lines: list[str], slip: tuple[int, str, str]) -> list[str]:
    index, kind, value = slip[0] % len(lines), slip[1], slip[2]
    line = lines[index]
    changed = {
        "value": [line.split(":")[0] + ": " + value],
        "drop": [],
        "twice": [line, line],
        "indent": [" " + line],
        "text": [line + value],
    }[kind]
    return [*lines[:index], *changed, *lines[index + 1 :]] or [""]


@settings(max_examples=300, deadline=None)
@given(slips=st.lists(_SLIPS, min_size=1, max_size=4), tail=st.text(max_size=20))
def test_no_text_makes_anything_but_a_configuration_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, slips: list[tuple[int, str, str]], tail: str
) -> None:
    lines = (WHOLE + "    after_upload: delete\nagents: a.csv\nmedia:\n  convert: true\nweb:\n  listen: h:1\n").split(
        "\n"
    )
    for slip in slips:
        lines = _slip(lines, slip)
    path = tmp_path_factory.getbasetemp() / "fuzz-bridge.yaml"
    path.write_text("\n".join(lines) + tail, encoding="utf-8", errors="replace")
    try:
        told = [source.name for source in load_config(path, find_mapping).config.sources]
    except ConfigError as error:
        told = [line for line in error.problems if line.startswith(f"{path}:")]
    assert told


@pytest.mark.parametrize(("layout", "read"), [("{Y}/{m}/{d}", "{Y}/{m}/{d}/"), ("/*/y={Y}/", "*/y={Y}/")])
def test_a_layout_ends_with_one_slash(load, layout: str, read: str) -> None:
    loaded = load(GONG + LEDGER + f"sources:\n  - {{name: b, bucket: c, mapping: freepbx, layout: '{layout}'}}\n")
    assert loaded.config.sources[0].layout == read


@pytest.mark.parametrize("layout", ["", "recordings", "{d}/{m}/{Y}", "{Y}/{d}", "{Y}/*/", "a*/{Y}", "{Y}/{month}"])
def test_a_layout_that_names_no_folders_by_date_is_refused_with_an_example(load, layout: str) -> None:
    with pytest.raises(ConfigError, match=r"write it like \{Y\}/\{m\}/\{d\}/"):
        load(GONG + LEDGER + f"sources:\n  - {{name: b, bucket: c, mapping: freepbx, layout: '{layout}'}}\n")
