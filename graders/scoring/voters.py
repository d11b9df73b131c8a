"""Who votes together: humans are one group, every other grader is its own, and a panel is several groups at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HUMANS = "humans"


@dataclass(frozen=True, slots=True)
class Rater:
    """A grader as it stands on a judgment."""

    name: str
    kind: str
    fingerprint: str | None


class Voters:
    """The raters met so far, and the groups they form."""

    def __init__(self) -> None:
        self._index: dict[Rater, int] = {}
        self.raters: list[Rater] = []

    def index(self, rater: Rater) -> int:
        """A small number for a rater."""
        found = self._index.get(rater)
        if found is None:
            found = self._index[rater] = len(self.raters)
            self.raters.append(rater)
        return found

    def groups(self, voting: set[int]) -> dict[str, frozenset[int]]:
        """Name → raters of every group that has a vote to give, sorted by name.

        A name with two fingerprints is two groups, `name@fingerprint`.
        """
        fingerprints: dict[str, set[str | None]] = {}
        for number in voting:
            rater = self.raters[number]
            if rater.kind != "human":
                fingerprints.setdefault(rater.name, set()).add(rater.fingerprint)
        groups: dict[str, set[int]] = {}
        for number in voting:
            rater = self.raters[number]
            name = HUMANS if rater.kind == "human" else rater.name
            if rater.kind != "human" and name == HUMANS:
                name = f"{rater.kind}:{name}"  # a grader that calls itself so does not vote with people
            if rater.kind != "human" and len(fingerprints[rater.name]) > 1 and rater.fingerprint:
                name = f"{rater.name}@{rater.fingerprint}"
            groups.setdefault(name, set()).add(number)
        return {name: frozenset(groups[name]) for name in sorted(groups)}


def split_panel(written: str, known: Sequence[str]) -> tuple[list[str], list[str]]:
    """The groups that `A+B+C` names, and the parts that name none.

    Names may hold a `+` of their own, so the longest known name wins at each place.
    """
    if written in known:
        return [written], []
    parts = written.split("+")
    members: list[str] = []
    unknown: list[str] = []
    start = 0
    while start < len(parts):
        for end in range(len(parts), start, -1):
            name = "+".join(parts[start:end])
            if name in known:
                members.append(name)
                start = end
                break
        else:
            unknown.append(parts[start])
            start += 1
    return list(dict.fromkeys(members)), unknown
