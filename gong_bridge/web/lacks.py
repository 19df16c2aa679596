"""What kept receipts say is wrong, each with its code and the command to type; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from gong_bridge.ledger.receipts import DOUBLED, MISSING, KeptReceipt
from gong_bridge.readable import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Lack:
    """One day, account and source of which something is missing in Gong, or there more than once."""

    receipt: KeptReceipt
    code: str
    count: int
    words: str
    command: str


def lacks_of(receipts: Iterable[KeptReceipt]) -> list[Lack]:
    """In the order of the receipts."""
    return [
        _lack(one, code, count)
        for one in receipts
        for code, count in ((MISSING, one.missing), (DOUBLED, one.doubled))
        if count
    ]


def _lack(one: KeptReceipt, code: str, count: int) -> Lack:
    of = f"{one.day}, {printable(one.source)}" + (f" (account {one.account})" if one.account else "")
    what = "missing in Gong" if code == MISSING else "more in Gong than there should be"
    words = ["gong-bridge", "reconcile", "--from", str(one.day), "--to", str(one.day)]
    words += ["--account", one.account] if one.account else []
    words += ["--repair"] if code == MISSING else []
    return Lack(receipt=one, code=code, count=count, words=f"{of}: {count:,} {what}", command=shlex.join(words))
