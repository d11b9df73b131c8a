"""Asks for the judgments that are missing, bounded in number and in time, and files each exactly once.

The engine streams: it walks the questions, asks the ledger which cells of an answer have no final judgment with
today's key, hands each call to a worker, and lets one writer commit what has come in.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import fsum, isfinite

from graders.agenda import Agenda
from graders.boundary import judged_entries
from graders.cell import FINAL
from graders.grader import Grader
from graders.judgment import Judgment
from graders.ledger import Entry, Ledger
from graders.missing import AskedGrader, MissingCall, missing_calls
from graders.progress import Progress
from graders.question import Question
from graders.till import Till

COMMIT_AT_MOST = 200
"""Most judgments in one commit."""

DEAD_AFTER = 8
"""Calls that must die on the way, and none succeed, before a grader is given up."""


@dataclass(slots=True)
class Engine:
    """Grades questions with graders into a ledger.

    `repeats` asks each grader that often (rules once: they cannot differ); `concurrency` bounds the calls in flight;
    `budget` stops before the call that would exceed it, by the dearest call seen so far.
    """

    graders: Sequence[Grader]
    ledger: Ledger
    repeats: int = 1
    concurrency: int = 16
    budget: float | None = None
    on_progress: Callable[[Progress], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    progress: Progress = field(default_factory=Progress)
    _stop: bool = False
    _till: Till | None = None
    _dead_calls: dict[str, int] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None
    _uncommitted: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def plan(self, questions: Iterable[Question]) -> Progress:
        """Count what there is and what is missing, asking no one."""
        progress = Progress()
        for calls in self._missing(questions, progress):
            for number, call in enumerate(calls):
                _add_estimate(progress, call, first=number == 0)
        return progress

    def stop(self) -> None:
        """Ask for nothing more; what is in flight is finished and kept. May be called from a signal's handler."""
        self._stop = True
        self.progress.stopped = "cancel"
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_graders)

    async def run(self, questions: Iterable[Question], *, plan: Progress | None = None) -> Progress:
        """Ask for every missing cell; returns the counts when the last judgment is committed.

        With a `plan` the questions are only those that it found open.
        """
        counted = self.progress = Progress()
        if plan is not None:
            self.progress.total, self.progress.kept = plan.total, plan.kept
            counted = Progress()
        self._loop = asyncio.get_running_loop()
        self._stop = False
        self._till = None if self.budget is None else Till(self.budget)
        self._dead_calls = {}
        missing = self._missing(questions, counted)
        agenda = Agenda((calls, calls[0].asked.warm_first) for calls in missing)
        done: asyncio.Queue[list[Entry] | None] = asyncio.Queue()
        self._uncommitted = asyncio.Semaphore(self.concurrency)
        writer = asyncio.create_task(self._write(done))
        workers = [asyncio.create_task(self._work(agenda, done)) for _ in range(self.concurrency)]
        try:
            await _first_failure(writer, *workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            try:
                if not writer.done():
                    await done.put(None)
                await writer
            finally:  # Ctrl-C may come while the writer is at work
                await asyncio.gather(*map(_close, self.graders), return_exceptions=True)
                self._loop = None
        return self.progress

    def _missing(self, questions: Iterable[Question], progress: Progress) -> Iterator[list[MissingCall]]:
        asked = [AskedGrader.of(grader, self.repeats) for grader in self.graders]
        return missing_calls(questions, self.ledger, asked, progress)

    def _stop_graders(self) -> None:
        for grader in self.graders:
            if callable(stop := getattr(grader, "stop", None)):
                stop()

    async def _work(self, agenda: Agenda[MissingCall], done: asyncio.Queue[list[Entry] | None]) -> None:
        while (call := await agenda.take()) is not None:
            try:
                if self._stop:
                    return
                if call.card.name in self.progress.given_up:
                    continue
                if self._till is not None and call.card.kind != "rule":
                    entries = await self._paid_entries(call, self._till)
                else:
                    entries = await judged_entries(call, self.now)
                self._count(call, [entry.judgment for entry in entries])
            finally:
                agenda.came_back(call)
            if entries:
                await self._uncommitted.acquire()
                done.put_nowait(entries)
                self.on_progress(self.progress)

    async def _paid_entries(self, call: MissingCall, till: Till) -> list[Entry]:
        """The same as `judged_entries`, within the budget: none where it does not allow the call."""
        estimate = _estimate(call, first=True)
        grader = call.card.name
        if not await till.may_pay(estimate, grader=grader):
            if not self._stop:
                self._stop = True
                self.progress.stopped = "budget"
            await till.close()
            return []
        if self._stop:  # told while it waited
            await till.gave_up(estimate, grader=grader)
            return []
        entries: list[Entry] = []
        try:
            entries = await judged_entries(call, self.now)
        finally:
            if entries:
                await till.came_back(_cost([entry.judgment for entry in entries]), estimate, grader=grader)
            else:
                await till.gave_up(estimate, grader=grader)
        return entries

    def _count(self, call: MissingCall, judgments: Sequence[Judgment]) -> None:
        if not judgments:
            return
        progress = self.progress
        progress.calls += 1
        for judgment in judgments:
            if judgment.status in FINAL:
                progress.graded += 1
            else:
                progress.failed += 1
                if judgment.failure is not None:
                    progress.last_failure = f"{judgment.failure.kind}: {judgment.failure.message}"
        if call.card.kind != "rule":
            cost = _cost(judgments)
            progress.cost = None if cost is None or progress.cost is None else progress.cost + cost
        self._give_up_on_the_dead(call.card.name, judgments)

    def _give_up_on_the_dead(self, name: str, judgments: Sequence[Judgment]) -> None:
        """Ask a grader no more when its first calls all died on the way; what it was not asked stays missing."""
        if any(judgment.failure is None or judgment.failure.kind not in ("http", "timeout") for judgment in judgments):
            self._dead_calls[name] = -1
        elif self._dead_calls.get(name, 0) >= 0:
            self._dead_calls[name] = self._dead_calls.get(name, 0) + 1
            if self._dead_calls[name] >= DEAD_AFTER:
                self.progress.given_up[name] = self.progress.last_failure or ""

    async def _write(self, done: asyncio.Queue[list[Entry] | None]) -> None:
        """Commit what has come in, all of it at once, until None arrives; a commit never blocks the event loop.

        At most as many calls wait for their commit as are out: that many a kill can cost beside those.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger") as thread:
            last = False
            while not last:
                batch: list[Entry] = []
                calls = 0
                arrived = await done.get()
                while True:
                    if arrived is None:
                        last = True
                        break
                    batch.extend(arrived)
                    calls += 1
                    if len(batch) >= COMMIT_AT_MOST or done.empty():
                        break
                    arrived = done.get_nowait()
                if batch:
                    await loop.run_in_executor(thread, self.ledger.keep, batch)
                for _ in range(calls):
                    self._uncommitted.release()


async def _first_failure(writer: asyncio.Task[None], *workers: asyncio.Task[None]) -> None:
    """Wait for all workers; a worker's or the writer's exception ends the wait at once."""
    waiting: set[asyncio.Task[None]] = set(workers)
    while waiting:
        finished, _ = await asyncio.wait({writer, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            task.result()
        waiting -= finished
        if writer in finished:
            return


def _cost(judgments: Sequence[Judgment]) -> float | None:
    """What a call cost in USD; None where that is unknown, or no number to add up."""
    costs = [judgment.cost for judgment in judgments if judgment.cost is not None]
    total = fsum(costs) if all(map(isfinite, costs)) else None
    return total if costs else None


def _add_estimate(progress: Progress, call: MissingCall, *, first: bool) -> None:
    if call.card.kind == "rule" or progress.estimate is None:
        return
    cost = _estimate(call, first=first)
    progress.estimate = None if cost is None else progress.estimate + cost


def _estimate(call: MissingCall, *, first: bool) -> float | None:
    """About what a call will cost in USD; None where its grader does not know."""
    estimate = getattr(call.asked.grader, "estimate", None)
    cost: float | None = estimate(call.task, first=first) if callable(estimate) else None
    return cost


async def _close(grader: Grader) -> None:
    """Close a grader that can be closed; how it does that is its own affair, and no reason to lose a score."""
    close = getattr(grader, "aclose", None)
    if close is not None:
        closing = close()
        if inspect.isawaitable(closing):
            await closing
