"""Means over many answers: counts, coverage, bounds, intervals, worst-at-k, bootstrap_std."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.scoring import (
    Aggregate,
    AggregateOptions,
    Point,
    Points,
    aggregate,
    best_at_k,
    bootstrap_std,
    healthbench_bootstrap_std,
    interval,
    mean,
    worst_at_k,
)

TRIES = settings(max_examples=100, deadline=None, database=None)


def point(score: float | None, **more: Any) -> Point:
    """A point that is fully judged, unless told otherwise."""
    fields = {"judged_only": score, "low": score, "high": score, "coverage": 1.0, "missing": False, **more}
    return Point(score, **fields)


MISSING = Point(None, None, -0.5, 1.0, 0.0, missing=True)
UNDEFINED = Point(None, None, None, None, 1.0, missing=False, defined=False)


def of(*examples: list[Point], at_k: bool = False, **options: Any) -> Aggregate:
    return aggregate(Points.of(examples), AggregateOptions(**options), at_k=at_k)


# --- the mean -----------------------------------------------------------------------------------------------------


def test_the_mean_is_over_examples_of_each_examples_mean_over_its_samples() -> None:
    # (0.2 + 0.4) / 2 = 0.3, and 0.9: 0.6; the flat mean would be 0.5
    result = of([point(0.2), point(0.4)], [point(0.9)])
    assert result.mean == result.mean_unclipped == result.mean_judged_only == pytest.approx(0.6)
    assert (result.n_examples, result.n_expected, result.n_scored) == (2, 3, 3)


def test_with_equally_many_samples_it_is_the_flat_mean() -> None:
    result = of([point(0.2), point(0.4)], [point(0.9), point(-0.1)])
    assert result.mean == pytest.approx((0.2 + 0.4 + 0.9 - 0.1) / 4)


def test_only_the_mean_is_clipped_and_its_interval_is_not() -> None:
    result = of([point(-1.0)], [point(0.2)])
    assert (result.mean, result.mean_unclipped, result.mean_judged_only) == (0.0, -0.4, 0.0)
    assert (result.low, result.high) == (0.0, 0.0)
    # -0.4 ± 12.706 · 0.6
    assert result.ci_low == pytest.approx(-0.4 - 12.706204736 * 0.6, abs=1e-8)
    assert of([point(-1.0)], [point(0.2)], clip_mean=False).mean == -0.4


def test_clipping_is_of_the_mean_not_of_its_parts() -> None:
    assert of([point(-1.0)], [point(1.0)]).mean == 0.0
    assert of([point(-0.2)], [point(1.0)]).mean == 0.4


def test_an_answer_without_a_score_enters_with_what_was_judged() -> None:
    partly = point(None, judged_only=0.5, low=0.4, high=0.6, coverage=0.99)
    result = of([point(1.0)], [partly])
    assert (result.mean, result.n_scored, result.n_expected, result.coverage) == (0.75, 1, 2, 0.995)
    assert (result.low, result.high) == (0.7, 0.8)


def test_a_missing_answer_is_expected_counts_nothing_as_covered_and_opens_the_bounds() -> None:
    result = of([point(1.0)], [MISSING])
    assert (result.n_expected, result.n_scored, result.n_missing, result.n_undefined) == (2, 1, 1, 0)
    assert (result.coverage, result.mean, result.reason) == (0.5, None, "low_coverage")
    assert (result.mean_unclipped, result.ci_low, result.ci_high) == (None, None, None)
    assert (result.mean_judged_only, result.low, result.high) == (1.0, 0.25, 1.0)


def test_an_undefined_answer_is_neither_expected_nor_missing() -> None:
    result = of([point(1.0)], [UNDEFINED], [point(0.5), UNDEFINED])
    assert (result.n_examples, result.n_expected, result.n_scored) == (2, 2, 2)
    assert (result.n_missing, result.n_undefined) == (0, 2)
    assert (result.mean, result.coverage) == (0.75, 1.0)


def test_three_lost_cells_of_a_night_do_not_cost_the_result_and_a_third_lost_does() -> None:
    kept = [[point(0.5)] for _ in range(9_997)]
    result = of(*kept, *[[MISSING]] * 3)
    assert result.mean == 0.5
    assert result.n_missing == 3
    lost = of(*[[point(0.5)]] * 200, *[[MISSING]] * 100)
    assert (lost.mean, lost.reason) == (None, "low_coverage")


@pytest.mark.parametrize(("lost", "reason"), [(1, None), (2, "low_coverage")])
def test_the_bar_is_ninety_eight_percent_of_coverage(lost: int, reason: str | None) -> None:
    assert of(*[[point(0.5)]] * (51 - lost), *[[MISSING]] * lost).reason == reason


def test_the_bar_itself_reaches_and_can_be_set() -> None:
    assert of(*[[point(0.5)]] * 49, [MISSING]).mean == 0.5
    assert of([point(0.5)], [MISSING], min_coverage=0.5).mean == 0.5
    assert of([point(0.5)], [MISSING], min_coverage=0.51).mean is None


def test_nothing_expected_and_nothing_judged_are_said() -> None:
    assert of().reason == "nothing_expected"
    assert of([UNDEFINED]).reason == "nothing_expected"
    assert of([MISSING], min_coverage=0.0).reason == "nothing_judged"


# --- intervals ----------------------------------------------------------------------------------------------------


def test_below_fifty_examples_the_interval_is_the_t_interval_of_the_example_means() -> None:
    # means 0.2 and 0.6: 0.4 ± 12.706 · (0.2828 / √2)
    two = interval([0.2, 0.6], seed=0)
    assert (two.low, two.high) == pytest.approx((0.4 - 12.706204736 * 0.2, 0.4 + 12.706204736 * 0.2), abs=1e-8)
    many = interval([0.0, 0.5, 1.0, 0.5], seed=0)
    half = 3.182446305 * math.sqrt(1 / 6) / 2
    assert (many.low, many.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-8)
    assert interval([0.2, 0.6], seed=1) == two


def test_below_two_examples_there_is_no_interval() -> None:
    assert interval([], seed=0) == interval([0.4], seed=0)
    assert interval([0.4], seed=0).low is None
    one = of([point(0.4), point(0.6)])
    assert (one.mean, one.ci_low, one.ci_high) == (0.5, None, None)


def test_from_fifty_examples_the_interval_is_a_seeded_percentile_bootstrap() -> None:
    values = [index % 7 / 6 for index in range(49)]
    # 49 of them are still few: t(0.975, 48) = 2.0106, deviation 1/3 · √(49/48)
    few = interval(values, seed=0)
    assert (few.low, few.high) == pytest.approx((0.5 - 2.010634758 / 3 / 48**0.5, 0.5 + 2.010634758 / 3 / 48**0.5))
    values.append(0.0)
    drawn, again, other = interval(values, seed=3), interval(values, seed=3), interval(values, seed=4)
    assert drawn == again != other
    # the same 1,000 resamples by hand
    rng = np.random.default_rng(3)
    means = [np.asarray(values)[rng.integers(0, 50, 50)].mean() for _ in range(1000)]
    assert (drawn.low, drawn.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=1e-15)


def test_equal_means_have_an_interval_without_width() -> None:
    for count in (2, 50):
        assert interval([0.25] * count, seed=0).low == interval([0.25] * count, seed=0).high == 0.25


@pytest.mark.parametrize(("examples", "datasets"), [(12, 300), (30, 300), (60, 300)])
def test_the_interval_covers_the_truth_in_about_ninety_five_of_a_hundred_datasets(examples: int, datasets: int) -> None:
    """Four samples of one example lie close together: the interval must take them as one cluster, not as four."""
    rng = np.random.default_rng(2026)
    covered = 0
    for _ in range(datasets):
        centres = 0.3 + rng.normal(0, 0.3, examples)
        batch = [[point(float(score)) for score in centre + rng.normal(0, 0.1, 4)] for centre in centres]
        result = of(*batch, seed=int(rng.integers(2**31)))
        assert result.ci_low is not None and result.ci_high is not None
        covered += result.ci_low <= 0.3 <= result.ci_high
    assert 0.92 <= covered / datasets <= 0.98


# --- worst and best at k ------------------------------------------------------------------------------------------

SAMPLES = st.lists(st.integers(-20, 20).map(lambda n: n / 10), min_size=1, max_size=7)


@TRIES
@given(SAMPLES)
def test_worst_and_best_at_k_are_the_mean_over_all_subsets_of_k_samples(samples: list[float]) -> None:
    for k in range(1, len(samples) + 1):
        subsets = list(itertools.combinations(samples, k))
        assert worst_at_k(samples, k) == pytest.approx(mean([min(subset) for subset in subsets]), abs=1e-12)
        assert best_at_k(samples, k) == pytest.approx(mean([max(subset) for subset in subsets]), abs=1e-12)


def test_worst_at_two_of_three_by_hand() -> None:
    # pairs of 0.2, 0.4, 0.9 have the least 0.2, 0.2 and 0.4
    assert worst_at_k([0.9, 0.2, 0.4], 2) == pytest.approx(0.8 / 3)
    assert best_at_k([0.9, 0.2, 0.4], 2) == pytest.approx((0.4 + 0.9 + 0.9) / 3)


def test_worst_at_one_is_the_mean_and_k_goes_up_to_the_fewest_samples() -> None:
    result = of([point(0.2), point(0.4), point(0.9)], [point(0.5), point(0.7)], at_k=True)
    assert result.worst_at_k is not None and result.best_at_k is not None
    assert list(result.worst_at_k) == list(result.best_at_k) == ["1", "2"]
    assert result.worst_at_k["1"] == pytest.approx(result.mean)
    assert result.worst_at_k["2"] == pytest.approx((0.8 / 3 + 0.5) / 2)
    assert result.best_at_k["2"] == pytest.approx((2.2 / 3 + 0.7) / 2)


def test_worst_at_k_is_clipped_like_the_mean_and_absent_where_the_mean_is() -> None:
    assert of([point(-1.0), point(-0.5)], at_k=True).worst_at_k == {"1": 0.0, "2": 0.0}
    assert of([point(-1.0), point(-0.5)], at_k=True, clip_mean=False).worst_at_k == {"1": -0.75, "2": -1.0}
    assert of([MISSING], at_k=True).as_json()["worst_at_k"] is None


# --- HealthBench's bootstrap_std ----------------------------------------------------------------------------------


def test_bootstrap_std_of_given_indices_is_the_deviation_of_the_clipped_means() -> None:
    # means −0.5 → 0, 1.5 → 1, 0.5: deviation of 0, 1, 0.5 without Bessel's correction
    values = np.asarray([-0.5, 1.5])
    indices = [np.asarray([0, 0]), np.asarray([1, 1]), np.asarray([0, 1])]
    assert bootstrap_std(values, indices) == pytest.approx(math.sqrt(1 / 6), abs=1e-15)


def test_healthbenchs_bootstrap_std_draws_a_thousand_seeded_resamples_of_all_answers() -> None:
    values = [0.1, 0.9, -0.4, 0.3, 0.7]
    rng = np.random.default_rng(5)
    means = [np.clip(np.mean(np.asarray(values)[rng.integers(0, 5, 5)]), 0, 1) for _ in range(1000)]
    assert healthbench_bootstrap_std(values, seed=5) == pytest.approx(float(np.std(means)), abs=1e-15)
    assert healthbench_bootstrap_std([], seed=5) is None
    batch = [[point(value)] for value in values]
    assert of(*batch, healthbench=True, seed=5).bootstrap_std == healthbench_bootstrap_std(values, seed=5)
    assert "bootstrap_std" in of(*batch, healthbench=True).as_json()
    assert "bootstrap_std" not in of(*batch).as_json()
