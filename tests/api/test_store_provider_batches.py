"""What the store remembers of batches at providers; the journal in memory does the same."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from api.store import Run, Store
from graders import BatchEnd, BatchJournal, CallSet, MemoryBatchJournal, SentBatch
from rubrics import Answer, DatasetInfo, Example


def open_run(store: Store, name: str = "night") -> Run:
    rubric = {"id": "r", "criteria": [{"criterion": "Says so", "points": 1}]}
    with store.stage_dataset(DatasetInfo(name="d")) as stage:
        stage.add(Example.model_validate({"id": "e", "prompt": "p", "rubric": rubric}))
        dataset = stage.commit()
    with store.stage_answers(dataset) as answers:
        answers.add(1, Answer(example_id="e", model="m", text="t"), "h")
        return store.open_run(name, dataset, answers.commit(), [])


def batch(token: str, second: int = 0, *, estimate: float | None = 0.25) -> SentBatch:
    created_at = f"2026-11-25T03:00:{second:02}.000+00:00"
    return SentBatch(token, "model:judge", 2, CallSet([1, 2**64 - 1, 77]), estimate, created_at)


def told(journal: BatchJournal) -> list[tuple[str, str, int, bytes, float | None, str, str | None]]:
    return [
        (each.token, each.grader, each.tries, bytes(each.calls), each.estimate, each.created_at, each.provider_id)
        for each in journal.open_batches()
    ]


def expected(*batches: SentBatch) -> list[tuple[str, str, int, bytes, float | None, str, str | None]]:
    journal = MemoryBatchJournal()
    for each in batches:
        journal.intend(each)
    return told(journal)


@pytest.fixture(params=["store", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> BatchJournal:
    if request.param == "memory":
        return MemoryBatchJournal()
    store = Store(f"sqlite:///{tmp_path / 's.db'}")
    request.addfinalizer(store.close)
    return open_run(store).provider_batches()


def test_a_batch_is_open_from_before_it_is_submitted_until_it_has_ended(journal: BatchJournal) -> None:
    first, second = batch("one"), batch("two", 1, estimate=None)
    journal.intend(first)
    journal.intend(second)
    assert told(journal) == expected(first, second)
    journal.submitted("two", "msgbatch_1")
    assert told(journal) == expected(first, second.named("msgbatch_1"))
    assert journal.known(["msgbatch_1", "msgbatch_2"]) == {"msgbatch_1"}
    journal.end("one", "unsent")
    assert told(journal) == expected(second.named("msgbatch_1"))
    journal.end("two", "done")
    assert told(journal) == []
    assert journal.known(["msgbatch_1"]) == {"msgbatch_1"}, "what has ended is not taken for new"


def test_what_was_written_down_is_there_after_a_restart_and_is_its_own_runs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    with Store(url) as store:
        journal = open_run(store).provider_batches()
        journal.intend(batch("one").named("batch_1"))
        other = open_run(store, "another").provider_batches()
        assert other.salt != journal.salt
        assert (told(other), other.known(["batch_1"])) == ([], {"batch_1"})
    with Store(url) as store:
        again = store.find_run("night").provider_batches()
        assert again.salt == journal.salt
        assert told(again) == expected(batch("one").named("batch_1"))


def test_a_store_of_before_there_were_batches_gets_their_table(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with Store(f"sqlite:///{path}") as store:
        open_run(store)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE provider_batches")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    connection.close()
    with Store(f"sqlite:///{path}") as store:
        journal = store.find_run("night").provider_batches()
        journal.intend(batch("one"))
        assert told(journal) == expected(batch("one"))


@pytest.mark.parametrize("how", ["done", "failed", "refused", "unsent", "foreign"])
def test_every_end_is_an_end(journal: BatchJournal, how: BatchEnd) -> None:
    journal.intend(batch("one"))
    journal.end("one", how)
    assert told(journal) == []
