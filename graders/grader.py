"""The one protocol that every grader follows, and what it is given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args, runtime_checkable

from pydantic import TypeAdapter, ValidationError

from graders.judgment import GraderKind, Verdict
from rubrics import Answer, Criterion, Example, Id, InputError, Mistake, Rubric, canonical_json


@dataclass(frozen=True, slots=True)
class Task:
    """One answer and the criteria to judge in one go."""

    example: Example
    answer: Answer
    criteria: tuple[Criterion, ...]
    """At most the grader's `max_criteria`, in the order in which to ask."""
    repeat: int = 0
    """Which of several independent judgments of the same cells this is."""

    @property
    def rubric(self) -> Rubric:
        return self.example.rubric


class NotAsked(Exception):
    """A grader raises it where it was told to stop before it had asked: nothing is filed, the cell stays missing."""


@runtime_checkable
class Grader(Protocol):
    """Anything that judges: a name, a version, and `judge`.

    It returns one verdict for each criterion of the task, or raises; the engine turns whatever is raised into
    `failed` judgments. Nobody must inherit. What else a grader may have, with its default:

    - `kind` ("model"): "model", "human" or "rule"
    - `max_criteria` (1): how many criteria one call of `judge` takes; None for all
    - `arguments` ({}): everything else that can change its verdicts, as JSON
    - `prompt_hash` (None): hash of its prompt
    - `warm_first` (False): whether the first call of an answer must come back before its others go out
    - `estimate(task, *, first)` (None): about how many USD the call will cost, None where that is unknown
    - `stop()`: called when the run is to end; calls that were not sent yet may raise NotAsked
    - `async aclose()`: called once at the end
    """

    name: str
    version: str

    async def judge(self, task: Task) -> Sequence[Verdict]: ...


_NAME: TypeAdapter[str] = TypeAdapter(Id)


def _card_problem(name: Any, kind: Any, arguments: Any, max_criteria: Any) -> str | None:
    """What is wrong with what a grader says of itself."""
    try:
        _NAME.validate_python(name, strict=True)
    except ValidationError:
        return f"got the name {name!r}, expected text of 1 to 512 characters without control characters"
    if kind not in get_args(GraderKind):
        return f"got the kind {kind!r}, expected one of {', '.join(get_args(GraderKind))}"
    if max_criteria is not None and (type(max_criteria) is not int or max_criteria < 1):
        return f"got max_criteria {max_criteria!r}, expected a number from 1 up, or None for all"
    try:
        canonical_json(dict(arguments))
    except (TypeError, ValueError):
        return f"got arguments {arguments!r}, expected a mapping of JSON values"
    return None


@dataclass(frozen=True, slots=True)
class GraderCard:
    """What a run remembers of a grader: enough to tell whether it is still the same one."""

    name: str
    kind: GraderKind
    version: str
    arguments: Mapping[str, Any]
    prompt_hash: str | None
    max_criteria: int | None

    @classmethod
    def of(cls, grader: Grader) -> GraderCard:
        """The card of a grader, with the defaults where it says nothing."""
        name: str = grader.name
        kind: Any = getattr(grader, "kind", "model")
        arguments, most = getattr(grader, "arguments", {}), getattr(grader, "max_criteria", 1)
        if problem := _card_problem(name, kind, arguments, most):
            raise InputError(Mistake(f"grader {type(grader).__name__}", problem))
        return cls(
            name=name,
            kind=kind,
            version=str(grader.version),
            arguments=dict(arguments),
            prompt_hash=getattr(grader, "prompt_hash", None),
            max_criteria=most,
        )

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of SHA-256 over everything that makes this grader what it is."""
        identity = {
            "name": self.name,
            "version": self.version,
            "arguments": self.arguments,
            "prompt_hash": self.prompt_hash,
            "max_criteria": self.max_criteria,
        }
        return hashlib.sha256(canonical_json(identity)).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """The card as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "version": self.version,
            "arguments": dict(self.arguments),
            "prompt_hash": self.prompt_hash,
            "max_criteria": self.max_criteria,
        }
