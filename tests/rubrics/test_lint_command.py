"""Advice in `markscheme check`: after the mistakes, on standard error, and never in the exit code."""

import json
from pathlib import Path
from typing import Any

from tests.command import markscheme

LEAF = {"id": "drug", "criterion": "Gives good advice", "points": 5}
RUBRIC = {"id": "r", "criteria": [LEAF, {"id": "fault", "criterion": "Invents a source", "points": -3}]}


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_advice_is_on_standard_error_and_leaves_the_exit_code_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rubric.json", RUBRIC)
    result = markscheme("check", path)
    assert result.code == 0
    assert result.out == "ok: 1 rubric, 2 criteria, no mistakes\n"
    assert result.err.startswith(f"{path} $.criteria[0].criterion: vague: 'Gives good advice' leaves 'good' to")
    assert "\n    try: say what must be there" in result.err
    assert result.err.endswith('silence in the rubric: "lint": {"ignore": ["vague:drug"]}\n')


def test_advice_comes_after_the_mistakes_of_other_files(tmp_path: Path) -> None:
    sound = write(tmp_path / "a.rubric.json", RUBRIC)
    broken = write(tmp_path / "b.rubric.json", {**RUBRIC, "criteria": [{**LEAF, "points": 0}]})
    result = markscheme("check", sound, broken)
    assert result.code == 1
    assert "expected a number other than 0" in result.out
    assert result.err.index("1 mistake in 1 file") < result.err.index("vague")
    assert str(broken) not in result.err  # what cannot be read is not advised on


def test_silenced_advice_is_silent(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rubric.json", {**RUBRIC, "lint": {"ignore": ["vague:drug"]}})
    assert markscheme("check", path).err == ""


def test_the_json_report_holds_the_advice_as_objects(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rubric.json", RUBRIC)
    result = markscheme("check", path, "--json")
    (advice,) = json.loads(result.out)["advice"]
    assert result.err == ""
    assert (advice["file"], advice["line"], advice["path"]) == (str(path), None, "$.criteria[0].criterion")
    assert advice["code"] == "vague"
    assert set(advice) == {"file", "line", "path", "code", "message", "fix"}


def test_all_advice_is_given_when_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rubric.json", {"id": "r", "criteria": [{"criterion": "Names Rome", "points": 50}]})
    assert markscheme("check", path).err == ""
    assert "points-range" in markscheme("check", path, "--all-advice").err


def test_a_rubric_in_a_row_is_placed_in_its_line(tmp_path: Path) -> None:
    row = {"id": "e1", "prompt": "What now?", "rubric": RUBRIC}
    path = tmp_path / "examples.jsonl"
    path.write_text(json.dumps({**row, "id": "e0"}) + "\n" + json.dumps(row) + "\n", encoding="utf-8")
    advice = json.loads(markscheme("check", path, "--json").out)["advice"]
    assert [(one["line"], one["path"]) for one in advice] == [
        (1, "$.rubric.criteria[0].criterion"),
        (2, "$.rubric.criteria[0].criterion"),
    ]


def test_a_healthbench_row_is_placed_as_it_stands_in_the_file(tmp_path: Path) -> None:
    items = [{"criterion": leaf["criterion"], "points": leaf["points"], "tags": []} for leaf in RUBRIC["criteria"]]
    row = {"prompt_id": "p", "prompt": [{"role": "user", "content": "What now?"}], "rubrics": items}
    path = tmp_path / "hb.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (advice,) = json.loads(markscheme("check", path, "--json").out)["advice"]
    assert (advice["line"], advice["path"]) == (1, "$.rubrics[0].criterion")


def test_a_rubric_that_several_examples_share_is_advised_on_once(tmp_path: Path) -> None:
    given = {"criterion": "Notes that the fever rose after the second dose", "points": 4}
    path = write(tmp_path / "r.rubric.json", {**RUBRIC, "criteria": [*RUBRIC["criteria"], given]})
    rows = [
        {"id": "e1", "prompt": "What now?", "rubric_id": "r"},
        {"id": "e2", "prompt": "My fever rose after the second dose. What now?", "rubric_id": "r"},
    ]
    (tmp_path / "examples.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    advice = json.loads(markscheme("check", tmp_path, "--json").out)["advice"]
    assert [(one["code"], one["file"], one["path"]) for one in advice] == [
        ("vague", str(path), "$.criteria[0].criterion"),
        ("given-away", str(path), "$.criteria[2].criterion"),
    ]
    assert "the prompt of 'e2'" in advice[1]["message"]


def test_a_rubric_file_with_mistakes_gets_no_advice(tmp_path: Path) -> None:
    text = json.dumps({**RUBRIC, "id": "r"})
    (tmp_path / "r.rubric.json").write_text(text.replace('"id": "r"', '"id": "r", "id": "r"', 1), encoding="utf-8")
    row = {"id": "e1", "prompt": "What now?", "rubric_id": "r"}
    (tmp_path / "examples.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    result = markscheme("check", tmp_path)
    assert result.code == 1
    assert "stands more than once" in result.out
    assert "vague" not in result.err


def test_very_much_advice_is_cut_short_for_people_and_whole_as_json(tmp_path: Path) -> None:
    leaves = [{"criterion": f"Gives good advice about matter {'x' * index}", "points": 1} for index in range(1, 61)]
    path = write(tmp_path / "a.rubric.json", {"id": "r", "criteria": [*leaves, RUBRIC["criteria"][1]]})
    assert "… and 20 more: --json lists all" in markscheme("check", path).err
    assert len(json.loads(markscheme("check", path, "--json").out)["advice"]) == 60


def test_neither_advice_nor_a_mistake_steers_the_terminal(tmp_path: Path) -> None:
    # As a terminal would get it: where standard output is none, colour codes are taken out on the way.
    hostile = "Gives good\x1b]0;owned\x07 advice\u202e on it"
    write(tmp_path / "a.rubric.json", {"id": "r", "criteria": [{"criterion": hostile, "points": 5}]})
    (tmp_path / "b\u202e.rubric.json").write_text("{", encoding="utf-8")
    result = markscheme("check", tmp_path)
    assert "'Gives good⟦U+001B⟧]0;owned⟦U+0007⟧ advice' leaves 'good'" in result.err
    assert "b⟦U+202E⟧.rubric.json:1:2: not JSON" in result.out
    assert "b⟦U+202E⟧.rubric.json:1:2: not JSON" in markscheme("preview", tmp_path / "b\u202e.rubric.json").err
    assert not set("\x1b\x07\u202e") & set(result.err + result.out)
