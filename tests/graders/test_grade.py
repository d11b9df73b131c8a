"""The library's way in: grade and score in memory."""

from pathlib import Path

import pytest

from graders import Verdict, grade, load_judgments, score
from rubrics import InputError, load_answers, load_dataset
from tests.batch import write_batch, write_lines


class Keyword:
    name = "keyword"
    version = "1"

    async def judge(self, task):  # type: ignore[no-untyped-def]
        words = {"doctor": "doctor", "fluids": "drink", "dose": "mg"}
        return [
            Verdict(criterion_id=criterion.id, met=words[criterion.id] in task.answer.text.lower())
            for criterion in task.criteria
        ]


def test_a_batch_is_graded_and_scored_in_memory(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    dataset, answers = load_dataset(files.dataset), load_answers(files.answers)
    judgments = grade(dataset, answers, Keyword())
    scores = score(dataset, answers, judgments)
    assert scores.row(model="good").mean == pytest.approx(12 / 12)
    assert scores.row(model="poor").mean == pytest.approx((4 - 3 + 2) / 12)
    assert scores.row(model="poor").coverage == 1.0


def test_recorded_judgments_come_back_as_they_are(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    dataset, answers = load_dataset(files.dataset), load_answers(files.answers)
    judgments = grade(dataset, answers, [f"recorded:{files.judgments}", Keyword()])
    recorded = load_judgments(files.judgments)
    assert judgments[: len(recorded)] == recorded
    scores = score(dataset, answers, judgments)
    assert sorted(scores.groups) == ["keyword", "reader"]
    assert scores.overall.reason == "several_graders"


def test_an_answer_to_no_example_is_refused(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    write_lines(files.answers, [{"example_id": "e9", "model": "m", "text": "?"}])
    with pytest.raises(InputError, match="'e9'"):
        grade(load_dataset(files.dataset), load_answers(files.answers), "rules")
