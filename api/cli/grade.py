"""`markscheme grade`: a batch from files to scores, over a store that resumes it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from api.batch import Batch, BatchRequest
from api.cli.exit_code import ExitCode
from api.cli.lean import collect_rarely, uncollected
from api.cli.progress import ProgressLine, dollars
from api.cli.reading import Waiting, read_run
from api.cli.tables import print_scores
from api.cli.visible import one_line
from api.store import Store
from graders import Engine, Grader, Progress, Scores, ScoringOptions, family_warnings
from rubrics import InputError, Mistake

if TYPE_CHECKING:
    from api.batch_grading import BatchGrading

DEFAULT_STORE = "sqlite:///markscheme.db"


@dataclass(frozen=True, slots=True)
class GradeRequest:
    """What the command was asked to do."""

    batch: BatchRequest
    store: str | None
    concurrency: int
    budget: float | None
    scoring: ScoringOptions
    by: Sequence[str] = ("model",)
    dry_run: bool = False
    as_json: bool = False


def store_url(given: str | None) -> str:
    """The store that a command works on: what was given, MARKSCHEME_STORE, or a file here."""
    return given or os.environ.get("MARKSCHEME_STORE") or DEFAULT_STORE


def run_grade(request: GradeRequest) -> ExitCode:
    """Grade, keep, score and print; exit 3 where something stays ungraded, 4 where it was stopped."""
    collect_rarely()
    with Store(store_url(request.store)) as store, store.lock():
        with uncollected():
            batch = Batch(store, request.batch, keep=not request.dry_run)
            batch.import_recorded(keep=not request.dry_run)
        batch.check_score_by(request.scoring.score_by)
        _check_budget(request.budget, batch.graders)
        engine = batch.engine(concurrency=request.concurrency, budget=request.budget)
        plan = batch.plan(engine)
        typer.echo(plan_words(batch, plan, dry_run=request.dry_run), err=True)
        batches = _batches(batch, engine, plan)
        if request.dry_run:
            waiting = _read(batch, ask=False)
            if request.as_json:
                _print_json({"run": _plan_json(batch, plan, waiting)})
            return ExitCode.DONE
        progress = _grade(batch, batches or engine, plan)
        waiting = _read(batch, ask=progress.stopped is None)
        if waiting.left_early:
            progress.stopped = "cancel"
        with uncollected():
            scores = batch.scores(request.scoring)
    _show(scores, batch, progress, waiting, request)
    code = exit_code(progress, scores)
    return ExitCode.UNGRADED if code == ExitCode.DONE and waiting.cells else code


def _read(batch: Batch, *, ask: bool) -> Waiting:
    """Have the person read whose cells wait, where one is asked for and sits at a terminal."""
    rater = batch.request.rater
    if not batch.by_people or rater is None:
        return Waiting()
    return read_run(batch.run, rater, ask=ask)


def exit_code(progress: Progress, scores: Scores) -> ExitCode:
    """What the shell is told of a finished batch."""
    if progress.stopped is not None:
        return ExitCode.STOPPED
    return ExitCode.UNGRADED if scores.ungraded else ExitCode.DONE


def plan_words(batch: Batch, plan: Progress, *, dry_run: bool) -> str:
    """`run medicine-1a2b3c4d: 336 cells: 300 kept, 36 to grade; 606 recorded judgments filed`."""
    words = f"run {batch.run.name}: {plan.total:,} cells: {plan.kept:,} kept, {plan.to_grade:,} to grade"
    if plan.again:
        words += f" ({plan.again:,} of them again: they, or criteria in the same call, are no longer what was judged)"
    if plan.estimate is None:
        words += ", cost unknown"
    elif plan.estimate > 0:
        words += f", about {dollars(plan.estimate)}"
    if batch.recorded:
        words += f"; {batch.imported:,} recorded judgments {'to file' if dry_run else 'filed'}"
    return words


def _batches(batch: Batch, engine: Engine, plan: Progress) -> BatchGrading | None:
    """What grades by providers' batch endpoints, with --batch; without it, a word on what is still out there."""
    if not batch.request.options.batch:
        if plan.to_grade and (out := len(batch.run.provider_batches().open_batches())):
            what = "1 batch is" if out == 1 else f"{out} batches are"
            typer.echo(f"warning: {what} still out: without --batch the same is asked and paid for again", err=True)
        return None
    from api.batch_grading import BatchGrading

    return BatchGrading(batch, engine)


def _plan_json(batch: Batch, plan: Progress, waiting: Waiting) -> dict[str, Any]:
    """What a run would do, as one JSON object; `recorded` is what would be filed."""
    return {
        "name": batch.run.name,
        "dry_run": True,
        "cells": plan.total,
        "kept": plan.kept,
        "to_grade": plan.to_grade,
        "recorded": batch.imported,
        **_people_json(batch, waiting),
    }


def _people_json(batch: Batch, waiting: Waiting) -> dict[str, Any]:
    return {"rater": batch.request.rater, "waiting": waiting.cells} if batch.by_people else {}


def _print_json(report: dict[str, Any]) -> None:
    typer.echo(json.dumps(report, ensure_ascii=False, allow_nan=False))


def _grade(batch: Batch, engine: Engine | BatchGrading, plan: Progress) -> Progress:
    """Run the engine; Ctrl-C once finishes what is in flight, twice stops at once, and either way it resumes."""
    if not plan.to_grade:
        return plan

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        if engine.progress.stopped == "cancel":
            raise KeyboardInterrupt
        engine.stop()
        how = "what is in flight is finished" if isinstance(engine, Engine) else "what was submitted stays there"
        typer.echo(f"stopping: {how}; Ctrl-C again stops at once", err=True)

    # A handler of the process, not of the event loop: a plug-in that blocks the loop must not make Ctrl-C dead.
    before = signal.signal(signal.SIGINT, interrupted)
    try:
        with ProgressLine(plan.to_grade) as line:
            if isinstance(engine, Engine):
                engine.on_progress = line.show
                work = engine.run(batch.run.questions(only=plan.open), plan=plan)
            else:
                work = engine.run(plan, on_progress=line.show, tell=line.say)
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                return _run(runner.get_loop(), work)
    except KeyboardInterrupt:
        return engine.progress
    finally:
        signal.signal(signal.SIGINT, before)


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Progress]) -> Progress:
    """Run to the end; where KeyboardInterrupt comes, what has come back is still kept and every grader closed.

    Only the run itself is cancelled then: a Runner that is left so cancels all tasks, that which keeps among them.
    """
    running = loop.create_task(work)
    try:
        return loop.run_until_complete(running)
    except KeyboardInterrupt:
        running.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(running)
        raise


def _show(scores: Scores, batch: Batch, progress: Progress, waiting: Waiting, request: GradeRequest) -> None:
    for warning in [*scores.warnings, *family_warnings(scores.models, [card.name for card in batch.run.cards])]:
        typer.echo(f"warning: {one_line(warning)}", err=True)
    if progress.stopped is not None and not waiting.left_early:
        typer.echo(f"stopped by {progress.stopped}; the same command goes on from here", err=True)
    if waiting.cells and (_at_terminal() or (waiting.left_early and not request.as_json)):
        typer.echo("the same command goes on from here; scores name the answerers and are shown at the end", err=True)
        return
    if request.as_json:
        run = {
            "name": batch.run.name,
            "cells": progress.total,
            "kept": progress.kept,
            "graded": progress.graded,
            "failed": progress.failed,
            "recorded": batch.imported,
            "calls": progress.calls,
            "cost": progress.cost,
            "stopped": progress.stopped,
            **_people_json(batch, waiting),
        }
        for piece in scores.json_text(run=run):
            typer.echo(piece, nl=False)
        typer.echo()
        return
    print_scores(scores, by=request.by, title=f"Scores of run {batch.run.name}")


def _at_terminal() -> bool:
    """Whether what is printed is seen by whoever sits there: a person who has yet to read shall not know the scores."""
    return sys.stdout is not None and sys.stdout.isatty()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """A faster event loop, where there is one for this system."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _check_budget(budget: float | None, graders: Sequence[Grader]) -> None:
    """Refuse a budget that could not be kept: what a grader costs must be known before it is asked."""
    asked = [stage for grader in graders for stage in getattr(grader, "stages", (grader,))]
    priceless = [grader.name for grader in asked if getattr(grader, "price", budget) is None]
    if budget is not None and priceless:
        message = (
            f"got {budget:g}, but what {priceless[0]!r} costs is not known, so the budget cannot be kept; "
            "give its price by --prices FILE"
        )
        raise InputError(Mistake("--budget", message))
