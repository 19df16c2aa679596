"""What each reason for which an entry stopped means, and what a person can do about it; a table, no behaviour."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Cure:
    """`means`: what happened. `to_do`: what a person does about it, before typing the command of `retry_command`."""

    means: str
    to_do: str


CURES: dict[str, Cure] = {
    "unknown-person": Cure(
        means="Nobody in agents.csv or among Gong's users matches the extension, login, e-mail or name of the call, or "
        "of share_with in the mapping.",
        to_do="Add the person to agents.csv with the e-mail that Gong knows. The bridge notices and goes on by itself.",
    ),
    "unusable-user": Cure(
        means="Gong knows the person, but as inactive or not set to import telephony calls.",
        to_do="Let a Gong administrator activate the user and switch on the import of telephony calls, then retry.",
    ),
    "not-enabled": Cure(
        means="Gong answered that recording is not enabled for the call's primary user.",
        to_do="Let a Gong administrator enable recording for this user's calls, then retry.",
    ),
    "bad-media": Cure(
        means="The recording is broken, cut off, silent, too large, or of a kind that Gong does not take.",
        to_do="Listen to it. Replace the file with a whole one (that is noticed), retry if you trust it, or skip it.",
    ),
    "bad-metadata": Cure(
        means="The mapping makes no call of this recording that Gong would accept; the reason names the field.",
        to_do="`gong-bridge explain FILE` shows where each field came from. Correct mapping or sidecar, then retry.",
    ),
    "missing-sidecar": Cure(
        means="The file that describes the recording did not come in time (sidecar_wait, or wait in the mapping).",
        to_do="See why the recorder did not write it. When it comes, the recording goes on by itself; else skip it.",
    ),
    "incomplete-call": Cure(
        means="A call is written in several files, and not all that the mapping wants came within group_by.window.",
        to_do="See why the recorder did not write the other file. When it comes, the call goes on by itself; else set "
        "group_by.when_incomplete: send in the mapping and retry, or skip it.",
    ),
    "late-part": Cure(
        means="This file belongs to a call that Gong got without it; it came, or changed, too late.",
        to_do="Skip it, or set group_by.when_late: send in the mapping and retry to make it a call of its own. "
        "A longer group_by.window waits for such files.",
    ),
    "refused-by-gong": Cure(
        means="Gong refused the call for a reason that repeating does not cure; its own words are in the reason.",
        to_do="Do what the reason says. For Gong's support have the request id at hand, which the entry's page shows.",
    ),
    "already-known": Cure(
        means="Gong says that it has this call already, but does not list it.",
        to_do="Look the call up in Gong. If it is there whole, skip the entry; else retry.",
    ),
    "not-shared": Cure(
        means="Gong has the call and its media, but did not give the users access whom the mapping names.",
        to_do="Do what the reason says: grant the scope, or correct share_with in the mapping. Then retry: nothing is "
        "uploaded again. The recording itself stays where it is until then.",
    ),
    "source-gone": Cure(
        means="The call was created in Gong, but the recording vanished before its media was sent.",
        to_do="Put the file back as it was (one of several: then retry); or skip this and delete the call in Gong.",
    ),
    "source-changed": Cure(
        means="The recording was overwritten before its media was sent; a newer entry has the new content.",
        to_do="Look at both entries. If the newer one is the same call, skip this one.",
    ),
    "not-fetched": Cure(
        means="Gong did not fetch the recording by its link in time, or does not tell whether it has.",
        to_do="Do what the reason says. `when_not_fetched: upload` in bridge.yaml sends such recordings by itself.",
    ),
    "changed-after-link": Cure(
        means="The recording changed after Gong had fetched it by a link; such a call takes no upload.",
        to_do="Skip this entry, or delete the call in Gong and retry.",
    ),
    "bad-notification": Cure(
        means="A message of the source's queue is no notification of S3 that the bridge understands; it is kept whole.",
        to_do="`gong-bridge ledger show` prints it. See what else sends to the queue. Recordings are found by the "
        "listing all the same: skip it, or retry it after an upgrade.",
    ),
    "held": Cure(
        means="The bridge does not decide this by itself; the reason says what is open.",
        to_do="Read the reason, then retry or skip.",
    ),
}
"""Reason code of a held entry -> its cure."""

GIVEN_UP = Cure(
    means="Every attempt failed over many hours; the reason has the last answer.",
    to_do="When the cause is over, retry: all attempts are given back.",
)
"""For rejected entries, whatever their code."""

PAUSES: dict[str, Cure] = {
    "bad-credentials": Cure(
        means="Gong refuses the access key.",
        to_do="Check the account's access_key and access_key_secret (a Gong administrator makes new ones); restart.",
    ),
    "wrong-base-url": Cure(
        means="Nothing that looks like Gong answers at base_url.",
        to_do="Compare base_url of that account with the one on Gong's API page; check DNS, proxy and firewall.",
    ),
    "ledger-read-only": Cure(
        means="The ledger cannot be written.",
        to_do="Free disk space, or make its folder writable for the service's user. The bridge goes on by itself.",
    ),
}
"""Reason code of a pause -> its cure. A pause ends by itself when its cause is cured; no attempts are used up."""

RECEIPTS: dict[str, Cure] = {
    "missing-in-gong": Cure(
        means="Recordings were delivered, and Gong has no such call any more: somebody deleted it, or Gong lost it.",
        to_do="Ask in Gong whether they were deleted on purpose. If not, the command delivers them anew.",
    ),
    "twice-in-gong": Cure(
        means="Gong has more than one call of the same recording: something else sent it, too.",
        to_do="The command names the calls. Delete in Gong those that are too many, and stop what else sends them.",
    ),
}
"""Code of what a daily receipt finds wrong -> its cure; told until a later receipt of that day finds it well."""

WAITS: dict[str, str] = {
    "retry": "for another attempt",
    "rate-limited": "for Gong's allowance, or because Gong asked to wait",
    "service-down": "because Gong cannot be reached, or failed",
    "cursor-lost": "because Gong lost its place in a list that is read again",
    "unclear": "because an answer of Gong got lost; it is asked before anything is sent again",
    "media-untold": "because Gong does not say whether it has their media already",
    "source-unavailable": "because their folder or bucket cannot be read",
    "not-yet-complete": "because they, or what belongs to them, are still being written",
    "waiting-for-sidecar": "for the sidecar",
    "link-pending": "for Gong to fetch them by link",
    "awaiting-parts": "for the other files of the same call",
    "privacy-key": "because somebody was erased under a key that this host does not have",
    "no-room": "for disk space for conversions",
    "source-changed": "because they changed while they were read",
}
"""Reason code of an entry that waits by itself -> for what, behind "3 recordings wait"."""

_OTHER = Cure(means="Kept until a person looks at it.", to_do="Read the reason, then retry or skip.")


def cure_for(code: str, *, given_up: bool = False) -> Cure:
    """The cure for a held entry's reason code, a rejected entry's, or a pause's."""
    if given_up:
        return GIVEN_UP
    return CURES.get(code) or PAUSES.get(code) or _OTHER


def wait_in_words(code: str, count: int) -> str:
    """`3 recordings wait for the sidecar (waiting-for-sidecar)`."""
    pause = PAUSES.get(code)
    why = WAITS.get(code) or (f"because: {pause.means}" if pause else "to be tried again")
    return f"{count:,} recording{' waits' if count == 1 else 's wait'} {why.rstrip('.')} ({code})"


def retry_command(*, state: str, code: str | None, person: str | None) -> str:
    """The line to type that takes up all entries of one group, quoted for a shell."""
    words = ["gong-bridge", "ledger", "retry", "--state", state]
    if code:
        words += ["--code", code]
    if person and person.isprintable():
        words += ["--person", person]
    return shlex.join(words)
