"""K-QA's table: examples, answers, and the judgments of three physicians."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from graders.judgment import Judgment
from rubrics import Answer, Example, InputError, answer_hash
from rubrics.formats.converted import Converted
from rubrics.formats.kqa import COLUMNS, load_kqa
from tests.shared_data import shared_data

TABLE = "kqa/NLI_medical_annotator.csv"
FLU: dict[str, str] = {
    "Question": "What is flu?",
    "llm_x": "gpt4",
    "answer": "A virus, they say,\nand it is mild.",
    "claim": "Flu is viral",
    "category_x": "Must_have",
    "majority_label": "Entailment",
    "label_0": "Entailment",
    "label_1": "Entailment",
    "label_2": "Neutral",
}


def table(folder: Path, *rows: dict[str, str], columns: tuple[str, ...] = ("", *COLUMNS), end: str = "\n") -> Path:
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator=end, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({"": str(index), **FLU, **row} for index, row in enumerate(rows))
    return path


def labels(*given: str, majority: str) -> dict[str, str]:
    return {"majority_label": majority, **{f"label_{index}": label for index, label in enumerate(given)}}


@pytest.fixture
def three_rows(tmp_path: Path) -> Converted:
    mild = labels("Contradiction", "Contradiction", "Neutral", majority="Contradiction")
    nice = {"claim": "Flu spreads in winter", "category_x": "Nice_to_have"}
    return load_kqa(
        table(tmp_path, {}, {"claim": "Flu can be severe", **mild}, nice | labels(*3 * ["Neutral"], majority="Neutral"))
    )


def test_a_question_is_an_example_and_its_claims_are_criteria_of_one_point(three_rows: Converted) -> None:
    (example,) = three_rows.examples
    assert (example.id, example.prompt, example.rubric.id) == ("kqa-001", "What is flu?", "kqa-001")
    assert [(leaf.id, leaf.criterion.criterion, leaf.criterion.points) for leaf in example.rubric.leaves] == [
        ("c1", "Flu is viral", 1),
        ("c2", "Flu can be severe", 1),
        ("c3", "Flu spreads in winter", 1),
    ]
    assert [leaf.criterion.tags for leaf in example.rubric.leaves] == [
        ("claim:must-have",),
        ("claim:must-have",),
        ("claim:nice-to-have",),
    ]


def test_the_scale_is_nominal_and_only_entailment_has_credit(three_rows: Converted) -> None:
    for leaf in three_rows.examples[0].rubric.leaves:
        assert leaf.criterion.scale.type == "nominal"
        assert {option.label: option.credit for option in leaf.criterion.scale.options} == {
            "Entailment": 1,
            "Neutral": 0,
            "Contradiction": 0,
        }


def test_an_answer_keeps_its_text_and_the_source_s_own_figures(three_rows: Converted) -> None:
    (answer,) = three_rows.answers
    assert (answer.example_id, answer.model, answer.text) == ("kqa-001", "gpt4", FLU["answer"])
    assert answer.metadata == {
        "kqa": {
            "source_score": {"completeness": 0.5, "hallucination": 1},
            "majority_label": {"c1": "Entailment", "c2": "Contradiction", "c3": "Neutral"},
        }
    }


def test_completeness_is_null_where_no_claim_is_a_must_have(tmp_path: Path) -> None:
    converted = load_kqa(table(tmp_path, {"category_x": "Nice_to_have"}))
    assert converted.answers[0].metadata["kqa"]["source_score"] == {"completeness": None, "hallucination": 0}


def test_each_physician_s_label_is_a_human_judgment(three_rows: Converted) -> None:
    first = three_rows.judgments[:3]
    assert [(row["grader"], row["option"]) for row in first] == [
        ("physician-0", "Entailment"),
        ("physician-1", "Entailment"),
        ("physician-2", "Neutral"),
    ]
    assert len(three_rows.judgments) == 9
    assert {row["grader_kind"] for row in three_rows.judgments} == {"human"}


def test_a_judgment_carries_the_hashes_of_what_was_judged(three_rows: Converted) -> None:
    (example,), (answer,) = three_rows.examples, three_rows.answers
    for row in three_rows.judgments:
        assert row["criterion_hash"] == example.rubric.criterion_hashes[row["criterion_id"]]
        assert row["answer_hash"] == answer_hash(example, answer)


def test_several_answers_to_a_question_share_its_criteria(tmp_path: Path) -> None:
    other = {"llm_x": "bard", "answer": "A germ."}
    converted = load_kqa(table(tmp_path, {}, other, {**other, "claim": "Flu spreads"}))
    (example,) = converted.examples
    assert [leaf.criterion.criterion for leaf in example.rubric.leaves] == ["Flu is viral", "Flu spreads"]
    assert [(answer.model, answer.text) for answer in converted.answers] == [
        ("gpt4", FLU["answer"]),
        ("bard", "A germ."),
    ]
    assert Counter(row["model"] for row in converted.judgments) == {"gpt4": 3, "bard": 6}


def test_questions_are_numbered_by_first_appearance(tmp_path: Path) -> None:
    rows = [{"Question": question, "claim": f"{question} {index}"} for index, question in enumerate("BABC")]
    converted = load_kqa(table(tmp_path, *rows))
    assert [(example.id, example.prompt) for example in converted.examples] == [
        ("kqa-001", "B"),
        ("kqa-002", "A"),
        ("kqa-003", "C"),
    ]


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    plain = load_kqa(table(tmp_path, {}))
    path = table(tmp_path, {}, end="\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_kqa(path) == plain


def test_a_column_that_is_not_carried_is_noted(tmp_path: Path) -> None:
    path = table(tmp_path, {}, columns=("", *COLUMNS, "comment"))
    assert load_kqa(path).notes == [f"{path}: column 'comment' is not carried"]


def test_a_majority_that_the_labels_do_not_give_is_noted_and_kept(tmp_path: Path) -> None:
    path = table(tmp_path, {"majority_label": "Neutral"})
    converted = load_kqa(path)
    assert converted.answers[0].metadata["kqa"]["majority_label"] == {"c1": "Neutral"}
    assert converted.notes == [
        f"{path}:2 majority_label: is 'Neutral', 2 of 3 physicians say 'Entailment'; "
        "the source's score follows the column"
    ]


def test_three_different_labels_have_no_majority_to_differ_from(tmp_path: Path) -> None:
    split = labels("Entailment", "Neutral", "Contradiction", majority="Neutral")
    assert load_kqa(table(tmp_path, split)).notes == []


def test_every_mistake_in_a_table_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    # The first row's answer holds a line break: the next row is on line 4.
    path = table(tmp_path, {}, {"claim": " "}, {"claim": "x", "label_1": "neutral"})
    with pytest.raises(InputError) as refused:
        load_kqa(path)
    assert [(mistake.line, mistake.path) for mistake in refused.value.mistakes] == [(4, "claim"), (6, "label_1")]


@pytest.mark.realdata
def test_the_real_table_becomes_examples_answers_and_judgments() -> None:
    converted = load_kqa(shared_data(TABLE))
    assert (len(converted.examples), len(converted.answers), len(converted.judgments)) == (50, 50, 3 * 399)
    assert sum(len(example.rubric.leaves) for example in converted.examples) == 399
    assert converted.notes == []
    assert Counter(answer.model for answer in converted.answers).keys() == {"gpt35", "gpt4", "askk", "bard"}


@pytest.mark.realdata
def test_the_real_judgments_are_judgments_and_agree_as_often_as_published() -> None:
    judgments = [Judgment.model_validate(row) for row in load_kqa(shared_data(TABLE)).judgments]
    assert len({judgment.cell for judgment in judgments}) == len(judgments)
    given = defaultdict(set)
    for judgment in judgments:
        given[judgment.example_id, judgment.model, judgment.criterion_id].add(judgment.option)
    assert len(given) == 399
    assert sum(len(options) == 1 for options in given.values()) == 312


@pytest.mark.realdata
def test_the_real_source_scores_follow_from_the_source_s_rows() -> None:
    path = shared_data(TABLE)
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    converted = load_kqa(path)
    prompts = {example.id: example.prompt for example in converted.examples}
    for answer in converted.answers:
        own = [row for row in rows if (row["Question"], row["llm_x"]) == (prompts[answer.example_id], answer.model)]
        must_have = [row for row in own if row["category_x"] == "Must_have"]
        entailed = [row for row in must_have if row["majority_label"] == "Entailment"]
        contradicted = [row for row in own if row["majority_label"] == "Contradiction"]
        assert answer.text == own[0]["answer"]
        assert answer.metadata["kqa"]["source_score"] == {
            "completeness": len(entailed) / len(must_have),
            "hallucination": len(contradicted),
        }


@pytest.mark.realdata
def test_the_real_examples_and_answers_survive_our_own_json() -> None:
    converted = load_kqa(shared_data(TABLE))
    assert [Example.model_validate(example.as_json()) for example in converted.examples] == converted.examples
    assert [Answer.model_validate(answer.as_json()) for answer in converted.answers] == converted.answers
