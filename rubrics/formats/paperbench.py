"""A graded PaperBench tree: requirements with weights, and a grader's 0 or 1 on each leaf.

The tree becomes one example whose rubric has the root's children as criteria; inner nodes are groups,
leaves are criteria, weights are points, ids are the source's. Both score alike, level by level: children of
weights 1 and 3, the second met, give 3 / 4 = 0.75. The root's own score stands in the answer's
`metadata.paperbench.source_score`.

What belongs to the rubric is in `metadata.paperbench` of example, group and criterion, so that two
submissions to one paper have equal rubrics; what belongs to the grading is in that of the answer (inner
nodes, by id) and the judgment (leaves). Nulls are left out. Three things differ from the source, none of
them silently:

- A node of weight 0 carries no points: it is left out, and noted.
- A leaf without a valid score is a failed judgment. The source counts it as 0, and so does `source_score`.
- A leaf's score between 0 and 1, and a node whose children all weigh 0, cannot be carried and are refused.

Source: Starace et al., PaperBench: Evaluating AI's Ability to Replicate AI Research (2025).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from rubrics.answer import Answer, answer_hash
from rubrics.errors import InputError, Mistake, Mistakes
from rubrics.example import Example
from rubrics.formats.converted import Converted
from rubrics.load import parse_row, read_json
from rubrics.model import CriterionId, Id, Many, Model, Number, Text, WrittenText, show
from rubrics.rubric import Rubric

GRADER = "paperbench-grader"
SUBMISSION = "submission"
NO_TEXT = "(The source holds the grading of this submission, not the submission itself.)"

_OF_THE_GRADING = ("judge_metadata",)


class PaperBenchNode(Model):
    """One node of a graded tree; a leaf where it has no sub-tasks."""

    model_config = ConfigDict(extra="allow")

    id: CriterionId
    """The node's id, unique in the tree."""
    requirements: WrittenText
    """What is asked."""
    weight: Annotated[Number, Field(ge=0)]
    """The node's weight among its siblings."""
    score: Number
    """What the node earned: 0 or 1 on a leaf."""
    valid_score: bool
    """Whether the grader gave a score."""
    task_category: Annotated[Id, Field(max_length=256)] | None = None
    """The kind of task, on leaves."""
    explanation: Text | None = None
    """The grader's reason."""
    sub_tasks: Annotated[tuple[PaperBenchNode, ...], Many] = ()
    """The node's children."""

    @property
    def for_the_rubric(self) -> dict[str, Any]:
        """The fields without a place of their own that do not depend on the submission."""
        return self._extra(of_the_grading=False)

    @property
    def for_the_grading(self) -> dict[str, Any]:
        """The fields without a place of their own that a grader wrote."""
        return self._extra(of_the_grading=True)

    def _extra(self, *, of_the_grading: bool) -> dict[str, Any]:
        extra = self.model_extra or {}
        wanted = {name for name in extra if (name in _OF_THE_GRADING) == of_the_grading}
        return {name: value for name, value in extra.items() if name in wanted and value is not None}


def load_paperbench(path: Path) -> Converted:
    """Read one graded PaperBench tree; InputError has every mistake in it."""
    file = str(path)
    mistakes = Mistakes()
    value, faults = read_json(path)
    mistakes.extend(faults)
    if isinstance(value, dict) and "requirements" in value and "score" not in value:
        raise InputError(Mistake(file, "missing, expected 'score': this tree is not graded", "$"))
    root = parse_row(PaperBenchNode, value, mistakes, file=file, line=None)
    mistakes.raise_if_any()
    assert root is not None
    reading = _Reading(file, mistakes)
    criteria = reading.criteria(root)
    mistakes.raise_if_any()
    rubric = parse_row(Rubric, {"id": root.id, "criteria": criteria}, mistakes, file=file, line=None)
    mistakes.raise_if_any()
    assert rubric is not None
    return _converted(root, rubric, reading)


class _Reading:
    """One pass over the tree: what is carried, and what is wrong or left out."""

    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self.file = file
        self.mistakes = mistakes
        self.notes: list[str] = []
        self.leaves: list[PaperBenchNode] = []
        self.inner: list[PaperBenchNode] = []
        self._paths: dict[str, str] = {}

    def criteria(self, root: PaperBenchNode) -> list[dict[str, Any]]:
        """The root's children, or the root itself where it is the only node."""
        self._paths[root.id] = "$"
        if root.sub_tasks:
            return self._children(root, "$")
        if root.weight == 0:
            self._note("$.weight", "0 at the root, which has no siblings: its one criterion gets 1 point")
        return [self._leaf(root, "$", points=root.weight or 1)]

    def _children(self, node: PaperBenchNode, path: str) -> list[dict[str, Any]]:
        self.inner.append(node)
        self._compare_score(node, path)
        carried: list[dict[str, Any]] = []
        for index, child in enumerate(node.sub_tasks):
            here = f"{path}.sub_tasks[{index}]"
            first = self._paths.setdefault(child.id, here)
            if first != here:
                message = f"got {child.id!r}, expected an id of its own, {first} has the same"
                self.mistakes.add(self.file, message, f"{here}.id")
            if child.weight == 0:
                inside = f" with its {_count(child)} leaves" if child.sub_tasks else ""
                self._note(here, f"weight 0, left out{inside}")
            elif child.sub_tasks:
                carried.append(self._group(child, here))
            else:
                carried.append(self._leaf(child, here, points=child.weight))
        if not carried:
            message = "got only weights of 0, expected at least one above 0"
            self.mistakes.add(self.file, message, f"{path}.sub_tasks")
        return carried

    def _group(self, node: PaperBenchNode, path: str) -> dict[str, Any]:
        group: dict[str, Any] = {"id": node.id, "title": node.requirements, "points": node.weight}
        extra = node.for_the_rubric
        if node.task_category is not None:
            extra = {"task_category": node.task_category, **extra}
        if extra:
            group["metadata"] = {"paperbench": extra}
        return {**group, "children": self._children(node, path)}

    def _leaf(self, node: PaperBenchNode, path: str, *, points: float) -> dict[str, Any]:
        self.leaves.append(node)
        if node.valid_score and node.score not in (0, 1):
            message = f"got {show(node.score)}, expected 0 or 1: a leaf is met or not"
            self.mistakes.add(self.file, message, f"{path}.score")
        leaf: dict[str, Any] = {"id": node.id, "criterion": node.requirements, "points": points}
        if node.task_category is not None:
            leaf["tags"] = [f"category:{node.task_category}"]
        if extra := node.for_the_rubric:
            leaf["metadata"] = {"paperbench": extra}
        return leaf

    def _compare_score(self, node: PaperBenchNode, path: str) -> None:
        weights = math.fsum(child.weight for child in node.sub_tasks)
        earned = math.fsum(child.weight * child.score for child in node.sub_tasks)
        expected = earned / weights if weights else 0.0
        if abs(expected - node.score) > 1e-9:
            self._note(f"{path}.score", f"is {node.score}, its sub-tasks give {expected}")

    def _note(self, path: str, message: str) -> None:
        self.notes.append(f"{self.file} {path}: {message}")


def _count(node: PaperBenchNode) -> int:
    return sum(map(_count, node.sub_tasks)) if node.sub_tasks else 1


def _converted(root: PaperBenchNode, rubric: Rubric, reading: _Reading) -> Converted:
    example = Example(
        id=root.id,
        prompt=root.requirements,
        rubric=rubric,
        metadata={"paperbench": {"weight": root.weight, **root.for_the_rubric}},
    )
    graded: dict[str, Any] = {"source_score": root.score}
    if reading.inner:
        graded["nodes"] = {node.id: _graded(node) for node in reading.inner}
    answer = Answer(example_id=root.id, model=SUBMISSION, text=NO_TEXT, metadata={"paperbench": graded})
    hashes = {"answer_hash": answer_hash(example, answer)}
    judgments = [
        {**_judgment(leaf, root.id), "criterion_hash": rubric.criterion_hashes[leaf.id], **hashes}
        for leaf in reading.leaves
    ]
    return Converted([example], [answer], judgments, reading.notes)


def _graded(node: PaperBenchNode) -> dict[str, Any]:
    graded = {"score": node.score, "valid_score": node.valid_score, **node.for_the_grading}
    return {**graded, "explanation": node.explanation} if node.explanation else graded


def _judgment(leaf: PaperBenchNode, example_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "example_id": example_id,
        "model": SUBMISSION,
        "criterion_id": leaf.id,
        "grader": GRADER,
        "grader_kind": "human",
    }
    extra = leaf.for_the_grading
    if leaf.valid_score:
        row |= {"status": "judged", "met": leaf.score == 1}
    else:
        extra = {"score": leaf.score, **extra}
        message = "the source gives no valid score (valid_score is false)"
        row |= {"status": "failed", "failure": {"kind": "grader", "message": message}}
    if leaf.explanation:
        row["explanation"] = leaf.explanation
    return {**row, "metadata": {"paperbench": extra}} if extra else row
