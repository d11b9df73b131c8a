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
        self.tags, self._codes, self._carriers = self._read_tags()

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

    def tags_of(self, plans: Flags) -> list[str]:
        """The criteria's tags of the marked plans, as they first come."""
        codes = self._codes[plans[self.owner[self._carriers]]]
        there, first = np.unique(codes, return_index=True)
        return [self.tags[number] for number in there[np.argsort(first)].tolist()]

    def tags_by_leaf(self) -> tuple[Places, Places]:
        """The places (in `tags`) of every leaf's tags end to end, and where those of each leaf begin, and the end."""
        counts = np.bincount(self._carriers, minlength=len(self.points))
        starts = np.concatenate([[0], np.cumsum(counts)])
        return self._codes[np.argsort(self._carriers, kind="stable")], starts

    def examples_by_tag(self) -> dict[str, Flags]:
        """For each criterion's tag the examples where a positive leaf carries it, tags sorted."""
        order = np.argsort(self._codes, kind="stable")
        edges = np.searchsorted(self._codes[order], np.arange(len(self.tags) + 1)).tolist()
        marked = {}
        for tag, number in sorted((tag, number) for number, tag in enumerate(self.tags)):
            leaves = self._carriers[order[edges[number] : edges[number + 1]]]
            having = np.zeros(len(self.plans), np.bool_)
            having[self.owner[leaves[self.points[leaves] > 0]]] = True
            if having.any():
                marked[tag] = having[self.plan_of_example]
        return marked
