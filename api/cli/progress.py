"""How far a run is: a bar in a terminal, a plain line now and then elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from api.cli.stream import is_terminal
from graders import Progress as Counts

_SECONDS_BETWEEN_LINES = 10.0


class ProgressLine:
    """Shows the engine's counts while it runs."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = self._said = time.monotonic()
        self._bar: Progress | None = None
        if is_terminal(sys.stderr):
            self._bar = Progress(
                TextColumn("grading"),
                BarColumn(),
                TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
                TextColumn("{task.fields[told]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("grading", total=total, told="")

    def __enter__(self) -> ProgressLine:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, counts: Counts) -> None:
        """Tell the latest counts."""
        done = counts.graded + counts.failed
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, completed=done, told=self._told(counts, done, now))
        elif sys.stderr is not None and now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            left = (self._total - done) * (now - self._started) / max(done, 1)
            told = self._told(counts, done, now)
            print(f"{done:,} of {self._total:,} asked: {told}, about {left:,.0f} s left", file=sys.stderr, flush=True)

    def say(self, line: str) -> None:
        """A line for people, above the bar where there is one."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def _told(self, counts: Counts, done: int, now: float) -> str:
        rate = done / max(now - self._started, 1e-9)
        cost = "cost unknown" if counts.cost is None else dollars(counts.cost)
        failed = f", {counts.failed:,} failed (last: {counts.last_failure})" if counts.failed else ""
        return f"{counts.graded:,} graded{failed}, {rate:.1f}/s, {cost}"


def dollars(amount: float) -> str:
    """An amount of USD: `$12.30`, and more digits below a cent.

    >>> dollars(1.9), dollars(0.00042)
    ('$1.90', '$0.0004')
    """
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.4f}"
