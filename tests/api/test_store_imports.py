"""Recorded judgments: staged, checked by line, given out by answer, and gone when the stage is left."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.store import Run, Store
from graders import Judgment
from rubrics import Answer, DatasetInfo, Example, Rubric, StoreError

ROOT = Path(__file__).parents[2]
RUBRIC = Rubric.model_validate({"id": "r", "criteria": [{"criterion": "Says so", "points": 1}]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{path}") as store:
        yield store


@pytest.fixture
def run(store: Store) -> Run:
    with store.stage_dataset(DatasetInfo(name="d")) as stage:
        for example_id in ("chest-pain", "fever"):
            stage.add(Example(id=example_id, prompt="p", rubric=RUBRIC))
        dataset = stage.commit()
    with store.stage_answers(dataset) as answers:
        answers.add(1, Answer(example_id="chest-pain", model="small", text="t"), "h")
        answers.add(2, Answer(example_id="chest-pain", model="large", text="t"), "h")
        return store.open_run("night", dataset, answers.commit(), [])


def judgment(**fields: Any) -> Judgment:
    given = {
        "example_id": "chest-pain",
        "model": "small",
        "criterion_id": "c1",
        "grader": "dr-a",
        "grader_kind": "human",
        "status": "judged",
        "met": True,
    }
    return Judgment.model_validate(given | fields)


def staged(path: Path) -> int:
    connection = sqlite3.connect(path)
    number: int = connection.execute("SELECT count(*) FROM staged_judgments").fetchone()[0]
    connection.close()
    return number


def test_judgments_come_back_by_answer_with_their_lines(run: Run, path: Path) -> None:
    full = judgment(
        explanation="é", evidence=["q"], cost=5, metadata={"b": 1, "a": 2}, criterion_hash="c", grader_fingerprint="f"
    )
    with run.stage_judgments() as stage:
        stage.add(3, judgment(criterion_id="z"))
        stage.add(4, judgment(model="large"))
        stage.add(5, full)
        found = stage.for_answer("chest-pain", "small", 0)
        assert found == [(3, judgment(criterion_id="z")), (5, full)]
        assert found[1].judgment.as_json() == full.as_json() | {"sample": 0, "repeat": 0}
        assert stage.for_answer("chest-pain", "large", 0) == [(4, judgment(model="large"))]
        assert stage.for_answer("chest-pain", "large", 1) == []
        assert list(stage.problems()) == []
        assert staged(path) == 3
    assert staged(path) == 0


def test_two_judgments_of_one_cell_are_named_by_both_lines(run: Run) -> None:
    with run.stage_judgments() as stage:
        stage.add(1, judgment())
        for line in range(2, 1_300):
            stage.add(line, judgment(repeat=line))
        stage.add(1_300, judgment(met=False))
        stage.add(1_301, judgment(repeat=7, grader_fingerprint="f"))
        stage.add(1_302, judgment(repeat=7, grader_fingerprint="f"))
        cell = "example 'chest-pain', model 'small', sample 0, criterion 'c1', grader 'dr-a', repeat"
        assert list(stage.problems()) == [
            (1_300, f"got a judgment of {cell} 0, which line 1 has already"),
            (1_302, f"got a judgment of {cell} 7 with the same grader_fingerprint, which line 1301 has already"),
        ]


def test_judgments_of_no_answer_say_what_is_missing(run: Run) -> None:
    with run.stage_judgments() as stage:
        stage.add(1, judgment(example_id="chest-pian"))
        stage.add(2, judgment(example_id="fever"))
        stage.add(3, judgment(model="smal"))
        stage.add(4, judgment(model="xyz"))
        stage.add(5, judgment(sample=1))
        stage.add(6, judgment())
        assert list(stage.problems()) == [
            (1, "got example_id 'chest-pian', to which this run has no answer, did you mean 'chest-pain'?"),
            (2, "got example_id 'fever', to which this run has no answer"),
            (3, "got model 'smal', of which this run has no answer to example 'chest-pain', did you mean 'small'?"),
            (4, "got model 'xyz', of which this run has no answer to example 'chest-pain' (known: large, small)"),
            (5, "got sample 1 of model 'small' and example 'chest-pain', expected a sample that this run has"),
        ]


def test_two_imports_do_not_see_each_other(run: Run, path: Path) -> None:
    with run.stage_judgments() as first, run.stage_judgments() as second:
        first.add(1, judgment())
        second.add(1, judgment(met=False))
        assert [each.judgment.met for each in first.for_answer("chest-pain", "small", 0)] == [True]
        assert [each.judgment.met for each in second.for_answer("chest-pain", "small", 0)] == [False]
        assert list(first.problems()) == list(second.problems()) == []
        assert staged(path) == 2


def test_a_failing_import_leaves_nothing(run: Run, path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run.stage_judgments() as stage:
        for line in range(2_500):
            stage.add(line, judgment(repeat=line))
        assert staged(path) >= 2_000
        raise ZeroDivisionError
    assert staged(path) == 0
    with pytest.raises(StoreError, match="this stage is over"):
        stage.add(1, judgment())


IMPORTER = """
import sys
from api.store import Store
from graders import Judgment
with Store(sys.argv[1]) as store, store.find_run("night").stage_judgments() as stage:
    for line in range(3_000):
        stage.add(line, Judgment(example_id="chest-pain", model="small", criterion_id="c1", grader="g",
                                 grader_kind="human", status="judged", met=True, repeat=line))
    print("staged", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_import_left_is_taken_away_by_the_next_writer(store: Store, run: Run, path: Path) -> None:
    url = f"sqlite:///{path}"
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "staged\n"
        os.kill(child.pid, signal.SIGKILL)
    assert staged(path) == 3_000
    with Store(url) as next_writer, next_writer.lock():
        pass
    assert staged(path) == 0
    assert store.find_run(run.name).id == run.id
