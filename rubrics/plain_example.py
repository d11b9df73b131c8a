"""A plain example: one that scoring can take without making models of it, at a tenth of their cost.

Plain is a flat rubric of met-or-not criteria in which nothing stands but texts, points, ids and tags, in a row
without a mistake. What is not plain, and everything that is wrong, is left to `Example`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, get_args

import orjson

from rubrics.example import Message
from rubrics.json_text import canonical_text

_ROW = {"id", "prompt", "rubric", "tags", "references", "canary", "metadata"}
_RUBRIC = {"id", "criteria", "title", "domain", "guidelines"}
_CRITERION = {"id", "criterion", "points", "tags"}
_TURN = {"role", "content"}
_ROLES = frozenset(get_args(Message.model_fields["role"].annotation))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CRITERION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HASH_BYTES = 8


class _NotPlain(Exception):
    """Leaves the fast reading; the models then say what the row is, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class PlainRubric:
    """A flat rubric without its texts."""

    ids: tuple[str, ...]
    """The leaves' ids."""
    points: tuple[float, ...]
    tags: dict[str, tuple[int, ...]]
    """For each criterion's tag the leaves that carry it."""
    digests: bytes
    """The leaves' criterion hashes end to end, 8 bytes each."""


@dataclass(frozen=True, slots=True)
class PlainExample:
    """An example with a plain rubric."""

    id: str
    prompt: Any
    """A text, or turns as JSON has them."""
    tags: tuple[str, ...]
    rubric: PlainRubric


class PlainReader:
    """Reads the plain rows of one dataset; equal rubrics are read once and shared."""

    def __init__(self) -> None:
        self._rubrics: dict[bytes, PlainRubric] = {}
        self._ids: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._tags: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._names: dict[str, str] = {}
        self._numbers: dict[float, float] = {}
        self._carriers: dict[tuple[int, ...], tuple[int, ...]] = {}

    def read(self, row: Any) -> PlainExample | None:
        """The example of a row that strict JSON found no fault in; None where it is not plain."""
        try:
            if type(row) is not dict or not row.keys() <= _ROW:
                return None
            prompt = row["prompt"]
            if type(prompt) is not str:
                _check_turns(prompt)
            if len(row) > 3:
                _check_extras(row)
            example_id = _checked_id(row["id"])
            return PlainExample(example_id, prompt, self._tags_of(row.get("tags", [])), self._rubric(row["rubric"]))
        except (_NotPlain, KeyError):
            return None

    def _rubric(self, rubric: Any) -> PlainRubric:
        if type(rubric) is not dict or not rubric.keys() <= _RUBRIC:
            raise _NotPlain
        _checked_id(rubric["id"])
        if len(rubric) > 2 and any(type(rubric.get(name, "")) is not str for name in ("title", "domain", "guidelines")):
            raise _NotPlain
        criteria, guidelines = rubric["criteria"], rubric.get("guidelines")
        try:
            written = orjson.dumps((criteria, guidelines))
        except TypeError:  # an integer beyond 64 bits
            raise _NotPlain from None
        digest = hashlib.blake2b(written, digest_size=16).digest()
        known = self._rubrics.get(digest)
        if known is None:
            known = self._rubrics[digest] = self._read_rubric(criteria, guidelines)
        return known

    def _read_rubric(self, criteria: Any, guidelines: str | None) -> PlainRubric:
        if type(criteria) is not list or not criteria:
            raise _NotPlain
        before, after = _around_criterion(guidelines)
        sha256, numbers, tags_of = hashlib.sha256, self._numbers, self._tags_of
        ids: list[str] = []
        points: list[float] = []
        tags: dict[str, tuple[int, ...]] = {}
        digests = []
        for leaf, row in enumerate(criteria):
            if type(row) is not dict or not row.keys() <= _CRITERION:
                raise _NotPlain
            text, worth = row["criterion"], row["points"]
            if type(text) is not str or not text or text.isspace():
                raise _NotPlain
            if (type(worth) is not int and type(worth) is not float) or not 1e-9 <= abs(worth) <= 1e12:
                raise _NotPlain
            ids.append(row["id"] if "id" in row else f"c{leaf + 1}")
            points.append(numbers.setdefault(worth, float(worth)))
            for tag in tags_of(row["tags"]) if "tags" in row else ():
                tags[tag] = (*tags[tag], leaf) if tag in tags else (leaf,)
            digests.append(sha256(before + canonical_text(text) + after).digest()[:_HASH_BYTES])
        if max(points) < 0:
            raise _NotPlain
        carriers = self._carriers
        tags = {tag: carriers.setdefault(leaves, leaves) for tag, leaves in tags.items()}
        return PlainRubric(self._checked_ids(ids), tuple(points), tags, b"".join(digests))

    def _checked_ids(self, ids: list[Any]) -> tuple[str, ...]:
        try:
            shared = self._ids.get(tuple(ids))
        except TypeError:
            raise _NotPlain from None
        if shared is not None:
            return shared
        if not all(type(name) is str and _CRITERION_ID.fullmatch(name) for name in ids) or len(set(ids)) < len(ids):
            raise _NotPlain
        return self._ids.setdefault(tuple(ids), tuple(ids))

    def _tags_of(self, tags: Any) -> tuple[str, ...]:
        """Tags without repetition; equal ones are one object."""
        if type(tags) is not list:
            raise _NotPlain
        try:
            shared = self._tags.get(tuple(tags))
        except TypeError:
            raise _NotPlain from None
        if shared is not None:
            return shared
        names = tuple(dict.fromkeys(self._names.setdefault(name, name) for name in map(_checked_id, tags)))
        return self._tags.setdefault(tuple(tags), names)


def _checked_id(name: Any) -> str:
    if type(name) is not str or not 0 < len(name) <= 512 or _CONTROL.search(name):
        raise _NotPlain
    return name


def _check_turns(prompt: Any) -> None:
    if type(prompt) is not list or not prompt:
        raise _NotPlain
    for turn in prompt:
        if type(turn) is not dict or turn.keys() != _TURN:
            raise _NotPlain
        if type(turn["role"]) is not str or turn["role"] not in _ROLES or type(turn["content"]) is not str:
            raise _NotPlain


def _check_extras(row: dict[str, Any]) -> None:
    references = row.get("references", [])
    if type(references) is not list or any(type(text) is not str for text in references):
        raise _NotPlain
    if type(row.get("metadata", {})) is not dict or type(row.get("canary", "")) is not str:
        raise _NotPlain


def _around_criterion(guidelines: str | None) -> tuple[bytes, bytes]:
    """What stands before and after a plain criterion's text in the canonical JSON that `criterion_hash` is made of."""
    told = b"null" if guidelines is None else canonical_text(guidelines)
    rest = b',"may_not_apply":false,"scale":{"type":"binary"}}'
    return b'{"check":null,"criterion":', b',"evidence":"optional","guidelines":' + told + rest
