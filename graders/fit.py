"""Whether a verdict fits what was asked: its criterion, its scale, and the state in which both were judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graders.judgment import Judgment, Verdict
from graders.scoring import LeafScale, leaf_scale
from rubrics import Example, did_you_mean

Problem = tuple[str, str]
"""A JSON path and a message."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A verdict as a number of its leaf's scale, or what is wrong with it."""

    value: float = 0.0
    """Met 1 or 0, an option's index, or the number; 0 where nothing was judged."""
    problem: Problem | None = None


def fit_verdict(verdict: Verdict, scale: LeafScale) -> Fit:
    """Read a verdict on a scale; a count above its most counts as the most, all else outside is a problem."""
    if verdict.status != "judged":
        return Fit()
    wanted = {"binary": "met", "ordinal": "option", "nominal": "option"}.get(scale.kind, "value")
    got = next(name for name in ("met", "option", "value") if getattr(verdict, name) is not None)
    if got != wanted:
        return Fit(
            problem=(
                f"$.{got}",
                f"got {got!r}, expected {wanted!r}: {verdict.criterion_id!r} has the scale {scale.kind!r}",
            )
        )
    if verdict.met is not None:
        return Fit(1.0 if verdict.met else 0.0)
    if verdict.option is not None:
        if verdict.option in scale.labels:
            return Fit(float(scale.labels.index(verdict.option)))
        hint = did_you_mean(verdict.option, scale.labels)
        label = f"got {verdict.option!r}, expected a label of {verdict.criterion_id!r}{hint}"
        return Fit(problem=("$.option", label))
    return _fit_number(float(verdict.value or 0.0), scale)


def _fit_number(value: float, scale: LeafScale) -> Fit:
    if scale.kind == "count":
        if value < 0 or value != int(value):
            return Fit(problem=("$.value", f"got {value:g}, expected a whole number from 0 up"))
        return Fit(min(value, scale.width))
    end = scale.end
    if not scale.start <= value <= end:
        return Fit(problem=("$.value", f"got {value:g}, expected a number from {scale.start:g} to {end:g}"))
    return Fit(value)


def stale_problems(judgment: Judgment, *, criterion_hash: str, answer_hash: str) -> Iterator[Problem]:
    """What has changed since the verdict was given, by the hashes it carries; it cannot be credited then."""
    if judgment.criterion_hash is not None and judgment.criterion_hash != criterion_hash:
        yield (
            "$.criterion_hash",
            f"got {judgment.criterion_hash!r}, expected {criterion_hash!r}: the criterion {judgment.criterion_id!r} "
            "has changed since it was judged; judge it again",
        )
    if judgment.answer_hash is not None and judgment.answer_hash != answer_hash:
        yield (
            "$.answer_hash",
            f"got {judgment.answer_hash!r}, expected {answer_hash!r}: the prompt or the answer has changed since it "
            "was judged; judge it again",
        )


def judgment_problems(judgment: Judgment, example: Example, answer_hash: str) -> Iterator[Problem]:
    """Everything in which a judgment does not fit its example and answer."""
    leaf = example.rubric.leaf_by_id.get(judgment.criterion_id)
    if leaf is None:
        yield unknown_criterion(judgment.criterion_id, example.id, list(example.rubric.leaf_by_id))
        return
    criterion_hash = example.rubric.criterion_hashes[leaf.id]
    yield from stale_problems(judgment, criterion_hash=criterion_hash, answer_hash=answer_hash)
    if (problem := fit_verdict(judgment, leaf_scale(leaf.criterion)).problem) is not None:
        yield problem


def unknown_criterion(criterion_id: str, example_id: str, known: list[str]) -> Problem:
    """The problem of a criterion that the example's rubric does not have."""
    return (
        "$.criterion_id",
        f"got {criterion_id!r}, expected a criterion of {example_id!r}{did_you_mean(criterion_id, known)}",
    )
