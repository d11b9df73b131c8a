"""The rubrics of a project by content hash, read from the store as they are asked for."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import bindparam, select

from api.store.database import Database
from api.store.row import digest_of, rubric_of
from api.store.tables import rubrics
from graders import RubricDigest
from rubrics import Rubric, StoreError

_RUBRICS = 64
_DIGESTS = 2048

_FOUND = select(rubrics.c.body, rubrics.c.digest).where(
    rubrics.c.project_id == bindparam("project_id"), rubrics.c.content_hash == bindparam("content_hash")
)


class RubricShelf:
    """Keeps the latest few rubrics parsed, and of many what a plan must know of them."""

    def __init__(self, database: Database, project: str) -> None:
        self._database = database
        self._project = project
        self.get = lru_cache(_RUBRICS)(self._load)
        """The rubric of a hash."""
        self.digest = lru_cache(_DIGESTS)(self._load_digest)
        """The digest of a rubric's hash."""

    def _load(self, content_hash: str) -> Rubric:
        body, _ = self._found(content_hash)
        return rubric_of(body)

    def _load_digest(self, content_hash: str) -> RubricDigest:
        body, digest = self._found(content_hash)
        return digest_of(digest) if digest is not None else RubricDigest.of(rubric_of(body))

    def _found(self, content_hash: str) -> tuple[str, str | None]:
        which = {"project_id": self._project, "content_hash": content_hash}
        with self._database.reading() as connection:
            found = connection.execute(_FOUND, which).one_or_none()
        if found is None:
            raise StoreError(f"{self._database.place}: the rubric {content_hash} is gone; the store is damaged")
        return found.body, found.digest
