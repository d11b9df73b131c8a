"""`markscheme grade` and `markscheme export`: from files to scores over a store that resumes."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.batch import RUBRIC, Files, judgment, read_lines, write_batch, write_lines
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[2]

JUDGE = """
from graders import Verdict
from rubrics import GraderError

class Judge:
    name = "keyword"
    version = "VERSION"
    arguments = {"words": WORDS}

    async def judge(self, task):
        with open(LOG, "a") as log:
            log.write("".join(f"{task.answer.model} {c.id}\\n" for c in task.criteria))
        if any(c.id in FAIL for c in task.criteria):
            raise GraderError("http", "503 from the endpoint")
        words = {"doctor": "doctor", "fluids": "drink", "dose": "mg"}
        return [Verdict(criterion_id=c.id, met=words[c.id] in task.answer.text.lower()) for c in task.criteria]
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_batch(tmp_path / "batch")


def plug_in(files: Files, *, version: str = "1", fail: str = "()", words: int = 1) -> str:
    path = files.folder / "judge.py"
    log = files.folder / "asked.txt"
    log.touch()
    text = JUDGE.replace("VERSION", version).replace("FAIL", fail).replace("LOG", repr(str(log)))
    path.write_text(text.replace("WORDS", str(words)), encoding="utf-8")
    return f"{path}:Judge"


def asked(files: Files) -> list[str]:
    """What the plug-in was asked since the last look."""
    log = files.folder / "asked.txt"
    lines = sorted(log.read_text(encoding="utf-8").splitlines())
    log.write_text("", encoding="utf-8")
    return lines


def grade(files: Files, *arguments: Any) -> Any:
    return markscheme("grade", files.dataset, files.answers, *arguments, *files.options)


def test_a_batch_is_graded_scored_and_resumed(files: Files) -> None:
    spec = plug_in(files)
    first = grade(files, "--grader", spec, "--json")
    assert first.code == 0, first.err
    report = json.loads(first.out)
    assert report["by_model"]["good"]["mean"] == 1.0
    assert report["by_model"]["poor"]["mean"] == 0.25
    assert report["run"]["graded"] == 16
    assert len(asked(files)) == 12
    again = grade(files, "--grader", spec, "--json")
    second = json.loads(again.out)
    assert (second["run"]["kept"], second["run"]["calls"]) == (16, 0)
    assert {**second, "run": None} == {**report, "run": None}
    assert asked(files) == []


def test_recorded_judgments_are_filed_under_their_own_names_once(files: Files) -> None:
    first = grade(files, "--grader", f"recorded:{files.judgments}", "--json")
    report = json.loads(first.out)
    assert first.code == 0, first.err
    assert report["run"]["recorded"] == 12
    assert list(report["by_grader"]) == ["reader"]
    again = json.loads(grade(files, "--grader", f"recorded:{files.judgments}", "--json").out)
    assert again["run"]["recorded"] == 0
    assert again["answers"] == report["answers"]


def test_grade_and_score_agree_to_the_last_bit(files: Files) -> None:
    graded = json.loads(grade(files, "--grader", f"recorded:{files.judgments}", "--json").out)
    scored = json.loads(markscheme("score", files.dataset, files.answers, files.judgments, "--json").out)
    del graded["run"]
    assert graded == scored


def test_a_failed_cell_is_tried_again_and_counted_until_then(files: Files) -> None:
    failing = grade(files, "--grader", plug_in(files, fail="('dose',)"), "--run", "r", "--json")
    report = json.loads(failing.out)
    assert failing.code == 3
    assert report["failures"]["http"] == 4
    assert report["by_model"]["good"]["mean"] is None
    assert report["by_model"]["good"]["reason"] == "low_coverage"
    assert report["answers"][0]["score"] is None
    assert report["answers"][0]["low"] == 0.75
    asked(files)
    mended = grade(files, "--grader", plug_in(files), "--run", "r", "--json")
    assert mended.code == 0
    assert asked(files) == ["good dose", "good dose", "poor dose", "poor dose"]
    assert json.loads(mended.out)["failures"]["http"] == 0


def test_changed_graders_under_one_name_are_refused_with_the_difference(files: Files) -> None:
    grade(files, "--grader", plug_in(files), "--run", "r")
    asked(files)
    changed = grade(files, "--grader", plug_in(files, words=2), "--run", "r")
    assert changed.code == 1
    assert "arguments.words: 1 in the run, 2 now" in changed.err
    assert "--run" in changed.err
    assert asked(files) == []
    assert grade(files, "--grader", "rules", "--run", "r").code == 1


def test_changed_content_grades_only_the_changed_cells(files: Files) -> None:
    spec = plug_in(files)
    grade(files, "--grader", spec, "--run", "r")
    asked(files)
    rows = read_lines(files.dataset)
    rows[0]["rubric"]["criteria"][1]["criterion"] = "Says to drink enough"
    write_lines(files.dataset, rows)
    result = grade(files, "--grader", spec, "--run", "r", "--json")
    assert asked(files) == ["good fluids", "poor fluids"]
    assert result.code == 0
    answers = read_lines(files.answers)
    answers[0]["text"] = "Drink."
    write_lines(files.answers, answers)
    result = grade(files, "--grader", spec, "--run", "r", "--json")
    assert asked(files) == ["good doctor", "good dose", "good fluids"]
    assert json.loads(result.out)["answers"][0]["score"] == pytest.approx(6 / 12)


def test_a_superseded_judgment_is_never_credited(files: Files) -> None:
    grade(files, "--grader", plug_in(files), "--run", "r")
    answers = read_lines(files.answers)
    answers[0]["text"] = "Nothing helps."
    write_lines(files.answers, answers)
    result = grade(files, "--grader", plug_in(files, fail="('doctor', 'fluids', 'dose')"), "--run", "r", "--json")
    first = json.loads(result.out)["answers"][0]
    assert result.code == 3
    assert (first["score"], first["coverage"]) == (None, pytest.approx(2 / 15))


def test_points_can_change_without_asking_anyone(files: Files) -> None:
    spec = plug_in(files)
    grade(files, "--grader", spec, "--run", "r")
    asked(files)
    rows = read_lines(files.dataset)
    rows[0]["rubric"]["criteria"][2]["points"] = -9
    write_lines(files.dataset, rows)
    result = json.loads(grade(files, "--grader", spec, "--run", "r", "--json").out)
    assert asked(files) == []
    assert result["answers"][1]["score"] == pytest.approx((4 - 9 + 2) / 12)


def test_more_repeats_extend_a_run(files: Files) -> None:
    spec = plug_in(files)
    grade(files, "--grader", spec, "--run", "r")
    asked(files)
    assert grade(files, "--grader", spec, "--run", "r", "--repeats", 3).code == 0
    assert len(asked(files)) == 24
    assert "repeats" in grade(files, "--grader", spec, "--run", "r", "--repeats", 2).err


def test_a_dry_run_prints_the_plan_and_asks_no_one(files: Files) -> None:
    result = grade(files, "--grader", plug_in(files), "--dry-run")
    assert result.code == 0
    assert "16 cells: 0 kept, 16 to grade" in result.err
    assert asked(files) == []


def test_a_dry_run_of_a_new_run_counts_what_it_would_file_and_files_nothing(files: Files) -> None:
    specs = ["--grader", f"recorded:{files.judgments}", "--run", "r"]
    planned = grade(files, *specs, "--dry-run", "--json")
    assert (planned.code, json.loads(planned.out)) == (
        0,
        {"run": {"name": "r", "dry_run": True, "cells": 4, "kept": 0, "to_grade": 4, "recorded": 12}},
    )
    assert "12 recorded judgments to file" in planned.err
    assert "no run is called 'r'" in markscheme("export", "r", files.folder / "out", *files.options).err
    done = json.loads(grade(files, *specs, "--json").out)
    assert done["run"]["recorded"] == 12
    again = json.loads(grade(files, *specs, "--dry-run", "--json").out)
    assert again == {"run": {"name": "r", "dry_run": True, "cells": 4, "kept": 4, "to_grade": 0, "recorded": 0}}


def test_a_dry_run_prints_nothing_but_its_object(files: Files) -> None:
    assert grade(files, "--grader", "rules", "--dry-run").out == ""
    waiting = grade(files, "--grader", "human", "--rater", "ann", "--dry-run", "--json")
    run = json.loads(waiting.out)["run"]
    assert (run["rater"], run["waiting"], run["to_grade"]) == ("ann", 12, 4)


def test_several_graders_are_scored_apart_and_as_a_panel(files: Files) -> None:
    specs = ["--grader", plug_in(files), "--grader", f"recorded:{files.judgments}"]
    apart = json.loads(grade(files, *specs, "--json").out)
    assert apart["overall"]["reason"] == "several_graders"
    assert apart["answers"][0]["score"] is None
    assert set(apart["by_grader"]) == {"keyword", "reader"}
    panel = json.loads(grade(files, *specs, "--score-by", "keyword+reader", "--json").out)
    assert panel["by_model"]["good"]["mean"] == 1.0
    wrong = grade(files, *specs, "--score-by", "keywrd")
    assert wrong.code == 1
    assert "did you mean 'keyword'?" in wrong.err


def test_a_recorded_judgment_that_does_not_fit_changes_nothing(files: Files) -> None:
    rows = read_lines(files.judgments)
    rows[3]["criterion_id"] = "docter"
    rows.append(rows[0])
    write_lines(files.judgments, rows)
    result = grade(files, "--grader", f"recorded:{files.judgments}", "--run", "r")
    assert result.code == 1
    assert "Traceback" not in result.err
    assert f"{files.judgments}:13 $: " in result.err
    rows.pop()
    write_lines(files.judgments, rows)
    result = grade(files, "--grader", f"recorded:{files.judgments}", "--run", "r")
    assert f"{files.judgments}:4 $.criterion_id: got 'docter'" in result.err
    assert "did you mean 'doctor'?" in result.err
    empty = grade(files, "--grader", f"recorded:{files.judgments}", "--run", "r", "--dry-run")
    assert empty.code == 1


def test_one_cell_recorded_in_two_files_is_refused(files: Files) -> None:
    other = write_lines(files.folder / "other.jsonl", read_lines(files.judgments)[:1])
    result = grade(files, "--grader", f"recorded:{files.judgments}", "--grader", f"recorded:{other}")
    assert result.code == 1
    assert "a second judgment of one cell" in result.err


def test_a_corrected_recording_replaces_what_was_filed(files: Files) -> None:
    spec = f"recorded:{files.judgments}"
    before = json.loads(grade(files, "--grader", spec, "--json").out)
    rows = read_lines(files.judgments)
    rows[0]["met"] = False
    write_lines(files.judgments, rows)
    after = json.loads(grade(files, "--grader", spec, "--json").out)
    assert after["run"]["recorded"] == 1
    assert after["answers"][0]["score"] == pytest.approx(before["answers"][0]["score"] - 6 / 12)


def test_a_recording_that_lost_a_judgment_is_refused(files: Files) -> None:
    spec = f"recorded:{files.judgments}"
    grade(files, "--grader", spec)
    write_lines(files.judgments, read_lines(files.judgments)[1:])
    result = grade(files, "--grader", spec)
    assert result.code == 1
    assert "is recorded no more" in result.err


def test_judgments_recorded_for_a_changed_criterion_are_refused(files: Files) -> None:
    rows = read_lines(files.judgments)
    rows[0]["criterion_hash"] = "0" * 16
    write_lines(files.judgments, rows)
    result = grade(files, "--grader", f"recorded:{files.judgments}")
    assert result.code == 1
    assert ":1 $.criterion_hash: got '0000000000000000'" in result.err


@pytest.mark.parametrize("part", ["dataset", "answers"])
def test_wrong_input_leaves_the_store_as_it_was(files: Files, part: str) -> None:
    spec = plug_in(files)
    before = json.loads(grade(files, "--grader", spec, "--run", "r", "--json").out)
    good = getattr(files, part).read_text(encoding="utf-8")
    getattr(files, part).write_text(good + '{"id": 3}\n{"nothing"\n', encoding="utf-8")
    wrong = grade(files, "--grader", spec, "--run", "r")
    assert wrong.code == 1
    assert "Traceback" not in wrong.err
    assert f"{getattr(files, part)}:" in wrong.err
    getattr(files, part).write_text(good, encoding="utf-8")
    after = json.loads(grade(files, "--grader", spec, "--run", "r", "--json").out)
    assert after["answers"] == before["answers"]
    assert after["run"]["calls"] == 0


def test_an_answer_to_no_example_is_told_its_line(files: Files) -> None:
    rows = [*read_lines(files.answers), {"example_id": "e3", "model": "good", "text": "?"}]
    write_lines(files.answers, rows)
    result = grade(files, "--grader", "rules")
    assert result.code == 1
    assert f"{files.answers}:5 " in result.err
    assert "'e3'" in result.err


def test_rules_alone_say_what_they_leave_ungraded(files: Files) -> None:
    result = grade(files, "--grader", "rules")
    assert result.code == 3
    assert "12 applicable criteria are ungraded" in result.out


def test_rubrics_made_of_checks_need_no_one_else(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    rows = read_lines(files.dataset)
    for row in rows:
        row["rubric"] = {"id": "r", "criteria": [RUBRIC["criteria"][3]]}
    write_lines(files.dataset, rows)
    result = grade(files, "--grader", "rules", "--json")
    assert result.code == 0
    report = json.loads(result.out)
    assert list(report["by_grader"]) == ["rules"]
    assert report["by_model"]["good"]["mean"] == 1.0


def test_the_default_name_follows_the_answers_and_the_graders(files: Files) -> None:
    names = {
        json.loads(grade(files, "--grader", spec, "--json").out)["run"]["name"]
        for spec in ("rules", plug_in(files), plug_in(files))
    }
    assert len(names) == 2
    assert all(name.startswith("examples-") and len(name) == len("examples-") + 8 for name in names)


def test_a_budget_that_cannot_be_kept_is_refused(files: Files) -> None:
    result = grade(files, "--grader", "model:j@http://127.0.0.1:9/v1", "--budget", "1")
    assert result.code == 1
    assert "--budget" in result.err


def test_a_dead_endpoint_ends_with_exit_3_and_nothing_counted_as_not_met(files: Files) -> None:
    result = grade(files, "--grader", "model:j@http://127.0.0.1:9/v1", "--max-faults", 1, "--json")
    report = json.loads(result.out)
    assert result.code == 3
    assert report["failures"]["http"] == 12
    assert report["by_model"]["good"]["mean"] is None


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite:////no/such/folder/x.db"])
def test_a_store_that_cannot_be_opened_is_told_plainly(files: Files, url: str) -> None:
    result = markscheme("grade", files.dataset, files.answers, "--grader", "rules", "--store", url)
    assert result.code == 1
    assert "Traceback" not in result.err
    assert result.err.strip()


def test_export_and_reading_back_give_the_same_scores(files: Files, tmp_path: Path) -> None:
    graded = json.loads(grade(files, "--grader", f"recorded:{files.judgments}", "--run", "r", "--json").out)
    folder, back = tmp_path / "hf", tmp_path / "back"
    exported = markscheme("export", "r", folder, *files.options)
    assert exported.code == 0, exported.err
    assert markscheme("convert", "--from", "hf", folder, back).code == 0
    scored = markscheme("score", back, back / "answers.jsonl", back / "judgments.jsonl", "--json")
    report = json.loads(scored.out)
    del graded["run"]
    assert report == graded


def test_exporting_an_unknown_run_names_the_known_ones(files: Files, tmp_path: Path) -> None:
    grade(files, "--grader", "rules", "--run", "first-run")
    result = markscheme("export", "frist-run", tmp_path / "hf", *files.options)
    assert result.code == 1
    assert "did you mean 'first-run'?" in result.err


def test_two_judgments_of_one_cell_are_fine_as_repeats(files: Files) -> None:
    rows = [*read_lines(files.judgments), judgment("e1", "good", "doctor", False, repeat=1)]
    write_lines(files.judgments, rows)
    result = grade(files, "--grader", f"recorded:{files.judgments}", "--json")
    assert result.code == 0
    assert json.loads(result.out)["answers"][0]["score"] == pytest.approx(6 / 12)


def test_a_dry_run_changes_nothing_that_a_run_is(files: Files, tmp_path: Path) -> None:
    spec = plug_in(files)
    before = json.loads(grade(files, "--grader", spec, "--run", "r", "--json").out)
    rows = read_lines(files.answers)
    changed = write_lines(tmp_path / "changed.jsonl", [{**row, "text": "Other."} for row in rows])
    planned = markscheme(
        "grade", files.dataset, changed, "--grader", spec, "--run", "r", "--repeats", 5, "--dry-run", *files.options
    )
    assert planned.code == 0
    assert "0 kept" in planned.err
    after = json.loads(grade(files, "--grader", spec, "--run", "r", "--json").out)
    assert after["answers"] == before["answers"]
    assert after["run"]["calls"] == 0
    grade(files, "--grader", spec, "--run", "never", "--dry-run")
    assert markscheme("export", "never", tmp_path / "hf", *files.options).code == 1


def test_a_run_stays_with_its_dataset(files: Files) -> None:
    spec = plug_in(files)
    grade(files, "--grader", spec, "--run", "r")
    other = write_lines(files.folder / "others.jsonl", read_lines(files.dataset))
    result = markscheme("grade", other, files.answers, "--grader", spec, "--run", "r", *files.options)
    assert result.code == 1
    assert "another dataset" in result.err


def test_a_misspelt_group_is_told_before_anyone_is_asked(files: Files) -> None:
    result = grade(files, "--grader", plug_in(files), "--score-by", "keywrod")
    assert (result.code, asked(files)) == (1, [])
    assert "did you mean 'keyword'?" in result.err


def test_a_judgment_on_a_check_is_looked_at_too(files: Files) -> None:
    rows = read_lines(files.judgments)
    label = {**rows[0], "criterion_id": "short", "grader": "dr-k", "grader_kind": "human"}
    write_lines(files.judgments, [*rows, label, label])
    twice = markscheme("score", files.dataset, files.answers, files.judgments)
    assert twice.code == 1
    assert f"{files.judgments}:14 $: a second judgment of one cell" in twice.err
    del label["met"]
    write_lines(files.judgments, [*rows, {**label, "option": "banana"}])
    assert "expected 'met'" in markscheme("score", files.dataset, files.answers, files.judgments).err


BLOCKING = """
import time
from graders import Verdict

class Judge:
    name, version = "blocking", "1"

    async def judge(self, task):
        print("asked", flush=True)
        time.sleep(60)
"""


HANGING = """
import asyncio
from graders import Verdict

class Judge:
    name, version = "hanging", "1"

    async def judge(self, task):
        print("asked", flush=True)
        await asyncio.sleep(600)

    async def aclose(self):
        print("closed", flush=True)
"""


def interrupted_twice(files: Files, judge: str) -> str:
    """What `grade` prints when Ctrl-C comes once its plug-in was asked, and again; it exits 4."""
    path = files.folder / "judge.py"
    path.write_text(judge, encoding="utf-8")
    code = "import sys; from api.cli import main; sys.argv[0] = 'markscheme'; main()"
    arguments = ["grade", files.dataset, files.answers, "--grader", f"{path}:Judge", *files.options]
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdout.readline() == "asked\n"
    child.send_signal(signal.SIGINT)
    while "stopping" not in child.stderr.readline():
        pass
    child.send_signal(signal.SIGINT)
    printed, _ = child.communicate(timeout=30)
    assert child.returncode == 4
    return str(printed)


@pytest.mark.slow
def test_ctrl_c_twice_ends_even_a_plug_in_that_blocks(files: Files) -> None:
    interrupted_twice(files, BLOCKING)


@pytest.mark.slow
def test_ctrl_c_twice_drops_what_hangs_and_still_closes_its_grader(files: Files) -> None:
    assert "closed" in interrupted_twice(files, HANGING)
