"""`markscheme preview`: what a rubric can score."""

import json
from math import fsum, isclose
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from api.cli.preview import render_preview
from graders import build_judge_prompt, preview_rubric
from graders.scoring import plan_rubric
from graders.scoring.tree import weigh
from rubrics import Group, Rubric, load_dataset, load_rubric
from tests.command import markscheme
from tests.rubrics.strategies import rubrics

ROOT = Path(__file__).resolve().parents[2]
MEDICINE = ROOT / "examples" / "medicine"
CHEST_PAIN = MEDICINE / "rubrics" / "chest-pain-at-home.rubric.json"
SHIPPED = sorted((ROOT / "examples").rglob("*.rubric.json"))


def rubric(*criteria: dict[str, Any], **fields: Any) -> Rubric:
    return Rubric.model_validate({"id": "r", "criteria": list(criteria), **fields})


CALL = {"id": "call", "criterion": "Says to call", "points": 6, "gate": {"when": "unmet", "cap": 0.1}}
LENGTH = {"id": "length", "criterion": "Stays short", "points": 4, "check": {"max_words": 100}}
DOSE = {"id": "dose", "criterion": "Names a dose", "points": -5, "gate": {"when": "met", "cap": 0.0}}


def test_typical_answers_get_what_is_worked_by_hand() -> None:
    preview = preview_rubric(rubric(CALL, LENGTH, DOSE))
    outcomes = {one.name: (one.score, one.ungated, one.capped_by) for one in preview.outcomes}
    assert outcomes == {
        "best": (1.0, 1.0, ()),
        "everything": (0.0, 0.5, ("dose",)),  # (6 + 4 − 5) / 10
        "empty": (0.1, 0.4, ("call",)),  # the check is met by saying nothing
        "worst": (-0.5, -0.5, ()),
    }
    assert (preview.gated.least, preview.gated.greatest) == (-0.5, 1.0)
    assert (preview.ungated.least, preview.ungated.greatest) == (-0.5, 1.0)
    assert preview.outcome("empty").credited == ("length",)


def test_a_gate_that_caps_from_below_bounds_what_is_possible() -> None:
    always = {**CALL, "id": "always", "gate": {"when": "unmet", "cap": -2}}
    preview = preview_rubric(rubric(always, LENGTH))
    assert preview.gated.least == -2
    assert preview.ungated.least == 0


def test_a_tree_shares_its_points_by_their_effect() -> None:
    group = {"id": "g", "points": 6, "children": [{**LENGTH, "points": 1}, {**CALL, "points": 2, "gate": None}, DOSE]}
    nodes = {one.node.id: one for one in preview_rubric(rubric(group, {**LENGTH, "id": "other"})).nodes}
    assert [(name, one.depth) for name, one in nodes.items()] == [
        ("g", 0),
        ("length", 1),
        ("call", 1),
        ("dose", 1),
        ("other", 0),
    ]
    assert {name: one.effective for name, one in nodes.items()} == {
        "g": 6,
        "length": 2,
        "call": 4,
        "dose": -10,
        "other": 4,
    }
    assert nodes["call"].share == 0.4


@settings(max_examples=40)
@given(rubrics())
def test_shares_are_the_scorings_effective_points_and_add_up_to_one(one: Rubric) -> None:
    plan = plan_rubric(one)
    nodes = [node for node in preview_rubric(one).nodes if not isinstance(node.node, Group)]
    effective = weigh(plan, [0.0] * len(plan.ids)).effective
    assert all(isclose(node.effective, weight or 0.0) for node, weight in zip(nodes, effective, strict=True))
    if any(node.points > 0 for node in one.criteria):
        assert isclose(fsum(node.share for node in nodes if node.effective > 0), 1.0)


@settings(max_examples=40)
@given(rubrics())
def test_no_typical_answer_lies_outside_of_what_is_possible(one: Rubric) -> None:
    preview = preview_rubric(one)
    for outcome in preview.outcomes:
        for score, extent in ((outcome.score, preview.gated), (outcome.ungated, preview.ungated)):
            if score is not None and extent.least is not None and extent.greatest is not None:
                assert extent.least - 1e-9 <= score <= extent.greatest + 1e-9


def test_an_answer_without_a_score_says_why(tmp_path: Path) -> None:
    when = {"criterion": "dose", "when": "unmet"}
    one = rubric({**CALL, "gate": None, "depends_on": when}, {**DOSE, "gate": None})
    assert preview_rubric(one).outcome("everything").reason == "all_negative"
    path = tmp_path / "a.rubric.json"
    path.write_text(json.dumps(one.as_json()), encoding="utf-8")
    assert "–  no score: only faults apply" in markscheme("preview", path).out


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_rubric_fits_a_screen(path: Path) -> None:
    lines = markscheme("preview", path).out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


def test_gates_conditions_and_checks_are_told_in_words() -> None:
    out = markscheme("preview", CHEST_PAIN).out
    for words in (
        "must-have: where it is missed, the answer scores at most 0",
        "veto: where it is met, the answer scores at most 0",
        "applies only where aspirin is met",
        "by rule: the answer has at most 220 words",
        "graded: alarming or offhand 0% | mixed 50% | calm and firm 100%",
        "20.4 %      +10  call-now",
        "capped by call-now; met by saying nothing: length",
    ):
        assert words in out


def test_the_prompt_is_what_a_judge_is_sent_for_the_first_criterion() -> None:
    example = next(one for one in load_dataset(MEDICINE) if one.id == "chest-pain-at-home")
    sent = build_judge_prompt(load_rubric(CHEST_PAIN), example)
    assert sent is not None
    assert sent.criterion_id == "call-now"
    out = markscheme("preview", CHEST_PAIN, "--example", f"{MEDICINE}:chest-pain-at-home").out
    for message in sent.messages:
        assert message["content"] in out
    assert "heavy squeezing feeling" in out
    assert "(here stands the answer to judge)" in out
    assert "the prompt of an example" in markscheme("preview", CHEST_PAIN, "--prompt").out


def test_where_rules_decide_everything_no_judge_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    path.write_text(json.dumps({"id": "a", "criteria": [LENGTH]}), encoding="utf-8")
    assert markscheme("preview", path, "--prompt").out.endswith("No judge is asked: rules decide every criterion.\n")


def test_the_json_stands_alone_and_holds_the_same() -> None:
    report = json.loads(markscheme("preview", CHEST_PAIN, "--prompt", "--json").out)
    assert report["answers"]["everything"]["capped_by"] == ["spray-advised"]
    assert report["score"]["gated"]["greatest"] == 1.0
    assert report["nodes"][0]["share"] == 10 / 49
    assert report["prompt"]["messages"][0]["role"] == "system"
    assert json.loads(markscheme("preview", CHEST_PAIN, "--json").out)["prompt"] is None


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("nowhere", "--example: got 'nowhere', expected DATASET:ID"),
        ("nowhere:x", "--example: no such dataset as 'nowhere'"),
        (f"{MEDICINE}:x", "--example: got 'x', expected the id of an example (known: "),
    ],
)
def test_a_wrong_example_is_told_plainly(example: str, message: str) -> None:
    result = markscheme("preview", CHEST_PAIN, "--example", example)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(message)


def test_mistakes_are_told_as_check_tells_them(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    path.write_text('{"id": "r", "criteria": [{"criterion": "a", "points": 0}]}', encoding="utf-8")
    result = markscheme("preview", path)
    assert (result.code, result.err) == (1, markscheme("check", path).out)


def test_points_of_any_size_stay_in_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    odd = [{**LENGTH, "points": 1 / 3}, {**DOSE, "points": -1e9, "gate": None}]
    path.write_text(json.dumps({"id": "r", "scoring": {"normalize": "sum"}, "criteria": odd}), encoding="utf-8")
    lines = markscheme("preview", path).out.splitlines()
    head, first, second = (lines[place] for place in (3, 4, 6))
    assert head.index("criterion") == first.index("length") == second.index("dose")
    assert "+0.33" in first
    answers = lines[-6:-1]
    assert len({line.index(".") for line in answers[1:]}) == 1


def test_wording_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    path.write_text(json.dumps({"id": "r", "criteria": [{"criterion": "a\x1b[2Jb", "points": 1}]}), encoding="utf-8")
    for out in (markscheme("preview", path, "--prompt").out, markscheme("diff", path, CHEST_PAIN).out):
        assert "\x1b" not in out


def test_a_share_too_small_to_show_is_not_shown_as_none(tmp_path: Path) -> None:
    path = tmp_path / "a.rubric.json"
    many = [{"criterion": f"Names town {number}", "points": -3 if number == 1 else 2} for number in range(4000)]
    path.write_text(json.dumps({"id": "r", "criteria": many}), encoding="utf-8")
    lines = markscheme("preview", path).out.splitlines()
    assert lines[1].startswith("4,000 criteria: 3,999 earn points, 1 fault costs points")
    assert [line.split()[:2] for line in lines[4:6]] == [["<0.1", "%"], ["−<0.1", "%"]]


@pytest.mark.parametrize("width", [60, 100])
def test_every_option_of_a_scale_and_every_condition_is_told_whole(width: int) -> None:
    one = load_rubric(ROOT / "examples" / "accounting" / "rubrics" / "cash-flow-13-weeks.rubric.json")
    lines = list(render_preview(one, preview_rubric(one), width))
    assert max(map(len, lines)) <= width
    told = " ".join(" ".join(lines).split())
    assert "some of W8 to W13 40% | a week that is not below 20% | none 0%" in told
    assert "applies only where covenant-weeks is met" in told
