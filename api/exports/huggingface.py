"""Writes a scored run as a Hugging Face dataset: four Parquet tables and a card, in memory that does not grow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from api.exports.card import Card, Tallies
from api.exports.folder import replaced_folder
from api.exports.judgment_columns import judgment_columns
from api.exports.manifest import CARD, Manifest, ScoringNote, TableNote, TableNotes, card_hash, published_graders
from api.exports.rows import example_characters, example_row, rubric_row, rubric_text
from api.exports.schema import TABLES, Config, file_of
from api.exports.score_rows import ScoreRows
from api.exports.source import ExportSource, ExportSummary
from api.exports.table import TableWriter
from graders import Judgment, JudgmentPage, Scores, pages_of
from rubrics import InputError, Mistake


def export_folder(folder: Path, source: ExportSource) -> ExportSummary:
    """Write a run's scores, judgments, examples and rubrics, with their card, as one folder.

    `datasets.load_dataset(folder, config)` opens it, and `read_folder` gives back what it was made from. The folder
    appears when it is complete; an earlier export in its place is replaced. Raises InputError where the folder holds
    anything else, and where a value cannot be written.
    """
    with replaced_folder(folder) as fresh:
        export = _Export(fresh, source)
        export.write_examples()
        export.write_judgments()
        export.write_scores()
        export.write_card()
        size = sum(path.stat().st_size for path in fresh.rglob("*") if path.is_file())
    return ExportSummary(folder, {config: export.rows[config] for config in TABLES}, size)


class _Export:
    """One export on its way."""

    def __init__(self, folder: Path, source: ExportSource) -> None:
        self.folder = folder
        self.source = source
        self.rows: dict[Config, int] = {}
        self.tallies = Tallies()

    def _writer(self, config: Config) -> TableWriter:
        path = self.folder / file_of(config)
        path.parent.mkdir()
        return TableWriter(path, config)

    @cached_property
    def scores(self) -> Scores:
        """The scores, which may come of the judgments' going by."""
        scores = self.source.scores
        return scores if isinstance(scores, Scores) else scores()

    def _place(self, what: str) -> str:
        return f"{what} of run {self.source.name!r}"

    def write_examples(self) -> None:
        """Both tables in one pass; a rubric is written where its first example stands."""
        place = self._place("examples")
        known: dict[bytes, int] = {}
        dataset_canary = self.source.info.canary
        with self._writer("examples") as examples, self._writer("rubrics") as rubrics:
            for line, example in enumerate(self.source.examples(), start=1):
                text = rubric_text(example.rubric, place, line)
                digest = hashlib.sha256(text.encode("utf-8")).digest()
                if digest not in known:
                    known[digest] = len(known)
                    canary = example.canary if example.canary is not None else dataset_canary
                    rubrics.add(rubric_row(example.rubric, text, canary), len(text))
                row = example_row(example, known[digest], dataset_canary, place, line)
                examples.add(row, example_characters(example))
                if example.canary is not None:
                    self.tallies.note_canary(example.canary)
        if not examples.rows:
            raise InputError(Mistake(place, "there are none, expected at least one: there is nothing to export"))
        self.rows |= {"examples": examples.rows, "rubrics": rubrics.rows}

    def write_scores(self) -> None:
        """Each answer with its scores by each group."""
        rows = ScoreRows(self.scores, self._place("answers"))
        with self._writer("scores") as table:
            for line, answer in enumerate(self.source.answers(), start=1):
                for row in rows.rows(answer, line):
                    table.add(row, len(answer.text))
                self.tallies.n_answers = line
        scored = len(self.scores.answers)
        if self.tallies.n_answers != scored:
            message = f"got {self.tallies.n_answers} answers, expected the {scored} that were scored: score them again"
            raise InputError(Mistake(self._place("answers"), message))
        self.rows["scores"] = table.rows

    def write_judgments(self) -> None:
        """Each judgment as it stands."""
        place = self._place("judgments")
        line = 1
        with self._writer("judgments") as table:
            for page in _pages(self.source.judgments()):
                table.add_columns(judgment_columns(page, place, line))
                told = zip(page.column("grader"), page.column("grader_kind"), page.column("status"), strict=True)
                self.tallies.judgments.update(told)
                line += len(page)
        self.rows["judgments"] = table.rows

    def write_card(self) -> None:
        """The card, which says what was counted, and the manifest, which knows the card."""
        source = self.source
        graders = published_graders(source.graders)
        card = Card(
            run=source.name,
            info=source.info,
            scores=self.scores,
            graders=graders,
            created_at=source.created_at,
            rows=self.rows,
            tallies=self.tallies,
        )
        text = card.text().encode("utf-8")
        (self.folder / CARD).write_bytes(text)
        Manifest(
            run=source.name,
            created_at=source.created_at,
            dataset=source.info,
            graders=graders,
            scoring=ScoringNote.of(self.scores.options),
            tables=TableNotes(**{config: self._note(config) for config in TABLES}),
            card_sha256=card_hash(text),
        ).save(self.folder)

    def _note(self, config: Config) -> TableNote:
        with (self.folder / file_of(config)).open("rb") as file:
            return TableNote(rows=self.rows[config], sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _pages(judgments: Iterable[Judgment] | Iterable[JudgmentPage]) -> Iterator[JudgmentPage]:
    """Judgments as pages, whichever they came as."""
    left: Iterator[Any] = iter(judgments)
    first = next(left, None)
    if isinstance(first, JudgmentPage):
        yield from chain([first], left)
    elif first is not None:
        yield from pages_of(chain([first], left))
