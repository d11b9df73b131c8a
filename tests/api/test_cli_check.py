"""`markscheme check` and `markscheme schema`."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from tests.batch import RUBRIC, read_lines, write_batch, write_lines
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[2]


def test_a_sound_example_folder_passes() -> None:
    result = markscheme("check", ROOT / "examples" / "medicine")
    assert result.code == 0, result.out
    assert result.out.startswith("ok: 8 examples, 24 answers, 606 judgments, 8 rubrics, ")


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    bad = {**RUBRIC, "titel": "x", "criteria": [{"criterion": "a", "points": "5"}, {"criterion": " ", "points": 0}]}
    path = tmp_path / "a.rubric.json"
    path.write_text(json.dumps(bad), encoding="utf-8")
    other = tmp_path / "b.rubric.json"
    other.write_text("{", encoding="utf-8")
    result = markscheme("check", path, other)
    assert result.code == 1
    assert sorted(result.out.splitlines()) == sorted(
        [
            f"{path} $.titel: unknown field 'titel', did you mean 'title'?",
            f"{path} $.criteria[0].points: got '5', expected a number without quotes",
            f"{path} $.criteria[1].criterion: got ' ', expected text that is not blank",
            f"{path} $.criteria[1].points: got 0, expected a number other than 0",
            f"{other}:1:2: not JSON: the text ends here, expected a key in double quotes",
        ]
    )
    assert "5 mistakes in 2 files" in result.err


def test_the_json_report_stands_alone_on_standard_output(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    path.write_text('{"id": "r", "criteria": [{"criterion": "a", "points": 0}]}', encoding="utf-8")
    report = json.loads(markscheme("check", path, "--json").out)
    assert report["mistakes"] == [
        {
            "file": str(path),
            "line": None,
            "column": None,
            "path": "$.criteria[0].points",
            "message": "got 0, expected a number other than 0",
        }
    ]
    assert report["advice"] == []


def test_a_dataset_is_checked_with_its_answers_and_judgments(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    rows = read_lines(files.judgments)
    rows[0]["option"] = "yes"
    rows[1] = {**rows[1], "met": None, "option": "calm"}
    write_lines(files.judgments, rows)
    answers = read_lines(files.answers)
    write_lines(files.answers, [*answers, answers[0]])
    result = markscheme("check", tmp_path)
    assert result.code == 1
    assert f"{files.answers}:5 $: a second answer of 'good' to 'e1', sample 0" in result.out
    assert f"{files.judgments}:1 $: got met and option" in result.out
    assert f"{files.judgments}:2 $.option: got 'option', expected 'met'" in result.out


@pytest.mark.parametrize("name", ["nothing-here", "nothing.rubric.json", "nothing.jsonl"])
def test_a_missing_path_is_told_plainly(tmp_path: Path, name: str) -> None:
    result = markscheme("check", tmp_path / name)
    assert result.code == 1
    assert result.out == f"{tmp_path / name}: no such file\n"


def test_a_folder_with_nothing_to_check_is_told_so(tmp_path: Path) -> None:
    assert "expected rubrics" in markscheme("check", tmp_path).out


def test_no_path_is_a_usage_error() -> None:
    assert markscheme("check").code == 2
    assert markscheme("schema", "rubrik").code == 2


@pytest.mark.parametrize("name", ["rubric", "example", "answer", "judgment"])
def test_the_checked_in_schemas_are_what_the_command_prints(name: str) -> None:
    printed = markscheme("schema", name).out
    stored = (ROOT / "rubrics" / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    assert printed == stored, "refresh them with `make schemas`"
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))


def test_the_shipped_rubrics_satisfy_the_published_schema() -> None:
    schema = json.loads((ROOT / "rubrics" / "schemas" / "rubric.schema.json").read_text(encoding="utf-8"))
    for path in (ROOT / "examples").rglob("*.rubric.json"):
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize(
    "given",
    [
        ["examples/law", "examples/law"],
        ["examples/law", "examples/law/examples.jsonl", "examples/law/answers.jsonl"],
        ["examples/law/rubrics/late-bicycle.rubric.json", "examples/law"],
        ["examples/law", "examples/../examples/law/rubrics"],
        ["examples/law/rubrics", "examples/law"],
    ],
)
def test_what_is_named_twice_is_checked_and_counted_once(given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    alone = json.loads(markscheme("check", "examples/law", "--json").out)
    assert json.loads(markscheme("check", *given, "--json").out) == alone


def test_a_mistake_in_a_file_named_twice_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    path.write_text('{"id": "r", "criteria": [{"criterion": "Names good advice", "points": 0}]}', encoding="utf-8")
    assert len(markscheme("check", path, tmp_path, path).out.splitlines()) == 1


def test_one_criterion_is_no_plural(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    path.write_text('{"id": "r", "criteria": [{"criterion": "Names the town", "points": 1}]}', encoding="utf-8")
    assert markscheme("check", path).out == "ok: 1 rubric, 1 criterion, no mistakes\n"


def law(tmp_path: Path) -> Path:
    folder = tmp_path / "law"
    shutil.copytree(ROOT / "examples" / "law", folder)
    return folder


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def places(*given: object) -> list[str]:
    """File and JSON path of every mistake."""
    report = json.loads(markscheme("check", *given, "--json").out)
    return [f"{Path(one['file']).name} {one['path']}" for one in report["mistakes"]]


def test_one_slip_in_a_rubric_is_not_told_again_for_every_answer_and_judgment(tmp_path: Path) -> None:
    folder = law(tmp_path)
    rewrite(folder / "rubrics" / "deposit-withheld.rubric.json", '"points": 8', '"points": "8"')
    assert places(folder) == [
        "deposit-withheld.rubric.json $.criteria[0].children[0].points",
        "examples.jsonl $.rubric_id",
    ]


def test_one_slip_in_a_question_or_an_answer_is_told_alone(tmp_path: Path) -> None:
    folder = law(tmp_path)
    rewrite(folder / "examples.jsonl", '"tags"', '"tagz"')
    assert places(folder) == ["examples.jsonl $.tagz"]
    shutil.copy(ROOT / "examples" / "law" / "examples.jsonl", folder)
    rewrite(folder / "answers.jsonl", '"text"', '"txt"')
    assert places(folder) == ["answers.jsonl $.text", "answers.jsonl $.txt"]


def test_what_points_nowhere_is_told_beside_other_mistakes(tmp_path: Path) -> None:
    folder = law(tmp_path)
    rewrite(folder / "examples.jsonl", '"tags"', '"tagz"')
    rewrite(folder / "answers.jsonl", '"example_id": "late-bicycle"', '"example_id": "late-bike"')
    found = places(folder)
    assert found[:2] == ["examples.jsonl $.tagz", "answers.jsonl $.example_id"]
    assert set(found[2:]) == {"first.jsonl $", "second.jsonl $"}  # they judge an answer that nobody gave


def test_a_folder_of_rubrics_that_is_not_there_is_told_first(tmp_path: Path) -> None:
    found = places(ROOT / "examples" / "law", "--rubrics", tmp_path / "nowhere")
    assert found == ["nowhere None", *["examples.jsonl $.rubric_id"] * 7]


def test_a_datasets_own_file_stands_for_its_folder() -> None:
    folder = ROOT / "examples" / "law"
    assert markscheme("check", folder / "dataset.json").out == markscheme("check", folder).out


def test_an_answer_whose_key_is_no_key_is_told_like_any_other(tmp_path: Path) -> None:
    folder = law(tmp_path)
    rewrite(folder / "answers.jsonl", '"model": "answerer-a"', '"model": ["answerer-a"]')
    assert places(folder)[0] == "answers.jsonl $.model"
