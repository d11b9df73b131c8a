"""`markscheme grade --grader human` around the reading: who reads, what waits, and what the run remembers."""

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.store import Store
from graders import Judgment, Verdict, lay_out
from tests.batch import RUBRIC, Files, judgment, read_lines, write_batch, write_lines
from tests.command import markscheme
from tests.reading_terminal import Reader


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_batch(tmp_path / "batch")


def grade(files: Files, *arguments: Any, human: bool = True) -> Any:
    graders = ["--grader", "human"] if human else []
    return markscheme("grade", files.dataset, files.answers, *graders, "--run", "r", *arguments, *files.options)


def judge_everything(files: Files, rater: str, *, met: bool = True) -> None:
    """Verdicts as the reader files them, without anyone at a terminal."""
    with Store(files.store) as store:
        run = store.find_run("r")
        ledger = run.ledger()
        papers = lay_out(run.questions(), ledger, run.judgments(current=True), rater=rater, run_name="r")
        now = datetime.now(UTC)
        for paper in papers:
            for criterion_id in paper.open():
                verdict = Verdict(criterion_id=criterion_id, met=met)
                ledger.keep([paper.entry(verdict, rater=rater, run_id=run.id, now=now)])


def test_without_a_terminal_it_says_what_waits_and_exits_3(files: Files) -> None:
    result = grade(files, "--rater", "ann")
    assert result.code == 3
    assert "12 cells of 4 answers wait for ann; reading needs a terminal: repeat the command in one" in result.err
    assert "answerer" in result.out


@pytest.mark.parametrize("closed", ["<&-", "2>&-"])
def test_a_closed_stream_is_no_terminal(files: Files, closed: str) -> None:
    words = ["grade", files.dataset, files.answers, "--grader", "human", "--rater", "ann", *files.options]
    start = [sys.executable, "-c", "from api.cli import main; main()", *map(str, words)]
    command = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *start], capture_output=True, check=False)
    assert (command.returncode, command.stdout.count(b"answerer")) == (3, 1)


def test_other_graders_run_first_and_their_scores_do_not_hide_what_waits(files: Files) -> None:
    result = grade(files, "--rater", "ann", "--grader", f"recorded:{files.judgments}", "--json")
    report = json.loads(result.out)
    assert result.code == 3
    assert report["by_model"]["good"]["mean"] == 1.0
    assert (report["run"]["rater"], report["run"]["waiting"], report["run"]["recorded"]) == ("ann", 12, 12)


def test_a_dry_run_counts_what_waits_for_a_person_too(files: Files) -> None:
    result = grade(files, "--rater", "ann", "--dry-run")
    assert result.code == 0
    assert "12 cells of 4 answers wait for ann\n" in result.err


def test_who_reads_is_the_login_name_where_nobody_is_named(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "dr-ho")
    assert "wait for dr-ho" in grade(files).err


@pytest.mark.parametrize("rater", ["rules", "human", "a\nb", "model:x", "", " ", "ann ", "ann\u200b", "\u202eann"])
def test_an_id_that_is_no_persons_is_refused_before_anything_is_kept(files: Files, rater: str) -> None:
    result = grade(files, "--rater", rater)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("--rater: got ")
    with Store(files.store) as store:
        assert store.runs() == []


def test_a_name_is_the_same_person_however_its_letters_are_put_together(files: Files) -> None:
    reports = [json.loads(grade(files, "--rater", name, "--json").out) for name in ("Zoe\u0308", "Zo\u00eb")]
    assert [report["run"]["rater"] for report in reports] == ["Zo\u00eb", "Zo\u00eb"]


def test_a_rater_without_a_person_to_ask_is_a_usage_error(files: Files) -> None:
    result = grade(files, "--grader", "rules", "--rater", "ann", human=False)
    assert result.code == 2
    assert "--grader human" in result.err


def test_a_run_remembers_that_people_read_and_not_who(files: Files) -> None:
    grade(files, "--rater", "ann")
    judge_everything(files, "ann")
    ann = grade(files, "--rater", "ann", "--json")
    assert (ann.code, json.loads(ann.out)["by_model"]["poor"]["mean"]) == (0, pytest.approx(9 / 12))
    assert "nothing waits for ann" in ann.err
    bob = grade(files, "--rater", "bob")
    assert (bob.code, "12 cells of 4 answers wait for bob" in bob.err) == (3, True)
    with Store(files.store) as store:
        assert [card.name for card in store.find_run("r").cards] == ["human", "rules"]
    assert grade(files, "--grader", "rules", human=False).code == 1, "a run without people is another run"


def test_without_a_run_name_the_same_run_is_found_whoever_reads(files: Files) -> None:
    names = set()
    for rater in ("ann", "bob"):
        arguments = ["--grader", "human", "--rater", rater, "--json", *files.options]
        names.add(json.loads(markscheme("grade", files.dataset, files.answers, *arguments).out)["run"]["name"])
    assert len(names) == 1


def test_a_changed_criterion_waits_again_alone(files: Files) -> None:
    grade(files, "--rater", "ann")
    judge_everything(files, "ann")
    rows = read_lines(files.dataset)
    rows[0]["rubric"]["criteria"][1]["criterion"] = "Says to drink enough"
    write_lines(files.dataset, rows)
    assert "2 cells of 2 answers wait for ann" in grade(files, "--rater", "ann").err
    judge_everything(files, "ann", met=False)
    assert grade(files, "--rater", "ann").code == 0


@pytest.mark.parametrize(
    "change", [{"references": ["Rest."]}, {"rubric": {**RUBRIC, "judging": {"show_points": True}}}]
)
def test_a_verdict_given_beside_other_references_or_points_waits_again_and_scores_nothing(
    files: Files, change: dict[str, Any]
) -> None:
    grade(files, "--rater", "ann")
    judge_everything(files, "ann")
    before = read_lines(files.dataset)
    write_lines(files.dataset, [{**row, **change} for row in before])
    result = grade(files, "--rater", "ann", "--json")
    assert json.loads(result.out)["run"]["waiting"] == 12
    assert json.loads(result.out)["ungraded"] == 12, "only the check is judged"
    write_lines(files.dataset, before)
    assert grade(files, "--rater", "ann").code == 0, "as before, they hold again"


def test_recorded_judgments_and_what_people_read_here_stand_beside_each_other(files: Files) -> None:
    recorded = ["--grader", f"recorded:{files.judgments}"]
    grade(files, "--rater", "ann", *recorded)
    judge_everything(files, "ann")
    judge_everything(files, "bob")
    result = grade(files, "--rater", "ann", *recorded, "--json")
    assert result.code == 0, result.err
    assert set(json.loads(result.out)["by_grader"]) == {"reader", "humans"}
    write_lines(files.judgments, read_lines(files.judgments)[1:])
    assert "is recorded no more" in grade(files, "--rater", "ann", *recorded).err


@pytest.mark.parametrize("recorded_as", ["ann", "bob"])
def test_a_recording_cannot_speak_for_someone_who_reads_here(files: Files, recorded_as: str) -> None:
    kinds = {"grader": recorded_as, "grader_kind": "human"}
    recorded = ["--grader", f"recorded:{files.judgments}"]
    before = read_lines(files.judgments)
    grade(files, "--rater", "bob", *recorded)
    judge_everything(files, "bob")
    write_lines(files.judgments, [*before, judgment("e1", "good", "doctor", False, **kinds)])
    result = grade(files, "--rater", "ann", *recorded)
    assert result.code == 1
    assert f"got {recorded_as!r}, which this run asks itself" in result.err


def test_an_export_tells_peoples_judgments_under_their_ids(files: Files, tmp_path: Path) -> None:
    grade(files, "--rater", "ann")
    judge_everything(files, "ann")
    assert markscheme("export", "r", tmp_path / "hf", *files.options).code == 0
    card = (tmp_path / "hf" / "README.md").read_text(encoding="utf-8")
    assert "| ann | human |" in " ".join(card.split())
    assert "| human | human |" not in " ".join(card.split())
    back = tmp_path / "back"
    assert markscheme("convert", "--from", "hf", tmp_path / "hf", back).code == 0
    scored = markscheme("score", back, back / "answers.jsonl", back / "judgments.jsonl", "--json")
    assert json.loads(scored.out)["by_model"]["poor"]["mean"] == pytest.approx(9 / 12)


def test_two_people_with_stores_of_their_own_are_scored_together_from_their_exports(tmp_path: Path) -> None:
    judged = []
    for rater, met in (("ann", True), ("bob", False)):
        files = write_batch(tmp_path / rater)
        grade(files, "--rater", rater)
        judge_everything(files, rater, met=met)
        markscheme("export", "r", tmp_path / rater / "hf", *files.options)
        markscheme("convert", "--from", "hf", tmp_path / rater / "hf", tmp_path / rater / "back")
        judged.append(tmp_path / rater / "back" / "judgments.jsonl")
    report = json.loads(markscheme("score", files.dataset, files.answers, *judged, "--json").out)
    assert list(report["by_grader"]) == ["humans"]
    # They differ everywhere, and a tie lowers the score: the dose is named, −3, and the check is met, 2 of 12 points.
    assert report["by_model"]["good"]["mean_unclipped"] == pytest.approx(-1 / 12)


def with_an_empty_answer(files: Files, **rubric: Any) -> Files:
    asked = {**RUBRIC, **rubric}
    write_lines(files.dataset, [{"id": "e1", "prompt": "?", "rubric": asked}])
    texts = {"good": "See a doctor and drink.", "poor": " … \n"}
    write_lines(files.answers, [{"example_id": "e1", "model": m, "text": text} for m, text in texts.items()])
    return files


def filed(files: Files) -> list[Judgment]:
    with Store(files.store) as store:
        return [j for j in store.find_run("r").judgments(current=True) if j.grader == "ann"]


def person(files: Files) -> Reader:
    arguments = ["--grader", "human", "--rater", "ann", "--run", "r", *files.options]
    return Reader("grade", files.dataset, files.answers, *arguments)


def test_an_answer_without_a_word_gets_the_lowest_values_and_is_not_read(files: Files) -> None:
    with_an_empty_answer(files)
    with person(files) as reader:
        reader.sees("Answer 1 of 1 · criterion 1 of 3 · 3 left", "See a doctor")
        reader.press("q")
        assert reader.ends() == 4
        assert "1 empty answer got the lowest values, as the rubric says" in reader.screen.printed
    assert [(j.met, j.flags) for j in filed(files)] == [(False, ("empty_answer",))] * 3


def test_an_answer_without_a_word_is_read_where_the_rubric_asks_for_it(files: Files) -> None:
    with_an_empty_answer(files, judging={"empty_answer": "ask"})
    with person(files) as reader:
        reader.sees("Answer 1 of 2 · criterion 1 of 3 · 6 left")
        reader.press("q")
        reader.ends()
    assert filed(files) == []


def test_a_store_that_breaks_under_the_reading_leaves_the_terminal_as_it_was(files: Files) -> None:
    with person(files) as reader:
        reader.sees("criterion 1 of 3")
        reader.press("m")
        reader.sees("criterion 2 of 3")
        connection = sqlite3.connect(files.store.removeprefix("sqlite:///"))
        connection.execute("ALTER TABLE judgments RENAME TO gone")
        connection.commit()
        connection.close()
        reader.press("n")
        assert reader.ends() == 1
        assert reader.modes == reader.modes_before
        assert reader.screen.modes == {"1049": "l", "25": "h", "7": "h", "2004": "l"}
        assert "no such table" in reader.screen.printed
        assert "Traceback" not in reader.screen.printed


def test_nothing_opens_where_all_criteria_have_a_check(files: Files) -> None:
    rows = read_lines(files.dataset)
    for row in rows:
        row["rubric"] = {"id": "r", "criteria": [RUBRIC["criteria"][3]]}
    write_lines(files.dataset, rows)
    result = grade(files, "--rater", "ann")
    assert (result.code, "nothing waits for ann" in result.err) == (0, True)
