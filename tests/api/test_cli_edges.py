"""What a shell, a pipe and odd names do to the command."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch import read_lines, write_batch, write_lines
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "import sys; from api.cli import main; sys.argv[0] = 'markscheme'; main()"]


def shell(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


@pytest.mark.parametrize("name", ["m[/x]", "[bold]x:fire:y", "ollama:cat:7b", "a\u202eb"])
def test_a_name_is_printed_as_it_is_and_never_as_markup(tmp_path: Path, name: str) -> None:
    files = write_batch(tmp_path)
    for path in (files.answers, files.judgments):
        write_lines(path, [{**row, "model": name} for row in read_lines(path) if row["model"] == "good"])
    result = markscheme("score", files.dataset, files.answers, files.judgments)
    assert result.code == 0, result.err
    assert (name if name.isprintable() else "U+202E") in result.out


def test_a_run_may_be_called_anything(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    arguments = ["--grader", f"recorded:{files.judgments}", "--run", "[/x]", *files.options]
    result = markscheme("grade", files.dataset, files.answers, *arguments)
    assert result.code == 0, result.err
    assert "[/x]" in result.out


def test_a_terminal_that_knows_no_dash_gets_a_question_mark(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    result = shell("score", files.dataset, files.answers, PYTHONIOENCODING="ascii")
    assert result.returncode == 3
    assert "Traceback" not in result.stderr


def test_a_negative_seed_is_a_usage_error(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    assert markscheme("score", files.dataset, files.answers, files.judgments, "--seed", -1).code == 2


def test_a_reader_who_leaves_is_no_mistake_of_the_user(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    arguments = ["score", str(files.dataset), str(files.answers), str(files.judgments), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    reading, writing = os.pipe()
    os.close(reading)
    child = subprocess.run(
        [*COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, env=environment, check=False
    )
    os.close(writing)
    assert child.returncode == 141
    assert child.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w") as full:
        child = subprocess.run(
            [*COMMAND, "score", str(files.dataset), str(files.answers), str(files.judgments)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
        )
    assert child.returncode == 1
    assert child.stderr.startswith("the output cannot be written: ")
    assert len(child.stderr.splitlines()) == 1


def test_places_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    for arguments in (
        ["demo", file / "x"],
        ["convert", "--from", "kqa", file, file / "x"],
        ["export", "r", tmp_path / "hf", "--store", f"sqlite:///{tmp_path / 'none.db'}"],
    ):
        result = markscheme(*arguments)
        assert result.code == 1, arguments
        assert "Traceback" not in result.err
    assert not (tmp_path / "none.db").exists()


def test_a_demo_stays_in_its_folder_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("q?r", "x[red]y"):
        result = markscheme("demo", name)
        assert result.code == 0, result.err
        assert (tmp_path / name / "markscheme.db").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["q?r", "x[red]y"]


def test_converted_files_can_be_read_by_others(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    before = os.umask(0o022)
    try:
        markscheme("convert", "--from", "native", files.dataset, tmp_path / "out.jsonl")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o644


def test_a_row_that_is_no_healthbench_record_is_told_so(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    result = markscheme("convert", "--from", "healthbench", files.dataset, tmp_path / "out.jsonl")
    assert result.code == 1
    assert "'prompt_id'" in result.err
