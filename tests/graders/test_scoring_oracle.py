"""The implementation against the slow reading of SCORING.md in `oracle.py`, on random rubrics."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from graders.scoring import NOT_APPLICABLE, UNGRADED, AnswerScore, LeafState, plan_rubric, score_answer
from rubrics import Rubric
from tests.graders import oracle
from tests.graders.oracle import Case, cases, leaves_of, score_exactly

TRIES = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
ENDS = "graders.scoring.bounds.MAX_COMPLETIONS"
HAIR = 1e-12


def own_states(case: Case) -> list[LeafState]:
    """The case's states as the implementation takes them: in the order of the leaves."""
    marks: dict[Any, LeafState] = {oracle.NOT_APPLICABLE: NOT_APPLICABLE, oracle.UNGRADED: UNGRADED}
    states = [case.states[leaf["id"]] for leaf in leaves_of(case.rubric["criteria"])]
    return [marks[state] if state in marks else float(state) for state in states]


def scored(case: Case) -> AnswerScore:
    return score_answer(plan_rubric(Rubric.model_validate(case.rubric)), own_states(case))


def same(got: float | None, wanted: Fraction | None) -> bool:
    if got is None or wanted is None:
        return got is None and wanted is None
    return abs(got - float(wanted)) <= HAIR


@settings(TRIES, max_examples=700)
@given(cases())
def test_every_figure_of_an_answer_is_what_the_text_says(case: Case) -> None:
    got, wanted = scored(case), score_exactly(case.rubric, case.states)

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
    got = {tag: value for tag, value in scored(case).tags.items() if not value.absent}
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
        outer = scored(case)

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
    exact = scored(case)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ENDS, 0)
        outer = scored(case)
    for figure in ("score", "judged_only", "ungated", "coverage", "reason", "ungraded", "any_judged"):
        assert getattr(outer, figure) == getattr(exact, figure)
    if outer.ungraded and outer.low is not None:
        assert not outer.exact


@settings(TRIES, max_examples=150)
@given(cases(most_leaves=5, fully_judged=False))
def test_the_score_of_every_completion_lies_within_the_bounds_and_both_ends_are_reached(case: Case) -> None:
    """The same claim without the oracle's arithmetic: every completion is scored by the implementation itself."""
    bounds = scored(case)
    plan = plan_rubric(Rubric.model_validate(case.rubric))
    answers = [score_answer(plan, own_states(Case(case.rubric, states))) for states in case.completions]
    reached = [answer.score for answer in answers if answer.score is not None]

    assert all(answer.ungraded == 0 for answer in answers)
    assert (bounds.low is None) == (bounds.high is None) == (not reached)
    if reached:
        assert bounds.low == pytest.approx(min(reached), abs=HAIR)
        assert bounds.high == pytest.approx(max(reached), abs=HAIR)
