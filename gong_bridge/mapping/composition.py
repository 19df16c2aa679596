"""What a mapping made of one recording: a call, or the decision that it is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from gong_bridge.call_draft import CallDraft
from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.shares import Share


@dataclass(frozen=True, kw_only=True)
class Composition:
    """What a mapping made of a recording.

    draft: the checked call, None when the recording is skipped (then skip_reason says why).
    facts: everything that was known, for `explain`; people's data, never for logs.
    warnings: remarks that do not hinder sending.
    sidecar_key / sidecar_digest: which sidecar was read, and a digest of what it says of this recording.
    share_with: who is to be given access to the call besides its primaryUser; nobody twice.
    missing_sidecar: why the call is sent without its sidecar, None when it is not (when_missing: degrade).
    """

    draft: CallDraft | None
    skip_reason: str | None = None
    facts: dict[str, object]
    warnings: tuple[str, ...] = ()
    sidecar_key: str | None = None
    sidecar_digest: str | None = None
    missing_sidecar: str | None = None
    share_with: tuple[Share, ...] = ()
    find_origins: Callable[[], dict[str, str]] = dataclasses.field(default=dict, repr=False, compare=False)

    @cached_property
    def origins(self) -> dict[str, str]:
        """Gong field path -> where its value came from, such as "file name: from" or "sidecar: caller.number".

        Found out when first asked for: only `explain` does.
        """
        return self.find_origins()


class Skip(Exception):
    """This recording is no call for Gong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def skip(reason: str) -> None:
    """A rule says that this is no call. Raises Skip."""
    raise Skip(reason)


def hold(reason: str) -> None:
    """A rule says that a person must look. Raises BadMetadata."""
    raise BadMetadata(reason)
