"""SCORING.md for one answer, read slowly: exact fractions, every completion spelled out, nothing clever.

Written from the text before the implementation was read, so that the two can disagree. A rubric is its JSON object
(every node with an `id`); the state of a leaf is a credit, `NOT_APPLICABLE` or `UNGRADED`.

Where the text leaves room, this is how it was read:

1. A leaf that was judged not applicable stays so whatever its condition comes to; an ungraded condition makes only
   a *judged* leaf ungraded ("itself ungraded, even if judged").
2. At credit 0.5 exactly the *criterion* counts as unmet, so a condition with `when: "unmet"` holds.
3. A group is `group_all_negative` by its own applicable children; it wins over the root's `all_negative`, and of
   several such groups the least id is named (the order of anything never matters).
4. A rubric without any positive leaf that says `one_minus` uses that formula over its applicable criteria; under
   `sum` (whose caps are in points) the score stays raw points.
5. `range` takes least and most over the applicable children of the root.
6. What is undefined with every ungraded leaf counted as applicable has no score, and that reason is given before a
   lack of coverage; then coverage; then an undefined score of the judged leaves; then an ungraded gate. Its bounds
   are those of the completions that do have a score (an ungraded fault may turn out not to apply).
7. An ungraded gate could lower a score if in some completion it fires and its cap, then clipped as the score is,
   lies below the score.
8. A criterion's tag is an answer made of its own leaves: only its own ungraded leaves are left out, those of others
   count as applicable; it is undefined where one of its applicable leaves lies in a `group_all_negative` group; it is
   not clipped per answer ("tags always use the formula above").
9. Coverage of an answer without any applicable leaf is not defined by the text: None here, never compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

HALF = Fraction(1, 2)


class _Mark:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


NOT_APPLICABLE = _Mark("NOT_APPLICABLE")
UNGRADED = _Mark("UNGRADED")

State = Any
"""A credit (number), NOT_APPLICABLE or UNGRADED."""


class Undefined(Exception):
    """There is no score, and why."""


@dataclass(frozen=True)
class ExactTag:
    """A criterion tag's score on one answer; `score` None has a reason."""

    score: Fraction | None
    judged_only: Fraction | None
    low: Fraction | None
    high: Fraction | None
    coverage: Fraction | None
    reason: str | None


@dataclass(frozen=True)
class Exact:
    """Everything SCORING.md says of one answer."""

    score: Fraction | None
    judged_only: Fraction | None
    ungated: Fraction | None
    low: Fraction | None
    high: Fraction | None
    coverage: Fraction | None
    reason: str | None
    tags: dict[str, ExactTag]


def score_exactly(rubric: Mapping[str, Any], states: Mapping[str, State]) -> Exact:
    """The score of one answer from its rubric's JSON and the state of each leaf."""
    scoring = rubric.get("scoring", {})
    needed = Fraction(scoring.get("min_coverage", 1))
    leaves = {leaf["id"]: leaf for leaf in leaves_of(rubric["criteria"])}
    seen = _after_conditions(leaves, states)
    completions = [_after_conditions(leaves, completed) for completed in completions_of(leaves, states)]
    judged = {name: NOT_APPLICABLE if state is UNGRADED else state for name, state in seen.items()}

    scores = list(_defined(lambda values: _final(rubric, values), completions))
    judged_only, undefined_judged = _try(_final, rubric, judged)
    ungated, _ = _try(_normalised_and_clipped, rubric, judged)
    _, undefined = _try(_normalised, rubric, {n: Fraction(1) if s is UNGRADED else s for n, s in seen.items()})
    covered = _coverage(rubric, seen, set(leaves))
    reason = undefined
    if reason is None and covered is not None and covered < needed:
        reason = "low_coverage"
    reason = reason or undefined_judged
    if reason is None and _a_gate_could_lower(rubric, leaves, seen, completions, judged):
        reason = "ungraded_gate"
    return Exact(
        score=None if reason else judged_only,
        judged_only=judged_only,
        ungated=None if reason else ungated,
        low=min(scores, default=None),
        high=max(scores, default=None),
        coverage=covered,
        reason=reason,
        tags=dict(_tags(rubric, leaves, seen, completions, needed)),
    )


def leaves_of(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The leaves, depth first."""
    for node in nodes:
        if "children" in node:
            yield from leaves_of(node["children"])
        else:
            yield node


# --- conditions -------------------------------------------------------------------------------------------------


def _after_conditions(leaves: Mapping[str, dict[str, Any]], states: Mapping[str, State]) -> dict[str, State]:
    done: dict[str, State] = {}

    def settle(name: str) -> State:
        if name not in done:
            own = states[name]
            own = own if own in (UNGRADED, NOT_APPLICABLE) else Fraction(own)
            condition = leaves[name].get("depends_on")
            if condition is not None and own is not NOT_APPLICABLE:
                decides = settle(condition["criterion"])
                if decides is NOT_APPLICABLE:
                    own = NOT_APPLICABLE
                elif decides is UNGRADED:
                    own = UNGRADED
                elif (decides > HALF) != (condition["when"] == "met"):
                    own = NOT_APPLICABLE
            done[name] = own
        return done[name]

    for name in leaves:
        settle(name)
    return done


# --- the tree ---------------------------------------------------------------------------------------------------


def _applies(node: dict[str, Any], values: Mapping[str, State]) -> bool:
    if "children" in node:
        return any(_applies(child, values) for child in node["children"])
    return values[node["id"]] is not NOT_APPLICABLE


def _applicable(nodes: list[dict[str, Any]], values: Mapping[str, State]) -> list[dict[str, Any]]:
    return [node for node in nodes if _applies(node, values)]


def _positive(nodes: list[dict[str, Any]]) -> Fraction:
    return sum((Fraction(node["points"]) for node in nodes if node["points"] > 0), Fraction(0))


def _negative(nodes: list[dict[str, Any]]) -> Fraction:
    return sum((Fraction(node["points"]) for node in nodes if node["points"] < 0), Fraction(0))


def _credit(node: dict[str, Any], values: Mapping[str, State]) -> Fraction:
    if "children" not in node:
        return Fraction(values[node["id"]])
    children = _applicable(node["children"], values)
    positive = _positive(children)
    if positive == 0:
        raise Undefined(f"group_all_negative:{node['id']}")
    return _earned(children, values) / positive


def _earned(nodes: list[dict[str, Any]], values: Mapping[str, State]) -> Fraction:
    return sum((Fraction(node["points"]) * _credit(node, values) for node in nodes), Fraction(0))


def _all_negative_groups(nodes: list[dict[str, Any]], values: Mapping[str, State]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if "children" in node and _applies(node, values):
            if _positive(_applicable(node["children"], values)) == 0:
                yield node
            yield from _all_negative_groups(node["children"], values)


def _normalised(rubric: Mapping[str, Any], values: Mapping[str, State]) -> Fraction:
    """The ungated, unclipped score."""
    scoring = rubric.get("scoring", {})
    if without := [group["id"] for group in _all_negative_groups(rubric["criteria"], values)]:
        raise Undefined(f"group_all_negative:{min(without)}")
    children = _applicable(rubric["criteria"], values)
    if not children:
        raise Undefined("nothing_applies")
    earned, positive, negative = _earned(children, values), _positive(children), _negative(children)
    if _positive(list(leaves_of(rubric["criteria"]))) == 0 and scoring.get("all_negative") == "one_minus":
        if scoring.get("normalize") == "sum":
            return earned
        return 1 + earned / abs(negative)
    if positive == 0:
        raise Undefined("all_negative")
    match scoring.get("normalize", "positive"):
        case "positive":
            return earned / positive
        case "range":
            return (earned - negative) / (positive - negative)
        case _:
            return earned


# --- gates and clipping -----------------------------------------------------------------------------------------


def _fires(leaf: dict[str, Any], value: State) -> bool:
    if leaf.get("gate") is None or value in (NOT_APPLICABLE, UNGRADED):
        return False
    return bool(value == HALF or (value > HALF) == (leaf["gate"]["when"] == "met"))


def _clip(rubric: Mapping[str, Any], score: Fraction) -> Fraction:
    scoring = rubric.get("scoring", {})
    if scoring.get("clip") == "answer" and scoring.get("normalize") != "sum":
        return min(max(score, Fraction(0)), Fraction(1))
    return score


def _normalised_and_clipped(rubric: Mapping[str, Any], values: Mapping[str, State]) -> Fraction:
    return _clip(rubric, _normalised(rubric, values))


def _final(rubric: Mapping[str, Any], values: Mapping[str, State]) -> Fraction:
    caps = [Fraction(leaf["gate"]["cap"]) for leaf in leaves_of(rubric["criteria"]) if _fires(leaf, values[leaf["id"]])]
    return _clip(rubric, min([_normalised(rubric, values), *caps]))


def _a_gate_could_lower(
    rubric: Mapping[str, Any],
    leaves: Mapping[str, dict[str, Any]],
    seen: Mapping[str, State],
    completions: list[dict[str, State]],
    judged: Mapping[str, State],
) -> bool:
    score = _final(rubric, judged)
    for name, leaf in leaves.items():
        if seen[name] is UNGRADED and leaf.get("gate") is not None:
            could_fire = any(_fires(leaf, completion[name]) for completion in completions)
            if could_fire and _clip(rubric, min(score, Fraction(leaf["gate"]["cap"]))) < score:
                return True
    return False


# --- coverage and tags ------------------------------------------------------------------------------------------


def _effective(
    nodes: list[dict[str, Any]], values: Mapping[str, State], factor: Fraction = Fraction(1)
) -> Iterator[tuple[str, Fraction | None]]:
    """Each applicable leaf's effective points; None within a `group_all_negative` group."""
    for node in _applicable(nodes, values):
        if "children" not in node:
            yield node["id"], factor * Fraction(node["points"])
            continue
        positive = _positive(_applicable(node["children"], values))
        if positive == 0:
            yield from ((leaf["id"], None) for leaf in _applicable(list(leaves_of([node])), values))
        else:
            yield from _effective(node["children"], values, factor * Fraction(node["points"]) / positive)


def _coverage(rubric: Mapping[str, Any], seen: Mapping[str, State], names: set[str]) -> Fraction | None:
    points = {name: abs(p) for name, p in _effective(rubric["criteria"], seen) if p is not None and name in names}
    total = sum(points.values(), Fraction(0))
    if total == 0:
        return None
    return sum((p for name, p in points.items() if seen[name] is not UNGRADED), Fraction(0)) / total


def _tag_score(rubric: Mapping[str, Any], names: set[str], values: Mapping[str, State]) -> Fraction:
    points = {name: p for name, p in _effective(rubric["criteria"], values) if name in names}
    leaves = {leaf["id"]: leaf for leaf in leaves_of(rubric["criteria"])}
    if not any(leaves[name]["points"] > 0 for name in points):
        raise Undefined("absent")
    inside = {
        leaf["id"]: group["id"]
        for group in _all_negative_groups(rubric["criteria"], values)
        for leaf in leaves_of([group])
    }
    if without := [inside[name] for name in points if name in inside]:
        raise Undefined(f"group_all_negative:{min(without)}")
    positive = sum((p for p in points.values() if p is not None and p > 0), Fraction(0))
    return sum((p * Fraction(values[name]) for name, p in points.items() if p is not None), Fraction(0)) / positive


def _tags(
    rubric: Mapping[str, Any],
    leaves: Mapping[str, dict[str, Any]],
    seen: Mapping[str, State],
    completions: list[dict[str, State]],
    needed: Fraction,
) -> Iterator[tuple[str, ExactTag]]:
    all_tags = sorted({tag for leaf in leaves.values() for tag in leaf.get("tags", ())})
    for tag in all_tags:
        names = {name for name, leaf in leaves.items() if tag in leaf.get("tags", ())}
        all_apply = {name: Fraction(1) if state is UNGRADED else state for name, state in seen.items()}
        left_out = {
            name: NOT_APPLICABLE if state is UNGRADED and name in names else all_apply[name]
            for name, state in seen.items()
        }
        _, reason = _try(_tag_score, rubric, names, all_apply)
        if reason == "absent":
            continue
        scores = list(_defined(lambda values, names=names: _tag_score(rubric, names, values), completions))
        judged_only, undefined_judged = _try(_tag_score, rubric, names, left_out)
        covered = _coverage(rubric, seen, names)
        if reason is None and covered is not None and covered < needed:
            reason = "low_coverage"
        reason = reason or undefined_judged
        yield (
            tag,
            ExactTag(
                score=None if reason else judged_only,
                judged_only=judged_only,
                low=min(scores, default=None),
                high=max(scores, default=None),
                coverage=covered,
                reason=reason,
            ),
        )


# --- completions ------------------------------------------------------------------------------------------------


def scale_credits(leaf: Mapping[str, Any]) -> list[Fraction]:
    """The credits that a scale has (number and count: both ends, and a middle one that must never matter)."""
    scale = leaf.get("scale", {"type": "binary"})
    match scale["type"]:
        case "binary":
            return [Fraction(0), Fraction(1)]
        case "ordinal" | "nominal":
            options = scale["options"]
            if all(option.get("credit") is None for option in options):
                return [Fraction(place, len(options) - 1) for place in range(len(options))]
            return [Fraction(option["credit"]) for option in options]
        case _:
            return [Fraction(0), HALF, Fraction(1)]


def completions_of(leaves: Mapping[str, dict[str, Any]], states: Mapping[str, State]) -> Iterator[dict[str, State]]:
    """Every way to decide the ungraded leaves, before conditions."""
    choices: list[list[State]] = []
    for name, leaf in leaves.items():
        if states[name] is not UNGRADED:
            choices.append([states[name]])
        else:
            choices.append([*scale_credits(leaf), *([NOT_APPLICABLE] if leaf.get("may_not_apply") else [])])
    for chosen in product(*choices):
        yield dict(zip(leaves, chosen, strict=True))


def _defined(score: Any, completions: list[dict[str, State]]) -> Iterator[Fraction]:
    for values in completions:
        try:
            yield score(values)
        except Undefined:
            continue


def _try(score: Any, *given: Any) -> tuple[Fraction | None, str | None]:
    try:
        return score(*given), None
    except Undefined as why:
        return None, str(why)
