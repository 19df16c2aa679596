"""One log line per state change: fixed words, named fields; no people, no secrets, whatever a caller hands over.

JSON lines under systemd, readable lines on a terminal, always on standard error. The libraries' own loggers come
through here too, from warning upwards. Nothing is trusted: fields with telling names are masked, and so is everything
in any text that looks like a signature, a password, an e-mail address or a phone number.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import structlog

from gong_bridge.errors import BridgeError, Held

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
from gong_bridge.readable import printable

MASK = "********"
LIBRARIES = ("alembic", "boto3", "botocore", "httpcore", "httpx", "sqlalchemy", "urllib3", "uvicorn", "watchdog")
"""Their loggers may have handlers and levels of their own; ours take over."""

_TELLING = frozenset(
    {"key", "keys", "file", "files", "filename", "path", "paths", "sidecar", "draft", "title", "subject"}
    | {"caller", "callee", "from", "to", "number", "numbers", "phone", "phones", "extension", "address", "addresses"}
    | {
        "agent",
        "email",
        "emails",
        "mail",
        "name",
        "names",
        "parties",
        "party",
        "people",
        "person",
        "user",
        "username",
        "unique",
    }
    | {"authorization", "cookie", "credential", "credentials", "password", "secret", "secrets", "signature", "token"}
)
"""A field is masked when any word of its name is one of these: `key`, `file_name`, `caller_number` ..."""

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"://[^/\s@]*@"), f"://{MASK}@"),
    (re.compile(r"(?i)\b(basic|bearer)\s+[a-z0-9+/=._~-]{8,}"), rf"\1 {MASK}"),
    (
        re.compile(
            r"(?i)\b(x-amz-[a-z-]+|signature|awsaccesskeyid|sig|[a-z_]*token|[a-z_]*secret|[a-z_]*key|password)"
            r"""(["']?\s*(?:[=:]|%3d)\s*["']?)(?!\s)[^&\s,;"']+"""
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), MASK),
    (re.compile(r"(?i)[^\s@'\"<>,;:=()/]+(?:@|%40)[^\s@'\"<>,;:()/]+\.[a-z]{2,}"), "[e-mail]"),
    (re.compile(r"(?i)(?:\+|%2b)\d(?:[\s().-]{0,2}\d){5,}"), "[number]"),
)
_IN_FREE_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    # Text that others wrote: what is quoted or has a slash may be a file name, a long run of digits a phone number.
    (re.compile(r"(?i)\b(https?://[^\s/'\"?#]+)[^\s'\"]*"), r"\1 "),
    (re.compile(r"""(['"])(?=[^'"]*[/\\.\s\d])[^\n]*\1"""), r"\1…\1"),
    (re.compile(r"(?<![:/\w])[^\s:]*/(?!/)\S+"), "…"),
    (re.compile(r"\d(?:[\s().-]?\d){6,}"), "[number]"),
)
_LONGEST_TEXT = 500


def configure(level: str = "info", format: str = "auto", stream: TextIO | None = None) -> None:
    """Log from now on: level "debug" | "info" | "warning" | "error", format "auto" | "json" | "console".

    "auto" is readable on a terminal and JSON elsewhere. `stream` is standard error unless given. May be called again.
    """
    target = stream or sys.stderr
    readable = format == "console" or (format == "auto" and target.isatty())
    handler = _Handler(target)
    handler.setFormatter(_Formatter(_readable(target.isatty()) if readable else _as_json))
    threshold = getattr(logging, level.upper())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.WARNING))
    logging.getLogger("gong_bridge").setLevel(threshold)
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.NOTSET)
    threading.excepthook = _thread_died


def take_over_last_words() -> None:
    """What would end the service, or cannot be raised anywhere, is logged too, where Python would print its values."""
    sys.excepthook = _process_died
    sys.unraisablehook = _not_raised


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one module; silent until `configure` was called. Use: log.info("moved", entry=7, state="done")."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


# --- what may be said ------------------------------------------------------------------------------------------------


def masked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they may be printed: telling names masked, values reduced to plain harmless JSON."""
    return {printable(str(name)): MASK if _is_telling(str(name)) else _masked(value) for name, value in fields.items()}


def masked_text(text: str, *, free: bool = False) -> str:
    """`text` without secrets, e-mail addresses and phone numbers, on one line, not longer than 500 characters.

    `free`: somebody else wrote it (a library, an unknown exception), so quoted names and long numbers go too.
    """
    for pattern, replacement in _SECRETS + (_IN_FREE_TEXT if free else ()):
        text = pattern.sub(replacement, text)
    text = printable(text)
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def masked_error(error: BaseException) -> str:
    """The error's class and what may be said of its message."""
    kind = type(error).__name__
    if isinstance(error, Held):
        return f"{kind} ({error.code})"  # its message may name a person
    if isinstance(error, BridgeError):
        return f"{kind} ({error.code}): {masked_text(error.message)}"
    if isinstance(error, OSError):
        return f"{kind}: {error.strerror or error.errno or ''}".rstrip(": ")  # its text would name the file
    first_line = str(error).strip().partition("\n")[0]  # SQL parameters and rejected values stand in the further lines
    return f"{kind}: {masked_text(first_line, free=True)}" if first_line else kind


def masked_traceback(error: BaseException) -> list[str]:
    """Where the error came from, innermost last, causes first: places and code, never the values of variables."""
    lines: list[str] = []
    seen: set[int] = set()
    present: BaseException | None = error
    while present is not None and id(present) not in seen:
        seen.add(id(present))
        frames = traceback.extract_tb(present.__traceback__)
        block = [f"{frame.filename}:{frame.lineno} {frame.name}: {frame.line or ''}" for frame in frames]
        lines[:0] = [*block, masked_error(present)]
        present = present.__cause__ or (None if present.__suppress_context__ else present.__context__)
    return lines


def _is_telling(name: str) -> bool:
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return not _TELLING.isdisjoint(re.split(r"[^a-z]+", words))


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return masked_text(_host_of(str(value)) if re.match(r"(?i)https?://", value) else str(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, BaseException):
        return masked_error(value)
    if isinstance(value, Mapping):
        return masked_fields(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(one) for one in value]
    return f"[{type(value).__name__}]"  # an Entry or a Recording would show its key


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return "[address]"


# --- how it is written -----------------------------------------------------------------------------------------------


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written (disk full, pipe closed) must not stop deliveries."""


class _Formatter(logging.Formatter):
    def __init__(self, render: Callable[[dict[str, Any]], str]) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "gong_bridge_fields", None)
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": masked_text(_message(record), free=fields is None),
            "logger": record.name,
        }
        line.update((name, value) for name, value in masked_fields(fields or {}).items() if name not in line)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["exception"] = masked_traceback(error)
        return self._render(line)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a library's format string and its arguments disagree
        return str(record.msg)


def _as_json(line: dict[str, Any]) -> str:
    return json.dumps(line, default=str)


def _readable(colours: bool) -> Callable[[dict[str, Any]], str]:
    renderer = structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at", pad_event_to=28)

    def render(line: dict[str, Any]) -> str:
        if "exception" in line:
            line["exception"] = "\n".join(f"  {one}" for one in line["exception"])
        return str(renderer(None, "", line))

    return render


def _hand_over(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """structlog's last step: the line goes on as a record of the standard library."""
    event = str(fields.pop("event", ""))
    exc_info = fields.pop("exc_info", None)
    return (event,), {"exc_info": exc_info, "extra": {"gong_bridge_fields": dict(fields)}}


def _thread_died(args: threading.ExceptHookArgs) -> None:
    thread = args.thread.name.split(" ")[0] if args.thread else "unknown"
    get_logger(__name__).error("thread died", thread=thread, exc_info=args.exc_value)


def _process_died(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    get_logger(__name__).error("the service ends, which is a mistake of ours", exc_info=error)


def _not_raised(unraisable: UnraisableHookArgs) -> None:
    get_logger(__name__).warning("an error could not be raised", exc_info=unraisable.exc_value)


structlog.configure(
    processors=[structlog.stdlib.filter_by_level, _hand_over],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
# Silent instead of Python's last resort, which would print unmasked: commands that only show something never configure.
logging.getLogger("gong_bridge").addHandler(logging.NullHandler())
