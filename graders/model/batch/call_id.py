"""The custom id of a call in a provider's batch: the same after a restart, another when what is asked is another."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

from graders.grader import Task
from graders.missing import MissingCall

_CUSTOM_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class CallId:
    """A call by what it is: `base` stays when some of its cells are filed."""

    base: bytes
    whole: str
    """The custom id where all criteria of the call are asked."""
    alone: str | None
    """The custom id where only its missing cells are; None where that is all of them."""

    @classmethod
    def of(cls, call: MissingCall, salt: str) -> CallId:
        """The ids of a call; `salt` tells one run's from another's."""
        task = call.task
        cells = [f"{criterion_id}\n{key}" for criterion_id, key in call.keys.items()]
        told = [salt, *map(str, task.answer.key), call.card.name, str(task.repeat), *cells]
        base = hashlib.blake2b("\n\n".join(told).encode(), digest_size=16).digest()
        missing = [f"{criterion_id}\n{attempt}" for criterion_id, attempt in sorted(call.attempts.items())]
        alone = len(call.attempts) < len(call.keys)
        return cls(base, _digest(base, ["whole", *missing]), _digest(base, ["alone", *missing]) if alone else None)


def _digest(base: bytes, told: list[str]) -> str:
    return hashlib.blake2b(base + "\n\n".join(told).encode(), digest_size=16).hexdigest()


def number_of(custom_id: object) -> int | None:
    """The first 64 bits of a custom id; None where it is none of ours."""
    if isinstance(custom_id, str) and _CUSTOM_ID.fullmatch(custom_id):
        return int(custom_id[:16], 16)
    return None


def missing_alone(call: MissingCall) -> Task:
    """The task of a call with only the criteria whose cells are missing."""
    criteria = tuple(criterion for criterion in call.task.criteria if criterion.id in call.attempts)
    return replace(call.task, criteria=criteria)
