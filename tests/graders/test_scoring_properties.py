"""What must hold of every rubric, tried on random ones."""

from __future__ import annotations

import dataclasses
import random
from math import fsum
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graders.scoring import NOT_APPLICABLE, UNGRADED, AnswerScore, LeafState, plan_rubric, score_answer
from rubrics import Rubric
from tests.graders import oracle
from tests.graders.oracle import leaves_of
from tests.graders.test_scoring_oracle import Case, cases

TRIES = settings(
    max_examples=200,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
HAIR = 1e-12


def scored(rubric: dict[str, Any], states: dict[str, Any]) -> AnswerScore:
    return Case(rubric, states).scored()


def shuffled(data: st.DataObject, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**node, "children": shuffled(data, node["children"])} if "children" in node else node
        for node in data.draw(st.permutations(nodes))
    ]


@TRIES
@given(st.data(), cases(conditions=False, fully_judged=True))
def test_without_conditions_and_met_gates_a_met_positive_criterion_never_lowers_a_score(
    data: st.DataObject, case: Case
) -> None:
    """Whether it was not met, met in part, or did not apply before."""
    leaves = list(leaves_of(case.rubric["criteria"]))
    positive = [leaf["id"] for leaf in leaves if leaf["points"] > 0]
    assume(positive and not any(leaf.get("gate", {}).get("when") == "met" for leaf in leaves))
    before = scored(case.rubric, case.states)
    assume(before.score is not None)
    chosen = data.draw(st.sampled_from(positive))
    after = scored(case.rubric, {**case.states, chosen: 1})
    assert before.score is not None and after.score is not None
    assert after.score >= before.score - HAIR


@TRIES
@given(st.data(), cases(conditions=False, gates=False, fully_judged=True))
def test_without_conditions_and_gates_a_met_fault_never_raises_a_score(data: st.DataObject, case: Case) -> None:
    negative = [leaf["id"] for leaf in leaves_of(case.rubric["criteria"]) if leaf["points"] < 0]
    before = scored(case.rubric, case.states)
    assume(negative and before.score is not None)
    chosen = data.draw(st.sampled_from(negative))
    assume(case.states[chosen] is not oracle.NOT_APPLICABLE)
    after = scored(case.rubric, {**case.states, chosen: 1})
    assert before.score is not None and after.score is not None
    assert after.score <= before.score + HAIR


@TRIES
@given(cases(depth=1, conditions=False, gates=False, fully_judged=True, most_leaves=10))
def test_a_tree_of_depth_one_is_the_flat_formula(case: Case) -> None:
    """Σ points·credit / Σ positive points over what applies; `range` and `sum` likewise."""
    there = [
        (float(leaf["points"]), float(case.states[leaf["id"]]))
        for leaf in leaves_of(case.rubric["criteria"])
        if case.states[leaf["id"]] is not oracle.NOT_APPLICABLE
    ]
    most = fsum(points for points, _ in there if points > 0)
    least = fsum(points for points, _ in there if points < 0)
    earned = fsum(points * credit for points, credit in there)
    answer = scored(case.rubric, case.states)
    if most == 0:
        assert answer.score is None or all(leaf["points"] < 0 for leaf in leaves_of(case.rubric["criteria"]))
        return
    flat = {
        "positive": lambda: earned / most,
        "range": lambda: (earned - least) / (most - least),
        "sum": lambda: earned,
    }
    expected = flat[case.rubric["scoring"]["normalize"]]()
    if case.rubric["scoring"]["clip"] == "answer":
        expected = min(max(expected, 0.0), 1.0)
    assert answer.score == pytest.approx(expected, abs=HAIR)


@TRIES
@given(cases(), st.sampled_from([1, 3, 0.1, 7.5]))
def test_wrapping_a_whole_rubric_in_one_group_changes_no_number(case: Case, weight: float) -> None:
    assume(case.rubric["scoring"]["normalize"] == "positive")
    assume(any(node["points"] > 0 for node in case.rubric["criteria"]))
    wrapped = {**case.rubric, "criteria": [{"id": "whole", "points": weight, "children": case.rubric["criteria"]}]}
    plain, inside = scored(case.rubric, case.states), scored(wrapped, case.states)
    for figure in ("score", "judged_only", "ungated", "low", "high"):
        assert getattr(inside, figure) == pytest.approx(getattr(plain, figure), abs=1e-11), figure
    if plain.reason == "all_negative":
        assert inside.reason == "group_all_negative:whole"
    else:
        assert inside.reason == plain.reason
        assert inside.coverage == pytest.approx(plain.coverage, abs=1e-11)
    for tag, value in plain.tags.items():
        assert inside.tags[tag].absent == value.absent
        if plain.reason != "all_negative":
            assert inside.tags[tag].score == pytest.approx(value.score, abs=1e-11)
            assert inside.tags[tag].low == pytest.approx(value.low, abs=1e-11)


@TRIES
@given(st.data(), cases())
def test_the_order_of_criteria_and_groups_never_changes_a_bit(data: st.DataObject, case: Case) -> None:
    turned = {**case.rubric, "criteria": shuffled(data, case.rubric["criteria"])}
    assert dataclasses.asdict(scored(turned, case.states)) == dataclasses.asdict(scored(case.rubric, case.states))


@TRIES
@given(cases(fully_judged=True))
def test_where_everything_is_judged_all_five_figures_are_the_one_score(case: Case) -> None:
    answer = scored(case.rubric, case.states)
    assert answer.score == answer.judged_only == answer.low == answer.high
    assert (answer.ungated is None) == (answer.score is None)
    assert (answer.exact, answer.ungraded) == (True, 0)
    if answer.score is not None and answer.ungated is not None:
        assert answer.score <= answer.ungated
        assert answer.coverage == 1.0


@TRIES
@given(cases())
def test_a_score_is_never_above_one_except_under_sum(case: Case) -> None:
    answer = scored(case.rubric, case.states)
    if case.rubric["scoring"]["normalize"] != "sum":
        assert all(value is None or value <= 1 + HAIR for value in (answer.score, answer.high, answer.judged_only))


@TRIES
@given(st.data(), cases(fully_judged=False))
def test_judging_one_criterion_more_only_narrows_the_bounds(data: st.DataObject, case: Case) -> None:
    open_leaves = [name for name, state in case.states.items() if state is oracle.UNGRADED]
    chosen = data.draw(st.sampled_from(open_leaves))
    leaf = next(leaf for leaf in leaves_of(case.rubric["criteria"]) if leaf["id"] == chosen)
    verdict = data.draw(st.sampled_from(oracle.scale_credits(leaf)))
    wide, narrow = scored(case.rubric, case.states), scored(case.rubric, {**case.states, chosen: verdict})
    if narrow.low is not None and narrow.high is not None:
        assert wide.low is not None and wide.high is not None
        assert wide.low <= narrow.low + HAIR
        assert narrow.high <= wide.high + HAIR


def test_beyond_the_most_completions_the_bounds_are_outer_and_contain_what_is_sampled() -> None:
    """13 criteria that may not apply, and some under conditions and gates: 3 ** 13 combinations, so outer bounds."""
    rng = random.Random(7)
    for _ in range(8):
        criteria: list[dict[str, Any]] = []
        for number in range(13):
            leaf: dict[str, Any] = {"id": f"c{number}", "criterion": "x", "points": rng.choice([1, 2, 5, -3])}
            leaf["may_not_apply"] = True
            leaf["tags"] = ["t"] if rng.random() < 0.5 else []
            if number and rng.random() < 0.3:
                leaf["depends_on"] = {"criterion": f"c{number - 1}", "when": rng.choice(["met", "unmet"])}
            if rng.random() < 0.2:
                leaf["gate"] = {"when": rng.choice(["met", "unmet"]), "cap": rng.choice([0.25, -0.5])}
            criteria.append(leaf)
        inner = {"id": "g", "points": 4, "children": [*criteria[8:], {"id": "sure", "criterion": "x", "points": 1}]}
        rubric = {"id": "r", "criteria": [*criteria[:8], inner]}
        plan = plan_rubric(Rubric.model_validate(rubric))
        own: list[LeafState] = [*[UNGRADED] * 13, 1.0]
        bounds = score_answer(plan, own)
        assert not bounds.exact
        assert bounds.low is not None and bounds.high is not None
        for _ in range(300):
            choices: list[LeafState] = [0.0, 1.0, NOT_APPLICABLE]
            completion = [*rng.choices(choices, k=13), 1.0]
            answer = score_answer(plan, completion)
            if answer.score is not None:
                assert bounds.low - HAIR <= answer.score <= bounds.high + HAIR
            tag, outer = answer.tags.get("t"), bounds.tags.get("t")
            if tag is not None and outer is not None and tag.score is not None:
                assert outer.low is not None and outer.high is not None
                assert outer.low - HAIR <= tag.score <= outer.high + HAIR


def test_up_to_the_most_completions_the_bounds_are_exact() -> None:
    def bounded(count: int) -> AnswerScore:
        criteria = [{"criterion": "x", "points": 1, "gate": {"when": "unmet", "cap": 0.5}} for _ in range(count)]
        plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
        return score_answer(plan, [UNGRADED] * count)

    assert bounded(12).exact  # 2 ** 12 is 4,096
    assert not bounded(13).exact
    for answer in (bounded(12), bounded(13)):
        assert (answer.low, answer.high) == (0.0, 1.0)


def test_outer_bounds_hold_where_a_sure_fault_stands_beside_criteria_that_may_all_but_one_not_apply() -> None:
    # least: the half point alone, at a quarter of its credit, (0.125 − 1) / 0.5; most: without it, (12 − 1) / 12
    half = {"type": "ordinal", "options": [{"label": "no", "credit": 0.25}, {"label": "yes", "credit": 0.75}]}
    criteria: list[dict[str, Any]] = [{"criterion": "x", "points": 1, "may_not_apply": True} for _ in range(12)]
    criteria += [
        {"criterion": "x", "points": 0.5, "may_not_apply": True, "scale": half},
        {"criterion": "x", "points": -1},
    ]
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
    answer = score_answer(plan, [*[UNGRADED] * 13, 1.0])
    assert not answer.exact
    assert (answer.low, answer.high) == pytest.approx((-1.75, 11 / 12))


def test_beyond_the_most_completions_an_answer_that_can_have_no_score_has_no_bounds() -> None:
    """A group is left with a judged fault alone, whatever the 13 criteria beside it turn out to be."""
    open_criteria = [{"criterion": "x", "points": 1, "may_not_apply": True, "tags": ["t"]} for _ in range(13)]
    fault = {"criterion": "x", "points": -1, "tags": ["u"]}
    lost = {"id": "g", "points": 1, "children": [{"criterion": "x", "points": 1}, fault]}
    sure = {"criterion": "x", "points": 1, "tags": ["t", "u"]}
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": [*open_criteria, sure, lost]}))
    answer = score_answer(plan, [*[UNGRADED] * 13, 1.0, NOT_APPLICABLE, 1.0])
    assert (answer.score, answer.low, answer.high, answer.defined) == (None, None, None, False)
    assert answer.reason == "group_all_negative:g"
    assert answer.judged_only is None
    assert (answer.tags["t"].low, answer.tags["t"].high, answer.tags["t"].defined) == (0.0, 1.0, True)
    assert (answer.tags["u"].low, answer.tags["u"].score, answer.tags["u"].defined) == (None, None, False)


def test_any_number_of_plain_ungraded_criteria_is_exact() -> None:
    criteria = [{"criterion": "x", "points": points} for points in (1, -1) for _ in range(200)]
    answer = score_answer(plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria})), [UNGRADED] * 400)
    assert (answer.exact, answer.low, answer.high) == (True, -1.0, 1.0)
