"""A graded PaperBench tree: our tree of groups and leaves gives the source's own score."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.judgment import Judgment
from rubrics import Criterion, Example, Group, InputError
from rubrics.formats.converted import Converted
from rubrics.formats.paperbench import GRADER, SUBMISSION, load_paperbench
from tests.shared_data import shared_data

TREES = ["semantic-self-consistency", "stay-on-topic-with-classifier-free-guidance"]


def leaf(name: str, score: float = 1.0, *, weight: float = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "requirements": f"Task {name}",
        "weight": weight,
        "score": score,
        "valid_score": True,
        "task_category": "Code Development",
        "explanation": "",
        "judge_metadata": None,
        "sub_tasks": [],
        **fields,
    }


def inner(name: str, *children: dict[str, Any], weight: float = 1, **fields: Any) -> dict[str, Any]:
    total = sum(child["weight"] for child in children)
    score = sum(child["weight"] * child["score"] for child in children) / total if total else 0.0
    return leaf(name, score, weight=weight, task_category=None, sub_tasks=list(children), **fields)


def convert(tree: dict[str, Any], folder: Path) -> Converted:
    path = folder / "tree.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return load_paperbench(path)


def score_of(nodes: tuple[Criterion | Group, ...], met: dict[str, bool]) -> float:
    """The plain recursive mean, weighted by points: the formula of the paper, not our scorer."""
    points = math.fsum(node.points for node in nodes)
    earned = math.fsum(
        node.points * (score_of(node.children, met) if isinstance(node, Group) else float(met[node.id]))
        for node in nodes
    )
    return earned / points


def score_from_judgments(converted: Converted) -> float:
    judgments = [Judgment.model_validate(row) for row in converted.judgments]
    met = {judgment.criterion_id: bool(judgment.met) for judgment in judgments}
    return score_of(converted.examples[0].rubric.criteria, met)


def source_score(converted: Converted) -> float:
    return float(converted.answers[0].metadata["paperbench"]["source_score"])


TREE = inner(
    "root",
    inner("a", leaf("a1", 0, explanation="Nothing there."), leaf("a2", weight=3), weight=2),
    leaf("b", 0),
    weight=7,
    explanation="Aggregated score from sub-tasks.",
)


def test_children_of_the_root_are_the_rubric_and_weights_are_points(tmp_path: Path) -> None:
    (example,) = convert(TREE, tmp_path).examples
    assert (example.id, example.prompt, example.rubric.id) == ("root", "Task root", "root")
    group, single = example.rubric.criteria
    assert isinstance(group, Group) and isinstance(single, Criterion)
    assert (group.id, group.title, group.points) == ("a", "Task a", 2)
    assert [(child.id, child.points) for child in group.children] == [("a1", 1), ("a2", 3)]
    assert (single.id, single.criterion, single.points, single.tags) == (
        "b",
        "Task b",
        1,
        ("category:Code Development",),
    )


def test_the_worked_number(tmp_path: Path) -> None:
    # Group a: 3 of 4. Root: (2 · 3/4 + 1 · 0) / 3 = 0.5.
    converted = convert(TREE, tmp_path)
    assert score_from_judgments(converted) == source_score(converted) == 0.5
    assert converted.notes == []


def test_one_answer_says_that_the_submission_is_not_in_the_source(tmp_path: Path) -> None:
    (answer,) = convert(TREE, tmp_path).answers
    assert (answer.example_id, answer.model) == ("root", SUBMISSION)
    assert "not the submission itself" in answer.text


def test_each_leaf_has_a_human_judgment_with_its_explanation(tmp_path: Path) -> None:
    rows = convert(TREE, tmp_path).judgments
    assert [(row["criterion_id"], row["met"], row.get("explanation")) for row in rows] == [
        ("a1", False, "Nothing there."),
        ("a2", True, None),
        ("b", False, None),
    ]
    assert {(row["grader"], row["grader_kind"]) for row in rows} == {(GRADER, "human")}


def test_a_leaf_without_a_valid_score_is_a_failed_judgment(tmp_path: Path) -> None:
    broken = leaf("b", 0.0, valid_score=False, explanation="The grader crashed.")
    converted = convert(inner("root", leaf("a"), broken), tmp_path)
    judgment = Judgment.model_validate(converted.judgments[1])
    assert (judgment.status, judgment.met, judgment.explanation) == ("failed", None, "The grader crashed.")
    assert judgment.failure is not None and judgment.failure.kind == "grader"
    assert judgment.metadata == {"paperbench": {"score": 0.0}}
    assert source_score(converted) == 0.5


def test_a_failed_leaf_may_have_any_score(tmp_path: Path) -> None:
    assert convert(inner("root", leaf("a"), leaf("b", 0.3, valid_score=False)), tmp_path).judgments


def test_two_submissions_to_one_paper_have_equal_rubrics(tmp_path: Path) -> None:
    other = json.loads(json.dumps(TREE).replace('"score": 0,', '"score": 1,').replace("Nothing there.", "Fine."))
    first, second = (convert(tree, tmp_path).examples[0].rubric for tree in (TREE, other))
    assert first.content_hash == second.content_hash


def test_what_is_left_over_goes_where_it_belongs(tmp_path: Path) -> None:
    extra = {"finegrained_task_category": "Method", "judge_metadata": {"tokens": 5}}
    group = inner("g", leaf("a", **extra), **extra) | {"task_category": "Code Execution"}
    converted = convert(inner("root", group, **extra), tmp_path)
    (example,), (answer,), (judgment,) = converted.examples, converted.answers, converted.judgments
    assert example.metadata == {"paperbench": {"weight": 1, "finegrained_task_category": "Method"}}
    node = example.rubric.criteria[0]
    assert node.metadata == {"paperbench": {"task_category": "Code Execution", "finegrained_task_category": "Method"}}
    assert example.rubric.leaves[0].criterion.metadata == {"paperbench": {"finegrained_task_category": "Method"}}
    assert judgment["metadata"] == {"paperbench": {"judge_metadata": {"tokens": 5}}}
    assert answer.metadata["paperbench"]["nodes"] == {
        name: {"score": 1.0, "valid_score": True, "judge_metadata": {"tokens": 5}} for name in ("root", "g")
    }


def test_a_node_of_weight_zero_is_left_out_and_noted(tmp_path: Path) -> None:
    nothing = inner("n", leaf("n1", 0), leaf("n2"), weight=0)
    converted = convert(inner("root", leaf("a"), leaf("z", 0, weight=0), nothing), tmp_path)
    assert [each.id for each in converted.examples[0].rubric.leaves] == ["a"]
    assert [row["criterion_id"] for row in converted.judgments] == ["a"]
    assert score_from_judgments(converted) == source_score(converted) == 1.0
    file = tmp_path / "tree.json"
    assert converted.notes == [
        f"{file} $.sub_tasks[1]: weight 0, left out",
        f"{file} $.sub_tasks[2]: weight 0, left out with its 2 leaves",
    ]


@pytest.mark.parametrize(("weight", "points", "notes"), [(3, 3, 0), (0, 1, 1)])
def test_a_tree_may_be_one_leaf(weight: float, points: float, notes: int, tmp_path: Path) -> None:
    converted = convert(leaf("only", weight=weight), tmp_path)
    (only,) = converted.examples[0].rubric.leaves
    assert (only.id, only.criterion.points, len(converted.notes)) == ("only", points, notes)
    assert score_from_judgments(converted) == source_score(converted) == 1.0
    assert "nodes" not in converted.answers[0].metadata["paperbench"]


def test_a_score_that_does_not_follow_from_its_sub_tasks_is_noted(tmp_path: Path) -> None:
    converted = convert({**TREE, "score": 0.9}, tmp_path)
    assert converted.notes == [f"{tmp_path / 'tree.json'} $.score: is 0.9, its sub-tasks give 0.5"]
    assert source_score(converted) == 0.9


@pytest.mark.parametrize("score", [0.5, -1, 2, 1e-9])
def test_a_leaf_is_met_or_not(score: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\$\.sub_tasks\[1\]\.score: got .*, expected 0 or 1"):
        convert(inner("root", leaf("a"), leaf("b", score)), tmp_path)


@st.composite
def trees(draw: st.DrawFn, *, depth: int = 3) -> dict[str, Any]:
    """A graded tree whose every node with children has one of weight above 0."""
    names = iter(range(10_000))

    def node(level: int, *, weighs: bool) -> dict[str, Any]:
        name = f"n{next(names)}"
        weight = draw(st.integers(1, 5) if weighs else st.sampled_from([0, 1, 2, 0.5]))
        if level == 0 or draw(st.booleans()):
            return leaf(name, float(draw(st.booleans())), weight=weight)
        children = [node(level - 1, weighs=index == 0) for index in range(draw(st.integers(1, 4)))]
        return inner(name, *children, weight=weight)

    return node(depth, weighs=True)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(tree=trees())
def test_every_tree_gives_its_own_score(tree: dict[str, Any], tmp_path: Path) -> None:
    converted = convert(tree, tmp_path)
    assert score_from_judgments(converted) == pytest.approx(source_score(converted), abs=1e-12)
    assert len(converted.judgments) == len(converted.examples[0].rubric.leaves)
    assert all("left out" in note for note in converted.notes)


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "leaves"), list(zip(TREES, (79, 116), strict=True)))
def test_a_real_tree_reproduces_its_root_score_from_its_leaves(name: str, leaves: int) -> None:
    path = shared_data(f"paperbench/{name}.json")
    converted = load_paperbench(path)
    root = json.loads(path.read_text(encoding="utf-8"))
    assert source_score(converted) == root["score"]
    assert score_from_judgments(converted) == pytest.approx(root["score"], abs=1e-12)
    assert len(converted.judgments) == len(converted.examples[0].rubric.leaves) == leaves
    assert converted.notes == []


@pytest.mark.realdata
@pytest.mark.parametrize("name", TREES)
def test_every_inner_score_of_a_real_tree_follows_from_its_leaves(name: str) -> None:
    converted = load_paperbench(shared_data(f"paperbench/{name}.json"))
    met = {row["criterion_id"]: row["met"] for row in converted.judgments}
    inner_nodes = converted.answers[0].metadata["paperbench"]["nodes"]
    groups = {group.id: group for each in converted.examples[0].rubric.leaves for group in each.groups}
    assert inner_nodes.keys() == {*groups, converted.examples[0].id}
    for group in groups.values():
        assert score_of(group.children, met) == pytest.approx(inner_nodes[group.id]["score"], abs=1e-12)


@pytest.mark.realdata
@pytest.mark.parametrize("name", TREES)
def test_a_real_tree_survives_our_own_json(name: str) -> None:
    (example,) = load_paperbench(shared_data(f"paperbench/{name}.json")).examples
    assert Example.model_validate(json.loads(json.dumps(example.as_json()))) == example
