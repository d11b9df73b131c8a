"""What scores tell of the graders: a judge that changed in the middle, and how often a cascade's stages differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graders import Judgment, JudgmentFile, Scores, pages_of, score
from graders.grader_report import Audit
from graders.scorer import Scorer
from graders.scores import ScoringOptions
from rubrics import Answer, Example

EXAMPLE = Example.model_validate(
    {
        "id": "e",
        "prompt": "?",
        "rubric": {"id": "r", "criteria": [{"id": f"k{n}", "criterion": f"Says {n}", "points": 1} for n in range(4)]},
    }
)
ANSWER = Answer(example_id="e", model="m", text="1")


def judgments(*more: dict[str, Any], grader: str = "model:x") -> list[Judgment]:
    """One judgment a criterion, each with more fields."""
    rows = [
        {"criterion_id": f"k{number}", "status": "judged", "met": True, **fields} for number, fields in enumerate(more)
    ]
    shared = {"example_id": "e", "model": "m", "grader": grader, "grader_kind": "model"}
    return [Judgment.model_validate({**shared, **row}) for row in rows]


def by_pages(found: list[Judgment]) -> Scores:
    scorer = Scorer()
    scorer.add_example(EXAMPLE)
    scorer.add_answer(ANSWER)
    for page in pages_of(found):
        assert list(scorer.add_page(page)) == []
    return scorer.scores(ScoringOptions(min_coverage=0.0))


def by_models(found: list[Judgment]) -> Scores:
    return score([EXAMPLE], [ANSWER], found, min_coverage=0.0)


def by_file(found: list[Judgment], folder: Path) -> Scores:
    path = folder / "judgments.jsonl"
    path.write_text("\n".join(json.dumps(judgment.as_json()) for judgment in found), encoding="utf-8")
    return score([EXAMPLE], [ANSWER], JudgmentFile(path), min_coverage=0.0)


def every_way(found: list[Judgment], folder: Path) -> list[Scores]:
    return [by_models(found), by_file(found, folder), by_pages(found)]


def test_the_stages_of_a_cascade_are_no_mixed_judge_while_each_keeps_its_name(tmp_path: Path) -> None:
    def replied(*stages_and_names: str) -> list[Judgment]:
        told = [{"returned_model": each[1], "metadata": {"cascade": {"stage": each[0]}}} for each in stages_and_names]
        return judgments(*told, grader="both")

    for scores in every_way(replied("1a", "2b", "1a", "2b"), tmp_path):
        assert scores.as_json()["mixed_judges"] == {}
        assert scores.as_json()["warnings"] == []
    for scores in every_way(replied("1a", "2b", "1a", "2c"), tmp_path):
        assert scores.as_json()["mixed_judges"] == {"both": ["a", "b", "c"]}


def test_a_mixed_judge_is_told_the_same_whatever_order_the_judgments_come_in(tmp_path: Path) -> None:
    found = judgments(*[{"returned_model": name} for name in "baab"])
    for some in (found, found[::-1], sorted(found, key=lambda each: each.returned_model or "")):
        for scores in every_way(some, tmp_path):
            told = scores.as_json()
            assert told["mixed_judges"] == {"model:x": ["a", "b"]}
            assert told["warnings"] == ["mixed judge: 'model:x' replied as 'a', 'b'"]


def test_a_judge_that_replies_under_two_names_is_a_mixed_judge(tmp_path: Path) -> None:
    for scores in every_way(judgments(*[{"returned_model": name} for name in "aaba"]), tmp_path):
        assert scores.report.mixed_judges == {"model:x": ["a", "b"]}
        assert scores.warnings == ["mixed judge: 'model:x' replied as 'a', 'b'"]
        assert json.loads("".join(scores.json_text()))["mixed_judges"] == {"model:x": ["a", "b"]}


def test_another_name_than_was_asked_for_is_said_once_and_the_same_one_never(tmp_path: Path) -> None:
    for scores in every_way(judgments(*[{"returned_model": "x-2026"}] * 3), tmp_path):
        assert scores.warnings == ["'model:x' replied as 'x-2026'"]
        assert scores.report.mixed_judges == {}
    for scores in every_way(judgments(*[{"returned_model": "x"}] * 3), tmp_path):
        assert scores.warnings == []


def test_audited_verdicts_are_counted_with_how_many_differ(tmp_path: Path) -> None:
    flags: list[dict[str, Any]] = [{}, {"flags": ["audited"]}, {"flags": ["audited", "audit_differs"]}, {}]
    for scores in every_way(judgments(*flags, grader="cascade:c"), tmp_path):
        assert {name: (audit.audited, audit.differ) for name, audit in scores.report.audits.items()} == {
            "cascade:c": (2, 1)
        }
        told = json.loads("".join(scores.json_text()))["audits"]["cascade:c"]
        assert (told["audited"], told["differ"], told["share"]) == (2, 1, 0.5)


def test_the_interval_of_an_audit_is_wilsons() -> None:
    interval = Audit(25, 2).interval
    assert (interval.low, interval.high) == pytest.approx((0.0222, 0.2497), abs=5e-5)
    none = Audit(0, 0)
    assert none.as_json() == {"audited": 0, "differ": 0, "share": None, "ci_low": None, "ci_high": None}
    assert Audit(10, 0).interval.low == 0.0
