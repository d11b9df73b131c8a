"""Samples answers for a dataset: what is in the file already is kept, the rest is asked and appended as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from api.answer_log import AnswerLog
from graders import Answerer
from rubrics import Answer, DatasetFile, Example, GraderError, InputError, Mistake

DEAD_AFTER = 8
"""Answers that must fail, and none come back, before the endpoint is given up."""

_TOLD = 10
"""Failures that are told one by one."""


@dataclass(slots=True)
class AnswerCounts:
    """What has happened so far; counts are answers."""

    total: int = 0
    """Answers that are wanted of this model."""
    kept: int = 0
    """Answers that were in the file."""
    answered: int = 0
    """Answers that are in the file now."""
    failed: int = 0
    """Answers that were asked for and did not come."""
    cut: int = 0
    """Answers that were cut off at the token limit."""
    empty: int = 0
    """Answers without any text."""
    failures: list[str] = field(default_factory=list)
    """The first failures, each with its place."""
    stopped: bool = False
    """Whether the user stopped it."""
    given_up: bool = False
    """Whether it stopped by itself, since nothing ever came back."""

    @property
    def to_ask(self) -> int:
        return self.total - self.kept


@dataclass(slots=True)
class _Change:
    """Lines of the file that were asked in another way than now: the first, and how many there are."""

    path: str
    message: str
    line: int
    lines: int = 1


class Answering:
    """One model's answers to one dataset, in one file. What it holds in memory are ids, not texts."""

    def __init__(
        self, dataset: DatasetFile, log: AnswerLog, answerer: Answerer, *, samples: int = 1, concurrency: int = 16
    ) -> None:
        self.counts = AnswerCounts()
        self.on_progress: Callable[[AnswerCounts], None] = lambda _: None
        self._dataset = dataset
        self._log = log
        self._answerer = answerer
        self._samples = samples
        self._concurrency = concurrency
        self._kept: dict[str, int] = {}
        """Example id → the samples that the file has of this model, a bit each."""
        self._stop = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None
        self._pending: list[Answer] = []
        self._writing = asyncio.Lock()

    def prepare(self) -> bool:
        """Check the dataset and the file, and count; True where the file's last line was cut off.

        InputError with every mistake, and where answers of this model were asked in another way than now.
        """
        wanted = {example.id: self._answerer.prompt_hash(example) for example in self._dataset}
        self._dataset.mistakes.raise_if_any()
        changes: dict[str, _Change] = {}
        mended = self._log.read(lambda line, answer: self._take(line, answer, wanted, changes))
        if changes:
            raise InputError([self._mistake(change) for change in changes.values()])
        self.counts.total = len(wanted) * self._samples
        self.counts.kept = sum(self._kept.get(example_id, 0).bit_count() for example_id in wanted)
        return mended

    def stop(self) -> None:
        """Ask for nothing more; what is in flight is finished and kept."""
        self._stop = self.counts.stopped = True

    def stop_now(self) -> None:
        """Drop what is in flight: `run` raises CancelledError. May be called from a signal's handler."""
        self.stop()
        if self._running is not None:
            loop, task = self._running
            loop.call_soon_threadsafe(task.cancel)

    async def run(self) -> AnswerCounts:
        """Ask for everything that is missing; returns when the last answer is on the disk."""
        task = asyncio.current_task()
        assert task is not None
        self._running = asyncio.get_running_loop(), task
        missing = self._missing()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers") as thread:
            workers = [asyncio.create_task(self._work(missing, thread)) for _ in range(self._concurrency)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
                self._running = None
                await self._answerer.aclose()
        return self.counts

    def _take(
        self, line: int, answer: Answer, wanted: Mapping[str, str], changes: dict[str, _Change]
    ) -> Iterator[Mistake]:
        """Note an answer that is in the file; those of other models are no concern here."""
        if answer.model != self._answerer.filed_as:
            return
        if answer.sample < self._samples:
            kept, bit = self._kept.get(answer.example_id, 0), 1 << answer.sample
            if kept & bit:
                message = f"a second answer of {answer.model!r} to {answer.example_id!r}, sample {answer.sample}"
                yield Mistake(str(self._log.path), message, "$", line)
            self._kept[answer.example_id] = kept | bit
        for path, message in self._changed(answer, wanted):
            if path in changes:
                changes[path].lines += 1
            else:
                changes[path] = _Change(path, message, line)

    def _changed(self, answer: Answer, wanted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """In what an answer was asked otherwise than now; one that does not say how it was asked is taken as it is."""
        got = answer.metadata.get("prompt_hash")
        if not isinstance(got, str):
            return
        now = wanted.get(answer.example_id, got)
        if got != now:
            yield (
                "$.metadata.prompt_hash",
                f"got {got!r}, but what example {answer.example_id!r} asks now has {now!r}: its prompt or --system has "
                "changed",
            )
        if answer.metadata.get("sampling", {}) != self._answerer.sampling.as_json():
            yield "$.metadata.sampling", "was asked with another --temperature or --max-tokens than now"

    def _mistake(self, change: _Change) -> Mistake:
        more = f" (and in {change.lines - 1} more lines)" if change.lines > 1 else ""
        way_out = "write to another file, file these under another name (--as), or take those lines out"
        return Mistake(str(self._log.path), f"{change.message}{more}; {way_out}", change.path, change.line)

    def _missing(self) -> Iterator[tuple[Example, int]]:
        """What is to be asked: sample by sample of each example, in the dataset's order."""
        for example in self._dataset:
            kept = self._kept.get(example.id, 0)
            yield from ((example, sample) for sample in range(self._samples) if not kept >> sample & 1)

    async def _work(self, missing: Iterator[tuple[Example, int]], thread: ThreadPoolExecutor) -> None:
        counts = self.counts
        for example, sample in missing:
            if self._stop:
                return
            try:
                answer = await self._answerer.answer(example, sample)
            except GraderError as error:
                counts.failed += 1
                if len(counts.failures) < _TOLD:
                    counts.failures.append(f"example {example.id!r}, sample {sample}: {error.kind}: {error}")
                if not counts.answered and counts.failed >= DEAD_AFTER:
                    self._stop = counts.given_up = True
            else:
                await self._keep(answer, thread)
                counts.answered += 1
                counts.cut += answer.metadata.get("finish_reason") == "length"
                counts.empty += not answer.text.strip()
            self.on_progress(counts)

    async def _keep(self, answer: Answer, thread: ThreadPoolExecutor) -> None:
        """Return when the answer is on the disk; those that came in meanwhile go there together."""
        self._pending.append(answer)
        async with self._writing:
            together, self._pending = self._pending, []
            if together:
                await asyncio.get_running_loop().run_in_executor(thread, self._log.append, together)
