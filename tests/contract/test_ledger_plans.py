"""However many recordings are done: what is asked again and again looks at none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from gong_bridge.ledger.filters import EntryFilter, Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.schema import entries
from gong_bridge.model import State
from tests.contract.test_ledger import NOON, add, recording

LANES = (Lane("pbx"), Lane("connect"))
PAGE = [recording(f"{number:04}.wav") for number in range(1000)]
CHANGED = [recording(f"{number:04}.wav", "2") for number in range(0, 1000, 100)]
ASKED: dict[str, Callable[[Ledger], object]] = {
    "the next due entry, oldest first": lambda ledger: ledger.work.claim("a:1", NOON, 30, lanes=LANES),
    "how many are open": lambda ledger: ledger.views.open_count(LANES),
    "the oldest that waits": lambda ledger: ledger.views.oldest_waiting(NOON),
    "why they wait": lambda ledger: ledger.views.waiting_counts(),
    "what waits for the allowance": lambda ledger: ledger.views.waiting(None),
    "what needs a person": lambda ledger: (ledger.views.held_groups(), ledger.views.rejected_groups()),
    "what is remarkable": lambda ledger: ledger.views.remark_counts(),
    "held entries": lambda ledger: list(ledger.views.entries(EntryFilter(states=(State.HELD,)))),
    "one key": lambda ledger: ledger.views.find_latest("pbx", "0007.wav"),
    "one entry and its events": lambda ledger: (ledger.views.get(7), ledger.views.events(7)),
    "a page of a listing, known": lambda ledger: ledger.intake.unseen(PAGE),
    "a page of a listing, changed": lambda ledger: ledger.intake.unseen(CHANGED),
}
OF_SOME = {index.name for index in entries.indexes if index.dialect_options["sqlite"]["where"] is not None}


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        add(opened, *PAGE)
        with opened.database.write() as connection:
            connection.exec_driver_sql("UPDATE entries SET state = 'done' WHERE id > 3")
        yield opened


@pytest.mark.parametrize("what", ASKED)
def test_R14_a_million_finished_recordings_are_not_looked_at(ledger: Ledger, what: str) -> None:
    plans = _Plans(ledger)
    ASKED[what](ledger)
    assert plans.explained
    assert [line for line in plans.explained if _looks_at_all(line)] == []


class _Plans:
    """How the database would do each statement that is executed from now on."""

    def __init__(self, ledger: Ledger) -> None:
        self.explained: list[str] = []
        self._is_sqlite = ledger.database.is_sqlite
        event.listen(ledger.database._durable, "before_cursor_execute", self._explain)

    def _explain(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool
    ) -> None:
        if is_many or not statement.lstrip().startswith(("SELECT", "UPDATE", "WITH")):
            return
        driver: Any = connection.connection.driver_connection
        if self._is_sqlite:
            self.explained += [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            return
        with driver.cursor() as cursor:  # of a thousand rows it would read all of them: they stand for a million
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {statement}", parameters)
            self.explained += [row[0] for row in cursor.fetchall()]
            cursor.execute("RESET enable_seqscan")


def _looks_at_all(line: str) -> bool:
    if line.startswith(("SCAN entries", "SCAN events")):  # of an index that holds only some entries it is no trouble
        return line.rpartition(" INDEX ")[2] not in OF_SOME
    return "Seq Scan on e" in line
