"""A run's cells that wait for a person: read in a terminal, told where there is none."""

from __future__ import annotations

import typer

from api.cli.reading.desk import Desk
from api.cli.reading.session import sit
from api.cli.reading.waiting import Waiting
from api.store import Run


def read_run(run: Run, rater: str, *, ask: bool) -> Waiting:
    """Have a person read what waits for them; with `ask` false only say how much that is."""
    from api.cli.reading.terminal import open_terminal

    desk = Desk(run, rater)
    if not desk.waiting:
        typer.echo(f"nothing waits for {rater}", err=True)
        return Waiting()
    terminal = open_terminal() if ask else None
    if terminal is None:
        typer.echo(_waits(desk) + ("; reading needs a terminal: repeat the command in one" if ask else ""), err=True)
        return Waiting(desk.waiting)
    by_rule = desk.file_empty_answers()
    judged = sit(desk, terminal) if desk.waiting else 0
    typer.echo(f"{rater} has judged {_many(judged, 'criterion', 'criteria')}; {_waits(desk)}", err=True)
    if by_rule:
        typer.echo(
            f"{_many(by_rule, 'empty answer', 'empty answers')} got the lowest values, as the rubric says", err=True
        )
    return Waiting(desk.waiting, left_early=desk.waiting > 0)


def _waits(desk: Desk) -> str:
    if not desk.waiting:
        return "nothing waits any more"
    cells, answers = _many(desk.waiting, "cell", "cells"), _many(desk.waiting_answers, "answer", "answers")
    return f"{cells} of {answers} {'waits' if desk.waiting == 1 else 'wait'} for {desk.rater}"


def _many(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
