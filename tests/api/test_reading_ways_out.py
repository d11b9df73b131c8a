"""Every way out of a reading, through a real pseudo-terminal: nothing judged is lost, nothing unread is told."""

import json
import signal
from pathlib import Path

import pytest

from tests.batch import Files, write_batch
from tests.reading_batch import reader, said, verdicts


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_batch(tmp_path / "batch")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_reading_loses_nothing_that_was_judged(files: Files, end: signal.Signals) -> None:
    with reader(files) as person:
        going = verdicts(person)
        for _ in range(5):
            screen = next(going)
        assert " 8 left" in screen
        person.kill(end)
        if end != signal.SIGKILL:
            assert person.modes == person.modes_before
            assert person.screen.modes["1049"] == "l"
    assert len(said(files)) == 4
    with reader(files) as person:
        assert len(list(verdicts(person))) == 8
        person.press("\r")
        assert person.ends() == 0


def test_ctrl_z_gives_the_terminal_back_to_the_shell_and_fg_goes_on(files: Files) -> None:
    shell = "set -m; COMMAND; stty -a; bg; until jobs %1 | grep -q Stopped; do sleep 0.01; done; echo in the shell; "
    shell += "read -r; fg; echo ended with $?"
    with reader(files, shell=shell) as person:
        person.sees("criterion 1 of 3")
        person.press("m")
        person.sees("criterion 2 of 3", "11 left")
        person.press("\x1a")
        person.prints("in the shell")
        assert person.screen.modes == {"1049": "l", "25": "h", "7": "h", "2004": "l"}
        assert " icanon" in person.screen.printed
        person.screen.text = ""
        person.press("mnq\r")
        person.sees("criterion 2 of 3", "11 left")
        person.press("n")
        person.sees("criterion 3 of 3", "10 left")
        person.press("q")
        person.ends()
        assert "ended with 4" in person.screen.printed
    assert len(said(files)) == 2


def test_a_reading_that_was_stopped_from_outside_goes_on_as_it_was(files: Files) -> None:
    with reader(files) as person:
        person.sees("criterion 1 of 3")
        person.stops_and_goes_on()
        person.sees("criterion 1 of 3", "m  met")
        person.press("m")
        person.sees("criterion 2 of 3")
        person.press("\x1a")  # no shell is there that could let it go on
        person.redraws()  # what is typed while it lies still is dropped
        person.press("q")
        assert person.ends() == 4
        assert person.modes == person.modes_before
    assert len(said(files)) == 1


def test_ctrl_c_leaves_at_any_moment_even_in_a_comment(files: Files) -> None:
    with reader(files) as person:
        person.sees("criterion 1 of 3")
        person.press("c")
        person.sees("Esc drops it")
        person.press("half a com\x03")
        assert person.ends() == 4
        assert person.modes == person.modes_before
    assert said(files) == {}


def test_ctrl_c_leads_out_of_a_paste_whose_end_was_lost(files: Files) -> None:
    with reader(files) as person:
        person.sees("criterion 1 of 3")
        person.press("\x1b[200~mn", "\x03")
        assert person.ends() == 4
    assert said(files) == {}


def test_a_terminal_that_is_closed_ends_the_reading_and_loses_nothing(files: Files) -> None:
    with reader(files) as person:
        person.sees("criterion 1 of 3")
        person.press("m")
        person.sees("11 left")
        assert person.closed() == 128 + signal.SIGHUP
    assert len(said(files)) == 1


@pytest.mark.parametrize("term", ["xterm-256color", "dumb", ""])
def test_scores_stay_off_the_screen_of_a_person_who_has_yet_to_read(files: Files, term: str) -> None:
    with reader(files, "--grader", f"recorded:{files.judgments}", "--json", term=term) as person:
        if term == "xterm-256color":
            person.sees("criterion 1 of 3")
            person.press("q")
        assert person.ends() == (4 if term == "xterm-256color" else 3)
        assert "scores name the answerers and are shown at the end" in person.screen.printed
        assert "good" not in person.screen.printed
        assert "reader" not in person.screen.printed


def test_json_of_a_reading_that_was_left_early_goes_to_its_file(files: Files, tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    with reader(files, "--json", output=out) as person:
        person.sees("criterion 1 of 3")
        person.press("m")
        person.sees("11 left")
        person.press("q")
        assert person.ends() == 4
    run = json.loads(out.read_text(encoding="utf-8"))["run"]
    assert (run["stopped"], run["waiting"]) == ("cancel", 11)
