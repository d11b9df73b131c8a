"""Scores as tables for people; no score stands without its coverage."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.stream import is_terminal
from api.cli.visible import one_line

_WIDTH = 120
"""Columns where nobody says how wide the page is: a file, a pipe."""

_FEW = 10
"""Examples below which an interval is so wide that it may leave the range of scores."""

if TYPE_CHECKING:
    from graders import Row, Scores
    from graders.scoring.aggregate import Aggregate


class Page(Console):
    """A console for texts from anywhere: no emoji codes, no highlights, and no exit code of its own."""

    def __init__(self, *, width: int | None, markup: bool = False) -> None:
        super().__init__(markup=markup, emoji=False, highlight=False, width=width)

    def on_broken_pipe(self) -> None:
        """Leave a reader that has left to `main`, which knows what to tell the shell."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def number(value: float | None) -> str:
    """A score with three digits, a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def interval_words(aggregate: Aggregate) -> str:
    """`0.251 to 0.573`: the 95 % interval of the unclipped mean, or what else is known."""
    if aggregate.ci_low is not None:
        return f"{number(aggregate.ci_low)} to {number(aggregate.ci_high)}"
    if aggregate.mean is None and aggregate.low is not None:
        return f"between {number(aggregate.low)} and {number(aggregate.high)}"
    return "–"


def coverage_words(aggregate: Aggregate) -> str:
    """Coverage in per cent, rounded down, so that 100 % means all of it."""
    return "–" if aggregate.coverage is None else f"{int(aggregate.coverage * 1000) / 10:g} %"


def answers_words(aggregate: Aggregate) -> str:
    """`23 of 24`: answers with a score among those expected."""
    return f"{aggregate.n_scored} of {aggregate.n_expected}"


def print_scores(scores: Scores, *, by: Sequence[str], title: str) -> None:
    """One table: a row for each combination of what `by` names, by the chosen group of graders."""
    console = Page(width=None if is_terminal(sys.stdout) else _WIDTH)
    table = Table(title=Text(one_line(title)), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    shown = list(_rows(scores, by))
    names = [name for name in ("model", "tag", "grader") if name in by or (name == "model" and not by)]
    if scores.chosen is None and "grader" not in names:
        names.append("grader")
    for name in names:
        table.add_column({"model": "answerer"}.get(name, name), no_wrap=True, overflow="ellipsis")
    for heading in ("score", "95 % interval", "coverage", "scored"):
        table.add_column(heading, justify="right", no_wrap=True)
    most = max((len(row.aggregate.worst_at_k or {}) for row in shown), default=0)
    if most > 1:
        table.add_column(f"worst of {most}", justify="right", no_wrap=True)
        table.add_column(f"best of {most}", justify="right", no_wrap=True)
    for row in shown:
        aggregate = row.aggregate
        cells = _names(row, names)
        cells += [number(aggregate.mean), interval_words(aggregate)]
        cells += [coverage_words(aggregate), answers_words(aggregate)]
        if most > 1:
            cells += [number((every or {}).get(str(most))) for every in (aggregate.worst_at_k, aggregate.best_at_k)]
        table.add_row(*map(Text, cells))
    console.print(table)
    for row in shown:
        if remark := _remark(row.aggregate):
            console.print(f"{' · '.join(_names(row, names))}: {remark}.")
    if scores.ungraded:
        one = scores.ungraded == 1
        told = "criterion is ungraded; it is" if one else "criteria are ungraded; they are"
        console.print(f"{scores.ungraded:,} applicable {told} not counted as not met.")
    for kind, count in scores.failures.items():
        if count:
            message = scores.failure_messages.get(kind, "")
            console.print(f"{count:,} without a verdict ({kind}), such as {one_line(message)}")
    for grader, audit in scores.report.audits.items():
        interval = audit.interval
        console.print(
            f"Of what the first stage of {one_line(grader)} was sure of, {audit.audited:,} "
            f"{'verdict was' if audit.audited == 1 else 'verdicts were'} given by the last one too; {audit.differ:,} "
            f"differ{'s' if audit.differ == 1 else ''} ({100 * audit.differ / audit.audited:.1f} %, 95 % interval "
            f"{100 * (interval.low or 0):.1f} to {100 * (interval.high or 0):.1f} %)."
        )
    if any(0 < (row.aggregate.n_examples or 0) < _FEW and row.aggregate.ci_low is not None for row in shown):
        console.print(f"An interval from fewer than {_FEW} examples says little.")


def _rows(scores: Scores, by: Sequence[str]) -> Iterator[Row]:
    for row in scores.rows:
        if row.tag is not None and "tag" not in by:
            continue
        if scores.chosen is not None and row.grader != scores.chosen and "grader" not in by:
            continue
        yield row


def _names(row: Row, names: Sequence[str]) -> list[str]:
    every = {"model": row.model, "tag": row.tag or "all", "grader": row.grader}
    return [one_line(every[name]) for name in names]


def _remark(aggregate: Aggregate) -> str:
    """What a number alone would hide: why there is none, or that it was clipped."""
    undefined = f"{aggregate.n_undefined} more with nothing that could earn points" if aggregate.n_undefined else ""
    if aggregate.reason is None:
        before, after = aggregate.mean_unclipped, aggregate.mean
        clipped = f"{number(before)} before clipping to 0–1, as is the interval" if before != after else ""
        return "; ".join(part for part in (clipped, undefined) if part)
    words = {
        "low_coverage": "too little is judged for a mean",
        "nothing_judged": "nothing is judged",
        "nothing_expected": "no answer is expected",
    }
    alone = aggregate.mean_judged_only
    rest = f"; {number(alone)} by what is judged" if alone is not None else ""
    return words.get(aggregate.reason, aggregate.reason) + rest
