"""Whose turn it is to do what only one of many bridges should do, such as fetching all of Gong's users."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import micros
from gong_bridge.ledger.schema import turns


class Turns:
    """A named turn has one holder at a time, and ends by itself when the holder dies.

    A row with an end, not a lock of the server: it is the same on both databases, survives a lost connection and keeps
    none busy while its holder waits for Gong.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, holder: str, now: datetime, seconds: float) -> bool:
        """Whether `holder` has the turn until `now + seconds`; False while another has it."""
        at, until = micros(now), micros(now + timedelta(seconds=seconds))
        values = {"name": name, "holder": holder, "held_until": until}
        # Nobody takes it for twice as long: then the clock was set back, and the holder may have died long ago.
        is_over = (turns.c.held_until <= at) | (turns.c.held_until > at + 2 * (until - at))
        mine = (turns.c.name == name, is_over | (turns.c.holder == holder))
        with self._database.write() as connection:
            if connection.execute(update(turns).where(*mine).values(values)).rowcount:
                return True
            statement = self._database.insert(turns).on_conflict_do_nothing().returning(turns.c.name)
            return connection.execute(statement, values).scalar() is not None

    def give_back(self, name: str, holder: str) -> None:
        """The turn is over, if it is still the holder's."""
        with self._database.write() as connection:
            connection.execute(delete(turns).where(turns.c.name == name, turns.c.holder == holder))

    def give_back_of_dead(self, is_alive: Callable[[str], bool]) -> int:
        """The turns of holders that died are over at once; how many. `is_alive` is asked once for each of them."""
        with self._database.read() as connection:
            holders = set(connection.execute(select(turns.c.holder)).scalars())
        dead = [holder for holder in holders if not is_alive(holder)]
        if not dead:
            return 0
        with self._database.write() as connection:
            return connection.execute(delete(turns).where(turns.c.holder.in_(dead))).rowcount
