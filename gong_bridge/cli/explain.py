"""`gong-bridge explain`: what would be sent for one recording, where each field comes from, and why it waits."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, ConfigOption, out
from gong_bridge.cli.configuration import read_config
from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.errors import BridgeError, ConfigError, RetryLater, SourceGone
from gong_bridge.ledger.erasing import ERASED
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import ledger_exists
from gong_bridge.linking import choose_way
from gong_bridge.model import OPEN_STATES, Entry, Recording
from gong_bridge.readable import printable
from gong_bridge.routes.reach import reach_of
from gong_bridge.scratch import scratch_bridge
from gong_bridge.service import Bridge
from gong_bridge.sources.names import NameRules, key_from_bytes


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "explain",
        epilog="Examples: gong-bridge explain /var/spool/asterisk/monitor/2026/09/01/in-1.wav; "
        "gong-bridge explain s3://recordings/connect/a.wav",
    )(explain)


def explain(
    recording: Annotated[str, typer.Argument(help="A file, or s3://bucket/key, of a configured source.")],
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what the bridge makes of one recording. Touches nothing: no ledger entry, no call.

    Gong's users are fetched when the ledger does not know them yet. Exits 1 when the recording would be held.
    """
    options = read_config(config, mappings_of=lambda options: {find_source(options, recording)[0].name})
    source, key = find_source(options, recording)
    with scratch_bridge(options.model_copy(update={"sources": (source,)})) as bridge:
        facts = gather(bridge, options, source, key)
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")
    else:
        _show(facts)
    raise typer.Exit(EXIT_PERSON_NEEDED if facts["verdict"] == "held" else EXIT_FINE)


def find_source(options: Config, target: str) -> tuple[FolderSource | BucketSource, str]:
    """The configured source that a path or URL belongs to, and its key there. Raises ConfigError."""
    places = _places_in_buckets(options, target) if target.startswith("s3://") else _places_in_folders(options, target)
    # Several sources may read one place: the one that takes this name, then the nearest.
    return max(places, key=lambda place: NameRules(place[0].include, place[0].exclude).takes(place[1]))


def _places_in_buckets(options: Config, url: str) -> list[tuple[FolderSource | BucketSource, str]]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    sources = [
        source
        for source in options.sources
        if isinstance(source, BucketSource) and source.bucket == bucket and key.startswith(source.prefix)
    ]
    if not sources:
        raise ConfigError(f"no source of the configuration reads s3://{bucket} with that prefix")
    return [(source, key) for source in sorted(sources, key=lambda source: -len(source.prefix))]


def _places_in_folders(options: Config, target: str) -> list[tuple[FolderSource | BucketSource, str]]:
    path = Path(target)
    if path.is_dir():
        raise ConfigError(f"{target} is a folder; name one recording in it")
    real = path.parent.resolve() / path.name
    folders = [source for source in options.sources if isinstance(source, FolderSource)]
    places = [
        (source, real.relative_to(source.folder.resolve()))
        for source in folders
        if real.is_relative_to(source.folder.resolve())
    ]
    if not places:
        watched = ", ".join(str(source.folder) for source in folders)
        raise ConfigError(f"{target} lies in no source's folder; the configuration watches: {watched or 'no folder'}")
    places.sort(key=lambda place: len(place[1].parts))
    return [(source, key_from_bytes(bytes(relative))) for source, relative in places]


def gather(bridge: Bridge, options: Config, source: FolderSource | BucketSource, key: str) -> dict[str, Any]:
    """All that `explain` shows, JSON-able. Raises ConfigError when there is no such recording."""
    route = bridge.routes[source.name]
    try:
        recording = route.source.stat(key)
    except SourceGone as gone:
        raise ConfigError(gone.message) from gone
    facts: dict[str, Any] = {
        "source": source.name,
        "key": key,
        "size_bytes": recording.size_bytes,
        "modified_at": recording.modified_at,
        "mapping": route.mapping.name,
        "account": account_name(source.account) if options.accounts else None,
        "ledger": _ledger_facts(options, source, key),
        "left_for_backfill": False,
        "media": None,
        "verdict": "",
        "delivery": None,
        "reason": None,
        "warnings": [],
        "origins": {},
        "request": None,
        "share_with": [],
    }
    new_since = route.new_since
    if facts["ledger"] is None and new_since is not None and recording.modified_at < new_since:
        facts["left_for_backfill"] = True
        day = recording.modified_at.astimezone(options.zone_of(source)).date()
        command = f"gong-bridge backfill --source {source.name} --since {day}"
        facts["warnings"].append(f"left for backfill: last changed before `since: {source.since}`; {command}")
    if not NameRules(source.include, source.exclude).takes(key):
        left_out_by = "exclude" if NameRules(source.include).takes(key) else "include, or the names ignored by default,"
        facts.update(verdict="not taken", reason=f"the source's {left_out_by} leave it out")
        return facts
    if route.mapping.is_sidecar(key):
        facts.update(verdict="not taken", reason=f"mapping {route.mapping.name} reads it as a sidecar")
        return facts
    try:
        _look(bridge, recording, facts)
    except BridgeError as error:
        verdict = "waiting" if isinstance(error, RetryLater) else "held"
        facts.update(verdict=facts["verdict"] or verdict, reason=error.message)
        facts["code"] = error.code
        facts["known"] = {name: value for name, value in getattr(error, "facts", {}).items() if name != "media"}
    return facts


def _look(bridge: Bridge, recording: Recording, facts: dict[str, Any]) -> None:
    now = clock.now()
    entry = Entry.as_if_found(recording, now)
    info = bridge.looking.measure(entry)
    facts["media"] = dataclasses.asdict(info)
    together = bridge.looking.by_itself(entry, info, now=now)
    looked = bridge.looking.look_at_measured(entry, info, now=now, together=together)
    facts["warnings"] += looked.warnings
    if together is not None:
        facts["group"] = {"call": together.facts.call, "part": together.facts.part}
    conversion = looked.verdict.conversion
    if conversion is not None:
        facts["media"]["conversion"] = f"to {conversion.container} before sending"
    if looked.composition is None or looked.composition.draft is None:
        skipped = looked.composition.skip_reason if looked.composition else looked.verdict.skip_reason
        facts.update(verdict="skipped", reason=skipped)
        return
    draft = looked.composition.draft.to_json()
    because = bridge.suppression.why_not(entry, draft, looked.composition.sidecar_key)
    if because is not None:
        facts.update(verdict="skipped", reason=because, code=ERASED)
        return
    facts["share_with"] = [share.to_json() for share in looked.composition.share_with]
    facts.update(verdict="sent", origins=looked.composition.origins, request=draft)
    route = bridge.routes[recording.source]
    way = choose_way(entry, route.source, looked.media_record(), route.delivery)
    facts["delivery"] = {"way": way.word, "why": way.why}


def _ledger_facts(options: Config, source: FolderSource | BucketSource, key: str) -> dict[str, Any] | None:
    if not ledger_exists(options.ledger.url):
        return None
    ledger = Ledger.open(options.ledger.url, options.ledger.password)
    try:
        entry = ledger.views.find_latest(source.name, key, reach_of(source, options.ledger.url))
    finally:
        ledger.close()
    if entry is None:
        return None
    return {"id": entry.id, "state": str(entry.state), "call_id": entry.call_id, "attempts": entry.attempts,
            "due_at": entry.due_at, "reason": entry.reason}  # fmt: skip


VERDICTS = {
    "sent": ("would be sent", "green"),
    "skipped": ("would be skipped", "yellow"),
    "waiting": ("would wait", "cyan"),
    "held": ("would be held", "magenta"),
    "not taken": ("is not taken", "yellow"),
}


def _show(facts: dict[str, Any]) -> None:
    words, colour = VERDICTS[facts["verdict"]]
    changed = f"{facts['modified_at']:%Y-%m-%d %H:%M:%S} UTC"
    lines = [
        ("source", facts["source"], ""),
        ("recording", f"{facts['key']}  ({facts['size_bytes']:,} bytes, changed {changed})", ""),
        ("mapping", facts["mapping"], ""),
        ("account", facts["account"] or "", ""),
        ("ledger", _ledger_words(facts["ledger"]), ""),
        ("media", _media_words(facts["media"]) if facts["media"] else "", ""),
        ("verdict", words, colour),
        ("delivery", _delivery_words(facts["delivery"]), ""),
        ("shared", _shared_words(facts["share_with"]), ""),
        ("because", facts["reason"] or "", ""),
        *(("note", warning, "yellow") for warning in facts["warnings"]),
    ]
    for name, value, style in lines:
        if value:
            out.print(Text.assemble((f"{name:>9}  ", "bold"), (printable(value), style)), soft_wrap=True)
    if facts.get("known"):
        _show_table(("what is known", "value"), [(name, _plain(value)) for name, value in facts["known"].items()])
    if facts["request"] is not None:
        fields = [(field, _at(facts["request"], field), origin) for field, origin in facts["origins"].items()]
        _show_table(("Gong field", "value", "comes from"), fields)
        out.print(Text("\nPOST /v2/calls", style="bold"))
        out.print(Text(json.dumps(facts["request"], ensure_ascii=False, indent=2)), soft_wrap=True)


def _show_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    out.print()
    out.print(table)


def _delivery_words(delivery: dict[str, str] | None) -> str:
    return f"by {delivery['way']}: {delivery['why']}" if delivery else ""


def _shared_words(shares: list[dict[str, str | None]]) -> str:
    """With whom, once Gong has the media; who is nobody yet stands among the notes."""
    known = [share["email"] or share["user_id"] or "" for share in shares if share["problem"] is None]
    return f"with {', '.join(known)}, once Gong has the media" if known else ""


def _ledger_words(known: dict[str, Any] | None) -> str:
    if known is None:
        return "not there yet"
    words = f"entry {known['id']} is {known['state']}"
    if known["state"] in OPEN_STATES:
        words += f", next try {known['due_at']:%Y-%m-%d %H:%M:%S} UTC"
    return words + (f": {known['reason']}" if known["reason"] else "")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _media_words(media: dict[str, Any]) -> str:
    duration = f"{media['duration_seconds']:.1f} s" if media["duration_seconds"] is not None else "length unknown"
    channels = {1: "mono", 2: "stereo"}.get(media["channels"], f"{media['channels']} channels")
    words = f"{media['container']} ({media['codec']}), {channels}, {media['sample_rate_hz']} Hz, {duration}"
    if media["peak_dbfs"]:
        words += ", loudest " + " / ".join(f"{level:.0f}" for level in media["peak_dbfs"]) + " dBFS"
    return words + (f", converted {media['conversion']}" if media.get("conversion") else "")


def _at(body: Any, path: str) -> str:
    """The value at a field path such as `parties[0].phoneNumber`, as text."""
    value = body
    for part in path.replace("]", "").replace("[", ".").split("."):
        if isinstance(value, list):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(part)
    return _plain(value)
