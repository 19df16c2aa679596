"""Gives each upload and deletion an id that its repetitions share, so that Gong takes it once.

The id is made of what is sent: who sends the same file again, from another host or with a lost ledger, sends the same
id, which Gong refuses (409). The ledger knows besides which turn of it is due: a file that failed, or that a person
wants to send once more, gets the next id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from gong_bridge.ledger.crm_requests import CrmRequestNote, CrmRequests

DELETION = "DELETE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request that may be sent. was_begun: an earlier process may have sent it; ask Gong first."""

    note: CrmRequestNote
    was_begun: bool

    @property
    def id(self) -> str:
        """Its clientRequestId."""
        return self.note.client_request_id

    @property
    def is_done(self) -> bool:
        """An earlier process saw its end, and it was a good one."""
        return self.note.outcome == "DONE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a request is about. account: None is the one under `gong`. digest: of the bytes; "" of a deletion."""

    account: str | None
    integration_id: str
    what: str
    digest: str = ""
    file: str = ""

    @property
    def name(self) -> str:
        """What it is called in the ledger."""
        return ":".join((self.account or "", self.integration_id, self.what, self.digest))

    def id_of(self, turn: int) -> str:
        """The clientRequestId of this turn: letters, digits and dashes."""
        key = f"{self.integration_id}:{self.what}:{self.digest}"
        word = self.what.lower().replace("_", "-")
        return f"gb-{word}-{hashlib.sha256(key.encode()).hexdigest()[:16]}-{turn}"


def begin(requests: CrmRequests, content: Content, now: datetime, *, again: bool = False) -> Request:
    """The request that is due for this content, written down before anything is sent.

    One that nobody saw end is due again, under its id. After one that FAILED, or with `again` after one that is DONE,
    the next turn is due.
    """
    last = requests.get(content.name)
    turn = 1 if last is None else last.turn
    if last is not None and (last.outcome == "FAILED" or (again and last.outcome == "DONE")):
        turn += 1
    note = requests.begin(_note(content, turn, now))
    return Request(note=note, was_begun=last is not None and last.turn == note.turn)


def next_turn(requests: CrmRequests, request: Request, content: Content, now: datetime) -> Request:
    """Gong has had this id from somebody whom this ledger does not know: the one after it."""
    return Request(note=requests.begin(_note(content, request.note.turn + 1, now)), was_begun=False)


def _note(content: Content, turn: int, now: datetime) -> CrmRequestNote:
    return CrmRequestNote(
        name=content.name,
        client_request_id=content.id_of(turn),
        integration_id=content.integration_id,
        what=content.what,
        turn=turn,
        begun_at=now,
        file=content.file,
    )
