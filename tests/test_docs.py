"""Every block of the docs is valid or runs."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from graders import Judgment, Task, Verdict
from rubrics import Answer, DatasetInfo, Example, Rubric, lint_rubric
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_examples_of_files_are_valid() -> None:
    rubric, example, answer, judgment = map(json.loads, blocks(ROOT / "docs" / "rubrics.md", "json"))
    parsed = Rubric.model_validate(rubric)
    Example.model_validate(example, context={"rubrics": {parsed.id: parsed}})
    Answer.model_validate(answer)
    Judgment.model_validate(judgment)


def test_the_rubric_of_the_guide_is_sound_and_raises_no_advice() -> None:
    (raw,) = map(json.loads, blocks(ROOT / "docs" / "guide.md", "json"))
    assert lint_rubric(Rubric.model_validate(raw)) == ()


def test_the_folder_of_the_guide_can_be_checked_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = ROOT / "docs" / "guide.md"
    monkeypatch.chdir(tmp_path)
    folder = Path("chest-pain")
    folder.mkdir()
    (tree,) = blocks(guide, "text")
    names = [line.split()[0] for line in tree.splitlines()[1:]]
    for name, text in zip(names, (*blocks(guide, "json"), *blocks(guide, "jsonl")), strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    commands = [line.split()[1:] for block in blocks(guide, "sh") for line in block.splitlines()]
    monkeypatch.setattr("sys.stdin", None)  # nobody sits here
    shown = {" ".join(words[:2]): markscheme(*words) for words in commands if words[1] in ("chest-pain",)}
    assert shown["check chest-pain"].out == "ok: 1 example, 2 answers, 1 rubric, 6 criteria, no mistakes\n"
    assert shown["check chest-pain"].err == ""
    assert "10 cells of 2 answers wait for me" in shown["grade chest-pain"].err
    monkeypatch.chdir(folder)
    alone = [markscheme(*words) for words in commands if words[1] == "chest-pain.rubric.json"]
    assert [result.code for result in alone] == [0, 0]


def test_the_format_of_your_own_reads(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "docs" / "formats.md", "python")
    names: dict[str, Any] = {}
    exec(compile(code, "formats.md", "exec"), names)
    source = tmp_path / "facts.jsonl"
    source.write_text('{"question": "?", "answer": "It rains.", "facts": ["it rains"]}\n', encoding="utf-8")
    converted = names["load_lines"](source)
    assert converted.examples[0].rubric.leaves[0].criterion.criterion == "Says that it rains"
    assert converted.answers[0].text == "It rains."


def test_the_tests_that_the_comparison_names_are_there() -> None:
    text = (ROOT / "docs" / "alternatives.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[^`]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    claims = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(claims) > 5
    assert [what for what, claim in claims if "`tests/" not in claim] == [], "claimed, and no test shows it"


def test_every_field_of_a_criterion_is_explained() -> None:
    text = (ROOT / "docs" / "rubrics.md").read_text(encoding="utf-8")
    schema = json.loads((ROOT / "rubrics" / "schemas" / "rubric.schema.json").read_text(encoding="utf-8"))
    assert [name for name in schema["$defs"]["Criterion"]["properties"] if f"`{name}`" not in text] == []


def test_every_field_of_a_dataset_is_explained() -> None:
    text = (ROOT / "docs" / "rubrics.md").read_text(encoding="utf-8")
    section = text.split("## A dataset")[1].split("\n## ")[0]
    assert [name for name, field in DatasetInfo.model_fields.items() if f"`{field.alias or name}`" not in section] == []


def test_the_plan_is_as_printed(tmp_path: Path) -> None:
    (shown,) = map(json.loads, blocks(ROOT / "docs" / "graders.md", "json"))
    folder = ROOT / "examples" / "medicine"
    recorded = f"recorded:{folder / 'readings' / 'first.jsonl'}"
    store = f"sqlite:///{tmp_path / 'store.db'}"
    result = markscheme(
        *("grade", folder, folder / "answers.jsonl", "--grader", recorded, "--store", store, "--dry-run", "--json"),
    )
    assert {**json.loads(result.out)["run"], "name": ""} == {**shown["run"], "name": ""}


def test_every_option_of_export_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    options = re.findall(r"--[a-z-]+", markscheme("export", "--help").out)
    assert [name for name in options if name not in ("--help", "--store") and name not in text] == []


def test_the_grader_of_your_own_judges() -> None:
    (code,) = blocks(ROOT / "docs" / "graders.md", "python")
    assert len(code.strip().splitlines()) <= 15
    names: dict[str, Any] = {}
    exec(compile(code, "graders.md", "exec"), names)
    rubric = Rubric.model_validate({"id": "r", "criteria": [{"criterion": "Names a doctor", "points": 1}]})
    answer = Answer(example_id="e", model="m", text="See a doctor.")
    task = Task(Example(id="e", prompt="?", rubric=rubric), answer, (rubric.leaves[0].criterion,))
    assert asyncio.run(names["KeywordJudge"]().judge(task)) == [Verdict(criterion_id="c1", met=True)]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
