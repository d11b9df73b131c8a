"""What changed between two states of a rubric or a dataset, and which judgments stay."""

from typing import Any

import pytest
from hypothesis import given, settings

from rubrics import (
    Answer,
    CriterionDiff,
    DatasetState,
    Example,
    Rubric,
    RubricDiff,
    answer_hash,
    diff_datasets,
    diff_json,
    diff_rubrics,
)
from tests.rubrics.strategies import rubrics


def rubric(*criteria: dict[str, Any], **fields: Any) -> Rubric:
    return Rubric.model_validate({"id": "r", "criteria": list(criteria), **fields})


def leaf(name: str | None, text: str | None = None, points: float = 5, **fields: Any) -> dict[str, Any]:
    named = {} if name is None else {"id": name}
    return {**named, "criterion": text or f"Names {name}", "points": points, **fields}


def group(name: str, *children: dict[str, Any], points: float = 5, **fields: Any) -> dict[str, Any]:
    return {"id": name, "points": points, "children": list(children), **fields}


def found(diff: RubricDiff, name: str) -> CriterionDiff:
    return next(pair for pair in diff.criteria if pair.id == name)


@settings(max_examples=40)
@given(rubrics())
def test_a_rubric_does_not_differ_from_itself(same: Rubric) -> None:
    diff = diff_rubrics(same, same)
    assert diff.is_same
    assert diff.count("kept", "rules") == len(same.leaves)
    assert not any(pair.because for pair in diff.criteria)


@pytest.mark.parametrize(
    "change",
    [
        {"points": 8},
        {"points": -8},
        {"tags": ["axis:safety"]},
        {"gate": {"when": "unmet", "cap": 0}},
        {"depends_on": {"criterion": "b", "when": "met"}},
        {"rationale": "It is so."},
        {"source": "A guideline"},
        {"metadata": {"a": 1}},
    ],
)
def test_what_only_scores_see_keeps_judgments(change: dict[str, Any]) -> None:
    old = rubric(leaf("a"), leaf("b"))
    new = rubric({**leaf("a"), **change}, leaf("b"))
    pair = found(diff_rubrics(old, new), "a")
    assert [one.field for one in pair.fields] == list(change)
    assert (pair.standing, pair.because) == ("kept", ())
    assert old.criterion_hashes == new.criterion_hashes


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"criterion": "Names a drug"}, "criterion"),
        ({"criterion": "Names a "}, "criterion"),
        ({"scale": {"type": "count", "max_count": 3}}, "scale"),
        ({"evidence": "required"}, "evidence"),
        ({"may_not_apply": True}, "may_not_apply"),
    ],
)
def test_what_a_judge_sees_is_judged_again(change: dict[str, Any], reason: str) -> None:
    old, new = rubric(leaf("a"), leaf("b")), rubric({**leaf("a"), **change}, leaf("b"))
    diff = diff_rubrics(old, new)
    assert (found(diff, "a").standing, found(diff, "a").because) == ("again", (reason,))
    assert found(diff, "b").standing == "kept"
    assert old.criterion_hashes["a"] != new.criterion_hashes["a"]


def test_an_option_that_earns_otherwise_is_judged_again_as_the_hash_says() -> None:
    def scale(credit: float) -> dict[str, Any]:
        options = [{"label": "bad", "credit": 0}, {"label": "good", "credit": credit}]
        return {"scale": {"type": "ordinal", "options": options}}

    pair = found(diff_rubrics(rubric(leaf("a", **scale(1))), rubric(leaf("a", **scale(0.9)))), "a")
    assert (pair.standing, pair.because) == ("again", ("scale",))


def test_numbers_written_otherwise_are_one_number_of_points_but_two_scales() -> None:
    assert diff_rubrics(rubric(leaf("a", points=5)), rubric(leaf("a", points=5.0))).is_same
    scales = ({"scale": {"type": "number", "min": 0, "max": top}} for top in (5, 5.0))
    old, new = (rubric(leaf("a", **scale)) for scale in scales)
    assert old.criterion_hashes != new.criterion_hashes
    assert found(diff_rubrics(old, new), "a").because == ("scale",)


def test_another_id_loses_the_judgments_although_the_wording_stays() -> None:
    pair = found(diff_rubrics(rubric(leaf("a", "Names a drug")), rubric(leaf("drug", "Names a drug"))), "drug")
    assert pair.old is not None
    assert (pair.old.id, pair.changes, pair.because) == ("a", ("renamed",), ("id",))


def test_changed_guidelines_make_everything_anew() -> None:
    diff = diff_rubrics(rubric(leaf("a"), leaf("b")), rubric(leaf("a"), leaf("b"), guidelines="Be strict."))
    assert diff.guidelines_changed
    assert [(pair.standing, pair.because) for pair in diff.criteria] == [("again", ("guidelines",))] * 2


def test_criteria_without_ids_are_followed_by_their_wording() -> None:
    old = rubric(leaf(None, "Names A"), leaf(None, "Names B"))
    new = rubric(leaf(None, "Names X"), leaf(None, "Names A"), leaf(None, "Names B"))
    diff = diff_rubrics(old, new)
    assert [(pair.id, pair.changes) for pair in diff.criteria] == [
        ("c1", ("added",)),
        ("c2", ("renamed",)),
        ("c3", ("renamed",)),
    ]
    assert diff.count("again") == 2


def test_a_reworded_criterion_without_an_id_is_followed_by_its_position() -> None:
    diff = diff_rubrics(rubric(leaf(None, "Names A")), rubric(leaf(None, "Names all of A")))
    assert [pair.changes for pair in diff.criteria] == [("changed",)]


def test_added_removed_and_moved_criteria_are_told_apart() -> None:
    old = rubric(leaf("a"), leaf("b"), leaf("c"), group("history", leaf("d")))
    new = rubric(leaf("a"), group("history", leaf("d"), leaf("b")), leaf("e"))
    diff = diff_rubrics(old, new)
    changes = {pair.id: (pair.changes, pair.standing) for pair in diff.criteria if pair.changes}
    assert changes == {
        "b": (("moved",), "kept"),
        "e": (("added",), "new"),
        "c": (("removed",), "dropped"),
    }
    move = found(diff, "b").move
    assert move is not None
    assert (move.old, move.new) == (None, "history")


def test_a_group_that_is_renamed_moves_no_criterion() -> None:
    old = rubric(group("history", leaf("a"), title="History"))
    new = rubric(group("anamnesis", leaf("a"), title="History", points=8))
    diff = diff_rubrics(old, new)
    assert not found(diff, "a").changes
    (changed,) = diff.groups
    assert changed.old is not None
    assert changed.new is not None
    assert (changed.old.id, changed.new.id) == ("history", "anamnesis")
    assert [one.field for one in changed.fields] == ["points"]


def test_a_new_group_without_an_id_moves_only_what_it_takes_in() -> None:
    untitled = {"points": 3, "children": [leaf("a"), leaf("b")]}
    other = {"points": 3, "children": [leaf("c")]}
    diff = diff_rubrics(rubric(untitled, leaf("c")), rubric(other, untitled))
    assert {pair.id: pair.changes for pair in diff.criteria} == {"a": (), "b": (), "c": ("moved",)}


def test_another_order_changes_no_judgment() -> None:
    diff = diff_rubrics(rubric(leaf("a"), leaf("b")), rubric(leaf("b"), leaf("a")))
    assert diff.reordered
    assert not diff.is_same
    assert diff.count("kept") == 2


def test_a_criterion_put_in_between_is_no_other_order() -> None:
    old = rubric(leaf("a"), group("g", leaf("b"), leaf("c")))
    new = rubric(leaf("x"), leaf("a"), group("g", leaf("b"), leaf("y"), leaf("c")))
    assert not diff_rubrics(old, new).reordered


def test_checks_are_decided_by_rule_and_never_judged_again() -> None:
    checked = leaf("a", check={"max_words": 100})
    shorter = leaf("a", check={"max_words": 90})
    assert found(diff_rubrics(rubric(checked, leaf("b")), rubric(shorter, leaf("b"))), "a").standing == "rules"
    assert found(diff_rubrics(rubric(checked, leaf("b")), rubric(leaf("a"), leaf("b"))), "a").because == ("check",)


@pytest.mark.parametrize(
    ("before", "after", "points", "because"),
    [
        ({"show_points": True}, {"show_points": True}, 8, ("points_shown",)),
        ({"show_points": True}, {"show_points": True}, 5, ()),
        ({}, {"show_points": True}, 5, ("points_shown",)),
        ({}, {"empty_answer": "ask"}, 5, ("empty_answer",)),
    ],
)
def test_what_else_a_judge_is_shown_counts_too(
    before: dict[str, Any], after: dict[str, Any], points: float, because: tuple[str, ...]
) -> None:
    diff = diff_rubrics(rubric(leaf("a"), judging=before), rubric(leaf("a", points=points), judging=after))
    assert found(diff, "a").because == because


def test_a_judgment_stays_exactly_where_its_key_in_a_run_does() -> None:
    from graders import Call, RubricDigest, cell_keys

    states = [
        rubric(leaf("a"), leaf("b", points=-2)),
        rubric(leaf("a", points=3), leaf("b", "Names c", points=-2)),
        rubric(leaf("a"), leaf("b", points=-2), guidelines="Be strict."),
        rubric(leaf("a"), leaf("b", points=-3), judging={"show_points": True}),
        rubric(leaf("a", points=1), leaf("b", points=-3), judging={"show_points": True}),
        rubric(leaf("a"), leaf("b", points=-2), judging={"empty_answer": "ask"}),
    ]

    def keys(state: Rubric) -> dict[str, str]:
        calls = (Call((one.id,)) for one in state.leaves)
        return {
            name: key
            for call in calls
            for name, key in cell_keys(RubricDigest.of(state), call, "answer", "grader").items()
        }

    for old in states:
        for new in states:
            stays = {name for name, key in keys(new).items() if keys(old).get(name) == key}
            diff = diff_rubrics(old, new)
            assert {pair.id for pair in diff.criteria if pair.standing == "kept"} == stays


def test_the_json_says_what_changed_and_counts_the_judgments() -> None:
    report = diff_json(diff_rubrics(rubric(leaf("a"), leaf("b")), rubric(leaf("a", points=8), leaf("b"), version="2")))
    assert report["fields"] == [{"field": "version", "old": "1", "new": "2"}]
    (changed,) = report["criteria"]
    assert changed["fields"] == [{"field": "points", "old": 5, "new": 8}]
    assert report["judgments"] == {"criteria": 2, "kept": 2, "again": 0, "new": 0, "rules": 0, "dropped": 0}


def example(name: str, of: Rubric, *, by_id: bool = False, **fields: Any) -> Example:
    row = {"id": name, "prompt": "?", **fields, **({"rubric_id": of.id} if by_id else {"rubric": of})}
    return Example.model_validate(row, context={"rubrics": {of.id: of}})


def test_a_changed_rubric_counts_once_for_each_example_that_it_judges() -> None:
    old, new = rubric(leaf("a"), leaf("b")), rubric(leaf("a"), leaf("b", "Names c"))
    before = DatasetState.of([old], [example("e1", old, by_id=True), example("e2", old, by_id=True)])
    after = DatasetState.of([new], [example("e1", new, by_id=True), example("e2", new, by_id=True)])
    diff = diff_datasets(before, after)
    (pair,) = diff.rubrics
    assert (pair.name, pair.examples) == ("r", ("e1", "e2"))
    assert (diff.judged.kept, diff.judged.again) == (2, 2)


def test_another_prompt_or_reference_makes_an_examples_judgments_anew() -> None:
    one = rubric(leaf("a"), leaf("length", check={"max_words": 9}))
    before = DatasetState.of([], [example("e1", one), example("e2", one), example("e3", one)])
    after = DatasetState.of(
        [], [example("e1", one, prompt="Why?"), example("e2", one, references=["So."]), example("e3", one)]
    )
    diff = diff_datasets(before, after)
    assert (diff.prompts_changed, diff.references_changed) == (("e1",), ("e2",))
    assert (diff.judged.again, diff.judged.kept, diff.judged.rules) == (2, 1, 3)


def test_added_and_removed_examples_and_rubrics_are_named() -> None:
    one, other = rubric(leaf("a")), rubric(leaf("z"), id="other")
    before = DatasetState.of([one], [example("e1", one, by_id=True), example("e2", one, by_id=True)])
    after = DatasetState.of([one, other], [example("e1", one, by_id=True), example("e3", other, by_id=True)])
    diff = diff_datasets(before, after)
    assert (diff.examples_added, diff.examples_removed) == (("e3",), ("e2",))
    assert (diff.rubrics_added, diff.rubrics_removed) == (("other",), ())
    assert (diff.judged.new, diff.judged.kept) == (1, 1)


def test_folders_of_rubrics_alone_are_paired_by_id() -> None:
    diff = diff_datasets(DatasetState.of([rubric(leaf("a"))]), DatasetState.of([rubric(leaf("a", points=9))]))
    assert [pair.name for pair in diff.rubrics] == ["r"]
    assert diff.judged.kept == 1


def test_a_prompt_is_another_one_exactly_where_the_answer_hash_says_so() -> None:
    one = rubric(leaf("a"))
    turns = [{"role": "user", "content": "?"}]
    before, after = example("e1", one), example("e1", one, prompt=turns)
    answer = Answer(example_id="e1", model="m", text="So.")
    diff = diff_datasets(DatasetState.of([], [before]), DatasetState.of([], [after]))
    assert (diff.prompts_changed == ("e1",)) == (answer_hash(before, answer) != answer_hash(after, answer))
