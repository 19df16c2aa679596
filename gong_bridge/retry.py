"""When to try again: pure arithmetic, no clock, no random source of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """Exponential back-off with a cap: with the defaults 40 attempts reach over about 30 hours."""

    first_wait_seconds: float = 2.0
    factor: float = 2.0
    longest_wait_seconds: float = 3600.0
    max_attempts: int = 40


def next_wait_seconds(
    policy: RetryPolicy, *, attempts: int, asked_seconds: float | None = None, jitter: float = 0.0
) -> float | None:
    """How long to wait after `attempts` spent attempts, or None when they are used up.

    `asked_seconds` is what the other side asked for (Retry-After) and wins over a shorter back-off, up to the cap.
    `jitter` in [0, 1) shortens the wait by up to a quarter: entries that failed together do not return together.
    """
    if attempts >= policy.max_attempts:
        return None
    exponent = min(max(attempts, 1) - 1, 64)
    backoff = min(policy.first_wait_seconds * policy.factor**exponent, policy.longest_wait_seconds)
    backoff *= 1.0 - 0.25 * jitter
    if asked_seconds is not None:
        backoff = max(backoff, min(asked_seconds, policy.longest_wait_seconds))
    return backoff
