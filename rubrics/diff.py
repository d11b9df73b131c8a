"""What changed between two states of a rubric or a dataset, and which judgments stay valid.

A judgment names a criterion by its id and holds as long as `criterion_hash` does: over the wording, scale, check,
evidence, may_not_apply and the guidelines. Points, gates, conditions, tags, groups and order change scores alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from rubrics.criterion import Criterion, Group
from rubrics.json_text import canonical_json
from rubrics.rubric import Leaf, Rubric

Standing = Literal["kept", "again", "new", "rules", "dropped"]
"""`kept`: judgments stay; `again`: judged again; `new`: judged for the first time; `rules`: code decides, whenever
it is scored; `dropped`: the criterion is gone, and its judgments count no more."""

_SEEN = ("criterion", "scale", "check", "evidence", "may_not_apply")
_FIELDS = (*_SEEN[:1], "points", *_SEEN[1:], "gate", "depends_on", "tags", "rationale", "source", "metadata")
_GROUP_FIELDS = ("title", "points", "metadata")
_RUBRIC_FIELDS = ("id", "title", "domain", "version", "guidelines", "scoring", "judging", "lint", "metadata")
_STANDINGS: tuple[Standing, ...] = get_args(Standing)

NodeT = TypeVar("NodeT")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that says something else; values as in JSON, None where it is absent."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Move:
    """From one group to another; None is the rubric itself."""

    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class CriterionDiff:
    """One criterion before and after."""

    old: Leaf | None
    new: Leaf | None
    fields: tuple[FieldChange, ...]
    move: Move | None
    standing: Standing
    because: tuple[str, ...]
    """Why it is judged again: fields, `id`, `guidelines`, `points_shown` or `empty_answer`."""

    @property
    def id(self) -> str:
        """The id that the criterion has now, or had last."""
        leaf = self.new or self.old
        assert leaf is not None
        return leaf.id

    @property
    def changes(self) -> tuple[str, ...]:
        """Any of added, removed, renamed, changed, moved; empty where it is the same."""
        if self.old is None:
            return ("added",)
        if self.new is None:
            return ("removed",)
        found = (
            ("renamed", self.old.id != self.new.id),
            ("changed", bool(self.fields)),
            ("moved", self.move is not None),
        )
        return tuple(name for name, holds in found if holds)


@dataclass(frozen=True, slots=True)
class GroupDiff:
    """One group before and after, where something differs; its points weigh scores, no judgment hangs on it."""

    old: Group | None
    new: Group | None
    fields: tuple[FieldChange, ...]
    move: Move | None


@dataclass(frozen=True, slots=True)
class RubricDiff:
    """Two states of a rubric."""

    old: Rubric
    new: Rubric
    fields: tuple[FieldChange, ...]
    """What differs outside of the criteria; fields of `scoring` and `judging` one by one."""
    criteria: tuple[CriterionDiff, ...]
    """Every criterion in the new order, then the removed ones."""
    groups: tuple[GroupDiff, ...]
    reordered: bool
    """Whether criteria that stayed in their group stand in another order."""

    @property
    def guidelines_changed(self) -> bool:
        return self.old.guidelines != self.new.guidelines

    @property
    def is_same(self) -> bool:
        """Whether nothing that a rubric says differs."""
        same = not (self.fields or self.groups or self.reordered)
        return same and not any(criterion.changes for criterion in self.criteria)

    def count(self, *standings: Standing) -> int:
        """How many criteria stand so."""
        return sum(criterion.standing in standings for criterion in self.criteria)


def diff_rubrics(old: Rubric, new: Rubric) -> RubricDiff:
    """What changed from one state of a rubric to the next.

    >>> old = Rubric(id="r", criteria=[{"id": "a", "criterion": "Names a drug", "points": 5}])
    >>> new = Rubric(id="r", criteria=[{"id": "a", "criterion": "Names a drug", "points": 8}])
    >>> found = diff_rubrics(old, new).criteria[0]
    >>> found.changes, found.standing
    (('changed',), 'kept')
    """
    old_groups, new_groups = list(_groups(old.criteria)), list(_groups(new.criteria))
    group_pairs = _paired_groups([group for group, _ in old_groups], [group for group, _ in new_groups])
    now = {before.id: after.id for before, after in group_pairs if before is not None and after is not None}
    pairs = _paired_leaves(old.leaves, new.leaves)
    criteria = tuple(_criterion_diff(before, after, old, new, now) for before, after in pairs)
    parents = {group.id: parent for group, parent in old_groups}, {group.id: parent for group, parent in new_groups}
    groups = (_group_diff(before, after, now, *parents) for before, after in group_pairs)
    return RubricDiff(
        old=old,
        new=new,
        fields=tuple(_rubric_fields(old, new)),
        criteria=criteria,
        groups=tuple(group for group in groups if group is not None),
        reordered=_reordered(criteria),
    )


def _criterion_diff(
    before: Leaf | None, after: Leaf | None, old: Rubric, new: Rubric, now: Mapping[str, str]
) -> CriterionDiff:
    if after is None:
        return CriterionDiff(before, None, (), None, "dropped", ())
    by_rule = after.criterion.check is not None
    if before is None:
        return CriterionDiff(None, after, (), None, "rules" if by_rule else "new", ())
    same_hash = old.criterion_hashes[before.id] == new.criterion_hashes[after.id]
    same = same_hash and before.criterion == after.criterion
    fields = () if same else tuple(_changed(_FIELDS, before.criterion, after.criterion))
    because = tuple(_why_again(before, after, old, new, {change.field for change in fields}))
    standing: Standing = "rules" if by_rule else "again" if because else "kept"
    return CriterionDiff(before, after, fields, _move(before.groups, after.groups, now), standing, because)


def _why_again(before: Leaf, after: Leaf, old: Rubric, new: Rubric, changed: set[str]) -> Iterator[str]:
    if before.id != after.id:
        yield "id"
    if old.criterion_hashes[before.id] != new.criterion_hashes[after.id]:
        yield from (field for field in _SEEN if field in changed)
        if old.guidelines != new.guidelines:
            yield "guidelines"
    shown = (old.judging.show_points, new.judging.show_points)
    if shown[0] != shown[1] or (shown[1] and "points" in changed):
        yield "points_shown"
    if old.judging.empty_answer != new.judging.empty_answer:
        yield "empty_answer"


def _changed(fields: Iterable[str], before: Criterion | Group, after: Criterion | Group) -> Iterator[FieldChange]:
    """The fields that differ; 5 and 5.0 are one number of points, and two texts to a hash."""
    was, is_now = (node.model_dump(mode="json", exclude_none=True) for node in (before, after))
    for field in fields:
        pair = was.get(field), is_now.get(field)
        differs = canonical_json(pair[0]) != canonical_json(pair[1]) if field in _SEEN else pair[0] != pair[1]
        if differs:
            yield FieldChange(field, *pair)


def _move(before: Sequence[Group], after: Sequence[Group], now: Mapping[str, str]) -> Move | None:
    was = before[-1].id if before else None
    parent = after[-1].id if after else None
    still = None if was is None else now.get(was)
    return None if still == parent and (was is None) == (parent is None) else Move(was, parent)


def _group_diff(
    before: Group | None,
    after: Group | None,
    now: Mapping[str, str],
    old_parents: Mapping[str, str | None],
    new_parents: Mapping[str, str | None],
) -> GroupDiff | None:
    if before is None or after is None:
        return GroupDiff(before, after, (), None)
    fields = tuple(_changed(_GROUP_FIELDS, before, after))
    was, parent = old_parents[before.id], new_parents[after.id]
    still = None if was is None else now.get(was)
    move = None if still == parent and (was is None) == (parent is None) else Move(was, parent)
    if fields or move is not None or before.id != after.id:
        return GroupDiff(before, after, fields, move)
    return None


def _rubric_fields(old: Rubric, new: Rubric) -> Iterator[FieldChange]:
    was, is_now = (rubric.model_dump(mode="json") for rubric in (old, new))
    for field in _RUBRIC_FIELDS:
        if field in ("scoring", "judging"):
            for inner in was[field]:
                if was[field][inner] != is_now[field][inner]:
                    yield FieldChange(f"{field}.{inner}", was[field][inner], is_now[field][inner])
        elif was[field] != is_now[field]:
            yield FieldChange(field, was[field], is_now[field])


def _groups(nodes: Sequence[Criterion | Group], parent: str | None = None) -> Iterator[tuple[Group, str | None]]:
    for node in nodes:
        if isinstance(node, Group):
            yield node, parent
            yield from _groups(node.children, node.id)


def _paired_leaves(old: Sequence[Leaf], new: Sequence[Leaf]) -> list[tuple[Leaf | None, Leaf | None]]:
    """Which criterion became which: by id, but where ids only count positions first by wording."""
    counted = {f"c{number}" for number in range(1, max(len(old), len(new)) + 1)}
    return _paired(
        old,
        new,
        [
            lambda leaf: (leaf.id, leaf.criterion.criterion),
            lambda leaf: None if leaf.id in counted else leaf.id,
            lambda leaf: leaf.criterion.criterion,
            lambda leaf: leaf.id,
        ],
    )


def _paired_groups(old: Sequence[Group], new: Sequence[Group]) -> list[tuple[Group | None, Group | None]]:
    counted = {f"g{number}" for number in range(1, max(len(old), len(new)) + 1)}
    return _paired(
        old,
        new,
        [
            lambda group: (group.id, group.title) if group.title or group.id not in counted else None,
            lambda group: None if group.id in counted else group.id,
            lambda group: group.title,
            lambda group: tuple(_wordings(group)),
            lambda group: group.id,
        ],
    )


def _wordings(group: Group) -> Iterator[str]:
    for node in group.children:
        if isinstance(node, Group):
            yield from _wordings(node)
        else:
            yield node.criterion


def _paired(
    old: Sequence[NodeT], new: Sequence[NodeT], keys: Sequence[Callable[[NodeT], Any]]
) -> list[tuple[NodeT | None, NodeT | None]]:
    """Pairs by the first key that two nodes share (None is shared with none); in the new order, removed ones last."""
    partner: dict[int, int] = {}
    free = list(range(len(old)))
    for key in keys:
        waiting: dict[Any, list[int]] = {}
        for place in free:
            waiting.setdefault(key(old[place]), []).append(place)
        for place, node in enumerate(new):
            wanted = key(node)
            if place not in partner and wanted is not None and waiting.get(wanted):
                partner[place] = waiting[wanted].pop(0)
        taken = set(partner.values())
        free = [place for place in free if place not in taken]
    pairs: list[tuple[NodeT | None, NodeT | None]] = [
        (old[partner[place]] if place in partner else None, node) for place, node in enumerate(new)
    ]
    return [*pairs, *((old[place], None) for place in free)]


def _reordered(criteria: Sequence[CriterionDiff]) -> bool:
    stayed = [pair for pair in criteria if pair.old is not None and pair.new is not None and pair.move is None]
    last: dict[str, list[int]] = {}
    for pair in stayed:
        assert pair.old is not None and pair.new is not None
        place = [int(part) for part in pair.old.path.replace("]", "[").split("[")[1::2]]
        group = pair.new.groups[-1].id if pair.new.groups else ""
        if place < last.get(group, []):
            return True
        last[group] = place
    return False


def diff_json(diff: RubricDiff) -> dict[str, Any]:
    """A rubric's differences as one JSON object; criteria that are the same are only counted."""
    return {
        "old": {"id": diff.old.id, "version": diff.old.version},
        "new": {"id": diff.new.id, "version": diff.new.version},
        "same": diff.is_same,
        "fields": _fields_json(diff.fields),
        "guidelines_changed": diff.guidelines_changed,
        "reordered": diff.reordered,
        "criteria": [_criterion_json(pair) for pair in diff.criteria if pair.changes or pair.because],
        "groups": [
            {
                "old_id": group.old.id if group.old else None,
                "id": group.new.id if group.new else None,
                "fields": _fields_json(group.fields),
                "moved": _move_json(group.move),
            }
            for group in diff.groups
        ],
        "judgments": {
            "criteria": len(diff.new.leaves),
            **{name: diff.count(name) for name in _STANDINGS},
        },
    }


def _criterion_json(pair: CriterionDiff) -> dict[str, Any]:
    return {
        "old_id": pair.old.id if pair.old else None,
        "id": pair.new.id if pair.new else None,
        "path": pair.new.path if pair.new else None,
        "changes": list(pair.changes),
        "fields": _fields_json(pair.fields),
        "moved": _move_json(pair.move),
        "judgments": pair.standing,
        "because": list(pair.because),
    }


def _fields_json(fields: Iterable[FieldChange]) -> list[dict[str, Any]]:
    return [{"field": change.field, "old": change.old, "new": change.new} for change in fields]


def _move_json(move: Move | None) -> dict[str, str | None] | None:
    return None if move is None else {"from": move.old, "to": move.new}
