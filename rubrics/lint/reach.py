"""Gates, conditions and points that no answer can reach, whatever it says."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rubrics.criterion import NominalScale, OrdinalScale
from rubrics.lint.advice import Advice
from rubrics.rubric import Leaf, Rubric

_HALF = 0.5


def unreachable(rubric: Rubric) -> Iterator[Advice]:
    """Everything in the rubric that cannot come to pass."""
    for leaf in rubric.leaves:
        yield from _points_out_of_reach(leaf)
        yield from _gate(rubric, leaf)
        yield from _condition(rubric, leaf)


def gate_sign(rubric: Rubric) -> Iterator[Advice]:
    """A gate that caps the answers which the points reward."""
    for leaf in rubric.leaves:
        gate, points = leaf.criterion.gate, leaf.criterion.points
        if gate is None or (gate.when == "met") == (points < 0):
            continue
        what = (
            f"earns {points:g} points when met, and then caps the score at {gate.cap:g}"
            if points > 0
            else f"is a fault ({points:g} points), and caps the score at {gate.cap:g} where it is absent"
        )
        turned = "unmet" if gate.when == "met" else "met"
        yield Advice("gate-sign", f"{leaf.path}.gate.when", what, f'write "when": "{turned}"', (leaf.id,))


def _credits(leaf: Leaf) -> tuple[float, ...]:
    """The credits that a verdict can have on a leaf that may carry a gate or decide a condition."""
    scale = leaf.criterion.scale
    if isinstance(scale, OrdinalScale | NominalScale):
        return scale.credits
    check = leaf.criterion.check
    if check is not None and check.rule == ("min_words", 0):
        return (1.0,)
    return (0.0, 1.0)


def _can_be(leaf: Leaf, when: str, *, gate: bool) -> list[float]:
    """The credits at which the leaf is `when`; a gate fires at exactly one half, a condition then counts as unmet."""
    if when == "met":
        return [credit for credit in _credits(leaf) if credit > _HALF or (gate and credit == _HALF)]
    return [credit for credit in _credits(leaf) if credit <= _HALF]


def _points_out_of_reach(leaf: Leaf) -> Iterator[Advice]:
    scale = leaf.criterion.scale
    if not isinstance(scale, OrdinalScale | NominalScale) or leaf.criterion.points < 0:
        return
    credits = scale.credits
    path = f"{leaf.path}.scale.options"
    if max(credits) == min(credits):
        message = f"every option earns {max(credits):g} of the points: the choice changes nothing"
        yield Advice("unreachable", path, message, "give the options different credits", (leaf.id,))
    elif max(credits) < 1:
        message = f"the best option earns {max(credits):g} of the points: no answer reaches a score of 1"
        yield Advice("unreachable", path, message, "give the best option the credit 1", (leaf.id,))


def _gate(rubric: Rubric, leaf: Leaf) -> Iterator[Advice]:
    gate = leaf.criterion.gate
    if gate is None:
        return
    firing = _can_be(leaf, gate.when, gate=True)
    if not firing:
        message = f"the gate never fires: no verdict on this criterion is {gate.when}"
        yield Advice("unreachable", f"{leaf.path}.gate", message, "change `when`, or the options' credits", (leaf.id,))
        return
    most = max(_most(rubric, leaf, credit) for credit in firing)
    if gate.cap >= most - 1e-12:
        message = (
            f"the gate changes nothing: an answer on which it fires scores {most:g} at most, "
            f"and the cap is {gate.cap:g}"
        )
        fix = "lower the cap below that, or leave the gate out"
        yield Advice("unreachable", f"{leaf.path}.gate.cap", message, fix, (leaf.id,))


def _condition(rubric: Rubric, leaf: Leaf) -> Iterator[Advice]:
    condition = leaf.criterion.depends_on
    if condition is None:
        return
    decides = rubric.leaf_by_id[condition.criterion]
    if not _can_be(decides, condition.when, gate=False):
        message = f"never applies: no verdict on {decides.id!r} is {condition.when}"
        yield Advice(
            "unreachable", f"{leaf.path}.depends_on.when", message, "change `when`, or the options' credits", (leaf.id,)
        )
        return
    gate = decides.criterion.gate
    if gate is not None and gate.when == condition.when and gate.cap <= 0 and leaf.criterion.points > 0:
        message = (
            f"earns nothing: it applies only where {decides.id!r} is {gate.when}, and there its gate caps the score at "
            f"{gate.cap:g}"
        )
        yield Advice(
            "unreachable", f"{leaf.path}.depends_on", message, "raise the cap, or drop the condition", (leaf.id,)
        )


def _most(rubric: Rubric, leaf: Leaf, credit: float) -> float:
    """The most that an answer can score (before caps) where `leaf` has this credit.

    Every other leaf is met if positive and unmet if negative; that all of them apply is the best case, since what
    is left out of the denominator raises the share of this one. Points of 2 and 8, the 8 unmet: 2 / 10 = 0.2.
    """
    lost = _effective(rubric, leaf) * (1 - credit if leaf.criterion.points > 0 else credit)
    positive = math.fsum(node.points for node in rubric.criteria if node.points > 0)
    negative = -math.fsum(node.points for node in rubric.criteria if node.points < 0)
    if rubric.scoring.normalize == "sum":
        return positive - lost
    if positive == 0:
        return 1 - lost / negative
    if rubric.scoring.normalize == "range":
        return (positive + negative - lost) / (positive + negative)
    return 1 - lost / positive


def _effective(rubric: Rubric, leaf: Leaf) -> float:
    """The leaf's points at the root: its own times its groups' share at each level."""
    points = abs(leaf.criterion.points)
    for group in leaf.groups:
        points *= group.points / math.fsum(child.points for child in group.children if child.points > 0)
    return points
