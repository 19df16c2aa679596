"""`gong-bridge sandbox` and `gong-bridge demo`: try everything without an account."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock, logs
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, out
from gong_bridge.cli.display import entry_line
from gong_bridge.cli.styles import STYLES
from gong_bridge.config.load import load_config
from gong_bridge.demo.workspace import Sample, Workspace, make_workspace, samples
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.mapping.library import find_mapping
from gong_bridge.model import OPEN_STATES, Entry
from gong_bridge.observer import Observer
from gong_bridge.readable import printable
from gong_bridge.running import run as run_bridge
from gong_bridge.sandbox.options import Fault, SandboxOptions, load_users
from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.server import Sandbox, serve
from gong_bridge.service import Bridge

DEMO_PORT = 8400
DEMO_PATIENCE_SECONDS = 90.0


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("sandbox", epilog="Example: gong-bridge sandbox --calls-per-second 3 --repeated-id same_id")(sandbox)
    app.command("demo", epilog="Example: gong-bridge demo --folder /tmp/try-gong-bridge --stay")(demo)


def sandbox(
    listen: Annotated[str, typer.Option(help="host:port of the API and the web page.")] = f"127.0.0.1:{DEMO_PORT}",
    calls_per_second: Annotated[int | None, typer.Option(help="Answer 429 above this rate.")] = None,
    calls_per_day: Annotated[int | None, typer.Option(help="Answer 429 above this many calls.")] = None,
    repeated_id: Annotated[
        Literal["conflict", "bad_request", "same_id"],
        typer.Option(help="What a repeated clientUniqueId gets; Gong does not document it."),
    ] = "conflict",
    users: Annotated[Path | None, typer.Option(help="JSON file with users as GET /v2/users gives them.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help='Trouble on demand, such as \'{"operation": "addCall", "kind": "drop_after", "times": 2}\'.'),
    ] = None,
) -> None:
    """Run a stand-in for Gong on this machine, with a page that shows what arrived.

    Its keys are sandbox / sandbox-secret, for OAuth sandbox-client / sandbox-client-secret; its users
    agent-201@example.com to agent-207@example.com.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--listen {listen}: write it like 127.0.0.1:{DEMO_PORT}")
    try:
        options = SandboxOptions(
            calls_per_second=calls_per_second,
            calls_per_day=calls_per_day,
            repeated_id=repeated_id,
            faults=tuple(Fault.from_json(json.loads(text)) for text in fault or ()),
            users=load_users(users) if users else DEFAULT_USERS,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    try:
        serve(host.strip("[]"), int(port), options, announce=_announce)
    except OSError as error:
        raise ConfigError(f"--listen {listen}: {error.strerror}; choose another port") from error


def _announce(url: str) -> None:
    out.print(Text(f"The sandbox answers at {url} (keys: sandbox / sandbox-secret); Ctrl-C ends it."))


def demo(
    folder: Annotated[
        Path, typer.Option(help="A fresh folder for the demo; what an earlier demo left is renamed.")
    ] = Path("demo"),
    stay: Annotated[bool, typer.Option("--stay", help="Keep the bridge and the sandbox running until Ctrl-C.")] = False,
) -> None:
    """Show the main job: recordings dropped in a folder become calls in (a stand-in for) Gong.

    Needs no account, no network and no key. Leaves a folder with a configuration that you can edit.
    """
    logs.configure("error", "console")
    running = _start_sandbox()
    try:
        workspace = make_workspace(folder, running.base_url)
        raise typer.Exit(_show(workspace, running, stay))
    finally:
        running.stop()


def _start_sandbox() -> Sandbox:
    """On the usual port, so that the configuration left behind works with `gong-bridge sandbox`; else on any."""
    try:
        running = Sandbox(port=DEMO_PORT)
        running.start()
    except OSError:
        running = Sandbox()
        running.start()
    return running


class _Narrator(Observer):
    """Prints every entry that came to an end or waits, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: set[tuple[int, str | None]] = set()

    def stepped(self, before: Entry, after: Entry) -> None:
        """Print it, unless it waits for the reason it waited for before."""
        waits = after.state in OPEN_STATES
        if waits and after.state is not before.state:
            return
        with self._lock:
            if waits and (after.id, after.reason_code) in self._told:
                return
            self._told.add((after.id, after.reason_code))
            out.print(entry_line(after))


def _show(workspace: Workspace, running: Sandbox, stay: bool) -> int:
    out.print(Text.assemble(("gong-bridge demo", "bold"), f" in {workspace.root}"), soft_wrap=True)
    out.print(
        Text(f"A stand-in for Gong answers at {running.base_url}; the bridge watches {workspace.root}/recorder."),
        soft_wrap=True,
    )
    out.print()
    bridge = Bridge(load_config(workspace.configuration, find_mapping).config, observer=_Narrator())
    stop = threading.Event()
    thread = threading.Thread(target=run_bridge, args=(bridge, stop), name="bridge", daemon=True)
    dropped = list(samples())
    try:
        thread.start()
        for sample in dropped:
            workspace.drop(sample)
            clock.wait(stop, 0.3)
        done = _wait_for(bridge, dropped, stop)
        _explain_outcome(bridge, workspace, running, dropped)
        if stay:
            out.print(Text("Drop recordings of your own; Ctrl-C ends the demo.", style="bold"))
            while not clock.wait(stop, 3600):
                pass
    except KeyboardInterrupt:
        done = True
    finally:
        stop.set()
        thread.join(30)
        bridge.close()
    return EXIT_FINE if done else EXIT_PERSON_NEEDED


def _wait_for(bridge: Bridge, dropped: list[Sample], stop: threading.Event) -> bool:
    deadline = clock.monotonic_seconds() + DEMO_PATIENCE_SECONDS
    while clock.monotonic_seconds() < deadline:
        entries = list(bridge.ledger.views.entries(EntryFilter()))
        if len(entries) >= len(dropped) and all(entry.state not in OPEN_STATES for entry in entries):
            return True
        clock.wait(stop, 0.2)
    return False


def _explain_outcome(bridge: Bridge, workspace: Workspace, running: Sandbox, dropped: list[Sample]) -> None:
    about = {(sample.source, sample.key): sample.about for sample in dropped}
    out.print()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("entry", "state", "the recording", "why"):
        table.add_column(heading, overflow="fold")
    for entry in bridge.ledger.views.entries(EntryFilter()):
        why = f"call {entry.call_id}" if entry.call_id else printable(entry.reason or "")
        words = about.get((entry.source, entry.key), printable(entry.key))
        table.add_row(str(entry.id), Text(entry.state, style=STYLES[entry.state]), words, Text(why, style="dim"))
    out.print(table)
    out.print()
    arrived = f"{len(running.calls)} calls arrived, each with its media"
    out.print(Text(f"{arrived}, at most {running.busiest_second} requests in a second. Where to look next:"))
    command, config = _command(), workspace.configuration
    example = workspace.recorder_folder(dropped[0].source) / dropped[0].key
    for words, what in (
        (f"{command} ledger list -c {config}", "what became of each recording"),
        (f"{command} ledger show 1 -c {config}", "one recording, step by step"),
        (f"{command} explain -c {config} {shlex.quote(str(example))}", "where each field comes from"),
        (f"{command} demo --stay --folder {workspace.root}", "again, with a page of what arrived to look at"),
    ):
        out.print(Text.assemble("  ", (what, "dim"), "\n    ", (words, "bold")), soft_wrap=True)


def _command() -> str:
    """How this program was called: a newcomer's virtual environment is not on the PATH."""
    if shutil.which("gong-bridge"):
        return "gong-bridge"
    here = Path(sys.argv[0]).absolute()
    if here.name == "__main__.py":
        return f"{sys.executable} -m gong_bridge"
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)
