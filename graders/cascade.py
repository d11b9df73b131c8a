"""A cheap grader first, a strong one where the cheap one cannot tell, and a random share of the rest for both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

from graders.grader import Grader, GraderCard, Task
from graders.grader_report import AUDIT_DIFFERS, AUDITED
from graders.judgment import GraderKind, Verdict
from rubrics import Criterion, GraderError, InputError, Mistake

_ESCALATED = frozenset({"parse", "refusal", "truncated", "misquote"})


@dataclass(frozen=True, slots=True)
class _Stage:
    grader: Grader
    card: GraderCard

    def calls(self, criteria: Sequence[Criterion]) -> Iterator[tuple[Criterion, ...]]:
        """Criteria in as many calls as this grader needs."""
        size = self.card.max_criteria or len(criteria)
        return (tuple(criteria[start : start + size]) for start in range(0, len(criteria), size))

    async def judge(self, task: Task, criteria: tuple[Criterion, ...]) -> list[Verdict]:
        """Verdicts on some of a task's criteria, in one call."""
        verdicts = await self.grader.judge(replace(task, criteria=criteria))
        if sorted(verdict.criterion_id for verdict in verdicts) != sorted(criterion.id for criterion in criteria):
            raise GraderError("grader", f"{self.card.name} gave verdicts on other criteria than it was asked")
        return list(verdicts)


class Cascade:
    """Graders from the cheapest to the strongest.

    A stage's verdict stands where it is judged (or does not apply) with a probability of at least `sure_from`, or
    with none. What abstains, is less sure, or came back unusable goes to the next stage. Of the verdicts that the
    first stage is sure of, a share `audit` is given by the last stage too, which then counts: how often the two differ
    there is the error of the rest, as far as the strong grader is right.
    """

    version = "1"
    kind: GraderKind = "model"

    def __init__(
        self, name: str, stages: Sequence[Grader], *, audit: float = 0.05, sure_from: float = 0.9, seed: int = 0
    ) -> None:
        """InputError where there are fewer than two stages, or a share or a probability is none."""
        if len(stages) < 2:
            raise InputError(Mistake(f"grader {name}", f"got {len(stages)} stages, expected two or more"))
        for what, share in (("audit", audit), ("sure_from", sure_from)):
            if not 0 <= share <= 1:
                raise InputError(Mistake(f"grader {name}", f"got {share!r}, expected a share from 0 to 1", what))
        self._stages = [_Stage(stage, GraderCard.of(stage)) for stage in stages]
        self.name = name
        self.stages = tuple(stages)
        self.max_criteria = self._stages[0].card.max_criteria
        self.warm_first = bool(getattr(stages[0], "warm_first", False))
        self.arguments: dict[str, Any] = {
            "stages": [stage.card.as_json() for stage in self._stages],
            "audit": audit,
            "sure_from": sure_from,
            "seed": seed,
        }
        self._audit = audit
        self._sure_from = sure_from
        self._seed = seed

    async def judge(self, task: Task) -> Sequence[Verdict]:
        """One verdict a criterion, each with the stage that gave it and what the first stage had said."""
        if not task.criteria:
            return []
        spent: list[Mapping[str, Any]] = []
        try:
            told = await self._told_by_stages(task, spent)
        except GraderError as error:
            error.spent = _total([*spent, error.spent])
            raise
        told[0] = told[0].model_copy(update=_total(spent))
        return told

    def estimate(self, task: Task, *, first: bool) -> float | None:
        """About the USD of a call where the first stage is always sure; None where a price is unknown."""
        costs = []
        for share, stage in ((1.0, self._stages[0]), (self._audit, self._stages[-1])):
            estimate = getattr(stage.grader, "estimate", None)
            cost = estimate(task, first=first) if callable(estimate) else None
            if cost is None and stage.card.kind != "rule":
                return None
            costs.append(share * (cost or 0.0))
        return fsum(costs)

    def stop(self) -> None:
        """Send nothing more."""
        for stage in self._stages:
            if callable(stop := getattr(stage.grader, "stop", None)):
                stop()

    async def aclose(self) -> None:
        """Close the stages."""
        for stage in self._stages:
            if callable(close := getattr(stage.grader, "aclose", None)):
                await close()

    async def _told_by_stages(self, task: Task, spent: list[Mapping[str, Any]]) -> list[Verdict]:
        """One verdict a criterion; what each call of a stage took is added to `spent`."""
        first = await self._asked(self._stages[0], task, task.criteria, spent)
        verdicts = dict(first)
        sure = {criterion_id for criterion_id, verdict in first.items() if self._is_sure(verdict)}
        stage_of = dict.fromkeys(first, self._stages[0].card.name)
        for stage in self._stages[1:]:
            last = stage is self._stages[-1]
            asked = [
                criterion
                for criterion in task.criteria
                if not self._is_sure(verdicts[criterion.id])
                or (last and criterion.id in sure and self._is_audited(task, criterion))
            ]
            if asked:
                verdicts |= await self._asked(stage, task, asked, spent, last=last)
                stage_of |= dict.fromkeys((criterion.id for criterion in asked), stage.card.name)
        return [
            self._told(verdicts[criterion.id], first[criterion.id], stage_of[criterion.id], criterion.id in sure)
            for criterion in task.criteria
        ]

    async def _asked(
        self,
        stage: _Stage,
        task: Task,
        criteria: Sequence[Criterion],
        spent: list[Mapping[str, Any]],
        *,
        last: bool = False,
    ) -> dict[str, Verdict]:
        """A stage's verdicts by criterion; an unusable reply of a stage that is not the last is an abstention."""
        found: dict[str, Verdict] = {}
        for asked in stage.calls(criteria):
            try:
                verdicts = await stage.judge(task, asked)
            except GraderError as error:
                if last or error.kind not in _ESCALATED:
                    raise
                verdicts = [_unjudged(criterion, error) for criterion in asked]
                spent.append(error.spent)
            else:
                spent.append(_spent_on(verdicts, stage.card))
            found |= {verdict.criterion_id: verdict for verdict in verdicts}
        return found

    def _is_sure(self, verdict: Verdict) -> bool:
        if verdict.status not in ("judged", "not_applicable"):
            return False
        return verdict.probability is None or verdict.probability >= self._sure_from

    def _is_audited(self, task: Task, criterion: Criterion) -> bool:
        """Drawn by a seed from the cell, so that a resumed run audits the same ones."""
        cell = (self._seed, *task.answer.key, criterion.id, task.repeat)
        drawn = int.from_bytes(hashlib.sha256(repr(cell).encode()).digest()[:8], "big")
        return drawn < self._audit * 2**64

    def _told(self, verdict: Verdict, first: Verdict, stage: str, sure: bool) -> Verdict:
        said: dict[str, Any] = {"stage": stage}
        flags = verdict.flags
        if verdict is not first:
            said["first"] = first.model_dump(mode="json", include=_SAID, exclude_none=True)
            if sure:
                differs = any(getattr(verdict, key) != getattr(first, key) for key in _VERDICT)
                flags = (*flags, AUDITED, AUDIT_DIFFERS) if differs else (*flags, AUDITED)
        return verdict.model_copy(
            update={"metadata": {**verdict.metadata, "cascade": said}, "flags": flags, **dict.fromkeys(_SPENT)}
        )


_VERDICT = ("status", "met", "option", "value")
_SAID = {*_VERDICT, "probability"}
_SPENT = ("input_tokens", "output_tokens", "cached_tokens", "cost")


def _unjudged(criterion: Criterion, error: GraderError) -> Verdict:
    """What a call that gave no usable reply leaves to the next stage."""
    return Verdict(criterion_id=criterion.id, status="abstained", explanation=f"{error.kind}: {error}"[:500])


def _spent_on(verdicts: Sequence[Verdict], card: GraderCard) -> Mapping[str, Any]:
    """What a call took, which stands on its first verdict; rules take nothing."""
    free: dict[str, Any] = {"cost": 0.0} if card.kind == "rule" else {}
    told = {name: value for verdict in verdicts for name in _SPENT if (value := getattr(verdict, name)) is not None}
    return free | told


def _total(calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all calls took together; a cost that one of them does not tell is unknown."""
    total: dict[str, Any] = {}
    for name in _SPENT:
        told = [call[name] for call in calls if name in call]
        if name == "cost" and len(told) == len(calls):
            total[name] = fsum(told)
        elif name != "cost" and told:
            total[name] = sum(told)
    return total
