"""What no one means to type, and where no one means to write: the command answers in plain words, never by a crash."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.store import Store, sqlite_file, sqlite_url
from tests.batch import Files, judgment, read_lines, write_batch, write_lines
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from api.cli import main; main()"]
HOSTILE = ["m[/x]", "[bold]x:fire:y", "[link=https://x.y]z[/link]", ":fire:", "a\u202eb", "a\u00adb"]
RECORD = {
    "prompt_id": "p1",
    "prompt": [{"role": "user", "content": "Fever?"}],
    "rubrics": [{"criterion": "Says to see a doctor", "points": 5, "tags": ["axis:accuracy"]}],
    "example_tags": ["theme:fever"],
}


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def shell(line: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    """A bash line in which `markscheme` is `"$@"`."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line, "bash", *COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(**more),
        check=False,
    )


def with_model(folder: Path, model: str) -> Files:
    """The batch, with the answerer `good` renamed."""
    files = write_batch(folder)
    for path in (files.answers, files.judgments):
        rows = read_lines(path)
        write_lines(path, [{**row, "model": model if row["model"] == "good" else row["model"]} for row in rows])
    return files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_batch(tmp_path / "batch")


# Text from outside


@pytest.mark.parametrize("model", HOSTILE)
def test_a_name_is_printed_as_it_is_and_steers_nothing(tmp_path: Path, model: str) -> None:
    files = with_model(tmp_path, model)
    result = markscheme("score", files.dataset, files.answers, files.judgments)
    assert result.code == 0, result.err
    assert model.replace("\u202e", "⟦U+202E⟧").replace("\u00ad", "⟦U+00AD⟧") in result.out
    assert not set("\u202e\u00ad🔥") & set(result.out)


@pytest.mark.parametrize("run", ["[/x]", "[bold]r", ":fire:", "\x1b]0;owned\x07\x1b[2Jr"])
def test_a_run_may_be_called_anything(files: Files, run: str) -> None:
    result = markscheme(
        "grade",
        files.dataset,
        files.answers,
        "--grader",
        f"recorded:{files.judgments}",
        "--run",
        run,
        *files.options,
    )
    assert result.code == 0, result.err
    shown = run.replace("\x1b", "⟦U+001B⟧").replace("\x07", "⟦U+0007⟧")
    assert f"Scores of run {shown}" in result.out


@pytest.mark.parametrize("name", ["m[/x]", "[red]m", ":fire:", "q?r", "h#sh", "per%20cent", "sp ace"])
def test_the_demo_takes_any_folder_and_stays_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = markscheme("demo", name)
    assert result.code == 0, result.err
    assert f"{name}/huggingface (" in result.out
    assert [path.name for path in tmp_path.iterdir()] == [name.split("/")[0]]
    assert (tmp_path / name / "markscheme.db").is_file()


@pytest.mark.parametrize("model", ["m[/x]", "[bold]:fire:", "\u202em"])
def test_the_demo_shows_an_edited_answerer_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert markscheme("demo", "d").code == 0
    example = tmp_path / "d" / "medicine"
    old = read_lines(example / "answers.jsonl")[0]["model"]
    for path in (example / "answers.jsonl", *(example / "readings").glob("*.jsonl")):
        write_lines(
            path, [{**row, "model": model if row["model"] == old else row["model"]} for row in read_lines(path)]
        )
    (tmp_path / "d" / "markscheme.db").unlink()
    result = markscheme("demo", "d")
    assert result.code == 0, result.err
    assert model.replace("\u202e", "⟦U+202E⟧") in result.out
    assert "\u202e" not in result.out


@pytest.mark.parametrize("path", ["q?r/m.db", "a#b", "a%20b", "a b", "x@y:z", "é"])
def test_a_path_survives_the_way_through_a_url(path: str) -> None:
    assert sqlite_file(sqlite_url(Path(path))) == Path(path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", ":memory:", "postgresql://h/d", "nonsense", ""])
def test_what_is_no_file_is_no_file(url: str) -> None:
    assert sqlite_file(url) is None


# Options


@pytest.mark.parametrize("command", ["score", "grade"])
def test_a_negative_seed_is_a_usage_error(files: Files, command: str) -> None:
    graders = ["--grader", "rules"] if command == "grade" else []
    result = markscheme(command, files.dataset, files.answers, *graders, "--seed", "-1")
    assert result.code == 2
    assert "--seed" in result.err


# Where the output goes


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_an_output_that_lacks_a_character_loses_nothing(tmp_path: Path, encoding: str) -> None:
    name = "m\u2013\u03a9\U0001f525"
    files = with_model(tmp_path, name)
    paths = (files.dataset, files.answers, files.judgments)
    for extra in ([], ["--json"]):
        done = subprocess.run(
            [*COMMAND, "score", *paths, *extra],
            capture_output=True,
            env=environment(PYTHONIOENCODING=encoding, PYTHONUTF8="0"),
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        if extra:
            # Typer itself writes UTF-8 where Python believes in ASCII.
            said = json.loads(done.stdout.decode("utf-8" if encoding == "ascii" else encoding))
            assert set(said["by_model"]) == {name, "poor"}


def test_the_c_locale_is_no_reason_to_crash(files: Files) -> None:
    done = shell(
        '"$@"',
        *("score", files.dataset, files.answers, "--by", "model,tag,grader"),
        LC_ALL="C",
        LANG="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_full_disk_is_told_in_one_line(files: Files, more: list[str]) -> None:
    done = shell('"$@" > /dev/full', "score", files.dataset, files.answers, files.judgments, *more)
    assert done.returncode == 1
    assert done.stderr == "the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("more", [[], ["--json"], ["--by", "model,tag,grader"]])
def test_a_reader_that_leaves_ends_it_quietly(files: Files, more: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "score", files.dataset, files.answers, files.judgments, *more],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_schema_and_the_help_end_quietly_too() -> None:
    for arguments in (["schema", "rubric"], ["score", "--help"], ["--version"]):
        done = shell('"$@" | true', *arguments)
        assert done.returncode in (0, 141)
        assert done.stderr == ""


def test_no_output_at_all_is_fine(files: Files) -> None:
    done = shell('"$@" >&-', "score", files.dataset, files.answers, files.judgments)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["score"], 2, "Missing argument 'DATASET'"),
        (["score", "--nonsense"], 2, "No such option: --nonsense"),
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["schema", "nonsense"], 2, "is not one of"),
        (["score", "/nowhere/d.jsonl", "/nowhere/a.jsonl"], 1, "/nowhere/d.jsonl"),
        (["--version"], 0, ""),
    ],
)
def test_usage_errors_and_exit_codes_are_what_they_were(arguments: list[str], code: int, said: str) -> None:
    done = shell('"$@"', *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# Where nothing can be written


def one_line_with_the_place(result: Any, place: str) -> None:
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith(place)


@pytest.mark.parametrize("below", ["", "/proc/nothing", "x" * 300])
def test_a_demo_where_no_folder_can_be_is_told_with_its_place(files: Files, below: str) -> None:
    folder = below or str(files.dataset / "x")
    one_line_with_the_place(markscheme("demo", folder), folder)


@pytest.mark.parametrize("below", ["", "/proc/nothing", "x" * 300])
def test_a_conversion_where_no_file_can_be_is_told_with_its_place(files: Files, tmp_path: Path, below: str) -> None:
    target = below or str(files.dataset / "x")
    one_line_with_the_place(markscheme("convert", "--from", "native", files.dataset, target), target)
    exported = tmp_path / "exported"
    grade(files)
    assert markscheme("export", "r", exported, *files.options).code == 0
    one_line_with_the_place(markscheme("convert", "--from", "hf", exported, target), target)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_converted_files_have_the_mode_of_any_new_file(files: Files, umask: int, mode: int) -> None:
    target = files.folder / "out.jsonl"
    before = os.umask(umask)
    try:
        assert markscheme("convert", "--from", "native", files.dataset, target).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == mode


# convert --from


def test_from_healthbench_every_row_is_a_record(tmp_path: Path, files: Files) -> None:
    nameless = {name: value for name, value in RECORD.items() if name != "prompt_id"}
    source = write_lines(tmp_path / "h.jsonl", [RECORD, nameless])
    result = markscheme("convert", "--from", "healthbench", source, tmp_path / "out.jsonl")
    assert result.code == 1
    assert "prompt_id" in result.err
    assert "rubric_id" not in result.err
    assert all(line.startswith(f"{source}:2") for line in result.err.splitlines())
    native = markscheme("convert", "--from", "healthbench", files.dataset, tmp_path / "out.jsonl")
    assert native.code == 1
    assert "prompt_id" in native.err
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("source_format", ["healthbench", "native"])
def test_a_healthbench_file_is_taken_wherever_a_dataset_is(tmp_path: Path, source_format: str) -> None:
    source = write_lines(tmp_path / "h.jsonl", [RECORD])
    target = tmp_path / "out.jsonl"
    assert markscheme("convert", "--from", source_format, source, target).code == 0
    assert [row["id"] for row in read_lines(target)] == ["p1"]


# export


def grade(files: Files, *more: object) -> None:
    result = markscheme(
        "grade",
        files.dataset,
        files.answers,
        "--grader",
        f"recorded:{files.judgments}",
        "--run",
        "r",
        *more,
        *files.options,
    )
    assert result.code in (0, 3), result.err


@pytest.mark.parametrize("query", ["", "?timeout=5"])
def test_an_export_from_a_misspelt_store_makes_none(tmp_path: Path, query: str) -> None:
    result = markscheme("export", "r", tmp_path / "out", "--store", f"sqlite:///{tmp_path / 'stoer.db'}{query}")
    assert result.code == 1
    assert f"no such store: {tmp_path / 'stoer.db'}" in result.err
    assert list(tmp_path.iterdir()) == []


def test_an_export_from_a_store_in_a_name_with_a_question_mark(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    store = sqlite_url(tmp_path / "q?r.db")
    with Store(store):
        pass
    assert (tmp_path / "q?r.db").is_file()
    result = markscheme("export", "nothing", files.folder / "out", "--store", store)
    assert result.code == 1
    assert "no such store" not in result.err


def test_what_was_printed_can_be_exported(files: Files, tmp_path: Path) -> None:
    rows = read_lines(files.judgments)
    write_lines(files.judgments, rows[1:])
    chosen = ["--consensus", "unanimous", "--min-coverage", "0.5"]
    grade(files, *chosen)
    plain, same = tmp_path / "plain", tmp_path / "same"
    assert markscheme("export", "r", plain, *files.options).code == 0
    assert markscheme("export", "r", same, *chosen, *files.options).code == 0
    for folder, option in ((plain, ""), (same, " --consensus unanimous --min-coverage 0.5")):
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert f"OUT/judgments.jsonl{option}\n" in card


def test_a_warning_of_grade_steers_nothing(files: Files) -> None:
    label = judgment("e1", "good", "short", True, grader="dr\u2800k", grader_kind="human")
    labels = write_lines(files.folder / "labels.jsonl", [label])
    specs = ["--grader", f"recorded:{files.judgments}", "--grader", f"recorded:{labels}"]
    result = markscheme("grade", files.dataset, files.answers, *specs, "--score-by", "reader", *files.options)
    assert "warning: a label by 'dr⟦U+2800⟧k' on a criterion with a check is kept and does not vote\n" in result.err


def test_a_conversion_into_a_pipe_goes_through_it_and_leaves_it_there(files: Files, tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file.jsonl"
    os.mkfifo(pipe)
    markscheme("convert", "--from", "native", files.dataset, file)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        result = markscheme("convert", "--from", "native", files.dataset, pipe)
        assert (result.code, reader.communicate()[0]) == (0, file.read_bytes())
    assert pipe.is_fifo()


def test_a_conversion_onto_a_link_writes_the_file_behind_it(files: Files, tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.write_text("old", encoding="utf-8")
    link.symlink_to(real)
    assert markscheme("convert", "--from", "native", files.dataset, link).code == 0
    assert link.is_symlink()
    assert len(read_lines(real)) == 2


@pytest.mark.parametrize("name", ["law", "medicine"])
def test_converting_twice_gives_the_same_file(tmp_path: Path, name: str) -> None:
    once, twice = tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    markscheme("convert", "--from", "native", ROOT / "examples" / name, once)
    markscheme("convert", "--from", "native", once, twice)
    assert once.read_bytes() == twice.read_bytes()
    assert list(read_lines(once)[0])[:3] == ["id", "prompt", "rubric"]


def test_the_help_cuts_no_sentence_off_and_names_arguments_plainly() -> None:
    command = [sys.executable, "-c", "from api.cli import main; main()"]
    environment = {**os.environ, "COLUMNS": "80"}

    def shown(*arguments: str) -> str:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=ROOT, env=environment)
        return done.stdout

    assert "..." not in shown("--help").split("Commands:")[1]
    for name in ("check", "demo", "new", "schema", "score"):
        assert not re.search(r"\[\[|\.\.\.}", shown(name, "--help"))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_whatever_a_shell_has_closed_is_no_reason_to_crash(files: Files, closed: str) -> None:
    rubric = ROOT / "examples" / "law" / "rubrics" / "late-bicycle.rubric.json"
    run = ["grade", str(files.dataset), str(files.answers), "--rater", "ann", *files.options]
    for code, arguments in (
        (0, ["preview", str(rubric)]),
        (0, ["diff", str(rubric), str(rubric)]),
        (0, [*run, "--grader", "rules", "--grader", "human", "--dry-run"]),
        (3, [*run, "--grader", "rules", "--grader", "human"]),
    ):
        done = shell(f'"$@" {closed}', *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), arguments


def test_where_nobody_can_answer_nothing_is_asked_and_nothing_written(tmp_path: Path) -> None:
    done = shell('"$@" <&-', "new", str(tmp_path / "a"))
    assert (done.returncode, done.stderr) == (4, "\nstopped: nothing was written\n")
    assert list(tmp_path.iterdir()) == []
