"""The rubrics of a project by content hash, read from the store as they are asked for."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import bindparam, select

from api.store.database import Database
from api.store.row import digest_of, rubric_of
from api.store.tables import rubrics
from graders import RubricDigest
from rubrics import Rubric, StoreError

KeptT = TypeVar("KeptT")

_RUBRICS = 64
_DIGESTS = 2048

_FOUND = select(rubrics.c.body, rubrics.c.digest).where(
    rubrics.c.project_id == bindparam("project_id"), rubrics.c.content_hash == bindparam("content_hash")
)


class RubricShelf:
    """Keeps the latest few rubrics parsed, and of many what a plan must know of them."""

    def __init__(self, database: Database, project: str) -> None:
        self._database = database
        self.project = project
        self._rubrics: dict[str, Rubric] = {}
        self._digests: dict[str, RubricDigest] = {}

    def get(self, content_hash: str, body: str | None = None) -> Rubric:
        """The rubric of a hash; it is not looked up where its body is at hand."""
        rubric = self._rubrics.get(content_hash)
        if rubric is None:
            rubric = rubric_of(self._found(content_hash)[0] if body is None else body)
            _put(self._rubrics, content_hash, rubric, most=_RUBRICS)
        return rubric

    def digest(self, content_hash: str, written: str | None = None) -> RubricDigest:
        """The digest of a rubric's hash; it is not looked up where it is at hand as it was written."""
        digest = self._digests.get(content_hash)
        if digest is None:
            body = None
            if written is None:
                body, written = self._found(content_hash)
            digest = RubricDigest.of(rubric_of(body or "")) if written is None else digest_of(written)
            _put(self._digests, content_hash, digest, most=_DIGESTS)
        return digest

    def _found(self, content_hash: str) -> tuple[str, str | None]:
        which = {"project_id": self.project, "content_hash": content_hash}
        with self._database.reading() as connection:
            found = connection.execute(_FOUND, which).one_or_none()
        if found is None:
            raise StoreError(f"{self._database.place}: the rubric {content_hash} is gone; the store is damaged")
        return found.body, found.digest


def _put(kept: dict[str, KeptT], content_hash: str, value: KeptT, *, most: int) -> None:
    if len(kept) >= most:
        del kept[next(iter(kept))]
    kept[content_hash] = value
