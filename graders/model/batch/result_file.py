"""The results of ended batches, kept in a file and found by their calls: they come in any order."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import IO, Any

import orjson

from graders.model.batch.call_id import number_of


class ResultFile:
    """Result lines by custom id; of two lines on one call the first counts."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # see close
        self._places: dict[int, tuple[int, int]] = {}
        self._end = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, line: bytes) -> int | None:
        """Keep a line; the number of its call, None where it is no result of ours."""
        value = _object(line)
        number = None if value is None else number_of(value.get("custom_id"))
        if number is not None and number not in self._places:
            self._places[number] = (self._end, len(line))
            self._end += self._file.write(line)
        return number

    def find(self, custom_id: str) -> Mapping[str, Any] | None:
        """The result of a call; None where nothing came of it."""
        number = number_of(custom_id)
        place = None if number is None else self._places.get(number)
        if place is None:
            return None
        self._file.seek(place[0])
        value = _object(self._file.read(place[1]))
        self._file.seek(self._end)
        return value if value is not None and value.get("custom_id") == custom_id else None

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
