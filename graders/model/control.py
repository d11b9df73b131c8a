"""Control criteria: one that an answer meets and one that it does not, asked of the judge beside the real ones.

A judge that gets either wrong was not judging this answer: talked into something by it, asleep, or broken.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from graders.judgment import Verdict
from rubrics import Criterion

_WORD = re.compile(r"[^\W\d_]{1,20}")


@dataclass(frozen=True, slots=True)
class Controls:
    """Two criteria, worded alike, and which of them is met; of an answer without a word only the one that is not."""

    criteria: tuple[Criterion, ...]
    met: tuple[bool, ...]

    def mistake(self, verdicts: list[Verdict]) -> str | None:
        """What the judge got wrong of them, for people; None where both verdicts are right."""
        for verdict, met in zip(verdicts, self.met, strict=True):
            if verdict.met is not met:
                said = verdict.status if verdict.met is None else "met" if verdict.met else "not met"
                truth = "stand in the answer" if met else "do not stand in the answer"
                return f"the judge said {said!r} of words that {truth}; none of its verdicts on this answer counts"
        return None


def controls_for(text: str) -> Controls:
    """The controls of an answer: a few of its own words, and a few that do not stand in it. The same each time."""
    digest = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big")
    there, absent = _own_words(text, digest), _foreign_words(text, digest)
    pairs = [(f"Says, word for word: {words}", words is there) for words in (there, absent) if words]
    if digest % 2:
        pairs.reverse()
    criteria = tuple(
        Criterion.model_validate({"id": f"control-{number}", "criterion": wording, "points": 1, "evidence": "none"})
        for number, (wording, _) in enumerate(pairs, start=1)
    )
    return Controls(criteria, tuple(met for _, met in pairs))


def _own_words(text: str, digest: int) -> str:
    """Up to five words of the answer that stand one after the other with single spaces between them."""
    runs: list[str] = re.findall(r"[^\W\d_]{1,20}(?: [^\W\d_]{1,20}){1,4}", text)
    if runs:
        most = max(run.count(" ") for run in runs)
        longest = [run for run in runs if run.count(" ") == most]
        return longest[digest // 2 % len(longest)]
    words: list[str] = _WORD.findall(text) or re.findall(r"\d{1,20}", text)
    return words[digest // 2 % len(words)] if words else ""


def _foreign_words(text: str, digest: int) -> str:
    lines = foreign_lines()
    seen = text.casefold()
    for offset in range(len(lines)):
        line = lines[(digest // 2 + offset) % len(lines)]
        if line.casefold() not in seen:
            return line
    return hashlib.sha256(seen.encode("utf-8")).hexdigest()  # an answer with all of them: this it cannot hold


@cache
def foreign_lines() -> tuple[str, ...]:
    """Five words each that hardly any answer holds."""
    text = (Path(__file__).parent / "prompts" / "controls.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)
