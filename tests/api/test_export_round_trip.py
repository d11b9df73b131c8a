"""What is exported comes back: examples, answers, judgments, and scores to the last bit."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.exports import ExportSource, ReadBack, export_folder, read_folder
from graders import Failure, Judgment, Scores, load_judgments, score
from rubrics import Answer, DatasetInfo, Example, InputError, Model, Rubric, load_answers, load_dataset
from rubrics.formats.kqa import load_kqa
from tests.rubrics.strategies import example_documents, metadata, texts
from tests.shared_data import REPOSITORY, shared_data

MEDICINE = REPOSITORY / "examples" / "medicine"
RUBRIC = {
    "id": "fever",
    "title": "Fever | at night",
    "criteria": [
        {"id": "doctor", "criterion": "Says to see a doctor", "points": 6, "tags": ["axis:safety"]},
        {
            "id": "fluids",
            "criterion": "How much to drink?",
            "points": 2.5,
            "scale": {"type": "number", "min": 0, "max": 8},
        },
        {"id": "dose", "criterion": "Names a dose that no one asked for", "points": -3, "tags": ["axis:safety"]},
        {"id": "short", "criterion": "Stays under 20 words", "points": 2, "check": {"max_words": 20}},
    ],
}

NESTED: dict[str, Any] = {"a": []}
for _ in range(70):
    NESTED = {"a": [NESTED]}


def example(name: str = "e1", **more: Any) -> Example:
    return Example.model_validate({"id": name, "prompt": "Question?", "rubric": RUBRIC, **more})


def judgment(criterion: str = "doctor", **more: Any) -> Judgment:
    """A judgment of one criterion: met, unless `more` says something else."""
    cell = {"example_id": "e1", "model": "m", "criterion_id": criterion, "grader": "g", "grader_kind": "model"}
    says = {} if {"option", "value"} & more.keys() or more.get("status", "judged") != "judged" else {"met": True}
    return Judgment.model_validate({**cell, "status": "judged", **says, **more})


def source(
    examples: Sequence[Example],
    answers: Sequence[Answer],
    judgments: Sequence[Judgment],
    *,
    scores: Scores | None = None,
    info: DatasetInfo | None = None,
    graders: Sequence[Mapping[str, Any]] = (),
    name: str = "run-1",
    **options: Any,
) -> ExportSource:
    """What an export is made from, scored where no scores are given."""
    return ExportSource(
        name=name,
        info=info or DatasetInfo(name="fever"),
        examples=lambda: examples,
        answers=lambda: answers,
        judgments=lambda: judgments,
        scores=scores or score(examples, answers, judgments, **options),
        graders=graders,
        created_at="2026-11-25T10:00:00+00:00",
    )


def written(items: Sequence[Model]) -> list[str]:
    """The items as lines of a file: `5` and `5.0`, absent and null all differ."""
    return [json.dumps(item.as_json()) for item in items]


def assert_comes_back(back: ReadBack, exported: ExportSource) -> None:
    assert written([*back.examples()]) == written([*exported.examples()])
    assert [*back.examples()] == [*exported.examples()]
    assert written([*back.answers()]) == written([*exported.answers()])
    assert written([*back.judgments()]) == written([*exported.judgments()])
    assert back.info.as_json() == exported.info.as_json()
    assert back.options == exported.scores.options


def test_everything_comes_back_as_it_was_written(tmp_path: Path) -> None:
    by_id = Rubric.model_validate({**RUBRIC, "$schema": "../rubric.schema.json", "version": "1"})
    turns = [{"role": "system", "content": "Be kind. ✚"}, {"role": "user", "content": "حمى؟\r\n\u202eمساء 👩🏽‍⚕️"}]
    examples = [
        example(),
        Example.model_validate(
            {"id": "e2", "prompt": turns, "rubric_id": "fever"}, context={"rubrics": {"fever": by_id}}
        ),
        example("e3", tags=[], references=[], canary=None, metadata={}),
        example(
            "e4", tags=["theme:a"], references=["", "Réf |\n`x`"], canary="guid", metadata={"a": {"b": [None, 1.0, 1]}}
        ),
        example("e5", prompt=[{"role": "user", "content": ""}]),
        example("e 6 \u2028|é", prompt=""),
    ]
    answers = [
        Answer(example_id="e1", model="m", text="See a doctor."),
        Answer(example_id="e1", model="m", text="", sample=1, metadata={}),
        Answer(
            example_id="e1",
            model="m | \u202e",
            text="\ufeff\t 🏥\r\n\x01",
            sample=0,
            metadata={"d": {"e": {}}, "": [[]]},
        ),
        Answer(example_id="e4", model="m", text="drink", sample=7),
    ]
    judgments = [
        judgment(),
        judgment("fluids", value=5),
        judgment("fluids", value=5.0, sample=1, repeat=0),
        judgment("fluids", value=0.1, repeat=3, sample=0, use="test", ruling=False, evidence=[], flags=[], metadata={}),
        judgment(
            "dose", met=False, explanation="", evidence=["", "é\n"], probability=1, flags=["a"], cost=0, seconds=2
        ),
        judgment("dose", sample=1, status="abstained", failure={"kind": "misquote", "message": "no such quote"}),
        judgment("doctor", repeat=1, status="failed", failure=Failure(kind="http", message="503 | \n")),
        judgment(
            "doctor", model="m | \u202e", status="not_applicable", use="tune", ruling=True, metadata={"x": {"y": None}}
        ),
        judgment(
            "doctor",
            example_id="e4",
            sample=7,
            grader="Dr. Ü",
            grader_kind="human",
            grader_fingerprint="00",
            prompt_hash="11",
            returned_model="x",
            input_tokens=1,
            output_tokens=0,
            cached_tokens=2**31 - 1,
            cost=1e-9,
            seconds=0.25,
            probability=0.5,
            judged_at="2026-11-24T23:00:00+00:00",
        ),
    ]
    info = DatasetInfo.model_validate(
        {
            "$schema": "x",
            "name": "a|b",
            "pass_at": 1,
            "metadata_schema": {"type": "object"},
            "canary": None,
            "licence": "MIT",
        }
    )
    exported = source(examples, answers, judgments, info=info)
    written_folder = export_folder(tmp_path / "out", exported)
    back = read_folder(tmp_path / "out")
    assert_comes_back(back, exported)
    assert back.run == "run-1"
    assert written_folder.rows == {"scores": 8, "judgments": 9, "examples": 6, "rubrics": 2}
    assert written_folder.size == sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())


def test_scores_are_the_same_to_the_last_bit_after_reading_back(tmp_path: Path) -> None:
    dataset = load_dataset(MEDICINE)
    answers = load_answers(MEDICINE / "answers.jsonl")
    readings = [load_judgments(MEDICINE / "readings" / f"{name}.jsonl") for name in ("first", "second")]
    scores = score(dataset, answers, *readings, score_by="reading-1+reading-2")
    judgments = [*readings[0], *readings[1]]
    exported = source(dataset.examples, answers, judgments, scores=scores, info=dataset.info)
    export_folder(tmp_path / "out", exported)
    back = read_folder(tmp_path / "out")
    assert_comes_back(back, exported)
    again = score(back.examples(), back.answers(), back.judgments(), score_by=back.options.score_by)
    assert json.dumps(again.as_json()) == json.dumps(scores.as_json())


def test_score_rows_say_what_score_json_says(tmp_path: Path) -> None:
    dataset = load_dataset(MEDICINE)
    answers = load_answers(MEDICINE / "answers.jsonl")
    # The second reading is cut short, so that scores are missing; the answers come in another order than scored.
    judgments = [
        *load_judgments(MEDICINE / "readings" / "first.jsonl"),
        *load_judgments(MEDICINE / "readings" / "second.jsonl")[:130],
    ]
    scores = score(dataset, answers, judgments, score_by="reading-1")
    export_folder(tmp_path / "out", source(dataset.examples, answers[::-1], judgments, scores=scores))
    rows = pq.read_table(tmp_path / "out" / "scores" / "test.parquet").to_pylist()
    assert [row["grader"] for row in rows[:2]] == ["reading-1", "reading-2"]
    assert any(row["reason"] == "low_coverage" and row["score"] is None for row in rows)
    texts = {answer.key: answer.text for answer in answers}
    by_group = {(row["example_id"], row["model"], row["sample"], row["grader"]): row for row in rows}
    assert len(by_group) == len(rows) == 2 * len(answers)
    for said in scores.as_json()["answers"]:
        for name, numbers in said["by_grader"].items():
            row = by_group[said["example_id"], said["model"], said["sample"], name]
            assert {field: row[field] for field in numbers} == numbers
            assert row["chosen"] == (name == "reading-1")
            assert row["answer"] == texts[said["example_id"], said["model"], said["sample"]]
        row = by_group[said["example_id"], said["model"], said["sample"], "reading-1"]
        assert json.loads(row["tags"]) == said["tags"]
        assert [row["ungated"], row["bounds"]] == [said["ungated"], said["bounds"]]


def test_each_group_has_tags_of_its_own(tmp_path: Path) -> None:
    examples = [example(tags=["theme:a"])]
    answers = [Answer(example_id="e1", model="m", text="x")]
    judgments = [
        *(judgment(name, grader="a", met=name != "dose") for name in ("doctor", "dose")),
        *(judgment(name, grader="b", met=True) for name in ("doctor", "dose")),
        *(judgment("fluids", grader=name, value=8) for name in "ab"),
    ]
    export_folder(tmp_path / "out", source(examples, answers, judgments))
    rows = pq.read_table(tmp_path / "out" / "scores" / "test.parquet").to_pylist()
    tags = {row["grader"]: json.loads(row["tags"]) for row in rows}
    # (6 + 2.5 + 2) / 10.5 by a; 3 less by b; of the tag's 6 points b's answer keeps 3.
    assert tags == {"a": {"theme:a": 1.0, "axis:safety": 1.0}, "b": {"theme:a": 7.5 / 10.5, "axis:safety": 0.5}}
    assert [row["chosen"] for row in rows] == [False, False]


def test_an_answer_that_no_one_judged_keeps_its_text(tmp_path: Path) -> None:
    exported = source([example()], [Answer(example_id="e1", model="m", text="only this")], [])
    export_folder(tmp_path / "out", exported)
    assert_comes_back(read_folder(tmp_path / "out"), exported)
    (row,) = pq.read_table(tmp_path / "out" / "scores" / "test.parquet").to_pylist()
    assert (row["grader"], row["score"], row["answer"]) == ("rules", None, "only this")


def test_a_rubric_that_several_examples_share_stands_there_once(tmp_path: Path) -> None:
    spelled_out = {**RUBRIC, "version": "1"}
    examples = [example("e1"), example("e2", rubric=spelled_out), example("e3"), example("e4", rubric=spelled_out)]
    exported = source(examples, [], [])
    export_folder(tmp_path / "out", exported)
    rubrics = pq.read_table(tmp_path / "out" / "rubrics" / "test.parquet").to_pylist()
    rows = pq.read_table(tmp_path / "out" / "examples" / "test.parquet").to_pylist()
    assert [row["rubric_row"] for row in rows] == [0, 1, 0, 1]
    assert {row["rubric_hash"] for row in rows} == {row["hash"] for row in rubrics}
    assert [row["rubric"] for row in rubrics] == [
        json.dumps(each.rubric.as_json(), ensure_ascii=False, separators=(",", ":")) for each in examples[:2]
    ]
    assert (rubrics[0]["n_criteria"], rubrics[0]["max_points"]) == (4, 10.5)
    assert_comes_back(read_folder(tmp_path / "out"), exported)


def test_an_answer_of_10_mb_comes_back(tmp_path: Path) -> None:
    text = "".join(f"{number} äöü 👍\n" for number in range(600_000))
    assert len(text.encode()) > 10_000_000
    answers = [
        Answer(example_id="e1", model="m", text=text),
        Answer(example_id="e1", model="n", text=text[::-1]),
        Answer(example_id="e1", model="o", text="short"),
    ]
    exported = source([example()], answers, [judgment(grader=name) for name in "ab"])
    export_folder(tmp_path / "out", exported)
    assert [*read_folder(tmp_path / "out").answers()] == answers


def test_whole_numbers_above_2_to_the_53_come_back(tmp_path: Path) -> None:
    rubric = {
        "id": "r",
        "criteria": [{"criterion": "How many?", "points": 1, "scale": {"type": "number", "min": 0, "max": 10**30}}],
    }
    judgments = [
        judgment("c1", value=2**53 + 1),
        judgment("c1", repeat=1, value=0.5),
        judgment("c1", repeat=2, value=10**29),
    ]
    exported = source([example(rubric=rubric)], [Answer(example_id="e1", model="m", text="x")], judgments)
    export_folder(tmp_path / "out", exported)
    assert_comes_back(read_folder(tmp_path / "out"), exported)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            {"judgments": [judgment(metadata=NESTED)]},
            "judgments of run 'run-1':1 $.metadata: brackets",
        ),
        (
            {"answers": [Answer(example_id="e1", model="m", text="x", metadata={"k": "\ud800"})]},
            "answers of run 'run-1':1 $.metadata.k: the text holds half of a surrogate pair (\\ud800), "
            "expected a whole character",
        ),
        (
            {"answers": []},
            "answers of run 'run-1': got 0 answers, expected the 1 that were scored: score them again",
        ),
        (
            {"answers": [Answer(example_id="e1", model="other", text="x")]},
            "answers of run 'run-1':1 $: the answer of 'other' to 'e1', sample 0, is not among the scores",
        ),
        (
            {"examples": []},
            "examples of run 'run-1': there are none, expected at least one: there is nothing to export",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place(tmp_path: Path, items: dict[str, Any], message: str) -> None:
    examples, answers = [example()], [Answer(example_id="e1", model="m", text="x")]
    scores = score(examples, answers, [])
    exported = source(**{"examples": examples, "answers": answers, "judgments": [], "scores": scores, **items})
    with pytest.raises(InputError) as caught:
        export_folder(tmp_path / "out", exported)
    assert str(caught.value).startswith(message)
    assert [*tmp_path.iterdir()] == []


@st.composite
def judgment_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Any right judgment, as a file holds it."""
    status = draw(st.sampled_from(["judged", "not_applicable", "abstained", "failed"]))
    numbers = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
    names = {"example_id": "e", "model": "m", "criterion_id": "c", "grader": "g", "grader_kind": "rule"}
    verdicts = [("met", st.booleans()), ("option", texts), ("value", numbers)]
    row: dict[str, Any] = {**names, "status": status}
    if status == "judged":
        name, values = draw(st.sampled_from(verdicts))
        row[name] = draw(values)
    counts = st.integers(0, 2**31 - 1)
    optional: dict[str, st.SearchStrategy[Any]] = {
        "sample": counts,
        "repeat": counts,
        "use": st.sampled_from(["test", "tune"]),
        "ruling": st.booleans(),
        "explanation": texts,
        "evidence": st.lists(texts, max_size=2),
        "probability": st.sampled_from([0, 1, 0.0, 1.0, 0.3]),
        "flags": st.lists(texts, max_size=2),
        "metadata": metadata,
        "failure": st.fixed_dictionaries({"kind": st.just("parse"), "message": texts}),
        "judged_at": texts,
        "input_tokens": counts,
        "cost": numbers,
        "seconds": numbers,
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional))))
    return row | {name: draw(optional[name]) for name in sorted(chosen)}


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(judgment_documents(), min_size=1, max_size=6))
def test_any_judgments_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("judgments")
    scores = score([example()], [], [])
    exported = source([example()], [], [Judgment.model_validate(row) for row in rows], scores=scores)
    export_folder(folder / "out", exported)
    assert_comes_back(read_folder(folder / "out"), exported)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(example_documents(), min_size=1, max_size=3), more=metadata)
def test_any_examples_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("examples")
    examples = [Example.model_validate({**row, "id": f"{number} {row['id']}"}) for number, row in enumerate(rows)]
    answers = [Answer(example_id=each.id, model="m", text="x", metadata=more) for each in examples]
    exported = source(examples, answers, [])
    export_folder(folder / "out", exported)
    assert_comes_back(read_folder(folder / "out"), exported)


@pytest.mark.realdata
def test_all_healthbench_records_come_back(tmp_path: Path) -> None:
    dataset = load_dataset(shared_data("healthbench/hard_sample_50.jsonl"))
    answers = [Answer(example_id=each.id, model="constant", text="See a doctor.") for each in dataset]
    judgments = [
        judgment(leaf.id, example_id=each.id, model="constant", met=(number + index) % 3 == 0)
        for number, each in enumerate(dataset)
        for index, leaf in enumerate(each.rubric.leaves)
    ]
    exported = source(dataset.examples, answers, judgments, info=dataset.info)
    export_folder(tmp_path / "out", exported)
    back = read_folder(tmp_path / "out")
    assert_comes_back(back, exported)
    again = score(back.examples(), back.answers(), back.judgments())
    assert json.dumps(again.as_json()) == json.dumps(exported.scores.as_json())
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "Do not train on this data" in "\n".join(card.split("---\n")[2].splitlines()[:6])
    assert not any(turn.content[:80] in card for each in dataset for turn in each.conversation)


@pytest.mark.realdata
def test_three_physicians_labels_come_back(tmp_path: Path) -> None:
    converted = load_kqa(shared_data("kqa/NLI_medical_annotator.csv"))
    judgments = [Judgment.model_validate(row) for row in converted.judgments]
    exported = source(converted.examples, converted.answers, judgments)
    export_folder(tmp_path / "out", exported)
    back = read_folder(tmp_path / "out")
    assert_comes_back(back, exported)
    again = score(back.examples(), back.answers(), back.judgments())
    assert json.dumps(again.as_json()) == json.dumps(exported.scores.as_json())
