"""The pages as HTML: what is shown and in which words; every value from outside is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from gong_bridge import __version__
from gong_bridge.ledger.pass_words import under_way_in_words
from gong_bridge.ledger.pause_words import cure, in_words
from gong_bridge.ledger.receipts import MISSING, KeptReceipt
from gong_bridge.model import OPEN_STATES, Entry, EntryEvent, State
from gong_bridge.readable import printable, size
from gong_bridge.receipt.night_watch import NightSeen
from gong_bridge.web.cures import RECEIPTS, cure_for, wait_in_words
from gong_bridge.web.lacks import Lack, lacks_of
from gong_bridge.web.overview import Change, Group, Health
from gong_bridge.web.traffic import Traffic

FOLDER = Path(__file__).parent / "page"
NEEDS_A_PERSON = (State.HELD, State.REJECTED)
LIST_LIMIT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The one thing to know first. `mood`: "fine" | "person" | "trouble"."""

    mood: str
    headline: str
    detail: str = ""
    to_do: str = ""


def verdict(health: Health, *, now: datetime) -> Verdict:
    """What somebody woken at night reads first."""
    if health.paused:
        return _paused_verdict(health, now=now)
    if health.degraded:
        messages = [f"{one.source}: {printable(one.message)}" for one in health.sources if not one.healthy]
        return Verdict(
            mood="trouble",
            headline=f"New recordings are not found in {', '.join(health.degraded)}",
            detail="; ".join(messages),
            to_do="Nothing is lost: what lies there is found when the source can be read again.",
        )
    if health.missing or health.failing:
        return Verdict(
            mood="trouble",
            headline="Another bridge is gone, or recordings wait for one"
            if health.missing
            else "A part of the bridge fails again and again",
            detail=" ".join(f"{printable(line)}." for line in (*health.missing, *health.failing)),
            to_do="Nothing is lost: it goes on when its cause is cured.",
        )
    if health.paused_by_hand:
        return Verdict(
            mood="person",
            headline="Paused by hand: "
            + ("some recordings wait", "nothing is being delivered")[_is_all_paused(health)],
            detail="; ".join(printable(in_words(one, now)) for one in health.paused_by_hand),
            to_do=f"{cure(health.paused_by_hand[0])} lets it go on. Until then recordings are found and kept.",
        )
    if health.wrong_files:
        return Verdict(
            mood="person",
            headline="A file that was changed is not used as it is now",
            detail=" ".join(printable(trouble) for trouble in health.wrong_files),
            to_do="Correct it: that is noticed. Until then everything goes on with what the file said before.",
        )
    stopped, waiting = health.total(*NEEDS_A_PERSON), health.total(*OPEN_STATES)
    if stopped:
        word = "recording needs" if stopped == 1 else "recordings need"
        detail = "Everything else is on its way." if waiting else "Everything else is done."
        return Verdict(mood="person", headline=f"{stopped:,} {word} a person", detail=detail)
    if health.lacking:
        return _lacking_verdict(lacks_of(health.lacking))
    if late := [one for one in health.nights if one.is_late]:
        return Verdict(mood="person", headline="The nightly receipt is not there", detail=printable(late[0].words))
    if waiting:
        return Verdict(mood="fine", headline=f"All well: {waiting:,} on the way")
    return Verdict(mood="fine", headline="All well: every recording is done")


def _lacking_verdict(lacks: Sequence[Lack]) -> Verdict:
    code = lacks[0].code
    count = sum(one.count for one in lacks if one.code == code)
    if code == MISSING:
        headline = f"{count:,} {'recording is' if count == 1 else 'recordings are'} missing in Gong"
    else:
        headline = f"Gong has {count:,} {'call' if count == 1 else 'calls'} too many"
    cure = RECEIPTS[code]
    return Verdict(mood="person", headline=headline, detail=cure.means, to_do=f"{cure.to_do} See Receipts below.")


def _paused_verdict(health: Health, *, now: datetime) -> Verdict:
    several = len(health.accounts) > 1
    pauses = [(account.name, account.pause) for account in health.paused if account.pause is not None]
    since = duration((now - min(pause.since for _, pause in pauses)).total_seconds())
    headline = f"Paused for {since}: nothing is being delivered"
    if len(pauses) < len(health.accounts):
        headline = (
            f"Paused for {since}: nothing is delivered to the Gong account {', '.join(name for name, _ in pauses)}"
        )
    details = [f"{name}: {pause.reason}" if several else pause.reason for name, pause in pauses]
    return Verdict(
        mood="trouble",
        headline=headline,
        detail=" ".join(map(printable, details)),
        to_do=cure_for(pauses[0][1].code).to_do + " Recordings are kept, and no attempts are used up.",
    )


def _is_all_paused(health: Health) -> bool:
    return any(one.source is None for one in health.paused_by_hand)


def status_page(
    health: Health, needing: Iterable[Group], changes: Iterable[Change], traffic: Traffic, *, now: datetime
) -> str:
    """The first page."""
    return _render(
        "status.html",
        now=now,
        verdict=verdict(health, now=now),
        health=health,
        source_health={one.source: one for one in health.sources},
        groups=list(needing),
        changes=list(changes),
        waiting=health.total(*OPEN_STATES),
        waits=[wait_in_words(code, count) for code, count in health.waits.items()],
        lacks=[(one, RECEIPTS[one.code]) for one in lacks_of(health.lacking)],
        by_hand={one.source: in_words(one, now) for one in health.paused_by_hand},
        traffic=traffic,
        states=list(State),
    )


def entry_page(entry: Entry, events: Iterable[EntryEvent], *, now: datetime) -> str:
    """One recording: where it stands, why, what to do, and each step it took."""
    needs_person = entry.state in NEEDS_A_PERSON
    cure = cure_for(entry.reason_code or "", given_up=entry.state is State.REJECTED) if needs_person else None
    return _render(
        "entry.html",
        now=now,
        entry=entry,
        events=list(events),
        cure=cure,
        draft=_readable_json(entry.draft),
        media=_readable_json(entry.media),
    )


def entries_page(entries: Iterable[Entry], chosen: Mapping[str, str], *, now: datetime) -> str:
    """The newest entries that match what was asked for; `chosen` says what that was."""
    words = ["gong-bridge ledger list", *(f"--{name} {value}" for name, value in chosen.items() if name != "person")]
    return _render(
        "entries.html",
        now=now,
        entries=list(entries),
        chosen={name: printable(value) for name, value in chosen.items()},
        command=printable(" ".join(words)),
        limit=LIST_LIMIT,
    )


_RECEIPT_COLUMNS = {
    "recorded": "recorded", "in_gong": "in Gong", "waiting": "waiting", "skipped": "skipped", "held": "held",
    "missing": "missing", "doubled": "twice", "unknown": "others",
}  # fmt: skip
_RECEIPT_CALLS = {
    "missing": ("Missing in Gong", RECEIPTS["missing-in-gong"].means),
    "doubled": ("More in Gong than there should be", RECEIPTS["twice-in-gong"].means),
    "unknown": ("Of others", "Calls with a clientUniqueId that no recording in this ledger has. No trouble of ours."),
}
"""What is listed call by call: heading and meaning."""


def receipts_page(receipts: Sequence[KeptReceipt], nights: Sequence[NightSeen], *, now: datetime) -> str:
    """What became of each day's recordings, the newest day first."""
    calls = [
        (heading, words, [(one, call) for one in receipts for call in one.calls(kind)][:LIST_LIMIT])
        for kind, (heading, words) in _RECEIPT_CALLS.items()
    ]
    return _render(
        "receipts.html",
        now=now,
        receipts=receipts,
        nights=nights,
        several=len({one.account for one in receipts}) > 1,
        columns=_RECEIPT_COLUMNS,
        calls=calls,
    )


def trouble_page(headline: str, detail: str, *, now: datetime) -> str:
    """Nothing can be shown, and why."""
    return _render("trouble.html", now=now, verdict=Verdict(mood="trouble", headline=headline, detail=detail))


def duration(seconds: float) -> str:
    """A span of time in at most two units: "47 s", "3 min", "5 h 12 min", "2 d 3 h"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def _moment(at: datetime) -> str:
    """This machine's local time, as the operator's watch shows it."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _readable_json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _shown(text: object) -> str:
    return "\n".join(printable(line) for line in str(text).split("\n"))


def _render(template: str, **facts: Any) -> str:
    return _environment.get_template(template).render(version=__version__, **facts)


_environment = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    duration=duration,
    size=size,
    moment=_moment,
    printable=lambda text: printable(str(text)),
    shown=_shown,
    under_way=under_way_in_words,
)
