"""The unit of work: one criterion of one answer, judged once by one grader.

A cell's identity says which it is, its key whether its judgment still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graders.grader import GraderCard
from graders.rules import RULES
from rubrics import Rubric

FINAL = frozenset({"judged", "not_applicable", "abstained"})
"""The statuses with which a cell is done; `failed` is tried again."""


@dataclass(frozen=True, slots=True)
class Call:
    """The criteria of one answer that go to one grader together."""

    criterion_ids: tuple[str, ...]


def plan_calls(rubric: Rubric, card: GraderCard) -> tuple[Call, ...]:
    """How a grader's share of a rubric is cut into calls: checks go to `rules` alone, the rest to the others.

    Worked number: seven criteria without a check and `max_criteria` 3 are calls of 3, 3 and 1.
    """
    wants_checks = card.name == RULES
    ids = [leaf.id for leaf in rubric.leaves if (leaf.criterion.check is not None) == wants_checks]
    size = len(ids) if card.max_criteria is None else card.max_criteria
    return tuple(Call(tuple(ids[start : start + size])) for start in range(0, len(ids), max(size, 1)))


def cell_keys(rubric: Rubric, call: Call, answer_hash: str, fingerprint: str) -> Iterator[tuple[str, str]]:
    """(criterion id, key) of each cell of a call.

    The key is a hash over digests of everything that can change the verdict: the criterion as the judge sees it,
    prompt and answer, the grader, and, where several criteria go in one call, the call's list and order.
    """
    hashes = rubric.criterion_hashes
    together = [hashes[criterion_id] for criterion_id in call.criterion_ids] if len(call.criterion_ids) > 1 else []
    for criterion_id in call.criterion_ids:
        yield criterion_id, cell_key(hashes[criterion_id], answer_hash, fingerprint, together)


def cell_key(criterion_hash: str, answer_hash: str, fingerprint: str, together: Sequence[str] = ()) -> str:
    """The key of one cell, 32 hex digits."""
    text = "\n".join((criterion_hash, answer_hash, fingerprint, *together))
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()
