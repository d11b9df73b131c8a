"""A file of answers that grows line by line and can be gone on with after every crash."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from rubrics import Answer, AnswerFile, InputError, Mistake

_BEGINNING = b'{"example_id": '
"""How each line begins that is written here."""
_CHUNK = 1 << 20

Take = Callable[[int, Answer], Iterable[Mistake]]
"""Takes an answer with its line, and says what is wrong with it."""


class AnswerLog:
    """Appends answers to a JSON Lines file: once `append` returns, they are on the disk.

    `with AnswerLog(path) as log` makes the file where there is none; InputError where another process appends to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: BinaryIO | None = None
        self._made = False

    def __enter__(self) -> AnswerLog:
        self._made = not self.path.exists()
        if not (self._made or self.path.is_file()):
            raise InputError(Mistake(str(self.path), "expected a file: what is in it is read when it is gone on with"))
        try:
            handle = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise InputError(Mistake(str(self.path), f"cannot be written: {error.strerror}")) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise InputError(
                Mistake(str(self.path), "another process is writing to it; wait until that ends")
            ) from None
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._made and not os.fstat(self._opened.fileno()).st_size:
            self.path.unlink(missing_ok=True)
        self._opened.close()

    def read(self, take: Take) -> bool:
        """Hand on each answer that is there; True where the last line was cut short and is cut off now.

        InputError with every mistake where the file holds anything but answers; it is left as it was then.
        """
        size, whole, lines = _ends(self._opened)
        if not size:
            return False
        file = AnswerFile(self.path)
        mistakes: list[Mistake] = []
        last = 0
        for last, answer in file.numbered():
            mistakes += take(last, answer)
        is_cut = whole < size and last <= lines and self._is_beginning(whole)
        mistakes += [mistake for mistake in file.mistakes if not (is_cut and mistake.line == lines + 1)]
        if mistakes:
            raise InputError(sorted(mistakes, key=lambda mistake: mistake.line or 0))
        if is_cut:
            self._opened.truncate(whole)
        elif whole < size:
            self._write(b"\n")
        return is_cut

    def append(self, answers: Sequence[Answer]) -> None:
        """Write answers and wait until they are on the disk; where that fails, the file is as it was."""
        rows = (json.dumps(answer.as_json(), ensure_ascii=False, allow_nan=False) for answer in answers)
        self._write("".join(f"{row}\n" for row in rows).encode("utf-8"))

    @property
    def _opened(self) -> BinaryIO:
        assert self._handle is not None, "use it in a with block"
        return self._handle

    def _write(self, content: bytes) -> None:
        handle = self._opened
        before = handle.seek(0, os.SEEK_END)
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[handle.write(rest) :]
            os.fsync(handle.fileno())
        except OSError as error:
            handle.truncate(before)
            error.filename = str(self.path)
            raise

    def _is_beginning(self, start: int) -> bool:
        """Whether a last line without an end is the beginning of one that was written here, and not a whole one."""
        self._opened.seek(start)
        line = self._opened.read()
        try:
            json.loads(line)
        except ValueError:
            return line.startswith(_BEGINNING) or _BEGINNING.startswith(line)
        return False


def _ends(handle: BinaryIO) -> tuple[int, int, int]:
    """A file's size, where its last whole line ends, and how many whole lines it has."""
    handle.seek(0)
    size = whole = lines = 0
    while chunk := handle.read(_CHUNK):
        if (end := chunk.rfind(b"\n")) >= 0:
            whole = size + end + 1
            lines += chunk.count(b"\n")
        size += len(chunk)
    return size, whole, lines
