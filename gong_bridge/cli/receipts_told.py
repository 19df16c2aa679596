"""The part of `status` about receipts: what is missing in Gong or there twice, and whether last night's was made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.text import Text

from gong_bridge.cli.common import out
from gong_bridge.config.schema import Config
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.receipts import DOUBLED, MISSING
from gong_bridge.readable import printable
from gong_bridge.receipt.night_watch import NightWatch
from gong_bridge.web.lacks import lacks_of

_KEYS = {MISSING: "missing_in_gong", DOUBLED: "twice_in_gong"}


def gather(ledger: Ledger, options: Config, now: datetime) -> dict[str, Any]:
    """`missing_in_gong`, `twice_in_gong` and `nightly_receipts` of `status --json`."""
    lacks = lacks_of(ledger.receipts.lacking(now))
    watch = NightWatch.of(options)
    return {
        **{
            key: [
                {"day": one.receipt.day.isoformat(), "source": one.receipt.source, "account": one.receipt.account,
                 "count": one.count, "summary": one.words, "command": one.command}
                for one in lacks
                if one.code == code
            ]
            for code, key in _KEYS.items()
        },
        "nightly_receipts": [
            {"account": one.account, "made_at": one.finished_at, "late": one.is_late, "summary": one.words}
            for one in (watch.look(ledger, now) if watch else ())
        ],
    }  # fmt: skip


def show(facts: dict[str, Any]) -> None:
    """The lines of `status`."""
    for key in _KEYS.values():
        for one in facts[key]:
            out.print(Text(f"{one['summary']} ({one['command']})", style="magenta"), soft_wrap=True)
    for one in facts["nightly_receipts"]:
        out.print(Text(printable(one["summary"]), style="magenta" if one["late"] else ""), soft_wrap=True)


def is_in_trouble(facts: dict[str, Any]) -> bool:
    """Whether a person should look."""
    return any(facts[key] for key in _KEYS.values()) or any(one["late"] for one in facts["nightly_receipts"])
