"""`gong-bridge run`: the service itself, or one pass over everything."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from contextlib import nullcontext
from types import FrameType
from typing import Annotated, Any

import typer
from rich.text import Text

from gong_bridge import clock, logs, notify
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, ConfigOption, err, needs_a_person, out
from gong_bridge.cli.configuration import read_config
from gong_bridge.cli.display import BarDisplay, display_for
from gong_bridge.config.schema import BucketSource, Config
from gong_bridge.errors import ConfigError, LedgerReadOnly
from gong_bridge.model import State
from gong_bridge.receipt.night_watch import NightWatch
from gong_bridge.running import run as run_bridge
from gong_bridge.running import run_once
from gong_bridge.service import Bridge
from gong_bridge.web.overview import Watched
from gong_bridge.web.traffic import Traffic

LEDGER_AGAIN_SECONDS = 2.0
"""How often a service that starts asks for a ledger that cannot be used yet."""

log = logs.get_logger(__name__)

NEEDS_A_PERSON = (State.HELD, State.REJECTED)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("run", epilog="Example: gong-bridge run --once -c /etc/gong-bridge/bridge.yaml")(run)


def run(
    config: ConfigOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Scan every source, deliver until nothing is open, then stop.")
    ] = False,
) -> None:
    """Watch all sources and deliver every recording to Gong.

    Without --once it runs until SIGTERM (systemd) or Ctrl-C: the current steps are finished first; a second
    signal stops at once. With --once it exits 0, or 1 when something is held or rejected.
    """
    options = read_config(config)
    raise typer.Exit(_run_once(options) if once else _run_service(options))


def _run_service(options: Config) -> int:
    logs.configure(options.log.level, options.log.format)
    logs.take_over_last_words()
    # A core file would hold keys and recordings; systemd's unit says the same for the service that it starts.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    traffic = Traffic()
    bridge = _bridge_when_possible(options, traffic)
    stop = _stop_on_signals(bridge)
    try:
        with _web(bridge, traffic):
            run_bridge(bridge, stop)
    finally:
        bridge.close()
    return EXIT_FINE


def _bridge_when_possible(options: Config, traffic: Traffic) -> Bridge:
    """A database server may start later than this machine, or be away for a while: wait for it, and say so once."""
    said = ""
    while True:
        try:
            return _writable(Bridge(options, observer=traffic))
        except LedgerReadOnly as error:
            if error.message != said:
                said = error.message
                log.error("the ledger cannot be used yet; it is tried again", reason=said)
                notify.status(f"waiting for the ledger: {said}")
        clock.wait(threading.Event(), LEDGER_AGAIN_SECONDS)


def _writable(bridge: Bridge) -> Bridge:
    """Raises LedgerReadOnly for one that could write nothing down."""
    trouble = bridge.ledger.upkeep.trouble(clock.now())
    if trouble is not None:
        bridge.close()
        raise trouble
    return _able_to_tell_who_was_erased(bridge)


def _able_to_tell_who_was_erased(bridge: Bridge) -> Bridge:
    """Raises ConfigError for one without the key of somebody who was erased."""
    try:
        bridge.suppression.check_keys()
    except ConfigError:
        bridge.close()
        raise
    return bridge


def _web(bridge: Bridge, traffic: Traffic) -> Any:
    options = bridge.config.web
    if options is None:
        return nullcontext()
    from gong_bridge.web.server import WebServer, build_app  # loaded only when wanted: memory

    sources = [source.name for source in bridge.config.sources]
    app = build_app(
        bridge.ledger, _watched(bridge), options, traffic=traffic, sources=sources, home=bridge.home,
        nightly=NightWatch.of(bridge.config),
    )  # fmt: skip
    return WebServer(app, options.listen)


def _watched(bridge: Bridge) -> list[Watched]:
    """The accounts, with the sources that use each where there are several."""
    found = []
    for account in bridge.accounts:
        sources = [source for source in bridge.config.sources if source.account == account.name]
        found.append(
            Watched(
                name=account.name,
                allowance=account.allowance,
                sources=tuple(source.name for source in sources) if len(bridge.accounts) > 1 else None,
                by_link=any(isinstance(source, BucketSource) for source in sources),
                gate=account.gate,
            )
        )
    return found


def _run_once(options: Config) -> int:
    logs.configure("warning", options.log.format)
    display = display_for(out)
    bridge = _able_to_tell_who_was_erased(Bridge(options, observer=display))
    stop = _stop_on_signals(bridge)
    try:
        with display if isinstance(display, BarDisplay) else nullcontext():
            trouble = run_once(bridge, stop)
        return _summary(bridge, trouble)
    finally:
        bridge.close()


def _summary(bridge: Bridge, trouble: str | None) -> int:
    """Print where everything stands; the exit code."""
    totals: dict[str, int] = {}
    for by_state in bridge.ledger.views.counts().values():
        for state, count in by_state.items():
            totals[str(state)] = totals.get(str(state), 0) + count
    parts = [f"{totals[state]} {state}" for state in State if totals.get(state)]
    out.print(Text(", ".join(parts) or "no recordings were found"))
    needing = sum(totals.get(state, 0) for state in NEEDS_A_PERSON)
    if needing:
        out.print(Text(f"{needs_a_person(needing)}: gong-bridge ledger list --state held --state rejected"))
    if trouble:
        err.print(Text(f"not finished: {trouble}", style="red"), soft_wrap=True)
    return EXIT_PERSON_NEEDED if needing or trouble else EXIT_FINE


def _stop_on_signals(bridge: Bridge) -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets; the second one ends the process at once."""
    stop = threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            bridge.abort()
            sys.stderr.write("stopped at once; what was under way is looked up at the next start\n")
            os._exit(128 + number)
        stop.set()
        log.info("stopping", grace_seconds=bridge.config.work.grace)
        if sys.stderr.isatty():
            sys.stderr.write("stopping: the current steps are finished first; Ctrl-C again stops at once\n")

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop
