"""docs/lint.md says what the rules do, and the shipped examples keep to it."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from rubrics import LINT_RULES, Rubric, lint_example, lint_rubric, load_dataset
from tests.command import markscheme
from tests.shared_data import shared_data

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = DOCS.split(f"## {heading}")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


RATES = rows("The rules, and how often they are right")


def test_every_code_is_named_with_its_default() -> None:
    named = {row[0].strip("`"): row[5] == "on" for row in RATES}
    assert named == {code: rule.on for code, rule in LINT_RULES.items()}


def test_no_rule_that_was_wrong_more_than_one_time_in_five_is_on() -> None:
    judged = [(code, int(read), int(wrong), on) for code, _, _, read, wrong, on in RATES if read.isdecimal()]
    assert [code for code, read, wrong, on in judged if on == "on" and wrong * 5 > read] == []


@pytest.mark.parametrize("row", rows("Wording, side by side"), ids=lambda row: row[1])
def test_the_bad_wording_raises_the_advice_and_the_good_one_does_not(row: list[str]) -> None:
    code, bad, good = row
    for text, expected in ((bad, True), (good, False)):
        rubric = Rubric.model_validate({"id": "r", "criteria": [{"criterion": text, "points": 5}]})
        found = {advice.code for advice in lint_rubric(rubric)}
        assert (code.strip("`") in found) == expected, (text, found)
    assert found == set(), good


def test_the_printed_advice_is_what_the_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", DOCS, flags=re.DOTALL)
    (block,) = re.findall(r"```json\n(.*?)```", DOCS, flags=re.DOTALL)
    rubric = json.loads(block)
    assert lint_rubric(Rubric.model_validate(rubric)) == ()
    monkeypatch.chdir(tmp_path)
    Path("deposit.rubric.json").write_text(json.dumps({**rubric, "lint": {"ignore": []}}), encoding="utf-8")
    assert markscheme("check", "deposit.rubric.json").err == shown


def test_the_shipped_examples_raise_no_advice() -> None:
    raised = []
    for path in sorted((ROOT / "examples").rglob("examples.jsonl")):
        for example in load_dataset(path.parent):
            advice = (*lint_rubric(example.rubric), *lint_example(example))
            raised += [f"{example.rubric.id} {one.path} {one.code}: {one.message}" for one in advice]
    assert raised == [], "reword the criterion, or silence what is meant with lint.ignore"


@pytest.mark.realdata
def test_the_figures_for_healthbench_are_those_of_the_rules() -> None:
    dataset = load_dataset(shared_data("healthbench/hard_sample_50.jsonl"))
    fired: Counter[str] = Counter()
    for example in dataset:
        advice = (*lint_rubric(example.rubric, all_advice=True), *lint_example(example, all_advice=True))
        fired.update(one.code for one in advice)
    written = {row[0].strip("`"): int(re.findall(r"HealthBench (\d+)", row[2])[0]) for row in RATES}
    assert written == {code: fired[code] for code in LINT_RULES}
