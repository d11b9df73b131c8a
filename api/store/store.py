"""The store: datasets, answers and runs of one project in one database."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from api.store.answer_stage import AnswersRef, AnswerStage, answer_stage
from api.store.database import Database
from api.store.dataset_stage import DatasetRef, DatasetStage, dataset_stage
from api.store.roster import differences, roster_of, roster_text
from api.store.row import json_text
from api.store.rubric_shelf import RubricShelf
from api.store.run import Run
from api.store.schema import bring_up_to_date
from api.store.staging import discard_leftovers
from api.store.tables import answer_sets, dataset_revisions, datasets, runs
from graders import GraderCard
from rubrics import DatasetInfo, StoreError, did_you_mean

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list of runs."""

    id: str
    name: str
    dataset: str
    """The dataset's name."""
    n_examples: int
    n_answers: int
    graders: tuple[str, ...]
    """The graders' names."""
    repeats: int
    created_at: str
    """When it was made, in ISO 8601 with the offset."""


def _now() -> datetime:
    return datetime.now(UTC)


class Store:
    """Where inputs, runs and judgments are kept; opened by an SQLAlchemy URL, made or migrated where that is due.

    >>> with Store("sqlite://") as store:
    ...     store.runs()
    []

    One process writes at a time: whatever writes takes the writer's lock for as long as it lasts, and `lock` keeps
    it over several steps. Any number of processes may read.
    """

    def __init__(self, url: str, *, project: str = DEFAULT_PROJECT, clock: Callable[[], datetime] = _now) -> None:
        self.project = project
        self._clock = clock
        self._database = Database(url)
        try:
            bring_up_to_date(self._database)
            self._database.before_first_write(lambda: discard_leftovers(self._database))
        except BaseException:
            self.close()
            raise
        self._shelf = RubricShelf(self._database, project)

    @property
    def place(self) -> str:
        """The store as messages name it."""
        return self._database.place

    def close(self) -> None:
        """Close every connection; closing twice is fine."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lock(self) -> AbstractContextManager[None]:
        """Be the one process that writes for as long as the block lasts; StoreError names the one that does."""
        return self._database.lock()

    def stage_dataset(self, info: DatasetInfo) -> AbstractContextManager[DatasetStage]:
        """A new state of the dataset of that name: `with store.stage_dataset(info) as stage`, then `stage.commit()`."""
        return dataset_stage(self._database, self.project, info)

    def stage_answers(self, dataset: DatasetRef) -> AbstractContextManager[AnswerStage]:
        """A new set of answers: `with store.stage_answers(dataset) as stage`, then `stage.commit()`."""
        return answer_stage(self._database, self.project, dataset)

    def open_run(
        self,
        name: str,
        dataset: DatasetRef,
        answers: AnswersRef,
        graders: Sequence[GraderCard],
        *,
        repeats: int = 1,
        settings: Mapping[str, Any] | None = None,
        keep: bool = True,
    ) -> Run:
        """Make the run of that name, or take it up again with today's dataset and answers.

        Without `keep` nothing is written: the run is what it would be. StoreError where it is about another dataset,
        was made with other graders (it lists the differences) or with more repeats.
        """
        today = {
            "dataset_id": dataset.dataset_id,
            "dataset_revision": dataset.revision,
            "answer_set_id": answers.set_id,
            "repeats": repeats,
            "settings": json_text(dict(settings or {}), "the settings"),
        }
        roster = roster_text(graders)
        with self._database.writing() as connection:
            self._check_inputs(connection, dataset, answers)
            mine = (runs.c.project_id == self.project) & (runs.c.name == name)
            row = connection.execute(select(runs).where(mine)).one_or_none()
            if row is None:
                made = {
                    "id": f"run_{secrets.token_hex(6)}",
                    "project_id": self.project,
                    "name": name,
                    "graders": roster,
                    "created_at": self._clock().isoformat(timespec="milliseconds"),
                    "next_seq": 1,
                }
                connection.execute(insert(runs).values(**made, **today))
            else:
                self._check_resumed(row, dataset, roster_of(roster), repeats)
                connection.execute(update(runs).where(mine).values(**today))
            run = self._run(connection.execute(select(runs).where(mine)).one())
            if not keep:
                connection.rollback()
            return run

    def _check_inputs(self, connection: Connection, dataset: DatasetRef, answers: AnswersRef) -> None:
        revision = dataset_revisions.c
        visible = select(revision.visible).where(
            revision.dataset_id == dataset.dataset_id, revision.revision == dataset.revision
        )
        if not connection.scalar(visible):
            raise StoreError(f"{self.place}: {dataset} is not there or was never committed")
        answered = select(answer_sets.c.dataset_id).where(answer_sets.c.id == answers.set_id, answer_sets.c.visible)
        if connection.scalar(answered) != dataset.dataset_id:
            raise StoreError(f"{self.place}: {answers} is not there, was never committed or answers another dataset")

    def _check_resumed(self, row: Row[Any], dataset: DatasetRef, graders: Sequence[GraderCard], repeats: int) -> None:
        if row.dataset_id != dataset.dataset_id:
            raise StoreError(
                f"run {row.name!r} in {self.place} is about another dataset; use another --run name for this one"
            )
        if found := list(differences(roster_of(row.graders), graders)):
            lines = "".join(f"\n  {line}" for line in found)
            raise StoreError(
                f"run {row.name!r} in {self.place} has other graders than are asked for now:{lines}\n"
                "use another --run name for these, or ask for the run's own graders"
            )
        if repeats < row.repeats:
            raise StoreError(
                f"run {row.name!r} in {self.place} has {row.repeats} repeats, got {repeats}: repeats may only rise; "
                f"use --repeats {row.repeats} or another --run name"
            )

    def find_run(self, name: str) -> Run:
        """The run of that name; StoreError with the names that are near."""
        mine = select(runs).where(runs.c.project_id == self.project, runs.c.name == name)
        names = select(runs.c.name).where(runs.c.project_id == self.project)
        with self._database.reading() as connection:
            row = connection.execute(mine).one_or_none()
            known = connection.scalars(names).all() if row is None else ()
        if row is None:
            hint = did_you_mean(name, known) or " (`grade` makes one)"
            raise StoreError(f"{self.place}: no run is called {name!r}{hint}")
        return self._run(row)

    def runs(self) -> list[RunSummary]:
        """All runs of the project, the oldest first."""
        revision = (dataset_revisions.c.dataset_id == runs.c.dataset_id) & (
            dataset_revisions.c.revision == runs.c.dataset_revision
        )
        all_runs = (
            select(
                runs,
                datasets.c.name.label("dataset"),
                dataset_revisions.c.n_examples,
                answer_sets.c.n_answers,
            )
            .join_from(runs, datasets, datasets.c.id == runs.c.dataset_id)
            .join(dataset_revisions, revision)
            .join(answer_sets, answer_sets.c.id == runs.c.answer_set_id)
            .where(runs.c.project_id == self.project)
            .order_by(runs.c.created_at, runs.c.name)
        )
        with self._database.reading() as connection:
            rows = connection.execute(all_runs).all()
        return [_summary(row) for row in rows]

    def _run(self, row: Row[Any]) -> Run:
        return Run(
            id=row.id,
            name=row.name,
            dataset_ref=DatasetRef(row.dataset_id, row.dataset_revision),
            answers_ref=AnswersRef(row.answer_set_id),
            cards=roster_of(row.graders),
            repeats=row.repeats,
            settings=json.loads(row.settings),
            created_at=row.created_at,
            _database=self._database,
            _shelf=self._shelf,
        )


def _summary(row: Row[Any]) -> RunSummary:
    return RunSummary(
        id=row.id,
        name=row.name,
        dataset=row.dataset,
        n_examples=row.n_examples,
        n_answers=row.n_answers,
        graders=tuple(card.name for card in roster_of(row.graders)),
        repeats=row.repeats,
        created_at=row.created_at,
    )
