"""Rows that are taken as they are read give the scores and the mistakes that models of them give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graders import Judgment, JudgmentFile, ScoringOptions, collect
from graders.scorer import Scorer
from rubrics import Answer, AnswerFile, DatasetFile, Example, answer_hash

NAMES = st.sampled_from(["e0", "e0", "e0", "e1", "e1", "e2", "e9"])
MODELS = st.sampled_from(["m", "m", "m", "n"])
SAMPLES = st.sampled_from([0, 0, 0, 1, -1, False, 0.0, 2**40])
ODD = st.sampled_from([None, True, 0, 1.5, "", "x", "\x00", "\ud800", [], ["x"], {}])
"""What may stand where it should not."""


def example(number: int, check: bool) -> dict[str, Any]:
    criteria: list[dict[str, Any]] = [
        {"id": "a", "criterion": f"Names the drug {number}", "points": 6, "tags": ["axis:a"]},
        {"id": "b", "criterion": "Invents a drug", "points": -3, "tags": ["axis:b"]},
    ]
    if check:
        criteria[1]["check"] = {"max_words": 3}
    return {"id": f"e{number}", "prompt": "?", "rubric": {"id": "r", "criteria": criteria}, "tags": ["theme:x"]}


ANSWER_HASH = answer_hash(Example.model_validate(example(0, False)), Answer(example_id="e0", model="m", text="one"))
CRITERION_HASH = Example.model_validate(example(0, False)).rubric.criterion_hashes["a"]

ANSWERS = st.fixed_dictionaries(
    {"example_id": NAMES, "model": MODELS, "text": st.sampled_from(["one", 'two "words"', "é and more than three"])},
    optional={"sample": SAMPLES, "metadata": st.just({"seconds": 0.5})},
)
JUDGMENTS = st.fixed_dictionaries(
    {
        "example_id": NAMES,
        "model": MODELS,
        "criterion_id": st.sampled_from(["a", "b", "a", "b", "z"]),
        "grader": st.sampled_from(["g", "g", "h"]),
        "grader_kind": st.sampled_from(["model", "model", "human"]),
        "status": st.sampled_from(["judged", "judged", "judged", "abstained"]),
        "met": st.booleans(),
    },
    optional={"sample": SAMPLES},
)
REMARKS = st.dictionaries(
    st.sampled_from(sorted(Judgment.model_fields)),
    ODD | st.sampled_from([False, 1, -1, 0.5, 10**30, "test", "a" * 16, [1], {"kind": "parse", "message": "x"}]),
    max_size=3,
)
"""Fields beside the verdict, right and wrong."""
RIGHT = st.fixed_dictionaries(
    {},
    optional={
        "repeat": st.integers(0, 2),
        "use": st.sampled_from(["test", "tune"]),
        "explanation": st.just("é"),
        "evidence": st.just(["one"]),
        "seconds": st.just(0.5),
        "input_tokens": st.just(3),
        "grader_fingerprint": st.sampled_from(["f" * 16, "0" * 16]),
        "answer_hash": st.sampled_from([ANSWER_HASH, ANSWER_HASH, "0" * 16]),
        "criterion_hash": st.sampled_from([CRITERION_HASH, CRITERION_HASH, "0" * 16]),
    },
)
SOUND = [
    {"example_id": f"e{number}", "model": "m", "criterion_id": "a", "grader": "g", "grader_kind": "model"}
    | {"status": "judged", "met": True}
    for number in range(2)
]


@st.composite
def lines(draw: st.DrawFn, rows: st.SearchStrategy[dict[str, Any]], size: int) -> list[str]:
    """Rows of one file, a few of them spoilt."""
    written = []
    for row in draw(st.lists(rows, max_size=size)):
        match draw(st.integers(0, 15)):
            case 0 | 1:
                row = {**row, draw(st.sampled_from(sorted(row))): draw(ODD)}
            case 3:
                row = {name: row[name] for name in list(row)[1:]}
            case 2:
                row = {**row, **draw(REMARKS)}
            case 4 | 5 | 6 | 7 | 8:
                row = {**row, **draw(RIGHT)}
        line = json.dumps(row, ensure_ascii=draw(st.booleans()) or "ud800" in ascii(row))
        if draw(st.integers(0, 11)) == 0:
            line = draw(st.sampled_from([line[:-1], line[:-1] + ', "model": "m"}', "[" + line + "]"]))
        written.append(line)
    return written


@contextmanager
def only_models() -> Iterator[None]:
    """Every row goes the long way."""
    lanes = Scorer.add_plain, Scorer.add_plain_answer, DatasetFile.lean
    Scorer.add_plain = Scorer.add_plain_answer = lambda *_: False  # type: ignore[method-assign,assignment]
    DatasetFile.lean = DatasetFile.numbered  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Scorer.add_plain, Scorer.add_plain_answer, DatasetFile.lean = lanes  # type: ignore[method-assign]


def told(folder: Path) -> Any:
    """What comes of scoring a folder: its mistakes, or its scores."""
    collected = collect(
        DatasetFile(folder / "examples.jsonl"),
        AnswerFile(folder / "answers.jsonl"),
        [JudgmentFile(folder / "judgments.jsonl")],
    )
    found = [str(mistake) for mistake in collected.mistakes]
    return found or json.dumps(collected.scorer.scores(ScoringOptions()).as_json())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=3), lines(ANSWERS, 6), lines(JUDGMENTS, 10))
def test_the_short_way_and_the_long_way_tell_the_same(checks: list[bool], answers: list[str], votes: list[str]) -> None:
    examples = [json.dumps(example(number, check)) for number, check in enumerate(checks)]
    answers = [json.dumps({"example_id": f"e{number}", "model": "m", "text": "one"}) for number in range(2)] + answers
    votes = [json.dumps(row) for row in SOUND] + votes
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, rows in (("examples", examples), ("answers", answers), ("judgments", votes)):
            (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
        short = told(folder)
        with only_models():
            assert told(folder) == short


def test_a_sound_batch_goes_the_short_way_after_its_first_rows(tmp_path: Path) -> None:
    place = [{"example_id": f"e{number}", "model": "m"} for number in range(3)]
    rows = {
        "examples": [example(number, False) for number in range(3)],
        "answers": [{**there, "text": "a\nb"} for there in place],
        "judgments": [
            {**there, "criterion_id": leaf, "grader": "g", "grader_kind": "model", "status": "judged", "met": True}
            for there in place
            for leaf in "ab"
        ],
    }
    for name, written in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written), encoding="utf-8")
    scorer = Scorer()
    for _, item in DatasetFile(tmp_path / "examples.jsonl").lean():
        scorer.add_example(item)
    answers, votes = AnswerFile(tmp_path / "answers.jsonl"), JudgmentFile(tmp_path / "judgments.jsonl")
    scorer.add_answer(next(iter(answers)))
    assert [scorer.add_plain_answer(row) for row in rows["answers"]] == [False, True, True]
    scorer.add_judgment(next(iter(votes)))
    assert all(scorer.add_plain(row) for row in rows["judgments"][1:])
    assert scorer.kept == len(rows["judgments"])
