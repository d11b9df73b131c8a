"""Several verdicts on one criterion become one: each policy by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.scoring import DOES_NOT_APPLY, JUDGED, NOT_APPLICABLE, UNGRADED, LeafState, Policy, Vote, agree, leaf_scale
from graders.scoring.plan import LeafScale
from rubrics import Criterion


def scale(**written: Any) -> LeafScale:
    return leaf_scale(Criterion.model_validate({"criterion": "x", "points": 1, "scale": written}))


BINARY = scale(type="binary")
ORDINAL = scale(
    type="ordinal",
    options=[{"label": "bad", "credit": 0}, {"label": "fair", "credit": 0.25}, {"label": "good", "credit": 1}],
)
PEAKED = scale(  # too little and too much are both wrong: the middle option earns most
    type="ordinal",
    options=[
        {"label": "too little", "credit": 0.5},
        {"label": "right", "credit": 1},
        {"label": "too much", "credit": 0},
    ],
)
NOMINAL = scale(
    type="nominal",
    options=[{"label": "a", "credit": 1}, {"label": "b", "credit": 0}, {"label": "c", "credit": 1}],
)
NUMBER = scale(type="number", min=0, max=10)
COUNT = scale(type="count", max_count=4)
WAIVED = "does not apply"


def verdict(*said: float | str, on: LeafScale = BINARY, points: float = 1, policy: Policy = "majority") -> LeafState:
    votes = [Vote(DOES_NOT_APPLY) if one == WAIVED else Vote(JUDGED, float(one)) for one in said]
    return agree(votes, scale=on, points=points, policy=policy)


@pytest.mark.parametrize(
    ("said", "points", "credit"),
    [
        ((1, 1, 0), 1, 1.0),
        ((1, 0, 0), 1, 0.0),
        ((1, 0), 1, 0.0),
        ((1, 0), -1, 1.0),
        ((1, 1, 0, 0), 5, 0.0),
        ((1, 1, 0, 0), -5, 1.0),
        ((1,), 1, 1.0),
    ],
)
def test_most_votes_win_and_a_tie_takes_what_lowers_the_score(
    said: tuple[float, ...], points: float, credit: float
) -> None:
    assert verdict(*said, points=points) == credit


@pytest.mark.parametrize(
    ("on", "said", "points", "credit"),
    [
        (ORDINAL, (0, 1, 2), 1, 0.25),
        (ORDINAL, (0, 2), 1, 0.0),
        (ORDINAL, (0, 2), -1, 1.0),
        (ORDINAL, (0, 1, 2, 2), 1, 0.25),
        (ORDINAL, (0, 1, 2, 2), -1, 1.0),
        (ORDINAL, (0, 0, 2, 2, 2), 1, 1.0),
        (PEAKED, (0, 2, 2), 1, 0.0),
        (PEAKED, (0, 1), 1, 0.5),
        (PEAKED, (0, 1), -1, 1.0),
        (PEAKED, (0, 0, 2, 2), 1, 0.0),
        (PEAKED, (0, 0, 2, 2), -1, 0.5),
        (NUMBER, (1, 9, 2), 1, 0.2),
        (NUMBER, (1, 2, 4, 9), 1, 0.2),
        (NUMBER, (1, 2, 4, 9), -1, 0.4),
        (COUNT, (0, 4, 1), -1, 0.25),
        (COUNT, (0, 1, 2, 4), -1, 0.5),
    ],
)
def test_ordered_scales_take_the_median_and_an_even_one_the_middle_verdict_that_lowers_the_score(
    on: LeafScale, said: tuple[float, ...], points: float, credit: float
) -> None:
    assert verdict(*said, on=on, points=points) == credit


def test_nominal_votes_are_counted_by_label_not_by_credit() -> None:
    """a, c and b, b: two labels of credit 1 with one vote each lose to one label with two."""
    assert verdict(0, 2, 1, 1, on=NOMINAL) == 0.0
    assert verdict(0, 0, 1, on=NOMINAL) == 1.0
    assert verdict(0, 1, 2, on=NOMINAL) == 0.0  # one vote each: a fault is not excused
    assert verdict(0, 1, 2, on=NOMINAL, points=-1) == 1.0
    assert verdict(0, 0, 2, 2, 1, on=NOMINAL) == 1.0


def test_whether_it_applies_is_voted_on_first_and_a_tie_abstains() -> None:
    for policy in ("majority", "unanimous", "mean", "adjudicated"):
        assert verdict(1, WAIVED, WAIVED, policy=policy) is NOT_APPLICABLE
        assert verdict(1, WAIVED, policy=policy) is UNGRADED
        assert verdict(1, 1, WAIVED, policy=policy) == 1.0
        assert verdict(WAIVED, policy=policy) is NOT_APPLICABLE
        assert verdict(policy=policy) is UNGRADED
    # two of three say it applies; those two tie, and 0 lowers the score
    assert verdict(1, 0, WAIVED) == 0.0


def test_unanimous_abstains_on_any_disagreement_even_between_labels_of_the_same_credit() -> None:
    assert verdict(1, 1, 1, policy="unanimous") == 1.0
    assert verdict(1, 1, 0, policy="unanimous") is UNGRADED
    assert verdict(0, 2, on=NOMINAL, policy="unanimous") is UNGRADED
    assert verdict(2, 2, on=NOMINAL, policy="unanimous") == 1.0


def test_mean_averages_the_credit_on_every_scale() -> None:
    assert verdict(1, 1, 0, policy="mean") == 2 / 3
    assert verdict(0, 1, 2, on=ORDINAL, policy="mean") == pytest.approx(1.25 / 3)
    assert verdict(0, 1, on=NOMINAL, policy="mean") == 0.5
    assert verdict(1, 4, on=NUMBER, policy="mean") == 0.25
    assert verdict(1, 2, WAIVED, on=COUNT, policy="mean") == 0.375


def test_before_a_ruling_adjudicated_is_the_majority_and_after_it_the_latest_ruling() -> None:
    votes = [Vote(JUDGED, 1.0), Vote(JUDGED, 1.0), Vote(JUDGED, 0.0)]
    early = Vote(JUDGED, 0.0, ruling=("2026-01-01T00:00:00.000000+00:00", 0, "a"))
    late = Vote(DOES_NOT_APPLY, ruling=("2026-02-01T00:00:00.000000+00:00", 0, "a"))

    def settled(*more: Vote, policy: Policy = "adjudicated") -> set[LeafState]:
        ballots = itertools.permutations([*votes, *more])
        return {agree(ballot, scale=BINARY, points=1, policy=policy) for ballot in ballots}

    assert settled() == {1.0}
    assert settled(early) == {0.0}
    assert settled(early, late) == {NOT_APPLICABLE}
    assert settled(early, policy="majority") == {0.0}  # only a vote here: two of four, and 0 lowers the score


SCALES = st.sampled_from([BINARY, ORDINAL, PEAKED, NOMINAL, NUMBER, COUNT])


@settings(max_examples=150, deadline=None, database=None)
@given(st.data(), SCALES, st.sampled_from([1.0, -1.0]), st.sampled_from(["majority", "unanimous", "mean"]))
def test_the_order_of_votes_never_changes_a_bit(data: st.DataObject, on: LeafScale, points: float, policy: Any) -> None:
    top = {"binary": 1, "ordinal": 2, "nominal": 2, "number": 10, "count": 4}[on.kind]
    said = data.draw(st.lists(st.one_of(st.integers(0, top), st.just(WAIVED)), max_size=7))
    shuffled = data.draw(st.permutations(said))
    assert verdict(*said, on=on, points=points, policy=policy) == verdict(
        *shuffled, on=on, points=points, policy=policy
    )


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=8))
def test_one_vote_more_for_the_verdict_that_won_never_unseats_it(said: list[int]) -> None:
    won = verdict(*said, on=NUMBER)
    assert isinstance(won, float)
    assert verdict(*said, won * 10, on=NUMBER) == won
