"""Reads judgments from files; every mistake is found in one pass and placed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graders.judgment import Judgment
from rubrics import Mistakes, parse_row, read_lines


class JudgmentFile:
    """Judgments on disk, read anew at each iteration; mistakes are collected at the first."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.mistakes = Mistakes()
        self._checked = False

    def __iter__(self) -> Iterator[Judgment]:
        for _, judgment in self.numbered():
            yield judgment

    def numbered(self) -> Iterator[tuple[int, Judgment]]:
        """The judgments with their line numbers."""
        mistakes = self.mistakes if not self._checked else Mistakes()
        for line, value in read_lines(self.path, mistakes):
            judgment = parse_row(Judgment, value, mistakes, file=str(self.path), line=line)
            if judgment is not None:
                yield line, judgment
        self._checked = True


def load_judgments(path: str | Path) -> tuple[Judgment, ...]:
    """Read judgments from a `.jsonl`; InputError has every mistake in it."""
    file = JudgmentFile(path)
    judgments = tuple(file)
    file.mistakes.raise_if_any()
    return judgments
