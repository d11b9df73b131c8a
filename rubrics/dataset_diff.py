"""What changed between two states of a dataset: its rubrics one by one, its prompts, and what is judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rubrics.diff import RubricDiff, Standing, diff_json, diff_rubrics
from rubrics.example import Example
from rubrics.rubric import Rubric


@dataclass(frozen=True, slots=True)
class PairedRubric:
    """A rubric that both states have."""

    name: str
    """The rubric's id; of a rubric inside an example, the example's id."""
    diff: RubricDiff
    examples: tuple[str, ...]
    """The examples of both states that it judges; empty where none points to it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How many criteria stand how, over all examples (each is one cell of every answer)."""

    kept: int
    again: int
    new: int
    rules: int

    @property
    def all(self) -> int:
        return self.kept + self.again + self.new + self.rules


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """Two states of a dataset."""

    rubrics: tuple[PairedRubric, ...]
    rubrics_added: tuple[str, ...]
    rubrics_removed: tuple[str, ...]
    examples_added: tuple[str, ...]
    examples_removed: tuple[str, ...]
    prompts_changed: tuple[str, ...]
    """Examples whose every judgment is of another question now."""
    references_changed: tuple[str, ...]
    """Examples whose judges are shown other reference answers: a run asks again, recorded judgments hold."""
    judged: Judged

    @property
    def is_same(self) -> bool:
        """Whether nothing that decides judgments or scores differs."""
        return all(pair.diff.is_same for pair in self.rubrics) and not any(
            (
                self.rubrics_added,
                self.rubrics_removed,
                self.examples_added,
                self.examples_removed,
                self.prompts_changed,
                self.references_changed,
            )
        )


@dataclass(frozen=True, slots=True)
class DatasetState:
    """One state of a dataset."""

    rubrics: Mapping[str, Rubric]
    """The rubrics in files of their own, by id."""
    examples: Mapping[str, Example]

    @classmethod
    def of(cls, rubrics: Iterable[Rubric], examples: Iterable[Example] = ()) -> DatasetState:
        """The state that these rubrics and examples make."""
        return cls({rubric.id: rubric for rubric in rubrics}, {example.id: example for example in examples})


def diff_datasets(old: DatasetState, new: DatasetState) -> DatasetDiff:
    """What changed from one state of a dataset to the next; rubrics are paired by the examples that they judge."""
    both = [example_id for example_id in new.examples if example_id in old.examples]
    users: dict[tuple[str, str], list[str]] = {}
    for example_id in both:
        names = (_rubric_name(old.examples[example_id]), _rubric_name(new.examples[example_id]))
        users.setdefault(names, []).append(example_id)
    pairs = [
        PairedRubric(name, diff_rubrics(old.examples[ids[0]].rubric, new.examples[ids[0]].rubric), tuple(ids))
        for (_, name), ids in users.items()
    ]
    paired_old, paired_new = ({names[side] for names in users} for side in (0, 1))
    spare = [name for name in new.rubrics if name in old.rubrics and not {name} & (paired_old | paired_new)]
    pairs += [PairedRubric(name, diff_rubrics(old.rubrics[name], new.rubrics[name]), ()) for name in spare]
    prompts = [id_ for id_ in both if old.examples[id_].prompt != new.examples[id_].prompt]
    references = [id_ for id_ in both if old.examples[id_].references != new.examples[id_].references]
    added = [example_id for example_id in new.examples if example_id not in old.examples]
    return DatasetDiff(
        rubrics=tuple(pairs),
        rubrics_added=tuple(name for name in new.rubrics if name not in old.rubrics and name not in paired_new),
        rubrics_removed=tuple(name for name in old.rubrics if name not in new.rubrics and name not in paired_old),
        examples_added=tuple(added),
        examples_removed=tuple(example_id for example_id in old.examples if example_id not in new.examples),
        prompts_changed=tuple(prompts),
        references_changed=tuple(references),
        judged=_judged(pairs, {*prompts, *references}, [new.examples[example_id].rubric for example_id in added]),
    )


def _rubric_name(example: Example) -> str:
    return example.rubric_id if example.rubric_id is not None else example.id


def _judged(pairs: Iterable[PairedRubric], asked_anew: set[str], added: Iterable[Rubric]) -> Judged:
    counts: dict[Standing, int] = dict.fromkeys(("kept", "again", "new", "rules"), 0)
    for standing in _standings(pairs, asked_anew, added):
        counts[standing] += 1
    return Judged(**counts)


def _standings(pairs: Iterable[PairedRubric], asked_anew: set[str], added: Iterable[Rubric]) -> Iterator[Standing]:
    for pair in pairs:
        # A rubric without examples is counted once.
        for example_id in pair.examples or ("",):
            for criterion in pair.diff.criteria:
                if criterion.standing == "kept" and example_id in asked_anew:
                    yield "again"
                elif criterion.standing != "dropped":
                    yield criterion.standing
    for rubric in added:
        for leaf in rubric.leaves:
            yield "new" if leaf.criterion.check is None else "rules"


def dataset_diff_json(diff: DatasetDiff) -> dict[str, Any]:
    """A dataset's differences as one JSON object; rubrics that are the same are left out."""
    return {
        "same": diff.is_same,
        "rubrics": [
            {"name": pair.name, "examples": list(pair.examples), **diff_json(pair.diff)}
            for pair in diff.rubrics
            if not pair.diff.is_same
        ],
        "rubrics_added": list(diff.rubrics_added),
        "rubrics_removed": list(diff.rubrics_removed),
        "examples_added": list(diff.examples_added),
        "examples_removed": list(diff.examples_removed),
        "prompts_changed": list(diff.prompts_changed),
        "references_changed": list(diff.references_changed),
        "judgments": {
            "criteria": diff.judged.all,
            "kept": diff.judged.kept,
            "again": diff.judged.again,
            "new": diff.judged.new,
            "rules": diff.judged.rules,
        },
    }
