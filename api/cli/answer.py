"""`markscheme answer`: a model under test answers a dataset, into a file that resumes."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import typer

from api.answer_log import AnswerLog
from api.answering import AnswerCounts, Answering
from api.cli.exit_code import ExitCode
from graders import Answerer, Sampling, address_words, parse_model_address
from rubrics import DatasetFile, InputError, Mistake, decode_text, read_bytes

_SECONDS_BETWEEN_LINES = 10.0


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """What the command was asked to do."""

    dataset: Path
    model: str
    output: Path
    samples: int = 1
    temperature: float | None = None
    max_tokens: int | None = None
    system: Path | None = None
    filed_as: str | None = None
    concurrency: int = 16
    api_key_env: str = "OPENAI_API_KEY"
    max_faults: int = 10
    rubrics: Path | None = None


def run_answer(request: AnswerRequest) -> ExitCode:
    """Ask, append and tell; exit 3 where an answer did not come, 4 where it was stopped."""
    answerer = _answerer(request)
    with AnswerLog(request.output) as log:
        dataset = DatasetFile(request.dataset, request.rubrics)
        answering = Answering(dataset, log, answerer, samples=request.samples, concurrency=request.concurrency)
        if answering.prepare():
            typer.echo(f"{request.output}: the last line was cut off; that answer is asked again", err=True)
        counts = answering.counts
        typer.echo(
            f"{request.output}: {counts.total:,} answers: {counts.kept:,} kept, {counts.to_ask:,} to ask of "
            f"{answerer.filed_as} at {answerer.host}",
            err=True,
        )
        if counts.to_ask:
            _run(answering)
    _tell(counts)
    if counts.stopped:
        return ExitCode.STOPPED
    return ExitCode.UNGRADED if counts.failed else ExitCode.DONE


def _answerer(request: AnswerRequest) -> Answerer:
    address = parse_model_address(request.model, request.api_key_env)
    if address is None:
        words = address_words("NAME", request.api_key_env)
        raise InputError(Mistake("--model", f"got {request.model!r}, {words}"))
    system = None
    if request.system is not None:
        system = decode_text(read_bytes(request.system), file=str(request.system)).strip()
    return Answerer(
        address.name,
        base_url=address.base_url,
        api_key_env=request.api_key_env,
        sampling=Sampling(system, request.temperature, request.max_tokens),
        filed_as=request.filed_as,
        max_faults=request.max_faults,
    )


def _run(answering: Answering) -> None:
    """Run it; Ctrl-C once finishes what is in flight, twice stops at once, and either way it resumes."""

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        # Nothing is raised here: it would come out of whatever the event loop happens to be doing.
        if answering.counts.stopped:
            answering.stop_now()
            return
        answering.stop()
        typer.echo("stopping: what is in flight is finished; Ctrl-C again stops at once", err=True)

    before = signal.signal(signal.SIGINT, interrupted)
    answering.on_progress = _Lines(answering.counts.to_ask).show
    try:
        asyncio.run(answering.run())
    except asyncio.CancelledError:
        pass  # twice Ctrl-C
    finally:
        signal.signal(signal.SIGINT, before)


class _Lines:
    """Says now and then how far it is, on standard error."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = self._said = time.monotonic()

    def show(self, counts: AnswerCounts) -> None:
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        done = counts.answered + counts.failed
        left = (self._total - done) * (now - self._began) / max(done, 1)
        failed = f", {counts.failed:,} failed" if counts.failed else ""
        print(f"{done:,} of {self._total:,} asked{failed}, about {left:,.0f} s left", file=sys.stderr, flush=True)


def _tell(counts: AnswerCounts) -> None:
    for failure in counts.failures:
        typer.echo(failure, err=True)
    if (more := counts.failed - len(counts.failures)) > 0:
        typer.echo(f"and {more:,} more failed", err=True)
    if counts.cut:
        typer.echo(
            f"warning: {counts.cut:,} answers were cut off at the token limit; they are kept and judged as they are "
            "(--max-tokens raises it)",
            err=True,
        )
    if counts.empty:
        typer.echo(f"warning: {counts.empty:,} answers have no text; an empty answer is judged lowest", err=True)
    if counts.given_up:
        typer.echo(f"stopped: the first {counts.failed:,} all failed, the endpoint is more likely wrong", err=True)
    if counts.failed or counts.stopped:
        typer.echo(f"{counts.answered:,} answered; the same command goes on from here", err=True)
    elif counts.to_ask:
        typer.echo(f"{counts.answered:,} answered", err=True)
