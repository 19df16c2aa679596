"""A ledger on a full disk, locked, read-only, damaged or gone: everything waits, says so with the cure, and goes on."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from gong_bridge.cli import build_app
from gong_bridge.config.schema import WebOptions
from gong_bridge.errors import BridgeError, ConfigError, LedgerReadOnly
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.running import run
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.web.overview import Watched
from gong_bridge.web.server import WebServer
from gong_bridge.web.server import build_app as build_pages
from tests.contract.test_ledger import NOON, add, recording
from tests.end_to_end.bridge import each_call_once, wait_until
from tests.end_to_end.recordings import drop, drop_many
from tests.integration.bench import Bench, bench
from tests.small_disk import fill_up, remount, roomy_disk, small_disk

__all__ = ["roomy_disk", "small_disk"]

NewLedger = Callable[[Path], str]
CURE = "restore the latest backup that `gong-bridge ledger verify` finds in order"


def told_by(command: str, home: Path) -> tuple[int, str]:
    """Exit code and words of a command, typed where bridge.yaml lies."""
    done = CliRunner().invoke(build_app(), [*command.split(), "-c", str(home / "bridge.yaml")])
    error = done.exception.message if isinstance(done.exception, BridgeError) else ""
    return done.exit_code, " ".join(f"{done.output} {error}".split())


@contextmanager
def at_work(of: Bench) -> Iterator[httpx.Client]:
    """The bridge at work, and a client of its page."""
    stop = threading.Event()
    account = of.bridge.accounts.default
    watched = [Watched(allowance=account.allowance, gate=account.gate)]
    with ExitStack() as stack:
        server = stack.enter_context(WebServer(build_pages(of.bridge.ledger, watched, WebOptions()), "127.0.0.1:0"))
        client = stack.enter_context(httpx.Client(base_url=server.url, timeout=40))
        thread = threading.Thread(target=run, args=(of.bridge, stop))
        thread.start()
        try:
            yield client
        finally:
            stop.set()
            thread.join(30)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    ballast = fill_up(disk)
    yield
    ballast.unlink()


@contextmanager
def locked(disk: Path) -> Iterator[None]:
    with closing(sqlite3.connect(disk / "ledger.db", isolation_level=None)) as another_program:
        another_program.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def removed(disk: Path) -> Iterator[None]:
    (disk / "ledger.db").rename(disk / "aside.db")
    shutil.copyfile(disk / "aside.db", disk / "ledger.db")  # as somebody who restores a backup in the midst of it
    yield
    (disk / "aside.db").rename(disk / "ledger.db")


@pytest.mark.parametrize(
    ("trouble", "cure"),
    [(full, "the disk is full; free some space"), (locked, "end that program"), (removed, "removed or replaced")],
)
def test_R28_R29_while_nothing_can_be_written_down_everything_waits_says_so_everywhere_and_goes_on_by_itself(
    trouble: Callable[[Path], Iterator[None]],
    cure: str,
    roomy_disk: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Noticed by an idle bridge; what is found meanwhile is not lost, nothing is sent twice, no attempt is used up."""
    for place in ("gong_bridge.ledger.database", "gong_bridge.ledger.upkeep"):
        monkeypatch.setattr(f"{place}._BUSY_SECONDS", 0.2)
    monkeypatch.setattr("gong_bridge.account.gate.FIRST_PROBE_SECONDS", 1.0)
    ledger = {"url": f"sqlite:///{roomy_disk}/ledger.db", "lease": "5s"}
    source = {"settle": "200ms", "rescan": "1s"}
    with bench(tmp_path, sandbox.base_url, source=source, ledger=ledger) as of, at_work(of) as page:
        expected = drop_many(of.recorder, 1)
        wait_until(lambda: len(sandbox.calls) == 1, "the first call")
        wait_until(lambda: {state for state, _ in of.states().values()} == {"done"}, "its end")
        with trouble(roomy_disk):  # type: ignore[attr-defined]
            wait_until(lambda: page.get("/healthz").status_code == 503, "/healthz says so", 30)
            assert page.get("/healthz").json()["ledger"] == "ledger-read-only"
            assert cure in page.get("/").text
            if trouble is not removed:
                code, told = told_by("status", tmp_path)
                assert (code, cure in told.partition("PAUSED: ledger")[2]) == (0, True), told
            for number in range(1, 4):
                expected[f"call-{number:03}"] = drop(of.recorder, f"call-{number:03}.wav", number)
        wait_until(lambda: page.get("/healthz").status_code == 200, "/healthz is well again")
        wait_until(lambda: len(sandbox.calls) == 4, "all calls")
        wait_until(lambda: {state for state, _ in of.states().values()} == {"done"}, "the end")
        assert of.bridge.ledger.upkeep.integrity_check() == []
        assert {entry.attempts for entry in of.bridge.ledger.views.entries()} == {0}
        assert "PAUSED" not in told_by("status", tmp_path)[1]
    each_call_once(sandbox, expected)


def test_R28_commands_that_look_answer_from_a_read_only_disk_and_say_what_is_wrong(
    small_disk: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    with bench(tmp_path, sandbox.base_url, ledger={"url": f"sqlite:///{small_disk}/ledger.db"}) as of:
        drop(of.recorder, "one.wav", 1)
        assert of.find() == 1
        shutil.copytree(small_disk, tmp_path / "as-it-is")  # with what is in the write-ahead log
    shutil.copytree(tmp_path / "as-it-is", small_disk, dirs_exist_ok=True)
    remount(small_disk, "ro")
    code, told = told_by("status", tmp_path)
    assert code == 0, told
    assert "PAUSED: ledger" in told
    assert "remount read-write" in told
    assert "pbx 1" in told
    assert told_by("ledger list --json", tmp_path)[1].startswith('{"id": 1')
    assert told_by("pause", tmp_path)[0] == 1
    remount(small_disk, "rw")


# --- damaged ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path, new_sqlite_ledger: NewLedger) -> Path:
    """A ledger of many pages, everything in the one file, and a bridge.yaml beside it; a test spoils it."""
    path = tmp_path / "ledger.db"
    with Ledger.open(new_sqlite_ledger(path)) as ledger:
        ledger.intake.add([recording(f"{number:04}-{'x' * 100}.wav") for number in range(1500)], False, NOON)
    (tmp_path / "recorder").mkdir()
    (tmp_path / "agents.csv").write_text("email,extension,login,name\n")
    (tmp_path / "bridge.yaml").write_text(
        "gong: {base_url: 'http://127.0.0.1:9', access_key: a, access_key_secret: b}\n"
        f"ledger: {{url: 'sqlite:///{path}'}}\nagents: agents.csv\n"
        "sources: [{name: pbx, folder: recorder, mapping: freepbx}]\n"
    )
    (tmp_path / "bridge.yaml").chmod(0o600)
    return path


def spoil(path: Path, at: int, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * size_bytes)


def test_R28_a_damaged_beginning_is_refused_with_the_cure_and_never_made_anew(damaged: Path) -> None:
    spoil(damaged, 0, 100)
    before = damaged.read_bytes()
    for command in ("status", "ledger verify", "ledger list", "run --once"):
        code, told = told_by(command, damaged.parent)
        assert code != 0, command
        assert "its beginning is damaged" in told
        assert CURE in told
    assert damaged.read_bytes() == before


def test_R28_a_damaged_page_is_found_by_verify_and_pauses_with_the_cure(damaged: Path) -> None:
    spoil(damaged, damaged.stat().st_size // 2, 20_000)
    code, told = told_by("ledger verify", damaged.parent)
    assert code == 1
    assert "restore the latest backup that" in told
    with Ledger.open(f"sqlite:///{damaged}") as ledger:
        with pytest.raises(LedgerReadOnly, match="it is damaged") as trouble:
            list(ledger.views.entries())
        assert CURE in trouble.value.message


@pytest.mark.parametrize("size_bytes", [0, 1, 50_000])
def test_R28_a_ledger_that_was_cut_off_is_never_taken_for_a_new_one(damaged: Path, size_bytes: int) -> None:
    with damaged.open("r+b") as file:
        file.truncate(size_bytes)
    code, told = told_by("ledger verify", damaged.parent)
    assert code != 0
    assert "restore the latest backup" in told
    assert damaged.stat().st_size == size_bytes


def test_R28_a_ledger_whose_file_is_gone_but_not_its_log_is_not_made_anew(damaged: Path) -> None:
    with Ledger.open(f"sqlite:///{damaged}") as ledger:
        add(ledger, recording("in-the-log.wav"))
        damaged.rename(damaged.with_name("aside.db"))
        with pytest.raises(ConfigError, match=r"is gone, but what was written last is there .*put the file back"):
            Ledger.open(f"sqlite:///{damaged}")
    assert not damaged.exists()


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7, 0.99])
def test_R28_a_cut_off_write_ahead_log_is_an_earlier_ledger_and_a_whole_one(
    tmp_path: Path, new_sqlite_ledger: NewLedger, kept: float
) -> None:
    """What was committed last is forgotten then, as after a power cut of a disk that lies; nothing else is harmed."""
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    with Ledger.open(new_sqlite_ledger(path)) as ledger:
        for number in range(40):
            add(ledger, recording(f"{number}.wav"))
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    log = copy.with_name("copy.db-wal")
    with log.open("r+b") as file:
        file.truncate(int(log.stat().st_size * kept))
    with Ledger.open(f"sqlite:///{copy}") as ledger:
        keys = [entry.key for entry in ledger.views.entries()]
        assert keys == [f"{number}.wav" for number in range(len(keys))]
        assert 40 * kept - 12 < len(keys) < 40
        assert ledger.upkeep.integrity_check() == []
        assert add(ledger, recording("next.wav")) == 1


def test_R28_a_new_ledger_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """What a process left that died while it made one is no ledger, and is in nobody's way."""
    (tmp_path / "ledger.db.new").write_bytes(b"half")
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert add(ledger) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger.db"]


def test_R28_R29_the_writers_of_a_process_lose_their_patience_with_a_lock_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, ten threads would wait for five minutes until the last one says what is wrong."""
    monkeypatch.setattr("gong_bridge.ledger.database._BUSY_SECONDS", 1.0)
    told: list[float] = []
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        began = time.monotonic()

        def write(number: int) -> None:
            with pytest.raises(LedgerReadOnly, match="end that program"):
                ledger.notes.set_note(f"note-{number}", 1)
            told.append(time.monotonic() - began)

        with locked(tmp_path):
            writers = [threading.Thread(target=write, args=(number,)) for number in range(10)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
        ledger.notes.set_note("free", 1)
    assert len(told) == 10
    assert min(told) >= 1.0
    assert max(told) < 6.0
