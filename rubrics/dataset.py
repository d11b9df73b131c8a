"""A dataset: the examples of one eval, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field, model_validator

from rubrics.example import Example
from rubrics.model import Metadata, Model, Number, Text, WrittenText, problem_at, raise_problems
from rubrics.plain_example import PlainExample
from rubrics.rubric import Scoring


class DatasetInfo(Model):
    """What `dataset.json` says of a dataset."""

    schema_uri: Text | None = Field(default=None, alias="$schema")
    """Points an editor to the JSON Schema, for completion."""
    name: WrittenText
    """The dataset's name."""
    title: Text | None = None
    """A heading for people."""
    description: Text | None = None
    """What the dataset measures, in a few sentences."""
    version: WrittenText = "1"
    """The author's name for this state of the dataset."""
    licence: Text | None = None
    """The licence of the texts, as an SPDX id where there is one."""
    canary: Text | None = None
    """A marker that lets people find this dataset in training data; it travels with every export."""
    held_out: bool = False
    """Whether rubrics and answers stay hidden from those who may only read scores."""
    pass_at: Number | None = None
    """The score from which an answer counts as passed."""
    metadata_schema: Metadata | None = None
    """A JSON Schema that every example's `metadata` must satisfy."""
    metadata: Metadata = Field(default_factory=dict)
    """Free fields, kept and never scored."""

    @model_validator(mode="after")
    def _metadata_schema_is_a_schema(self) -> DatasetInfo:
        if self.metadata_schema is not None:
            import jsonschema

            try:
                jsonschema.Draft202012Validator.check_schema(self.metadata_schema)
            except jsonschema.SchemaError as error:
                place = ("metadata_schema", *error.absolute_path)
                line = problem_at(place, None, f"{error.message}, expected a JSON Schema (draft 2020-12)")
                raise_problems("DatasetInfo", [line])
        return self


_PLAIN_SCORING = (Scoring().normalize, Scoring().clips)
"""The scale of a rubric that says nothing of it."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples with their rubrics, checked as a whole.

    Iterates over its examples: `for example in dataset: example.rubric …`.
    """

    info: DatasetInfo
    examples: tuple[Example, ...]

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    def __len__(self) -> int:
        return len(self.examples)


class AgreementRules:
    """What the examples of one dataset must agree on; feed it every example, it says what is wrong.

    Ids differ; the rubrics have one `normalize` and one `clip`; no tag is used by an example and a criterion alike.
    """

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._example_tags: dict[str, str] = {}
        self._criterion_tags: dict[str, str] = {}
        self._clashes: set[str] = set()
        self._scoring: tuple[str, str, str] | None = None

    def agrees(self, example: PlainExample, line: int) -> bool:
        """Take a plain example that brings no new name to agree on; False, and nothing is taken, where it does."""
        if (
            example.id in self._ids
            or self._scoring is None
            or self._scoring[:2] != _PLAIN_SCORING
            or not self._criterion_tags.keys() >= example.rubric.tags.keys()
            or not all(tag in self._example_tags for tag in example.tags)
        ):
            return False
        self._ids[example.id] = line
        return True

    def problems(self, example: Example, line: int) -> Iterator[tuple[str, str]]:
        """(JSON path, message) of everything in which this example disagrees with those before it."""
        first = self._ids.setdefault(example.id, line)
        if first != line:
            yield "$.id", f"got {example.id!r}, expected an id of its own, line {first} has the same"
        for index, tag in enumerate(example.tags):
            self._example_tags.setdefault(tag, example.id)
            if tag in self._criterion_tags and tag not in self._clashes:
                self._clashes.add(tag)
                yield f"$.tags[{index}]", self._clash(tag)
        yield from self._rubric_problems(example)

    def _rubric_problems(self, example: Example) -> Iterator[tuple[str, str]]:
        rubric = example.rubric
        place = "$.rubric_id" if example.rubric_id is not None else "$.rubric"
        for leaf in rubric.leaves:
            for index, tag in enumerate(leaf.criterion.tags):
                if tag in self._criterion_tags:
                    continue  # a clash was told when the second of the two came
                self._criterion_tags[tag] = rubric.id
                if tag in self._example_tags and tag not in self._clashes:
                    self._clashes.add(tag)
                    path = place if example.rubric_id is not None else f"{place}{leaf.path[1:]}.tags[{index}]"
                    yield path, self._clash(tag)
        now = (rubric.scoring.normalize, rubric.scoring.clips, rubric.id)
        if self._scoring is None:
            self._scoring = now
        elif self._scoring[:2] != now[:2]:
            normalize, clip, other = self._scoring
            yield (
                f"{place}.scoring" if example.rubric_id is None else place,
                f"rubric {rubric.id!r} has normalize {now[0]!r} and clip {now[1]!r}, expected {normalize!r} and "
                f"{clip!r} as in rubric {other!r}: the rubrics of one dataset share one scale",
            )

    def _clash(self, tag: str) -> str:
        return (
            f"tag {tag!r} is used by example {self._example_tags[tag]!r} and by a criterion of rubric "
            f"{self._criterion_tags[tag]!r}, expected different names: an example's tag gets the whole score, "
            "a criterion's tag its own points"
        )
