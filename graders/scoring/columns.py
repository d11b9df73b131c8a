"""Scores of many answers kept as columns of numbers, not as objects: a million cells fit where models would not."""

from __future__ import annotations

from array import array
from math import nan

from graders.scoring.answer import AnswerScore, TagScore


def _number(value: float | None) -> float:
    return nan if value is None else value


def _none(value: float) -> float | None:
    return None if value != value else value


class ScoreColumns:
    """The whole-answer scores of one group, in the order in which answers were added."""

    def __init__(self) -> None:
        self.score = array("d")
        self.ungated = array("d")
        self.judged_only = array("d")
        self.low = array("d")
        self.high = array("d")
        self.coverage = array("d")
        self.exact = array("b")
        self.defined = array("b")
        self.any_judged = array("b")
        self._reason = array("h")
        self._reasons: list[str | None] = [None]
        self._reason_index: dict[str | None, int] = {None: 0}

    def append(self, scored: AnswerScore) -> None:
        """Add the next answer's score."""
        self.score.append(_number(scored.score))
        self.ungated.append(_number(scored.ungated))
        self.judged_only.append(_number(scored.judged_only))
        self.low.append(_number(scored.low))
        self.high.append(_number(scored.high))
        self.coverage.append(scored.coverage)
        self.exact.append(scored.exact)
        self.defined.append(scored.defined)
        self.any_judged.append(scored.any_judged)
        if scored.reason not in self._reason_index:
            self._reason_index[scored.reason] = len(self._reasons)
            self._reasons.append(scored.reason)
        self._reason.append(self._reason_index[scored.reason])

    def reason(self, answer: int) -> str | None:
        """Why an answer has no score."""
        return self._reasons[self._reason[answer]]

    def as_json(self, answer: int) -> dict[str, float | str | None]:
        """One answer's numbers."""
        return {
            "score": _none(self.score[answer]),
            "judged_only": _none(self.judged_only[answer]),
            "low": _none(self.low[answer]),
            "high": _none(self.high[answer]),
            "bounds": "exact" if self.exact[answer] else "outer",
            "coverage": self.coverage[answer],
            "ungated": _none(self.ungated[answer]),
            "reason": self.reason(answer),
        }


class TagColumns:
    """One criterion's tag: only the answers whose rubric has it."""

    def __init__(self) -> None:
        self.answer = array("l")
        self.score = array("d")
        self.judged_only = array("d")
        self.low = array("d")
        self.high = array("d")
        self.coverage = array("d")
        self.any_judged = array("b")
        self.defined = array("b")
        self.absent = array("b")

    def append(self, answer: int, scored: TagScore) -> None:
        """Add one answer's tag."""
        self.answer.append(answer)
        self.score.append(_number(scored.score))
        self.judged_only.append(_number(scored.judged_only))
        self.low.append(_number(scored.low))
        self.high.append(_number(scored.high))
        self.coverage.append(scored.coverage)
        self.any_judged.append(scored.any_judged)
        self.defined.append(scored.defined)
        self.absent.append(scored.absent)
