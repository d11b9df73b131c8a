"""What nothing else would notice if it were gone, in the store and the exports."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.exports import export_folder, read_folder
from api.store import Store
from api.store.staging import CHARACTERS_A_TRANSACTION, ROWS_A_TRANSACTION, RowBuffer
from rubrics import Answer, DatasetInfo, Example, InputError, Rubric
from tests.api.test_export_round_trip import example, judgment, source

RUBRIC = Rubric.model_validate({"id": "r", "criteria": [{"criterion": "x", "points": 1}]})
ANSWERS = [Answer(example_id="e1", model="m", text="x")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield store


def test_long_texts_are_written_in_short_transactions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    transactions: list[int] = []
    flush = RowBuffer.flush

    def noted(buffer: RowBuffer) -> None:
        rows = len(buffer._rows)
        transactions.extend([rows] if rows else [])
        flush(buffer)

    monkeypatch.setattr(RowBuffer, "flush", noted)
    with store.stage_dataset(DatasetInfo(name="d")) as dataset:
        dataset.add(Example(id="e", prompt="p", rubric=RUBRIC))
        ref = dataset.commit()
    transactions.clear()
    with store.stage_answers(ref) as stage:
        for sample in range(10):
            stage.add(sample, Answer(example_id="e", model="m", sample=sample, text="x" * 1_500_000), "h")
        stage.commit()
    assert ROWS_A_TRANSACTION > 10
    assert transactions == [3, 3, 3, 1], f"{CHARACTERS_A_TRANSACTION:,} characters are three of these texts"


def test_answers_that_differ_only_in_their_metadata_are_another_set(store: Store) -> None:
    with store.stage_dataset(DatasetInfo(name="d")) as dataset:
        dataset.add(Example(id="e", prompt="p", rubric=RUBRIC))
        ref = dataset.commit()

    def staged(**metadata: object) -> str:
        with store.stage_answers(ref) as stage:
            stage.add(1, Answer(example_id="e", model="m", text="t", metadata=metadata), "h")
            return stage.commit().set_id

    first = staged(temperature=0)
    assert staged(temperature=0) == first
    assert staged(temperature=1) != first
    assert staged() != first


def test_where_the_swap_fails_the_earlier_export_is_still_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"

    def export(judgments: int) -> None:
        export_folder(folder, source([example()], ANSWERS, [judgment(repeat=number) for number in range(judgments)]))

    export(2)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    rename = Path.rename

    def refuse_the_fresh_one(self: Path, target: Path) -> Path:
        if self.suffix == ".partial":
            raise OSError(errno.EBUSY, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_fresh_one)
    with pytest.raises(InputError, match="cannot be written: Device or resource busy"):
        export(3)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert len([*read_folder(folder).judgments()]) == 2
    export(3)
    assert len([*read_folder(folder).judgments()]) == 3
