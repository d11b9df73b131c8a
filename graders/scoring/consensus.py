"""One verdict of several: the votes of a group on one leaf become one state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from graders.scoring.plan import LeafScale
from graders.scoring.tree import NOT_APPLICABLE, UNGRADED, LeafState

Policy = Literal["majority", "unanimous", "mean", "adjudicated"]

JUDGED, DOES_NOT_APPLY = 0, 1
"""What a vote says first; abstained and failed verdicts are no votes."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One judged verdict, or one that says the criterion does not apply."""

    says: int
    value: float = 0.0
    """Met 1 or 0, an option's index, or the number."""
    ruling: tuple[str, int, str] | None = None
    """When a ruling was made (time, repeat, grader: the latest wins); None for an ordinary verdict."""


def agree(votes: Sequence[Vote], *, scale: LeafScale, points: float, policy: Policy) -> LeafState:
    """The state of a leaf by the votes on it.

    First a majority on whether it applies (a tie leaves it ungraded), then the policy among those who judged. Worked
    number: met, met, not met is met by `majority` (credit 1), ungraded by `unanimous`, and credit 2/3 by `mean`.
    """
    if policy == "adjudicated":
        rulings = [vote for vote in votes if vote.ruling is not None]
        if rulings:
            last = max(rulings, key=lambda vote: vote.ruling or ("", 0, ""))
            return scale.credit(last.value) if last.says == JUDGED else NOT_APPLICABLE
        policy = "majority"
    judged = [vote.value for vote in votes if vote.says == JUDGED]
    waived = len(votes) - len(judged)
    if waived > len(judged):
        return NOT_APPLICABLE
    if waived == len(judged):
        return UNGRADED
    if policy == "mean":
        return fsum(scale.credit(value) for value in judged) / len(judged)
    if policy == "unanimous":
        return scale.credit(judged[0]) if len(set(judged)) == 1 else UNGRADED
    return scale.credit(_majority(judged, scale=scale, points=points))


def _majority(judged: Sequence[float], *, scale: LeafScale, points: float) -> float:
    """Most votes (binary, nominal) or the median (the others); what is tied lowers the score."""

    def lowers(value: float) -> float:
        return scale.credit(value) if points > 0 else -scale.credit(value)

    if scale.kind in ("binary", "nominal"):
        counts = Counter(judged)
        most = max(counts.values())
        return min((value for value, count in counts.items() if count == most), key=lambda v: (lowers(v), v))
    ordered = sorted(judged)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return min(ordered[middle - 1], ordered[middle], key=lambda v: (lowers(v), v))
