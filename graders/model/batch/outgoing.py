"""The requests of one batch on their way out, in a file: a batch may be larger than what memory should hold."""

from __future__ import annotations

import os
import tempfile
from typing import IO

from graders.batch_journal import CallSet
from graders.model.batch.call_id import number_of
from graders.model.batch.provider import BatchProvider


class Outgoing:
    """A batch as it is written. Its file is gone when it is closed."""

    def __init__(self, provider: BatchProvider, *, most_requests: int | None = None) -> None:
        self._provider = provider
        self._most = min(most_requests or provider.most_requests, provider.most_requests)
        self._numbers: list[int] = []
        self._bytes = 0
        # Without a name: whatever becomes of us, no answers are left lying about.
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # see close
        self._file.write(provider.opening)
        self.estimate: float | None = 0.0
        """About what it costs in USD; None where that is unknown."""

    def add(self, custom_id: str, body: bytes, estimate: float | None) -> bool:
        """Write a request; False where the batch has no room left for it."""
        request = self._provider.request(custom_id, body)
        size = len(request) + len(self._provider.between)
        if len(self._numbers) >= self._most or self._bytes + size > self._provider.most_bytes:
            return False
        if self._numbers:
            self._file.write(self._provider.between)
        self._file.write(request)
        self._bytes += size
        number = number_of(custom_id)
        assert number is not None
        self._numbers.append(number)
        self.estimate = None if estimate is None or self.estimate is None else self.estimate + estimate
        return True

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def calls(self) -> CallSet:
        """Which calls are in it."""
        return CallSet(self._numbers)

    def finish(self) -> None:
        """Write the end: nothing more is added."""
        self._file.write(self._provider.closing)
        self._file.flush()

    def open(self) -> IO[bytes]:
        """The whole body, from its start, to be read by one at a time."""
        body = os.fdopen(os.dup(self._file.fileno()), "rb")
        body.seek(0)
        return body

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
