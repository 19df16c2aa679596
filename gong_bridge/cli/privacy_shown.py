"""What `privacy` shows: what there is of a person, what was done and what is left, as sentences, tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator
from typing import Any

from rich.text import Text

from gong_bridge.cli.common import err, out, print_rows
from gong_bridge.config.accounts import account_name
from gong_bridge.ledger.privacy_acts import PrivacyAct
from gong_bridge.ledger.suppressions import Suppressed
from gong_bridge.privacy.erasing import Found, Outcome
from gong_bridge.privacy.in_gong import InGong
from gong_bridge.privacy.recordings import RecordingFound
from gong_bridge.readable import printable

_LIES = {"here": "", "gone": "gone", "elsewhere": "elsewhere", "unreadable": "not readable now"}


def show(found: Found) -> None:
    """Everything of a person, for people."""
    for one in found.in_gong:
        _show_in_gong(one)
    if not found.recordings:
        out.print("Here: nothing.")
        return
    count = len(found.recordings)
    out.print(Text(f"Here: {count:,} {'entry' if count == 1 else 'entries'} of the ledger."))
    rows = [
        {
            "id": one.entry.entry_id,
            "source": one.entry.recording.source,
            "stands": "erased" if one.entry.is_erased else str(one.entry.state),
            "call_id": one.entry.call_id,
            "about": _where(one),
        }
        for one in found.recordings
    ]
    columns = {"id": "id", "source": "source", "stands": "state", "call_id": "call", "about": "recording"}
    print_rows(rows, columns, as_json=False, empty="")


def _where(one: RecordingFound) -> str:
    said = [*one.at, *([one.sidecar] if one.sidecar else []), *([one.why] if one.why else [])]
    said += [one.by_hand] if one.by_hand else []
    if _LIES[one.lies]:
        said.insert(0, _LIES[one.lies])
    return "; ".join(said)


def _show_in_gong(one: InGong) -> None:
    name = account_name(one.account)
    if one.trouble is not None:
        out.print(Text(f"Gong (account {name}) could not be asked: {one.trouble}", style="magenta"), soft_wrap=True)
        return
    counts = one.counts()
    said = ", ".join(f"{what} {count:,}" for what, count in counts.items()) or "nothing"
    out.print(Text(f"Gong (account {name}): {said}."), soft_wrap=True)
    for call_id in one.call_ids:
        out.print(Text(f"  call {call_id}  {one.urls.get(call_id) or ''}".rstrip()), soft_wrap=True)
    for address in one.other_addresses:
        out.print(Text(f"  the same person for Gong: {printable(address)}; erase that by --email, too"), soft_wrap=True)


def print_json(found: Found) -> None:
    """The same, one object a line."""
    for row in _json_rows(found):
        sys.stdout.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def _json_rows(found: Found) -> Iterator[dict[str, Any]]:
    for one in found.in_gong:
        where = {"where": "gong", "account": account_name(one.account)}
        if one.references is None:
            yield {**where, "trouble": one.trouble}
            continue
        for kind, references in one.references.model_dump(by_alias=True, exclude_none=True).items():
            for reference in references if isinstance(references, list | tuple) else ():
                told = reference if isinstance(reference, dict) else {"value": reference}
                url = {"url": one.urls.get(told.get("id", ""))} if kind == "calls" else {}
                yield {**where, "kind": kind, **told, **url}
    for recording in found.recordings:
        entry = recording.entry
        yield {
            "where": "ledger",
            "entry_id": entry.entry_id,
            "source": entry.recording.source,
            "host": entry.reach,
            "key": entry.recording.key,
            "state": entry.state,
            "erased": entry.is_erased,
            "call_id": entry.call_id,
            "account": account_name(entry.account),
            "recording": recording.lies,
            "places": list(recording.at),
            "sidecar": recording.sidecar,
            "remark": recording.by_hand or recording.why or None,
        }


def say_what_would_be_done(*, delete: bool) -> None:
    """For --dry-run."""
    out.print(Text(f"{_steps(delete=delete)} Nothing was done (--dry-run)."), soft_wrap=True)


def question(*, delete: bool) -> str:
    """What a person is asked before anything is done."""
    return f"{_steps(delete=delete)} This cannot be undone. Go on?"


def _steps(*, delete: bool) -> str:
    recordings = "their recordings and sidecars that this host can open are deleted" if delete else "recordings stay"
    return (
        "No recording with this person is sent from then on; Gong erases what it has of them within hours (calls, "
        f"e-mails, leads and contacts); the entries above are emptied; {recordings}."
    )


def show_outcome(outcome: Outcome) -> None:
    """What was done, what lies where, and what is left to do."""
    done = ", ".join(f"{_COUNTED.get(what, f'{what} in Gong')}: {count:,}" for what, count in outcome.counts.items())
    out.print(Text(f"Done: on the list; {done}."), soft_wrap=True)
    for listed in outcome.listed:
        out.print(Text(f"still there: {printable(listed)}"), soft_wrap=True)
    if outcome.versions_stay:
        err.print(
            Text(
                "warning: a bucket keeps versions, so what was deleted can still be had there; delete the versions "
                "(docs/privacy.md), or let a lifecycle rule do it",
                style="yellow",
            ),
            soft_wrap=True,
        )
    for sentences in outcome.left.values():
        for sentence in sentences:
            err.print(Text(f"not done: {printable(sentence)}", style="magenta"), soft_wrap=True)
    if outcome.left:
        err.print("The same command goes on with what is not done.")


_COUNTED = {
    "accounts": "Gong accounts told to erase",
    "entries": "entries emptied",
    "files": "files deleted",
    "names": "file names forgotten",
}


def person_row(one: Suppressed, known_keys: Collection[str]) -> dict[str, Any]:
    """A line of `privacy list`."""
    remark = None if one.key_id in known_keys else "this host does not have the key"
    return {
        "person": one.person,
        "kind": one.kind,
        "added_at": one.added_at.isoformat(),
        "key_id": one.key_id,
        "remark": remark,
    }


def act_row(act: PrivacyAct, *, as_json: bool) -> dict[str, Any]:
    """A line of `privacy audit`."""
    counts = ", ".join(f"{what} {count:,}" for what, count in act.counts.items())
    return {
        "id": act.id,
        "begun_at": act.begun_at.isoformat(),
        "ended_at": None if act.ended_at is None else act.ended_at.isoformat(),
        "act": act.act,
        "person": act.person,
        "kind": act.kind,
        "actor": act.actor,
        "host": act.host,
        "counts": dict(act.counts) if as_json else counts,
        "outcome": act.outcome,
    }
