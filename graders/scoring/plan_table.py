"""The plans of many examples laid end to end as columns; examples with one rubric share its rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from graders.scoring.plan import ScoringPlan
from graders.scoring.points import Flags, Floats, Places


class PlanTable:
    """Every leaf of every plan, plans in the order in which examples first need them."""

    def __init__(self, plans: Sequence[ScoringPlan]) -> None:
        found: dict[int, int] = {}
        self.plan_of_example: Places = np.array([found.setdefault(id(plan), len(found)) for plan in plans], np.int64)
        first = np.unique(self.plan_of_example, return_index=True)[1]
        self.plans: Sequence[ScoringPlan] = [plans[example] for example in first.tolist()]
        self.sizes: Places = np.array([len(plan.points) for plan in self.plans], np.int64)
        self.starts: Places = np.cumsum(self.sizes) - self.sizes
        self.owner: Places = np.repeat(np.arange(len(self.plans)), self.sizes)
        """For each leaf its plan."""
        self.points: Floats = np.fromiter(chain.from_iterable(plan.points for plan in self.plans), np.float64)
        self._tags, self._codes, self._carriers = self._read_tags()

    def _read_tags(self) -> tuple[list[str], Places, Places]:
        """The tags' names as they first come, and for each leaf that carries one its name's place and the leaf's."""
        written = list(chain.from_iterable(plan.tags for plan in self.plans))
        carriers = list(chain.from_iterable(plan.tags.values() for plan in self.plans))
        names = list(dict.fromkeys(written))
        place = {name: number for number, name in enumerate(names)}
        per_plan = np.array([len(plan.tags) for plan in self.plans], np.int64)
        per_tag = np.fromiter(map(len, carriers), np.int64, len(carriers))
        codes = np.repeat(np.fromiter(map(place.__getitem__, written), np.int64, len(written)), per_tag)
        starts = np.repeat(np.repeat(self.starts, per_plan), per_tag)
        return names, codes, starts + np.fromiter(chain.from_iterable(carriers), np.int64, len(codes))

    def leaves_by_tag(self, plans: Flags) -> dict[str, Places]:
        """For each criterion's tag of the marked plans the leaves that carry it, tags as they first come."""
        among = plans[self.owner[self._carriers]]
        codes, carriers = self._codes[among], self._carriers[among]
        order = np.argsort(codes, kind="stable")
        there, first, counts = np.unique(codes, return_index=True, return_counts=True)
        ends = np.cumsum(counts)
        leaves = {
            number: carriers[order[end - count : end]]
            for number, end, count in zip(there.tolist(), ends.tolist(), counts.tolist(), strict=True)
        }
        return {self._tags[number]: leaves[number] for number in there[np.argsort(first)].tolist()}

    def examples_by_tag(self) -> dict[str, Flags]:
        """For each criterion's tag the examples where a positive leaf carries it, tags sorted."""
        marked = {}
        for tag, leaves in sorted(self.leaves_by_tag(np.ones(len(self.plans), np.bool_)).items()):
            having = np.zeros(len(self.plans), np.bool_)
            having[self.owner[leaves[self.points[leaves] > 0]]] = True
            if having.any():
                marked[tag] = having[self.plan_of_example]
        return marked
