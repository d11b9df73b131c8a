"""Asks for the judgments that are missing, bounded in number and in time, and files each exactly once.

The engine streams: it walks the questions, asks the ledger which cells of an answer have no final judgment with
today's key, hands each call to a worker, and lets one writer commit what has come in. This is the one boundary where
whatever a grader raises becomes a `failed` judgment.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite

from graders.cell import FINAL, Call, cell_keys, plan_calls, references_hash
from graders.fit import fit_verdict
from graders.grader import Grader, GraderCard, Task
from graders.judgment import FAILURE_KINDS, Failure, Judgment, Verdict
from graders.ledger import Entry, Ledger
from graders.scoring import leaf_scale
from rubrics import Answer, Criterion, Example, GraderError

Question = tuple[Example, Sequence[tuple[Answer, str]]]
"""An example with its answers, each with its `answer_hash`."""

COMMIT_AT_MOST = 200
"""Most judgments in one commit."""

DEAD_AFTER = 8
"""Calls that must die on the way, and none succeed, before a grader is given up."""


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

    @property
    def to_grade(self) -> int:
        return self.total - self.kept


@dataclass(frozen=True, slots=True)
class _MissingCall:
    """A call with at least one cell to ask, and what its entries in the ledger will carry."""

    grader: Grader
    card: GraderCard
    task: Task
    answer_hash: str
    keys: dict[str, str]
    attempts: dict[str, int]
    """The missing cells: criterion id → attempt number."""


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
    _paying: int = 0
    _till: asyncio.Condition = field(default_factory=asyncio.Condition)
    _dead_calls: dict[str, int] = field(default_factory=dict)
    _dearest: float = 0.0

    def plan(self, questions: Iterable[Question]) -> Progress:
        """Count what there is and what is missing, asking no one."""
        progress = Progress()
        for _ in self._missing(questions, progress):
            pass
        return progress

    def stop(self) -> None:
        """Ask for nothing more; what is in flight is finished and kept."""
        self._stop = True
        self.progress.stopped = "cancel"

    async def run(self, questions: Iterable[Question]) -> Progress:
        """Ask for every missing cell; returns the counts when the last judgment is committed."""
        self.progress = Progress()
        self._stop = False
        self._paying = 0
        self._till = asyncio.Condition()
        self._dead_calls = {}
        missing = self._missing(questions, self.progress)
        done: asyncio.Queue[list[Entry] | None] = asyncio.Queue(maxsize=COMMIT_AT_MOST)
        writer = asyncio.create_task(self._write(done))
        workers = [asyncio.create_task(self._work(missing, done)) for _ in range(self.concurrency)]
        try:
            await _first_failure(writer, *workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            if not writer.done():
                await done.put(None)
            await writer
            await asyncio.gather(*map(_close, self.graders), return_exceptions=True)
        return self.progress

    def _missing(self, questions: Iterable[Question], progress: Progress) -> Iterator[_MissingCall]:
        cards = [(grader, GraderCard.of(grader)) for grader in self.graders]
        for example, answers in questions if cards else ():
            shown = references_hash(example)
            planned = [(grader, card, card.fingerprint, plan_calls(example.rubric, card)) for grader, card in cards]
            asks = any(calls for *_, calls in planned)
            for answer, answer_hash in answers:
                standing = self.ledger.standing(*answer.key) if asks else {}
                for grader, card, fingerprint, calls in planned:
                    for call in calls:
                        keys = dict(cell_keys(example.rubric, call, answer_hash, fingerprint, shown))
                        for repeat in range(1 if card.kind == "rule" else self.repeats):
                            attempts = {}
                            for criterion_id, key in keys.items():
                                there = standing.get((criterion_id, card.name, repeat))
                                if there is None or there.key != key or there.status not in FINAL:
                                    attempts[criterion_id] = 0 if there is None else there.attempt + 1
                            progress.total += len(keys)
                            progress.kept += len(keys) - len(attempts)
                            if attempts:
                                task = Task(example, answer, _criteria(example, call), repeat)
                                yield _MissingCall(grader, card, task, answer_hash, keys, attempts)

    async def _work(self, missing: Iterator[_MissingCall], done: asyncio.Queue[list[Entry] | None]) -> None:
        for call in missing:
            if self._stop:
                return
            if call.card.name in self.progress.given_up:
                continue
            pays = self.budget is not None and call.card.kind != "rule"
            if pays and not await self._may_pay():
                return
            entries = await self._entries(call)
            verdicts = [entry.judgment for entry in entries]
            self._count(call, verdicts)
            if pays:
                await self._paid()
            self._give_up_on_the_dead(call.card.name, verdicts)
            await done.put(entries)
            self.on_progress(self.progress)

    async def _may_pay(self) -> bool:
        """Whether one more call surely stays within the budget; waits for those in flight where they decide it.

        The dearest call so far stands for each call in flight. Until one has told its price only one is made, and a
        grader that tells none is asked no more: what it costs is unknown, not nothing.
        """
        async with self._till:
            while not self._stop:
                spent, budget = self.progress.cost, self.budget or 0.0
                known = spent is not None and budget > 0
                if known and not self._paying:
                    allowed = (spent or 0.0) + self._dearest <= budget
                else:
                    reserved = (self._paying + 1) * self._dearest
                    allowed = known and self._dearest > 0 and (spent or 0.0) + reserved <= budget
                if allowed:
                    self._paying += 1
                    return True
                if not self._paying:
                    self._stop = True
                    self.progress.stopped = "budget"
                    return False
                await self._till.wait()
        return False

    async def _paid(self) -> None:
        async with self._till:
            self._paying -= 1
            self._till.notify_all()

    def _give_up_on_the_dead(self, name: str, verdicts: Sequence[Verdict]) -> None:
        """Ask a grader no more when its first calls all died on the way; what it was not asked stays missing."""
        if any(verdict.failure is None or verdict.failure.kind not in ("http", "timeout") for verdict in verdicts):
            self._dead_calls[name] = -1
        elif self._dead_calls.get(name, 0) >= 0:
            self._dead_calls[name] = self._dead_calls.get(name, 0) + 1
            if self._dead_calls[name] >= DEAD_AFTER:
                self.progress.given_up[name] = self.progress.last_failure or ""

    async def _entries(self, call: _MissingCall) -> list[Entry]:
        """The grader's verdicts on the missing cells as entries, or one failed entry each."""
        try:
            verdicts = _checked(call, await call.grader.judge(call.task))
            return [self._entry(call, verdict) for verdict in verdicts if verdict.criterion_id in call.attempts]
        except BaseException as error:  # the one boundary: whatever a grader raises is that call's failure
            if _is_ours(error):
                raise
            failure = _failure(error)
        return [
            self._entry(call, Verdict(criterion_id=criterion_id, status="failed", failure=failure))
            for criterion_id in call.attempts
        ]

    def _count(self, call: _MissingCall, verdicts: Sequence[Verdict]) -> None:
        progress = self.progress
        progress.calls += 1
        for verdict in verdicts:
            if verdict.status in FINAL:
                progress.graded += 1
            else:
                progress.failed += 1
                if verdict.failure is not None:
                    progress.last_failure = f"{verdict.failure.kind}: {verdict.failure.message}"
        if call.card.kind == "rule":
            return
        costs = [verdict.cost for verdict in verdicts if verdict.cost is not None]
        if not costs:
            progress.cost = None
        elif progress.cost is not None:
            spent = progress.cost + sum(costs)
            progress.cost = spent if isfinite(spent) else None
            self._dearest = max(self._dearest, sum(costs))

    def _entry(self, call: _MissingCall, verdict: Verdict) -> Entry:
        task = call.task
        said = {name: getattr(verdict, name) for name in verdict.model_fields_set}
        judgment = Judgment.model_validate(
            {
                **said,
                "status": verdict.status,
                "example_id": task.answer.example_id,
                "model": task.answer.model,
                "sample": task.answer.sample,
                "repeat": task.repeat,
                "grader": call.card.name,
                "grader_kind": call.card.kind,
                "grader_fingerprint": call.card.fingerprint,
                "prompt_hash": call.card.prompt_hash,
                "criterion_hash": task.rubric.criterion_hashes[verdict.criterion_id],
                "answer_hash": call.answer_hash,
                "judged_at": self.now().isoformat(timespec="milliseconds"),
            }
        )
        return Entry(judgment, call.keys[verdict.criterion_id], call.attempts[verdict.criterion_id])

    async def _write(self, done: asyncio.Queue[list[Entry] | None]) -> None:
        """Commit what has come in, all of it at once, until None arrives; a commit never blocks the event loop."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger") as thread:
            last = False
            while not last:
                batch: list[Entry] = []
                arrived = await done.get()
                while True:
                    if arrived is None:
                        last = True
                        break
                    batch.extend(arrived)
                    if len(batch) >= COMMIT_AT_MOST or done.empty():
                        break
                    arrived = done.get_nowait()
                if batch:
                    await loop.run_in_executor(thread, self.ledger.keep, batch)


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


def _criteria(example: Example, call: Call) -> tuple[Criterion, ...]:
    leaves = example.rubric.leaf_by_id
    return tuple(leaves[criterion_id].criterion for criterion_id in call.criterion_ids)


def _checked(call: _MissingCall, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    """The verdicts as they came, if there is exactly one fitting verdict for each criterion asked."""
    if not isinstance(verdicts, list | tuple) or not all(isinstance(verdict, Verdict) for verdict in verdicts):
        raise GraderError("grader", f"expected a list of Verdict, got {type(verdicts).__name__}")
    asked = [criterion.id for criterion in call.task.criteria]
    got = [verdict.criterion_id for verdict in verdicts]
    if sorted(asked) != sorted(got):
        raise GraderError("grader", f"asked for {asked}, got verdicts on {got}")
    for verdict in verdicts:
        criterion = next(c for c in call.task.criteria if c.id == verdict.criterion_id)
        if (problem := fit_verdict(verdict, leaf_scale(criterion)).problem) is not None:
            raise GraderError("grader", f"{verdict.criterion_id}: {problem[1]}")
        if call.card.kind == "model" and verdict.status == "not_applicable" and not criterion.may_not_apply:
            raise GraderError("grader", f"{verdict.criterion_id}: not_applicable, where the criterion must apply")
    return verdicts


def _is_ours(error: BaseException) -> bool:
    """Whether an exception ends the run, rather than being the grader's: Ctrl-C, or our own cancelling."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


async def _close(grader: Grader) -> None:
    """Close a grader that can be closed; how it does that is its own affair, and no reason to lose a score."""
    close = getattr(grader, "aclose", None)
    if close is not None:
        closing = close()
        if inspect.isawaitable(closing):
            await closing


def _failure(error: BaseException) -> Failure:
    kind = error.kind if isinstance(error, GraderError) else "timeout" if isinstance(error, TimeoutError) else "grader"
    if kind not in FAILURE_KINDS:
        kind = "grader"
    message = str(error) or type(error).__name__
    if not isinstance(error, GraderError | TimeoutError):
        message = f"{type(error).__name__}: {message}"
    clean = message.encode("utf-8", "replace").decode("utf-8").replace("\x00", "␀")
    return Failure.model_validate({"kind": kind, "message": clean[:2000]})
