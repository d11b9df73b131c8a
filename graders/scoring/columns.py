"""Scores of many answers kept as columns of numbers, not as objects: a million cells fit where models would not."""

from __future__ import annotations

from array import array
from math import nan

import numpy as np
from numpy.typing import NDArray

from graders.scoring.answer import AnswerScore, TagScore
from graders.scoring.points import Flags, Floats, Places


def _number(value: float | None) -> float:
    return nan if value is None else value


def _none(value: float) -> float | None:
    return None if value != value else float(value)


class ScoreColumns:
    """The whole-answer scores of one group: one place an answer, NaN where there is no number."""

    def __init__(self, n_answers: int) -> None:
        self.score = np.full(n_answers, nan)
        self.ungated = np.full(n_answers, nan)
        self.judged_only = np.full(n_answers, nan)
        self.low = np.full(n_answers, nan)
        self.high = np.full(n_answers, nan)
        self.coverage = np.zeros(n_answers)
        self.exact = np.ones(n_answers, dtype=np.bool_)
        self.defined = np.ones(n_answers, dtype=np.bool_)
        self.any_judged = np.zeros(n_answers, dtype=np.bool_)
        self._reason = np.zeros(n_answers, dtype=np.int32)
        self._reasons: list[str | None] = [None]
        self._reason_index: dict[str | None, int] = {None: 0}

    def put(self, answer: int, scored: AnswerScore) -> None:
        """One answer's score."""
        self.score[answer] = _number(scored.score)
        self.ungated[answer] = _number(scored.ungated)
        self.judged_only[answer] = _number(scored.judged_only)
        self.low[answer] = _number(scored.low)
        self.high[answer] = _number(scored.high)
        self.coverage[answer] = scored.coverage
        self.exact[answer] = scored.exact
        self.defined[answer] = scored.defined
        self.any_judged[answer] = scored.any_judged
        if scored.reason not in self._reason_index:
            self._reason_index[scored.reason] = len(self._reasons)
            self._reasons.append(scored.reason)
        self._reason[answer] = self._reason_index[scored.reason]

    def put_fully_judged(self, answers: Places, scores: Floats) -> None:
        """Many answers in which every leaf is judged and no gate stands: one number each says it all."""
        for column in (self.score, self.ungated, self.judged_only, self.low, self.high):
            column[answers] = scores
        self.coverage[answers] = 1.0
        self.any_judged[answers] = True

    def reason(self, answer: int) -> str | None:
        """Why an answer has no score."""
        return self._reasons[int(self._reason[answer])]

    def as_json(self, answer: int) -> dict[str, float | str | None]:
        """One answer's numbers."""
        return {
            "score": _none(self.score[answer]),
            "judged_only": _none(self.judged_only[answer]),
            "low": _none(self.low[answer]),
            "high": _none(self.high[answer]),
            "bounds": "exact" if self.exact[answer] else "outer",
            "coverage": float(self.coverage[answer]),
            "ungated": _none(self.ungated[answer]),
            "reason": self.reason(answer),
        }


class TagColumns:
    """One criterion's tag: only the answers whose rubric has it, ascending once `sort` was called."""

    def __init__(self) -> None:
        self.answer: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self.score: Floats = np.empty(0)
        self._rest: tuple[Floats, Floats, Floats, Floats] | None = None
        """Judged only, low, high and coverage, where they are not all said by the score."""
        self._marks: tuple[Flags, Flags, Flags] | None = None
        """Any judged, defined and absent, likewise."""
        self._answers = array("i")
        self._numbers = array("d")
        self._flags = array("b")
        self._judged_answers = array("i")
        self._judged_scores = array("d")

    # Where every leaf is judged, one column says it all: the others are made when they are asked for.

    @property
    def judged_only(self) -> Floats:
        """The score of what was judged."""
        return self.score if self._rest is None else self._rest[0]

    @property
    def low(self) -> Floats:
        """The least score of all completions."""
        return self.score if self._rest is None else self._rest[1]

    @property
    def high(self) -> Floats:
        """The greatest score of all completions."""
        return self.score if self._rest is None else self._rest[2]

    @property
    def coverage(self) -> Floats:
        """The share of the points that was judged."""
        return np.ones(len(self.answer)) if self._rest is None else self._rest[3]

    @property
    def any_judged(self) -> Flags:
        """Whether any leaf of the tag was judged."""
        return np.ones(len(self.answer), dtype=np.bool_) if self._marks is None else self._marks[0]

    @property
    def defined(self) -> Flags:
        """Whether there is a score to reach."""
        return np.ones(len(self.answer), dtype=np.bool_) if self._marks is None else self._marks[1]

    @property
    def absent(self) -> Flags:
        """Whether the answer does not have the tag after all."""
        return np.zeros(len(self.answer), dtype=np.bool_) if self._marks is None else self._marks[2]

    def put(self, answer: int, scored: TagScore) -> None:
        """One answer's tag."""
        self._answers.append(answer)
        numbers = (scored.score, scored.judged_only, scored.low, scored.high, scored.coverage)
        self._numbers.extend(map(_number, numbers))
        self._flags.extend((scored.any_judged, scored.defined, scored.absent))

    def put_fully_judged(self, answers: Places, scores: Floats) -> None:
        """Many answers in which every leaf of the tag is judged, ascending and above those put so before."""
        self._judged_answers.frombytes(answers.astype(np.int32).tobytes())
        self._judged_scores.frombytes(scores.tobytes())

    def sort(self) -> None:
        """Bring what was put into the columns, answers ascending."""
        answers = np.frombuffer(self._judged_answers, dtype=np.int32)
        scores = np.frombuffer(self._judged_scores, dtype=np.float64)
        if not self._answers:
            self.answer, self.score = answers, scores
            return
        numbers = np.frombuffer(self._numbers, dtype=np.float64).reshape(-1, 5)
        flags = np.frombuffer(self._flags, dtype=np.int8).reshape(-1, 3).astype(np.bool_)
        given = np.frombuffer(self._answers, dtype=np.int32)
        ones = np.ones(len(answers))
        yes = np.ones(len(answers), dtype=np.bool_)
        order = np.argsort(np.concatenate([given, answers]), kind="stable")
        self.answer = np.concatenate([given, answers])[order]
        self.score, judged_only, low, high = (
            np.concatenate([numbers[:, column], scores])[order] for column in range(4)
        )
        self._rest = judged_only, low, high, np.concatenate([numbers[:, 4], ones])[order]
        any_judged, defined, absent = (
            np.concatenate([flags[:, column], fill])[order] for column, fill in enumerate((yes, yes, ~yes))
        )
        self._marks = any_judged, defined, absent
        self._answers, self._numbers, self._flags = array("i"), array("d"), array("b")
        self._judged_answers, self._judged_scores = array("i"), array("d")


class TagCursor:
    """Finds answers in a tag's columns, as long as they are asked for in ascending order."""

    def __init__(self, columns: TagColumns) -> None:
        self.columns = columns
        self._places: list[int] = columns.answer.tolist()
        self._next = 0

    def at(self, answer: int) -> int | None:
        """Where in the columns an answer stands; None where its rubric does not have the tag."""
        while self._next < len(self._places) and self._places[self._next] < answer:
            self._next += 1
        found = self._next < len(self._places) and self._places[self._next] == answer
        return self._next if found else None
