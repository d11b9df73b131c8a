"""`docs/authoring-commands.md` shows only what the commands print."""

import contextlib
import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.cli.check import run_check
from api.cli.draft import NewRubric
from api.cli.new import run_new
from api.cli.watch import PAUSE, watch
from tests.command import markscheme

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authoring-commands.md"
NAME = "chest-pain-at-home.rubric.json"
ANSWERS = {
    "Title": "Chest pain at home",
    "Domain": "medicine",
    "Criterion 1": "Tells the person to call emergency services",
    "Criterion 2": "Brings up chewing an aspirin",
    "Must-haves": "1",
    "Fault": "Names a drug dose that no one asked for",
    "Id [brings-up": "aspirin",
    "Tag": "axis:safety",
}
POINTS = ["10", "ten", "4", "8"]


def transcript(run: Callable[[], object]) -> str:
    """What a person sees: standard output and error in one."""
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        run()
    return screen.getvalue()


def ask_the_author() -> Callable[[str], str]:
    """Answers as the page shows them, seen on the screen as when they are typed."""
    answers, points = dict(ANSWERS), list(POINTS)

    def ask(question: str) -> str:
        said = question.strip()
        if said.startswith("Points"):
            answer = points.pop(0)
        else:
            answer = next((answers.pop(key) for key in list(answers) if said.startswith(key)), "")
        print(question + answer)
        return answer

    return ask


def printed(*words: str) -> str:
    result = markscheme(*words)
    assert result.code == 0, result.err
    return result.out + result.err


def watched() -> str:
    path = Path(NAME)
    good = path.read_text(encoding="utf-8")
    saves = [good.replace('"points": 4', '"points": 0'), good]

    def wait(seconds: float) -> None:
        if seconds == PAUSE:
            if not saves:
                raise KeyboardInterrupt
            path.write_text(saves.pop(0), encoding="utf-8")

    seen = transcript(lambda: watch([path], lambda: run_check([path], rubrics=None, as_json=False), wait=wait))
    times = iter(["10:31:07", "10:31:40", "10:31:52"])
    return re.sub(r"\d\d:\d\d:\d\d", lambda _: next(times), seen).rstrip("\n") + "\n"


def write_second() -> None:
    raw: dict[str, Any] = json.loads(Path(NAME).read_text(encoding="utf-8"))
    raw["criteria"][1]["points"] = 3
    raw["criteria"][2]["criterion"] = "Names a dose of a drug that has to be prescribed"
    raw["criteria"].append({"id": "rest", "criterion": "Tells the person to sit still until help comes", "points": 2})
    Path("second.rubric.json").write_text(json.dumps(raw), encoding="utf-8")


def build_blocks() -> dict[str, str]:
    """Every block of the page, made by running its commands one after another in the current folder."""
    ask = ask_the_author()
    blocks = {"new": "$ markscheme new\n" + transcript(lambda: run_new(None, NewRubric(), ask=ask))}
    options = (
        "new headache \\\n    --criterion '8: Asks whether it began like a thunderclap' \\\n"
        "    --criterion '-5: Names a diagnosis as certain' --must-have 1"
    )
    words = shlex.split(options.replace("\\\n", ""))
    blocks["options"] = f"$ markscheme {options}\n" + printed(*words)
    blocks["watch"] = f"$ markscheme check --watch {NAME}\n" + watched()
    blocks["preview"] = f"$ markscheme preview {NAME}\n" + printed("preview", NAME)
    write_second()
    blocks["diff"] = f"$ markscheme diff {NAME} second.rubric.json\n" + printed("diff", NAME, "second.rubric.json")
    return blocks


@pytest.mark.parametrize("name", ["new", "options", "watch", "preview", "diff"])
def test_the_page_shows_what_the_commands_print(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pasted = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    blocks = build_blocks()
    assert len(pasted) == len(blocks)
    assert pasted[list(blocks).index(name)] == blocks[name]


def test_the_page_names_every_field_by_what_it_does_to_judgments() -> None:
    from rubrics import Criterion

    text = PAGE.read_text(encoding="utf-8")
    words = {"tags": "tags", "gate": "gate", "depends_on": "condition", "points": "points"}
    assert [name for name in Criterion.model_fields if words.get(name, name) not in text] == []
