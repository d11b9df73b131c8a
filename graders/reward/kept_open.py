"""A grader whose connections outlive the batch."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

from graders.grader import Grader, Task
from graders.judgment import Verdict


class KeptOpen:
    """A grader as the engine sees it, without what would end it, and with one bound on calls over all batches."""

    def __init__(self, grader: Grader, slots: asyncio.Semaphore) -> None:
        self.name = grader.name
        self.version = grader.version
        self._grader = grader
        self._slots = slots

    async def judge(self, task: Task) -> Sequence[Verdict]:
        async with self._slots:
            return await self._grader.judge(task)

    def __getattr__(self, name: str) -> Any:
        if name in ("aclose", "stop"):
            raise AttributeError(name)
        return getattr(self._grader, name)


async def close_graders(graders: Sequence[Grader]) -> None:
    """Close every grader that can be closed; how one does that is its own affair, and no reason to keep the others."""
    await asyncio.gather(*map(_close, graders), return_exceptions=True)


async def _close(grader: Grader) -> None:
    if (close := getattr(grader, "aclose", None)) is not None and inspect.isawaitable(closing := close()):
        await closing
