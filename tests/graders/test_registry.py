"""Grader SPECs: what each opens, and what a wrong one is told."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import graders.registry
from graders import GraderCard, GraderOptions, Recorded, RulesGrader, open_grader, open_graders
from rubrics import InputError

PLUG_IN = """
from graders import Verdict

class Judge:
    name = "keyword"
    version = "1"

    async def judge(self, task):
        return [Verdict(criterion_id=c.id, met="doctor" in task.answer.text) for c in task.criteria]

class NoJudge:
    name = "none"
    version = "1"

class Raises:
    def __init__(self):
        raise RuntimeError("no key here")
"""


@pytest.fixture
def plug_in(tmp_path: Path) -> Path:
    path = tmp_path / "my_judge.py"
    path.write_text(PLUG_IN, encoding="utf-8")
    return path


def mistake(call: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


def test_rules_open_by_name() -> None:
    assert isinstance(open_grader("rules"), RulesGrader)


def test_recorded_judgments_are_no_grader_but_an_import(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text("{}", encoding="utf-8")
    assert open_grader(f"recorded:{path}") == Recorded(f"recorded:{path}", path)


def test_a_plug_in_opens_from_its_file(plug_in: Path) -> None:
    grader = open_grader(f"{plug_in}:Judge")
    assert not isinstance(grader, Recorded)
    card = GraderCard.of(grader)
    assert (card.name, card.kind, card.max_criteria) == ("keyword", "model", 1)


def test_a_plug_in_opens_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("house-rules", "graders.rules:RulesGrader", graders.registry.ENTRY_POINTS)
    monkeypatch.setattr(graders.registry.importlib.metadata, "entry_points", lambda group: [entry])
    assert isinstance(open_grader("house-rules"), RulesGrader)


@pytest.mark.parametrize(
    ("spec", "name", "base_url"),
    [
        ("model:judge@http://127.0.0.1:8000/v1", "model:judge", "http://127.0.0.1:8000/v1"),
        ("model:org/judge@2025@https://example.org/v1/", "model:org/judge@2025", "https://example.org/v1"),
        ("model:a@http@http://localhost/v1", "model:a@http", "http://localhost/v1"),
        ("model:judge", "model:judge", "http://elsewhere/v1"),
    ],
)
def test_a_model_name_ends_at_the_last_address(
    spec: str, name: str, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere/v1")
    card = GraderCard.of(open_grader(spec))  # type: ignore[arg-type]
    assert (card.name, card.arguments["base_url"]) == (name, base_url)


def test_criteria_per_call_is_part_of_what_a_model_grader_is() -> None:
    spec = "model:j@http://127.0.0.1:1/v1"
    one, all_in_one = (
        GraderCard.of(open_grader(spec, GraderOptions(criteria_per_call=number)))  # type: ignore[arg-type]
        for number in (1, "all")
    )
    assert (one.max_criteria, all_in_one.max_criteria) == (1, None)
    assert one.fingerprint != all_in_one.fingerprint


def test_a_grader_file_opens_a_model(tmp_path: Path) -> None:
    path = tmp_path / "strict.grader.json"
    path.write_text(
        '{"kind": "model", "name": "j", "base_url": "http://127.0.0.1:1/v1", "criteria_per_call": 3}', encoding="utf-8"
    )
    card = GraderCard.of(open_grader(str(path)))  # type: ignore[arg-type]
    assert (card.name, card.max_criteria) == ("model:j", 3)


def test_a_grader_file_with_a_mistake_is_told_its_place(tmp_path: Path) -> None:
    path = tmp_path / "strict.grader.json"
    path.write_text('{"kind": "model", "name": "j", "temprature": 1}', encoding="utf-8")
    told = mistake(lambda: open_grader(str(path)))
    assert told == f"{path} $.temprature: unknown field 'temprature', did you mean 'temperature'?"


def test_an_unknown_spec_is_told_what_there_is() -> None:
    assert mistake(lambda: open_grader("rulez")) == "--grader: got 'rulez', expected a grader, did you mean 'rules'?"
    assert "FILE.py:Class" in mistake(lambda: open_grader("??"))


def test_a_missing_file_is_told_plainly(tmp_path: Path) -> None:
    assert mistake(lambda: open_grader(f"recorded:{tmp_path / 'no.jsonl'}")).endswith("no.jsonl: no such file")
    assert mistake(lambda: open_grader(f"{tmp_path / 'no.py'}:Judge")).endswith("no.py: no such file")


def test_a_plug_in_that_does_not_fit_is_told_why(plug_in: Path) -> None:
    assert "did you mean 'Judge'?" in mistake(lambda: open_grader(f"{plug_in}:Jugde"))
    assert "it lacks judge" in mistake(lambda: open_grader(f"{plug_in}:NoJudge"))
    assert mistake(lambda: open_grader(f"{plug_in}:Raises")) == f"{plug_in}:17: RuntimeError: no key here"


def test_a_plug_in_with_a_syntax_error_is_told_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("x = 1\ndef (:\n", encoding="utf-8")
    assert mistake(lambda: open_grader(f"{path}:Judge")).startswith(f"{path}:2: SyntaxError")


def test_two_graders_of_one_name_are_refused(plug_in: Path) -> None:
    other = plug_in.with_name("other.py")
    other.write_text(PLUG_IN, encoding="utf-8")
    assert "called the same" in mistake(lambda: open_graders([f"{plug_in}:Judge", f"{other}:Judge"]))


def test_rules_are_always_among_the_graders(plug_in: Path) -> None:
    asked, recorded = open_graders([f"{plug_in}:Judge"])
    assert [grader.name for grader in asked] == ["keyword", "rules"]
    assert recorded == []
