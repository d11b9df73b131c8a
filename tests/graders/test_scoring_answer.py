"""One answer by hand: every rule of SCORING.md with a worked number."""

from __future__ import annotations

from typing import Any

import pytest

from graders.scoring import NOT_APPLICABLE, UNGRADED, AnswerScore, LeafState, plan_rubric, score_answer
from rubrics import Rubric

NA, UN = NOT_APPLICABLE, UNGRADED


def leaf(points: float, **more: Any) -> dict[str, Any]:
    return {"criterion": "x", "points": points, **more}


def group(points: float, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"points": points, "children": list(children), **more}


def scored(criteria: list[dict[str, Any]], own: list[LeafState], **scoring: Any) -> AnswerScore:
    return score_answer(plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria, "scoring": scoring})), own)


SIX_FOUR_THREE = [leaf(6), leaf(4), leaf(-3)]


# --- the formula --------------------------------------------------------------------------------------------------


def test_six_and_minus_three_met_of_ten_points_is_three_tenths() -> None:
    answer = scored(SIX_FOUR_THREE, [1.0, 0.0, 1.0])
    assert (answer.score, answer.judged_only, answer.low, answer.high) == (0.3, 0.3, 0.3, 0.3)
    assert (answer.coverage, answer.reason, answer.exact) == (1.0, None, True)


def test_negative_points_can_push_a_score_below_zero() -> None:
    assert scored([leaf(2), leaf(-8)], [1.0, 1.0]).score == -3.0


def test_a_group_earns_its_weight_times_its_own_score() -> None:
    # history: onset 1 met, meds 1 not met = 0.5, of weight 6; call 10 met: (10 + 6 · 0.5) / 16
    assert scored([leaf(10), group(6, leaf(1), leaf(1))], [1.0, 1.0, 0.0]).score == 13 / 16


def test_with_positive_weights_a_tree_is_a_weighted_mean_at_every_level() -> None:
    # inner (2·1 + 1·0)/3 = 2/3; middle (3·2/3 + 1·0.5)/4 = 0.625; root (1·0.625 + 3·0)/4
    criteria = [
        group(
            1,
            group(3, leaf(2), leaf(1)),
            leaf(
                1,
                scale={
                    "type": "ordinal",
                    "options": [
                        {"label": "a"},
                        {"label": "b"},
                        {"label": "c"},
                    ],
                },
            ),
        ),
        leaf(3),
    ]
    assert scored(criteria, [1.0, 0.0, 0.5, 0.0]).score == pytest.approx(0.15625, abs=1e-15)


def test_a_group_with_faults_can_score_below_zero_and_pull_the_whole_down() -> None:
    # group (1 − 3)/1 = −2, of weight 2; beside it 2 met: (2 − 4) / 4
    assert scored([leaf(2), group(2, leaf(1), leaf(-3))], [1.0, 1.0, 1.0]).score == -0.5


# --- not applicable -----------------------------------------------------------------------------------------------


def test_what_does_not_apply_leaves_numerator_and_denominator() -> None:
    assert scored(SIX_FOUR_THREE, [1.0, NA, 1.0]).score == 0.5


def test_a_group_in_which_nothing_applies_does_not_apply() -> None:
    assert scored([leaf(1), leaf(1), group(8, leaf(1), leaf(2))], [1.0, 0.0, NA, NA]).score == 0.5


def test_an_answer_to_which_nothing_applies_is_undefined() -> None:
    answer = scored(SIX_FOUR_THREE, [NA, NA, NA])
    assert (answer.score, answer.judged_only, answer.low, answer.high) == (None, None, None, None)
    assert (answer.reason, answer.defined) == ("nothing_applies", False)


def test_an_answer_to_which_only_faults_apply_is_undefined() -> None:
    answer = scored(SIX_FOUR_THREE, [NA, NA, 1.0])
    assert (answer.score, answer.ungated, answer.reason, answer.defined) == (None, None, "all_negative", False)


def test_a_group_left_with_faults_alone_makes_the_answer_undefined_and_is_not_skipped() -> None:
    answer = scored([leaf(5), group(2, leaf(1), leaf(-1), id="history")], [1.0, NA, 0.0])
    assert (answer.score, answer.reason, answer.defined) == (None, "group_all_negative:history", False)


def test_of_several_groups_left_with_faults_the_least_id_is_named() -> None:
    b, a = group(1, leaf(1), leaf(-1), id="b"), group(1, leaf(1), leaf(-1), id="a")
    assert scored([b, a], [NA, 1.0, NA, 1.0]).reason == "group_all_negative:a"
    assert scored([a, b], [NA, 1.0, NA, 1.0]).reason == "group_all_negative:a"


def test_a_fault_that_may_still_turn_out_not_to_apply_leaves_the_answer_bounded() -> None:
    # If the −1 does not apply, the group does not, and 5 of 5 are earned; otherwise there is no score.
    criteria = [leaf(5), group(2, leaf(1), leaf(-1, may_not_apply=True), id="g")]
    answer = scored(criteria, [1.0, NA, UN])
    assert (answer.score, answer.reason) == (None, "group_all_negative:g")
    assert (answer.defined, answer.low, answer.high, answer.judged_only) == (True, 1.0, 1.0, 1.0)


# --- rubrics without a positive criterion -------------------------------------------------------------------------


def test_faults_alone_score_one_less_their_share_where_the_rubric_says_one_minus() -> None:
    # 1 − 2 / (2 + 6)
    assert scored([leaf(-2), leaf(-6)], [1.0, 0.0], all_negative="one_minus").score == 0.75


def test_one_minus_counts_only_the_faults_that_apply() -> None:
    assert scored([leaf(-2), leaf(-6)], [1.0, NA], all_negative="one_minus").score == 0.0
    assert scored([leaf(-2), leaf(-6)], [NA, NA], all_negative="one_minus").reason == "nothing_applies"


def test_one_minus_does_nothing_where_the_rubric_has_a_positive_criterion() -> None:
    answer = scored([leaf(2), leaf(-6)], [NA, 1.0], all_negative="one_minus")
    assert (answer.score, answer.reason) == (None, "all_negative")


def test_one_minus_and_range_are_the_same_number_and_under_sum_faults_stay_raw_points() -> None:
    faults = [leaf(-2), leaf(-6)]
    assert scored(faults, [1.0, 0.0], all_negative="one_minus", normalize="range").score == 0.75
    assert scored(faults, [1.0, 0.0], all_negative="one_minus", normalize="sum").score == -2.0


# --- normalize and clip -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "score"),
    [([1.0, 0.0, 1.0], 6 / 13), ([0.0, 0.0, 1.0], 0.0), ([1.0, 1.0, 0.0], 1.0), ([1.0, NA, 0.0], 1.0)],
)
def test_range_puts_the_least_possible_at_zero_and_the_most_at_one(own: list[LeafState], score: float) -> None:
    # 6, 4, −3: least −3, most 10; (3 + 3) / 13
    assert scored(SIX_FOUR_THREE, own, normalize="range").score == pytest.approx(score, abs=1e-15)


def test_sum_is_raw_points_and_is_never_clipped() -> None:
    assert scored(SIX_FOUR_THREE, [1.0, 1.0, 1.0], normalize="sum").score == 7.0
    assert plan_rubric(
        Rubric.model_validate({"id": "r", "criteria": [leaf(1)], "scoring": {"normalize": "sum"}})
    ).clip == ("none")


def test_range_and_sum_work_at_the_root_and_groups_keep_the_formula() -> None:
    # group (1 − 1)/1 = 0, weight 4; root 2 met and −2 met: 0 raw points; range (0 + 2) / (6 + 2)
    criteria = [group(4, leaf(1), leaf(-1)), leaf(2), leaf(-2)]
    assert scored(criteria, [1.0, 1.0, 1.0, 1.0], normalize="sum").score == 0.0
    assert scored(criteria, [1.0, 1.0, 1.0, 1.0], normalize="range").score == 0.25


@pytest.mark.parametrize(("clip", "score"), [("none", -3.0), ("mean", -3.0), ("answer", 0.0)])
def test_only_clip_answer_clips_an_answer(clip: str, score: float) -> None:
    assert scored([leaf(2), leaf(-8)], [1.0, 1.0], clip=clip).score == score


# --- scales -------------------------------------------------------------------------------------------------------

ORDINAL = {"type": "ordinal", "options": [{"label": "alarming"}, {"label": "mixed"}, {"label": "calm"}]}
GIVEN = {"type": "ordinal", "options": [{"label": "no", "credit": 0}, {"label": "partly", "credit": 0.2}]}
NOMINAL = {"type": "nominal", "options": [{"label": "a", "credit": 0.5}, {"label": "b", "credit": 1}]}


@pytest.mark.parametrize(
    ("scale", "verdict", "credit"),
    [
        ({"type": "binary"}, 1.0, 1.0),
        ({"type": "binary"}, 0.0, 0.0),
        (ORDINAL, 0, 0.0),
        (ORDINAL, 1, 0.5),
        (ORDINAL, 2, 1.0),
        (GIVEN, 1, 0.2),
        (NOMINAL, 0, 0.5),
        ({"type": "number", "min": 1, "max": 10}, 4, 1 / 3),
        ({"type": "number", "min": -7, "max": -1.73}, -1.73, 1.0),
        ({"type": "count", "max_count": 5}, 2, 0.4),
    ],
)
def test_each_scale_turns_its_verdict_into_credit(scale: dict[str, Any], verdict: float, credit: float) -> None:
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": [leaf(1, scale=scale)]}))
    assert plan.scale(0).credit(verdict) == credit


def test_minus_one_for_each_up_to_five_is_five_points_on_a_count_of_five() -> None:
    # two of at most five faults of −1: 10 earned of 10, less 2
    assert scored([leaf(10), leaf(-5, scale={"type": "count", "max_count": 5})], [1.0, 0.4]).score == 0.8


# --- conditions ---------------------------------------------------------------------------------------------------


def depending(when: str, points: float = 4) -> list[dict[str, Any]]:
    return [
        leaf(6, id="a", scale=ORDINAL),
        leaf(points, id="b", depends_on={"criterion": "a", "when": when}),
    ]


@pytest.mark.parametrize(
    ("when", "deciding", "score"),
    [
        ("met", 1.0, 0.6),
        ("met", 0.0, 0.0),
        ("unmet", 1.0, 1.0),
        ("unmet", 0.0, 0.0),
        ("met", 0.5, 0.5),
        ("unmet", 0.5, 0.3),
    ],
)
def test_a_criterion_whose_condition_does_not_hold_does_not_apply(when: str, deciding: float, score: float) -> None:
    """6 points decide, 4 points are not met; at credit 0.5 exactly the deciding criterion counts as unmet."""
    answer = scored(depending(when), [deciding, 0.0])
    assert answer.score == pytest.approx(score, abs=1e-15)


def test_a_criterion_does_not_apply_where_the_one_it_depends_on_does_not() -> None:
    for when in ("met", "unmet"):
        assert scored([*depending(when), leaf(1)], [NA, 1.0, 1.0]).score == 1.0


def test_conditions_run_along_a_chain_whatever_the_order_of_the_criteria() -> None:
    criteria = [
        leaf(1, id="third", depends_on={"criterion": "second", "when": "met"}),
        leaf(1, id="second", depends_on={"criterion": "first", "when": "met"}),
        leaf(1, id="first"),
    ]
    assert scored(criteria, [1.0, 1.0, 0.0]).score == 0.0
    assert scored(criteria, [0.0, 1.0, 1.0]).score == pytest.approx(2 / 3)


def test_a_criterion_under_an_ungraded_condition_is_ungraded_even_if_judged() -> None:
    # b is judged met, but whether it applies hangs on a: [a met: 10/10, a unmet: 0/6]
    answer = scored(depending("met"), [UN, 1.0])
    assert (answer.score, answer.coverage, answer.ungraded, answer.reason) == (None, 0.0, 2, "low_coverage")
    assert (answer.low, answer.high, answer.any_judged) == (0.0, 1.0, False)


def test_a_judged_criterion_keeps_its_verdict_in_the_completions_where_it_applies() -> None:
    # a: 6 points on bad / middling / good; b judged unmet of 4: 0/6, 3/6 (0.5 is unmet), 6/10
    answer = scored(depending("met"), [UN, 0.0])
    assert (answer.low, answer.high) == (0.0, 0.6)


def test_what_was_judged_not_applicable_stays_so_under_an_ungraded_condition() -> None:
    answer = scored([*depending("met"), leaf(2)], [UN, NA, 1.0])
    assert (answer.ungraded, answer.coverage) == (1, 0.25)


# --- gates --------------------------------------------------------------------------------------------------------


def gated(when: str, cap: float = 0.0, **more: Any) -> list[dict[str, Any]]:
    return [leaf(1, gate={"when": when, "cap": cap}, scale=ORDINAL, **more), leaf(9)]


@pytest.mark.parametrize(
    ("when", "credit", "score"),
    [
        ("unmet", 1.0, 1.0),
        ("unmet", 0.0, 0.2),
        ("unmet", 0.5, 0.2),
        ("met", 1.0, 0.2),
        ("met", 0.0, 0.9),
        ("met", 0.5, 0.2),
        ("unmet", NA, 1.0),
        ("met", NA, 1.0),
    ],
)
def test_a_gate_that_fires_caps_the_score(when: str, credit: LeafState, score: float) -> None:
    """At exactly half the credit a gate fires, whichever way it looks; one that is not applicable does not."""
    answer = scored(gated(when, 0.2), [credit, 1.0])
    assert answer.score == score
    assert answer.low == answer.high == score


def test_the_gated_and_the_ungated_score_are_both_reported_and_tags_are_ungated() -> None:
    answer = scored([*gated("unmet", tags=["t"]), leaf(10, tags=["t"])], [0.0, 1.0, 1.0])
    assert (answer.score, answer.ungated) == (0.0, 0.95)
    assert answer.tags["t"].score == 10 / 11


def test_a_cap_never_lifts_a_score() -> None:
    assert scored([leaf(1, gate={"when": "unmet", "cap": 0.5}), leaf(-1)], [0.0, 1.0]).score == -1.0


def test_the_lowest_cap_wins() -> None:
    criteria = [
        leaf(1, gate={"when": "unmet", "cap": 0.5}),
        leaf(1, gate={"when": "unmet", "cap": 0.25}),
        leaf(8),
    ]
    assert scored(criteria, [0.0, 0.0, 1.0]).score == 0.25


def test_a_gate_comes_before_the_clip_of_the_answer() -> None:
    assert scored([leaf(1, gate={"when": "unmet", "cap": -2}), leaf(9)], [0.0, 1.0], clip="answer").score == 0.0
    assert scored([leaf(1, gate={"when": "unmet", "cap": -2}), leaf(9)], [0.0, 1.0], clip="mean").score == -2.0


def test_under_sum_caps_are_in_points() -> None:
    answer = scored([leaf(2, gate={"when": "unmet", "cap": 5}), leaf(9)], [0.0, 1.0], normalize="sum")
    assert (answer.score, answer.ungated) == (5.0, 9.0)


def test_a_gate_caps_the_score_under_range() -> None:
    assert scored([leaf(1, gate={"when": "unmet", "cap": 0.1}), leaf(1)], [0.0, 1.0], normalize="range").score == 0.1


# --- effective points, coverage and bounds ------------------------------------------------------------------------


def test_coverage_is_the_judged_share_of_absolute_points() -> None:
    answer = scored(SIX_FOUR_THREE, [1.0, 0.0, UN])
    assert answer.coverage == 10 / 13
    assert (answer.score, answer.ungated, answer.reason) == (None, None, "low_coverage")
    assert (answer.judged_only, answer.low, answer.high) == (0.6, 0.3, 0.6)


def test_points_in_groups_count_by_their_effective_points() -> None:
    # group of 6 over 1 + 3: its leaves weigh 1.5 and 4.5; beside them 4: 4.5 of 10 is ungraded
    answer = scored([group(6, leaf(1), leaf(3)), leaf(4)], [1.0, UN, 1.0])
    assert answer.coverage == pytest.approx(0.55, abs=1e-15)


def test_effective_points_are_shared_out_among_what_applies() -> None:
    # the leaf of 3 does not apply: the leaf of 1 weighs all 6 of the group's points
    answer = scored([group(6, leaf(1), leaf(3)), leaf(4)], [1.0, NA, UN])
    assert answer.coverage == pytest.approx(0.6, abs=1e-15)


def test_criteria_of_a_group_without_a_score_are_left_out_of_coverage() -> None:
    criteria = [leaf(3), leaf(1), group(6, leaf(1), leaf(-1), id="g")]
    answer = scored(criteria, [1.0, UN, NA, 1.0])
    assert (answer.coverage, answer.reason) == (0.75, "group_all_negative:g")


def test_coverage_that_rounding_leaves_a_hair_short_still_reaches_the_bar() -> None:
    # effective 2/7 + 5/7 (in floats 0.9999…) judged, of 2: exactly half
    criteria = [group(1, group(2, leaf(1)), leaf(5)), leaf(-1, may_not_apply=True)]
    answer = scored(criteria, [0.5, 0.0, UN], min_coverage=0.5)
    assert answer.coverage < 0.5
    assert answer.score == pytest.approx(1 / 7)


@pytest.mark.parametrize(("least", "score"), [(1.0, None), (0.77, None), (0.76, 0.6), (0.0, 0.6)])
def test_below_the_rubrics_least_coverage_there_is_no_score_above_it_the_ungraded_are_left_out(
    least: float, score: float | None
) -> None:
    # 10 of 13 points are judged: 0.769
    answer = scored(SIX_FOUR_THREE, [1.0, 0.0, UN], min_coverage=least)
    assert (answer.score, answer.ungated, answer.judged_only) == (score, score, 0.6)
    assert answer.reason == (None if score else "low_coverage")


def test_what_was_judged_alone_may_lie_outside_the_bounds() -> None:
    # judged alone 0 of 1; the ungraded 3 earn at least half, whatever is said of them: (0 + 1.5) / 4
    answer = scored([leaf(1), leaf(3, scale=NOMINAL)], [0.0, UN])
    assert (answer.judged_only, answer.low, answer.high) == (0.0, 0.375, 0.75)


@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [
        ({"type": "binary"}, 0.5, 1.0),
        (ORDINAL, 0.5, 1.0),
        (GIVEN, 0.5, 0.6),
        (NOMINAL, 0.75, 1.0),
        ({"type": "number", "min": 3, "max": 4}, 0.5, 1.0),
        ({"type": "count", "max_count": 2}, 0.5, 1.0),
    ],
)
def test_an_ungraded_criterion_can_take_what_its_scale_has(scale: dict[str, Any], low: float, high: float) -> None:
    answer = scored([leaf(5), leaf(5, scale=scale)], [1.0, UN])
    assert (answer.low, answer.high) == (low, high)


def test_an_ungraded_fault_opens_the_bounds_downwards() -> None:
    answer = scored([leaf(10), leaf(-4)], [1.0, UN])
    assert (answer.low, answer.high) == (0.6, 1.0)


def test_only_a_criterion_that_may_not_apply_can_be_left_out_by_a_completion() -> None:
    # 2 of 10 earned; the ungraded 8: met 1, unmet 0.2, left out 2/2
    assert scored([leaf(2), leaf(8)], [0.0, UN]).high == 0.8
    assert scored([leaf(2), leaf(6), leaf(2)], [1.0, 0.0, UN]).low == 0.2
    assert scored([leaf(2), leaf(6), leaf(2, may_not_apply=True)], [1.0, 0.0, UN]).low == 0.2
    assert scored([leaf(2), leaf(-6), leaf(2, may_not_apply=True)], [1.0, 1.0, UN]).low == -2.0


def test_completions_without_a_score_are_left_out_of_the_bounds() -> None:
    # if the only positive criterion does not apply there is no score: the bounds are those where it does
    answer = scored([leaf(4, may_not_apply=True), leaf(-1)], [UN, 1.0])
    assert (answer.low, answer.high) == (-0.25, 0.75)


def test_an_ungraded_gate_opens_the_bounds_and_withholds_the_score_it_could_lower() -> None:
    criteria = [leaf(1, gate={"when": "unmet", "cap": 0.0}), leaf(9)]
    answer = scored(criteria, [UN, 1.0], min_coverage=0.5)
    assert (answer.score, answer.ungated, answer.reason) == (None, None, "ungraded_gate")
    assert (answer.judged_only, answer.low, answer.high) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "case",
    [
        "its cap is above the score",
        "no value of its scale fires it",
        "its own verdict does not fire it",
        "its condition cannot hold",
        "clipped, the cap is no lower",
    ],
)
def test_an_ungraded_gate_that_cannot_lower_the_score_does_not_withhold_it(case: str) -> None:
    fine = {"type": "nominal", "options": [{"label": "good", "credit": 0.75}, {"label": "best", "credit": 1}]}
    gate = {"when": "unmet", "cap": 0.0}
    opens = leaf(1, id="opens")
    tried: dict[str, tuple[list[dict[str, Any]], list[Any], str]] = {
        "its cap is above the score": (
            [leaf(1, gate={"when": "unmet", "cap": 0.9}), leaf(9), leaf(9)],
            [UN, 1, 0],
            "mean",
        ),
        "no value of its scale fires it": ([leaf(1, gate=gate, scale=fine), leaf(9), leaf(9)], [UN, 1, 0], "mean"),
        "its own verdict does not fire it": (
            [leaf(1, gate=gate, depends_on={"criterion": "opens", "when": "met"}), leaf(9), leaf(9), opens],
            [1, 1, 0, UN],
            "mean",
        ),
        "its condition cannot hold": (
            [
                leaf(1, gate=gate, depends_on={"criterion": "opens", "when": "unmet"}),
                leaf(9),
                leaf(9),
                {**opens, "scale": fine},
            ],
            [UN, 1, 0, UN],
            "mean",
        ),
        "clipped, the cap is no lower": (
            [leaf(1, gate={"when": "unmet", "cap": -1}), leaf(9), leaf(-9)],
            [UN, 1, 1],
            "answer",
        ),
    }
    criteria, own, clip = tried[case]
    answer = scored(criteria, [float(s) if isinstance(s, int) else s for s in own], min_coverage=0.5, clip=clip)
    assert answer.reason is None
    assert answer.score == (0.0 if clip == "answer" else 0.5)


def test_an_ungraded_gate_does_not_fire_in_what_was_judged_alone() -> None:
    assert scored(gated("met"), [UN, 1.0]).judged_only == 1.0


def test_one_gate_that_fired_and_one_still_open_are_both_heeded() -> None:
    criteria = [leaf(1, gate={"when": "unmet", "cap": 0.5}), leaf(1, gate={"when": "unmet", "cap": 0.1}), leaf(8)]
    answer = scored(criteria, [0.0, UN, 1.0], min_coverage=0.5)
    assert (answer.judged_only, answer.low, answer.high) == (0.5, 0.1, 0.5)
    assert answer.reason == "ungraded_gate"


def test_where_nothing_was_judged_the_bounds_span_everything_and_nothing_is_made_up() -> None:
    answer = scored(SIX_FOUR_THREE, [UN, UN, UN])
    assert (answer.score, answer.judged_only, answer.coverage) == (None, None, 0.0)
    assert (answer.low, answer.high, answer.any_judged, answer.ungraded) == (-0.3, 1.0, False, 3)
    assert scored(SIX_FOUR_THREE, [UN, UN, UN], min_coverage=0.0).reason == "nothing_judged"


# --- tags ---------------------------------------------------------------------------------------------------------


def test_a_criterions_tag_is_the_formula_over_its_own_criteria() -> None:
    criteria = [leaf(6, tags=["t"]), leaf(4), leaf(-3, tags=["t"])]
    assert scored(criteria, [1.0, 0.0, 1.0]).tags["t"].score == 0.5


def test_a_tag_across_groups_weighs_by_effective_points() -> None:
    # group of 6 over 1 + 3: 1.5 and 4.5; beside it 4: tag on the 1 and the 4: 4 / 5.5
    criteria = [group(6, leaf(1, tags=["t"]), leaf(3)), leaf(4, tags=["t"])]
    assert scored(criteria, [0.0, 0.0, 1.0]).tags["t"].score == pytest.approx(4 / 5.5, abs=1e-15)


def test_a_tag_whose_applicable_criteria_are_all_faults_is_absent() -> None:
    criteria = [leaf(6), leaf(4, tags=["t"]), leaf(-3, tags=["t", "faults"])]
    answer = scored(criteria, [1.0, NA, 1.0])
    assert answer.tags["t"].absent and not answer.tags["t"].defined
    assert "faults" not in answer.tags


def test_a_tag_is_nulled_and_bounded_by_its_own_criteria_alone() -> None:
    criteria = [leaf(6, tags=["a"]), leaf(4, tags=["b"]), leaf(2, tags=["b"])]
    tags = scored(criteria, [1.0, UN, 1.0]).tags
    assert (tags["a"].score, tags["a"].low, tags["a"].high, tags["a"].coverage) == (1.0, 1.0, 1.0, 1.0)
    assert (tags["b"].score, tags["b"].judged_only) == (None, 1.0)
    assert (tags["b"].low, tags["b"].high, tags["b"].coverage) == (1 / 3, 1.0, 1 / 3)


def test_a_tag_on_every_criterion_scores_what_the_answer_scores_ungraded_ones_too() -> None:
    # what is ungraded is left out: the group is its one judged leaf, 6 · 1 + 4 · 0 of 10
    criteria = [group(6, leaf(1, tags=["all"]), leaf(1, tags=["all"])), leaf(4, tags=["all"])]
    answer = scored(criteria, [1.0, UN, 0.0], min_coverage=0.5)
    assert answer.score == answer.tags["all"].score == 0.6
    assert (answer.low, answer.high) == (answer.tags["all"].low, answer.tags["all"].high) == (0.3, 0.6)


def test_another_criterions_missing_verdict_does_not_move_a_tag() -> None:
    # the tag's own criteria are all judged; the ungraded one beside them counts as applicable: 3 · 1 + 4 · 0 of 7
    criteria = [group(6, leaf(1, tags=["t"]), leaf(1)), leaf(4, tags=["t"])]
    tag = scored(criteria, [1.0, UN, 0.0]).tags["t"]
    assert (tag.score, tag.low, tag.high) == pytest.approx((3 / 7, 3 / 7, 3 / 7), abs=1e-15)


def test_a_tag_with_a_criterion_in_a_group_without_a_score_is_null_and_not_absent() -> None:
    criteria = [leaf(5, tags=["t", "u"]), group(2, leaf(1), leaf(-1, tags=["t"]), id="g")]
    tags = scored(criteria, [1.0, NA, 1.0]).tags
    assert (tags["t"].score, tags["t"].defined, tags["t"].absent) == (None, False, False)
    assert tags["u"].score == 1.0


def test_tags_keep_the_formula_whatever_the_rubric_normalizes_or_clips() -> None:
    criteria = [leaf(2, tags=["t"]), leaf(-8, tags=["t"]), leaf(1)]
    for scoring in ({"normalize": "range"}, {"normalize": "sum"}, {"clip": "answer"}):
        assert scored(criteria, [1.0, 1.0, 1.0], **scoring).tags["t"].score == -3.0
