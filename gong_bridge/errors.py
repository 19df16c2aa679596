"""The whole error tree: the class of an error says what happens next.

    BridgeError
      ConfigError      wrong usage or configuration: exit 2, nothing touched
      RetryLater       try the same step again later
      Held             a person must do something; the reason says what
      Paused           the destination cannot be used by anybody: stop claiming, keep attempts, probe, resume
      LeaseLost        somebody else works on this entry now: drop it without a trace

Every message names the place and the cure. `code` is a short fixed word for filters and logs. Messages go to the
ledger, the log and the screen, so they never hold secrets; people's data (numbers, addresses, names) belongs only where
an operator needs it to act (UnknownPerson), and `logs` never prints messages of Held errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class BridgeError(Exception):
    """Base of everything the bridge raises on purpose.

    `http_status` and `request_id` are Gong's, where an answer of Gong was the cause (G8).
    """

    code = "error"

    def __init__(self, message: str, *, http_status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status
        self.request_id = request_id


class ConfigError(BridgeError):
    """One or more mistakes in a configuration or mapping file; each line is `file:line:column: what; cure`."""

    code = "configuration"

    def __init__(self, problems: str | list[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else problems
        super().__init__("\n".join(self.problems))


# --- try later -------------------------------------------------------------------------------------------------------


class RetryLater(BridgeError):
    """The same step may work later.

    `wait_seconds`: how long to wait at least; None lets retry.py choose. `keeps_attempt`: the cause is not the
    recording's fault, so the attempt is given back.
    """

    code = "retry"
    keeps_attempt = False

    def __init__(
        self,
        message: str,
        *,
        wait_seconds: float | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status, request_id=request_id)
        self.wait_seconds = wait_seconds


class RateLimited(RetryLater):
    """Gong (429, 503) or our own allowance says wait. All workers wait, the attempt is given back (R27)."""

    code = "rate-limited"
    keeps_attempt = True


class BusyAndUnclear(RateLimited):
    """A 503 to a request that had left whole: everybody waits (R27), and it may have taken effect all the same (R21).

    A proxy whose connection to Gong ended before the answer came says 503, too: look before sending anything again.
    A 429 is none of these: a limit refuses before anything is done, and looking would cost what there is too little of.
    """


class ServiceDown(RetryLater):
    """Gong could not be reached, or failed on its side, and it is certain that nothing took effect."""

    code = "service-down"

    def __init__(
        self,
        message: str,
        *,
        reached: bool = True,
        wait_seconds: float | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, wait_seconds=wait_seconds, http_status=http_status, request_id=request_id)
        self.keeps_attempt = not reached


class Unclear(RetryLater):
    """The request may or may not have taken effect: look before sending anything again (R21)."""

    code = "unclear"


class MediaUntold(RetryLater):
    """Gong does not say whether it has the media of an upload whose outcome is unclear."""

    code = "media-untold"


class SourceUnavailable(RetryLater):
    """The folder or bucket cannot be read now (unmounted, network, throttled)."""

    code = "source-unavailable"
    keeps_attempt = True


class NotYetComplete(RetryLater):
    """The recording or its sidecar is still being written."""

    code = "not-yet-complete"
    keeps_attempt = True


class AwaitingSidecar(NotYetComplete):
    """The file that describes the recording has not come yet; its time is not over."""

    code = "waiting-for-sidecar"


class LinkPending(RetryLater):
    """Gong was given a link and may still be fetching the recording."""

    code = "link-pending"
    keeps_attempt = True


class AwaitingParts(NotYetComplete):
    """The other files of the same call have not come yet."""

    code = "awaiting-parts"


class NoRoom(RetryLater):
    """There is no disk left for a conversion now; the recording itself is fine."""

    code = "no-room"
    keeps_attempt = True


class ErasedUnreadable(RetryLater):
    """Some people were erased under a key that this host does not have: nothing is sent until it has."""

    code = "privacy-key"
    keeps_attempt = True


class SourceChanged(NotYetComplete):
    """The file at this key is no longer the version the ledger speaks of."""

    code = "source-changed"


class SourceGone(BridgeError):
    """The root can be read, but there is no such file or object any more."""

    code = "source-gone"


# --- a person must act -----------------------------------------------------------------------------------------------


class Held(BridgeError):
    """Kept, not sent, until a person (or a cured cause) lets it go on.

    `facts`: what was known when a mapping gave up, for `explain`; people's data, never for logs.
    """

    code = "held"
    facts: Mapping[str, object] = MappingProxyType({})


class BadMedia(Held):
    """The recording is broken, silent, too large or of a kind that Gong does not take."""

    code = "bad-media"


class BadMetadata(Held):
    """The mapping gives no call that Gong would accept; the message names the field and the rule (R24)."""

    code = "bad-metadata"


class MissingSidecar(BadMetadata):
    """No sidecar came in time; one that comes late cures it."""

    code = "missing-sidecar"


class IncompleteCall(BadMetadata):
    """Not every file of the call came in time; one that comes late cures it."""

    code = "incomplete-call"


class LatePart(BadMetadata):
    """This file belongs to a call that was sent without it."""

    code = "late-part"


class UnknownPerson(Held):
    """Nobody in agents.csv or Gong matches.

    `kind` is "extension", "login", "email" or "name"; `value` is what was looked for.
    """

    code = "unknown-person"

    def __init__(self, message: str, *, kind: str, value: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.value = value


class UnusableUser(Held):
    """The person is known to Gong but inactive, or not set to import telephony calls."""

    code = "unusable-user"


class RefusedByGong(Held):
    """Gong refused this call for a reason that repeating does not cure."""

    code = "refused-by-gong"


class NotShared(Held):
    """Gong has the call and its media, but does not give users access to it."""

    code = "not-shared"


class SourceLost(Held):
    """A call exists in Gong, but its recording is gone or was overwritten before the media was sent."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class NotFetched(Held):
    """Gong did not fetch the recording while its link was good, and the source says to ask a person then."""

    code = "not-fetched"


class ChangedAfterLink(Held):
    """The recording changed after Gong fetched it by a link; Gong takes no upload for such a call."""

    code = "changed-after-link"


class BadNotification(Held):
    """A message of the queue that cannot be understood; kept with its raw body (R17)."""

    code = "bad-notification"


# --- nobody can go on ------------------------------------------------------------------------------------------------


class Paused(BridgeError):
    """The destination (or the ledger) cannot be used at all: everything waits, attempts stay (R29)."""

    code = "paused"


class BadCredentials(Paused):
    """401 or 403 on an operation every key must have."""

    code = "bad-credentials"


class WrongBaseUrl(Paused):
    """The host does not exist, redirects, or does not answer like Gong."""

    code = "wrong-base-url"


class LedgerReadOnly(Paused):
    """The ledger cannot be written: disk full, read-only file system, locked for too long."""

    code = "ledger-read-only"


class LeaseLost(BridgeError):
    """A conditional write changed no row: the lease ran out or the entry was changed by a person."""

    code = "lease-lost"
