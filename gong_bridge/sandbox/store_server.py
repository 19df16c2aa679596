"""Serves a stand-in for S3 and SQS on this machine, with faults on demand: what a bridge asks of AWS, and no more.

Requests must be signed with the stand-in's own key: one that was signed with anybody else's is refused. Sources:
https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from gong_bridge import clock
from gong_bridge.sandbox.faults import FaultBook
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.queue import Queue
from gong_bridge.sandbox.store import Store, StoreRefusal
from gong_bridge.sandbox.store_answers import Asked, StoreAnswer, answer_store, error_body

ACCESS_KEY = "GONGBRIDGESTANDIN"
SECRET_KEY = "stand-in-secret"  # noqa: S105 - of a stand-in on this machine

_QUEUE_PATH = "/000000000000/"
_PIECE_BYTES = 1 << 18


class StoreServer:
    """A store and its queues at `base_url`; use it as a context manager. Each starts empty."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.queues: dict[str, Queue] = {}
        self._faults = FaultBook(())
        self._http: ThreadingHTTPServer | None = None
        self.base_url = ""

    def add_queue(self, name: str, *, deliveries: int = 1) -> str:
        """Another queue; its URL."""
        self.queues[name] = Queue(clock.monotonic_seconds, deliveries=deliveries)
        return f"{self.base_url}{_QUEUE_PATH}{name}"

    def play(self, *faults: Fault) -> None:
        """Faults from now on, after those there are."""
        self._faults.add(faults)

    def play_no_faults(self) -> None:
        """All faults end."""
        self._faults.clear()

    def take_fault(self, operation: str) -> Fault | None:
        """The fault that this request meets."""
        return self._faults.take(operation)

    @property
    def faults_played(self) -> int:
        """How many requests met a fault so far."""
        return self._faults.played

    def __enter__(self) -> StoreServer:
        """Listen on this machine alone."""
        self._http = _QuietServer(("127.0.0.1", 0), _handler_of(self))
        threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, name="store", daemon=True
        ).start()
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what this is for."""


def _handler_of(server: StoreServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            asked = Asked(
                method=self.command,
                path=unquote(parts.path),
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
            )
            _answer(self, server, asked, body)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _answer(handler: BaseHTTPRequestHandler, server: StoreServer, asked: Asked, body: bytes) -> None:
    target = asked.headers.get("x-amz-target", "")
    operation = target.rpartition(".")[2] if target else asked.operation
    fault = server.take_fault(operation[:1].lower() + operation[1:])
    if fault is not None and fault.kind == "drop_before":
        handler.close_connection = True
        return
    try:
        _check_signature(asked)
        if fault is not None and fault.kind == "status":
            raise StoreRefusal(fault.status, fault.body or "InternalError")
        if fault is not None and fault.kind == "ignore_range":
            asked = asked.without_range()
        answer = _of_queue(server.queues, target, body) if target else answer_store(server.store, asked)
    except StoreRefusal as refusal:
        answer = StoreAnswer(status=refusal.status, body=error_body(refusal.code, of_queue=bool(target)))
    cut = fault.after_bytes if fault is not None and fault.kind == "truncated" else None
    _send(handler, answer, cut)


def _send(handler: BaseHTTPRequestHandler, answer: StoreAnswer, cut_after: int | None) -> None:
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(answer.size_bytes))
    handler.end_headers()
    if handler.command == "HEAD":
        return
    left = answer.size_bytes if cut_after is None else min(cut_after, answer.size_bytes // 2)
    handler.close_connection = handler.close_connection or left < answer.size_bytes
    for piece in answer.pieces(_PIECE_BYTES):
        handler.wfile.write(piece[:left])
        left -= len(piece[:left])
        if not left:
            return


def _check_signature(asked: Asked) -> None:
    """Only the stand-in's own key: whoever comes with another has mistaken this for the real store."""
    signed_by = asked.headers.get("authorization", "") or asked.query.get("X-Amz-Credential", "")
    if f"{ACCESS_KEY}/" not in signed_by:
        raise StoreRefusal(403, "InvalidAccessKeyId" if signed_by else "AccessDenied")


def _of_queue(queues: Mapping[str, Queue], target: str, body: bytes) -> StoreAnswer:
    asked = json.loads(body)
    queue = queues.get(str(asked.get("QueueUrl", "")).rpartition("/")[2])
    if queue is None:
        raise StoreRefusal(400, "AWS.SimpleQueueService.NonExistentQueue")
    verbs: dict[str, Callable[[Queue, dict[str, Any]], dict[str, Any]]] = {
        "AmazonSQS.ReceiveMessage": _receive,
        "AmazonSQS.DeleteMessageBatch": _delete,
        "AmazonSQS.ChangeMessageVisibilityBatch": _hide,
        "AmazonSQS.GetQueueAttributes": _attributes,
    }
    if target not in verbs:
        raise StoreRefusal(400, "UnsupportedOperation")
    told = json.dumps(verbs[target](queue, asked)).encode()
    return StoreAnswer(status=200, headers={"Content-Type": "application/x-amz-json-1.0"}, body=told)


def _receive(queue: Queue, asked: dict[str, Any]) -> dict[str, Any]:
    read = queue.receive(
        most=int(asked.get("MaxNumberOfMessages", 1)),
        wait_seconds=min(float(asked.get("WaitTimeSeconds", 0)), 2.0),
        hide_seconds=float(asked.get("VisibilityTimeout", 30)),
    )
    messages = [
        {
            "MessageId": message_id, "ReceiptHandle": receipt, "Body": body,
            "Attributes": {"ApproximateReceiveCount": str(received)},
        }
        for message_id, receipt, body, received in read
    ]  # fmt: skip
    return {"Messages": messages} if messages else {}


def _delete(queue: Queue, asked: dict[str, Any]) -> dict[str, Any]:
    return _batch(asked, lambda entry: queue.delete(entry["ReceiptHandle"]))


def _hide(queue: Queue, asked: dict[str, Any]) -> dict[str, Any]:
    return _batch(asked, lambda entry: queue.hide(entry["ReceiptHandle"], float(entry["VisibilityTimeout"])))


def _batch(asked: dict[str, Any], do: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    outcomes = {entry["Id"]: do(entry) for entry in asked["Entries"]}
    return {
        "Successful": [{"Id": one} for one, done in outcomes.items() if done],
        "Failed": [
            {"Id": one, "Code": "ReceiptHandleIsInvalid", "SenderFault": True}
            for one, done in outcomes.items()
            if not done
        ],
    }


def _attributes(queue: Queue, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all verbs
    return {"Attributes": {"ApproximateNumberOfMessages": str(queue.waiting)}}
