"""The README claims only what runs: its blocks are executed."""

import io
import json
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from rubrics import Rubric
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def one_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_pasted_demo_is_what_the_demo_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = markscheme("demo")
    assert result.code == 0, result.err
    assert blocks("text")[0] == "$ make demo\n" + result.out


def test_the_demo_fits_one_screen_and_can_be_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = markscheme("demo")
    lines = first.out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    again = markscheme("demo")
    assert (again.code, again.out) == (0, first.out)


def test_the_demo_leaves_a_folder_that_is_not_its_own_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    result = markscheme("demo", tmp_path)
    assert result.code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_the_demo_says_to_run_next_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    markscheme("demo")
    monkeypatch.chdir(tmp_path / "markscheme-demo")
    checked = markscheme("check", "medicine")
    assert checked.code == 0, checked.out
    readings = sorted(Path("medicine/readings").glob("*.jsonl"))
    scored = markscheme("score", "medicine", "medicine/answers.jsonl", *readings, "--by", "model,grader")
    assert scored.code == 0
    schema = json.loads(Path("rubric.schema.json").read_text(encoding="utf-8"))
    for path in Path("medicine/rubrics").iterdir():
        named = json.loads(path.read_text(encoding="utf-8"))["$schema"]
        assert json.loads((path.parent / named).read_text(encoding="utf-8")) == schema


def test_the_rubric_is_valid() -> None:
    raw = json.loads(blocks("json")[0])
    rubric = Rubric.model_validate(raw)
    assert [leaf.id for leaf in rubric.leaves] == ["call", "tone", "length", "dose"]
    assert (ROOT / raw["$schema"]).is_file()


def test_the_mistakes_are_told_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = json.loads(blocks("json")[0])
    raw["criteria"][0]["gate"]["when"] = "unmett"
    raw["criteria"][2]["pionts"] = raw["criteria"][2].pop("points")
    raw["criteria"][3]["depends_on"] = {"criterion": "cal", "when": "met"}
    monkeypatch.chdir(tmp_path)
    Path("chest-pain.rubric.json").write_text(json.dumps(raw), encoding="utf-8")
    result = markscheme("check", "chest-pain.rubric.json")
    printed = blocks("text")[1].splitlines()[1:]
    assert sorted(result.out.splitlines()) == sorted(printed)


def test_the_python_example_is_short_and_prints_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = blocks("python")
    assert len(code.strip().splitlines()) <= 10
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == "0.9\n"


def test_the_score_command_runs_as_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    line = next(line for block in blocks("sh") for line in block.splitlines() if line.startswith("markscheme score"))
    arguments = [
        str(path) for word in shlex.split(line)[1:] for path in (sorted(Path().glob(word)) if "*" in word else [word])
    ]
    result = markscheme(*arguments)
    assert result.code == 0
    assert "axis:safety" in result.out


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
