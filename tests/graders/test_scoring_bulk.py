"""Scores of many plain answers at once equal the scores of one answer at a time, to the last bit."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import graders.cells
import graders.evaluation
from graders import Judgment, score
from rubrics import Answer, Example, Rubric

POINTS = st.sampled_from([1, 2, 3, 7, -1, -4, 0.5, -0.1, 10**6])


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Example], list[Answer], list[Judgment]]:
    examples, answers, judgments = [], [], []
    for number in range(draw(st.integers(1, 5))):
        points = [draw(st.sampled_from([1, 2, 5])), *draw(st.lists(POINTS, max_size=4))]
        criteria: list[dict[str, Any]] = [
            {"criterion": "x", "points": value, "tags": draw(st.lists(st.sampled_from("abc"), max_size=2, unique=True))}
            for value in points
        ]
        if draw(st.integers(0, 5)) == 0:
            criteria[0]["gate"] = {"when": "unmet", "cap": 0.1}
        rubric = Rubric.model_validate({"id": "r", "criteria": criteria})
        example = Example(id=f"e{number}", prompt="?", rubric=rubric, tags=("t",) if number % 2 else ())
        examples.append(example)
        for sample in range(draw(st.integers(0, 3))):
            answers.append(Answer(example_id=example.id, model="m", text="x", sample=sample))
            for leaf in rubric.leaves:
                for grader in ("g", "h"):
                    status = draw(st.sampled_from(["judged"] * 8 + ["failed", "not_applicable", None]))
                    if status is not None:
                        judged = {"met": draw(st.booleans())} if status == "judged" else {}
                        judgments.append(
                            Judgment(
                                example_id=example.id,
                                model="m",
                                sample=sample,
                                criterion_id=leaf.id,
                                grader=grader,
                                grader_kind="model",
                                status=status,
                                **judged,
                            )
                        )
    return examples, answers, judgments


@settings(max_examples=150)
@given(batches(), st.sampled_from(["g", "g+h"]))
def test_at_once_and_one_by_one_agree_to_the_last_bit(batch: Any, score_by: str) -> None:
    examples, answers, judgments = batch
    if not {"g", "h"} <= {judgment.grader for judgment in judgments}:
        return
    at_once = score(examples, answers, judgments, score_by=score_by).as_json()
    original = graders.evaluation.PlainBatch

    class NothingIsPlain(original):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.any = False

    graders.evaluation.PlainBatch = NothingIsPlain  # type: ignore[misc]
    try:
        one_by_one = score(examples, answers, judgments, score_by=score_by).as_json()
    finally:
        graders.evaluation.PlainBatch = original  # type: ignore[misc]
    assert at_once == one_by_one


@settings(max_examples=100)
@given(batches(), st.sampled_from([None, "g", "g+h"]), st.integers(1, 9), st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_how_many_judgments_are_read_at_once(
    batch: Any, score_by: str | None, size: int, order: Any
) -> None:
    examples, answers, judgments = batch
    if not {"g", "h"} <= {judgment.grader for judgment in judgments}:
        return
    whole = score(examples, answers, judgments, score_by=score_by).as_json()
    order.shuffle(judgments)
    before = graders.cells._BLOCK
    graders.cells._BLOCK = size
    try:
        in_parts = score(examples, answers, judgments, score_by=score_by).as_json()
    finally:
        graders.cells._BLOCK = before
    assert json.dumps(in_parts) == json.dumps(whole)
