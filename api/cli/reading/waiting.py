"""What still waits for a person when a run has asked everyone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """Cells that a person has not judged."""

    cells: int = 0
    left_early: bool = False
    """Whether the person sat down, and left before the end."""
