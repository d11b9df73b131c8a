"""What lint says of points, repetitions, gates and conditions."""

from collections.abc import Sequence
from typing import Any

import pytest

from rubrics import Rubric, lint_rubric

FAULT = {"id": "fault", "criterion": "Invents a source", "points": -3}


def rubric_of(criteria: Sequence[dict[str, Any]], **fields: Any) -> Rubric:
    return Rubric.model_validate({"id": "r", "criteria": list(criteria), **fields})


def advised(criteria: Sequence[dict[str, Any]], **fields: Any) -> list[tuple[str, str]]:
    """(code, path) of everything that lint says."""
    return [(advice.code, advice.path) for advice in lint_rubric(rubric_of(criteria, **fields))]


def leaves(*points: float) -> list[dict[str, Any]]:
    towns = ("Paris", "Rome", "Cairo", "Lima", "Oslo", "Quito", "Delhi")
    return [{"criterion": f"Names {town}", "points": value} for town, value in zip(towns, points, strict=False)]


def test_the_same_wording_twice_is_told_at_the_second() -> None:
    twice = [{"id": "a", "criterion": "Names the court.", "points": 2}, {"criterion": "names the court", "points": 3}]
    (found,) = lint_rubric(rubric_of([*twice, FAULT]))
    assert (found.code, found.path, found.criterion_ids) == ("duplicate", "$.criteria[1].criterion", ("c2", "a"))


def test_the_same_wording_in_two_groups_is_told_with_the_reason() -> None:
    group = {"points": 1, "children": [{"criterion": "The dose is right", "points": 1}]}
    (found,) = lint_rubric(rubric_of([{**group, "id": "oral"}, {**group, "id": "drip"}, FAULT]))
    assert "not the group around it" in found.message


def test_one_wording_judged_in_two_ways_is_no_duplicate() -> None:
    count = {"type": "count", "max_count": 3}
    both = [
        {"criterion": "Spelling mistakes", "points": 2, "check": {"contains": "teh"}},
        {"criterion": "Spelling mistakes", "points": 2, "scale": count},
    ]
    assert ("duplicate", "$.criteria[1].criterion") not in advised([*both, FAULT])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Dry eyes may come from tablets", "Dry eyes can often come from certain tablets"),
        ("States that the appeal must be filed in writing", "Mentions the appeal must be filed in writing"),
    ],
)
def test_nearly_the_same_wording_is_told(first: str, second: str) -> None:
    criteria = [{"criterion": first, "points": 2}, {"criterion": second, "points": 2}, FAULT]
    assert advised(criteria) == [("near-duplicate", "$.criteria[1].criterion")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            "States that tablets can lead to nausea in the morning",
            "States that tablets can lead to fever in the morning",
        ),
        ("Says that the first hearing is in May", "Says that the second hearing is in May"),
        (
            "Recommends the vaccine against hepatitis A in summer",
            "Recommends the vaccine against hepatitis B in summer",
        ),
        ("Says that the tenant must pay the repair bill", "Says that the tenant must not pay the repair bill"),
        ("Asks for the date of the last repair bill", "States the date of the last repair bill"),
        ("All runs use the small model on the first test set", "All runs use the large model on the first test set"),
        ("Names fatty liver disease", "Names non-fatty liver disease"),
    ],
)
def test_parallel_wordings_are_not_repetitions(first: str, second: str) -> None:
    assert advised([{"criterion": first, "points": 2}, {"criterion": second, "points": 2}, FAULT]) == []


def test_a_point_and_its_absence_are_counted_twice() -> None:
    criteria = [
        {"id": "ask", "criterion": "Asks whether the tenant has paid the deposit", "points": 6},
        {"id": "ask-not", "criterion": "Fails to ask whether the tenant has paid the deposit", "points": -4},
    ]
    (found,) = lint_rubric(rubric_of(criteria))
    assert (found.code, found.path) == ("counted-twice", "$.criteria[1].criterion")
    assert "forgoes 6 points and costs 4 more" in found.message


@pytest.mark.parametrize(
    "absence",
    [
        "Fails to state whether the tenant has paid the deposit",  # to say is not to ask
        "Fails to name the court that hears the tenant",
        "Says that the tenant need not pay the deposit",
    ],
)
def test_another_fault_beside_a_point_is_left_alone(absence: str) -> None:
    wanted = {"criterion": "Asks whether the tenant has paid the deposit", "points": 6}
    assert advised([wanted, {"criterion": absence, "points": -4}]) == []


def test_points_far_from_all_others_are_told() -> None:
    assert advised([*leaves(20, 2, 2, 3, 2, 2, 10), FAULT]) == [("weight-outlier", "$.criteria[0].points")]
    assert advised([*leaves(10, 5, 4, 3, 2, 1), FAULT]) == []
    assert advised([*leaves(2, 2, 2, 2), {"criterion": "Invents a case", "points": -7}]) == []


def test_one_criterion_above_all_others_is_told_unless_a_gate_says_so() -> None:
    assert advised([*leaves(10, 2, 3, 4), FAULT]) == [("outweighs", "$.criteria[0].points")]
    assert advised([*leaves(9, 2, 3, 4), FAULT]) == []
    gated = [{**leaves(10)[0], "gate": {"when": "unmet", "cap": 0}}, *leaves(10, 2, 3, 4)[1:], FAULT]
    assert advised(gated) == []
    assert advised([*leaves(2, 2, 2), {"criterion": "Invents a case", "points": -7}]) == [
        ("outweighs", "$.criteria[3].points")
    ]


def test_points_outside_of_the_usual_range_are_told_only_when_asked_for() -> None:
    rubric = rubric_of([*leaves(40, 30, 30), {**FAULT, "points": -20}])
    assert lint_rubric(rubric) == ()
    assert [advice.code for advice in lint_rubric(rubric, all_advice=True)] == ["points-range"]


def test_a_rubric_in_which_nothing_costs_points_is_told() -> None:
    assert advised(leaves(2, 3, 2, 3)) == [("no-negative", "$.criteria")]
    assert advised(leaves(2, 3, 2)) == []
    assert advised([*leaves(2, 3, 2, 3), FAULT]) == []
    assert advised([*leaves(2, 3, 2, 3), {"criterion": "Does not name a brand", "points": 2}]) == []
    assert advised([*leaves(2, 3, 2, 3), {"criterion": "Recommends only open courses", "points": 2}]) == []


def test_a_rubric_of_graded_scales_weighs_faults_by_its_scales() -> None:
    scale = {"type": "ordinal", "options": [{"label": "poor"}, {"label": "fair"}, {"label": "strong"}]}
    assert advised([{**leaf, "scale": scale} for leaf in leaves(2, 3, 2, 3)]) == []


def gate(when: str, cap: float) -> dict[str, Any]:
    return {"gate": {"when": when, "cap": cap}}


@pytest.mark.parametrize(
    ("gated", "told"),
    [
        ({**leaves(8)[0], **gate("unmet", 0.5)}, True),  # 2 of 10 points are left: 0.2 at most
        ({**leaves(8)[0], **gate("unmet", 0.2)}, True),
        ({**leaves(8)[0], **gate("unmet", 0.1)}, False),
        ({**leaves(8)[0], **gate("unmet", 0)}, False),
        ({"criterion": "Invents a case", "points": -1, **gate("met", 0.5)}, True),  # 2 − 1 of 2 points: 0.5
        ({"criterion": "Invents a case", "points": -1, **gate("met", 0.4)}, False),
    ],
)
def test_a_gate_that_changes_nothing_is_told(gated: dict[str, Any], told: bool) -> None:
    found = advised([gated, {"criterion": "Names Rome", "points": 2}, FAULT])
    assert found == ([("unreachable", "$.criteria[0].gate.cap")] if told else [])


def test_a_fault_that_costs_more_than_its_cap_takes_needs_no_gate() -> None:
    fault = {"criterion": "Invents a case", "points": -4, **gate("met", 0.6)}
    assert advised([fault, *leaves(6, 4)]) == [("unreachable", "$.criteria[0].gate.cap")]  # (10 − 4) / 10 = 0.6


def test_the_most_an_answer_can_score_follows_the_groups_and_the_normalisation() -> None:
    inner = {"id": "in", "points": 2, "children": [{**leaves(5)[0], **gate("unmet", 0.8)}, leaves(5, 5)[1]]}
    outside = {"criterion": "Names Cairo", "points": 2}
    # Half of a group that is half of the rubric: 1 − 0.25 = 0.75, below the cap.
    assert advised([inner, outside, FAULT]) == [("unreachable", "$.criteria[0].children[0].gate.cap")]
    gated = {**leaves(8)[0], **gate("unmet", 0.3)}
    range_of = {"scoring": {"normalize": "range"}}
    assert advised([gated, {"criterion": "Names Rome", "points": 2}, FAULT], **range_of) == []  # (2 + 3) / 13 = 0.38
    points = {"scoring": {"normalize": "sum"}}
    raw = {**leaves(8)[0], **gate("unmet", 2)}
    assert advised([raw, {"criterion": "Names Rome", "points": 2}, FAULT], **points) == [
        ("unreachable", "$.criteria[0].gate.cap")
    ]


def scale(*credits: float) -> dict[str, Any]:
    options = [{"label": f"grade {index}", "credit": credit} for index, credit in enumerate(credits)]
    return {"scale": {"type": "ordinal", "options": options}}


def test_a_condition_or_gate_on_a_verdict_that_cannot_be_is_told() -> None:
    decides = {"id": "how", "criterion": "How plain is it?", "points": 4, **scale(0, 0.5)}
    depends = {"criterion": "Names Rome", "points": 2, "depends_on": {"criterion": "how", "when": "met"}}
    assert advised([decides, depends, FAULT]) == [
        ("unreachable", "$.criteria[0].scale.options"),
        ("unreachable", "$.criteria[1].depends_on.when"),
    ]
    lenient = {"criterion": "How plain is it?", "points": 4, **scale(0.6, 1), **gate("unmet", 0)}
    assert advised([lenient, *leaves(3), FAULT]) == [("unreachable", "$.criteria[0].gate")]


def test_a_scale_that_earns_the_same_throughout_is_told() -> None:
    assert advised([{"criterion": "How plain is it?", "points": 4, **scale(1, 1)}, *leaves(3), FAULT]) == [
        ("unreachable", "$.criteria[0].scale.options")
    ]
    assert advised([{"criterion": "How plain is it?", "points": 4, **scale(0, 0.5, 1)}, *leaves(3), FAULT]) == []


def test_points_behind_a_gate_that_takes_all_are_told() -> None:
    must = {"id": "must", "criterion": "Names Oslo", "points": 3, **gate("unmet", 0)}
    behind = {"criterion": "Names Lima", "points": 3, "depends_on": {"criterion": "must", "when": "unmet"}}
    assert advised([must, behind, FAULT]) == [("unreachable", "$.criteria[1].depends_on")]
    beyond = {**behind, "depends_on": {"criterion": "must", "when": "met"}}
    assert advised([must, beyond, FAULT]) == []


def test_a_gate_against_what_the_points_reward_is_told() -> None:
    assert advised([{**leaves(3)[0], **gate("met", 0.2)}, *leaves(1, 3, 3)[1:], FAULT]) == [
        ("gate-sign", "$.criteria[0].gate.when")
    ]
    spared = {"criterion": "Invents a case", "points": -3, **gate("unmet", 0.2)}
    assert advised([*leaves(3, 3), spared]) == [("gate-sign", "$.criteria[2].gate.when")]
    assert advised([*leaves(3, 3), {**spared, **gate("met", 0.2)}]) == []
