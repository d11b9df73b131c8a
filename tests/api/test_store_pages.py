"""A run's judgments read in pages: the highest attempts, whatever page they stand on, and every number as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.store import RowEntry, Run, Store
from graders import Entry, Judgment
from rubrics import Answer, AnswerHasher, DatasetInfo, Example, Rubric
from tests.rubrics.strategies import metadata, texts

RUBRIC = Rubric.model_validate(
    {"id": "r", "criteria": [{"criterion": "Says so", "points": 1}, {"criterion": "Says why", "points": 2}]}
)
EXAMPLE = Example(id="e", prompt="p", rubric=RUBRIC)
HASHER = AnswerHasher(EXAMPLE)
ANSWERS = 1_100


@pytest.fixture
def store() -> Iterator[Store]:
    with Store("sqlite://") as store:
        yield store


def open_run(store: Store, answers: int) -> Run:
    with store.stage_dataset(DatasetInfo(name="d")) as stage:
        stage.add(EXAMPLE)
        dataset = stage.commit()
    with store.stage_answers(dataset) as staged:
        for sample in range(answers):
            text = f"answer {sample}"
            staged.add(sample, Answer(example_id="e", model="m", sample=sample, text=text), HASHER.hash(text))
        return store.open_run("night", dataset, staged.commit(), [])


def row(sample: int, criterion: str = "c1", **more: Any) -> dict[str, Any]:
    """A judgment's row as the ledger wants it: all of its cell, and both hashes."""
    return {
        "example_id": "e",
        "model": "m",
        "sample": sample,
        "criterion_id": criterion,
        "grader": "g",
        "repeat": 0,
        "grader_kind": "model",
        "status": "judged",
        "met": True,
        "criterion_hash": RUBRIC.criterion_hashes[criterion],
        "answer_hash": HASHER.hash(f"answer {sample}"),
        **more,
    }


def test_the_highest_attempts_are_found_across_pages(store: Store) -> None:
    run = open_run(store, ANSWERS)
    attempts = {(sample, name): (sample * 7 + len(name)) % 4 for sample in range(ANSWERS) for name in ("c1", "c2")}
    entries = [
        RowEntry(row(sample, name, explanation=str(attempt)), "k", attempt)
        for (sample, name), most in attempts.items()
        for attempt in range(most + 1)
        if attempt < most or sample % 5
    ]
    run.ledger().keep_rows(entries)
    highest: dict[tuple[int, str], str] = {}
    for entry in entries:
        highest[entry.row["sample"], entry.row["criterion_id"]] = str(entry.attempt)
    for current in (False, True):
        found = list(run.judgments(current=current))
        cells = [each.cell for each in found]
        assert all(before < after for before, after in pairwise(cells)), "each cell once, and in order"
        assert {(each.sample, each.criterion_id): each.explanation for each in found} == highest


def test_only_what_holds_is_on_the_pages_and_no_page_is_empty(store: Store) -> None:
    run = open_run(store, ANSWERS)
    run.ledger().keep_rows(
        [RowEntry(row(sample), "k", 0) for sample in range(ANSWERS) if sample % 3]
        + [RowEntry(row(sample, answer_hash="stale"), "k", 0) for sample in range(ANSWERS) if not sample % 3]
        + [RowEntry(row(sample), "k", 0) for sample in range(ANSWERS, ANSWERS + 900)]
    )
    pages = list(run.judgment_pages(current=True))
    assert all(len(page) for page in pages)
    assert [each.sample for page in pages for each in page] == [n for n in range(ANSWERS) if n % 3]
    assert sum(len(page) for page in run.judgment_pages(current=False)) == ANSWERS + 900


@settings(max_examples=60, deadline=None)
@given(
    more=st.fixed_dictionaries(
        {},
        optional={
            "explanation": texts,
            "metadata": metadata,
            "evidence": st.lists(texts, max_size=2),
            "cost": st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False),
            "seconds": st.sampled_from([0, 0.0, 2**63 - 1, 2**63, 2**64, -(2**63), 1e300, 10**300]),
            "probability": st.sampled_from([0, 1, 0.0, 0.25]),
        },
    )
)
def test_a_judgment_is_kept_as_it_was_written_as_a_model_and_as_a_row(more: dict[str, Any]) -> None:
    with Store("sqlite://") as store:
        run = open_run(store, 2)
        run.ledger().keep([Entry(Judgment.model_validate(row(0, **more)), "k", 0)])
        run.ledger().keep_rows([RowEntry(row(1, **more), "k", 0)])
        as_model, as_row = run.judgments(current=True)
    assert json.dumps(as_model.as_json(), sort_keys=True) == json.dumps(row(0, **more), sort_keys=True)
    assert json.dumps(as_row.as_json(), sort_keys=True) == json.dumps(row(1, **more), sort_keys=True)


def test_a_row_that_is_there_already_is_left_as_it_is(store: Store) -> None:
    run = open_run(store, 1)
    run.ledger().keep_rows([RowEntry(row(0, met=True), "k", 0)])
    run.ledger().keep_rows([RowEntry(row(0, met=False), "other", 0)])
    assert [each.met for each in run.judgments(current=True)] == [True]
    assert run.ledger().standing("e", "m", 0)["c1", "g", 0].key == "k"


def test_what_stands_is_told_for_the_answers_from_one_to_another(store: Store) -> None:
    run = open_run(store, 5)
    run.ledger().keep_rows([RowEntry(row(sample), f"k{sample}.{n}", n) for sample in range(5) for n in range(2)])
    between = run.ledger().standing_between(("e", "m", 1), ("e", "m", 3))
    assert between == {("e", "m", sample): run.ledger().standing("e", "m", sample) for sample in (1, 2, 3)}
