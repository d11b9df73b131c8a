"""Recorded judgments on their way into a run: staged, compared with what they were given on, and filed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

import orjson

from api.store import JudgmentStage, RowEntry, Run, RunLedger, StoredQuestion
from graders import HashedKey, Judgment, JudgmentFile, PlainJudgments, Recorded, cell_key, judgment_problems
from graders.scoring.voters import HUMANS
from rubrics import Mistakes, canonical_json

_ANSWERS_AT_ONCE = 50
_KEEP_AT_ONCE = 5_000
_SPELLED_ALIKE = frozenset({str, bool, int})

Stages = Sequence[tuple[str, JudgmentStage]]


class RecordedImport:
    """The import of some files of judgments into a run."""

    def __init__(self, run: Run, sources: Sequence[Recorded], asked: Collection[str]) -> None:
        self._run = run
        self._sources = sources
        self._asked = asked
        self.groups: set[str] = set()
        """The groups of graders that the judgments form."""
        self.filed = 0
        """How many judgments are new to the run."""

    def file(self, *, keep: bool) -> None:
        """File the judgments under their own graders; InputError has every mistake in them, and then none is filed."""
        with ExitStack() as stack:
            stages = [self._staged(source, stack) for source in self._sources]
            mistakes = Mistakes()
            self.filed = sum(1 for _ in self._new(stages, mistakes))
            mistakes.raise_if_any()
            if keep and self.filed:
                new = self._new(stages, mistakes)
                while some := list(islice(new, _KEEP_AT_ONCE)):
                    self._run.ledger().keep_rows(some)

    def _staged(self, source: Recorded, stack: ExitStack) -> tuple[str, JudgmentStage]:
        file = JudgmentFile(source.path)
        stage = stack.enter_context(self._run.stage_judgments())
        plain = PlainJudgments()
        noted = 0
        for line, row in file.values():
            # A row with a fault (a key that stands twice) is noted and given out all the same.
            if plain.has(row) and len(file.mistakes) == noted:
                stage.add_row(line, row)
            elif (judgment := file.parse(line, row)) is not None:
                stage.add(line, judgment)
            noted = len(file.mistakes)
        for line, message in stage.problems():
            file.mistakes.add(str(source.path), message, "$", line)
        file.mistakes.raise_if_any()
        return str(source.path), stage

    def _new(self, stages: Stages, mistakes: Mistakes) -> Iterator[RowEntry]:
        """What of the staged judgments the run does not hold yet."""
        ledger = self._run.ledger()
        for question in self._run.questions():
            asked = _Asked(question, self._asked)
            left = iter(question.answers)
            while some := list(islice(left, _ANSWERS_AT_ONCE)):
                yield from self._new_of(some, asked, stages, ledger, mistakes)

    def _new_of(
        self, answers: Sequence[HashedKey], asked: _Asked, stages: Stages, ledger: RunLedger, mistakes: Mistakes
    ) -> Iterator[RowEntry]:
        first, last = answers[0].key, answers[-1].key
        standing = ledger.standing_between(first, last)
        staged = [(file, stage.between(first, last)) for file, stage in stages]
        for answer in answers:
            there = standing.get(answer.key, {})
            seen: dict[tuple[str, str, int], tuple[str, int]] = {}
            for file, rows in staged:
                for line, cell, row in rows.get(answer.key, ()):
                    if row["grader_kind"] == "rule" and cell[0] in asked.checked:
                        continue
                    self.groups.add(HUMANS if row["grader_kind"] == "human" else row["grader"])
                    for path, message in asked.problems(row, answer.answer_hash):
                        mistakes.add(file, message, path, line)
                    if cell in seen:
                        before = "{} line {}".format(*seen[cell])
                        mistakes.add(file, f"a second judgment of one cell, the first is in {before}", "$", line)
                    seen[cell] = file, line
                    if (criterion_hash := asked.hashes.get(cell[0])) is not None:
                        row["criterion_hash"], row["answer_hash"] = criterion_hash, answer.answer_hash
                        key = recorded_key(row)
                        stands = there.get(cell)
                        if stands is None or stands.key != key:
                            yield RowEntry(row, key, 0 if stands is None else stands.attempt + 1)
            gone = [
                cell for cell in there if cell[0] in asked.hashes and cell[1] not in asked.graders and cell not in seen
            ]
            if gone:
                mistakes.add(
                    self._run.name,
                    f"the run holds a judgment of {gone[0][1]!r} on {gone[0][0]!r} of {answer.example_id!r} by "
                    f"{answer.model!r} that is recorded no more; use another --run name",
                )


class _Asked:
    """What one example asks of a recorded judgment."""

    def __init__(self, question: StoredQuestion, graders: Collection[str]) -> None:
        self.graders = graders
        """The names under which the run itself asks."""
        leaves = question.rubric.leaves
        self.checked = {leaf.id for leaf in leaves if leaf.checked}
        self.hashes = {leaf.id: leaf.criterion_hash for leaf in leaves}
        self._question = question
        self._binary = {leaf.id for leaf in leaves if leaf.scale == "binary"}

    def problems(self, row: Mapping[str, Any], answer_hash: str) -> Iterator[tuple[str, str]]:
        """In what a judgment does not fit."""
        if row["grader"] in self.graders:
            yield "$.grader", f"got {row['grader']!r}, which this run asks itself; record it under another name"
        if not (
            row["criterion_id"] in self._binary
            and "met" in row
            and row.get("criterion_hash") in (None, self.hashes[row["criterion_id"]])
            and row.get("answer_hash") in (None, answer_hash)
        ):
            example, _ = self._question.load()
            yield from judgment_problems(Judgment.model_validate(row), example, answer_hash)


def recorded_key(row: Mapping[str, Any]) -> str:
    """The key of a recorded judgment: what it says is part of it, so that a corrected file is filed again."""
    try:
        # orjson spells texts, booleans and whole numbers as `canonical_json` does, in a tenth of the time.
        alike = _SPELLED_ALIKE.issuperset(map(type, row.values()))
        written = orjson.dumps(row, option=orjson.OPT_SORT_KEYS) if alike else canonical_json(row)
    except orjson.JSONEncodeError:  # a whole number beyond 64 bits
        written = canonical_json(row)
    return cell_key(row["criterion_hash"], row["answer_hash"], hashlib.sha256(written).hexdigest())
