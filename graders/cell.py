"""The unit of work: one criterion of one answer, judged once by one grader.

A cell's identity says which it is, its key whether its judgment still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graders.grader import GraderCard
from graders.rules import RULES
from rubrics import Example, Rubric, canonical_json

FINAL = frozenset({"judged", "not_applicable", "abstained"})
"""The statuses with which a cell is done; `failed` is tried again."""


@dataclass(frozen=True, slots=True)
class Call:
    """The criteria of one answer that go to one grader together."""

    criterion_ids: tuple[str, ...]


def plan_calls(rubric: Rubric, card: GraderCard, repeat: int = 0) -> tuple[Call, ...]:
    """How a grader's share of a rubric is cut into calls: checks go to `rules` alone, the rest to the others.

    Criteria that stand together go together; inside a call they stand in an order of their own, drawn by a seed from
    what is asked and from the repeat, so that no criterion is always read last. The same each time.

    Worked number: seven criteria without a check and `max_criteria` 3 are calls of 3, 3 and 1.
    """
    wants_checks = card.name == RULES
    ids = [leaf.id for leaf in rubric.leaves if (leaf.criterion.check is not None) == wants_checks]
    size = len(ids) if card.max_criteria is None else card.max_criteria
    calls = (ids[start : start + size] for start in range(0, len(ids), max(size, 1)))
    if size > 1:
        calls = (_shuffled(rubric, call, repeat) for call in calls)
    return tuple(Call(tuple(call)) for call in calls)


def _shuffled(rubric: Rubric, criterion_ids: Sequence[str], repeat: int) -> list[str]:
    """An order drawn by a seed; criteria that were not changed keep their order to each other."""
    hashes = rubric.criterion_hashes
    drawn = {
        criterion_id: hashlib.sha256(f"{repeat}\n{criterion_id}\n{hashes[criterion_id]}".encode()).digest()
        for criterion_id in criterion_ids
    }
    return sorted(criterion_ids, key=drawn.__getitem__)


def cell_keys(
    rubric: Rubric, call: Call, answer_hash: str, fingerprint: str, references_hash: str = ""
) -> Iterator[tuple[str, str]]:
    """(criterion id, key) of each cell of a call.

    The key is a hash over digests of everything that can change the verdict: the criterion as the judge sees it,
    prompt and answer, the references shown beside them, the grader, where several criteria go in one call the call's
    list and order, and what `judging` changes (points that are shown, an empty answer that is sent).
    """
    hashes = rubric.criterion_hashes
    judging = rubric.judging
    seen = [references_hash] if references_hash else []
    if len(call.criterion_ids) > 1:
        seen += [hashes[criterion_id] for criterion_id in call.criterion_ids]
    if judging.empty_answer != "lowest":
        seen.append(f"empty_answer={judging.empty_answer}")
    if judging.show_points:
        leaves = rubric.leaf_by_id
        seen += [f"points={float(leaves[criterion_id].criterion.points)!r}" for criterion_id in call.criterion_ids]
    for criterion_id in call.criterion_ids:
        yield criterion_id, cell_key(hashes[criterion_id], answer_hash, fingerprint, seen)


def references_hash(example: Example) -> str:
    """First 16 hex digits over the example's reference answers; empty where it has none."""
    if not example.references:
        return ""
    return hashlib.sha256(canonical_json(example.references)).hexdigest()[:16]


def cell_key(criterion_hash: str, answer_hash: str, fingerprint: str, seen: Sequence[str] = ()) -> str:
    """The key of one cell, 32 hex digits; `seen` is what else the judge is shown."""
    text = "\n".join((criterion_hash, answer_hash, fingerprint, *seen))
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()
