"""Reads judgments from files; every mistake is found in one pass and placed."""

from __future__ import annotations

from pathlib import Path

from graders.judgment import Judgment
from rubrics import RowFile


class JudgmentFile(RowFile[Judgment]):
    """Judgments on disk; mistakes are collected at the first whole pass."""

    model = Judgment


def load_judgments(path: str | Path) -> tuple[Judgment, ...]:
    """Read judgments from a `.jsonl`; InputError has every mistake in it."""
    return JudgmentFile(path).load()
