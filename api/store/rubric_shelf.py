"""The rubrics of a project by content hash, read from the store as they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import bindparam, select

from api.store.database import Database
from api.store.row import rubric_of
from api.store.tables import rubrics
from rubrics import Rubric, StoreError

_RUBRICS = 64
_HASHES = 10_000

_BODY = select(rubrics.c.body).where(
    rubrics.c.project_id == bindparam("project_id"), rubrics.c.content_hash == bindparam("content_hash")
)


class RubricShelf:
    """Keeps the latest few rubrics parsed, and of many the hashes of their criteria."""

    def __init__(self, database: Database, project: str) -> None:
        self._database = database
        self._project = project
        self._hashes: dict[str, Mapping[str, str]] = {}
        self.get = lru_cache(_RUBRICS)(self._load)
        """The rubric of a hash."""

    def criterion_hashes(self, content_hash: str) -> Mapping[str, str]:
        """Criterion id → criterion hash of a rubric."""
        return self._hashes.get(content_hash) or self.get(content_hash).criterion_hashes

    def _load(self, content_hash: str) -> Rubric:
        which = {"project_id": self._project, "content_hash": content_hash}
        with self._database.reading() as connection:
            found = connection.scalar(_BODY, which)
        if found is None:
            raise StoreError(f"{self._database.place}: the rubric {content_hash} is gone; the store is damaged")
        rubric = rubric_of(found)
        if len(self._hashes) >= _HASHES:
            del self._hashes[next(iter(self._hashes))]
        self._hashes[content_hash] = rubric.criterion_hashes
        return rubric
