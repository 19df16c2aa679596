"""The ledger as a whole: opened once a process, its verbs grouped by who uses them."""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType

from gong_bridge import clock
from gong_bridge.config.secrets import Secret
from gong_bridge.ledger.backfills import Backfills
from gong_bridge.ledger.bridges import Bridges
from gong_bridge.ledger.calls import Ownership
from gong_bridge.ledger.crm_requests import CrmRequests
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.descriptions import Descriptions
from gong_bridge.ledger.erasing import Erasing
from gong_bridge.ledger.groups import Groups
from gong_bridge.ledger.intake import Intake
from gong_bridge.ledger.nights import Nights
from gong_bridge.ledger.notes import Notes
from gong_bridge.ledger.open import open_database
from gong_bridge.ledger.operating import Operator
from gong_bridge.ledger.people_cache import People
from gong_bridge.ledger.privacy_acts import PrivacyActs
from gong_bridge.ledger.pruning import Pruning
from gong_bridge.ledger.putting_back import PuttingBack
from gong_bridge.ledger.queries import Views
from gong_bridge.ledger.reaches import Reaches
from gong_bridge.ledger.receipts import Receipts
from gong_bridge.ledger.sought_calls import SoughtCalls
from gong_bridge.ledger.store import Work
from gong_bridge.ledger.suppressions import Suppressions
from gong_bridge.ledger.turns import Turns
from gong_bridge.ledger.upkeep import Upkeep


class Ledger:
    """What became of each recording. Safe for many threads and many processes.

    intake: sources write recordings down. work: workers claim and record. calls: whose call it is.
    groups: calls in several files. operator: retry and skip. descriptions: sidecars of calls that are there.
    backfills: orders to bring in old recordings.
    receipts: what became of each day's recordings. nights: how far the nightly one is.
    putting_back: what Gong has no more is delivered anew.
    crm_requests: which uploads and deletions of CRM objects were made.
    reaches: who can open what. bridges: who works here. turns: what only one of them does.
    views: lists and counts. people: Gong's users. notes: pause, health. upkeep: backup.
    pruning: forgets the details of what is long finished. erasing: takes a person out. suppressions: who was erased.
    sought_calls: may be in Gong, of emptied entries.
    privacy_acts: who erased whom.
    Every verb may raise LedgerReadOnly: then nothing was changed, and the same call may be repeated later.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.intake = Intake(database)
        self.work = Work(database)
        self.calls = Ownership(database)
        self.groups = Groups(database)
        self.operator = Operator(database)
        self.descriptions = Descriptions(database)
        self.views = Views(database)
        self.people = People(database)
        self.notes = Notes(database)
        self.backfills = Backfills(database, self.intake)
        self.receipts = Receipts(database)
        self.nights = Nights(self.notes)
        self.putting_back = PuttingBack(database)
        self.crm_requests = CrmRequests(database)
        self.reaches = Reaches(database)
        self.bridges = Bridges(database)
        self.turns = Turns(database)
        self.upkeep = Upkeep(database)
        self.pruning = Pruning(database)
        self.erasing = Erasing(database)
        self.suppressions = Suppressions(database)
        self.sought_calls = SoughtCalls(database)
        self.privacy_acts = PrivacyActs(database)

    @classmethod
    def open(cls, url: str, password: Secret | None = None) -> Ledger:
        """The ledger at `sqlite:////path` or `postgresql://user@host/database`, made or migrated where needed.

        `password`: for PostgreSQL, in place of PGPASSWORD or ~/.pgpass.
        Raises ConfigError (nonsense, not a ledger, newer than this program, network file system), LedgerReadOnly.
        """
        return cls(open_database(url, password))

    def follow_clock(self) -> timedelta:
        """From now on this process keeps the ledger's time; how far that is ahead of this machine's.

        The clocks of several hosts differ, and one that is minutes ahead would take leases that still hold.
        Raises LedgerReadOnly.
        """
        ahead = self.database.clock_ahead()
        clock.follow(ahead)
        return ahead

    def close(self) -> None:
        """Close all connections; entries stay as they are."""
        self.database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
