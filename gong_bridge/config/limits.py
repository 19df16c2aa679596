"""What Gong allows the company, and what of it is this bridge's: the options below gong.limits."""

from __future__ import annotations

from pydantic import Field, model_validator

from gong_bridge.config.options import Options
from gong_bridge.config.units import Share
from gong_bridge.strict_yaml import MistakeAt


class Reserve(Options):
    """reserve: 20%, or reserve: {calls_per_second: 1, calls_per_day: 4000}"""

    share: Share = 0.0
    """Of both limits; `reserve: 20%` says the same."""
    calls_per_second: float = Field(default=0, ge=0)
    """API calls a second that are left to others."""
    calls_per_day: int = Field(default=0, ge=0)
    """API calls in any 24 hours that are left to others."""

    @model_validator(mode="before")
    @classmethod
    def _share_alone(cls, value: object) -> object:
        return {"share": value} if isinstance(value, str) else value


class Limits(Options):
    """Gong's allowance for the whole company (G4)."""

    calls_per_second: float = Field(default=3, gt=0, le=1_000_000)
    """API calls a second that Gong allows this company."""
    calls_per_day: int = Field(default=10_000, gt=0)
    """API calls in any 24 hours that Gong allows this company."""
    reserve: Reserve = Reserve()
    """Left to the company's other integrations: a share of both limits such as 20%, or so many calls of each."""
    kept_for_live: Share = 0.2
    """What old recordings leave of the bridge's day to new calls; more when those took more in the last 24 hours."""

    @property
    def our_calls_per_second(self) -> float:
        """What of it is the bridge's."""
        return self.calls_per_second * (1 - self.reserve.share) - self.reserve.calls_per_second

    @property
    def our_calls_per_day(self) -> int:
        """What of it is the bridge's."""
        return round(self.calls_per_day * (1 - self.reserve.share)) - self.reserve.calls_per_day

    @model_validator(mode="after")
    def _check_reserve(self) -> Limits:
        if self.our_calls_per_second <= 0 or self.our_calls_per_day < 1:
            raise MistakeAt("nothing is left for the bridge itself; reserve less than the limits", "reserve")
        return self
