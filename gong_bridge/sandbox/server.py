"""Runs a sandbox: in a thread of this process (`Sandbox`), or for the command line (`serve`)."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import uvicorn

from gong_bridge.sandbox.app import build_app
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall, SeenRequest
from gong_bridge.sandbox.connection import CuttableProtocol
from gong_bridge.sandbox.faults import FaultBook
from gong_bridge.sandbox.limits import Limits
from gong_bridge.sandbox.options import Fault, SandboxOptions

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
        self._arrived = Arrived(keep_media_total_bytes=options.keep_media_total_bytes)
        self._limits = Limits(calls_per_second=options.calls_per_second, calls_per_day=options.calls_per_day)
        self._faults = FaultBook(options.faults)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.base_url = ""

    def start(self) -> str:
        """Listen and answer from now on. Raises OSError when the address cannot be had."""
        listener = _listen(self._host, self._port)
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


def serve(host: str, port: int, options: SandboxOptions = _DEFAULT_OPTIONS) -> None:
    """Run a sandbox in this thread until SIGINT or SIGTERM. Raises OSError when the address cannot be had."""
    listener = _listen(host, port)
    limits = Limits(calls_per_second=options.calls_per_second, calls_per_day=options.calls_per_day)
    arrived = Arrived(keep_media_total_bytes=options.keep_media_total_bytes)
    _Server(options, arrived, limits, FaultBook(options.faults)).run_until_stopped(listener)


class _Server:
    """uvicorn around the application."""

    def __init__(self, options: SandboxOptions, arrived: Arrived, limits: Limits, faults: FaultBook) -> None:
        self._hasher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-hash")
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        app = build_app(
            options, arrived=arrived, limits=limits, faults=faults, stopping=self._stopping, hasher=self._hasher
        )
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app,
                http=CuttableProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )

    def run_until_stopped(self, listener: socket.socket) -> None:
        """Serve `listener` in this thread."""
        try:
            asyncio.run(self._serve(listener))
        finally:
            self._hasher.shutdown(wait=False, cancel_futures=True)

    def stop_soon(self) -> None:
        """From any thread: end `run_until_stopped` without waiting for clients."""
        self._uvicorn.should_exit = True
        self._uvicorn.force_exit = True

    async def _serve(self, listener: socket.socket) -> None:
        try:
            await self._uvicorn.serve(sockets=[listener])
        finally:
            self._stopping.set()


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
