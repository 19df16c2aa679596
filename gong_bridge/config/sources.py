"""What a source may say in bridge.yaml: the options of folders and of buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag, field_validator

from gong_bridge.config.accounts import DEFAULT_ACCOUNT
from gong_bridge.config.checks import check_bucket, check_layout, check_queue_url, check_zone
from gong_bridge.config.options import Options
from gong_bridge.config.places import PlaceName, SidecarPlace, folder_or_bucket
from gong_bridge.config.units import Day, Duration

SHORTEST_LINK_SECONDS = 900.0
"""A link that lives shorter may end before Gong comes for the recording."""
LONGEST_LINK_SECONDS = 7 * 86_400.0
"""What S3 allows for signature version 4."""


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


AnySource = Annotated[
    Annotated[FolderSource, Tag(FolderSource.__name__)] | Annotated[BucketSource, Tag(BucketSource.__name__)],
    folder_or_bucket("a source", FolderSource, BucketSource),
]
