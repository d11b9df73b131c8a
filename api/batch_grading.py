"""A batch whose model graders are asked by their providers' batch endpoints, the others as usual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from api.batch import Batch
from graders import Engine, Progress
from graders.model import ModelGrader
from graders.model.batch import BatchRun


class BatchGrading:
    """Runs in the engine's place: first what is asked as usual, then what is submitted and waited for."""

    def __init__(self, batch: Batch, engine: Engine) -> None:
        """InputError where a grader's calls cannot go in batches."""
        batched = [grader for grader in engine.graders if isinstance(grader, ModelGrader)]
        usual = [grader for grader in engine.graders if not isinstance(grader, ModelGrader)]
        self._batch = batch
        self._engine = replace(engine, graders=usual)
        self._batches = BatchRun(
            batched,
            engine.ledger,
            batch.run.provider_batches(),
            repeats=engine.repeats,
            budget=engine.budget,
        )
        self._running: Engine | BatchRun = self._engine

    @property
    def progress(self) -> Progress:
        """The counts of all graders so far."""
        return self._running.progress

    def stop(self) -> None:
        """Ask for nothing more; what is out at a provider stays out. May be called from a signal's handler."""
        self._running.stop()

    async def run(
        self, plan: Progress, *, on_progress: Callable[[Progress], None], tell: Callable[[str], None]
    ) -> Progress:
        """Ask for every missing cell of the plan; `tell` is given a line for people now and then."""
        self._engine.on_progress = self._batches.on_progress = on_progress
        self._batches.tell = tell
        progress = await self._engine.run(self._batch.run.questions(only=plan.open), plan=plan)
        if progress.stopped is not None:
            return progress
        self._running = self._batches
        return await self._batches.run(lambda: self._batch.run.questions(only=plan.open), progress=progress)
