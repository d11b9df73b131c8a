"""Scores as rows: each answer once for every group of graders, with the answer's own text beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from api.exports.given import given_text
from api.exports.rows import ANSWER_OPTIONAL, json_text
from graders import GroupScores, Scores
from rubrics import Answer, InputError, Mistake

_BLOCK = 1_000
_NUMBERS = ("score", "judged_only", "ungated", "low", "high")


class _Block:
    """What one group says of some answers that stand next to each other: taking them one by one costs the tenfold."""

    def __init__(self, group: GroupScores, start: int, stop: int) -> None:
        self._start = start
        self.numbers: list[tuple[float | None, ...]] = list(
            zip(*(_nones(getattr(group.answers, name)[start:stop]) for name in _NUMBERS), strict=True)
        )
        """`_NUMBERS` of each answer."""
        self.exact: list[bool] = group.answers.exact[start:stop].tolist()
        self.coverage: list[float] = group.answers.coverage[start:stop].tolist()
        self.tags: list[dict[str, float | None]] = [{} for _ in range(stop - start)]
        """The criteria's tags of each answer."""
        for tag, columns in group.tags.items():
            first, end = np.searchsorted(columns.answer, [start, stop]).tolist()
            places, absent = columns.answer[first:end].tolist(), columns.absent[first:end].tolist()
            for place, score, is_absent in zip(places, _nones(columns.score[first:end]), absent, strict=True):
                if not is_absent:
                    self.tags[place - start][tag] = score


def _nones(column: Any) -> list[float | None]:
    return [None if number != number else number for number in column.tolist()]


class ScoreRows:
    """Turns answers into rows of `scores`."""

    def __init__(self, scores: Scores, source: str) -> None:
        self._scores = scores
        self._source = source
        self._start, self._stop = 0, 0
        self._blocks: list[tuple[str, GroupScores, _Block]] = []
        self._next = 0
        self._places: dict[tuple[str, str, int], int] | None = None

    def rows(self, answer: Answer, line: int) -> Iterator[tuple[Any, ...]]:
        """The answer's rows, one a group; InputError where the answer was not scored."""
        place = self._place(answer, line)
        metadata = answer.model_dump(mode="json", include={"metadata"})["metadata"] if answer.metadata else {}
        written = (
            answer.text,
            json_text(metadata, self._source, line, "$.metadata") if metadata else "{}",
            given_text(ANSWER_OPTIONAL & answer.model_fields_set),
        )
        if not self._scores.groups:  # no one was asked: the answer is kept all the same
            yield (*answer.key, None, False, *(None,) * 8, "{}", *written)
        example_tags = self._scores.examples[self._scores.answers.example[place]].tags
        for name, group, block in self._around(place):
            at = place - self._start
            numbers = block.numbers[at]
            tags = {**dict.fromkeys(example_tags, numbers[0]), **block.tags[at]}
            yield (
                *answer.key,
                name,
                name == self._scores.chosen,
                *numbers,
                "exact" if block.exact[at] else "outer",
                block.coverage[at],
                group.answers.reason(place),
                json_text(tags, self._source, line, "$.tags"),
                *written,
            )

    def _around(self, place: int) -> Sequence[tuple[str, GroupScores, _Block]]:
        """What each group says of the answers around one."""
        if not self._start <= place < self._stop:
            self._start = place - place % _BLOCK
            self._stop = min(self._start + _BLOCK, len(self._scores.answers))
            groups = self._scores.groups.items()
            self._blocks = [(name, group, _Block(group, self._start, self._stop)) for name, group in groups]
        return self._blocks

    def _place(self, answer: Answer, line: int) -> int:
        scored = self._scores.answers
        place = self._next
        if place >= len(scored) or self._key(place) != answer.key:
            if self._places is None:
                self._places = {self._key(number): number for number in range(len(scored))}
            found = self._places.get(answer.key)
            if found is None:
                example_id, model, sample = answer.key
                message = f"the answer of {model!r} to {example_id!r}, sample {sample}, is not among the scores"
                raise InputError(Mistake(self._source, message, "$", line))
            place = found
        self._next = place + 1
        return place

    def _key(self, place: int) -> tuple[str, str, int]:
        answers = self._scores.answers
        return self._scores.examples[answers.example[place]].id, answers.model(place), answers.sample[place]
