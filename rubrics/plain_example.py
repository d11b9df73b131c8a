"""A plain example: one that scoring can take without making models of it, at a tenth of their cost.

Plain is a flat rubric of met-or-not criteria in which nothing stands but texts, points, ids and tags, in a row
without a mistake. What is not plain, and everything that is wrong, is left to `Example`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from json.encoder import encode_basestring
from typing import Any, get_args

import orjson

from rubrics.example import Message

_ROW = {"id", "prompt", "rubric", "tags", "references", "canary", "metadata"}
_RUBRIC = {"id", "criteria", "title", "domain", "guidelines"}
_CRITERION = {"id", "criterion", "points", "tags"}
_REMARKS = {"rationale", "source", "metadata"}
_TURN = {"role", "content"}
_ROLES = frozenset(get_args(Message.model_fields["role"].annotation))
_NUMBERS = frozenset({int, float})
_TEXTS = frozenset({str})
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
        self._leaves: dict[tuple[int, ...], tuple[int, ...]] = {}

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
        digest = blake2b(written, digest_size=16).digest()
        known = self._rubrics.get(digest)
        if known is None:
            known = self._rubrics[digest] = self._read_rubric(criteria, guidelines)
        return known

    def _read_rubric(self, criteria: Any, guidelines: str | None) -> PlainRubric:
        if type(criteria) is not list or not criteria:
            raise _NotPlain
        for row in criteria:
            if type(row) is not dict:
                raise _NotPlain
            if not row.keys() <= _CRITERION:
                _check_remarks(row)
        return PlainRubric(
            ids=self._ids_of(criteria),
            points=self._points_of([row["points"] for row in criteria]),
            tags=self._carriers_of([row.get("tags", []) for row in criteria]),
            digests=_digests([row["criterion"] for row in criteria], guidelines),
        )

    def _ids_of(self, criteria: list[dict[str, Any]]) -> tuple[str, ...]:
        """The leaves' ids, written or by position; equal ones are one object."""
        written = [row["id"] for row in criteria if "id" in row]
        if not written:
            ids = _positions(len(criteria))
        elif len(written) == len(criteria):
            ids = tuple(written)
        else:
            ids = tuple(row.get("id", f"c{place}") for place, row in enumerate(criteria, start=1))
        try:
            shared = self._ids.get(ids)
        except TypeError:
            raise _NotPlain from None
        if shared is not None:
            return shared
        if not all(type(name) is str and _CRITERION_ID.fullmatch(name) for name in ids) or len(set(ids)) < len(ids):
            raise _NotPlain
        return self._ids.setdefault(ids, ids)

    def _points_of(self, worths: list[Any]) -> tuple[float, ...]:
        """Points as floats; equal ones are one object."""
        if not _NUMBERS.issuperset(map(type, worths)):
            raise _NotPlain
        numbers = self._numbers
        for worth in worths:
            if worth not in numbers:
                if not 1e-9 <= abs(worth) <= 1e12:
                    raise _NotPlain
                numbers[worth] = float(worth)
        if max(worths) < 0:
            raise _NotPlain
        return tuple([numbers[worth] for worth in worths])

    def _carriers_of(self, written: list[Any]) -> dict[str, tuple[int, ...]]:
        """For each tag the leaves that carry it; equal ones are one object."""
        carriers: dict[str, tuple[int, ...]] = {}
        shared = self._leaves
        for leaf, tags in enumerate(written):
            for tag in self._tags_of(tags):
                leaves = (*carriers[tag], leaf) if tag in carriers else (leaf,)
                carriers[tag] = shared.get(leaves) or shared.setdefault(leaves, leaves)
        return carriers

    def _tags_of(self, written: Any) -> tuple[str, ...]:
        """Tags without repetition; equal ones are one object."""
        if type(written) is not list:
            raise _NotPlain
        try:
            known = self._tags.get(tuple(written))
        except TypeError:
            raise _NotPlain from None
        if known is None:
            names = dict.fromkeys(self._names.setdefault(name, name) for name in map(_checked_id, written))
            known = self._tags[tuple(written)] = tuple(names)
        return known


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


def _check_remarks(row: dict[str, Any]) -> None:
    """What authors write beside a criterion, which neither a judge nor a score knows of."""
    if not row.keys() - _CRITERION <= _REMARKS or type(row.get("metadata", {})) is not dict:
        raise _NotPlain
    if type(row.get("rationale", "")) is not str or type(row.get("source", "")) is not str:
        raise _NotPlain


@lru_cache(maxsize=256)
def _positions(leaves: int) -> tuple[str, ...]:
    return tuple(f"c{place}" for place in range(1, leaves + 1))


def _digests(texts: list[Any], guidelines: str | None) -> bytes:
    """`criterion_hash` of plain criteria, as bytes end to end."""
    if not _TEXTS.issuperset(map(type, texts)) or not all(texts) or any(map(str.isspace, texts)):
        raise _NotPlain
    told = "null" if guidelines is None else encode_basestring(guidelines)
    # Keys of canonical JSON stand in alphabetical order: what is the same for all criteria is around the text.
    before = '{"check":null,"criterion":'
    after = f',"evidence":"optional","guidelines":{told},"may_not_apply":false,"scale":{{"type":"binary"}}}}'
    written = [(before + encode_basestring(text) + after).encode() for text in texts]
    return b"".join([sha256(each).digest()[:_HASH_BYTES] for each in written])
