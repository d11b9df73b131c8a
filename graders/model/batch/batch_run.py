"""Grades by a provider's batch endpoint: submits what is missing, waits, files what came of it, and asks again.

Every batch is in the journal before it is submitted, with its calls; a run that is killed at any moment takes up from
there and submits nothing twice. A reply is matched with its call by walking the plan: its custom id is a hash of what
is asked, so that a reply to something else than what is asked today is nobody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import fsum

from graders.batch_journal import BatchJournal, SentBatch
from graders.boundary import failed_entries, judged_entries, verdict_entries
from graders.cell import FINAL
from graders.grader import Task
from graders.ledger import Entry, Ledger
from graders.missing import AskedGrader, MissingCall, missing_calls
from graders.model.batch.call_id import CallId, missing_alone, number_of
from graders.model.batch.dispatch import Desk, Dispatch, OutBatch
from graders.model.batch.outgoing import Outgoing
from graders.model.batch.provider import RequestResult
from graders.model.batch.result_file import ResultFile
from graders.model.batch.trial import Trial
from graders.model.grader import ModelGrader
from graders.model.tally import Usage
from graders.progress import Progress
from graders.question import Question
from rubrics import GraderError

FIRST_PAUSE, LONGEST_PAUSE, PAUSE_GROWS = 1.0, 300.0, 1.5
"""Seconds between two looks at the batches, and by how much they grow."""

_COMMIT_AT_MOST = 200
_COLLECT_AT_MOST = 200_000  # calls whose results have their places in memory at a time

Questions = Callable[[], Iterable[Question]]
Filling = dict[tuple[str, int], Outgoing]
"""The batches that are being written: by grader and by how many unusable replies their calls had before."""


@dataclass(slots=True)
class BatchRun:
    """Asks model graders for every missing cell by their providers' batch endpoints.

    `budget` bounds what is submitted, by estimates of what it costs; `most_requests` makes batches smaller than the
    provider would have them. `tell` is given a line for people now and then.
    """

    graders: Sequence[ModelGrader]
    ledger: Ledger
    journal: BatchJournal
    repeats: int = 1
    budget: float | None = None
    most_requests: int | None = None
    on_progress: Callable[[Progress], None] = lambda _: None
    tell: Callable[[str], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    progress: Progress = field(default_factory=Progress)
    _dispatch: Dispatch = field(init=False)
    _trials: dict[bytes, Trial] = field(default_factory=dict)
    _failed: set[bytes] = field(default_factory=set)
    _is_spent: bool = False
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        self._dispatch = Dispatch(self.journal, self.progress, self.tell, self.now, self.sleep)
        for grader in self.graders:
            self._dispatch.open_desk(grader)

    def stop(self) -> None:
        """Submit nothing more and wait no longer; what is out stays out. May be called from a signal's handler."""
        self.progress.stopped = "cancel"
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    @property
    def out(self) -> list[SentBatch]:
        """The batches that are still out."""
        return [out.batch for out in self._dispatch.out]

    async def run(self, questions: Questions, *, progress: Progress | None = None) -> Progress:
        """Submit, wait and file until nothing is missing or a bound is reached; counts are added to `progress`."""
        self.progress = progress or self.progress
        self._dispatch.progress, self._dispatch.tell = self.progress, self.tell
        self._loop = asyncio.get_running_loop()
        try:
            await self._dispatch.take_up()
            await self._rounds(questions)
        finally:
            self._loop = None
            await self._dispatch.aclose()
        return self.progress

    async def _rounds(self, questions: Questions) -> None:
        dispatch, progress = self._dispatch, self.progress
        pause, may_lack = FIRST_PAUSE, True
        while progress.stopped != "cancel":
            if may_lack or dispatch.owes:
                # What came back cheaper than thought leaves some of the budget.
                self._is_spent = dispatch.owes = False
                await self._submit(questions)
            if not dispatch.out and not dispatch.owes:
                break
            ended = await dispatch.look()
            if ended:
                await self._collect(ended, questions)
                pause = FIRST_PAUSE
            else:
                if dispatch.out:
                    self.tell(dispatch.outlook(pause))
                await self._pause(pause)
                pause = min(pause * PAUSE_GROWS, LONGEST_PAUSE)
            may_lack = bool(ended)
        if self._is_spent and progress.stopped is None:
            progress.stopped = "budget"

    async def _pause(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self.sleep(seconds)), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _missing(self, questions: Questions, names: Iterable[str]) -> Iterator[tuple[MissingCall, CallId]]:
        asked = [AskedGrader.of(self._dispatch.desks[name].grader, self.repeats) for name in names]
        for calls in missing_calls(questions(), self.ledger, asked, Progress()):
            for call in calls:
                yield call, CallId.of(call, self.journal.salt)

    async def _submit(self, questions: Questions) -> None:
        """Submit every missing call that is not out, as far as the budget goes."""
        filling: Filling = {}
        entries: list[Entry] = []
        given_up = self.progress.given_up
        try:
            for call, ids in self._missing(questions, [name for name in self._dispatch.desks if name not in given_up]):
                if self.progress.stopped == "cancel" or self._is_spent:
                    break
                if call.card.name in given_up or ids.base in self._failed or self._dispatch.has(ids):
                    continue
                if self._dispatch.is_full(self._dispatch.desks[call.card.name]):
                    continue
                entries += await self._ask(call, ids, filling)
                if len(entries) >= _COMMIT_AT_MOST:
                    self._keep(entries)
            for (name, tries), outgoing in filling.items():
                if self.progress.stopped != "cancel":
                    await self._dispatch.send(self._dispatch.desks[name], tries, outgoing)
        finally:
            for outgoing in filling.values():
                outgoing.close()
            self._keep(entries)

    async def _ask(self, call: MissingCall, ids: CallId, filling: Filling) -> list[Entry]:
        """Put a call into a batch; entries where it is settled without one."""
        desk = self._dispatch.desks[call.card.name]
        grader, trial = desk.grader, self._trials.get(ids.base)
        if grader.needs_no_call(call.task):
            return self._counted(await judged_entries(call, self.now))
        custom_id, task = ids.whole, call.task
        if trial is not None and trial.misquoted and ids.alone is not None:
            custom_id, task = ids.alone, missing_alone(call)
        estimate = grader.estimate(task, first=True)
        if not self._may_pay(estimate, filling.values()):
            self._is_spent = True
            return []
        try:
            prompt = grader.endpoint.prompt(task, grader.shelf)
            body = grader.endpoint.body(prompt, None if trial is None else trial.form)
            place = (grader.name, 0 if trial is None else trial.tally.unusable_replies)
            if place not in filling:
                filling[place] = self._outgoing(desk)
            if not filling[place].add(custom_id, body, estimate):
                full = filling.pop(place)
                try:
                    await self._dispatch.send(desk, place[1], full)
                finally:
                    full.close()
                if self._dispatch.is_full(desk):
                    return []
                filling[place] = self._outgoing(desk)
                if not filling[place].add(custom_id, body, estimate):
                    raise GraderError("grader", f"a request of {len(body):,} bytes is more than a batch may hold")
        except GraderError as error:
            return self._settled_as_failed(call, ids, error)
        return []

    def _outgoing(self, desk: Desk) -> Outgoing:
        return Outgoing(desk.service.provider, most_requests=self.most_requests)

    def _may_pay(self, estimate: float | None, filling: Iterable[Outgoing]) -> bool:
        """Whether what was spent, what is out and one more call stay within the budget, as far as can be told."""
        if self.budget is None:
            return True
        known = [self.progress.cost, estimate, *(batch.estimate for batch in self.out)]
        known += [outgoing.estimate for outgoing in filling]
        costs = [cost for cost in known if cost is not None]
        return len(costs) == len(known) and fsum(costs) <= self.budget

    async def _collect(self, ended: Sequence[OutBatch], questions: Questions) -> None:
        """File what came of ended batches, as many at a time as an index of their results may hold."""
        group: list[OutBatch] = []
        for out in ended:
            group.append(out)
            if sum(len(each.batch.calls) for each in group) >= _COLLECT_AT_MOST or out is ended[-1]:
                await self._collect_group(group, questions)
                group = []

    async def _collect_group(self, group: Sequence[OutBatch], questions: Questions) -> None:
        results = ResultFile()
        try:
            fetched = [out for out in group if await self._dispatch.fetch(out, results)]
            entries: list[Entry] = []
            for call, ids in self._missing(questions, dict.fromkeys(out.batch.grader for out in fetched)):
                entries += self._filed(call, ids, fetched, results)
                if len(entries) >= _COMMIT_AT_MOST:
                    self._keep(entries)
            self._keep(entries)
        finally:
            results.close()
        for out in fetched:
            self._dispatch.done(out)

    def _filed(self, call: MissingCall, ids: CallId, ended: Sequence[OutBatch], results: ResultFile) -> list[Entry]:
        """What came of a call; nothing where it was in none of these batches or is to be asked again."""
        for custom_id, task in ((ids.whole, call.task), (ids.alone, missing_alone(call))):
            number = number_of(custom_id)
            for out in ended:
                if custom_id is None or number is None or number not in out.batch.calls:
                    continue
                value = results.find(custom_id)
                result = None if value is None else out.desk.service.provider.result(value)
                if _was_cancelled(result, out):
                    self.progress.stopped = "cancel"
                    return []
                try:
                    return self._judged(call, ids, task, result, out)
                except GraderError as error:
                    return self._settled_as_failed(call, ids, error)
        return []

    def _judged(
        self, call: MissingCall, ids: CallId, task: Task, result: RequestResult | None, out: OutBatch
    ) -> list[Entry]:
        """The verdicts in a result; GraderError where a bound is reached without one."""
        grader = out.desk.grader
        trial = self._trials.setdefault(ids.base, Trial.of(grader, out.batch.tries))
        completion = trial.completion(result, grader)
        if completion is None:
            return []
        self._spend(grader, completion.usage)
        verdicts = [each for each in trial.verdicts(completion, task, grader) if each.criterion_id in call.attempts]
        if not verdicts:
            return []
        entries = verdict_entries(call, grader.told(task, verdicts, trial.tally), self.now())
        trial.tally.forget_replies()  # told with these; what another try takes is told with its own
        if len(entries) == len(call.attempts):
            del self._trials[ids.base]
        return self._counted(entries)

    def _settled_as_failed(self, call: MissingCall, ids: CallId, error: GraderError) -> list[Entry]:
        """Failed entries; the call is not asked again before the next command."""
        trial = self._trials.pop(ids.base, None)
        if trial is not None:
            error.spent = self._dispatch.desks[call.card.name].grader.spent(trial.tally)
        self._failed.add(ids.base)
        return self._counted(failed_entries(call, error, self.now()))

    def _spend(self, grader: ModelGrader, usage: Usage) -> None:
        progress = self.progress
        progress.calls += 1
        cost = None if grader.price is None else grader.price.cost(usage)
        progress.cost = None if cost is None or progress.cost is None else progress.cost + cost

    def _counted(self, entries: list[Entry]) -> list[Entry]:
        for entry in entries:
            if entry.judgment.status in FINAL:
                self.progress.graded += 1
            else:
                self.progress.failed += 1
                if (failure := entry.judgment.failure) is not None:
                    self.progress.last_failure = f"{failure.kind}: {failure.message}"
        return entries

    def _keep(self, entries: list[Entry]) -> None:
        for start in range(0, len(entries), _COMMIT_AT_MOST):
            self.ledger.keep(entries[start : start + _COMMIT_AT_MOST])
        if entries:
            self.on_progress(self.progress)
        entries.clear()


def _was_cancelled(result: RequestResult | None, out: OutBatch) -> bool:
    """Whether somebody cancelled a request at the provider: then it is not asked again behind his back."""
    if result is None:
        return out.state is not None and out.state.was_cancelled
    return result.reply is None and result.trouble == "cancelled"
