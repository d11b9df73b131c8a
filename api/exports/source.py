"""What an export is made from, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders import Judgment, JudgmentPage, Scores
from rubrics import Answer, DatasetInfo, Example


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A scored run; its texts come from callables that open them, each read once and an item at a time."""

    name: str
    """The run's name."""
    info: DatasetInfo
    """What holds for the whole dataset: name, licence, canary, whether it is held out."""
    examples: Callable[[], Iterable[Example]]
    """Opens the examples."""
    answers: Callable[[], Iterable[Answer]]
    """Opens the answers; fastest in the order in which they were scored."""
    judgments: Callable[[], Iterable[Judgment] | Iterable[JudgmentPage]]
    """Opens the judgments, one a cell (the highest attempt); they are read before the scores are wanted."""
    scores: Scores | Callable[[], Scores]
    """The scores of these answers by these judgments, or what gives them once the judgments were read."""
    graders: Sequence[Mapping[str, Any]]
    """The graders' cards as JSON, for the dataset card; their arguments are not published."""
    created_at: str
    """When the export was made, in ISO 8601; it is printed as it is."""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written, and where."""

    folder: Path
    """The folder, as it now stands."""
    rows: Mapping[str, int]
    """Rows by config."""
    size: int
    """Bytes of all files together."""
