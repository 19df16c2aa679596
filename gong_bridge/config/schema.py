"""What bridge.yaml may say: every key, its type, its default. Reading and placing errors is load.py's job.

Siblings read their own option class from here and know nothing else of the configuration.
"""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from gong_bridge.config.accounts import DEFAULT_ACCOUNT, account_is_unknown, wrong_account_name
from gong_bridge.config.accounts import GongOptions as GongOptions
from gong_bridge.config.accounts import Timeouts as Timeouts
from gong_bridge.config.checks import (
    check_bucket,
    check_expression,
    check_layout,
    check_queue_url,
)
from gong_bridge.config.checks import check_zone as check_zone  # mappings check their zones with it too
from gong_bridge.config.limits import Limits as Limits
from gong_bridge.config.limits import Reserve as Reserve  # the table in the documentation is made from it
from gong_bridge.config.options import Options
from gong_bridge.config.places import PlaceName, SidecarPlace
from gong_bridge.config.secrets import Secret
from gong_bridge.config.units import Day, Duration, Size
from gong_bridge.strict_yaml import MistakeAt

SHORTEST_LINK_SECONDS = 900.0
"""A link that lives shorter may end before Gong comes for the recording."""
LONGEST_LINK_SECONDS = 7 * 86_400.0
"""What S3 allows for signature version 4."""


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


class MoveTo(Options):
    """after_upload: {move_to: DIR}"""

    move_to: str
    """A folder (relative to the file that names it) or, for a bucket, a key prefix."""


class _SourceOptions(Options):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")
    """A short name of your own (letters, digits and - _ .); the ledger knows recordings by it: never change it."""
    mapping: str
    """A shipped mapping's name, or a file in your mappings folder (without .yaml)."""
    options: dict[str, str | int | float | bool] = Field(default={})
    """Values for the options that the mapping declares, such as {agent_channel: 1}."""
    include: tuple[str, ...] = ("**/*",)
    """Patterns of names to take; ** crosses folders."""
    exclude: tuple[str, ...] = ()
    """Patterns of names to leave alone."""
    time_zone: str | None = None
    """Zone of this recorder's local times; company.time_zone when absent."""
    rescan: Duration = 60.0
    """The longest time until a recording is noticed, whatever else fails."""
    since: Day | None = None
    """A day, such as 2026-01-31: recordings last changed before it are left to `gong-bridge backfill`. Absent: all."""
    after_upload: Literal["leave", "delete"] | MoveTo = "leave"
    """leave | delete | {move_to: DIR}: what happens to the source after Gong has everything."""
    on_change: Literal["replace_media", "ignore", "hold"] = "replace_media"
    """What to do when a recording changes after it was delivered."""
    sidecar_wait: Duration | None = None
    """How long a recording waits for its sidecar; without it the mapping's own `wait`, two minutes unless set."""
    sidecars: dict[PlaceName, SidecarPlace] = Field(default={})
    """Other folders and buckets in which a mapping finds sidecars (`in: NAME` in the mapping)."""
    account: str | None = None
    """Which of `accounts` this source's calls go to; the one under `gong` when absent."""
    workspace: str | None = Field(default=None, pattern=r"^\d{1,20}$")
    """Gong's workspace for this source's calls, by its id, such as '623457276584334', where the mapping names none."""

    @field_validator("account")
    @classmethod
    def _check_account(cls, value: str | None) -> str | None:
        return None if value == DEFAULT_ACCOUNT else value

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, value: str | None) -> str | None:
        return None if value is None else check_zone(value)

    @field_validator("rescan")
    @classmethod
    def _check_rescan(cls, value: float) -> float:
        if value < 0.2:
            raise ValueError("rescan must be at least 200ms")
        return value


class FolderSource(_SourceOptions):
    """A local folder."""

    folder: Path
    """The folder to watch, with everything below it."""
    settle: Duration = 5.0
    """Size and time unchanged this long before a file counts as finished."""
    watch: Literal["auto", "native", "polling"] = "auto"
    """native (inotify), polling (network file systems), or auto by file system."""
    reach: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$")
    """Several hosts on one PostgreSQL ledger: who can open this folder. Absent: this host alone, by its host name. For
    a share that several hosts see, one name on each of them, such as shared-nas."""


class BucketSource(_SourceOptions):
    """An S3 bucket, or any store that speaks S3."""

    bucket: Annotated[str, AfterValidator(check_bucket)]
    """The bucket's name."""
    prefix: str = ""
    """Only keys that begin so."""
    region: str | None = None
    """AWS region; boto3's own choice when absent."""
    endpoint_url: str | None = None
    """For S3-compatible stores (MinIO, Ceph, Wasabi ...)."""
    profile: str | None = None
    """A profile of ~/.aws/config; boto3's own chain of credentials when absent."""
    events: Annotated[str, AfterValidator(check_queue_url)] | None = None
    """URL of an SQS queue with the bucket's notifications, read by this source alone; the listing still runs."""
    layout: Annotated[str, AfterValidator(check_layout)] | None = None
    """Folders by date below `prefix`, such as {Y}/{m}/{d}/; each `rescan` then lists the latest of them only."""
    look_back: Duration = 172_800.0
    """With `layout`: how far back folders are listed each `rescan`."""
    full_pass: Duration = 21_600.0
    """With `layout`: how often everything is listed all the same."""
    delivery: Literal["upload", "link", "auto"] = "auto"
    """upload | link (Gong fetches the recording from a presigned URL: one API call instead of two) | auto (link where
    Gong can reach the bucket, else upload)."""
    link_lifetime: Duration = 7200.0
    """How long Gong may fetch a recording by its link; shorter where the credentials end sooner."""
    when_not_fetched: Literal["upload", "hold"] = "upload"
    """What to do with a recording that Gong has not fetched when its link has ended."""

    @field_validator("link_lifetime")
    @classmethod
    def _check_link_lifetime(cls, value: float) -> float:
        if not SHORTEST_LINK_SECONDS <= value <= LONGEST_LINK_SECONDS:
            raise ValueError("link_lifetime must be between 15m and 7d (S3 signs no longer)")
        return value


def _kind_of_source(value: object) -> str | None:
    """Which of the two a source is, by the key that says where recordings lie: errors then speak of one kind only."""
    if isinstance(value, FolderSource | BucketSource):
        return type(value).__name__
    if isinstance(value, dict) and "bucket" in value and "folder" not in value:
        return BucketSource.__name__
    return FolderSource.__name__ if isinstance(value, dict) and "folder" in value else None


AnySource = Annotated[
    Annotated[FolderSource, Tag("FolderSource")] | Annotated[BucketSource, Tag("BucketSource")],
    Discriminator(
        _kind_of_source,
        custom_error_type="kind_of_source",
        custom_error_message="a source needs `folder: PATH` or `bucket: NAME`; add one of them",
    ),
]


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
    web: WebOptions | None = None
    """The status page, health and metrics; without it there is none."""
    log: LogOptions = LogOptions()

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
