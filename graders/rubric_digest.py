"""What planning must know of a rubric: its leaves by hash, without their words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from rubrics import Rubric


class LeafDigest(NamedTuple):
    """A leaf as a plan sees it."""

    id: str
    criterion_hash: str
    """16 hex digits over what a judge sees of it."""
    checked: bool
    """Whether rules judge it."""
    points: float
    scale: str
    """The type of its scale."""


@dataclass(frozen=True)
class RubricDigest:
    """The leaves of a rubric in their order, and what of `judging` can change a verdict."""

    leaves: tuple[LeafDigest, ...]
    show_points: bool
    empty_answer: str

    @classmethod
    def of(cls, rubric: Rubric) -> RubricDigest:
        """The digest of a rubric."""
        hashes = rubric.criterion_hashes
        leaves = (
            LeafDigest(
                leaf.id,
                hashes[leaf.id],
                leaf.criterion.check is not None,
                float(leaf.criterion.points),
                leaf.criterion.scale.type,
            )
            for leaf in rubric.leaves
        )
        return cls(tuple(leaves), rubric.judging.show_points, rubric.judging.empty_answer)

    @cached_property
    def by_id(self) -> dict[str, LeafDigest]:
        """The leaves by their ids."""
        return {leaf.id: leaf for leaf in self.leaves}

    def as_json(self) -> list[Any]:
        """The digest as a short JSON value."""
        return [self.show_points, self.empty_answer, [list(leaf) for leaf in self.leaves]]

    @classmethod
    def of_json(cls, value: list[Any]) -> RubricDigest:
        """What `as_json` gave."""
        show_points, empty_answer, leaves = value
        return cls(tuple(LeafDigest(*leaf) for leaf in leaves), show_points, empty_answer)
