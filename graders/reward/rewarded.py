"""What one completion is worth, and why nothing where it is worth nothing that is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rewarded:
    """One completion's reward; None, never a guess, where judgments are missing."""

    reward: float | None
    """The answer's score; None where it has none."""
    reason: str | None
    """Why there is no reward, such as `low_coverage`; None where there is one."""
    failure: str | None
    """What the first missing judgment failed with, such as `http: HTTP 503 from …`."""
    coverage: float
    """Share of the points that was judged."""
    low: float | None
    """The least score that the missing judgments could lead to."""
    high: float | None
    """The greatest."""

    @property
    def why(self) -> str:
        """The reason with its failure, for people; empty where there is a reward."""
        return " ".join(filter(None, [self.reason, f"({self.failure})" if self.failure else None]))
