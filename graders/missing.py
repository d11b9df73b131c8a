"""Which calls a run lacks: those with a cell that has no final judgment with today's key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graders.cell import FINAL, Call, cell_keys, plan_calls, repeats_of
from graders.grader import Grader, GraderCard, Task
from graders.ledger import Ledger
from graders.progress import Progress
from graders.question import Question
from graders.rubric_digest import RubricDigest


@dataclass(frozen=True, slots=True)
class AskedGrader:
    """A grader with what a run needs of it again and again."""

    grader: Grader
    card: GraderCard
    fingerprint: str
    repeats: int
    """How often it judges each cell."""
    warm_first: bool
    """Whether the first call of an answer must come back before its others go out."""

    @classmethod
    def of(cls, grader: Grader, repeats: int) -> AskedGrader:
        """A grader in a run with so many repeats."""
        card = GraderCard.of(grader)
        warm_first = bool(getattr(grader, "warm_first", False))
        return cls(grader, card, card.fingerprint, repeats_of(card, repeats), warm_first)

    def calls(self, rubric: RubricDigest) -> list[tuple[int, Call]]:
        """The calls for each answer by a rubric, each with the repeat that it is for."""
        return [(repeat, call) for repeat in range(self.repeats) for call in plan_calls(rubric, self.card, repeat)]


@dataclass(slots=True)
class MissingCall:
    """A call with at least one cell to ask, and what its entries in the ledger will carry."""

    asked: AskedGrader
    task: Task
    rubric: RubricDigest
    answer_hash: str
    keys: dict[str, str]
    """Criterion id → key, of all cells of the call."""
    attempts: dict[str, int]
    """The missing cells: criterion id → attempt number."""

    @property
    def card(self) -> GraderCard:
        return self.asked.card


def missing_calls(
    questions: Iterable[Question], ledger: Ledger, asked: Sequence[AskedGrader], progress: Progress
) -> Iterator[list[MissingCall]]:
    """The missing calls, those of one answer and grader together; counts what there is and what is missing.

    Texts are loaded only for questions that lack something.
    """
    for number, question in enumerate(questions):
        planned = [(one, calls) for one in asked if (calls := one.calls(question.rubric))]
        if not planned:
            continue
        loaded = None
        standings = ledger.standings(question.answers)
        for position, answer in enumerate(question.answers):
            standing = standings.get(answer.key, {})
            for one, calls in planned:
                missing = []
                for repeat, call in calls:
                    keys = dict(
                        cell_keys(question.rubric, call, answer.answer_hash, one.fingerprint, question.references_hash)
                    )
                    attempts = {}
                    for criterion_id, key in keys.items():
                        there = standing.get((criterion_id, one.card.name, repeat))
                        if there is None or there.key != key or there.status not in FINAL:
                            attempts[criterion_id] = 0 if there is None else there.attempt + 1
                            progress.again += there is not None and there.status in FINAL
                    progress.total += len(keys)
                    progress.kept += len(keys) - len(attempts)
                    if attempts:
                        if loaded is None:
                            loaded = question.load()
                            progress.open.append(number)
                        example, answers = loaded
                        leaves = example.rubric.leaf_by_id
                        criteria = tuple(leaves[criterion_id].criterion for criterion_id in call.criterion_ids)
                        task = Task(example, answers[position], criteria, repeat)
                        missing.append(MissingCall(one, task, question.rubric, answer.answer_hash, keys, attempts))
                if missing:
                    yield missing
