"""What came out of a scene, against what was given: counted by what the stand-ins hold; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CallKey = tuple[str, str]
"""A Gong account's name, and the clientUniqueId in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A call that the stand-in for Gong holds. sha256: of its media, None without any; puts: how often media came."""

    account: str
    client_unique_id: str
    sha256: str | None
    puts: int

    @property
    def key(self) -> CallKey:
        """What one call of one account is known by."""
        return self.account, self.client_unique_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A recording as the scene's ledger has it at the end. code: why it is held, rejected or skipped."""

    source: str
    key: str
    state: str
    code: str | None
    call: CallKey | None
    waited_seconds: float
    is_made: bool = False  # its media is converted or put together, so that it is no file that was given


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What must come out of a scene.

    calls: the SHA-256 of each call's media, None where the bridge makes it (conversion, several files in one).
    persons: how many recordings are to be held for a person. pauses: whether the bridge is to pause. keeps_attempts:
    whether none may be spent.
    """

    calls: Mapping[CallKey, str | None]
    persons: int = 0
    pauses: bool = False
    keeps_attempts: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a scene left. given: (source, key) -> the SHA-256 of each recording that was handed over.

    left_lying: copies of delivered recordings that `after_upload` should have taken away; missing_copies: copies that
    are gone although they should lie there. played: how often the trouble was met; None: there is none to meet.
    """

    arrivals: Sequence[Arrival]
    ended: Sequence[Ended]
    given: Mapping[tuple[str, str], str]
    attempts: int
    paused: bool
    played: int | None
    left_lying: Sequence[str] = ()
    missing_copies: Sequence[str] = ()
    in_time: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """arrived: calls that are there once and whole. held: (source, key, code) of what needs a person."""

    arrived: int
    expected: int
    held: Sequence[tuple[str, str, str]]
    wrong: Sequence[str] = field(default_factory=tuple)

    @property
    def fine(self) -> bool:
        """Whether all came out as it must."""
        return not self.wrong


NEED_A_PERSON = ("held", "rejected")


def quiet_day(seen: Seen) -> dict[CallKey, str | None]:
    """The calls that the given recordings become when nothing is wrong: what every other scene must bring too."""
    made = {one.call for one in seen.ended if one.is_made}
    of_given = set(seen.given.values())
    calls: dict[CallKey, str | None] = {}
    for one in seen.ended:
        if one.call is None or one.state != "done":
            continue
        own = seen.given.get((one.source, one.key))
        calls[one.call] = None if one.call in made or own not in of_given else own
    return calls


def judge(seen: Seen, wanted: Wanted) -> Verdict:
    """Everything that is wrong, in words for a person; nothing when the scene came out as it must."""
    held = [(one.source, one.key, one.code or one.state) for one in seen.ended if one.state in NEED_A_PERSON]
    wrong = [*_of_recordings(seen), *_of_calls(seen, wanted)]
    if len(held) != wanted.persons:
        codes = ", ".join(f"{count} {code}" for code, count in Counter(code for _, _, code in held).items())
        wrong.append(f"{_recordings(len(held))} held for a person ({codes or 'none'}), {wanted.persons} expected")
    if wanted.pauses and not seen.paused:
        wrong.append("the bridge did not pause")
    if wanted.keeps_attempts and seen.attempts:
        wrong.append(f"{seen.attempts} attempts were spent on a trouble that is no recording's fault")
    if seen.played == 0:
        wrong.append("the trouble was never met, so nothing is proven")
    if not seen.in_time:
        wrong.append("not finished in time")
    arrived = sum(not _trouble_of(one, seen, wanted) for one in wanted.calls)
    return Verdict(arrived=arrived, expected=len(wanted.calls), held=held, wrong=tuple(wrong))


def _of_recordings(seen: Seen) -> Iterable[str]:
    known = {(one.source, one.key) for one in seen.ended}
    lost = sum(one not in known for one in seen.given)
    if lost:
        yield f"{_recordings(lost)} never found by the bridge"
    unsent = sum(one.state in ("found", "drafted", "created", "delivered") for one in seen.ended)
    if unsent:
        yield f"{_recordings(unsent)} still not done"
    if seen.left_lying:
        yield f"after_upload: {_recordings(len(seen.left_lying))} still there after the delivery"
    if seen.missing_copies:
        yield f"after_upload: {_recordings(len(seen.missing_copies))} taken away without being delivered"


def _of_calls(seen: Seen, wanted: Wanted) -> Iterable[str]:
    troubles = Counter(trouble for one in wanted.calls if (trouble := _trouble_of(one, seen, wanted)))
    excused = wanted.persons
    for trouble, count in sorted(troubles.items()):
        if trouble in (_NO_CALL, _NO_MEDIA) and excused:
            excused, count = max(0, excused - count), max(0, count - excused)
        if count:
            yield f"{count} {'call' if count == 1 else 'calls'} {trouble}"
    strangers = {one.key for one in seen.arrivals} - set(wanted.calls)
    if strangers:
        yield f"{len(strangers)} calls that nobody expected"


_NO_CALL = "did not arrive"
_NO_MEDIA = "without a recording"


def _trouble_of(key: CallKey, seen: Seen, wanted: Wanted) -> str:
    """What is wrong with one call; empty: it is there once, with the right recording, once."""
    arrived = [one for one in seen.arrivals if one.key == key]
    if not arrived:
        return _NO_CALL
    if len(arrived) > 1:
        return "arrived more than once"
    if arrived[0].sha256 is None:
        return _NO_MEDIA
    if arrived[0].puts != 1:
        return "whose recording was sent more than once"
    expected = wanted.calls[key]
    if expected is not None and arrived[0].sha256 != expected:
        return "with another recording than was given"
    return ""


def _recordings(count: int) -> str:
    return f"{count} {'recording' if count == 1 else 'recordings'}"
