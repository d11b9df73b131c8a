"""What judgments tell of their graders beside the verdicts: who really replied, and how a cascade's audit went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from graders.scoring import Interval

AUDITED = "audited"
"""Flag of a verdict that a cascade's strong grader gave although the cheap one was sure: it measures the cheap one."""

AUDIT_DIFFERS = "audit_differs"
"""Flag of an audited verdict in which the two differ."""

_Z = 1.959963984540054


@dataclass(slots=True)
class Audit:
    """Verdicts of a cascade's first grader that it was sure of and that the last one gave too."""

    audited: int = 0
    differ: int = 0

    @property
    def interval(self) -> Interval:
        """95 % interval of the share that differs (Wilson 1927).

        Worked number: 2 of 25 are 8 %, from 2.2 to 25.0 %.
        """
        if not self.audited:
            return Interval(None, None)
        n, share = self.audited, self.differ / self.audited
        centre = share + _Z * _Z / (2 * n)
        half = _Z * sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        scale = 1 + _Z * _Z / n
        return Interval(max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0))

    def as_json(self) -> dict[str, Any]:
        """The counts with the share that differs and its interval."""
        share = self.differ / self.audited if self.audited else None
        interval = self.interval
        told = {"audited": self.audited, "differ": self.differ, "share": share}
        return {**told, "ci_low": interval.low, "ci_high": interval.high}


class GraderReport:
    """Collects, judgment by judgment."""

    def __init__(self) -> None:
        self.audits: dict[str, Audit] = {}
        """Grader → its audit, for those that are audited."""
        self._returned: set[tuple[str, str, str]] = set()
        """Grader, the stage of a cascade that replied (else nothing), and the name it gave."""

    def note(
        self, grader: str, returned_model: str | None, flags: Collection[str], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """What one judgment tells."""
        if returned_model is not None:
            self._returned.add((grader, _stage(metadata), returned_model))
        if flags and AUDITED in flags:
            audit = self.audits.setdefault(grader, Audit())
            audit.audited += 1
            audit.differ += AUDIT_DIFFERS in flags

    def note_row(self, row: Mapping[str, Any]) -> None:
        """The same of a row that is no model."""
        if "returned_model" in row or "flags" in row:
            self.note(row["grader"], row.get("returned_model"), row.get("flags") or (), row.get("metadata"))

    @property
    def returned_models(self) -> dict[str, list[str]]:
        """Grader → the names that its model gave in its replies, sorted: judgments may come in any order."""
        found: dict[str, set[str]] = {}
        for grader, _, name in self._returned:
            found.setdefault(grader, set()).add(name)
        return {grader: sorted(found[grader]) for grader in sorted(found)}

    @property
    def mixed_judges(self) -> dict[str, list[str]]:
        """The graders whose replies came under several names: their verdicts may not be of one judge.

        The stages of a cascade are several judges anyway: each must have kept its own name.
        """
        judges = Counter((grader, stage) for grader, stage, _ in self._returned)
        mixed = {grader for (grader, _), names in judges.items() if names > 1}
        return {grader: names for grader, names in self.returned_models.items() if grader in mixed}

    def warnings(self) -> Iterator[str]:
        """What a reader of the scores should know of it."""
        mixed = self.mixed_judges
        for grader, names in self.returned_models.items():
            if grader in mixed:
                yield f"mixed judge: {grader!r} replied as {', '.join(map(repr, names))}"
            elif grader.startswith("model:") and names[0] != grader.removeprefix("model:"):
                yield f"{grader!r} replied as {names[0]!r}"


def _stage(metadata: Mapping[str, Any] | None) -> str:
    """The stage of a cascade that gave a verdict, by its metadata; empty where there is none."""
    cascade = (metadata or {}).get("cascade")
    return str(cascade.get("stage", "")) if isinstance(cascade, dict) else ""
