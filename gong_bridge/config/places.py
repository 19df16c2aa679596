"""What bridge.yaml may say of the folders and buckets in which a source's sidecars lie."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from gong_bridge.config.checks import check_bucket
from gong_bridge.config.options import Options


class SidecarFolder(Options):
    """A folder that holds sidecars of a source, apart from its recordings."""

    folder: Path
    """The folder; a mapping reads what lies below it."""

    @property
    def place(self) -> str:
        """The folder as people write it."""
        return str(self.folder)


class SidecarBucket(Options):
    """A bucket that holds sidecars of a source, apart from its recordings."""

    bucket: Annotated[str, AfterValidator(check_bucket)]
    """The bucket's name."""
    prefix: str = ""
    """What every key there begins with; a mapping does not write it."""
    region: str | None = None
    """AWS region; boto3's own choice when absent."""
    endpoint_url: str | None = None
    """For S3-compatible stores (MinIO, Ceph, Wasabi ...)."""
    profile: str | None = None
    """A profile of ~/.aws/config; boto3's own chain of credentials when absent."""

    @property
    def place(self) -> str:
        """The address as people write it."""
        return f"s3://{self.bucket}/{self.prefix}"


def folder_or_bucket(what: str, folder: type[Options], bucket: type[Options]) -> Discriminator:
    """Which of the two it is, by the key that says where things lie: errors then speak of one kind only."""

    def kind(value: object) -> str | None:
        if isinstance(value, folder | bucket):
            return type(value).__name__
        if isinstance(value, dict) and "bucket" in value and "folder" not in value:
            return bucket.__name__
        return folder.__name__ if isinstance(value, dict) and "folder" in value else None

    return Discriminator(
        kind,
        custom_error_type="folder_or_bucket",
        custom_error_message=f"{what} needs `folder: PATH` or `bucket: NAME`; add one of them",
    )


SidecarPlace = Annotated[
    Annotated[SidecarFolder, Tag(SidecarFolder.__name__)] | Annotated[SidecarBucket, Tag(SidecarBucket.__name__)],
    folder_or_bucket("a place of sidecars", SidecarFolder, SidecarBucket),
]
PlaceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]


def place_is_missing(mapping: str, missing: str, named: Iterable[str]) -> str:
    """The sentence for a mapping that looks for sidecars in a place that its source does not name."""
    there = ", ".join(named)
    return (
        f"mapping {mapping!r} reads sidecars in {missing!r}"
        + (f"; the source names {there}" if there else "")
        + f"; add to the source sidecars: {{{missing}: {{folder: PATH}}}} (or bucket: NAME)"
    )
