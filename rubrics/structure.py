"""What must hold between the nodes of a rubric: ids, conditions, gates, groups.

Works on the raw JSON value and passes over whatever has the wrong type (the fields' own checks report that), so
that a file's misspelt field and its dangling condition are reported in the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import InitErrorDetails

from rubrics.model import did_you_mean, problem_at

Loc = tuple[int | str, ...]

_CAN_DECIDE = ("binary", "ordinal", "nominal")
_UNION_MEMBERS = ("leaf", "group", *_CAN_DECIDE, "number", "count")


@dataclass(slots=True)
class _Node:
    raw: dict[str, Any]
    loc: Loc
    is_group: bool
    written_id: str | None
    id: str
    scale: str

    @property
    def path(self) -> str:
        return "$" + "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.loc if part not in ("leaf", "group")
        )


def structure_problems(raw: dict[str, Any]) -> list[InitErrorDetails]:
    """Every rule between nodes that a raw rubric breaks, each with its place."""
    nodes = list(_nodes(raw.get("criteria"), ("criteria",), {"c": 0, "g": 0}))
    by_id: dict[str, _Node] = {}
    problems: list[InitErrorDetails] = []
    problems += _id_problems(nodes, by_id)
    for node in nodes:
        if node.is_group:
            problems += _group_problems(node)
        else:
            problems += _leaf_problems(node, by_id)
    problems += _circle_problems(nodes, by_id)
    problems += _scoring_problems(raw, nodes)
    return problems


def in_reading_order(problems: Iterable[InitErrorDetails], raw: dict[str, Any]) -> list[InitErrorDetails]:
    """Problems by where they stand in a raw rubric; a missing field comes at the end of its object."""
    return sorted(problems, key=lambda line: _position(line.get("loc", ()), raw))


def _position(loc: Loc, raw: Any) -> list[int]:
    places: list[int] = []
    here = raw
    for part in loc:
        if isinstance(here, dict) and part in here:
            places.append(list(here).index(part))
            here = here[part]
        elif isinstance(here, list | tuple) and isinstance(part, int) and part < len(here):
            places.append(part)
            here = here[part]
        elif part not in _UNION_MEMBERS:
            return [*places, len(here) if isinstance(here, dict) else 0]
    return places


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value


def _nodes(children: Any, loc: Loc, counts: dict[str, int]) -> Iterator[_Node]:
    if not isinstance(children, list | tuple):
        return
    for index, child in enumerate(children):
        raw = _plain(child)
        if not isinstance(raw, dict):
            continue
        is_group = "children" in raw
        letter = "g" if is_group else "c"
        counts[letter] += 1
        written = raw.get("id")
        written = written if isinstance(written, str) and written else None
        scale = _plain(raw.get("scale"))
        here = (*loc, index, "group" if is_group else "leaf")
        yield _Node(
            raw,
            here,
            is_group,
            written,
            written or f"{letter}{counts[letter]}",
            str(scale.get("type")) if isinstance(scale, dict) else "binary",
        )
        if is_group:
            yield from _nodes(raw["children"], (*here, "children"), counts)


def _id_problems(nodes: list[_Node], by_id: dict[str, _Node]) -> Iterator[InitErrorDetails]:
    for node in sorted(nodes, key=lambda node: node.written_id is None):
        first = by_id.setdefault(node.id, node)
        if first is node:
            continue
        if node.written_id is not None:
            yield problem_at(
                (*node.loc, "id"),
                node.id,
                f"got {node.id!r}, expected an id of its own, {first.path} has the same",
            )
        else:
            yield problem_at(
                node.loc,
                node.id,
                f"without an id this would be named {node.id!r} by its position, which {first.path} is called, "
                "expected an id of its own",
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_negative(value: Any) -> bool:
    return _is_number(value) and bool(value < 0)


def _group_problems(node: _Node) -> Iterator[InitErrorDetails]:
    if "criterion" in node.raw:
        yield problem_at(
            (*node.loc, "criterion"),
            None,
            "expected either `criterion` (a leaf) or `children` (a group), got both",
        )
    for field in ("gate", "depends_on", "tags", "scale", "check"):
        if field in node.raw:
            yield problem_at((*node.loc, field), None, f"expected no `{field}` on a group, it belongs on a criterion")
    children = (
        [child for child in map(_plain, node.raw["children"]) if isinstance(child, dict)]
        if isinstance(node.raw["children"], list | tuple)
        else []
    )
    leaves = [child for child in children if "children" not in child]
    if leaves and len(leaves) == len(children):
        points = [child.get("points") for child in leaves]
        if all(_is_negative(value) for value in points):
            yield problem_at(
                (*node.loc, "children"),
                None,
                "got only negative points, expected at least one positive criterion in a group "
                "(put faults beside the group, not alone in it)",
            )


def _leaf_problems(node: _Node, by_id: dict[str, _Node]) -> Iterator[InitErrorDetails]:
    if node.raw.get("gate") is not None and node.scale not in _CAN_DECIDE:
        yield problem_at(
            (*node.loc, "gate"),
            None,
            f"got a gate on a criterion with the scale {node.scale!r}, expected one that is met or not: "
            "binary, ordinal or nominal",
        )
    if node.raw.get("check") is not None and node.scale != "binary":
        yield problem_at(
            (*node.loc, "scale"),
            node.scale,
            f"got the scale {node.scale!r}, expected binary: a check is met or not",
        )
    target_id = _depends_on(node)
    if target_id is None:
        return
    place = (*node.loc, "depends_on", "criterion")
    target = by_id.get(target_id)
    if target is None:
        known = [other.id for other in by_id.values() if not other.is_group]
        yield problem_at(
            place,
            target_id,
            f"got {target_id!r}, expected the id of a criterion here{did_you_mean(target_id, known)}",
        )
    elif target is node:
        yield problem_at(place, target_id, f"got {target_id!r}, expected another criterion than itself")
    elif target.is_group:
        yield problem_at(place, target_id, f"got {target_id!r}, which is a group, expected a criterion")
    elif target.scale not in _CAN_DECIDE:
        yield problem_at(
            place,
            target_id,
            f"got {target_id!r}, which has the scale {target.scale!r}, expected a criterion that is met or not: "
            "binary, ordinal or nominal",
        )


def _depends_on(node: _Node) -> str | None:
    condition = node.raw.get("depends_on")
    if condition is None:
        return None
    condition = _plain(condition)
    if node.is_group or not isinstance(condition, dict):
        return None
    target = condition.get("criterion")
    return target if isinstance(target, str) else None


def _circle_problems(nodes: list[_Node], by_id: dict[str, _Node]) -> Iterator[InitErrorDetails]:
    """Each circle once, told at its first criterion; every node is walked once, however long the chains are."""
    if not any(map(_depends_on, nodes)):
        return
    order = {node.id: place for place, node in enumerate(nodes)}
    walked: set[str] = set()
    for start in nodes:
        path: dict[str, _Node] = {}
        node: _Node | None = start
        while node is not None and node.id not in walked and node.id not in path:
            path[node.id] = node
            target = _depends_on(node)
            node = by_id.get(target) if target is not None and target != node.id else None
        if node is not None and node.id in path:
            circle = list(path)[list(path).index(node.id) :]
            first = circle.index(min(circle, key=lambda name: order.get(name, 0)))
            circle = circle[first:] + circle[:first]
            yield problem_at(
                (*path[circle[0]].loc, "depends_on", "criterion"),
                _depends_on(path[circle[0]]),
                f"got a circle of conditions ({' → '.join([*circle, circle[0]])}), "
                "expected one of them without a condition",
            )
        walked.update(path)


def _scoring_problems(raw: dict[str, Any], nodes: list[_Node]) -> Iterator[InitErrorDetails]:
    scoring = _plain(raw.get("scoring"))
    scoring = scoring if isinstance(scoring, dict) else {}
    points = [node.raw.get("points") for node in nodes]
    if nodes and all(_is_negative(value) for value in points) and scoring.get("all_negative") != "one_minus":
        yield problem_at(
            ("criteria",),
            None,
            "got only negative points, expected at least one positive criterion "
            '(or "scoring": {"all_negative": "one_minus"})',
        )
    if scoring.get("normalize") == "sum" and scoring.get("clip", "none") != "none":
        yield problem_at(
            ("scoring", "clip"),
            scoring.get("clip"),
            f"got {scoring.get('clip')!r}, expected 'none': raw points (normalize: sum) are not clipped to [0, 1]",
        )
    coverage = scoring.get("min_coverage", 1.0)
    if _is_number(coverage) and not 0 <= coverage <= 1:
        yield problem_at(("scoring", "min_coverage"), coverage, f"got {coverage!r}, expected a share from 0 to 1")
