"""What a log line may say: fixed words and named fields, never people, never secrets."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gong_bridge import logs
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import BadCredentials, UnknownPerson

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Iterator[Lines]:
    """Logging as the service does it, into memory; the former state comes back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("gong_bridge")
    former = (root.handlers[:], root.level, ours.level, threading.excepthook)
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], threading.excepthook = former[0], former[3]
    root.setLevel(former[1])
    ours.setLevel(former[2])


log = logs.get_logger("gong_bridge.worker")


def test_a_state_change_is_one_json_line_with_named_fields(written: Lines) -> None:
    log.info("moved", entry=7, source="pbx", before="created", state="done", call_id="7782342274025937895", code=None)
    (line,) = written()
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "moved",
        "logger": "gong_bridge.worker",
        "entry": 7,
        "source": "pbx",
        "before": "created",
        "state": "done",
        "call_id": "7782342274025937895",
        "code": None,
    }


@pytest.mark.parametrize(
    "name",
    ["key", "file_name", "fileName", "path", "caller_number", "phone", "from", "to", "email", "person", "agent_name",
     "title", "authorization", "access_key", "lease_token", "client_unique_id", "draft", "FILE"],
)  # fmt: skip
def test_a_field_with_a_telling_name_is_masked(name: str, written: Lines) -> None:
    log.info("moved", **{name: "in-201-20260105.wav"})
    assert written()[0][name] == "********"


def test_a_field_inside_a_field_is_masked_as_well(written: Lines) -> None:
    log.info("moved", facts={"size_bytes": 12, "parties": [{"number": "1"}]}, list=[{"email": "x"}])
    assert written()[0]["facts"] == {"size_bytes": 12, "parties": "********"}
    assert written()[0]["list"] == [{"email": "********"}]


HOSTILE = [
    ("https://b.s3.amazonaws.com/calls/a.wav?X-Amz-Signature=5d41402abc4b2a76&X-Amz-Expires=900", "5d41402abc4b2a76"),
    ("see https://b.s3.amazonaws.com/?X-Amz-Security-Token=IQoJb3JpZ2luX2VjE&a=1", "IQoJb3JpZ2luX2VjE"),
    ("GET /a.wav?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=vjbyPxybdZaNmGa", "vjbyPxybdZaNmGa"),
    ("sent Authorization: Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==", "c2FuZGJveDpzYW5kYm94"),
    ("sent authorization: bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "eyJhbGciOiJIUzI1NiJ9"),
    ("postgresql://bridge:hunter22@db.example.com/ledger", "hunter22"),
    ("access_key_secret=0a1b2c3d4e", "0a1b2c3d4e"),
    ("{'access_key_secret': '0a1b2c3d4e'}", "0a1b2c3d4e"),
    ('{"refresh_token":"0a1b2c3d4e"}', "0a1b2c3d4e"),
    ("the caller agent-201@example.com was not found", "agent-201@example.com"),
    ("the caller agent-201%40example.com was not found", "agent-201%40example.com"),
    ("no agent for +1 555 010-0123", "010-0123"),
    ("no agent for %2B15550100123", "15550100123"),
    ("key AKIAIOSFODNN7EXAMPLE is not known", "AKIAIOSFODNN7EXAMPLE"),
]


@pytest.mark.parametrize(("text", "secret"), HOSTILE)
def test_a_secret_or_a_person_in_any_text_is_masked(text: str, secret: str, written: Lines) -> None:
    assert secret in text
    log.warning("paused", reason=text, more=[text], url=text)
    log.warning(text)
    logging.getLogger("botocore.endpoint").warning("failed: %s", text)
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        message = text  # the traceback must not show this variable's value
        log.exception("unexpected error", error=error)
        assert message
    told = json.dumps(written(), ensure_ascii=False)
    assert len(written()) == 4
    assert secret not in told


def test_a_harmless_reason_stays_readable(written: Lines) -> None:
    reason = "source pbx: the folder cannot be read (Permission denied); next look in 60 s, 3 of 10000 calls used"
    log.error("paused", reason=reason)
    assert written()[0]["reason"] == reason


def test_an_object_is_named_by_its_class_alone(written: Lines) -> None:
    @dataclasses.dataclass
    class Recording:
        key: str

    log.info(
        "moved", what=Recording("in-201.wav"), body=b"RIFF", secret_like=Secret("hush"), error=BadCredentials("no")
    )
    assert written()[0]["what"] == "[Recording]"
    assert written()[0]["body"] == "[bytes]"
    assert "hush" not in json.dumps(written())
    assert written()[0]["error"] == "BadCredentials (bad-credentials): no"


def test_a_name_with_newlines_and_foreign_bytes_stays_one_line(written: Lines) -> None:
    log.info("moved", note='a\n{"event": "forged"}\x1b[31m\udcff\u2028')
    (line,) = written()
    assert line["note"] == 'a\\n{"event": "forged"}\\x1b[31m\\udcff\\u2028'


def test_a_traceback_shows_places_and_no_values_and_no_file_names(written: Lines) -> None:
    def read(name: str) -> None:
        open(name).close()

    try:
        try:
            read("/nowhere/out-15550100123-agent.wav")
        except OSError as error:
            raise ValueError("cannot use 'out-15550100123 agent.wav' of agents/1.wav") from error
    except ValueError as error:
        log.exception("unexpected error", entry=3, exc_info=error)
    (line,) = written()
    assert "FileNotFoundError: No such file or directory" in line["exception"]
    assert line["exception"][-1] == "ValueError: cannot use '…' of …"
    assert any("test_logs.py" in one and "open(name).close()" in one for one in line["exception"])


def test_the_message_of_a_held_error_is_never_printed(written: Lines) -> None:
    error = UnknownPerson("extension 299 is nobody in agents.csv", kind="extension", value="299")
    log.error("held", error=error, exc_info=error)
    (line,) = written()
    del line["at"]  # its digits may be anybody's
    assert line["exception"] == ["UnknownPerson (unknown-person)"]
    assert "299" not in json.dumps(line)


def test_sql_parameters_stay_out_of_the_log(written: Lines) -> None:
    log.error("failed", exc_info=RuntimeError("UNIQUE constraint failed\n[parameters: ('in-201.wav',)]"))
    assert written()[0]["exception"] == ["RuntimeError: UNIQUE constraint failed"]


@pytest.mark.parametrize(
    "library", ["httpx", "httpcore.connection", "botocore.auth", "watchdog", "uvicorn.error", "sqlalchemy.engine",
                "alembic.runtime.migration"]
)  # fmt: skip
def test_a_library_s_warnings_come_through_the_same_door_and_its_chatter_does_not(library: str, written: Lines) -> None:
    logging.getLogger(library).info("chatter")
    logging.getLogger(library).warning("cannot read %s", "/srv/calls/in-201.wav")
    (line,) = written()
    assert (line["logger"], line["level"], line["event"]) == (library, "warning", "cannot read …")


def test_a_presigned_url_of_a_library_keeps_only_its_host(written: Lines) -> None:
    logging.getLogger("httpx").warning("HTTP GET https://b.s3.amazonaws.com/in-201.wav?X-Amz-Signature=5d41402a 403")
    assert written()[0]["event"] == "HTTP GET https://b.s3.amazonaws.com  403"


def test_a_thread_that_dies_leaves_a_line(written: Lines) -> None:
    def fail() -> None:
        raise RuntimeError("of in-201.wav/x")

    thread = threading.Thread(target=fail, name="worker 3")
    thread.start()
    thread.join()
    (line,) = written()
    assert (line["event"], line["thread"], line["exception"][-1]) == ("thread died", "worker", "RuntimeError: of …")


def test_what_ends_the_service_is_logged_without_values(tmp_path: Path) -> None:
    program = (
        "from gong_bridge import logs\n"
        "logs.configure('info', 'json'); logs.take_over_last_words()\n"
        "class Odd:\n"
        "    def __del__(self): raise RuntimeError('password=hunter22 of x/in-201.wav')\n"
        "Odd()\n"
        "caller = '+15550100123'\n"
        "raise RuntimeError(f'password=hunter22 {caller} of x/in-201.wav\\nDETAIL: hunter22')\n"
    )
    path = tmp_path / "program.py"
    path.write_text(program)
    ended = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    first, last = [json.loads(line) for line in ended.stderr.splitlines()]
    assert (first["event"], last["event"]) == (
        "an error could not be raised",
        "the service ends, which is a mistake of ours",
    )
    assert last["exception"][-1] == "RuntimeError: password=******** [number] of …"
    told = json.dumps([first["exception"][-1], last["exception"][-1]])
    assert "hunter22" not in told


def test_a_log_that_cannot_be_written_stops_nothing(capfd: pytest.CaptureFixture[str], written: Lines) -> None:
    closed = io.StringIO()
    logs.configure("info", "json", closed)
    closed.close()
    log.info("moved", entry=1)
    assert capfd.readouterr() == ("", "")


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)


def test_before_it_is_configured_nothing_is_written_anywhere() -> None:
    done = run("from gong_bridge import logs; logs.get_logger('gong_bridge.x').error('moved', key='a.wav')")
    assert (done.stdout, done.stderr) == ("", "")


def test_auto_is_json_on_standard_error_when_that_is_no_terminal() -> None:
    done = run(
        "from gong_bridge import logs; logs.configure('info', 'auto');"
        "logs.get_logger('gong_bridge.x').info('moved', entry=1); logs.get_logger('gong_bridge.x').debug('not this')"
    )
    assert done.stdout == ""
    assert json.loads(done.stderr)["event"] == "moved"


def test_auto_is_readable_on_a_terminal() -> None:
    program = (
        "import os, pty, sys\n"
        "from gong_bridge import logs\n"
        "main, terminal = pty.openpty()\n"
        "stream = os.fdopen(terminal, 'w', buffering=1)\n"
        "logs.configure('info', 'auto', stream)\n"
        "logs.get_logger('gong_bridge.x').info('moved', entry=1, key='a.wav')\n"
        "sys.stdout.write(os.read(main, 10000).decode())\n"
    )
    shown = run(program).stdout
    assert "moved" in shown
    assert "\x1b[" in shown
    assert "a.wav" not in shown
    assert not shown.startswith("{")


def test_a_record_whose_arguments_do_not_fit_is_still_written() -> None:
    done = run(
        "import logging; from gong_bridge import logs; logs.configure('info', 'json');"
        "logging.getLogger('watchdog').warning('moved %d of %d', 'one')"
    )
    assert json.loads(done.stderr)["event"] == "moved %d of %d"
