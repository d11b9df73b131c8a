"""Runs the rules of lint over a rubric or an example, and leaves out what the author has silenced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rubrics.example import Example
from rubrics.lint.advice import LINT_RULES, Advice
from rubrics.lint.compound import compound
from rubrics.lint.points import no_negative, points_range, spread_of_points
from rubrics.lint.prompt import given_away
from rubrics.lint.reach import gate_sign, unreachable
from rubrics.lint.readings import how_many, inverted_steps, length_word, negated_and, no_else, open_list
from rubrics.lint.repeats import repeats
from rubrics.lint.sign import sign
from rubrics.lint.vague import vague
from rubrics.lint.words import Wording
from rubrics.model import did_you_mean
from rubrics.rubric import Rubric

_OF_ONE_WORDING = (inverted_steps, compound, open_list, negated_and, vague, length_word, how_many, no_else, sign)


def lint_rubric(rubric: Rubric, *, all_advice: bool = False) -> tuple[Advice, ...]:
    """Advice on a rubric, in reading order, without what its `lint.ignore` names.

    >>> rubric = Rubric(id="r", criteria=[{"criterion": "Fails to ask about allergies", "points": 5}])
    >>> [advice.code for advice in lint_rubric(rubric)]
    ['sign']
    """
    wordings = [Wording(leaf) for leaf in rubric.leaves]
    found = [*_ignore_problems(rubric), *_of_the_rubric(rubric, wordings)]
    return _heard(rubric, found, all_advice=all_advice)


def lint_example(example: Example, *, all_advice: bool = False) -> tuple[Advice, ...]:
    """Advice that only the prompt shows: points that it gives away. Paths are in the example's rubric."""
    wordings = [Wording(leaf) for leaf in example.rubric.leaves]
    return _heard(example.rubric, given_away(example, wordings), all_advice=all_advice)


def _of_the_rubric(rubric: Rubric, wordings: Sequence[Wording]) -> Iterator[Advice]:
    for wording in wordings:
        for rule in _OF_ONE_WORDING:
            yield from rule(wording)
    yield from repeats(wordings)
    yield from spread_of_points(rubric)
    yield from points_range(rubric)
    yield from no_negative(rubric, wordings)
    yield from gate_sign(rubric)
    yield from unreachable(rubric)


def _heard(rubric: Rubric, found: Iterable[Advice], *, all_advice: bool) -> tuple[Advice, ...]:
    ignored = set(rubric.lint.ignore)
    heard = (
        advice
        for advice in found
        if (all_advice or LINT_RULES[advice.code].on)
        and advice.code not in ignored
        and not any(f"{advice.code}:{criterion_id}" in ignored for criterion_id in advice.criterion_ids)
    )
    return tuple(sorted(heard, key=lambda advice: _position(advice.path)))


def _position(path: str) -> list[int]:
    return [int(index) for index in re.findall(r"\[(\d+)\]", path)]


def _ignore_problems(rubric: Rubric) -> Iterator[Advice]:
    for index, entry in enumerate(rubric.lint.ignore):
        code, _, criterion_id = entry.partition(":")
        if code not in LINT_RULES:
            hint = did_you_mean(code.lower(), LINT_RULES)
            message = f"got {entry!r}, and no advice has the code {code!r}{hint}"
        elif criterion_id and criterion_id not in rubric.leaf_by_id:
            message = f"got {entry!r}, and no criterion has the id {criterion_id!r}"
            message += did_you_mean(criterion_id, rubric.leaf_by_id)
        else:
            continue
        yield Advice("unknown-ignore", f"$.lint.ignore[{index}]", message, "correct the name or delete the line")
