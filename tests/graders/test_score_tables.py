"""The tables of a batch: rows, means by model, tag and group, what they count, and that no order matters."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from graders import Judgment, score
from rubrics import Answer
from tests.graders.test_score import PLAIN, answer, example, judged, only, verdicts

# --- tables -------------------------------------------------------------------------------------------------------


def test_a_worked_batch_with_a_missing_answer_an_undefined_one_and_several_samples() -> None:
    """e1: 0.6 and 1.0; e2: no answer by m; e3: nothing applies; e4: 0.4, whose verdicts on b and c were lost."""
    waived = [judged(letter, None, "e3", status="not_applicable") for letter in "abc"]
    given = [
        *verdicts(True, False, False),
        *verdicts(True, True, False, sample=1),
        *waived,
        judged("b", True, "e4"),
        judged("a", False, "e4"),
    ]
    dataset = [example(name) for name in ("e4", "e2", "e3", "e1")]
    answers = [answer("e4"), answer("e3"), answer(), answer(sample=1)]
    scores = score(dataset, answers, given, min_coverage=0.5)
    row = scores.overall
    assert (row.n_examples, row.n_expected, row.n_scored, row.n_missing, row.n_undefined) == (3, 4, 2, 1, 1)
    # coverage: 1 and 1, none of e2, and 10 of 13 points of e4
    assert row.coverage == pytest.approx((2 + 10 / 13) / 4)
    # e1 0.8, e4 by what was judged 0.4; e2 has nothing to enter
    assert row.mean == row.mean_judged_only == pytest.approx((0.8 + 0.4) / 2)
    # e2 may score anything from −0.3 to 1, e4 from 0.1 to 0.4
    assert row.low == pytest.approx((0.8 - 0.3 + 0.1) / 3)
    assert row.high == pytest.approx((0.8 + 1.0 + 0.4) / 3)
    strict = score(dataset, answers, given).overall
    assert (strict.mean, strict.reason) == (None, "low_coverage")
    assert strict.mean_judged_only == row.mean_judged_only
    by_id = {(one["example_id"], one["sample"]): one for one in scores.answers_json()}
    assert (by_id["e3", 0]["score"], by_id["e3", 0]["reason"]) == (None, "nothing_applies")
    assert (by_id["e4", 0]["score"], by_id["e4", 0]["reason"]) == (None, "low_coverage")


def test_an_answer_whose_verdicts_were_all_lost_is_missing_not_zero() -> None:
    lost = [judged(letter, None, "e2", status="failed") for letter in "abc"]
    given = [*verdicts(True, True, False), *lost]
    row = score([example("e1"), example("e2")], [answer("e1"), answer("e2")], given, min_coverage=0.0).overall
    assert (row.n_expected, row.n_missing, row.n_scored, row.mean, row.coverage) == (2, 1, 1, 1.0, 0.5)


def test_an_answer_is_expected_of_every_model_that_occurs() -> None:
    given = [*verdicts(True, True, False), *verdicts(True, False, False, name="e2", model="n")]
    scores = score([example("e1"), example("e2")], [answer("e1"), answer("e2", model="n")], given, min_coverage=0)
    for model, mean in (("m", 1.0), ("n", 0.6)):
        row = scores.by_model[model]
        assert (row.n_expected, row.n_missing, row.mean, row.coverage) == (2, 1, mean, 0.5)
    assert (scores.overall.n_expected, scores.overall.n_missing) == (4, 2)


def test_several_models_have_no_common_mean_and_each_its_own() -> None:
    given = [*verdicts(True, True, False), *verdicts(True, False, False, model="n")]
    report = score([example(tags=["theme:pain"])], [answer(), answer(model="n")], given).as_json()
    for table in (report["overall"], report["by_grader"]["g"], *report["by_tag"].values()):
        assert (table["mean"], table["ci_low"], table["low"], table["reason"]) == (None, None, None, "several_models")
    assert (report["overall"]["n_expected"], report["overall"]["n_scored"], report["overall"]["n_examples"]) == (
        2,
        2,
        1,
    )
    assert {model: row["mean"] for model, row in report["by_model"].items()} == {"m": 1.0, "n": 0.6}
    assert [row["score"] for row in report["answers"]] == [1.0, 0.6]


def test_rows_have_every_combination_and_the_maps_are_their_slices() -> None:
    dataset = [example("e1", tags=["theme:pain"]), example("e2")]
    answers = [answer(name, model) for name in ("e1", "e2") for model in ("m", "n")]
    given = [
        judgment
        for name in ("e1", "e2")
        for model in ("m", "n")
        for grader in ("g", "h")
        for judgment in verdicts(True, model == "m", grader == "h", name=name, model=model, grader=grader)
    ]
    scores = score(dataset, answers, given, score_by="g")
    report = scores.as_json()
    found = {(row["model"], row["tag"], row["grader"]): row for row in report["rows"]}
    tags = [None, "theme:pain", "axis:accuracy"]
    assert set(found) == {(model, tag, grader) for model in ("m", "n") for tag in tags for grader in ("g", "h")}
    assert len(found) == len(report["rows"])
    assert set(found["m", None, "g"]) - {"model", "tag", "grader"} >= set(report["overall"])
    assert set(report["overall"]) == {
        "mean",
        "mean_judged_only",
        "mean_unclipped",
        "ci_low",
        "ci_high",
        "low",
        "high",
        "n_examples",
        "n_expected",
        "n_scored",
        "n_missing",
        "n_undefined",
        "coverage",
        "seed",
        "reason",
    }
    for model in ("m", "n"):
        assert report["by_model"][model] == {
            field: value for field, value in found[model, None, "g"].items() if field not in ("model", "tag", "grader")
        }
        assert set(report["by_model"][model]["worst_at_k"]) == {"1"}
    # accuracy: 6 of 6, less 3 where h finds the drug invented
    assert found["m", "axis:accuracy", "g"]["mean"] == 1.0
    assert found["m", "axis:accuracy", "h"]["mean"] == 0.5
    assert found["n", "theme:pain", "g"]["mean"] == pytest.approx(0.6)
    assert found["n", "theme:pain", "g"]["n_expected"] == 1
    assert scores.row(model="n", tag="theme:pain").mean == pytest.approx(0.6)


def test_with_one_model_and_one_group_every_map_is_filled() -> None:
    report = score([example(tags=["theme:pain"])], [answer()], verdicts(True, False, True)).as_json()
    for table in (report["overall"], report["by_model"]["m"], report["by_grader"]["g"], report["by_tag"]["theme:pain"]):
        assert (table["mean"], table["reason"], table["n_scored"]) == (0.3, None, 1)
    assert report["by_tag"]["axis:accuracy"]["mean"] == 0.5
    assert set(report["by_tag"]) == {"theme:pain", "axis:accuracy"}


def test_a_criterions_tag_is_averaged_over_the_examples_that_have_it_and_counts_its_own_losses() -> None:
    untagged = [{"id": "a", "criterion": "x", "points": 1}]
    dataset = [example("e1"), example("e2"), example("e3", untagged), example("e4")]
    given = [
        *verdicts(True, True, False, name="e1"),
        *verdicts(False, True, True, name="e2"),
        judged("a", True, "e3"),
        judged("a", None, "e4", status="not_applicable"),
        judged("b", True, "e4"),
        judged("c", True, "e4"),
    ]
    scores = score(dataset, [answer(name) for name in ("e1", "e2", "e3", "e4")], given)
    row = scores.by_tag["axis:accuracy"]
    # e1 1.0 and e2 (0 − 3) / 6; e3 has no such tag; in e4 only the fault applies
    assert row.mean == pytest.approx(0.25)
    assert (row.n_expected, row.n_scored, row.n_undefined, row.n_missing) == (2, 2, 1, 0)
    answers = {one["example_id"]: one["tags"] for one in scores.answers_json()}
    assert answers == {"e1": {"axis:accuracy": 1.0}, "e2": {"axis:accuracy": -0.5}, "e3": {}, "e4": {}}


def test_a_tag_that_lost_its_verdicts_is_nulled_alone() -> None:
    criteria = [{**PLAIN[0]}, {**PLAIN[1], "tags": ["axis:dose"]}]
    scores = score([example(criteria=criteria)], [answer()], [judged("a"), judged("b", None, status="failed")])
    assert only(scores)["tags"] == {"axis:accuracy": 1.0, "axis:dose": None}
    assert scores.by_tag["axis:accuracy"].mean == 1.0
    lost = scores.by_tag["axis:dose"]
    assert (lost.mean, lost.reason, lost.n_missing, lost.n_expected) == (None, "low_coverage", 1, 1)
    assert (lost.low, lost.high) == (0.0, 1.0)


def test_a_group_left_with_faults_nulls_the_tags_in_it_and_says_why() -> None:
    criteria = [
        {**PLAIN[0], "tags": ["t", "u"]},
        {
            "id": "g1",
            "points": 1,
            "children": [{"id": "b", "criterion": "x", "points": 1}, {**PLAIN[2], "tags": ["t"]}],
        },
    ]
    given = [judged("a"), judged("b", None, status="not_applicable"), judged("c")]
    row = only(score([example(criteria=criteria)], [answer()], given))
    assert (row["score"], row["reason"]) == (None, "group_all_negative:g1")
    assert row["tags"] == {"t": None, "u": 1.0}


def test_an_undefined_answers_reason_is_all_negative_where_only_faults_apply() -> None:
    waived = [judged(letter, None, status="not_applicable") for letter in "ab"]
    scores = score([example()], [answer()], [*waived, judged("c")])
    assert only(scores)["reason"] == "all_negative"
    assert (scores.overall.mean, scores.overall.reason, scores.overall.n_undefined) == (None, "nothing_expected", 1)


def test_clip_modes_clip_the_answer_the_mean_or_nothing() -> None:
    met = verdicts(False, False, True)
    for clip, answered, mean in (("none", -0.3, -0.3), ("answer", 0.0, 0.0), ("mean", -0.3, 0.0)):
        scores = score([example(scoring={"clip": clip})], [answer()], met)
        assert (only(scores)["score"], scores.overall.mean) == (answered, mean)
    raw = score([example(scoring={"normalize": "sum"})], [answer()], met)
    assert (only(raw)["score"], raw.overall.mean, raw.overall.low) == (-3.0, -3.0, -3.0)


def test_worst_at_k_goes_with_the_model_and_takes_every_sample() -> None:
    patterns = [(True, True), (True, False), (False, False)]
    given = [one for n, (a, b) in enumerate(patterns) for one in verdicts(a, b, False, sample=n)]
    row = score([example()], [answer(sample=n) for n in range(3)], given).by_model["m"]
    assert row.worst_at_k == pytest.approx({"1": 1.6 / 3, "2": (0.6 + 0 + 0) / 3, "3": 0.0})
    assert row.best_at_k == pytest.approx({"1": 1.6 / 3, "2": (1 + 1 + 0.6) / 3, "3": 1.0})


def test_nothing_at_all_gives_no_numbers_and_no_error() -> None:
    report = score([], [], []).as_json()
    assert (report["answers"], report["rows"], report["overall"]["mean"]) == ([], [], None)
    assert report["overall"]["reason"] is not None
    assert score([example()], [], []).overall.reason is not None


def test_the_report_is_json_without_nan() -> None:
    lost = judged("b", None, status="failed")
    scores = score([example(tags=["t"])], [answer(), answer(model="n")], [judged("a"), lost])
    assert "NaN" not in json.dumps(scores.as_json(), allow_nan=False)


def test_every_aggregate_follows_from_the_answers_rows() -> None:
    """Random batches with lost verdicts, waived criteria and missing answers, averaged again by hand."""
    rng = random.Random(5)
    for _ in range(25):
        names = [f"e{number}" for number in range(rng.randint(1, 6))]
        dataset = [example(name, scoring={"min_coverage": 0.5}) for name in names]
        answers = [answer(name, "nothing") for name in names]
        judgments: list[Judgment] = []
        told: set[tuple[str, int]] = set()
        for name in names:
            for sample in range(rng.randint(0, 3)):
                answers.append(answer(name, "m", sample))
                for letter in "abc":
                    status = rng.choices(["judged", "failed", "not_applicable"], [6, 2, 2])[0]
                    met = rng.random() < 0.5 if status == "judged" else None
                    judgments.append(judged(letter, met, name, sample=sample, status=status))
                    if status == "judged":
                        told.add((name, sample))
        if not judgments:
            continue
        scores = score(dataset, answers, judgments, min_coverage=0.0)
        rows = list(scores.answers_json())
        unanswered = next(row for row in rows if row["model"] == "nothing")
        per_example: list[list[dict[str, Any]]] = []
        counts = {"n_expected": 0, "n_missing": 0, "n_undefined": 0, "n_scored": 0}
        for name in names:
            given = [row for row in rows if row["example_id"] == name and row["model"] == "m"] or [unanswered]
            expected = [row for row in given if row["low"] is not None]
            counts["n_undefined"] += len(given) - len(expected)
            counts["n_expected"] += len(expected)
            counts["n_missing"] += sum((name, row["sample"]) not in told or row is unanswered for row in expected)
            counts["n_scored"] += sum(row["score"] is not None for row in expected)
            per_example.append(expected)

        def averaged(figure: str, *otherwise: str, expected: list[list[dict[str, Any]]] = per_example) -> float | None:
            means = []
            for group in expected:
                values = [next((r[f] for f in (figure, *otherwise) if r[f] is not None), None) for r in group]
                if known := [value for value in values if value is not None]:
                    means.append(sum(known) / len(known))
            return sum(means) / len(means) if means else None

        row = scores.by_model["m"]
        assert {name: getattr(row, name) for name in counts} == counts
        assert row.mean_unclipped == pytest.approx(averaged("score", "judged_only"), abs=1e-12)
        for figure in ("low", "high"):
            value = averaged(figure)
            assert getattr(row, figure) == pytest.approx(None if value is None else min(max(value, 0), 1), abs=1e-12)
        flat = [one["coverage"] for group in per_example for one in group]
        assert row.coverage == pytest.approx(sum(flat) / len(flat) if flat else None, abs=1e-12)


# --- order --------------------------------------------------------------------------------------------------------


def test_the_order_of_examples_criteria_answers_and_judgments_never_changes_a_bit() -> None:
    rng = random.Random(11)
    points = [6, 0.1, 0.2, -0.3, 4, 7, -2.2]
    examples: list[dict[str, Any]] = []
    answers: list[Answer] = []
    judgments: list[Judgment] = []
    for number in range(52):
        criteria: list[dict[str, Any]] = [
            {
                "id": f"c{place}",
                "criterion": "x",
                "points": value,
                "tags": rng.sample(["t", "u"], rng.randint(0, 2)),
                **({"gate": {"when": "unmet", "cap": 0.3}} if rng.random() < 0.1 else {}),
                **({"depends_on": {"criterion": "c0", "when": "met"}} if place and rng.random() < 0.2 else {}),
            }
            for place, value in enumerate(rng.sample(points, 6))
        ]
        tree = [
            *criteria[:3],
            {"id": "g1", "points": 3, "children": [*criteria[3:], {**criteria[0], "id": "c9", "points": 1}]},
        ]
        for leaf in tree[3]["children"]:
            leaf.pop("depends_on", None)
        name = f"e{number}"
        examples.append({"id": name, "criteria": tree, "tags": ["theme:x"] if number % 3 else []})
        for model in ("m", "n"):
            for sample in range(rng.choice([1, 1, 2, 3])):
                answers.append(answer(name, model, sample))
                for leaf in [*tree[:3], *tree[3]["children"]]:
                    for grader, kind in (("g", "model"), ("p1", "human"), ("p2", "human"), ("p3", "human")):
                        status = rng.choices(["judged", "failed", "not_applicable"], [30, 1, 1])[0]
                        met = rng.random() < 0.6 if status == "judged" else None
                        fields = {"model": model, "sample": sample, "grader": grader, "grader_kind": kind}
                        judgments.append(judged(leaf["id"], met, name, status=status, **fields))

    def report(order: random.Random | None) -> dict[str, Any]:
        def turned(items: list[Any]) -> list[Any]:
            return order.sample(items, len(items)) if order else items

        dataset = [
            example(
                one["id"],
                turned(
                    [*one["criteria"][:3], {**one["criteria"][3], "children": turned(one["criteria"][3]["children"])}]
                ),
                tags=one["tags"],
            )
            for one in turned(examples)
        ]
        scores = score(
            dataset, turned(answers), turned(judgments), score_by="g+humans", min_coverage=0.5, healthbench=True
        ).as_json()
        scores["answers"].sort(key=lambda row: (row["example_id"], row["model"], row["sample"]))
        return scores

    once = report(None)
    assert once["by_model"]["m"]["mean"] is not None
    assert once["by_model"]["m"]["n_examples"] == 52
    for seed in range(3):
        assert json.dumps(report(random.Random(seed)), sort_keys=True) == json.dumps(once, sort_keys=True)
