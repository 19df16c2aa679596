"""What bridge.yaml may say: every key, its type, its default. Reading and placing errors is load.py's job.

Siblings read their own option class from here and know nothing else of the configuration.
"""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from gong_bridge.config.accounts import GongOptions as GongOptions
from gong_bridge.config.accounts import Timeouts as Timeouts
from gong_bridge.config.accounts import account_is_unknown, wrong_account_name
from gong_bridge.config.checks import check_expression
from gong_bridge.config.checks import check_zone as check_zone  # mappings check their zones with it too
from gong_bridge.config.limits import Limits as Limits
from gong_bridge.config.limits import Reserve as Reserve  # the table in the documentation is made from it
from gong_bridge.config.options import Options
from gong_bridge.config.privacy import PrivacyOptions as PrivacyOptions
from gong_bridge.config.secrets import Secret
from gong_bridge.config.sources import AnySource
from gong_bridge.config.sources import BucketSource as BucketSource
from gong_bridge.config.sources import FolderSource as FolderSource
from gong_bridge.config.sources import MoveTo as MoveTo
from gong_bridge.config.units import Duration, Size, TimeOfDay
from gong_bridge.strict_yaml import MistakeAt


class LedgerOptions(Options):
    """Where every recording is written down."""

    url: str = "sqlite:////var/lib/gong-bridge/ledger.db"
    """sqlite:////absolute/path or postgresql://user@host/database"""
    password: Secret | None = None
    """PostgreSQL's password: env:NAME, file:PATH, credential:NAME (systemd); or leave it to PGPASSWORD or ~/.pgpass."""
    lease: Duration = 30.0
    """How long a worker owns an entry without a heartbeat."""


class CompanyOptions(Options):
    """Facts about the company that recorders leave out."""

    country: str = Field(default="US", pattern="^[A-Z]{2}$")
    """Country of phone numbers written without one (ISO 3166, two capital letters)."""
    time_zone: str = "UTC"
    """Zone of local times without one, such as America/New_York; a source may say otherwise."""
    extensions: str = r"\d{3,5}"
    """Regular expression that a whole internal extension matches."""
    numbers: tuple[str, ...] = ()
    """The company's own public numbers."""

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        return check_zone(value)

    @field_validator("extensions")
    @classmethod
    def _check_extensions(cls, value: str) -> str:
        return check_expression(value)


class MediaOptions(Options):
    """What is checked before anything is sent."""

    shortest: Duration = 30.0
    """Shorter recordings are skipped; Gong itself does not import calls below its minimum (default 30 s)."""
    largest: Size = 1_500_000_000
    """Larger recordings are held; Gong takes at most 1.5 GB."""
    when_silent: Literal["hold", "skip", "send"] = "hold"
    """What to do with a recording in which nothing can be heard."""
    silence_dbfs: float = -65.0
    """A recording whose loudest sample stays below this is silent."""
    when_one_channel_silent: Literal["report", "hold", "send"] = "report"
    """Stereo with one dead channel: report it in the ledger and send, hold, or send without a word."""
    incomplete_for: Duration = 30.0
    """How long after its last change an incomplete recording is waited for before it is held."""
    time_limit: Duration = 60.0
    """Longest time that looking into one recording may take."""
    memory_limit: Size = 768 * 2**20
    """Address space of the process that opens recordings."""
    convert: bool = True
    """Convert kinds that Gong does not take (remux, else FLAC); false holds them."""
    conversion_folder: Path | None = None
    """Where converted recordings lie until they are sent; the system's folder for temporary files when absent."""
    conversion_disk: Size = 5_000_000_000
    """Disk that conversions may take together."""
    conversion_time_limit: Duration = 1800.0
    """Longest time that one conversion may take."""


class WorkOptions(Options):
    """How much is done at once."""

    workers: int = Field(default=4, ge=1, le=64)
    """Recordings worked on at the same time; one more is kept for live calls."""
    grace: Duration = 25.0
    """After SIGTERM, how long the current steps may take."""
    max_attempts: int = Field(default=40, ge=1)
    """Attempts before an entry is rejected (40 are about 30 hours)."""
    longest_wait: Duration = 3600.0
    """Longest wait between two attempts."""
    order: Literal["oldest", "newest"] = "oldest"
    """oldest: what has waited longest goes first; newest: the newest recording. New calls always go before old ones."""


class WebOptions(Options):
    """The status page, health and metrics."""

    listen: str = Field(default="127.0.0.1:8321", pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$")
    """host:port, such as 127.0.0.1:8321"""
    token: Secret | None = None
    """Asked for when the page listens on anything but this machine."""

    @field_validator("listen")
    @classmethod
    def _check_port(cls, value: str) -> str:
        if not 0 < int(value.rsplit(":", 1)[1]) < 65_536:
            raise ValueError("the port in web.listen must be between 1 and 65535, such as 127.0.0.1:8321")
        return value

    @model_validator(mode="after")
    def _check_token(self) -> WebOptions:
        host = self.listen.rsplit(":", 1)[0].strip("[]")
        if host not in ("127.0.0.1", "::1", "localhost") and self.token is None:
            what = "it is open to other machines: set web.token, or listen on 127.0.0.1"
            raise MistakeAt(what, "listen")
        return self


class ReconcileOptions(Options):
    """The receipt of each day, settled against Gong: made every night, and how long it is kept."""

    at: TimeOfDay | None = None
    """When the service makes it, such as 03:15, in company.time_zone; without it only `gong-bridge reconcile` does."""
    days: int = Field(default=3, ge=1, le=31)
    """So many days that are over are settled each night: Gong may lose, and people may retry, what is a day old."""
    keep: Duration = 400 * 86_400.0
    """How long a receipt is kept after it was made."""


class LogOptions(Options):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important messages that are still logged."""
    format: Literal["auto", "json", "console"] = "auto"
    """auto: readable on a terminal, JSON elsewhere."""


def name_is_taken(name: str) -> str:
    """The sentence for a second source of one name."""
    return f"another source is called {name!r} too; every source needs a name of its own"


class Config(Options):
    """bridge.yaml"""

    gong: GongOptions
    accounts: dict[str, GongOptions] = Field(default={})
    """More Gong accounts, each by a name of your own and with the same keys as `gong`; a source names its `account`."""
    ledger: LedgerOptions = LedgerOptions()
    company: CompanyOptions = CompanyOptions()
    agents: Path | None = None
    """CSV with the columns email, extension, login, name."""
    mappings: Path | None = None
    """Folder of your own mapping files; the shipped ones are found by name without it."""
    sources: Annotated[tuple[AnySource, ...], Field(min_length=1)]
    """Where recordings appear: a list of folders and buckets."""
    media: MediaOptions = MediaOptions()
    work: WorkOptions = WorkOptions()
    reconcile: ReconcileOptions = ReconcileOptions()
    web: WebOptions | None = None
    """The status page, health and metrics; without it there is none."""
    log: LogOptions = LogOptions()
    privacy: PrivacyOptions = PrivacyOptions()

    @model_validator(mode="after")
    def _check_names(self) -> Config:
        names: set[str] = set()
        for position, source in enumerate(self.sources):
            if source.name in names:
                raise MistakeAt(name_is_taken(source.name), "sources", position, "name")
            names.add(source.name)
        return self

    @model_validator(mode="after")
    def _check_accounts(self) -> Config:
        for name in self.accounts:
            if wrong_account_name(name):
                raise MistakeAt(wrong_account_name(name), "accounts", name)
        for position, source in enumerate(self.sources):
            if source.account is not None and source.account not in self.accounts:
                raise MistakeAt(account_is_unknown(source.account, self.accounts), "sources", position, "account")
        return self

    @property
    def all_accounts(self) -> dict[str | None, GongOptions]:
        """Every Gong account by its name; None is the one under `gong`."""
        pairs: list[tuple[str | None, GongOptions]] = [(None, self.gong), *self.accounts.items()]
        return dict(pairs)

    def zone_of(self, source: FolderSource | BucketSource) -> ZoneInfo:
        """The zone of this source's local times."""
        return ZoneInfo(source.time_zone or self.company.time_zone)

    def new_since(self, source: FolderSource | BucketSource) -> datetime | None:
        """The beginning of the day `since`; what was last changed before is left to backfill. None: nothing is."""
        return None if source.since is None else datetime.combine(source.since, time(), self.zone_of(source))
