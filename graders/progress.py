"""How far a run is."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """What has happened so far; counts are cells."""

    total: int = 0
    """Cells of the run."""
    kept: int = 0
    """Cells that had a final judgment before."""
    graded: int = 0
    """Cells that were asked and have a final judgment now."""
    failed: int = 0
    """Cells that were asked and have none."""
    calls: int = 0
    """Calls that were made."""
    cost: float | None = 0.0
    """What the calls cost in USD; None where some price is unknown."""
    stopped: str | None = None
    """Why the run ended early: `budget` or `cancel`."""
    given_up: dict[str, str] = field(default_factory=dict)
    """Graders that were asked no more, since nothing of theirs ever came back: name → the last failure."""
    last_failure: str | None = None
    """What the last failed call said."""
    again: int = 0
    """Cells to grade that were judged before, on content, in a call or by a judge that is another now."""
    estimate: float | None = 0.0
    """About what the calls to come will cost in USD; None where some price is unknown."""
    open: array[int] = field(default_factory=lambda: array("q"))
    """Which questions, counted from 0, have a missing cell: filled in by `plan`."""

    @property
    def to_grade(self) -> int:
        return self.total - self.kept
