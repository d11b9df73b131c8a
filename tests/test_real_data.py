"""The main job on real data: HealthBench, K-QA and PaperBench. Skipped with one line where the data is not here."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from rubrics import load_answers, load_dataset
from tests.batch import read_lines, write_lines
from tests.command import markscheme
from tests.shared_data import shared_data

pytestmark = pytest.mark.realdata

JUDGE = """
import hashlib
from graders import Verdict

class Judge:
    name = "coin"
    version = "1"
    max_criteria = None

    async def judge(self, task):
        def met(criterion):
            told = task.answer.example_id + task.answer.model + criterion.criterion
            return hashlib.sha256(told.encode()).digest()[0] % 2 == 0
        return [Verdict(criterion_id=c.id, met=met(c)) for c in task.criteria]
"""


def coin(example_id: str, model: str, criterion: str) -> bool:
    return hashlib.sha256((example_id + model + criterion).encode()).digest()[0] % 2 == 0


def test_healthbench_is_graded_scored_and_exported_as_its_own_arithmetic_says(tmp_path: Path) -> None:
    source = shared_data("healthbench/hard_sample_50.jsonl")
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    answers = write_lines(
        tmp_path / "answers.jsonl",
        [{"example_id": row["prompt_id"], "model": "m", "text": f"Answer to {row['prompt_id']}"} for row in rows],
    )
    judge = tmp_path / "judge.py"
    judge.write_text(JUDGE, encoding="utf-8")
    store = ["--store", f"sqlite:///{tmp_path / 's.db'}"]
    graded = markscheme("grade", source, answers, "--grader", f"{judge}:Judge", "--run", "hb", "--json", *store)
    assert graded.code == 0, graded.err
    report = json.loads(graded.out)

    scores, tags = [], {}
    for row in rows:
        verdicts = [coin(row["prompt_id"], "m", item["criterion"]) for item in row["rubrics"]]
        points = [item["points"] for item in row["rubrics"]]
        score = sum(p for p, met in zip(points, verdicts, strict=True) if met) / sum(p for p in points if p > 0)
        scores.append(score)
        for tag in row["example_tags"]:
            tags.setdefault(tag, []).append(score)
        for tag in {tag for item in row["rubrics"] for tag in item["tags"]}:
            carried = [(i["points"], v) for i, v in zip(row["rubrics"], verdicts, strict=True) if tag in i["tags"]]
            positive = sum(p for p, _ in carried if p > 0)
            if positive:
                tags.setdefault(tag, []).append(sum(p for p, met in carried if met) / positive)
    by_id = {row["example_id"]: row["score"] for row in report["answers"]}
    for row, score in zip(rows, scores, strict=True):
        assert by_id[row["prompt_id"]] == pytest.approx(score, abs=1e-12)
    assert report["overall"]["mean"] == pytest.approx(float(np.clip(np.mean(scores), 0, 1)), abs=1e-12)
    assert set(report["by_tag"]) == set(tags)
    for tag, values in tags.items():
        assert report["by_tag"][tag]["mean"] == pytest.approx(float(np.clip(np.mean(values), 0, 1)), abs=1e-12), tag
        assert report["by_tag"][tag]["n_scored"] == len(values)

    folder, back = tmp_path / "hf", tmp_path / "back"
    assert markscheme("export", "hb", folder, *store).code == 0
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert rows[0]["canary"].split()[-1] in card
    assert markscheme("convert", "--from", "hf", folder, back).code == 0
    again = markscheme("score", back, back / "answers.jsonl", back / "judgments.jsonl", "--json")
    del report["run"]
    assert json.loads(again.out) == report
    third = tmp_path / "healthbench.jsonl"
    assert markscheme("convert", "--from", "native", "--to", "healthbench", back, third).code == 0
    assert read_lines(third) == rows


def test_healthbench_converts_to_ours_and_back_without_loss(tmp_path: Path) -> None:
    source = shared_data("healthbench/hard_sample_50.jsonl")
    ours, back = tmp_path / "ours.jsonl", tmp_path / "back.jsonl"
    assert markscheme("convert", "--from", "healthbench", source, ours).code == 0
    assert markscheme("check", ours).code == 0
    assert markscheme("convert", "--from", "native", "--to", "healthbench", ours, back).code == 0
    assert read_lines(back) == read_lines(source)
    assert len(load_dataset(ours)) == 50


def test_kqa_is_scored_by_its_three_physicians(tmp_path: Path) -> None:
    source = shared_data("kqa/NLI_medical_annotator.csv")
    folder = tmp_path / "kqa"
    assert markscheme("convert", "--from", "kqa", source, folder).code == 0
    assert len(read_lines(folder / "judgments.jsonl")) == 399 * 3
    result = markscheme("score", folder, folder / "answers.jsonl", folder / "judgments.jsonl", "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert list(report["by_grader"]) == ["humans"]
    assert len(report["answers"]) == 50
    assert all(answer["coverage"] == 1.0 for answer in report["answers"])
    sources = {(a["example_id"], a["model"]): a["metadata"]["kqa"] for a in read_lines(folder / "answers.jsonl")}
    for answer in report["answers"]:
        must_have = answer["tags"].get("claim:must-have")
        completeness = sources[answer["example_id"], answer["model"]]["source_score"]["completeness"]
        if must_have is not None:
            assert must_have == pytest.approx(completeness, abs=1e-12)


@pytest.mark.parametrize("name", ["semantic-self-consistency", "stay-on-topic-with-classifier-free-guidance"])
def test_a_paperbench_tree_reproduces_its_root_score(tmp_path: Path, name: str) -> None:
    source = shared_data(f"paperbench/{name}.json")
    folder = tmp_path / "tree"
    assert markscheme("convert", "--from", "paperbench", source, folder).code == 0
    result = markscheme("score", folder, folder / "answers.jsonl", folder / "judgments.jsonl", "--json")
    assert result.code == 0, result.err
    root = json.loads(source.read_text(encoding="utf-8"))["score"]
    assert json.loads(result.out)["answers"][0]["score"] == pytest.approx(root, abs=1e-12)


def test_the_attack_strings_survive_a_whole_round_as_answers(tmp_path: Path) -> None:
    rows = read_lines(shared_data("attacks/attacks.jsonl"))
    example = {"id": "e", "prompt": "?", "rubric": {"id": "r", "criteria": [{"criterion": "Says a", "points": 1}]}}
    dataset = write_lines(tmp_path / "examples.jsonl", [example])
    answers = write_lines(
        tmp_path / "answers.jsonl",
        [{"example_id": "e", "model": row["id"], "text": row["payload"]} for row in rows if row["payload"]],
    )
    judge = tmp_path / "judge.py"
    judge.write_text(JUDGE, encoding="utf-8")
    store = ["--store", f"sqlite:///{tmp_path / 's.db'}"]
    graded = markscheme("grade", dataset, answers, "--grader", f"{judge}:Judge", "--run", "a", "--json", *store)
    assert graded.code == 0, graded.err
    folder, back = tmp_path / "hf", tmp_path / "back"
    assert markscheme("export", "a", folder, *store).code == 0
    assert markscheme("convert", "--from", "hf", folder, back).code == 0
    assert [answer.text for answer in load_answers(back / "answers.jsonl")] == [
        answer.text for answer in load_answers(answers)
    ]
