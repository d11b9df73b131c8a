"""What scoring keeps of examples once their texts are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graders.scoring import ScoringPlan, plan_rubric
from rubrics import AnswerHasher, Check, PlainRubric, Rubric

_HASH_BYTES = 8
_NOTHING: dict[int, Any] = {}
"""The gates and conditions of all plain rubrics: a hundred thousand empty ones are not nothing."""


@dataclass(frozen=True, slots=True)
class PlannedRubric:
    """A rubric in numbers; examples with the same rubric share one."""

    plan: ScoringPlan
    leaf_index: Mapping[str, int]
    """The number of each leaf by its id."""
    met_index: Mapping[str, int]
    """The same of the leaves whose verdict is met or not, where a vote on them needs no second look."""
    checks: tuple[tuple[int, Check], ...]
    """The leaves that rules judge."""
    digests: bytes
    """The leaves' criterion hashes end to end, 8 bytes each."""

    @classmethod
    def of(cls, rubric: Rubric) -> PlannedRubric:
        """Any rubric."""
        plan = plan_rubric(rubric)
        index = _numbered(plan.ids)
        plain = {} if plan.scales else {name: leaf for name, leaf in index.items() if leaf not in plan.checked}
        return cls(
            plan=plan,
            leaf_index=index,
            met_index=index if len(plain) == len(index) else plain,
            checks=tuple(
                (number, leaf.criterion.check)
                for number, leaf in enumerate(rubric.leaves)
                if leaf.criterion.check is not None
            ),
            digests=bytes.fromhex("".join(rubric.criterion_hashes[name] for name in plan.ids)),
        )

    @classmethod
    def of_plain(cls, rubric: PlainRubric) -> PlannedRubric:
        """A rubric that was read without models; the same as `of` makes of the model."""
        plan = ScoringPlan(
            rubric.ids, rubric.points, _root(len(rubric.ids)), gates=_NOTHING, conditions=_NOTHING, tags=rubric.tags
        )
        index = _numbered(rubric.ids)
        return cls(plan, index, index, (), rubric.digests)

    def criterion_hash(self, leaf: int) -> str:
        """16 hex digits over what a judge sees of a criterion."""
        return self.digests[leaf * _HASH_BYTES : (leaf + 1) * _HASH_BYTES].hex()


@lru_cache(maxsize=256)
def _numbered(ids: tuple[str, ...]) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(ids)}


@lru_cache(maxsize=256)
def _root(leaves: int) -> tuple[int, ...]:
    return tuple(range(leaves))


@dataclass(slots=True)
class PlannedExample:
    """What is kept of an example."""

    id: str
    tags: tuple[str, ...]
    rubric: PlannedRubric
    hasher: AnswerHasher

    @property
    def plan(self) -> ScoringPlan:
        """The rubric's numbers."""
        return self.rubric.plan

    @property
    def checks(self) -> tuple[tuple[int, Check], ...]:
        """The leaves that rules judge."""
        return self.rubric.checks
