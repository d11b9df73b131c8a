"""The unit of work: one criterion of one answer, judged once by one grader.

A cell's identity says which it is, its key whether its judgment still holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from graders.grader import GraderCard
from graders.rubric_digest import RubricDigest
from graders.rules import RULES
from rubrics import Example, canonical_json

FINAL = frozenset({"judged", "not_applicable", "abstained"})
"""The statuses with which a cell is done; `failed` is tried again."""


@dataclass(frozen=True, slots=True)
class Call:
    """The criteria of one answer that go to one grader together."""

    criterion_ids: tuple[str, ...]


def repeats_of(card: GraderCard, repeats: int) -> int:
    """How often a grader judges each cell of a run with so many repeats: rules once, they cannot differ."""
    return 1 if card.kind == "rule" else repeats


def plan_calls(rubric: RubricDigest, card: GraderCard, repeat: int = 0) -> tuple[Call, ...]:
    """How a grader's share of a rubric is cut into calls: checks go to `rules` alone, the rest to the others.

    Criteria that stand together go together; inside a call they stand in an order of their own, drawn by a seed from
    what is asked and from the repeat, so that no criterion is always read last. The same each time.

    Worked number: seven criteria without a check and `max_criteria` 3 are calls of 3, 3 and 1.
    """
    wants_checks = card.name == RULES
    ids = [leaf.id for leaf in rubric.leaves if leaf.checked == wants_checks]
    size = len(ids) if card.max_criteria is None else card.max_criteria
    calls = (ids[start : start + size] for start in range(0, len(ids), max(size, 1)))
    if size > 1:
        calls = (_shuffled(rubric, call, repeat) for call in calls)
    return tuple(Call(tuple(call)) for call in calls)


def _shuffled(rubric: RubricDigest, criterion_ids: Sequence[str], repeat: int) -> list[str]:
    """An order drawn by a seed; criteria that were not changed keep their order to each other."""
    drawn = {
        criterion_id: hashlib.sha256(
            f"{repeat}\n{criterion_id}\n{rubric.by_id[criterion_id].criterion_hash}".encode()
        ).digest()
        for criterion_id in criterion_ids
    }
    return sorted(criterion_ids, key=drawn.__getitem__)


def cell_keys(
    rubric: RubricDigest, call: Call, answer_hash: str, fingerprint: str, references_hash: str = ""
) -> dict[str, str]:
    """Criterion id → key of each cell of a call.

    The key is a hash over digests of everything that can change the verdict: the criterion as the judge sees it,
    prompt and answer, the references shown beside them, the grader, where several criteria go in one call the call's
    list and order, and what `judging` changes (points that are shown, an empty answer that is sent).
    """
    asked = [rubric.by_id[criterion_id] for criterion_id in call.criterion_ids]
    seen = [references_hash] if references_hash else []
    if len(asked) > 1:
        seen += [leaf.criterion_hash for leaf in asked]
    if rubric.empty_answer != "lowest":
        seen.append(f"empty_answer={rubric.empty_answer}")
    if rubric.show_points:
        seen += [f"points={leaf.points!r}" for leaf in asked]
    return {leaf.id: cell_key(leaf.criterion_hash, answer_hash, fingerprint, seen) for leaf in asked}


def references_hash(example: Example) -> str:
    """First 16 hex digits over the example's reference answers; empty where it has none."""
    if not example.references:
        return ""
    return hashlib.sha256(canonical_json(example.references)).hexdigest()[:16]


def cell_key(criterion_hash: str, answer_hash: str, fingerprint: str, seen: Sequence[str] = ()) -> str:
    """The key of one cell, 32 hex digits; `seen` is what else the judge is shown."""
    text = "\n".join((criterion_hash, answer_hash, fingerprint, *seen))
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()
