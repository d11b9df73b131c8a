"""People as graders: who may be one, what waits for them, in which order, and what their verdicts carry."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graders import (
    HUMAN,
    HUMAN_CARD,
    READ_IN,
    HashedKey,
    HumanGrader,
    LoadedQuestion,
    MemoryLedger,
    Paper,
    Verdict,
    check_rater,
    grade,
    lay_out,
    open_grader,
    open_graders,
    reading_place,
)
from rubrics import Answer, AnswerHasher, Example, InputError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CRITERIA = [
    {"id": "stop", "criterion": "Says to stop", "points": 2},
    {"id": "why", "criterion": "Says why", "points": 1, "depends_on": {"criterion": "stop", "when": "met"}},
    {"id": "short", "criterion": "Short", "points": 1, "check": {"max_words": 9}},
]


def example(criteria: Any = CRITERIA, **more: Any) -> Example:
    return Example.model_validate({"id": "e", "prompt": "?", "rubric": {"id": "r", "criteria": criteria}, **more})


def laid_out(
    asked: Example, ledger: MemoryLedger, *models: str, rater: str = "ann", text: str = "Stop."
) -> list[Paper]:
    answers = [Answer(example_id="e", model=model, text=text) for model in models]
    questions = [LoadedQuestion(asked, answers)]
    return lay_out(questions, ledger, ledger.judgments(), rater=rater, run_name="r")


def keep(paper: Paper, ledger: MemoryLedger, verdict: Verdict, rater: str = "ann") -> None:
    entry = paper.entry(verdict, rater=rater, run_id="run_1", now=NOW)
    ledger.keep([entry])
    paper.kept(entry)


def test_the_spec_remembers_that_people_read_and_not_who() -> None:
    assert isinstance(open_grader(HUMAN), HumanGrader)
    asked, _ = open_graders([HUMAN, HUMAN])
    assert [grader.name for grader in asked] == ["human", "rules"]
    assert (HUMAN_CARD.name, HUMAN_CARD.kind, dict(HUMAN_CARD.arguments)) == ("human", "human", {})
    with pytest.raises(InputError, match="--rater"):
        open_grader("human:ann")


def test_the_library_says_that_people_read_in_a_terminal() -> None:
    answers = [Answer(example_id="e", model="m", text="Stop.")]
    with pytest.raises(InputError, match="people read in a terminal"):
        grade([example()], answers, "human")


@pytest.mark.parametrize("rater", ["ann", "Dr. Müller", "a@b.org", "山田"])
def test_an_id_is_any_text_for_a_person(rater: str) -> None:
    assert check_rater(rater, ["keyword"]) == rater


@pytest.mark.parametrize("rater", ["", "  ", "a\nb", "x" * 513, "human", "rules", "keyword", "model:gpt", "recorded:x"])
def test_an_id_is_not_the_name_of_a_grader(rater: str) -> None:
    with pytest.raises(InputError, match="--rater"):
        check_rater(rater, ["keyword"])


def test_criteria_with_a_check_and_rubrics_of_checks_are_not_asked() -> None:
    (paper,) = laid_out(example(), MemoryLedger(), "m")
    assert [criterion.id for criterion in paper.asked] == ["stop", "why"]
    assert laid_out(example([CRITERIA[2]]), MemoryLedger(), "m") == []


def test_a_verdict_is_filed_under_the_persons_id_with_what_it_was_given_on() -> None:
    ledger = MemoryLedger()
    asked = example()
    (paper,) = laid_out(asked, ledger, "m")
    keep(paper, ledger, Verdict(criterion_id="stop", met=True, explanation="so it says", seconds=12.5))
    (judgment,) = ledger.judgments()
    assert judgment.cell == ("e", "m", 0, "stop", "ann", 0)
    assert (judgment.grader_kind, judgment.met, judgment.explanation) == ("human", True, "so it says")
    assert (judgment.seconds, judgment.judged_at) == (12.5, "2026-11-24T12:00:00.000+00:00")
    assert judgment.criterion_hash == asked.rubric.criterion_hashes["stop"]
    assert judgment.answer_hash == AnswerHasher(asked).hash("Stop.")
    assert judgment.metadata == {READ_IN: "run_1"}


def test_a_correction_is_a_new_attempt_that_counts_also_after_a_break() -> None:
    ledger = MemoryLedger()
    (paper,) = laid_out(example(), ledger, "m")
    keep(paper, ledger, Verdict(criterion_id="stop", met=True))
    keep(paper, ledger, Verdict(criterion_id="stop", met=False))
    (again,) = laid_out(example(), ledger, "m")
    assert again.verdicts["stop"].met is False
    keep(again, ledger, Verdict(criterion_id="stop", status="abstained"))
    assert ledger.standings([HashedKey("e", "m", 0, "")])["e", "m", 0]["stop", "ann", 0].attempt == 2
    assert [judgment.status for judgment in ledger.judgments()] == ["abstained"]


def test_what_waits_follows_the_conditions() -> None:
    ledger = MemoryLedger()
    (paper,) = laid_out(example(), ledger, "m")
    assert paper.open() == ["stop", "why"]
    keep(paper, ledger, Verdict(criterion_id="stop", met=False))
    assert paper.open() == []
    keep(paper, ledger, Verdict(criterion_id="stop", met=True))
    assert paper.open() == ["why"]


def test_each_person_has_verdicts_of_their_own() -> None:
    ledger = MemoryLedger()
    (paper,) = laid_out(example(), ledger, "m")
    keep(paper, ledger, Verdict(criterion_id="stop", met=False))
    (other,) = laid_out(example(), ledger, "m", rater="bob")
    assert (other.verdicts, other.open()) == ({}, ["stop", "why"])


@pytest.mark.parametrize(
    ("change", "asked_again"),
    [
        ({}, []),
        ({"criteria": [{**CRITERIA[0], "points": 9}, *CRITERIA[1:]]}, []),
        ({"criteria": [{**CRITERIA[0], "criterion": "Says to stop at once"}, *CRITERIA[1:]]}, ["stop"]),
        ({"references": ["Stop."]}, ["stop", "why"]),
        ({"text": "Stop now."}, ["stop", "why"]),
    ],
)
def test_what_changed_is_asked_again_and_nothing_else(change: dict[str, Any], asked_again: list[str]) -> None:
    ledger = MemoryLedger()
    (paper,) = laid_out(example(), ledger, "m")
    for name in ("stop", "why"):
        keep(paper, ledger, Verdict(criterion_id=name, met=True))
    text = change.pop("text", "Stop.")
    (today,) = laid_out(example(**change), ledger, "m", text=text)
    assert today.open() == asked_again
    if asked_again:
        keep(today, ledger, Verdict(criterion_id="stop", met=False))
        assert ledger.standings([HashedKey("e", "m", 0, "")])["e", "m", 0]["stop", "ann", 0].attempt == 1


MODELS = tuple(f"model-{number}" for number in range(12))


def order(rater: str, *models: str) -> list[str]:
    return [paper.answer.model for paper in laid_out(example(), MemoryLedger(), *models, rater=rater)]


def test_the_order_is_the_same_each_time_and_another_for_each_person() -> None:
    ann = order("ann", *MODELS)
    assert ann == order("ann", *reversed(MODELS))
    assert sorted(ann) == sorted(MODELS)
    assert ann != list(MODELS)
    assert ann != order("bob", *MODELS)


def test_an_answer_that_comes_later_changes_nothing_in_the_order_of_the_others() -> None:
    later = order("ann", *MODELS, "model-new")
    assert [model for model in later if model != "model-new"] == order("ann", *MODELS)


def test_the_order_favours_no_answerer() -> None:
    """Over 400 people each of 12 answers comes first about as often: 33 times, give or take."""
    firsts = [
        min(MODELS, key=lambda model: reading_place(
            Answer(example_id="e", model=model, text=""), rater=f"rater {number}", run_name="r"))
        for number in range(400)
    ]  # fmt: skip
    assert all(15 <= firsts.count(model) <= 55 for model in MODELS)
