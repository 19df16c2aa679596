"""Runs a sandbox: in a thread of this process (`Sandbox`), or for the command line (`serve`)."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType, TracebackType

import uvicorn

from gong_bridge.sandbox.app import build_app
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall, SeenRequest
from gong_bridge.sandbox.connection import CuttableProtocol
from gong_bridge.sandbox.crm_store import CrmStore
from gong_bridge.sandbox.faults import FaultBook
from gong_bridge.sandbox.limits import Limits
from gong_bridge.sandbox.options import Fault, SandboxOptions

_TICK_SECONDS = 0.25
_GRACE_SECONDS = 2.0
_DEFAULT_OPTIONS = SandboxOptions()


class Sandbox:
    """A stand-in for Gong on this machine.

    `start()` returns the base URL; use it as a context manager or call `stop()`. Everything that arrived can be read
    from any thread while it runs and afterwards. Each sandbox starts empty.
    """

    def __init__(self, options: SandboxOptions = _DEFAULT_OPTIONS, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.options = options
        self._host = host
        self._port = port
        self._arrived = Arrived(keep_media_total_bytes=options.keep_media_total_bytes, crm_polls=options.crm_polls)
        self._limits = Limits(calls_per_second=options.calls_per_second, calls_per_day=options.calls_per_day)
        self._faults = FaultBook(options.faults)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.base_url = ""

    def start(self) -> str:
        """Listen and answer from now on, after `stop` at the same address and with what has arrived.

        Raises OSError when the address cannot be had.
        """
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        self.base_url = _url_of(listener)
        self._server = _Server(self.options, self._arrived, self._limits, self._faults)
        self._thread = threading.Thread(
            target=self._server.run_until_stopped, args=(listener,), name="sandbox", daemon=True
        )
        self._thread.start()
        return self.base_url

    def stop(self) -> None:
        """Close every connection and stop listening; may be called twice."""
        if self._server is not None and self._thread is not None:
            self._server.stop_soon()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Sandbox:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def calls(self) -> list[ArrivedCall]:
        """All calls that arrived, oldest first."""
        return self._arrived.calls()

    def media_of(self, call_id: str) -> bytes | None:
        """The media that arrived last for a call, where it was small enough to be kept."""
        return self._arrived.data_of(call_id)

    @property
    def crm(self) -> CrmStore:
        """What the company's CRM has told."""
        return self._arrived.crm

    @property
    def requests(self) -> list[SeenRequest]:
        """The latest API requests, oldest first."""
        return self._arrived.log()

    @property
    def statuses(self) -> dict[str, int]:
        """How many API requests got which status; "none" for those that got no answer."""
        return self._arrived.statuses()

    @property
    def busiest_second(self) -> int:
        """The most API requests that came within any one second."""
        return self._limits.busiest_second

    def play(self, *faults: Fault) -> None:
        """Faults from now on, after those there are."""
        self._faults.add(faults)

    def play_no_faults(self) -> None:
        """All faults end."""
        self._faults.clear()

    @property
    def faults_played(self) -> int:
        """How many requests met a fault so far."""
        return self._faults.played


def serve(
    host: str, port: int, options: SandboxOptions = _DEFAULT_OPTIONS, *, announce: Callable[[str], None] | None = None
) -> None:
    """Run a sandbox in this thread until SIGINT or SIGTERM. Raises OSError when the address cannot be had.

    `announce` is told the base URL once requests are taken.
    """
    listener = _listen(host, port)
    if announce is not None:
        announce(_url_of(listener))
    arrived = Arrived(keep_media_total_bytes=options.keep_media_total_bytes, crm_polls=options.crm_polls)
    limits = Limits(calls_per_second=options.calls_per_second, calls_per_day=options.calls_per_day)
    _Server(options, arrived, limits, FaultBook(options.faults)).run_until_stopped(listener)


class _Server:
    """The application in an event loop of its own."""

    def __init__(self, options: SandboxOptions, arrived: Arrived, limits: Limits, faults: FaultBook) -> None:
        self._hasher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-hash")
        stopping = asyncio.Event()
        app = build_app(options, arrived=arrived, limits=limits, faults=faults, stopping=stopping, hasher=self._hasher)
        config = uvicorn.Config(
            app,
            http=CuttableProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=60,
        )
        self._uvicorn = _QuickServer(config, stopping)

    def run_until_stopped(self, listener: socket.socket) -> None:
        """Serve `listener` in this thread."""
        try:
            asyncio.run(self._uvicorn.serve(sockets=[listener]))
        finally:
            self._hasher.shutdown(wait=False, cancel_futures=True)

    def stop_soon(self) -> None:
        """From any thread: end `run_until_stopped` without waiting for clients."""
        self._uvicorn.stop_soon()


class _QuickServer(uvicorn.Server):
    """uvicorn that stops in milliseconds: tests start and stop a sandbox each, and nobody's request is precious."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._running_loop: asyncio.AbstractEventLoop | None = None

    def stop_soon(self) -> None:
        """From any thread: leave `main_loop`."""
        self.should_exit = True
        if self._running_loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._running_loop.call_soon_threadsafe(self._stopping.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """SIGINT and SIGTERM end `serve` normally; uvicorn would raise them again."""
        self.should_exit = True

    async def main_loop(self) -> None:
        """Until stopped; the tick keeps the Date header right and sees signals."""
        self._running_loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what listens, cut every connection, and let the requests under way notice."""
        self._stopping.set()
        for closable in (*self.servers, *(sockets or ())):
            closable.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_GRACE_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP: only then does asyncio switch off Nagle, which would hold each answer back for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Listening before the event loop runs: a client may connect the moment start() returns.
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
