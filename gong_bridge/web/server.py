"""Serves the status page, health and metrics in a thread of the service; read-only."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from gong_bridge import clock
from gong_bridge.config.schema import WebOptions
from gong_bridge.errors import BridgeError, ConfigError
from gong_bridge.ledger.bridge_words import Home
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import Pause
from gong_bridge.model import State
from gong_bridge.receipt.night_watch import NightWatch
from gong_bridge.web import metrics, overview, pages
from gong_bridge.web.access import Access
from gong_bridge.web.traffic import Traffic

_BIGGEST_ID = 2**63 - 1


def build_app(
    ledger: Ledger,
    accounts: Sequence[overview.Watched],
    options: WebOptions,
    *,
    traffic: Traffic | None = None,
    sources: Sequence[str] | None = None,
    home: Home | None = None,
    nightly: NightWatch | None = None,
    now: Callable[[], datetime] = clock.now,
) -> Starlette:
    """The application: /, /entries, /entries/{id}, /receipts, /healthz, /metrics.

    `sources`: the configured names (the ledger may remember others); `traffic`: fed by the workers, else always zero.
    `accounts`: the Gong accounts, the one under `gong` first. `home`: what this bridge serves; None: not told.
    `nightly`: what receipts are made every night.
    """
    site = _Site(ledger, accounts, traffic or Traffic(), sources, home, nightly, now)
    return Starlette(
        routes=[
            Route("/", site.status, methods=["GET"]),
            Route("/entries", site.entries, methods=["GET"]),
            Route("/entries/{entry_id:int}", site.entry, methods=["GET"]),
            Route("/receipts", site.receipts, methods=["GET"]),
            Route("/healthz", site.health, methods=["GET"]),
            Route("/metrics", site.metrics, methods=["GET"]),
            Route("/style.css", _style, methods=["GET"]),
        ],
        middleware=[Middleware(Access, token=options.token)],
        exception_handlers={BridgeError: site.unreadable, HTTPException: site.refused},
    )


class _Site:
    """The handlers. Each reads the ledger once, in a thread of Starlette's pool."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Sequence[overview.Watched],
        traffic: Traffic,
        sources: Sequence[str] | None,
        home: Home | None,
        nightly: NightWatch | None,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._traffic = traffic
        self._sources = sources
        self._home = home
        self._nightly = nightly
        self._now = now

    def status(self, _request: Request) -> Response:
        now = self._now()
        health = self._look(now)
        changes = overview.latest_changes(self._ledger)
        return HTMLResponse(pages.status_page(health, overview.groups(self._ledger), changes, self._traffic, now=now))

    def entries(self, request: Request) -> Response:
        chosen = {
            name: request.query_params[name]
            for name in ("state", "source", "code", "person")
            if request.query_params.get(name)
        }
        state = chosen.get("state")
        if state is not None and state not in set(State):
            raise HTTPException(404, f"There is no state {state!r}.")
        wanted = EntryFilter(
            states=None if state is None else (State(state),),
            source=chosen.get("source"),
            code=chosen.get("code"),
            person=chosen.get("person"),
        )
        found = self._ledger.views.entries(wanted, limit=pages.LIST_LIMIT, newest_first=True)
        return HTMLResponse(pages.entries_page(found, chosen, now=self._now()))

    def entry(self, request: Request) -> Response:
        entry_id = request.path_params["entry_id"]
        entry = self._ledger.views.get(entry_id) if entry_id <= _BIGGEST_ID else None
        if entry is None:
            raise HTTPException(404, f"There is no entry {entry_id}.")
        return HTMLResponse(pages.entry_page(entry, self._ledger.views.events(entry.id), now=self._now()))

    def receipts(self, _request: Request) -> Response:
        kept = self._ledger.receipts.kept(most=pages.LIST_LIMIT)
        now = self._now()
        nights = () if self._nightly is None else self._nightly.look(self._ledger, now)
        return HTMLResponse(pages.receipts_page(kept, nights, now=now))

    def health(self, _request: Request) -> Response:
        """200 when recordings are found and delivered, else 503; the JSON says what is wrong.

        What a person paused is no fault: 200, and said.
        """
        now = self._now()
        # Without a look at the ledger: one that is locked keeps whoever reads it waiting for half a minute
        untold = next((pause for one in self._accounts if (pause := one.untold_pause(now)) is not None), None)
        if untold is not None:
            return _ledger_trouble(untold.code, _as_json(untold))
        try:
            health = self._look(now)
        except BridgeError as error:
            return _ledger_trouble(error.code, None)
        oldest = health.oldest
        pauses = {account.name: _as_json(account.pause) for account in health.accounts}
        told = {
            "ready": not health.paused,
            "ledger": "ok",
            "degraded_sources": health.degraded,
            "wrong_files": len(health.wrong_files),
            "failing": len(health.failing),
            "missing": len(health.missing),
            "missing_in_gong": sum(one.missing for one in health.lacking),
            "twice_in_gong": sum(one.doubled for one in health.lacking),
            "late_receipts": sum(one.is_late for one in health.nights),
            "paused": next((pause for pause in pauses.values() if pause), None),
            **({"accounts": {name: {"paused": pause} for name, pause in pauses.items()}} if len(pauses) > 1 else {}),
            "paused_by_hand": [
                {"source": one.source, "since": one.since.isoformat(), "reason": one.reason}
                for one in health.paused_by_hand
            ],
            "needs_a_person": health.total(*pages.NEEDS_A_PERSON),
            "oldest_waiting_seconds": 0 if oldest is None else round((now - oldest.found_at).total_seconds()),
        }
        return JSONResponse(told, 503 if health.paused or health.degraded else 200)

    def metrics(self, _request: Request) -> Response:
        now = self._now()
        text = metrics.exposition(self._look(now), overview.groups(self._ledger), self._traffic, now=now)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def unreadable(self, _request: Request, error: Exception) -> Response:
        """The ledger cannot be read now."""
        message = error.message if isinstance(error, BridgeError) else ""
        return HTMLResponse(pages.trouble_page("The ledger cannot be read", message, now=self._now()), 503)

    def refused(self, _request: Request, error: Exception) -> Response:
        """No such page, or not a request to read."""
        assert isinstance(error, HTTPException)
        page = pages.trouble_page(f"{error.status_code}: nothing to show here", error.detail, now=self._now())
        return HTMLResponse(page, error.status_code, error.headers)

    def _look(self, now: datetime) -> overview.Health:
        return overview.look(
            self._ledger, self._accounts, now=now, configured=self._sources, home=self._home, nightly=self._nightly
        )


def _ledger_trouble(code: str, paused: dict[str, str] | None) -> Response:
    return JSONResponse({"ready": False, "ledger": code, "degraded_sources": [], "paused": paused}, 503)


def _as_json(pause: Pause | None) -> dict[str, str] | None:
    return None if pause is None else {"code": pause.code, "since": pause.since.isoformat()}


def _style(_request: Request) -> Response:
    return Response((pages.FOLDER / "style.css").read_bytes(), media_type="text/css")


class WebServer:
    """An application on `listen` ("host:port"; port 0 takes a free one), served by a thread until `stop`."""

    def __init__(self, app: Starlette, listen: str) -> None:
        self._listen = listen
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=64,
                timeout_keep_alive=15,
            )
        )
        self._thread: threading.Thread | None = None
        self.url = ""

    def start(self) -> str:
        """Answer from now on; the URL of the first page. Raises ConfigError when the address cannot be had."""
        host, _, port = self._listen.rpartition(":")
        listener = _bound(host.strip("[]"), int(port), self._listen)
        self.url = f"http://{host}:{listener.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve, args=(listener,), name="web", daemon=True)
        self._thread.start()
        return self.url

    def stop(self) -> None:
        """Close every connection; may be called twice."""
        if self._thread is not None:
            self._uvicorn.should_exit = True
            self._uvicorn.force_exit = True  # a page left open in a browser must not hold up the end of the service
            self._thread.join(5)
            self._thread = None

    def __enter__(self) -> WebServer:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _serve(self, listener: socket.socket) -> None:
        with listener:
            asyncio.run(self._uvicorn.serve(sockets=[listener]))


def _bound(host: str, port: int, listen: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"web.listen: {listen} is no address of this machine ({error}); use 127.0.0.1:8321") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"web.listen: cannot listen on {listen} ({reason}); choose another port, or stop what listens there"
        ) from None
    return listener
