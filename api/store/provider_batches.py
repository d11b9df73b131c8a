"""The batches that one run has submitted to providers, in the store: a restart goes on from here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from api.store.database import Database
from api.store.tables import provider_batches
from graders import BatchEnd, CallSet, SentBatch

_OPEN = "open"


class ProviderBatches:
    """Implements `graders.batch_journal.BatchJournal`."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self.salt = run_id
        """The run's id."""

    def open_batches(self) -> Sequence[SentBatch]:
        """The batches that have not ended, the oldest first."""
        here = provider_batches.c
        mine = (
            select(provider_batches)
            .where(here.run_id == self.salt, here.state == _OPEN)
            .order_by(here.created_at, here.token)
        )
        with self._database.reading() as connection:
            return list(map(_batch_of, connection.execute(mine).all()))

    def intend(self, batch: SentBatch) -> None:
        """Write a batch down before it is submitted; when this returns it is on the disk."""
        row = {
            "token": batch.token,
            "run_id": self.salt,
            "grader": batch.grader,
            "provider_id": batch.provider_id,
            "state": _OPEN,
            "tries": batch.tries,
            "n_calls": len(batch.calls),
            "calls": bytes(batch.calls),
            "estimate": batch.estimate,
            "created_at": batch.created_at,
        }
        with self._database.writing() as connection:
            connection.execute(insert(provider_batches).values(**row))

    def submitted(self, token: str, provider_id: str) -> None:
        """The provider has the batch and calls it so."""
        self._change(token, provider_id=provider_id)

    def end(self, token: str, how: BatchEnd) -> None:
        """The batch is over."""
        self._change(token, state=how)

    def known(self, provider_ids: Collection[str]) -> set[str]:
        """Which of these names of a provider's batches stand in any run's journal."""
        name = provider_batches.c.provider_id
        with self._database.reading() as connection:
            return set(connection.scalars(select(name).where(name.in_(provider_ids))))

    def _change(self, token: str, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(update(provider_batches).where(provider_batches.c.token == token).values(**values))


def _batch_of(row: Row[Any]) -> SentBatch:
    return SentBatch(
        token=row.token,
        grader=row.grader,
        tries=row.tries,
        calls=CallSet.of_bytes(row.calls),
        estimate=row.estimate,
        created_at=row.created_at,
        provider_id=row.provider_id,
    )
