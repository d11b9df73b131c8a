"""People as graders: which cells wait for a person, in which order they lie before them, and how a verdict is filed.

Where people read (a terminal, a browser) is not known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from graders.cell import FINAL, cell_keys, plan_calls
from graders.fit import fit_verdict
from graders.grader import GraderCard, Task
from graders.judgment import GraderKind, Judgment, Verdict
from graders.ledger import Entry, Ledger
from graders.question import Question
from graders.rules import RULES, check_met
from graders.scoring import NOT_APPLICABLE, UNGRADED, LeafState, plan_rubric
from graders.scoring.tree import resolve_conditions
from rubrics import Answer, Criterion, Example, GraderError, Id, InputError, Mistake, Rubric

HUMAN = "human"
"""The SPEC, and the name under which a run remembers that people read it; judgments carry a person's id."""

READ_IN = "read_in"
"""Field of a judgment's metadata: the run in which a person gave it (a recorded one names another run, or none)."""

_JOINERS = "\u200c\u200d"
"""Unseen, and part of Persian and Hindi names."""
_ID: TypeAdapter[str] = TypeAdapter(Id)


class HumanGrader:
    """Stands for the people of a run; they are asked where they sit, not by the engine."""

    name = HUMAN
    version = "1"
    kind: GraderKind = "human"
    max_criteria: int | None = 1
    """Each verdict stands for itself: a criterion that changes leaves the person's other verdicts as they are."""

    async def judge(self, task: Task) -> Sequence[Verdict]:
        """Always a GraderError: nobody sits inside a program."""
        asked = f"{len(task.criteria)} of the criteria of {task.example.id!r}"
        raise GraderError("grader", f"{asked} wait for a person: `markscheme grade … --grader human`, in a terminal")


HUMAN_CARD = GraderCard.of(HumanGrader())
"""What a run remembers of its people: nothing of who they are, so that a second one can read the same run."""


def check_rater(rater: str, taken: Collection[str]) -> str:
    """A person's id; InputError where it is none, or is the name of a grader that is no person (`taken`)."""
    try:
        _ID.validate_python(rater)
    except ValidationError:
        rater_is_text = False
    else:
        rater_is_text = rater == rater.strip() and all(char.isprintable() or char in _JOINERS for char in rater)
    if not rater_is_text:
        # Else one person could be two who look the same, and have two votes.
        expected = "a person's id: text in which every character is seen, with no space at its ends"
        raise InputError(Mistake("--rater", f"got {rater!r}, expected {expected}"))
    if rater in {HUMAN, RULES, *taken} or rater.startswith(("model:", "recorded:")):
        raise InputError(Mistake("--rater", f"got {rater!r}, which is the name of a grader; give a person's id"))
    return rater


class Conditions:
    """Which criteria of a rubric one person's verdicts leave to be asked."""

    def __init__(self, rubric: Rubric) -> None:
        self._plan = plan_rubric(rubric)
        self._leaves = {leaf.id: number for number, leaf in enumerate(rubric.leaves)}
        deciding = {condition.leaf for condition in self._plan.conditions.values()}
        self._checks = {
            number: leaf.criterion.check
            for number, leaf in enumerate(rubric.leaves)
            if leaf.criterion.check is not None and number in deciding
        }

    def settled(self, text: str) -> dict[int, float]:
        """The checks on which others depend, as rules judge them in an answer: leaf → credit."""
        return {number: 1.0 if check_met(check, text) else 0.0 for number, check in self._checks.items()}

    def skipped(self, verdicts: Mapping[str, Verdict], settled: Mapping[int, float]) -> frozenset[str]:
        """The criteria that do not apply by their condition; one whose condition is open is asked."""
        plan = self._plan
        if not plan.conditions:
            return frozenset()
        own: list[LeafState] = [UNGRADED] * len(plan.ids)
        for criterion_id, verdict in verdicts.items():
            leaf = self._leaves[criterion_id]
            if verdict.status == "judged":
                scale = plan.scale(leaf)
                own[leaf] = scale.credit(fit_verdict(verdict, scale).value)
            elif verdict.status == "not_applicable":
                own[leaf] = NOT_APPLICABLE
        for leaf, credit in settled.items():
            own[leaf] = credit
        states = resolve_conditions(plan, own)
        return frozenset(
            plan.ids[leaf]
            for leaf, condition in plan.conditions.items()
            if (state := states[condition.leaf]) is NOT_APPLICABLE
            or (isinstance(state, float) and not condition.holds(state))
        )


@dataclass(slots=True)
class Paper:
    """One answer as it lies before one person: what they are asked of it, and what they have said."""

    example: Example
    answer: Answer
    answer_hash: str
    asked: tuple[Criterion, ...]
    """The criteria without a check, in the rubric's order."""
    conditions: Conditions
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """The person's verdicts that hold today: criterion id → verdict."""
    settled: dict[int, float] = field(default_factory=dict)
    """What rules say of the checks on which others depend: leaf → credit."""
    keys: dict[str, str] = field(default_factory=dict)
    """Criterion id → today's key of its cell."""
    attempts: dict[str, int] = field(default_factory=dict)
    """Criterion id → the highest attempt that the ledger holds."""

    def open(self) -> list[str]:
        """The criteria that wait: asked, applicable, and without a verdict that holds."""
        skipped = self.conditions.skipped(self.verdicts, self.settled)
        return [
            criterion.id
            for criterion in self.asked
            if criterion.id not in self.verdicts and criterion.id not in skipped
        ]

    def entry(self, verdict: Verdict, *, rater: str, run_id: str, now: datetime) -> Entry:
        """A verdict on its way into the ledger; a second one on the same criterion is a new attempt, which counts."""
        criterion_id = verdict.criterion_id
        attempt = self.attempts.get(criterion_id, -1) + 1
        judgment = Judgment.model_validate(
            {
                **{name: getattr(verdict, name) for name in verdict.model_fields_set},
                "status": verdict.status,
                "example_id": self.answer.example_id,
                "model": self.answer.model,
                "sample": self.answer.sample,
                "grader": rater,
                "grader_kind": HUMAN_CARD.kind,
                "grader_fingerprint": HUMAN_CARD.fingerprint,
                "criterion_hash": self.example.rubric.criterion_hashes[criterion_id],
                "answer_hash": self.answer_hash,
                "judged_at": now.isoformat(timespec="milliseconds"),
                "metadata": {READ_IN: run_id},
            }
        )
        return Entry(judgment, self.keys[criterion_id], attempt)

    def kept(self, entry: Entry) -> None:
        """The ledger holds it now."""
        criterion_id = entry.judgment.criterion_id
        self.attempts[criterion_id] = entry.attempt
        self.verdicts[criterion_id] = entry.judgment


def lay_out(
    questions: Iterable[Question], ledger: Ledger, judgments: Iterable[Judgment], *, rater: str, run_name: str
) -> list[Paper]:
    """Every answer that a person is asked about, in that person's own order.

    The order is seeded by the run and the person: it is the same each time, another for each person, and an answer
    that is added later changes nothing in the order of the others. `judgments` are those that hold today.
    """
    said: dict[tuple[str, str, int], dict[str, Judgment]] = {}
    for judgment in judgments:
        if judgment.grader == rater and judgment.repeat == 0:
            answer_key = (judgment.example_id, judgment.model, judgment.sample)
            said.setdefault(answer_key, {})[judgment.criterion_id] = judgment
    papers = list(_papers(questions, ledger, said, rater))
    return sorted(papers, key=lambda paper: reading_place(paper.answer, rater=rater, run_name=run_name))


def reading_place(answer: Answer, *, rater: str, run_name: str) -> bytes:
    """Where in a person's order an answer lies: a hash, which no neighbour can change."""
    told = "\x00".join((run_name, rater, answer.example_id, answer.model, str(answer.sample)))
    return hashlib.blake2b(told.encode("utf-8"), digest_size=16).digest()


def _papers(
    questions: Iterable[Question],
    ledger: Ledger,
    said: Mapping[tuple[str, str, int], Mapping[str, Judgment]],
    rater: str,
) -> Iterator[Paper]:
    for question in questions:
        calls = plan_calls(question.rubric, HUMAN_CARD)
        if not calls:
            continue
        example, answers = question.load()
        standings = ledger.standings(question.answers)
        conditions = Conditions(example.rubric)
        leaves = example.rubric.leaf_by_id
        asked = tuple(leaves[criterion_id].criterion for call in calls for criterion_id in call.criterion_ids)
        for answer, hashed in zip(answers, question.answers, strict=True):
            answer_hash = hashed.answer_hash
            paper = Paper(example, answer, answer_hash, asked, conditions, settled=conditions.settled(answer.text))
            standing = standings.get(answer.key, {})
            own = said.get(answer.key, {})
            for call in calls:
                for criterion_id, key in cell_keys(
                    question.rubric, call, answer_hash, HUMAN_CARD.fingerprint, question.references_hash
                ).items():
                    paper.keys[criterion_id] = key
                    there = standing.get((criterion_id, rater, 0))
                    if there is None:
                        continue
                    paper.attempts[criterion_id] = there.attempt
                    if there.key == key and there.status in FINAL and criterion_id in own:
                        paper.verdicts[criterion_id] = own[criterion_id]
            yield paper
