"""The implementation against the slow reading of SCORING.md in `oracle.py`, on random rubrics."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from graders.scoring import NOT_APPLICABLE, UNGRADED, AnswerScore, LeafState, plan_rubric, score_answer
from rubrics import Rubric
from tests.graders.oracle import HALF, State, completions_of, leaves_of, scale_credits, score_exactly
from tests.graders.oracle import NOT_APPLICABLE as NA
from tests.graders.oracle import UNGRADED as UN

TRIES = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
ENDS = "graders.scoring.bounds.MAX_COMPLETIONS"
HAIR = 1e-12


# --- random rubrics ---

POINTS = [1, 2, 3, 5, 10, 0.5, 0.1, -1, -2, -4, -8, -0.25]
CREDITS = [0, 0.25, 0.5, 0.75, 1]
SCALES: list[dict[str, Any]] = [
    {"type": "binary"},
    {"type": "ordinal", "options": [{"label": "bad"}, {"label": "middling"}, {"label": "good"}]},
    {"type": "ordinal", "options": [{"label": "no", "credit": 0.25}, {"label": "yes", "credit": 0.75}]},
    {
        "type": "nominal",
        "options": [{"label": "a", "credit": 1}, {"label": "b", "credit": 0}, {"label": "c", "credit": 1}],
    },
    {"type": "nominal", "options": [{"label": "fine", "credit": 0.75}, {"label": "best", "credit": 1}]},
    {"type": "number", "min": -1, "max": 3},
    {"type": "count", "max_count": 4},
]


@dataclass(frozen=True)
class Case:
    """A rubric's JSON and what each of its leaves stands at."""

    rubric: dict[str, Any]
    states: dict[str, State]

    def scored(self) -> AnswerScore:
        """What the implementation says."""
        marks: dict[Any, LeafState] = {NA: NOT_APPLICABLE, UN: UNGRADED}
        states = [self.states[leaf["id"]] for leaf in leaves_of(self.rubric["criteria"])]
        plan = plan_rubric(Rubric.model_validate(self.rubric))
        return score_answer(plan, [marks[state] if state in marks else float(state) for state in states])

    @property
    def completions(self) -> list[dict[str, State]]:
        """Every completion that the oracle goes through, before conditions."""
        leaves = {leaf["id"]: leaf for leaf in leaves_of(self.rubric["criteria"])}
        return list(completions_of(leaves, self.states))


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    most_leaves: int = 6,
    depth: int = 3,
    conditions: bool = True,
    gates: bool = True,
    most_completions: int = 256,
    fully_judged: bool | None = None,
) -> Case:
    """A rubric that `check` accepts, with a state for each leaf: its scale's credits, not applicable or ungraded.

    `fully_judged` False makes at least one leaf ungraded, True none; None leaves it open.
    """
    count = draw(st.integers(1, most_leaves))
    leaves = [_leaf(draw, number, gates=gates) for number in range(count)]
    if conditions:
        _hang_conditions(draw, leaves)
    nodes = _in_groups(draw, leaves, depth, [0])
    all_negative = all(node["points"] < 0 for node in nodes)
    one_minus = all_negative or draw(st.integers(0, 9)) == 0
    normalize = draw(st.sampled_from(["positive", "positive", "range", "sum"]))
    scoring = {
        "normalize": normalize,
        "clip": "none" if normalize == "sum" else draw(st.sampled_from(["none", "mean", "answer"])),
        "all_negative": "one_minus" if one_minus else "undefined",
        "min_coverage": draw(st.sampled_from([1, 1, 0.75, 0.5, 0.25, 0])),
    }
    rubric = {"id": "r", "criteria": nodes, "scoring": scoring}
    states: dict[str, State] = {}
    ungraded = 1
    never_judged = draw(st.integers(0, count - 1)) if fully_judged is False else None
    for number, leaf in enumerate(leaves):
        credits = scale_credits(leaf)
        marks = [NA] if fully_judged else [NA, UN, UN]
        state = UN if number == never_judged else draw(st.sampled_from([*credits, *credits, HALF, *marks]))
        if state is UN:
            ungraded *= len(credits) + 1
            state = state if ungraded <= most_completions or number == never_judged else credits[0]
        states[leaf["id"]] = state
    return Case(rubric, states)


def _leaf(draw: st.DrawFn, number: int, *, gates: bool) -> dict[str, Any]:
    leaf: dict[str, Any] = {"id": f"c{number}", "criterion": "x", "points": draw(st.sampled_from(POINTS))}
    scale = draw(st.sampled_from([SCALES[0], SCALES[0], *SCALES]))
    if scale["type"] != "binary":
        leaf["scale"] = scale
    if gates and scale["type"] not in ("number", "count") and draw(st.integers(0, 3)) == 0:
        cap = draw(st.sampled_from([0, 0.25, 0.5, -0.5, 1, 3]))
        leaf["gate"] = {"when": draw(st.sampled_from(["met", "unmet"])), "cap": cap}
    if draw(st.integers(0, 3)) == 0:
        leaf["may_not_apply"] = True
    tags = [tag for tag in ("t", "u") if draw(st.booleans())]
    if tags:
        leaf["tags"] = tags
    return leaf


def _hang_conditions(draw: st.DrawFn, leaves: list[dict[str, Any]]) -> None:
    ranked = draw(st.permutations(leaves))
    for rank, leaf in enumerate(ranked):
        can_decide = [other for other in ranked[:rank] if other.get("scale", {}).get("type") not in ("number", "count")]
        if can_decide and draw(st.integers(0, 2)) == 0:
            target = draw(st.sampled_from(can_decide))
            leaf["depends_on"] = {"criterion": target["id"], "when": draw(st.sampled_from(["met", "unmet"]))}


def _in_groups(draw: st.DrawFn, nodes: list[dict[str, Any]], depth: int, counter: list[int]) -> list[dict[str, Any]]:
    """Wrap random stretches of the nodes in groups, to the depth given; never only negative leaves."""
    if depth <= 1:
        return nodes
    result: list[dict[str, Any]] = []
    start = 0
    while start < len(nodes):
        end = draw(st.integers(start + 1, len(nodes)))
        stretch = nodes[start:end]
        if draw(st.booleans()) and any(node["points"] > 0 for node in stretch):
            counter[0] += 1
            name = f"g{counter[0]}"
            points = draw(st.sampled_from([1, 2, 3, 6, 0.5]))
            result.append({"id": name, "points": points, "children": _in_groups(draw, stretch, depth - 1, counter)})
        else:
            result.extend(stretch)
        start = end
    return result


# --- the claims ---


def same(got: float | None, wanted: Fraction | None) -> bool:
    if got is None or wanted is None:
        return got is None and wanted is None
    return abs(got - float(wanted)) <= HAIR


@settings(TRIES, max_examples=700)
@given(cases())
def test_every_figure_of_an_answer_is_what_the_text_says(case: Case) -> None:
    got, wanted = case.scored(), score_exactly(case.rubric, case.states)

    for figure in ("score", "judged_only", "ungated", "low", "high"):
        assert same(getattr(got, figure), getattr(wanted, figure)), figure
    assert got.exact
    assert got.defined == (wanted.low is not None)
    if got.reason == "nothing_judged":
        assert wanted.reason == "nothing_applies"
    else:
        assert got.reason == wanted.reason
    if wanted.coverage is not None:
        assert same(got.coverage, wanted.coverage)
    event(f"reason {(got.reason or 'none').split(':')[0]}")


@settings(TRIES, max_examples=400)
@given(cases(most_leaves=5))
def test_every_figure_of_a_tag_is_what_the_text_says(case: Case) -> None:
    got = {tag: value for tag, value in case.scored().tags.items() if not value.absent}
    wanted = score_exactly(case.rubric, case.states).tags

    assert set(got) == set(wanted)
    for tag, exact in wanted.items():
        for figure in ("score", "judged_only", "low", "high"):
            assert same(getattr(got[tag], figure), getattr(exact, figure)), (tag, figure)
        assert got[tag].defined == (exact.low is not None)
        if exact.coverage is not None:
            assert same(got[tag].coverage, exact.coverage)


@settings(TRIES, max_examples=350)
@given(cases(fully_judged=False))
def test_outer_bounds_never_lie_inside_the_exact_ones(case: Case) -> None:
    exact = score_exactly(case.rubric, case.states)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ENDS, 0)
        outer = case.scored()

    if exact.low is not None and exact.high is not None:
        assert outer.low is not None and outer.high is not None
        assert outer.low <= float(exact.low) + HAIR
        assert outer.high >= float(exact.high) - HAIR
        event("as tight as exact" if same(outer.low, exact.low) and same(outer.high, exact.high) else "looser")
    for tag, bounds in exact.tags.items():
        if bounds.low is not None and bounds.high is not None:
            low, high = outer.tags[tag].low, outer.tags[tag].high
            assert low is not None and low <= float(bounds.low) + HAIR
            assert high is not None and high >= float(bounds.high) - HAIR


@settings(TRIES, max_examples=150)
@given(cases(fully_judged=False))
def test_whether_bounds_are_outer_changes_no_other_figure(case: Case) -> None:
    exact = case.scored()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ENDS, 0)
        outer = case.scored()
    for figure in ("score", "judged_only", "ungated", "coverage", "reason", "ungraded", "any_judged"):
        assert getattr(outer, figure) == getattr(exact, figure)
    if outer.ungraded and outer.low is not None:
        assert not outer.exact


@settings(TRIES, max_examples=150)
@given(cases(most_leaves=5, fully_judged=False))
def test_the_score_of_every_completion_lies_within_the_bounds_and_both_ends_are_reached(case: Case) -> None:
    """The same claim without the oracle's arithmetic: every completion is scored by the implementation itself."""
    bounds = case.scored()
    answers = [Case(case.rubric, states).scored() for states in case.completions]
    reached = [answer.score for answer in answers if answer.score is not None]

    assert all(answer.ungraded == 0 for answer in answers)
    assert (bounds.low is None) == (bounds.high is None) == (not reached)
    if reached:
        assert bounds.low == pytest.approx(min(reached), abs=HAIR)
        assert bounds.high == pytest.approx(max(reached), abs=HAIR)
