"""HealthBench's JSON Lines: `prompt_id`, `prompt`, `rubrics` of `criterion`, `points`, `tags`.

Read and written without loss: fields of the source that ours does not name live in `metadata.healthbench`.
Source: Arora et al., HealthBench: Evaluating Large Language Models Towards Improved Human Health (2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, ValidationError

from rubrics.criterion import Criterion
from rubrics.errors import Mistake, Mistakes
from rubrics.example import Example, Message
from rubrics.model import Id, Many, Model, Number, Text, WrittenText, at_least, problem
from rubrics.rubric import Rubric
from rubrics.validation import mistakes_of

_ROW_FIELDS = ("example_tags", "prompt", "prompt_id", "rubrics", "canary")


def _not_zero(value: float) -> float:
    if value == 0:
        raise problem("points", "expected a number other than 0")
    return value


class HealthBenchItem(Model):
    """One rubric item of a HealthBench record."""

    model_config = ConfigDict(extra="allow")

    criterion: WrittenText
    """The statement that is judged."""
    points: Annotated[Number, AfterValidator(_not_zero)]
    """Points from −10 to 10."""
    tags: Annotated[tuple[Id, ...], Many] = ()
    """Tags such as `axis:accuracy`."""


class HealthBenchRow(Model):
    """One HealthBench record."""

    model_config = ConfigDict(extra="allow")

    prompt_id: Id
    """The record's id."""
    prompt: Annotated[tuple[Message, ...], Many, *at_least(1, "one turn")]
    """The conversation."""
    rubrics: Annotated[tuple[HealthBenchItem, ...], Many, *at_least(1, "one rubric item")]
    """The rubric items."""
    example_tags: Annotated[tuple[Id, ...], Many] = ()
    """The record's tags."""
    canary: Text | None = None
    """The marker that asks not to train on the record."""


def is_healthbench_row(value: Any) -> bool:
    """Whether a JSON value is a HealthBench record rather than one of our examples."""
    return isinstance(value, dict) and "prompt_id" in value and "rubrics" in value


def parse_healthbench_row(value: Any, mistakes: Mistakes, *, file: str, line: int | None) -> Example | None:
    """One HealthBench record as an example; mistakes are placed in the record as it stands."""
    try:
        row = HealthBenchRow.model_validate(value)
    except ValidationError as error:
        mistakes.extend(mistakes_of(error, HealthBenchRow, file=file, line=line))
        return None
    if all(item.points < 0 for item in row.rubrics):
        mistakes.add(file, "got only negative points, expected at least one positive item", "$.rubrics", line)
        return None
    return example_from_row(row, value)


def example_from_row(row: HealthBenchRow, value: dict[str, Any]) -> Example:
    """A checked HealthBench record as an example; items are named by position, since texts may repeat."""
    criteria = []
    for item in row.rubrics:
        given: dict[str, Any] = {"criterion": item.criterion, "points": item.points}
        if "tags" in item.model_fields_set:
            given["tags"] = item.tags
        if item.model_extra:
            given["metadata"] = {"healthbench": item.model_extra}
        criteria.append(Criterion(**given))
    kept: dict[str, Any] = {name: value[name] for name in value if name not in _ROW_FIELDS}
    ideal = kept.get("ideal_completions_data")
    reference = ideal.get("ideal_completion") if isinstance(ideal, dict) else None
    fields: dict[str, Any] = {
        "id": row.prompt_id,
        "prompt": row.prompt,
        "rubric": Rubric(id=row.prompt_id, criteria=tuple(criteria)),
    }
    if "example_tags" in row.model_fields_set:
        fields["tags"] = row.example_tags
    if "canary" in row.model_fields_set:
        fields["canary"] = row.canary
    if isinstance(reference, str) and reference:
        fields["references"] = (reference,)
    if kept:
        fields["metadata"] = {"healthbench": kept}
    return Example(**fields)


def healthbench_row(example: Example) -> dict[str, Any]:
    """An example as a HealthBench record; a record that came from HealthBench comes back equal.

    Nothing is dropped silently: `healthbench_obstacles` says first what the format cannot carry.
    """
    kept = dict(example.metadata.get("healthbench", {}))
    row: dict[str, Any] = {}
    if "tags" in example.model_fields_set:
        row["example_tags"] = list(example.tags)
    if "ideal_completions_data" in kept:
        row["ideal_completions_data"] = kept.pop("ideal_completions_data")
    row["prompt"] = [{"content": turn.content, "role": turn.role} for turn in example.conversation]
    row["prompt_id"] = example.id
    row["rubrics"] = [_item(leaf.criterion) for leaf in example.rubric.leaves]
    if "canary" in example.model_fields_set:
        row["canary"] = example.canary
    return {**row, **kept}


def _item(criterion: Criterion) -> dict[str, Any]:
    item: dict[str, Any] = {"criterion": criterion.criterion, "points": criterion.points}
    if "tags" in criterion.model_fields_set:
        item["tags"] = list(criterion.tags)
    return {**item, **criterion.metadata.get("healthbench", {})}


def healthbench_obstacles(example: Example, *, file: str, line: int | None) -> Iterator[Mistake]:
    """What of an example a HealthBench record cannot say without changing a score."""
    rubric = example.rubric
    place = "$.rubric"
    for leaf in rubric.leaves:
        criterion = leaf.criterion
        path = place + leaf.path[1:]
        if leaf.groups:
            yield Mistake(file, "HealthBench has no groups, its rubrics are flat", path, line)
        if criterion.scale.type != "binary":
            yield Mistake(file, f"HealthBench has no {criterion.scale.type} scale", f"{path}.scale", line)
        for field in ("check", "gate", "depends_on"):
            if getattr(criterion, field) is not None:
                yield Mistake(file, f"HealthBench has no `{field}`", f"{path}.{field}", line)
        if criterion.may_not_apply:
            yield Mistake(file, "HealthBench has no `may_not_apply`", f"{path}.may_not_apply", line)
    if (rubric.scoring.normalize, rubric.scoring.clips) != ("positive", "mean"):
        yield Mistake(file, "HealthBench scores by normalize 'positive' and clip 'mean' only", f"{place}.scoring", line)
    if rubric.guidelines:
        yield Mistake(file, "HealthBench has no guidelines", f"{place}.guidelines", line)
