"""How fast a reading goes: time on each answer, and about how much is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

LONGEST_PAUSE = 300.0
"""Seconds between two keys that count as reading at most; the rest is a pause."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds, where they are known."""

    an_answer: float | None = None
    """The median time on an answer that is finished."""
    left: float | None = None
    """About how long the rest will take."""


def pace(seconds: Sequence[float], open_cells: Sequence[int], asked: Sequence[int]) -> Pace:
    """The pace of a reading, from each answer's time, its criteria that wait and those it has.

    Worked number: 60, 100 and 200 s on three finished answers, and a fourth with 3 of 4 criteria waiting: 100 s an
    answer, 75 s left.
    """
    finished = [time for time, waiting in zip(seconds, open_cells, strict=True) if not waiting and time > 0]
    if not finished:
        return Pace()
    usual = median(finished)
    shares = (waiting / max(most, 1) for waiting, most in zip(open_cells, asked, strict=True))
    return Pace(usual, usual * sum(shares))


def time_words(seconds: float) -> str:
    """`45 s`, `2 min 40 s`, `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s" if minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"
