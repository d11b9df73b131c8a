"""The writer's lock: one process at a time writes a store."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rubrics import StoreError

_PAUSE = 0.05


class WriterLock:
    """An advisory lock on `<file>.lock`, held while anything of this process writes; the kernel frees it if we die.

    It is re-entrant, across threads too: the first taker locks the file, the last one frees it.
    The file stays: whoever removed it could remove another's.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.path = file.with_name(file.name + ".lock")
        self.on_next: Callable[[], None] | None = None
        """What the next taker does before anything else, once."""
        self._mutex = threading.RLock()
        self._depth = 0
        self._handle = -1

    @contextmanager
    def held(self, *, wait: float = 0.0) -> Iterator[None]:
        """Hold the lock; StoreError names the process that has it (after `wait` seconds)."""
        self._take(wait)
        try:
            yield
        finally:
            self._give_back()

    def _take(self, wait: float) -> None:
        with self._mutex:
            if self._depth == 0:
                self._handle = self._open(time.monotonic() + wait)
            self._depth += 1
            if self.on_next is not None:
                # Inside the mutex: nobody may write anything before this is done.
                first, self.on_next = self.on_next, None
                try:
                    first()
                except BaseException:
                    self._give_back()
                    raise

    def _give_back(self) -> None:
        with self._mutex:
            self._depth -= 1
            if self._depth == 0:
                os.close(self._handle)

    def _open(self, deadline: float) -> int:
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StoreError(
                f"{self.file}: cannot be locked for writing, {self.path}: {error.strerror}; "
                "make the folder writable or give another --store"
            ) from None
        try:
            while not _try_lock(handle):
                if time.monotonic() >= deadline:
                    raise StoreError(self._taken(handle))
                time.sleep(_PAUSE)
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _taken(self, handle: int) -> str:
        pid = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
        if pid == str(os.getpid()):
            return f"{self.file} is being written by another Store of this process (pid {pid}): use that one"
        return (
            f"{self.file} is being written by another process (pid {pid or 'unknown'}): "
            "wait until it is done, or use another --store"
        )


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
