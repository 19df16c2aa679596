"""Orders to bring in old recordings: one for each lane, kept until it is done, with how far it has come.

A person writes what is wanted, a bridge writes what was done. Taking recordings and counting them is one transaction
that first makes sure that the order still stands: a pause holds from the moment it is written, a kill miscounts none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select, update

from gong_bridge.errors import ConfigError
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.intake import Intake
from gong_bridge.ledger.rows import clean, micros, moment
from gong_bridge.ledger.schema import IS_OPEN, backfills, entries
from gong_bridge.model import Recording


class OrderState(StrEnum):
    """Where an order stands."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


OPEN_ORDERS = (OrderState.RUNNING, OrderState.PAUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillOrder:
    """Recordings of one lane last changed from `first_day` to `last_day` (both whole; None: until it was ordered).

    taken: recordings written to the ledger. to_come: those that the last listing found and are not taken yet; None:
    nothing was listed yet. taken_on_day: of `day`, a day of `time_zone`. message: what it is doing, or what hinders it.
    """

    lane: Lane
    first_day: date
    last_day: date | None
    time_zone: str
    most_per_day: int | None
    state: OrderState
    ordered_at: datetime
    taken: int = 0
    to_come: int | None = None
    day: str = ""
    taken_on_day: int = 0
    message: str = ""

    @property
    def begins_at(self) -> datetime:
        """The first moment of the first day."""
        return datetime.combine(self.first_day, time(), ZoneInfo(self.time_zone))

    @property
    def ends_before(self) -> datetime:
        """The end of the last day; what came after the order is no old recording."""
        if self.last_day is None:
            return self.ordered_at
        end = datetime.combine(self.last_day + timedelta(days=1), time(), ZoneInfo(self.time_zone))
        return min(end, self.ordered_at)

    def takes(self, recording: Recording) -> bool:
        """Whether the recording was last changed within the days."""
        return self.begins_at <= recording.modified_at < self.ends_before

    def taken_today(self, now: datetime) -> int:
        """How many were taken on the present day of its zone."""
        return self.taken_on_day if self.day == self.day_of(now) else 0

    def room_today(self, now: datetime) -> int | None:
        """How many more may be taken today; None: no limit."""
        return None if self.most_per_day is None else max(0, self.most_per_day - self.taken_today(now))

    def day_of(self, now: datetime) -> str:
        """The day of its zone, such as 2026-01-31."""
        return now.astimezone(ZoneInfo(self.time_zone)).date().isoformat()


_RUNNING = select(backfills.c.source).where(backfills.c.state == OrderState.RUNNING.value).limit(1)


class Backfills:
    """The orders: at most one for each lane."""

    def __init__(self, database: Database, intake: Intake) -> None:
        self._database = database
        self._intake = intake

    # --- what a person does -----------------------------------------------------------------------------------------

    def order(self, wanted: BackfillOrder) -> BackfillOrder:
        """Write an order down, in place of one that is over; the order as it stands now.

        The same days again change `most_per_day` of the order that stands. Raises ConfigError when an order for other
        days is not over yet.
        """
        with self._database.write() as connection:
            row = connection.execute(_of(wanted.lane).with_for_update()).one_or_none()
            present = None if row is None else _order_of(row)
            if present is not None and present.state in OPEN_ORDERS:
                if (present.first_day, present.last_day) != (wanted.first_day, wanted.last_day):
                    days = f"since {present.first_day}" + (f" until {present.last_day}" if present.last_day else "")
                    raise ConfigError(
                        f"a backfill of {wanted.lane.source} {days} is {present.state}; let it come to its end, or "
                        f"`gong-bridge backfill --source {wanted.lane.source} --cancel` it first"
                    )
                connection.execute(_change(wanted.lane).values(most_per_day=wanted.most_per_day))
            else:
                values = _values(wanted)
                statement = self._database.insert(backfills)
                statement = statement.on_conflict_do_update(index_elements=["source", "reach"], set_=values)
                connection.execute(statement, values)
            return _order_of(connection.execute(_of(wanted.lane)).one())

    def set_state(self, lane: Lane, state: OrderState) -> BackfillOrder | None:
        """Pause, resume or cancel an order that is not over; the order as it stands now, None when there is none."""
        with self._database.write() as connection:
            is_open = backfills.c.state.in_([one.value for one in OPEN_ORDERS])
            connection.execute(_change(lane).where(is_open).values(state=state.value, message=""))
        return self.get(lane)

    def get(self, lane: Lane) -> BackfillOrder | None:
        """The order of this lane."""
        with self._database.read() as connection:
            row = connection.execute(_of(lane)).one_or_none()
        return None if row is None else _order_of(row)

    def all(self) -> list[BackfillOrder]:
        """Every order, by source."""
        with self._database.read() as connection:
            rows = connection.execute(select(backfills).order_by(backfills.c.source, backfills.c.reach)).all()
        return [_order_of(row) for row in rows]

    # --- what a bridge does -----------------------------------------------------------------------------------------

    def running(self, lanes: Sequence[Lane]) -> list[BackfillOrder]:
        """The orders that are to be worked now, of these lanes."""
        if not self._database.glance(_RUNNING, {}):  # asked all the time, and nearly always there is none
            return []
        return [one for one in self.all() if one.state is OrderState.RUNNING and one.lane in lanes]

    def waiting(self, lane: Lane, most: int) -> int:
        """How many old recordings of the lane are not finished yet; counts no further than `most`."""
        waits = select(entries.c.id).where(IS_OPEN, lane.condition(), entries.c.backlog.is_(True)).limit(most)
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(waits.subquery())).scalar_one())

    @again_when_clashed
    def take(self, order: BackfillOrder, recordings: Sequence[Recording], now: datetime) -> int | None:
        """Write recordings down as backlog, and count them; how many of them, from the first on, were dealt with.

        Fewer when the day has no more room. None: the order does not stand any more, nothing was written. A few
        hundred at most, each key once.
        """
        with self._database.write() as connection:
            row = connection.execute(_still(order).with_for_update()).one_or_none()
            if row is None:
                return None
            present = _order_of(row)
            batch = recordings[: present.room_today(now)]
            taken = self._intake.add_within(connection, order.lane, batch, backlog=True, now=now)
            connection.execute(
                _change(order.lane).values(
                    taken=present.taken + taken,
                    to_come=max(0, (present.to_come or 0) - len(batch)),
                    day=present.day_of(now),
                    taken_on_day=present.taken_today(now) + taken,
                )
            )
            return len(batch)

    def listed(self, order: BackfillOrder, to_come: int) -> None:
        """A listing came to its end: so many are not taken yet."""
        self._tell(order, to_come=to_come, message="")

    def tell(self, order: BackfillOrder, message: str) -> None:
        """What the order's bridge is doing, or what hinders it."""
        self._tell(order, message=clean(message) or "")

    def finish(self, order: BackfillOrder) -> None:
        """A listing found nothing that is not taken."""
        self._tell(order, state=OrderState.DONE.value, to_come=0, message="")

    def _tell(self, order: BackfillOrder, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(_change(order.lane).where(*_stands(order)).values(**values))


def _values(order: BackfillOrder) -> dict[str, Any]:
    return {
        "source": order.lane.source,
        "reach": order.lane.reach or "",
        "first_day": order.first_day.isoformat(),
        "last_day": None if order.last_day is None else order.last_day.isoformat(),
        "time_zone": order.time_zone,
        "most_per_day": order.most_per_day,
        "state": order.state.value,
        "ordered_at": micros(order.ordered_at),
        "taken": order.taken,
        "to_come": order.to_come,
        "day": order.day,
        "taken_on_day": order.taken_on_day,
        "message": order.message,
    }


def _order_of(row: Row[Any]) -> BackfillOrder:
    return BackfillOrder(
        lane=Lane(row.source, row.reach or None),
        first_day=date.fromisoformat(row.first_day),
        last_day=None if row.last_day is None else date.fromisoformat(row.last_day),
        time_zone=row.time_zone,
        most_per_day=row.most_per_day,
        state=OrderState(row.state),
        ordered_at=moment(row.ordered_at),
        taken=row.taken,
        to_come=row.to_come,
        day=row.day,
        taken_on_day=row.taken_on_day,
        message=row.message,
    )


def _is(lane: Lane) -> tuple[Any, ...]:
    return backfills.c.source == lane.source, backfills.c.reach == (lane.reach or "")


def _of(lane: Lane) -> Any:
    return select(backfills).where(*_is(lane))


def _change(lane: Lane) -> Any:
    return update(backfills).where(*_is(lane))


def _stands(order: BackfillOrder) -> tuple[Any, ...]:
    """It is still this order, and nobody has paused it."""
    return backfills.c.state == OrderState.RUNNING.value, backfills.c.ordered_at == micros(order.ordered_at)


def _still(order: BackfillOrder) -> Any:
    return _of(order.lane).where(*_stands(order))
