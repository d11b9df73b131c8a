"""How the points are spread: outliers, one criterion above all others, nothing that costs points."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from rubrics.lint.advice import Advice
from rubrics.lint.words import Wording
from rubrics.rubric import Leaf, Rubric

_FEW = 4
_FAR = 5
_MANY = 40
_HEALTHBENCH_MOST = 10


def spread_of_points(rubric: Rubric) -> Iterator[Advice]:
    """What stands out among the criteria that are scored together, at every level of the tree."""
    together: dict[tuple[str, ...], list[Leaf]] = {}
    for leaf in rubric.leaves:
        together.setdefault(tuple(group.id for group in leaf.groups), []).append(leaf)
    for siblings in together.values():
        positive = [leaf.criterion.points for leaf in siblings if leaf.criterion.points > 0]
        total, count = math.fsum(positive), len(positive)
        sizes = sorted(abs(leaf.criterion.points) for leaf in siblings)
        usual = statistics.median(sizes)
        for leaf in siblings:
            points = leaf.criterion.points
            if leaf.criterion.gate is not None:
                continue  # the author has said that this one decides
            if points > 0 and count >= _FEW and points > total - points:
                yield _outweighs(leaf, total - points)
            elif points < 0 and count >= _FEW - 1 and -points > total:
                yield _outweighs(leaf, total)
            elif len(sizes) > _FEW and abs(points) == sizes[-1] >= max(_FAR * usual, 2 * sizes[-2]):
                yield _outlier(leaf, usual)


def _outweighs(leaf: Leaf, others: float) -> Advice:
    points = leaf.criterion.points
    if points > 0:
        message = (
            f"earns {points:g} points, more than all its siblings together ({others:g}): they cannot make up for it"
        )
        fix = 'say so if it is a must ("gate": {"when": "unmet", "cap": 0.3}), or split it into parts met one by one'
    else:
        message = f"costs {-points:g} points, and all its siblings together earn {others:g}: this fault alone decides"
        fix = 'say so if it is a veto ("gate": {"when": "met", "cap": 0}), or take fewer points'
    return Advice("outweighs", f"{leaf.path}.points", message, fix, (leaf.id,))


def _outlier(leaf: Leaf, usual: float) -> Advice:
    message = f"{leaf.criterion.points:g} points where its siblings have about {usual:g}: they hardly move the score"
    fix = "check for a slip of the key, or spread the weight over criteria of their own"
    return Advice("weight-outlier", f"{leaf.path}.points", message, fix, (leaf.id,))


def points_range(rubric: Rubric) -> Iterator[Advice]:
    """Points that HealthBench's range of −10 … 10 does not hold; one advice for the rubric."""
    beyond = [leaf for leaf in rubric.leaves if abs(leaf.criterion.points) > _HEALTHBENCH_MOST]
    if beyond:
        first = beyond[0]
        message = (
            f"{first.criterion.points:g} points; {len(beyond)} of {len(rubric.leaves)} criteria lie outside of "
            "−10 … 10. Only the ratios count for the score, but readers compare rubrics on that scale"
        )
        fix = "divide all points of the rubric by one number"
        yield Advice("points-range", f"{first.path}.points", message, fix, (first.id,))


def no_negative(rubric: Rubric, wordings: Sequence[Wording]) -> Iterator[Advice]:
    """A rubric by which an answer may say anything else besides; grades on a scale weigh faults by themselves."""
    if sum(wording.leaf.criterion.scale.type == "binary" for wording in wordings) * 2 < len(wordings):
        return
    if not _FEW <= len(wordings) <= _MANY or any(wording.is_fault or wording.forbids for wording in wordings):
        return
    yield Advice(
        "no-negative",
        "$.criteria",
        f"none of the {len(wordings)} criteria costs points: an answer that says everything, right and wrong, loses "
        "nothing",
        "add the fault that an expert would fear most, worded as the fault and with negative points",
    )
