"""Datasets and answers on their way into a store: unseen until committed, reused where nothing changed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from api.store import AnswersRef, DatasetRef, Store
from rubrics import Answer, DatasetInfo, Example, Rubric, StoreError, answer_hash, load_answers, load_dataset

ROOT = Path(__file__).parents[2]
INFO = DatasetInfo(name="triage", title="Triage", held_out=True, pass_at=0.5)
RUBRIC = Rubric.model_validate(
    {
        "$schema": "rubric.schema.json",
        "id": "r",
        "criteria": [
            {"criterion": "Names the drug", "points": 6, "metadata": {"b": 1, "a": 5.0}},
            {
                "points": 4,
                "children": [{"criterion": "Asks when", "points": 1, "scale": {"type": "count", "max_count": 3}}],
            },
        ],
    }
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{path}") as store:
        yield store


def example(number: int, prompt: str = "What now?") -> Example:
    return Example(id=f"e{number}", prompt=prompt, rubric=RUBRIC)


def stage_dataset(store: Store, examples: Sequence[Example], info: DatasetInfo = INFO) -> DatasetRef:
    with store.stage_dataset(info) as stage:
        for each in examples:
            stage.add(each)
        return stage.commit()


def stage_answers(store: Store, dataset: DatasetRef, answers: Sequence[Answer], *, first_line: int = 1) -> AnswersRef:
    with store.stage_answers(dataset) as stage:
        for line, answer in enumerate(answers, start=first_line):
            stage.add(line, answer, f"hash of {answer.text}")
        return stage.commit()


def count(path: Path, table: str) -> int:
    with sqlite3.connect(path) as connection:
        number: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return number


def test_the_shipped_example_comes_back_as_it_went_in(store: Store) -> None:
    dataset = load_dataset(ROOT / "examples/medicine")
    answers = load_answers(ROOT / "examples/medicine/answers.jsonl")
    ref = stage_dataset(store, dataset.examples, dataset.info)
    run = store.open_run("r", ref, stage_answers(store, ref, answers), [])
    back = list(run.examples())
    assert [each.as_json() for each in back] == [each.as_json() for each in dataset]
    assert [each.rubric.content_hash for each in back] == [each.rubric.content_hash for each in dataset]
    assert [each.rubric.criterion_hashes for each in back] == [each.rubric.criterion_hashes for each in dataset]
    assert list(run.answers()) == list(answers)
    assert run.dataset_info() == dataset.info


def test_every_field_of_an_example_and_an_answer_comes_back(store: Store) -> None:
    full = Example.model_validate(
        {
            "id": "e 1 é",
            "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "⟦\u202e⟧ \U0001f600"}],
            "rubric": RUBRIC,
            "tags": ["theme:a"],
            "references": ["Call 112."],
            "canary": "c-1",
            "metadata": {"z": [1, 2.0, None, {"deep": True}], "a": 10**30},
        }
    )
    by_id = Example(id="e2", prompt="p", rubric=RUBRIC, rubric_id="r")
    answer = Answer(example_id="e 1 é", model="m", text="a\r\nb", sample=3, metadata={"z": 1, "a": [5.0]})
    ref = stage_dataset(store, [full, by_id])
    run = store.open_run("r", ref, stage_answers(store, ref, [answer]), [])
    first, second = run.examples()
    assert first.as_json() | {"rubric": None} == full.as_json() | {"rubric": None}
    assert json.dumps(first.metadata) == json.dumps(full.metadata)  # 5 stays 5, 5.0 stays 5.0, keys keep their order
    assert first.rubric.content_hash == RUBRIC.content_hash
    assert (second.rubric_id, second.rubric.content_hash) == ("r", RUBRIC.content_hash)
    assert list(run.answers()) == [answer]


def test_an_equal_dataset_is_reused_and_a_changed_one_is_a_new_revision(store: Store, path: Path) -> None:
    first = stage_dataset(store, [example(1), example(2)])
    again = stage_dataset(store, [example(1), example(2)], INFO.model_copy(update={"title": "Another title"}))
    assert again == first
    assert count(path, "examples") == 2
    assert count(path, "rubrics") == 1
    reordered = stage_dataset(store, [example(2), example(1)])
    changed = stage_dataset(store, [example(2), example(1, "What else?")])
    assert {first.dataset_id, reordered.dataset_id, changed.dataset_id} == {first.dataset_id}
    assert first.revision < reordered.revision < changed.revision
    other = stage_dataset(store, [example(1)], DatasetInfo(name="another"))
    assert other.dataset_id != first.dataset_id


def test_what_is_said_and_not_how_it_was_written_makes_the_digest(store: Store) -> None:
    plain = {"id": "e1", "prompt": "p", "rubric": RUBRIC, "metadata": {"a": 1, "b": 2}}
    wordy = {**plain, "tags": [], "canary": None, "metadata": {"b": 2, "a": 1}}
    first = stage_dataset(store, [Example.model_validate(plain)])
    assert stage_dataset(store, [Example.model_validate(wordy)]) == first


def test_going_back_to_an_older_state_is_a_new_revision(store: Store) -> None:
    """Only the latest revision is reused: a run that is taken up again always moves forward."""
    first = stage_dataset(store, [example(1)])
    second = stage_dataset(store, [example(1), example(2)])
    third = stage_dataset(store, [example(1)])
    assert first.revision < second.revision < third.revision


def test_another_project_sees_its_own_dataset_of_the_same_name(path: Path, store: Store) -> None:
    mine = stage_dataset(store, [example(1)])
    store.close()
    with Store(f"sqlite:///{path}", project="theirs") as theirs:
        other = stage_dataset(theirs, [example(1)])
        assert other.dataset_id != mine.dataset_id
        run = theirs.open_run("r", other, stage_answers(theirs, other, []), [])
        assert next(run.examples()).id == "e1"
    assert count(path, "rubrics") == 2


def test_leaving_a_stage_without_commit_leaves_nothing(store: Store, path: Path) -> None:
    with store.stage_dataset(INFO) as stage:
        for number in range(1_500):
            stage.add(example(number))
    with pytest.raises(ZeroDivisionError), store.stage_dataset(INFO) as stage:
        stage.add(example(1))
        raise ZeroDivisionError
    for table in ("datasets", "dataset_revisions", "examples"):
        assert count(path, table) == 0
    ref = stage_dataset(store, [example(1)])
    with store.stage_answers(ref) as answers:
        for sample in range(1_500):
            answers.add(sample, Answer(example_id="e1", model="m", sample=sample, text="t"), "h")
    for table in ("answer_sets", "answers"):
        assert count(path, table) == 0


def test_a_stage_that_is_over_takes_nothing_more(store: Store) -> None:
    with store.stage_dataset(INFO) as stage:
        stage.add(example(1))
        ref = stage.commit()
        with pytest.raises(StoreError, match="this stage is over"):
            stage.add(example(2))
        with pytest.raises(StoreError, match="this stage is over"):
            stage.commit()
    with store.stage_answers(ref) as answers:
        answers.commit()
        with pytest.raises(StoreError, match="this stage is over"):
            answers.add(1, Answer(example_id="e1", model="m", text="t"), "h")


def test_a_staged_dataset_cannot_be_run_before_it_is_committed(store: Store) -> None:
    ref = stage_dataset(store, [example(1)])
    answers = stage_answers(store, ref, [])
    with pytest.raises(StoreError, match="never committed"):
        store.open_run("r", DatasetRef(ref.dataset_id, ref.revision + 1), answers, [])
    with pytest.raises(StoreError, match="never committed"):
        store.open_run("r", ref, AnswersRef("as_unknown"), [])


def test_an_example_id_that_stands_twice_is_refused(store: Store) -> None:
    examples = [example(number) for number in range(1_200)]
    with pytest.raises(StoreError, match="examples 8 and 1201 are both called 'e7', expected ids that differ"):
        stage_dataset(store, [*examples, example(7)])


def test_a_stage_that_could_not_write_everything_is_not_committed(store: Store, path: Path) -> None:
    with store.stage_dataset(INFO) as stage:
        stage.add(Example(id="e1", prompt="p", rubric=RUBRIC, metadata={"x": "\ud800"}))
        with pytest.raises(StoreError, match="half of a surrogate pair"):
            stage.commit()
        with pytest.raises(StoreError, match="this stage is over"):
            stage.commit()
    assert count(path, "datasets") == 0


def test_metadata_that_is_no_json_is_refused(store: Store, path: Path) -> None:
    with pytest.raises(StoreError, match="example 'e1' cannot be written as JSON"):
        stage_dataset(store, [Example(id="e1", prompt="p", rubric=RUBRIC, metadata={"x": float("nan")})])
    with pytest.raises(StoreError, match="half of a surrogate pair"):
        stage_dataset(store, [Example(id="e1", prompt="p", rubric=RUBRIC, metadata={"x": "\ud800"})])
    assert count(path, "examples") == 0


def test_equal_answers_are_reused_wherever_their_lines_stand(store: Store, path: Path) -> None:
    ref = stage_dataset(store, [example(1), example(2)])
    answers = [Answer(example_id=f"e{number}", model="m", text=f"t{number}") for number in (1, 2)]
    first = stage_answers(store, ref, answers)
    assert stage_answers(store, ref, answers, first_line=10) == first
    assert count(path, "answers") == 2
    assert stage_answers(store, ref, answers[::-1]) != first
    assert stage_answers(store, ref, answers[:1]) != first
    assert stage_answers(store, ref, answers) == first
    with store.stage_answers(ref) as stage:
        for line, answer in enumerate(answers):
            stage.add(line, answer, "the prompt is another one now")
        assert stage.commit() != first
    noted = [answers[0].model_copy(update={"metadata": {"seen": True}}), answers[1]]
    assert stage_answers(store, ref, noted) != first


def test_answers_that_are_there_twice_and_answers_to_nothing_are_named_by_line(store: Store) -> None:
    ref = stage_dataset(store, [example(1), Example(id="chest-pain", prompt="p", rubric=RUBRIC)])
    with store.stage_answers(ref) as stage:
        stage.add(2, Answer(example_id="e1", model="m", text="a"), "h")
        stage.add(3, Answer(example_id="chest-pian", model="m", text="a"), "h")
        for line in range(4, 1_400):
            stage.add(line, Answer(example_id="e1", model="m", sample=line, text="a"), "h")
        stage.add(1_400, Answer(example_id="e1", model="m", text="another text"), "h")
        stage.add(1_401, Answer(example_id="e1", model="m", sample=9, text="a"), "h")
        stage.add(1_402, Answer(example_id="zzz", model="m", text="a"), "h")
        problems = list(stage.problems())
        assert problems == [
            (
                3,
                "got example_id 'chest-pian', expected the id of an example in the dataset, did you mean 'chest-pain'?",
            ),
            (1_400, "got an answer to example 'e1' by model 'm', sample 0, which line 2 has already"),
            (1_401, "got an answer to example 'e1' by model 'm', sample 9, which line 9 has already"),
            (1_402, "got example_id 'zzz', expected the id of an example in the dataset (known: chest-pain, e1)"),
        ]
        assert list(stage.problems()) == problems
        with pytest.raises(StoreError, match=r"line 3: got example_id 'chest-pian'.*; the answers were not taken"):
            stage.commit()


def test_hints_stop_after_the_first_few(store: Store) -> None:
    ref = stage_dataset(store, [example(number) for number in range(30)])
    with store.stage_answers(ref) as stage:
        for line in range(1, 100):
            stage.add(line, Answer(example_id=f"e1-{line}", model="m", text="a"), "h")
        messages = [message for _, message in stage.problems()]
    assert len(messages) == 99
    assert sum("did you mean" in message for message in messages) == 20


STAGER = """
import sys
from api.store import Store
from rubrics import Answer, DatasetInfo, Example, Rubric
rubric = Rubric(id="r", criteria=[{"criterion": "c", "points": 1}])
with Store(sys.argv[1]) as store:
    with store.stage_dataset(DatasetInfo(name="seen")) as stage:
        stage.add(Example(id="e", prompt="p", rubric=rubric))
        ref = stage.commit()
    with store.stage_dataset(DatasetInfo(name="unseen")) as dataset, store.stage_answers(ref) as answers:
        for number in range(5_000):
            dataset.add(Example(id=str(number), prompt="p", rubric=rubric))
            answers.add(number, Answer(example_id="e", model="m", sample=number, text="t"), "h")
        print("staged", flush=True)
        sys.stdin.read()
"""


def test_what_a_killed_process_had_staged_is_unseen_and_the_next_writer_takes_it_away(path: Path) -> None:
    url = f"sqlite:///{path}"
    with subprocess.Popen(
        [sys.executable, "-c", STAGER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "staged\n"
        os.kill(child.pid, signal.SIGKILL)
    assert count(path, "examples") == 5_001
    assert count(path, "answers") == 5_000
    with Store(url) as store:
        stage_dataset(store, [example(1)])
    assert count(path, "datasets") == 2
    assert count(path, "examples") == 2
    assert count(path, "answers") == 0
    assert count(path, "answer_sets") == 0


MEASURED = """
import resource, sys
from api.store import Store
from rubrics import Answer, DatasetInfo, Example, Rubric
rubric = Rubric(id="r", criteria=[{"criterion": f"c{n}", "points": 1} for n in range(10)])

def batch(store, name, answers):
    with store.stage_dataset(DatasetInfo(name=name)) as stage:
        for number in range(answers // 10):
            stage.add(Example(id=str(number), prompt=str(number) * 200, rubric=rubric))
        ref = stage.commit()
    with store.stage_answers(ref) as stage:
        for number in range(answers):
            answer = Answer(example_id=str(number // 10), model="m", sample=number % 10, text=f"{number:1500}")
            stage.add(number, answer, "h")
        assert not list(stage.problems())
        run = store.open_run(name, ref, stage.commit(), [])
    assert sum(len(question.answers) for question in run.questions()) == answers
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

with Store(sys.argv[1]) as store:
    print(batch(store, "small", 5_000), batch(store, "large", 50_000))
"""


def test_memory_does_not_grow_with_the_answers(path: Path) -> None:
    """50,000 answers of 1.5 KB are 75 MB."""
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, f"sqlite:///{path}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    small, large = map(float, ran.stdout.split())
    assert large - small < 8, f"peak {small:.0f} MB for 5,000 answers, {large:.0f} MB for 50,000"


def test_answer_hashes_stand_beside_their_answers(store: Store) -> None:
    ref = stage_dataset(store, [example(1), example(2), example(3)])
    answers = [
        Answer(example_id="e2", model="z", text="1"),
        Answer(example_id="e1", model="b", sample=1, text="2"),
        Answer(example_id="e1", model="b", text="3"),
        Answer(example_id="e1", model="a", sample=2, text="4"),
    ]
    with store.stage_answers(ref) as stage:
        for line, answer in enumerate(answers, start=1):
            stage.add(line, answer, answer_hash(example(1), answer))
        run = store.open_run("r", ref, stage.commit(), [])
    found = [
        (question.example_id, [(answer.model, answer.sample, answer.answer_hash) for answer in question.answers])
        for question in run.questions()
    ]
    hashes = [answer_hash(example(1), answer) for answer in answers]
    assert found == [
        ("e1", [("a", 2, hashes[3]), ("b", 0, hashes[2]), ("b", 1, hashes[1])]),
        ("e2", [("z", 0, hashes[0])]),
        ("e3", []),
    ]
