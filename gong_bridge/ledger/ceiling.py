"""What other integrations leave of the allowance, learned from Gong's 429s: down at once, up again slowly; pure."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

FIRST_SHRINK = 0.95
"""What a refusal leaves of the whole share: once in a while two calls meet on the way, and nobody else takes any."""
SHRINK = 0.85
"""What a refusal leaves when the last one is not made up for yet: others call."""
REGAIN_SECONDS = 3600.0
"""How long the way from nothing to the whole share takes; 5 % come back in 3 minutes, 15 % in 9."""
SMALLEST_SHARE = 0.05
"""Some calls go out at any time, or nobody would notice that the others have stopped."""
SAME_BURST_SECONDS = 2.0
"""Calls that were under way together are refused together: that is one refusal."""
CALLS_IN_A_RUN = 8
"""So few calls between two refusals mean that hardly one was let in."""
LASTING_RUN = 12
LASTING_SECONDS = 60.0
"""Refused so often, over so long, although the rate came down to a seventh: the day is used up, not the second."""
LONGEST_BACK_OFF_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceiling:
    """How the last refusals went. Times are seconds of the ledger's clock, 0: never; rates are calls a second.

    rate: what `refused_at` left; it grows from there. tickets: how many calls there had been by then.
    run: refusals with hardly a call between them since `run_since`; rate_before: the rate when the run began.
    """

    rate: float = 0.0
    refused_at: float = 0.0
    tickets: int = 0
    run: int = 0
    run_since: float = 0.0
    rate_before: float = 0.0

    @classmethod
    def from_text(cls, text: str) -> Ceiling:
        """What `to_text` wrote; an empty text: nothing was ever refused."""
        return cls(**json.loads(text)) if text else cls()

    def to_text(self) -> str:
        """As the ledger keeps it."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))

    def rate_at(self, at: float, share: float) -> float:
        """Calls a second that may be made now, of the `share` that is ours by the configuration."""
        if not self.refused_at:
            return share
        # A clock that was set back gains nothing and loses nothing.
        regained = share * max(0.0, at - self.refused_at) / REGAIN_SECONDS
        return min(share, max(self.rate, share * SMALLEST_SHARE) + regained)

    def refused(self, at: float, tickets: int, share: float) -> Ceiling:
        """After a 429 at `at`, when `tickets` calls had been let go."""
        if 0 <= at - self.refused_at < SAME_BURST_SECONDS:
            return self
        rate = self.rate_at(at, share)
        goes_on = self.run > 0 and 0 <= tickets - self.tickets <= CALLS_IN_A_RUN
        run = Ceiling(
            rate=max(rate * (FIRST_SHRINK if rate >= share else SHRINK), share * SMALLEST_SHARE),
            refused_at=at,
            tickets=tickets,
            run=self.run + 1 if goes_on else 1,
            run_since=self.run_since if goes_on else at,
            rate_before=self.rate_before if goes_on else rate,
        )
        # What ends a day says nothing about a second: when the day is over, go on as before.
        return dataclasses.replace(run, rate=run.rate_before) if run.is_lasting else run

    @property
    def is_lasting(self) -> bool:
        """Whether Gong refuses everything for so long that the day must be used up."""
        return self.run >= LASTING_RUN and self.refused_at - self.run_since >= LASTING_SECONDS

    def back_off_seconds(self, asked_seconds: float) -> float:
        """How long to leave Gong alone: as asked; when it lasts, half as long again as it has lasted."""
        if not self.is_lasting:
            return asked_seconds
        return max(asked_seconds, min(LONGEST_BACK_OFF_SECONDS, (self.refused_at - self.run_since) / 2))
