"""What a rubric can score before any answer is there: shares of the points, the ends of the score, typical answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

from graders.grader import Task
from graders.rules import check_met
from graders.scoring import UNGRADED, LeafState, ScoringPlan, bound, plan_rubric, score_answer
from graders.scoring.tree import resolve_conditions
from rubrics import Answer, Criterion, Example, Group, Rubric

CONVERSATION = "(here stands the prompt of an example)"
ANSWER = "(here stands the answer to judge)"


@dataclass(frozen=True, slots=True)
class PreviewNode:
    """A criterion or a group with its weight in the whole."""

    node: Criterion | Group
    depth: int
    """How many groups are around it."""
    path: str
    """Its JSON path in the rubric."""
    effective: float
    """Its points × Π over its groups (group's points / Σ positive points in it), where every criterion applies."""
    share: float
    """`effective` as a share of all positive points (of all points, where none is positive)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kind of answer gets."""

    name: str
    """`best`, `everything`, `empty` or `worst`."""
    score: float | None
    """With the gates."""
    ungated: float | None
    """Without them."""
    reason: str | None
    """Why there is no score."""
    capped_by: tuple[str, ...]
    """The criteria whose gate lowers the score."""
    credited: tuple[str, ...]
    """The criteria that apply and have a credit above 0."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The least and the greatest score that any answer can get; None where no answer has a score."""

    least: float | None
    greatest: float | None
    exact: bool
    """False where the rubric has too many conditions to try: the score lies within, the ends may not be reached."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rubric can score."""

    nodes: tuple[PreviewNode, ...]
    """The tree in reading order."""
    gated: Extent
    ungated: Extent
    outcomes: tuple[Outcome, ...]

    def outcome(self, name: str) -> Outcome:
        """The outcome of that name."""
        return next(outcome for outcome in self.outcomes if outcome.name == name)


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """What a judge is sent for one criterion."""

    criterion_id: str
    messages: tuple[dict[str, str], ...]


def preview_rubric(rubric: Rubric) -> Preview:
    """What a rubric can score.

    >>> rubric = Rubric(id="r", criteria=[{"criterion": "Names the drug", "points": 6},
    ...                                   {"criterion": "Invents a dose", "points": -3}])
    >>> preview = preview_rubric(rubric)
    >>> preview.gated.least, preview.outcome("everything").score
    (-0.5, 0.5)
    """
    plan = plan_rubric(rubric)
    return Preview(
        nodes=tuple(_weighed(rubric)),
        gated=_extent(plan),
        ungated=_extent(replace(plan, gates={})),
        outcomes=tuple(_outcome(plan, name, states) for name, states in _answers(rubric, plan)),
    )


def build_judge_prompt(rubric: Rubric, example: Example | None = None) -> JudgePrompt | None:
    """What a judge is sent for the rubric's first criterion; None where rules decide them all.

    Without an example, a line in brackets stands where its prompt would be; the answer is always such a line.
    """
    from graders.model.prompt import Prompt
    from graders.model.template import judge_template

    asked = next((leaf for leaf in rubric.leaves if leaf.criterion.check is None), None)
    if asked is None:
        return None
    if example is None:
        shown = Example(id="example", prompt=CONVERSATION, rubric=rubric)
    else:
        shown = example.model_copy(update={"rubric": rubric})
    task = Task(shown, Answer(example_id=shown.id, model="answerer", text=ANSWER), (asked.criterion,))
    return JudgePrompt(asked.id, Prompt.of(task, judge_template()).messages)


def _weighed(rubric: Rubric) -> Iterator[PreviewNode]:
    positive = fsum(node.points for node in rubric.criteria if node.points > 0)
    total = positive or fsum(abs(node.points) for node in rubric.criteria)

    def walk(nodes: Sequence[Criterion | Group], factor: float, depth: int, path: str) -> Iterator[PreviewNode]:
        for index, node in enumerate(nodes):
            effective = node.points * factor
            here = f"{path}[{index}]"
            yield PreviewNode(node, depth, here, effective, effective / total)
            if isinstance(node, Group):
                inner = fsum(child.points for child in node.children if child.points > 0)
                yield from walk(node.children, effective / inner, depth + 1, f"{here}.children")

    yield from walk(rubric.criteria, 1.0, 0, "$.criteria")


def _extent(plan: ScoringPlan) -> Extent:
    bounds = bound(replace(plan, tags={}), [UNGRADED] * len(plan.ids))
    return Extent(bounds.score.low, bounds.score.high, bounds.exact)


def _answers(rubric: Rubric, plan: ScoringPlan) -> Iterator[tuple[str, list[LeafState]]]:
    """Typical answers, each as the leaves' own credits before conditions."""
    leaves = range(len(plan.ids))
    most: list[LeafState] = [plan.scale(leaf).most for leaf in leaves]
    least: list[LeafState] = [plan.scale(leaf).least for leaf in leaves]
    yield "best", [most[leaf] if plan.points[leaf] > 0 else least[leaf] for leaf in leaves]
    yield "everything", most
    empty = list(least)
    for place, leaf in enumerate(rubric.leaves):
        if leaf.criterion.check is not None:
            empty[place] = float(check_met(leaf.criterion.check, ""))
    yield "empty", empty
    yield "worst", [least[leaf] if plan.points[leaf] > 0 else most[leaf] for leaf in leaves]


def _outcome(plan: ScoringPlan, name: str, own: list[LeafState]) -> Outcome:
    scored = score_answer(plan, own)
    states = resolve_conditions(plan, own)
    credits = {leaf: state for leaf, state in enumerate(states) if isinstance(state, float)}
    capped_by: tuple[str, ...] = ()
    if scored.score is not None and scored.ungated is not None and scored.score < scored.ungated:
        firing = {leaf: gate.cap for leaf, gate in plan.gates.items() if leaf in credits and gate.fires(credits[leaf])}
        lowest = min(firing.values())
        capped_by = tuple(plan.ids[leaf] for leaf, cap in sorted(firing.items()) if cap == lowest)
    credited = tuple(plan.ids[leaf] for leaf, credit in credits.items() if credit > 0)
    return Outcome(name, scored.score, scored.ungated, scored.reason, capped_by, credited)


def preview_json(preview: Preview) -> dict[str, Any]:
    """The preview as one JSON object; numbers in full precision, what is missing null with its reason."""
    return {
        "nodes": [
            {
                "id": node.node.id,
                "path": node.path,
                "kind": "group" if isinstance(node.node, Group) else "criterion",
                "points": node.node.points,
                "effective_points": node.effective,
                "share": node.share,
            }
            for node in preview.nodes
        ],
        "score": {
            name: {"least": extent.least, "greatest": extent.greatest, "bounds": "exact" if extent.exact else "outer"}
            for name, extent in (("gated", preview.gated), ("ungated", preview.ungated))
        },
        "answers": {
            outcome.name: {
                "score": outcome.score,
                "ungated": outcome.ungated,
                "reason": outcome.reason,
                "capped_by": list(outcome.capped_by),
                "credited": list(outcome.credited),
            }
            for outcome in preview.outcomes
        },
    }
