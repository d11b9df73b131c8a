"""`markscheme diff`: what changed, and which judgments stay."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rubrics import load_rubric
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[2]
MEDICINE = ROOT / "examples" / "medicine"
CALL = {"id": "call", "criterion": "Says to call", "points": 10, "gate": {"when": "unmet", "cap": 0}}
ASPIRIN = {"id": "aspirin", "criterion": "Names aspirin", "points": 4}
REST = {"id": "rest", "criterion": "Says to rest", "points": 2}
LENGTH = {"id": "length", "criterion": "Stays short", "points": 2, "check": {"max_words": 200}}
ONLY_SCORES = "Points, gates, conditions, tags, groups and order change scores, never judgments."


def write(path: Path, *criteria: dict[str, Any], **fields: Any) -> Path:
    path.write_text(json.dumps({"id": "chest-pain", "criteria": list(criteria), **fields}), encoding="utf-8")
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old.rubric.json", CALL, ASPIRIN, REST, LENGTH)


def diff_lines(old: Path, new: Path) -> list[str]:
    result = markscheme("diff", old, new)
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


def test_equal_rubrics_differ_in_nothing(old: Path) -> None:
    assert diff_lines(old, old) == ["chest-pain, version 1", "Nothing differs; all judgments stay valid."]


def test_points_and_gates_keep_judgments_and_a_wording_loses_its_own(tmp_path: Path, old: Path) -> None:
    call = {**CALL, "points": 8, "gate": None}
    new = write(tmp_path / "new.rubric.json", call, {**ASPIRIN, "criterion": "Names 300 mg of aspirin"}, REST, LENGTH)
    assert diff_lines(old, new)[2:] == [
        "~ call: judgments stay",
        "    points      +10 → +8",
        "    gate        must-have: where it is missed, the answer scores at most 0 → none",
        "~ aspirin: judged again (its wording changed)",
        "    criterion   Names aspirin → Names 300 mg of aspirin",
        "",
        "1 of 4 criteria will be judged again; 2 keep their judgments, 1 is decided by rule.",
        ONLY_SCORES,
        "(With several criteria a call, those that share a call with a changed one are asked again too.)",
    ]


def test_added_removed_renamed_and_moved_are_each_told(tmp_path: Path, old: Path) -> None:
    group = {"id": "advice", "title": "Advice", "points": 5, "children": [REST]}
    added = {"id": "door", "criterion": "Says to open the door", "points": 1}
    new = write(tmp_path / "new.rubric.json", {**CALL, "id": "call-112"}, group, added, {**LENGTH, "points": 1})
    assert diff_lines(old, new)[2:-2] == [
        "~ call → call-112: judged again (its id changed)",
        "    id          judgments name ids: call it call again, and they stay",
        "~ rest: judgments stay",
        "    moved       outside of all groups → advice",
        "+ door: new, judged for the first time",
        "    +1          Says to open the door",
        "~ length: decided by rule, anew whenever it is scored",
        "    points      +2 → +1",
        "- aspirin: gone, its judgments count no more",
        "    +4          Names aspirin",
        "+ group advice: new",
        "    +5          Advice",
        "",
        "2 of 4 criteria will be judged: 1 again, 1 new; 1 keeps its judgments, 1 is decided by rule.",
    ]


def test_new_guidelines_make_every_judgment_anew_and_say_so_once(tmp_path: Path, old: Path) -> None:
    new = write(tmp_path / "new.rubric.json", CALL, ASPIRIN, REST, LENGTH, guidelines="Be strict.", version="2")
    assert diff_lines(old, new) == [
        "chest-pain, version 1 → 2",
        "",
        "guidelines  none → Be strict.",
        "",
        "3 of 4 criteria will be judged again; 0 keep their judgments, 1 is decided by rule.",
        "Every judge reads the guidelines first, so their change makes all judgments anew.",
        ONLY_SCORES,
    ]


def test_where_judges_see_the_points_the_words_follow(tmp_path: Path) -> None:
    seen = {"judging": {"show_points": True}}
    before = write(tmp_path / "old.rubric.json", CALL, REST, **seen)
    after = write(tmp_path / "new.rubric.json", {**CALL, "points": 9}, REST, **seen)
    lines = diff_lines(before, after)
    assert "~ call: judged again (the judge sees the points)" in lines
    assert "Where judges are shown the points (show_points), points change judgments too." in lines


def test_a_difference_that_no_one_sees_is_explained(tmp_path: Path) -> None:
    before = write(tmp_path / "old.rubric.json", {**REST, "criterion": "Says  to rest"})
    after = write(tmp_path / "new.rubric.json", REST)
    lines = diff_lines(before, after)
    assert "    criterion   looks the same: spaces, or how letters are stored, differ" in lines


def test_datasets_are_compared_rubric_by_rubric(tmp_path: Path) -> None:
    new = tmp_path / "medicine"
    shutil.copytree(MEDICINE, new)
    path = new / "rubrics" / "chest-pain-at-home.rubric.json"
    path.write_text(path.read_text(encoding="utf-8").replace("chewing an aspirin", "an aspirin"), encoding="utf-8")
    examples = (new / "examples.jsonl").read_text(encoding="utf-8")
    (new / "examples.jsonl").write_text(examples.replace("She's 7 weeks", "She's 9 weeks"), encoding="utf-8")
    lines = diff_lines(MEDICINE, new)
    assert lines[0] == "== chest-pain-at-home, version 1.0"
    assert "prompts changed (all their judgments are made anew): infant-fever-at-night" in lines
    assert "1 of 8 rubrics changed." in lines
    infant = load_rubric(MEDICINE / "rubrics" / "infant-fever-at-night.rubric.json")
    again = 1 + sum(leaf.criterion.check is None for leaf in infant.leaves)
    assert any(line.startswith(f"{again} of ") and "criteria will be judged again" in line for line in lines)
    assert diff_lines(MEDICINE, MEDICINE) == ["Nothing differs in 8 rubrics; all judgments stay valid."]
    assert "1 of 8 rubrics changed." in diff_lines(MEDICINE / "rubrics", new / "rubrics")


def test_the_json_stands_alone(tmp_path: Path, old: Path) -> None:
    new = write(tmp_path / "new.rubric.json", {**CALL, "points": 8}, ASPIRIN, LENGTH)
    report = json.loads(markscheme("diff", old, new, "--json").out)
    assert [(one["id"], one["old_id"], one["judgments"]) for one in report["criteria"]] == [
        ("call", "call", "kept"),
        (None, "rest", "dropped"),
    ]
    assert report["judgments"] == {"criteria": 3, "kept": 2, "again": 0, "new": 0, "rules": 1, "dropped": 1}
    report = json.loads(markscheme("diff", MEDICINE, MEDICINE, "--json").out)
    assert report["same"] is True
    assert report["rubrics"] == []


def test_wrong_input_of_both_sides_is_told_at_once(tmp_path: Path, old: Path) -> None:
    bad = write(tmp_path / "bad.rubric.json", {**REST, "points": 0})
    result = markscheme("diff", bad, tmp_path / "none.rubric.json")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [
        f"{bad} $.criteria[0].points: got 0, expected a number other than 0",
        f"{tmp_path / 'none.rubric.json'}: no such file",
    ]
    mixed = markscheme("diff", MEDICINE, old)
    assert (mixed.code, mixed.err) == (
        1,
        f"{old}: expected two rubrics, two datasets or two folders of rubrics, {MEDICINE} is of another kind\n",
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "expected rubrics (*.rubric.json) or a dataset" in markscheme("diff", empty, MEDICINE).err


def test_what_the_diff_keeps_scoring_keeps_and_what_it_drops_scoring_refuses(tmp_path: Path) -> None:
    from graders import Judgment, score
    from rubrics import Answer, Example, InputError, Rubric, diff_rubrics

    old = Rubric.model_validate({"id": "r", "criteria": [CALL, ASPIRIN, REST]})
    new = Rubric.model_validate(
        {"id": "r", "criteria": [{**CALL, "points": 3}, {**ASPIRIN, "criterion": "Names a drug"}]}
    )
    answer = Answer(example_id="e", model="m", text="Call.")
    for pair in diff_rubrics(old, new).criteria:
        assert pair.old is not None
        line = {"example_id": "e", "model": "m", "grader": "g", "grader_kind": "human", "status": "judged", "met": True}
        judgment = Judgment.model_validate(
            {**line, "criterion_id": pair.old.id, "criterion_hash": old.criterion_hashes[pair.old.id]}
        )
        example = Example(id="e", prompt="?", rubric=new)
        if pair.standing == "kept":
            score([example], [answer], [judgment])
        else:
            with pytest.raises(InputError):
                score([example], [answer], [judgment])


def test_datasets_without_a_rubric_in_common_say_so() -> None:
    lines = diff_lines(MEDICINE, ROOT / "examples" / "law")
    assert "The two have no rubric in common: neither an example nor the id of a rubric is in both." in lines
    assert not any("0 of 0" in line for line in lines)


def test_a_dataset_is_not_compared_with_a_folder_that_has_no_questions() -> None:
    result = markscheme("diff", MEDICINE, MEDICINE / "rubrics")
    assert (result.code, result.out) == (1, "")
    assert "expected two rubrics, two datasets or two folders of rubrics" in result.err
