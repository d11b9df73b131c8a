"""A whole batch: who votes together, what is refused, what is counted, and the tables that come out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from graders import Judgment, JudgmentFile, Scores, score
from rubrics import Answer, Example, InputError, answer_hash

PLAIN = [
    {"id": "a", "criterion": "Names the drug", "points": 6, "tags": ["axis:accuracy"]},
    {"id": "b", "criterion": "Gives the dose", "points": 4},
    {"id": "c", "criterion": "Invents a drug", "points": -3, "tags": ["axis:accuracy"]},
]


def example(name: str = "e1", criteria: Sequence[dict[str, Any]] = PLAIN, **more: Any) -> Example:
    rubric = {"id": f"r-{name}", "criteria": list(criteria), "scoring": more.pop("scoring", {})}
    return Example.model_validate({"id": name, "prompt": "What helps?", "rubric": rubric, **more})


def answer(name: str = "e1", model: str = "m", sample: int = 0, text: str = "Ibuprofen.") -> Answer:
    return Answer(example_id=name, model=model, sample=sample, text=text)


def judged(criterion: str, met: bool | None = True, name: str = "e1", **more: Any) -> Judgment:
    fields: dict[str, Any] = {"example_id": name, "model": "m", "criterion_id": criterion}
    fields |= {"grader": "g", "grader_kind": "model", "status": "judged", "met": met, **more}
    return Judgment.model_validate({field: value for field, value in fields.items() if value is not None})


def verdicts(*met: bool | None, name: str = "e1", **more: Any) -> list[Judgment]:
    """One verdict on each of a, b, c, …; None leaves a criterion unjudged."""
    return [judged(letter, one, name, **more) for letter, one in zip("abcdef", met, strict=False) if one is not None]


def only(scores: Scores) -> dict[str, Any]:
    """The one answer's row."""
    (row,) = scores.as_json()["answers"]
    assert isinstance(row, dict)
    return row


def mistakes(error: pytest.ExceptionInfo[InputError]) -> str:
    return str(error.value)


# --- one answer ---------------------------------------------------------------------------------------------------


def test_an_answers_row_has_every_figure_and_both_kinds_of_tags() -> None:
    scores = score([example(tags=["theme:pain"])], [answer()], verdicts(True, False, True))
    assert only(scores) == {
        "example_id": "e1",
        "model": "m",
        "sample": 0,
        "score": 0.3,
        "judged_only": 0.3,
        "low": 0.3,
        "high": 0.3,
        "bounds": "exact",
        "coverage": 1.0,
        "ungated": 0.3,
        "reason": None,
        "tags": {"theme:pain": 0.3, "axis:accuracy": 0.5},
        "by_grader": {
            "g": {"score": 0.3, "judged_only": 0.3, "low": 0.3, "high": 0.3, "coverage": 1.0, "reason": None}
        },
    }
    assert (scores.ungraded, scores.chosen, scores.warnings) == (0, "g", [])


@pytest.mark.parametrize("status", ["abstained", "failed"])
def test_abstained_and_failed_verdicts_open_the_bounds_and_are_never_zero(status: str) -> None:
    lost = judged("b", None, status=status)
    row = only(score([example()], [answer()], [*verdicts(True, None, True), lost]))
    assert (row["score"], row["judged_only"], row["reason"]) == (None, 0.5, "low_coverage")
    assert (row["low"], row["high"], row["coverage"]) == (0.3, pytest.approx(0.7), pytest.approx(9 / 13))


def test_a_criterion_that_no_one_was_asked_is_ungraded_too() -> None:
    scores = score([example()], [answer()], verdicts(True, None, True))
    assert scores.ungraded == 1
    assert only(scores)["score"] is None


def test_ungraded_counts_the_applicable_criteria_of_the_shown_group() -> None:
    criteria = [*PLAIN, {"id": "d", "criterion": "x", "points": 1, "depends_on": {"criterion": "b", "when": "met"}}]
    assert score([example(criteria=criteria)], [answer()], verdicts(True, None, True, True)).ungraded == 2
    assert score([example(criteria=criteria)], [answer()], verdicts(True, False, True)).ungraded == 0
    two = [*verdicts(True, True, True, True), *verdicts(True, None, None, grader="h")]
    for shown, ungraded in (("g", 0), ("h", 3), ("g+h", 0), (None, 3)):
        assert score([example(criteria=criteria)], [answer()], two, score_by=shown).ungraded == ungraded


def test_people_may_say_that_a_criterion_does_not_apply_whatever_the_rubric_says() -> None:
    waived = judged("b", None, status="not_applicable", grader="p1", grader_kind="human")
    people = verdicts(True, None, True, grader="p1", grader_kind="human")
    assert only(score([example()], [answer()], [*people, waived]))["score"] == 0.5


@pytest.mark.parametrize(
    ("scale", "verdict", "result"),
    [
        ({"type": "binary"}, {"met": True}, 1.0),
        ({"type": "ordinal", "options": [{"label": "bad"}, {"label": "ok"}, {"label": "good"}]}, {"option": "ok"}, 0.5),
        (
            {"type": "nominal", "options": [{"label": "x", "credit": 0.2}, {"label": "y", "credit": 1}]},
            {"option": "x"},
            0.2,
        ),
        ({"type": "number", "min": 1, "max": 5}, {"value": 4}, 0.75),
        ({"type": "count", "max_count": 4}, {"value": 3}, 0.75),
        ({"type": "count", "max_count": 4}, {"value": 400}, 1.0),
    ],
)
def test_a_verdict_on_each_scale_becomes_credit(scale: dict[str, Any], verdict: dict[str, Any], result: float) -> None:
    scaled = example(criteria=[{"id": "a", "criterion": "x", "points": 5, "scale": scale}])
    assert (
        only(score([scaled], [answer()], [judged("a", **{"met": None, "status": "judged", **verdict})]))["score"]
        == result
    )


@pytest.mark.parametrize(
    ("scale", "verdict"),
    [
        ({"type": "binary"}, {"value": 1}),
        ({"type": "ordinal", "options": [{"label": "bad"}, {"label": "good"}]}, {"option": "goood"}),
        ({"type": "ordinal", "options": [{"label": "bad"}, {"label": "good"}]}, {"met": True}),
        ({"type": "number", "min": 1, "max": 5}, {"value": 5.5}),
        ({"type": "number", "min": 1, "max": 5}, {"value": 0}),
        ({"type": "count", "max_count": 4}, {"value": -1}),
        ({"type": "count", "max_count": 4}, {"value": 1.5}),
    ],
)
def test_a_verdict_outside_its_scale_is_refused_and_not_clamped(scale: dict[str, Any], verdict: dict[str, Any]) -> None:
    scaled = example(criteria=[{"id": "a", "criterion": "x", "points": 5, "scale": scale}])
    with pytest.raises(InputError, match=r"judgments:1 \$\."):
        score([scaled], [answer()], [judged("a", **{"met": None, "status": "judged", **verdict})])


def test_the_greatest_value_of_a_number_scale_is_within_it() -> None:
    """In floats −7 + (−1.73 − −7) is a hair below −1.73."""
    scale = {"type": "number", "min": -7, "max": -1.73}
    scaled = example(criteria=[{"id": "a", "criterion": "x", "points": 1, "scale": scale}])
    assert only(score([scaled], [answer()], [judged("a", None, status="judged", value=-1.73)]))["score"] == 1.0


# --- checks -------------------------------------------------------------------------------------------------------

CHECKED = [*PLAIN, {"id": "short", "criterion": "Is short", "points": 10, "check": {"max_words": 3}}]


def test_checks_are_judged_on_the_way_and_join_every_group() -> None:
    by_two = [*verdicts(True, True, False), *verdicts(False, False, False, grader="h")]
    scores = score([example(criteria=CHECKED)], [answer()], by_two)
    assert list(scores.groups) == ["g", "h"]
    by_grader = only(scores)["by_grader"]
    assert (by_grader["g"]["score"], by_grader["h"]["score"]) == (1.0, 0.5)


def test_where_nothing_but_checks_was_asked_the_group_is_rules() -> None:
    scores = score([example(criteria=CHECKED[3:])], [answer(), answer(sample=1, text="far too many words here")], [])
    assert (list(scores.groups), scores.chosen) == (["rules"], "rules")
    assert [row["score"] for row in scores.answers_json()] == [1.0, 0.0]


def test_a_persons_label_on_a_check_is_kept_does_not_vote_and_is_warned_of() -> None:
    label = judged("short", False, grader="p1", grader_kind="human")
    again = judged("short", False, grader="p1", grader_kind="human", sample=1)
    scores = score(
        [example(criteria=CHECKED)],
        [answer(), answer(sample=1)],
        [*verdicts(True, True, False), *verdicts(True, True, False, sample=1), label, again],
    )
    assert [row["score"] for row in scores.answers_json()] == [1.0, 1.0]
    assert list(scores.groups) == ["g"]
    assert scores.warnings == ["a label by 'p1' on a criterion with a check is kept and does not vote (2×)"]


def test_recorded_judgments_of_rules_form_no_group_and_are_judged_anew() -> None:
    stored = judged("short", False, grader="rules", grader_kind="rule")
    scores = score([example(criteria=CHECKED)], [answer()], [*verdicts(True, True, False), stored])
    assert (list(scores.groups), only(scores)["score"], scores.warnings) == (["g"], 1.0, [])


# --- groups and panels --------------------------------------------------------------------------------------------


def graders_of(*names: str, kind: str = "model", met: bool = True, **more: Any) -> list[Judgment]:
    return [one for name in names for one in verdicts(met, met, False, grader=name, grader_kind=kind, **more)]


def test_people_are_one_group_and_every_other_grader_is_its_own() -> None:
    given = [*graders_of("p1", "p2", kind="human"), *graders_of("g"), *graders_of("my-rule", kind="rule")]
    assert list(score([example()], [answer()], given).groups) == ["g", "humans", "my-rule"]


def test_people_vote_together() -> None:
    given = [
        *verdicts(True, True, False, grader="p1", grader_kind="human"),
        *verdicts(True, False, False, grader="p2", grader_kind="human"),
        *verdicts(False, True, False, grader="p3", grader_kind="human"),
    ]
    assert only(score([example()], [answer()], given))["score"] == 1.0


def test_one_name_with_two_fingerprints_is_two_groups() -> None:
    given = [
        *graders_of("g", grader_fingerprint="f1"),
        *graders_of("g", grader_fingerprint="f2", met=False),
        *graders_of("h", grader_fingerprint="f3"),
    ]
    scores = score([example()], [answer()], given)
    assert list(scores.groups) == ["g@f1", "g@f2", "h"]
    assert {name: row["score"] for name, row in only(scores)["by_grader"].items()} == {
        "g@f1": 1.0,
        "g@f2": 0.0,
        "h": 1.0,
    }


def test_repeats_of_one_grader_vote_together() -> None:
    given = [*graders_of("g"), *graders_of("g", repeat=1), *graders_of("g", met=False, repeat=2)]
    assert only(score([example()], [answer()], given))["score"] == 1.0


def test_a_panels_members_vote_together_and_stand_beside_it() -> None:
    given = [*graders_of("x"), *graders_of("y", met=False), *graders_of("z")]
    scores = score([example()], [answer()], given, score_by="x+y+z")
    assert only(scores)["score"] == 1.0
    assert {name: row["score"] for name, row in only(scores)["by_grader"].items()} == {
        "x": 1.0,
        "y": 0.0,
        "z": 1.0,
        "x+y+z": 1.0,
    }
    tied = score([example()], [answer()], given, score_by="y+x")
    assert only(tied)["score"] == 0.0
    assert tied.overall.mean == 0.0


def test_a_panel_may_mix_people_and_models_and_names_that_hold_a_plus() -> None:
    given = [*graders_of("gpt+tools"), *graders_of("p1", kind="human", met=False), *graders_of("gpt")]
    for panel, result in (
        ("gpt+tools", 1.0),
        ("gpt+tools+humans", 0.0),
        ("humans+gpt+tools+gpt", 1.0),
        ("gpt+humans", 0.0),
        ("gpt+gpt+tools", 1.0),
    ):
        assert only(score([example()], [answer()], given, score_by=panel))["score"] == result


@pytest.mark.parametrize("panel", ["reader-c", "reader-a+reader-c", "reader-a+", "+"])
def test_an_unknown_group_is_refused_with_the_likely_one(panel: str) -> None:
    given = [*graders_of("reader-a"), *graders_of("reader-b")]
    with pytest.raises(InputError, match="--score-by") as error:
        score([example()], [answer()], given, score_by=panel)
    assert "expected a group of graders" in mistakes(error)
    assert "reader-a" in mistakes(error) or "did you mean 'reader-b'?" in mistakes(error)


def test_with_several_groups_and_none_named_there_is_no_score_outside_by_grader() -> None:
    report = score([example(tags=["theme:pain"])], [answer()], [*graders_of("x"), *graders_of("y")]).as_json()
    (row,) = report["answers"]
    for figure in ("score", "judged_only", "low", "high", "ungated", "coverage"):
        assert row[figure] is None
    assert row["reason"] == "several_graders"
    assert row["tags"] == {"theme:pain": None, "axis:accuracy": None}
    assert {name: one["score"] for name, one in row["by_grader"].items()} == {"x": 1.0, "y": 1.0}
    for table in (report["overall"], report["by_model"]["m"], *report["by_tag"].values()):
        assert (table["mean"], table["mean_judged_only"], table["reason"]) == (None, None, "several_graders")
    assert {name: one["mean"] for name, one in report["by_grader"].items()} == {"x": 1.0, "y": 1.0}
    assert all(one["mean"] == 1.0 for one in report["rows"])


# --- consensus ----------------------------------------------------------------------------------------------------


def test_the_rubrics_consensus_holds_unless_another_is_asked_for() -> None:
    given = [*graders_of("p1", kind="human"), *graders_of("p2", kind="human", met=False)]
    careful = example(scoring={"consensus": "unanimous"})
    assert only(score([careful], [answer()], given))["score"] is None
    assert only(score([careful], [answer()], given, consensus="mean"))["score"] == 0.5
    assert only(score([example()], [answer()], given))["score"] == 0.0
    assert only(score([example()], [answer()], given, consensus="unanimous"))["coverage"] == pytest.approx(3 / 13)


def test_the_latest_ruling_is_the_latest_in_time_whatever_its_offset() -> None:
    """10:00+02:00 is 08:00 UTC, before 09:00+00:00, though it sorts after it as text."""
    human: dict[str, Any] = {"grader_kind": "human", "ruling": True}
    given = [
        judged("a", True, grader="p1", judged_at="2026-03-01T10:00:00+02:00", **human),
        judged("a", False, grader="p2", judged_at="2026-03-01T09:00:00Z", **human),
        *verdicts(None, True, False, grader="p1", grader_kind="human"),
    ]
    assert only(score([example()], [answer()], given, consensus="adjudicated"))["score"] == 0.4
    assert only(score([example()], [answer()], given[::-1], consensus="adjudicated"))["score"] == 0.4


def test_a_ruling_settles_what_many_said_and_one_that_abstains_settles_nothing() -> None:
    many = [one for name in ("p1", "p2", "p3") for one in graders_of(name, kind="human", met=False)]
    ruled = judged("a", True, grader="chair", grader_kind="human", ruling=True)
    unsure = judged("a", None, status="abstained", grader="chair", grader_kind="human", ruling=True)
    assert only(score([example()], [answer()], [*many, ruled], consensus="adjudicated"))["score"] == 0.6
    assert only(score([example()], [answer()], [*many, unsure], consensus="adjudicated"))["score"] == 0.0


# --- what is refused ----------------------------------------------------------------------------------------------


def test_two_judgments_of_one_cell_are_refused_with_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "judgments.jsonl"
    rows = [judged("a"), judged("b"), judged("a", False), judged("a", repeat=1)]
    path.write_text("".join(json.dumps(row.as_json()) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(InputError) as error:
        score([example()], [answer()], JudgmentFile(path))
    assert mistakes(error).startswith(f"{path}:3 $: a second judgment of one cell, the first is on line 1")
    with pytest.raises(InputError) as error:
        score([example()], [answer()], JudgmentFile(path), [judged("b", False)])
    assert "judgments:1 $: a second judgment of one cell" in mistakes(error)
    assert f"the first is on {path} line 2" in mistakes(error)


def test_the_same_cell_by_two_graders_or_two_tries_is_no_second_judgment() -> None:
    given = [judged("a"), judged("a", repeat=1), judged("a", grader="h"), judged("a", grader_fingerprint="f")]
    assert list(score([example()], [answer()], given).groups) == ["g", "g@f", "h"]


def test_no_stale_verdict_is_credited() -> None:
    one, text = example(), "Ibuprofen."
    fresh: dict[str, Any] = {
        "criterion_hash": one.rubric.criterion_hashes["a"],
        "answer_hash": answer_hash(one, answer(text=text)),
    }
    assert only(score([one], [answer(text=text)], [judged("a", **fresh)]))["judged_only"] == 1.0
    for field in fresh:
        with pytest.raises(InputError, match=rf"judgments:1 \$\.{field}: got '0{{16}}'.*judge it again"):
            score([one], [answer(text=text)], [judged("a", **{**fresh, field: "0" * 16})])
    reworded = example(criteria=[{**PLAIN[0], "criterion": "Names the drug and its maker"}, *PLAIN[1:]])
    with pytest.raises(InputError, match="has changed since it was judged"):
        score([reworded], [answer(text=text)], [judged("a", **fresh)])
    with pytest.raises(InputError, match="the prompt or the answer has changed"):
        score([one], [answer(text="Aspirin.")], [judged("a", **fresh)])


def test_points_and_tags_may_change_without_making_a_verdict_stale() -> None:
    hashes: dict[str, Any] = {"criterion_hash": example().rubric.criterion_hashes["a"]}
    heavier = example(criteria=[{**PLAIN[0], "points": 9, "tags": []}])
    assert only(score([heavier], [answer()], [judged("a", **hashes)]))["score"] == 1.0


@pytest.mark.parametrize(
    ("judgment", "message"),
    [
        (judged("a", name="e2"), "$.example_id: got 'e2', expected the id of an example (known: e1)"),
        (judged("aa"), "$.criterion_id: got 'aa', expected a criterion of 'e1'"),
        (judged("a", model="other"), "$: there is no answer of 'other' to 'e1', sample 0"),
        (judged("a", sample=3), "$: there is no answer of 'm' to 'e1', sample 3"),
    ],
)
def test_a_judgment_of_nothing_is_refused_with_its_place(judgment: Judgment, message: str) -> None:
    with pytest.raises(InputError) as error:
        score([example()], [answer()], [judged("b"), judgment])
    assert mistakes(error).startswith(f"judgments:2 {message}")


def test_an_answer_to_no_example_and_a_second_answer_are_refused_and_all_mistakes_come_at_once() -> None:
    with pytest.raises(InputError) as error:
        score([example()], [answer(), answer("e7"), answer()], [judged("zz"), judged("b", name="nowhere")])
    text = mistakes(error)
    for part in (
        "answers:2 $.example_id: got 'e7'",
        "answers:3 $: a second answer of 'm' to 'e1'",
        "'zz'",
        "'nowhere'",
    ):
        assert part in text


# --- failures -----------------------------------------------------------------------------------------------------


def test_failures_are_counted_by_kind_and_every_kind_is_listed() -> None:
    def failed(criterion: str, kind: str, status: str = "failed", **more: Any) -> Judgment:
        return judged(criterion, None, status=status, failure={"kind": kind, "message": "seen"}, **more)

    given = [
        failed("a", "parse"),
        failed("b", "parse"),
        failed("c", "refusal"),
        failed("a", "misquote", "abstained", grader="h"),
        failed("b", "control", "abstained", grader="h"),
        judged("c", grader="h"),
    ]
    scores = score([example()], [answer()], given, score_by="h")
    assert scores.failures == {
        "parse": 2,
        "refusal": 1,
        "truncated": 0,
        "http": 0,
        "timeout": 0,
        "misquote": 1,
        "control": 1,
        "grader": 0,
    }
    assert scores.as_json()["failures"] == scores.failures


def test_the_report_in_pieces_is_the_report_whatever_the_size() -> None:
    for samples in (0, 1, 1000, 1001):
        answers = [answer(sample=sample, text="“Böse”") for sample in range(samples)]
        scores = score([example(tags=["theme:é"])], answers, verdicts(True, False, True) if samples else [])
        assert "".join(scores.json_text()) == json.dumps(scores.as_json(), ensure_ascii=False)
        with_run = {**scores.as_json(), "run": {"name": "r"}}
        assert "".join(scores.json_text(run={"name": "r"})) == json.dumps(with_run, ensure_ascii=False)
