"""What reading an outside format gives where the source holds answers and judgments too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rubrics.answer import Answer
from rubrics.example import Example


@dataclass(frozen=True, slots=True)
class Converted:
    """A source in our form: examples, answers, judgments, and what of it could not be carried."""

    examples: list[Example]
    answers: list[Answer]
    judgments: list[dict[str, Any]]
    """Rows of a judgments file, as plain JSON: `rubrics` does not know the type, it belongs to `graders`."""
    notes: list[str]
    """One line for people about each thing that was left out or does not agree within the source."""
