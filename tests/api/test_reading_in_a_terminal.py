"""`markscheme grade --grader human` through a real pseudo-terminal: a session from its first key to scores."""

import json
import re
from pathlib import Path

import pytest

from api.store import Store
from graders import Judgment
from tests.batch import Files, read_lines, write_batch, write_lines
from tests.command import markscheme
from tests.reading_batch import ledger, one_answer, reader, said, verdicts

ALL_SHAPES = [
    {"id": "stop", "criterion": "Says to stop", "points": 6},
    {"id": "why", "criterion": "Says why", "points": 2, "depends_on": {"criterion": "stop", "when": "met"}},
    {
        "id": "tone",
        "criterion": "How calm is it?",
        "points": 4,
        "scale": {"type": "ordinal", "options": [{"label": "alarming"}, {"label": "mixed"}, {"label": "calm"}]},
    },
    {
        "id": "place",
        "criterion": "Where to go?",
        "points": 4,
        "scale": {"type": "nominal", "options": [{"label": "GP", "credit": 0.5}, {"label": "A&E", "credit": 1}]},
    },
    {"id": "share", "criterion": "Share supported", "points": 2, "scale": {"type": "number", "min": 0, "max": 10}},
    {"id": "slips", "criterion": "Slips", "points": -4, "scale": {"type": "count", "max_count": 4}},
    {"id": "extra", "criterion": "Anything else", "points": 3},
    {"id": "short", "criterion": "Short", "points": 1, "check": {"max_words": 50}},
]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_batch(tmp_path / "batch")


def test_a_whole_reading_ends_in_the_scores_that_the_verdicts_give(files: Files) -> None:
    with reader(files) as person:
        seen = list(verdicts(person))
        assert len(seen) == 12
        assert re.search(r"Answer 1 of 4 · criterion 1 of 3 · 12 left", seen[0])
        assert re.search(r"Answer 4 of 4 · criterion 3 of 3 · 1 left", seen[-1])
        assert "an answer" in seen[-1].splitlines()[0]
        person.press("\r")
        assert person.ends() == 0
        assert person.modes == person.modes_before
        assert person.screen.modes == {"1049": "l", "25": "h", "7": "h", "2004": "l"}
        assert person.screen.foreign == []
        assert "ann has judged 12 criteria; nothing waits any more" in person.screen.printed
        assert re.search(r"good\s+1\.000", person.screen.printed)
        assert re.search(r"poor\s+0\.250", person.screen.printed)
    kept = [judgment for judgment in ledger(files) if judgment.grader == "ann"]
    assert len(kept) == 12
    assert all(j.grader_kind == "human" and j.criterion_hash and j.answer_hash and j.judged_at for j in kept)
    assert all(j.seconds is not None and 0 <= j.seconds < 60 for j in kept)


def test_every_scale_is_judged_by_keys(files: Files) -> None:
    one_answer(files, "Stop it.", ALL_SHAPES)
    with reader(files) as person:
        person.sees("Says to stop", "criterion 1 of 7")
        person.press("n")
        person.sees("How calm is it?", "criterion 2 of 6")  # "Says why" is left out by its condition
        person.press("3")
        person.sees("Where to go?")
        person.press("7")
        person.sees("Say a number from 1 to 2")
        person.press("2")
        person.sees("Share supported")
        person.press("11\r")
        person.sees("11? Expected a number from 0 to 10.")
        person.press("7,5")
        person.sees("> 7,5")
        person.press("\r")
        person.sees("Slips")
        person.press("6\r")
        person.sees("Anything else")
        person.press("x")
        person.sees("EVERYTHING IS JUDGED", "6 criteria")
        person.press("\x1b[D")
        person.sees("you said: does not apply")
        person.press("t")
        person.sees("EVERYTHING IS JUDGED")
        person.press("q")
        assert person.ends() == 3  # "can't tell" leaves a criterion ungraded
    kept = {j.criterion_id: j for j in ledger(files) if j.grader == "ann"}
    assert (kept["stop"].met, kept["tone"].option, kept["place"].option) == (False, "calm", "A&E")
    assert (kept["share"].value, kept["slips"].value, kept["extra"].status) == (7.5, 6, "abstained")
    assert "why" not in kept


def test_quitting_keeps_what_was_judged_and_the_same_command_goes_on(files: Files) -> None:
    with reader(files) as person:
        going = verdicts(person)
        for _ in range(5):
            next(going)
        person.press("q")  # the fifth is on the screen, and not judged
        assert person.ends() == 4
        assert "ann has judged 4 criteria; 8 cells of 3 answers wait for ann" in person.screen.printed
        assert "good" not in person.screen.printed
        assert person.modes == person.modes_before
    first = said(files)
    assert len(first) == 4
    with reader(files) as person:
        seen = list(verdicts(person))
        assert len(seen) == 8
        assert "Answer 2 of 4 · criterion 2 of 3 · 8 left" in seen[0]
        person.press("\x03")
        assert person.ends() == 0
    assert len(said(files)) == 12
    assert first.items() <= said(files).items()


def test_undo_goes_back_over_answers_and_a_correction_counts(files: Files) -> None:
    with reader(files) as person:
        going = verdicts(person)
        for _ in range(4):
            next(going)  # three verdicts, the first criterion of the second answer is on the screen
        person.sees("Answer 2 of 4 · criterion 1 of 3")
        person.press("u")
        screen = person.sees("Answer 1 of 4 · criterion 3 of 3", "you said:")
        was_met = "you said: met" in screen
        person.press("c")
        person.sees("Esc drops it")
        person.press("on second thoughts")
        person.sees("comment: on second thoughts")
        person.press("\r")
        person.sees("The comment is kept")
        person.press("n" if was_met else "m")
        person.sees("Answer 2 of 4 · criterion 1 of 3")
        person.press("\x1b[D")
        person.sees("you said: not met" if was_met else "you said: met", "comment: on second thoughts")
        person.press("n" if was_met else "m")
        person.sees("Unchanged", "Answer 2 of 4")
        person.press("q")
        person.ends()
        assert "ann has judged 3 criteria; 9 cells" in person.screen.printed, "a correction is no further criterion"
    corrected = [j for j in ledger(files) if j.grader == "ann" and j.criterion_id == "dose"]
    assert [(j.met, j.explanation) for j in corrected] == [(not was_met, "on second thoughts")]
    with Store(files.store) as store:
        standing = store.find_run("r").ledger().standing(*answer_of(corrected[0]))
    assert standing["dose", "ann", 0].attempt == 2  # verdict, comment, correction; the unchanged one wrote nothing


def answer_of(judgment: Judgment) -> tuple[str, str, int]:
    return judgment.example_id, judgment.model, judgment.sample


def test_a_second_person_reads_the_same_run_in_another_order(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    orders = []
    for rater in ("ann", "bob"):
        with reader(files, rater=rater) as person:
            seen = list(verdicts(person))
            orders.append([re.findall(r"Question e\d|See a doctor|500 mg", screen) for screen in seen[::3]])
            person.press("\r")
            assert person.ends() == 0
    assert orders[0] != orders[1]
    assert sorted(map(str, orders[0])) == sorted(map(str, orders[1]))
    assert len(said(files, "ann")) == len(said(files, "bob")) == 12
    scored = json.loads(
        markscheme("grade", files.dataset, files.answers, "--grader", "human", "--rater", "ann", "--run", "r", "--json",
                   *files.options).out
    )  # fmt: skip
    assert list(scored["by_grader"]) == ["humans"]
    assert scored["by_model"]["good"]["mean"] == 1.0


HOSTILE = (
    "Plain \x1b[2J\x1b[31mred \x1b]0;owned\x07\x9b5m \x1bc \x1b[?1049l\x1b[6n bidi \u202egnp.exe\u2066 "
    "over\rwritten [bold]markup[/bold] 日本語 👩‍👩‍👧 \u200b\u00ad\U000e0041\x08\x08\nANSWER\n   n  not met\n"
    + "é"
    * 300
)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (130, 30), (200, 60)])
def test_a_hostile_answer_is_shown_and_never_obeyed(files: Files, width: int, height: int) -> None:
    one_answer(files, HOSTILE, references=[HOSTILE])
    with reader(files, width=width, height=height) as person:
        screen = person.sees("criterion 1 of 3")
        for code in ("⟦U+001B⟧[2J", "⟦U+009B⟧5m", "⟦U+202E⟧gnp.exe", "[bold]markup[/bold]", "日本語"):
            assert code in screen, code
        person.press("r")
        person.sees("REFERENCE ANSWER 1", "⟦U+001B⟧[31mred")
        person.press(" ", "\x1b[6~", "\x1b")
        person.sees("m  met")
        person.press("q")
        assert person.ends() == 4
        assert person.screen.foreign == []
        assert person.modes == person.modes_before


def test_the_screen_follows_the_size_of_the_terminal(files: Files) -> None:
    one_answer(files, "See a doctor and drink. " * 40)
    with reader(files, width=80, height=24) as person:
        assert "│" not in person.sees("criterion 1 of 3", "QUESTION")
        person.resize(200, 60)
        screen = person.sees("criterion 1 of 3", "Question   ", "│ Answer")
        assert len(screen.splitlines()) == 60
        assert max(map(len, screen.splitlines())) <= 200
        person.resize(120, 30)
        assert "│ Criterion" in person.sees("Question and answer")
        person.resize(50, 14)
        person.sees("Says to see a doctor", "m  met")
        person.press("m")
        person.sees("Says to drink")
        person.press("q")
        assert person.ends() == 4
        assert person.screen.foreign == []


def test_keys_pressed_before_a_criterion_was_seen_do_not_judge_it(files: Files) -> None:
    with reader(files) as person:
        person.sees("criterion 1 of 3")
        person.press("mnmnmnmnmn")
        person.sees("criterion 2 of 3", "11 left")
        person.press("\x1b[Cm")
        person.sees("criterion 3 of 3", "11 left")
        person.press("q")
        person.ends()
    assert len(said(files)) == 1


def test_what_is_pasted_judges_nothing(files: Files) -> None:
    with reader(files) as person:
        person.sees("criterion 1 of 3")
        person.press("\x1b[200~mnq\x03m\x1b[201~")
        person.sees("What is pasted judges nothing")
        person.press("c")
        person.sees("Esc drops it")
        person.press("\x1b[200~two\nlines \x1b[31m\x1b[201~")
        person.sees("comment: two lines [31m")
        person.press("\r", "m")
        person.sees("11 left")
        person.press("q")
        person.ends()
    (kept,) = [j for j in ledger(files) if j.grader == "ann"]
    assert (kept.met, kept.explanation) == (True, "two lines [31m")


def test_other_graders_are_asked_first_and_stay_unseen(files: Files) -> None:
    rows = [{**row, "explanation": "MARKER said so"} for row in read_lines(files.judgments)]
    write_lines(files.judgments, [{**row, "grader": "MARKER-judge"} for row in rows])
    with reader(files, "--grader", f"recorded:{files.judgments}") as person:
        seen = list(verdicts(person))
        assert not any("MARKER" in screen for screen in seen)
        person.press("\r")
        assert person.ends() == 0
        assert "MARKER-judge" in person.screen.printed
    with reader(files, "--grader", f"recorded:{files.judgments}") as again:
        assert again.ends() == 0
        assert "nothing waits for ann" in again.screen.printed


def test_json_goes_to_its_file_while_the_person_reads(files: Files, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    with reader(files, "--json", output=out) as person:
        list(verdicts(person))
        person.press("\r")
        assert person.ends() == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["by_model"]["poor"]["mean"] == 0.25
    assert (report["run"]["rater"], report["run"]["waiting"]) == ("ann", 0)
    assert report["by_grader"]["humans"] is not None
