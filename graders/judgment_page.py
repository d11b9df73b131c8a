"""Many judgments at once, without a model of each: columns for what all have, and the rest as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from graders.judgment import Judgment

_COLUMNS = (
    *("example_id", "model", "sample", "criterion_id", "grader", "repeat"),
    *("status", "grader_kind", "criterion_hash", "answer_hash"),
)
_REQUIRED = frozenset(name for name in _COLUMNS if Judgment.model_fields[name].is_required())
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class JudgmentPage:
    """Some judgments, each right by itself: they were models when they were written down."""

    NAMES: ClassVar[tuple[str, ...]] = _COLUMNS
    """The fields of a judgment that are columns: the cell, then what is asked of every judgment."""

    columns: Sequence[Sequence[Any]]
    """A column for each of `NAMES`, all of one length."""
    bodies: Sequence[Mapping[str, Any]]
    """The other fields of each judgment, those that are set and not null, as JSON."""
    given: frozenset[str] = frozenset(_COLUMNS)
    """Which columns every judgment has set; where one has set more of them, its body has them too."""

    def __len__(self) -> int:
        return len(self.bodies)

    def __iter__(self) -> Iterator[Judgment]:
        return map(self.judgment, range(len(self)))

    def column(self, name: str) -> Sequence[Any]:
        """The column of one of `NAMES`."""
        return self.columns[_COLUMNS.index(name)]

    def judgment(self, number: int) -> Judgment:
        """The judgment at a place, counted from 0, as a model."""
        filed = {
            name: column[number] for name, column in zip(_COLUMNS, self.columns, strict=True) if name in self.given
        }
        return Judgment.model_validate({**self.bodies[number], **filed})


def pages_of(judgments: Iterable[Judgment]) -> Iterator[JudgmentPage]:
    """Models as pages, in their order."""
    left = iter(judgments)
    while some := list(islice(left, _AT_ONCE)):
        columns = [[getattr(judgment, name) for judgment in some] for name in _COLUMNS]
        bodies = [
            judgment.model_dump(mode="json", exclude=set(_REQUIRED), exclude_unset=True, exclude_none=True)
            for judgment in some
        ]
        yield JudgmentPage(columns, bodies, _REQUIRED)
