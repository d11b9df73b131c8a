"""The ledger of a run: append-only, in order, and durable through kill -9."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.store import Run, Store
from graders import Entry, HashedKey, Judgment, Ledger, MemoryLedger, Standing
from rubrics import Answer, DatasetInfo, Example, Rubric, StoreError

ROOT = Path(__file__).parents[2]
RUBRIC = Rubric.model_validate(
    {"id": "r", "criteria": [{"criterion": f"Says {number}", "points": 1} for number in range(1, 4)]}
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture(params=["file", "memory"])
def store(path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    with Store(f"sqlite:///{path}" if request.param == "file" else "sqlite://") as store:
        yield store


@pytest.fixture
def run(store: Store) -> Run:
    return open_run(store)


def open_run(store: Store, name: str = "night", samples: int = 2) -> Run:
    with store.stage_dataset(DatasetInfo(name="d")) as stage:
        for example_id in ("b", "a"):
            stage.add(Example(id=example_id, prompt="p", rubric=RUBRIC))
        dataset = stage.commit()
    with store.stage_answers(dataset) as answers:
        for sample in range(samples):
            for example_id in ("b", "a"):
                answers.add(sample, Answer(example_id=example_id, model="m", sample=sample, text="t"), "h")
        return store.open_run(name, dataset, answers.commit(), [])


def entry(criterion_id: str = "c1", *, key: str = "k", attempt: int = 0, **fields: Any) -> Entry:
    given = {
        "example_id": "a",
        "model": "m",
        "criterion_id": criterion_id,
        "grader": "g",
        "grader_kind": "model",
        "status": "judged",
        "criterion_hash": RUBRIC.criterion_hashes[criterion_id],
        "answer_hash": "h",
        **fields,
    }
    if given["status"] == "judged":
        given.setdefault("met", True)
    return Entry(Judgment.model_validate(given), key, attempt)


def sequence(path: Path) -> list[tuple[int, int]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT id, seq FROM judgments ORDER BY id").fetchall()
    connection.close()
    return rows


def test_every_field_of_a_judgment_comes_back(run: Run) -> None:
    full = {
        "example_id": "a",
        "model": "m é",
        "sample": 1,
        "criterion_id": "c2",
        "grader": "model:x@http://127.0.0.1/v1",
        "grader_kind": "model",
        "repeat": 2,
        "status": "judged",
        "met": False,
        "explanation": "\U0001f600 ⟦\r\n",
        "evidence": ["a quote", ""],
        "probability": 0.1,
        "flags": ["evidence_unverified"],
        "metadata": {"z": 1, "a": [1.0, None]},
        "use": "tune",
        "ruling": True,
        "returned_model": "x-2026",
        "prompt_hash": "p",
        "grader_fingerprint": "f",
        "criterion_hash": "c",
        "answer_hash": "h",
        "input_tokens": 1000,
        "output_tokens": 5,
        "cached_tokens": 0,
        "cost": 0.1 + 0.2,
        "seconds": 2,
        "judged_at": "2026-11-24T12:00:00+00:00",
    }
    failed = {
        **{name: full[name] for name in ("example_id", "model", "criterion_id", "grader", "grader_kind")},
        "status": "failed",
        "failure": {"kind": "http", "message": "503"},
        "criterion_hash": "c",
        "answer_hash": "h",
    }
    run.ledger().keep([Entry(Judgment.model_validate(row), "k", 0) for row in (full, failed)])
    back = list(run.judgments(current=False))
    assert back == [Judgment.model_validate(failed), Judgment.model_validate(full)]
    assert back[1].as_json() == full


def test_it_stands_as_the_ledger_in_memory_does(run: Run) -> None:
    ledger: Ledger = run.ledger()
    memory = MemoryLedger()
    for each in (ledger, memory):
        each.keep([])
        each.keep([entry("c1"), entry("c2", key="k2", status="failed"), entry("c1", sample=1), entry("c1", repeat=1)])
        each.keep([entry("c2", key="k3", attempt=1), entry("c1", grader="h", grader_kind="human")])
    for sample in (0, 1, 2):
        assert (
            ledger.standing("a", "m", sample) == memory.standings([HashedKey("a", "m", sample, "")])["a", "m", sample]
        )
    assert ledger.standing("a", "m", 0)["c2", "g", 0] == Standing(1, "k3", "judged")
    assert ledger.standing("a", "another", 0) == {}


def test_a_judgment_that_is_there_already_stays_as_it_is(run: Run) -> None:
    run.ledger().keep([entry("c1", met=True)])
    run.ledger().keep([entry("c1", met=False, key="other"), entry("c2"), entry("c2", met=False)])
    assert [(each.criterion_id, each.met) for each in run.judgments(current=False)] == [("c1", True), ("c2", True)]
    assert run.ledger().standing("a", "m", 0)["c1", "g", 0].key == "k"


def test_the_highest_attempt_wins(run: Run) -> None:
    run.ledger().keep([entry("c1", attempt=2, met=False), entry("c1", attempt=10, met=True)])
    run.ledger().keep([entry("c1", attempt=1, status="abstained"), entry("c2", attempt=0)])
    assert [(each.criterion_id, each.met) for each in run.judgments(current=False)] == [("c1", True), ("c2", True)]
    assert run.ledger().standing("a", "m", 0)["c1", "g", 0].attempt == 10


def test_entries_are_kept_all_or_none(run: Run) -> None:
    unhashed = entry("c2", criterion_hash=None)
    with pytest.raises(StoreError, match="criterion 'c2', grader 'g', repeat 0: the judgment has no criterion_hash"):
        run.ledger().keep([entry("c1"), unhashed])
    with pytest.raises(StoreError, match="half of a surrogate pair"):
        run.ledger().keep([entry("c1"), entry("c3", metadata={"x": "\ud800"})])
    with pytest.raises(StoreError, match=r"criterion 'c3'.*cannot be written as JSON"):
        run.ledger().keep([entry("c1"), entry("c3", metadata={"x": float("inf")})])
    with pytest.raises(StoreError, match="a number needs more than 64 bits"):
        run.ledger().keep([entry("c1"), Entry(entry("c3").judgment, "k", 2**64)])
    assert list(run.judgments(current=False)) == []
    run.ledger().keep([entry("c1")])
    assert len(list(run.judgments(current=False))) == 1


def test_runs_do_not_see_each_other(store: Store) -> None:
    first, second = open_run(store, "one"), open_run(store, "two")
    first.ledger().keep([entry("c1")])
    second.ledger().keep([entry("c2")])
    assert [each.criterion_id for each in first.judgments(current=True)] == ["c1"]
    assert [each.criterion_id for each in second.judgments(current=True)] == ["c2"]
    assert first.ledger().standing("a", "m", 0).keys() == {("c1", "g", 0)}


def test_seq_rises_in_commit_order_and_starts_anew_in_each_run(path: Path) -> None:
    with Store(f"sqlite:///{path}") as store:
        first, second = open_run(store, "one"), open_run(store, "two")
        first.ledger().keep([entry("c2"), entry("c1")])
        second.ledger().keep([entry("c1")])
        first.ledger().keep([entry("c1"), entry("c3")])
    assert [seq for _, seq in sequence(path)] == [1, 2, 1, 4]


def test_judgments_come_ordered_however_they_were_kept(run: Run) -> None:
    entries = [
        entry(criterion, example_id=example, sample=sample, grader=grader, repeat=repeat)
        for repeat in (1, 0)
        for grader in ("z", "b")
        for sample in (10, 9, 0)
        for criterion in ("c3", "c1")
        for example in ("b", "a", "é", "Z")
    ]
    run.ledger().keep(entries[::2])
    run.ledger().keep(entries[1::2])
    cells = [each.cell for each in run.judgments(current=False)]
    assert cells == sorted(each.judgment.cell for each in entries)


def test_reading_goes_on_while_another_thread_keeps(store: Store) -> None:
    """What was there when the reading began is read once and in order, whatever comes in meanwhile."""
    run = open_run(store)
    before = [entry("c1", sample=sample) for sample in range(0, 3_000, 2)]
    run.ledger().keep(before)
    started, failures = threading.Event(), []

    def write() -> None:
        started.wait()
        ledger = run.ledger()
        try:
            for start in range(0, 3_000, 20):
                again = [entry("c1", sample=sample, attempt=1) for sample in range(start, start + 20, 2)]
                ledger.keep([*again, *(entry("c1", sample=sample) for sample in range(start + 1, start + 20, 2))])
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    for each in run.judgments(current=False):
        started.set()
        seen.append(each.sample)
        assert len(run.ledger().standing("a", "m", each.sample)) == 1
    writer.join()
    assert not failures
    assert seen == sorted(set(seen))
    assert set(range(0, 3_000, 2)) <= set(seen)
    assert len(list(run.judgments(current=False))) == 3_000


def test_one_answers_cells_are_read_in_one_index_range(path: Path) -> None:
    with Store(f"sqlite:///{path}") as store:
        open_run(store)
        from api.store.answer_range import answer_bounds
        from api.store.judgment_stage import _OF_ANSWER
        from api.store.ledger import _STANDING_BETWEEN

        bounds = {"run_id": "x", "import_id": "x", **answer_bounds(("a", "m", 0), ("a", "m", 0))}
        for statement, index in ((_STANDING_BETWEEN, "ix_judgments_cell"), (_OF_ANSWER, "ix_staged_judgments_cell")):
            compiled = statement.compile(store._database.engine)
            values = tuple({**bounds, "example_id": "a", "model": "m", "sample": 0}[n] for n in compiled.positiontup)
            with store._database.reading() as connection:
                [step] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()
            assert f"USING INDEX {index}" in step.detail
            assert "example_id" in step.detail


KEEPER = """
import sys
from api.store import Store
from graders import Entry, Judgment
with Store(sys.argv[1]) as store:
    ledger = store.find_run("night").ledger()
    for number in range(100_000):
        ledger.keep([
            Entry(
                Judgment(
                    example_id="a", model="m", sample=number, criterion_id=f"c{leaf}", grader="g", grader_kind="model",
                    status="judged", met=True, explanation="because " * 40, criterion_hash="c", answer_hash="h",
                ),
                "k",
                0,
            )
            for leaf in range(20)
        ])
        print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 40])
def test_what_was_acknowledged_survives_kill_9_in_the_middle_of_keeping(path: Path, acknowledged: int) -> None:
    url = f"sqlite:///{path}"
    with Store(url) as store:
        open_run(store)
    with subprocess.Popen([sys.executable, "-c", KEEPER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = 0
        for line in child.stdout:
            last = int(line)
            if last == acknowledged:
                os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    with Store(url) as store:
        run = store.find_run("night")
        kept = [each.sample for each in run.judgments(current=False)]
        assert len(kept) % 20 == 0, "a batch is kept whole or not at all"
        assert set(range(last + 1)) <= set(kept)
        run.ledger().keep([entry("c1", sample=10**6)])
    numbers = [seq for _, seq in sequence(path)]
    assert numbers == list(range(1, len(kept) + 2))
