"""`markscheme new`: a rubric by a few questions, or by options."""

import io
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.draft import NewRubric, kebab, kebab_of_statement, parse_points
from api.cli.new import run_new, save_rubric
from rubrics import InputError, load_rubric
from tests.command import Result, markscheme

ROOT = Path(__file__).resolve().parents[2]
CALL = "Tells the person to call emergency services"
NAME = "chest-pain-at-home.rubric.json"
TALK = ["Chest pain at home", "", "medicine", CALL, "10", "", "axis:safety", "", "1", "Names a dose", "8", "", "", ""]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str, arguments: tuple[object, ...] = ()) -> Result:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(line + "\n" for line in lines)))
    return markscheme("new", *arguments)


def test_a_few_answers_make_a_rubric_that_passes_check(monkeypatch: pytest.MonkeyPatch) -> None:
    result = typed(monkeypatch, *TALK)
    assert (result.code, result.err) == (0, "")
    rubric = load_rubric(NAME)
    assert (rubric.id, rubric.title, rubric.domain) == ("chest-pain-at-home", "Chest pain at home", "medicine")
    first, fault = (leaf.criterion for leaf in rubric.leaves)
    assert (first.id, first.points, first.tags) == ("call-emergency-services", 10, ("axis:safety",))
    assert first.gate is not None
    assert (first.gate.when, first.gate.cap) == ("unmet", 0)
    assert (fault.id, fault.points) == ("dose", -8)
    assert markscheme("check", NAME).out == "ok: 1 rubric, 2 criteria, no mistakes\n"


def test_the_schema_stands_beside_it_and_one_that_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, *TALK)
    raw = json.loads(Path(NAME).read_text(encoding="utf-8"))
    assert next(iter(raw)) == "$schema"
    assert Path(raw["$schema"]).read_text(encoding="utf-8") == markscheme("schema", "rubric").out
    Path("rubric.schema.json").write_text("mine", encoding="utf-8")
    result = markscheme("new", "b", "--criterion", "1: Names a drug")
    assert "rubric.schema.json" not in result.out
    assert Path("rubric.schema.json").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["Title\x00"], "the text holds the character NUL (\\u0000), expected none"),
        (["T", "x" * 513], "got 513 characters, expected at most 512"),
        (["T", "", "", CALL, "ten"], "got 'ten', expected a number"),
        (["T", "", "", CALL, "5,5"], "got '5,5', expected a number"),
        (["T", "", "", CALL, "0"], "got 0, expected a number other than 0"),
        (["T", "", "", CALL, ""], "missing, expected 'points': what a met criterion adds to the score"),
        (["T", "", "", CALL, "5", "a b"], "got 'a b', expected only the letters A–Z and a–z, digits and . _ : -"),
        (["T", "", "", CALL, "5", "", "a\x07"], "got 'a\\x07', expected text without control characters"),
        (["T", "", "", ""], "expected at least one criterion"),
        (["T", "", "", CALL, "-5", "", "", ""], "got only negative points, expected at least one positive criterion"),
        (
            ["T", "", "", CALL, "5", "a", "", "Names x", "2", "a"],
            "expected an id of its own, $.criteria[0] has the same",
        ),
        (["T", "", "", CALL, "5", "a", "", "", "2"], "got '2', expected the number or the id of a criterion"),
    ],
)
def test_a_wrong_answer_is_told_in_checks_words_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, wrong: list[str], message: str
) -> None:
    result = typed(monkeypatch, *wrong)
    assert message in result.out
    assert result.code == 4  # the answers end there
    assert list(Path().iterdir()) == []


def test_after_a_wrong_answer_the_right_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "T", "", "", CALL, "ten", "0", "2.5", "call!", "call", "", "", "first", "call", "", "")
    (leaf,) = load_rubric("t.rubric.json").leaves
    assert (leaf.id, leaf.criterion.points) == ("call", 2.5)
    assert leaf.criterion.gate is not None


@pytest.mark.parametrize("length", range(len(TALK)))
def test_leaving_at_any_question_writes_nothing(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    result = typed(monkeypatch, *TALK[:length])
    assert (result.code, result.err) == (4, "\nstopped: nothing was written\n")
    assert list(Path().iterdir()) == []


def test_ctrl_c_writes_nothing() -> None:
    answers: Iterator[str] = iter(TALK[:5])

    def ask(question: str) -> str:
        if (answer := next(answers, None)) is None:
            raise KeyboardInterrupt
        return answer

    assert run_new(None, NewRubric(), ask=ask) == 4
    assert list(Path().iterdir()) == []


def test_options_alone_ask_nothing() -> None:
    result = markscheme(
        *("new", "--title", "Brustschmerz", "--domain", "Medizin", "--must-have", 1),
        *("--criterion", f"10: {CALL}: now", "--criterion", "-8: Names a dose", "--criterion", "+2.5:Names a dose"),
    )
    assert (result.code, result.err) == (0, "")
    rubric = load_rubric("brustschmerz.rubric.json")
    assert [(leaf.id, leaf.criterion.criterion, leaf.criterion.points) for leaf in rubric.leaves] == [
        ("call-emergency-services-now", f"{CALL}: now", 10),
        ("dose", "Names a dose", -8),
        ("dose-2", "Names a dose", 2.5),
    ]
    assert rubric.leaves[0].criterion.gate is not None


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (
            ["r", "--criterion", "0: a", "--criterion", "-3:  "],
            [
                "--criterion 1 points: got 0, expected a number other than 0",
                "--criterion 2 criterion: got '', expected text that is not blank",
            ],
        ),
        (
            ["r", "--criterion", "5 a"],
            [f"--criterion 1: got '5 a', expected 'POINTS: STATEMENT', such as '10: {CALL}'"],
        ),
        (
            ["r", "--criterion", "0: a", "--criterion", "nan: b", "--criterion", "3:"],
            [
                f"--criterion 2: got 'nan: b', expected 'POINTS: STATEMENT', such as '10: {CALL}'",
                "--criterion 1 points: got 0, expected a number other than 0",
                "--criterion 3 criterion: got '', expected text that is not blank",
            ],
        ),
        (
            ["--criterion", "5: a"],
            ["--id: missing, expected '--id', '--title' or a file's name to name the rubric by"],
        ),
        (
            ["r", "--criterion", "5: a", "--criterion", "-5: b", "--must-have", "b"],
            ["--must-have: got 'b', which costs points, expected a criterion that earns points"],
        ),
        (["r", "--title", "a\x00"], ["--title: the text holds the character NUL (\\u0000), expected none"]),
        (["r", "--must-have", "1"], ["--must-have: goes with --criterion; without one, must-haves are asked for"]),
        (["r.json"], ["r.json: expected a name that ends in .rubric.json"]),
        (["no/r"], ["no/r.rubric.json: there is no folder 'no'"]),
        (["."], [".: this is a folder, expected a file to write"]),
    ],
)
def test_wrong_options_are_told_all_at_once_and_nothing_is_written(options: list[str], lines: list[str]) -> None:
    result = markscheme("new", *options)
    assert (result.code, result.err.splitlines()) == (1, lines)
    assert list(Path().iterdir()) == []


def test_what_is_there_is_never_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(NAME).write_text("mine", encoding="utf-8")
    told = f"{NAME}: is there already and stays as it is, expected a new name\n"
    assert markscheme("new", NAME).err == told
    assert markscheme("new", "--id", "chest-pain-at-home", "--criterion", "1: a").err == told
    result = typed(monkeypatch, TALK[0], "", "other", *TALK[2:])
    assert result.code == 0
    assert f"{NAME} is there already" in result.out
    assert Path("other.rubric.json").exists()
    assert Path(NAME).read_text(encoding="utf-8") == "mine"


def test_what_was_typed_is_not_lost_where_it_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(raw: dict[str, Any], target: Path) -> bool:
        Path(target).write_text("another one's", encoding="utf-8")
        return save_rubric(raw, target)

    monkeypatch.setattr("api.cli.new.save_rubric", fails)
    result = typed(monkeypatch, *TALK)
    assert result.code == 1
    assert CALL in json.loads(result.out[result.out.index("{") :])["criteria"][0]["criterion"]
    assert [path.name for path in Path().iterdir()] == [NAME]


def test_a_failed_write_leaves_nothing_half_written() -> None:
    half_a_pair = {"id": "r", "criteria": [{"criterion": "\ud800", "points": 1}]}
    with pytest.raises(UnicodeEncodeError):
        save_rubric(half_a_pair, Path("r.rubric.json"))
    assert list(Path().iterdir()) == []
    with pytest.raises(InputError, match=r"r\.rubric\.json: is there already"):
        Path("r.rubric.json").touch()
        save_rubric({}, Path("r.rubric.json"))
    assert [path.name for path in Path().iterdir()] == ["r.rubric.json"]


def test_what_to_run_next_runs() -> None:
    result = markscheme("new", "a", "--criterion", "1: Names a drug")
    commands = [line.split("  ")[1].split() for line in result.out.splitlines() if line.startswith("  markscheme")]
    assert [command[1] for command in commands] == ["preview", "check"]
    for command in commands:
        assert markscheme(*(word for word in command[1:] if word != "--watch")).code == 0


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (CALL, "call-emergency-services"),
        ("Names a drug's dose in “mg/kg”", "drugs-dose-mg-kg"),
        ("Ne prescrit pas d’antibiotique à l’enfant", "ne-prescrit-pas-dantibiotique"),
        ("Is it?", "is-it"),
        ("胸の痛み", ""),
    ],
)
def test_ids_are_suggested_from_the_statement(statement: str, name: str) -> None:
    assert kebab_of_statement(statement) == name


def test_a_statement_in_another_script_still_gets_an_id() -> None:
    assert markscheme("new", "--id", "胸痛", "--criterion", "5: 救急車を呼ぶよう伝える").code == 0
    assert load_rubric("rubric.rubric.json").leaves[0].id == "criterion-1"
    assert kebab("Über Äpfel") == "uber-apfel"


@pytest.mark.parametrize(
    ("written", "points"), [("5", 5), ("+5", 5), ("−2.5", -2.5), ("- 3", -3), ("5e3", "5e3"), ("1_0", "1_0"), ("", "")]
)
def test_points_are_read_as_people_write_them(written: str, points: object) -> None:
    assert parse_points(written) == points
    assert type(parse_points(written)) is type(points)


def test_it_asks_in_a_real_terminal(folder: Path) -> None:
    ours, theirs = pty.openpty()
    code = "from api.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    with subprocess.Popen(
        [sys.executable, "-c", code, "new"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment
    ) as command:
        os.close(theirs)
        screen = _talk(ours, command, [*TALK[:4], "ten", *TALK[4:]])
        assert command.wait() == 0
    os.close(ours)
    assert "Title: " in screen
    assert "Id [chest-pain-at-home]: " in screen
    assert "got 'ten', expected a number" in screen
    assert "wrote chest-pain-at-home.rubric.json: 2 criteria" in screen
    assert [leaf.criterion.points for leaf in load_rubric(folder / NAME).leaves] == [10, -8]


def test_ctrl_c_in_a_real_terminal_leaves_nothing(folder: Path) -> None:
    ours, theirs = pty.openpty()
    code = "from api.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    with subprocess.Popen(
        [sys.executable, "-c", code, "new"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment,
        start_new_session=True,
        preexec_fn=_take_terminal,
    ) as command:
        os.close(theirs)
        screen = _talk(ours, command, [*TALK[:5], "\x03"])
        assert command.wait() == 4
    os.close(ours)
    assert "stopped: nothing was written" in screen
    assert list(folder.iterdir()) == []


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _talk(terminal: int, command: subprocess.Popen[bytes], lines: list[str]) -> str:
    """Answer each question once it stands there; what the screen showed."""
    screen, waiting = "", list(lines)
    while True:
        # A question stands there when its colon is the last thing and nothing follows: text comes in pieces, and a
        # piece may end in a colon too.
        asked = screen.endswith(": ") and bool(waiting)
        ready, _, _ = select.select([terminal], [], [], 0.3 if asked else 20)
        if not ready and asked:
            line = waiting.pop(0)
            screen += "\n"
            os.write(terminal, (line if line == "\x03" else line + "\n").encode())
            continue
        if not ready:
            command.kill()  # nobody waits for a command that waits for us
            raise AssertionError(screen)
        try:
            part = os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:  # the other side has closed
            return screen
        if not part:
            return screen
        screen += part


@pytest.mark.parametrize("options", [(), ("--title", "Headache at home")])
def test_the_file_names_the_rubric_whether_or_not_there_are_questions(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    markscheme("new", "first", "--criterion", "1: Names a drug", *options)
    talk = (
        ["", "", "Names a drug", "1", *[""] * 5] if options else ["Any title", "", "", "Names a drug", "1", *[""] * 5]
    )
    typed(monkeypatch, *talk, arguments=("second", *options))
    assert [load_rubric(f"{name}.rubric.json").id for name in ("first", "second")] == ["first", "second"]
