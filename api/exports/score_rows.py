"""Scores as rows: each answer once for every group of graders, with the answer's own text beside them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from api.exports.given import given_text
from api.exports.rows import ANSWER_OPTIONAL, json_text
from graders import Scores
from rubrics import Answer, InputError, Mistake


class _TagCursor:
    """One tag's column, read mostly in order: a dict of its answers would outweigh all the rest."""

    def __init__(self, columns: Any) -> None:
        self._columns = columns
        self._next = 0

    def put(self, place: int, tags: dict[str, float | None], tag: str) -> None:
        """Add the tag's score of one answer, unless the answer has none of it."""
        places = self._columns.answer
        at = self._next
        if at >= len(places) or places[at] != place:
            at = bisect_left(places, place)
        if at < len(places) and places[at] == place:
            self._next = at + 1
            if not self._columns.absent[at]:
                score = self._columns.score[at]
                tags[tag] = None if score != score else float(score)


class ScoreRows:
    """Turns answers into rows of `scores`."""

    def __init__(self, scores: Scores, source: str) -> None:
        self._scores = scores
        self._source = source
        self._tags = {
            name: {tag: _TagCursor(columns) for tag, columns in group.tags.items()}
            for name, group in scores.groups.items()
        }
        self._next = 0
        self._places: dict[tuple[str, str, int], int] | None = None

    def rows(self, answer: Answer, line: int) -> Iterator[tuple[Any, ...]]:
        """The answer's rows, one a group; InputError where the answer was not scored."""
        place = self._place(answer, line)
        example = self._scores.examples[self._scores.answers[place].example]
        metadata = answer.model_dump(mode="json", include={"metadata"})["metadata"] if answer.metadata else {}
        written = (
            answer.text,
            json_text(metadata, self._source, line, "$.metadata"),
            given_text(ANSWER_OPTIONAL & answer.model_fields_set),
        )
        if not self._scores.groups:  # no one was asked: the answer is kept all the same
            yield (*answer.key, None, False, *(None,) * 8, "{}", *written)
        for name, group in self._scores.groups.items():
            numbers = group.answers.as_json(place)
            tags: dict[str, float | None] = dict.fromkeys(example.tags, numbers["score"])  # type: ignore[arg-type]
            for tag, cursor in self._tags[name].items():
                cursor.put(place, tags, tag)
            yield (
                *answer.key,
                name,
                name == self._scores.chosen,
                *(numbers[column] for column in ("score", "judged_only", "ungated", "low", "high", "bounds")),
                *(numbers["coverage"], numbers["reason"]),
                json_text(tags, self._source, line, "$.tags"),
                *written,
            )

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
        answer = self._scores.answers[place]
        return self._scores.examples[answer.example].id, answer.model, answer.sample
