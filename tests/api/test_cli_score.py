"""`markscheme score`: files in, scores out, and exit codes that a script can rely on."""

import json
from pathlib import Path

import pytest

from tests.batch import judgment, read_lines, write_batch, write_lines
from tests.command import markscheme


def test_the_json_object_has_everything_the_contract_names(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    result = markscheme("score", files.dataset, files.answers, files.judgments, "--json")
    assert result.code == 0
    report = json.loads(result.out)
    assert report["answers"][0] == {
        "example_id": "e1",
        "model": "good",
        "sample": 0,
        "score": 1.0,
        "judged_only": 1.0,
        "low": 1.0,
        "high": 1.0,
        "bounds": "exact",
        "coverage": 1.0,
        "ungated": 1.0,
        "reason": None,
        "tags": {"theme:fever": 1.0, "axis:safety": 1.0},
        "by_grader": {
            "reader": {"score": 1.0, "judged_only": 1.0, "low": 1.0, "high": 1.0, "coverage": 1.0, "reason": None}
        },
    }
    aggregate = set(
        "mean mean_judged_only mean_unclipped ci_low ci_high low high n_examples n_expected n_scored n_missing "
        "n_undefined coverage seed reason".split()
    )
    assert aggregate <= set(report["overall"])
    assert report["overall"]["reason"] == "several_models"
    assert {*aggregate, "worst_at_k"} <= set(report["by_model"]["good"])
    assert report["by_model"]["good"]["worst_at_k"] == {"1": 1.0}
    assert {*aggregate, "model", "tag", "grader"} <= set(report["rows"][0])
    assert {(row["model"], row["tag"], row["grader"]) for row in report["rows"]} == {
        (model, tag, "reader") for model in ("good", "poor") for tag in (None, "axis:safety", "theme:fever")
    }
    assert report["failures"] == dict.fromkeys(
        ("parse", "refusal", "truncated", "http", "timeout", "misquote", "control", "grader"), 0
    )


def test_an_ungraded_criterion_ends_with_exit_3_and_says_so(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    write_lines(files.judgments, read_lines(files.judgments)[1:])
    result = markscheme("score", files.dataset, files.answers, files.judgments)
    assert result.code == 3
    assert "1 applicable criterion is ungraded; it is not counted as not met." in result.out


def test_without_judgments_the_checks_are_scored(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    result = markscheme("score", files.dataset, files.answers, "--json")
    assert result.code == 3
    assert list(json.loads(result.out)["by_grader"]) == ["rules"]


@pytest.mark.parametrize("by", ["model", "tag", "grader", "model,tag,grader"])
def test_every_table_shows_coverage_beside_the_score(tmp_path: Path, by: str) -> None:
    files = write_batch(tmp_path)
    result = markscheme("score", files.dataset, files.answers, files.judgments, "--by", by)
    assert result.code == 0
    assert "coverage" in result.out
    assert "100 %" in result.out


def test_an_unknown_table_is_a_usage_error(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    assert markscheme("score", files.dataset, files.answers, files.judgments, "--by", "modle").code == 2


def test_two_judgments_of_one_cell_are_told_with_both_places(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    other = write_lines(tmp_path / "other.jsonl", [judgment("e1", "good", "doctor", True)])
    result = markscheme("score", files.dataset, files.answers, files.judgments, other)
    assert result.code == 1
    assert result.err.startswith(
        f"{other}:1 $: a second judgment of one cell, the first is on {files.judgments} line 1"
    )


def test_healthbench_adds_its_standard_deviation_on_request(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    plain = json.loads(markscheme("score", files.dataset, files.answers, files.judgments, "--json").out)
    asked = json.loads(
        markscheme("score", files.dataset, files.answers, files.judgments, "--json", "--healthbench").out
    )
    assert "bootstrap_std" not in plain["by_model"]["good"]
    assert asked["by_model"]["good"]["bootstrap_std"] == 0.0


def test_every_broken_file_of_a_call_is_told(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    for path in (files.dataset, files.answers, files.judgments):
        path.write_text("{]\n", encoding="utf-8")
    result = markscheme("score", files.dataset, files.answers, files.judgments)
    assert result.code == 1
    assert [line.split(":")[0] for line in result.err.splitlines()] == [
        str(files.dataset),
        str(files.answers),
        str(files.judgments),
    ]


def test_the_first_try_stands_beside_the_worst_and_the_best(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    answers = [{**row, "sample": sample} for row in read_lines(files.answers) for sample in (0, 1)]
    judged = [{**row, "sample": 0} for row in read_lines(files.judgments)]
    judged += [{**row, "sample": 1, "met": False} for row in judged]
    result = markscheme(
        "score", files.dataset, write_lines(files.answers, answers), write_lines(files.judgments, judged)
    )
    good = next(line for line in result.out.splitlines() if line.startswith("good"))
    assert "worst of 2" in result.out
    assert good.split()[-2:] == ["0.167", "1.000"]
