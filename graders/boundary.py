"""The one boundary between graders and the ledger: whatever a grader returns or raises becomes entries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from graders.fit import fit_verdict
from graders.grader import NotAsked
from graders.judgment import FAILURE_KINDS, Failure, Judgment, Verdict
from graders.ledger import Entry
from graders.missing import MissingCall
from graders.scoring import leaf_scale
from rubrics import GraderError

_SPENT = ("input_tokens", "output_tokens", "cached_tokens", "cost")


async def judged_entries(call: MissingCall, now: Callable[[], datetime]) -> list[Entry]:
    """The grader's verdicts on the missing cells as entries, or one failed entry each; none if it was not asked."""
    try:
        verdicts = _checked(call, await call.asked.grader.judge(call.task))
        return verdict_entries(call, verdicts, now())
    except NotAsked:
        return []
    except BaseException as error:  # whatever a grader raises is that call's failure
        if _is_ours(error):
            raise
        return failed_entries(call, error, now())


def verdict_entries(call: MissingCall, verdicts: Sequence[Verdict], now: datetime) -> list[Entry]:
    """Verdicts on a call's criteria as entries for its missing cells."""
    judged_at = now.isoformat(timespec="milliseconds")
    return [_entry(call, verdict, judged_at) for verdict in verdicts if verdict.criterion_id in call.attempts]


def failed_entries(call: MissingCall, error: BaseException, now: datetime) -> list[Entry]:
    """A failed entry for each missing cell of a call; what it took all the same is told on the first."""
    failure, spent = _failure(error), _spent(error)
    verdicts = [
        Verdict(criterion_id=criterion_id, status="failed", failure=failure, **(spent if number == 0 else {}))
        for number, criterion_id in enumerate(call.attempts)
    ]
    return verdict_entries(call, verdicts, now)


def _entry(call: MissingCall, verdict: Verdict, judged_at: str) -> Entry:
    task, card = call.task, call.card
    said = {name: getattr(verdict, name) for name in verdict.model_fields_set}
    if len(task.criteria) > 1:
        position = next(number for number, asked in enumerate(task.criteria, 1) if asked.id == verdict.criterion_id)
        said["metadata"] = {**verdict.metadata, "call": {"position": position, "of": len(task.criteria)}}
    judgment = Judgment.model_validate(
        {
            **said,
            "status": verdict.status,
            "example_id": task.answer.example_id,
            "model": task.answer.model,
            "sample": task.answer.sample,
            "repeat": task.repeat,
            "grader": card.name,
            "grader_kind": card.kind,
            "grader_fingerprint": call.asked.fingerprint,
            "prompt_hash": card.prompt_hash,
            "criterion_hash": call.rubric.by_id[verdict.criterion_id].criterion_hash,
            "answer_hash": call.answer_hash,
            "judged_at": judged_at,
        }
    )
    return Entry(judgment, call.keys[verdict.criterion_id], call.attempts[verdict.criterion_id])


def _checked(call: MissingCall, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    """The verdicts as they came, if there is exactly one fitting verdict for each criterion asked."""
    if not isinstance(verdicts, list | tuple) or not all(isinstance(verdict, Verdict) for verdict in verdicts):
        raise GraderError("grader", f"expected a list of Verdict, got {type(verdicts).__name__}")
    asked = {criterion.id: criterion for criterion in call.task.criteria}
    got = [verdict.criterion_id for verdict in verdicts]
    if len(got) != len(asked) or not asked.keys() <= set(got):
        raise GraderError("grader", f"asked for {list(asked)}, got verdicts on {got}")
    for verdict in verdicts:
        criterion = asked[verdict.criterion_id]
        if (problem := fit_verdict(verdict, leaf_scale(criterion)).problem) is not None:
            raise GraderError("grader", f"{verdict.criterion_id}: {problem[1]}")
        if call.card.kind == "model" and verdict.status == "not_applicable" and not criterion.may_not_apply:
            raise GraderError("grader", f"{verdict.criterion_id}: not_applicable, where the criterion must apply")
    return verdicts


def _is_ours(error: BaseException) -> bool:
    """Whether an exception ends the run, rather than being the grader's: Ctrl-C, or our own cancelling."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


def _spent(error: BaseException) -> dict[str, Any]:
    """What a failed call took all the same, as far as it is what a judgment can hold."""
    if not isinstance(error, GraderError):
        return {}
    try:
        spent = {name: error.spent[name] for name in _SPENT if name in error.spent}
        return Verdict(criterion_id="c", status="abstained", **spent).model_dump(include=set(spent))
    except (TypeError, ValueError):
        return {}


def _failure(error: BaseException) -> Failure:
    kind = error.kind if isinstance(error, GraderError) else "timeout" if isinstance(error, TimeoutError) else "grader"
    if kind not in FAILURE_KINDS:
        kind = "grader"
    message = str(error) or type(error).__name__
    if not isinstance(error, GraderError | TimeoutError):
        message = f"{type(error).__name__}: {message}"
    clean = message.encode("utf-8", "replace").decode("utf-8").replace("\x00", "␀")
    return Failure.model_validate({"kind": kind, "message": clean[:2000]})
