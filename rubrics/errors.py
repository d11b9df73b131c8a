"""Everything Markscheme raises on purpose.

EvalError
├── InputError      the user's file or argument is wrong: every mistake, each with its place (exit 1)
├── GraderError     a grader gave no usable verdict: a failure kind and a message (becomes a `failed` judgment)
└── StoreError      the ledger cannot do what was asked (exit 1)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in the user's input, with its place and the way out."""

    file: str
    message: str
    path: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f":{self.line}"
        if self.column is not None:
            place += f":{self.column}"
        return f"{place} {self.path}: {self.message}" if self.path else f"{place}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The mistake as one JSON object; keys as the attributes."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path or None,
            "message": self.message,
        }


class EvalError(Exception):
    """Anything that Markscheme refuses or cannot do."""


class InputError(EvalError):
    """The input is wrong; `mistakes` holds every mistake that was found, in reading order."""

    def __init__(self, mistakes: Mistake | Iterable[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = (mistakes,) if isinstance(mistakes, Mistake) else tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class GraderError(EvalError):
    """A grader could not give a verdict; `kind` is one of the failure kinds of a judgment.

    `spent` is what the call took all the same: fields of a judgment such as `input_tokens` and `cost`.
    """

    def __init__(self, kind: str, message: str, *, spent: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self.spent: Mapping[str, Any] = spent or {}
        super().__init__(message)


class StoreError(EvalError):
    """The ledger cannot do what was asked."""


class Mistakes:
    """A growing list of mistakes, so that a whole batch of files is reported at once."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    def add(self, file: str, message: str, path: str = "", line: int | None = None, column: int | None = None) -> None:
        self.found.append(Mistake(file, message, path, line, column))

    def extend(self, mistakes: Iterable[Mistake]) -> None:
        self.found.extend(mistakes)

    def raise_if_any(self) -> None:
        """Raise InputError with all of them; nothing happens when there are none."""
        if self.found:
            raise InputError(self.found)

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)
