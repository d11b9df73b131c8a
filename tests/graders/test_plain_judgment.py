"""A row that is called plain is a right judgment, and says the same as its model."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from graders import Judgment, PlainJudgments

ROW = {
    "example_id": "e",
    "model": "m",
    "criterion_id": "c1",
    "grader": "g",
    "grader_kind": "model",
    "status": "judged",
    "met": True,
}
RIGHT = st.fixed_dictionaries(
    {
        **{name: st.sampled_from(["a", "é ü", "x" * 512]) for name in ("example_id", "model", "grader")},
        "criterion_id": st.sampled_from(["c1", "a:b.c_d-e"]),
        "grader_kind": st.sampled_from(["model", "human", "rule"]),
        "status": st.just("judged"),
        "met": st.booleans(),
    },
    optional={
        "sample": st.integers(0, 2**31 - 1),
        "repeat": st.integers(0, 3),
        "explanation": st.text(max_size=5),
        "answer_hash": st.just("0" * 16),
        "judged_at": st.just("2026-11-25T02:00:00+00:00"),
    },
)
WRONG: Any = st.sampled_from(
    [None, True, 0, -1, 2**31, 1.0, "", "x", "y" * 600, "\x00", "\n", "\ud800", "\u2028", [], ["x"], {}, "abstained"]
)


@settings(max_examples=300, deadline=None)
@given(row=RIGHT, name=st.sampled_from([*Judgment.model_fields, "nobody"]), value=WRONG, put=st.booleans())
def test_a_plain_row_is_a_right_judgment_and_its_model_says_the_same(
    row: dict[str, Any], name: str, value: Any, put: bool
) -> None:
    row = {**row, name: value} if put else row
    plain = PlainJudgments().has(row)
    try:
        judgment = Judgment.model_validate(row)
    except ValidationError:
        assert not plain
    else:
        assert not plain or judgment.as_json() == row


def test_most_rows_of_a_file_are_plain() -> None:
    plain = PlainJudgments()
    assert plain.has(ROW)
    assert plain.has({**ROW, "sample": 3, "repeat": 1, "explanation": "It does.", "grader_fingerprint": "0123"})
    assert not plain.has({**ROW, "evidence": ["a quote"]}), "only the model knows what a list may hold"
    assert not plain.has({**ROW, "met": 1})
    assert not plain.has({**ROW, "sample": True})
    assert not plain.has([ROW])
