"""`markscheme check --watch`: again whenever a file changes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli.exit_code import ExitCode
from api.cli.watch import PAUSE, take_snapshot, watch
from rubrics import InputError, Mistake
from tests.batch import write_batch

ROOT = Path(__file__).resolve().parents[2]
GOOD = json.dumps({"id": "r", "criteria": [{"id": "a", "criterion": "Names a drug", "points": 5}]})
BAD = GOOD.replace("5", "0")


class Author:
    """Does one thing at each pause, in place of time going by, and presses Ctrl-C at the end."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.pauses: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if seconds == PAUSE:
            if not self.steps:
                raise KeyboardInterrupt
            self.steps.pop(0)()


def scripted(*codes: ExitCode) -> Callable[[], ExitCode]:
    left = iter(codes)
    return lambda: next(left)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.rubric.json"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_it_checks_again_when_a_file_changes_and_ends_with_the_last_result(path: Path) -> None:
    author = Author(lambda: path.write_text(BAD, encoding="utf-8"))
    check = scripted(ExitCode.DONE, ExitCode.WRONG_INPUT)
    assert watch([path], check, wait=author) == ExitCode.WRONG_INPUT


def test_nothing_changed_is_nothing_checked(path: Path) -> None:
    author = Author(*[lambda: None] * 5)
    assert watch([path], scripted(ExitCode.DONE), wait=author) == ExitCode.DONE
    assert author.pauses == [PAUSE] * 6


def test_a_change_during_the_check_is_not_missed(path: Path) -> None:
    codes = [ExitCode.WRONG_INPUT, ExitCode.DONE]

    def check() -> ExitCode:
        if len(codes) == 2:
            path.write_text(BAD, encoding="utf-8")
        return codes.pop(0)

    assert watch([path], check, wait=Author()) == ExitCode.DONE


def test_a_file_that_is_still_being_written_is_waited_for(path: Path) -> None:
    seen: list[str] = []
    parts = ["", GOOD[:20], GOOD + "\n"]

    def check() -> ExitCode:
        seen.append(path.read_text(encoding="utf-8"))
        return ExitCode.DONE

    author = Author(lambda: path.write_text(parts.pop(0), encoding="utf-8"))

    def wait(seconds: float) -> None:
        if seconds != PAUSE and parts:
            path.write_text(parts.pop(0), encoding="utf-8")
        author(seconds)

    watch([path], check, wait=wait)
    assert seen == [GOOD, GOOD + "\n"]


def test_files_that_come_and_go_are_changes(tmp_path: Path, path: Path) -> None:
    later = tmp_path / "later.rubric.json"
    author = Author(lambda: later.write_text(GOOD, encoding="utf-8"), later.unlink, path.unlink)
    check = scripted(ExitCode.DONE, ExitCode.WRONG_INPUT, ExitCode.DONE, ExitCode.WRONG_INPUT)
    assert watch([tmp_path], check, wait=author) == ExitCode.WRONG_INPUT


def test_a_file_put_in_the_place_of_another_is_a_change(tmp_path: Path, path: Path) -> None:
    before = take_snapshot([path])
    other = tmp_path / "saved-by-an-editor"
    other.write_text(GOOD, encoding="utf-8")
    stat = path.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)
    assert take_snapshot([path]) != before


def test_a_dataset_is_watched_with_the_rubrics_that_it_reads(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.rubric.json").write_text(GOOD, encoding="utf-8")
    (tmp_path / "rubrics").mkdir(exist_ok=True)
    (tmp_path / "rubrics" / "c.rubric.json").write_text(GOOD, encoding="utf-8")
    names = {found.name for found in take_snapshot([files.answers.parent / "examples.jsonl"], elsewhere)}
    assert {"examples.jsonl", "b.rubric.json", "c.rubric.json"} <= names


def test_a_check_that_trips_over_a_vanished_file_goes_on(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[int] = []

    def check() -> ExitCode:
        calls.append(1)
        if len(calls) == 1:
            raise FileNotFoundError(2, "No such file", "gone.rubric.json")
        if len(calls) == 2:
            raise InputError(Mistake("a", "is wrong"))
        return ExitCode.DONE

    author = Author(*[lambda: path.write_text(GOOD + "\n" * len(calls), encoding="utf-8")] * 2)
    assert watch([path], check, wait=author) == ExitCode.DONE
    assert "gone.rubric.json" in capsys.readouterr().out


def test_ctrl_c_before_the_first_result_is_a_stop(path: Path) -> None:
    def check() -> ExitCode:
        raise KeyboardInterrupt

    assert watch([path], check) == ExitCode.STOPPED


def test_the_screen_is_cleared_only_where_there_is_one(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch([path], scripted(ExitCode.DONE), wait=Author())
    assert "\x1b" not in capsys.readouterr().out
    watch([path], scripted(ExitCode.DONE), clear=True, wait=Author())
    shown = capsys.readouterr().out
    assert shown.startswith("\x1b[2J\x1b[H")
    assert "\x1b[3J" not in shown, "what can be scrolled back to is not ours to clear"


def test_the_command_ends_on_ctrl_c_with_the_last_results_code(path: Path) -> None:
    path.write_text(BAD, encoding="utf-8")
    code = "from api.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "check", "--watch", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert "expected a number other than 0" in command.stdout.readline()
        while "watching 1 file" not in (line := command.stderr.readline()):
            assert line
        command.send_signal(signal.SIGINT)
        assert command.wait() == 1
