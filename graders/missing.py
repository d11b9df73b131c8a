"""Which calls a run lacks: those with a cell that has no final judgment with today's key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from graders.cell import FINAL, Call, cell_keys, plan_calls, repeats_of
from graders.grader import Grader, GraderCard, Task
from graders.ledger import CellId, Ledger, Standing
from graders.progress import Progress
from graders.question import Question
from graders.rubric_digest import RubricDigest
from rubrics import Answer, Example


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


class _Texts:
    """The texts of one question, loaded when the first of its calls is made."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._loaded: tuple[Example, Sequence[Answer]] | None = None

    def task(self, position: int, criterion_ids: Sequence[str], repeat: int) -> Task:
        """Some criteria of the answer at a place."""
        if self._loaded is None:
            self._loaded = self._question.load()
        example, answers = self._loaded
        leaves = example.rubric.leaf_by_id
        criteria = tuple(leaves[criterion_id].criterion for criterion_id in criterion_ids)
        return Task(example, answers[position], criteria, repeat)


class MissingCall:
    """A call with at least one cell to ask, and what its entries in the ledger will carry."""

    __slots__ = ("_make_task", "_task", "answer_hash", "asked", "attempts", "keys", "rubric")

    def __init__(
        self,
        asked: AskedGrader,
        rubric: RubricDigest,
        answer_hash: str,
        keys: dict[str, str],
        attempts: dict[str, int],
        make_task: Callable[[], Task],
    ) -> None:
        self.asked = asked
        self.rubric = rubric
        self.answer_hash = answer_hash
        self.keys = keys
        """Criterion id → key, of all cells of the call."""
        self.attempts = attempts
        """The missing cells: criterion id → attempt number."""
        self._make_task = make_task
        self._task: Task | None = None

    @property
    def card(self) -> GraderCard:
        return self.asked.card

    @property
    def task(self) -> Task:
        """What the grader is asked; its texts are loaded when it is first wanted."""
        if self._task is None:
            self._task = self._make_task()
        return self._task


def missing_calls(
    questions: Iterable[Question], ledger: Ledger, asked: Sequence[AskedGrader], progress: Progress
) -> Iterator[list[MissingCall]]:
    """The missing calls, those of one answer and grader together; counts what there is and what is missing.

    Texts are loaded only where a call's task is wanted.
    """
    for number, question in enumerate(questions):
        rubric = question.rubric
        planned = [(one, calls) for one in asked if (calls := one.calls(rubric))]
        if not planned:
            continue
        is_open = False
        texts = _Texts(question)
        standings = ledger.standings(question.answers)
        for position, answer in enumerate(question.answers):
            standing = standings.get(answer.key, _NOTHING)
            for one, calls in planned:
                missing = []
                name = one.card.name
                for repeat, call in calls:
                    keys = cell_keys(rubric, call, answer.answer_hash, one.fingerprint, question.references_hash)
                    attempts = {}
                    for criterion_id, key in keys.items():
                        there = standing.get((criterion_id, name, repeat))
                        if there is None or there.key != key or there.status not in FINAL:
                            attempts[criterion_id] = 0 if there is None else there.attempt + 1
                            progress.again += there is not None and there.status in FINAL
                    progress.total += len(keys)
                    progress.kept += len(keys) - len(attempts)
                    if attempts:
                        make_task = partial(texts.task, position, call.criterion_ids, repeat)
                        missing.append(MissingCall(one, rubric, answer.answer_hash, keys, attempts, make_task))
                if missing:
                    if not is_open:
                        is_open = True
                        progress.open.append(number)
                    yield missing


_NOTHING: dict[CellId, Standing] = {}
