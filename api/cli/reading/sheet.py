"""What a person is shown of one answer. Who wrote it, which try it is and what others said never gets in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graders import Conditions, Paper, Verdict
from rubrics import Criterion, Message

_SHOWN_OF_A_VERDICT = ("criterion_id", "status", "met", "option", "value", "explanation", "seconds")


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One answer with its question and the criteria to judge; compared by identity, so that layouts can be cached."""

    conversation: tuple[Message, ...]
    answer: str
    asked: tuple[Criterion, ...]
    conditions: Conditions
    settled: Mapping[int, float] = field(default_factory=dict)
    """What rules say of the checks on which criteria depend."""
    guidelines: str | None = None
    references: tuple[str, ...] = ()
    show_points: bool = False

    @classmethod
    def of(cls, paper: Paper) -> Sheet:
        """What may be seen of a paper."""
        rubric = paper.example.rubric
        return cls(
            conversation=paper.example.conversation,
            answer=paper.answer.text,
            asked=paper.asked,
            conditions=paper.conditions,
            settled=paper.settled,
            guidelines=rubric.guidelines,
            references=paper.example.references,
            show_points=rubric.judging.show_points,
        )

    def skipped(self, verdicts: Mapping[str, Verdict]) -> frozenset[str]:
        """The criteria that these verdicts leave out by a condition."""
        return self.conditions.skipped(verdicts, self.settled)


def seen_verdict(verdict: Verdict) -> Verdict:
    """A verdict without what a judgment says of its answer and its provenance."""
    said = {name: getattr(verdict, name) for name in _SHOWN_OF_A_VERDICT}
    return Verdict.model_validate({name: value for name, value in said.items() if value is not None})


def verdict_words(verdict: Verdict) -> str:
    """What a verdict says, for people: `not met`, `calm`, `3`, `does not apply`, `can't tell`."""
    if verdict.status == "not_applicable":
        return "does not apply"
    if verdict.status == "abstained":
        return "can't tell"
    if verdict.met is not None:
        return "met" if verdict.met else "not met"
    return verdict.option if verdict.option is not None else f"{verdict.value:.15g}"
