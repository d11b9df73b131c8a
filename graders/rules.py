"""The grader that needs no one: checks written in the rubric, decided by code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from graders.grader import Task
from graders.judgment import GraderKind, Verdict
from rubrics import Check

RULES = "rules"
"""The name under which rules judge."""


def check_met(check: Check, text: str) -> bool:
    """Whether an answer's text satisfies a check.

    >>> check_met(Check(max_words=3), "four words are here")
    False
    """
    rule, value = check.rule
    if rule in ("min_words", "max_words"):
        words = len(text.split())
        return bool(words >= value if rule == "min_words" else words <= value)
    if rule == "regex":
        return _pattern(value).search(text) is not None
    folded = text.casefold()
    if rule == "contains":
        return str(value).casefold() in folded
    if rule == "not_contains":
        return str(value).casefold() not in folded
    found = (part.casefold() in folded for part in value)
    return any(found) if rule == "contains_any" else all(found)


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


class RulesGrader:
    """Judges the criteria that carry a `check`."""

    name = RULES
    version = "1"
    kind: GraderKind = "rule"
    max_criteria: int | None = None

    async def judge(self, task: Task) -> Sequence[Verdict]:
        """One verdict for each criterion; each of them has a check."""
        return [
            rule_verdict(criterion.id, criterion.check, task.answer.text)
            for criterion in task.criteria
            if criterion.check
        ]


def rule_verdict(criterion_id: str, check: Check, text: str) -> Verdict:
    """The verdict of a check, with the rule as its explanation."""
    rule, value = check.rule
    return Verdict(criterion_id=criterion_id, met=check_met(check, text), explanation=f"{rule}: {value}")
