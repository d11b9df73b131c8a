"""How benchmarks say what they found: the ratio or figure first, its goal beside it, and how busy the machine was."""

import os
import platform
import resource
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class _Busy(NamedTuple):
    """Seconds of CPU since the machine started: what there was, what was used, and our own share of that."""

    there: float
    used: float
    ours: float


class Machine:
    """Says at the start what is measured and where, and at the end how much of the machine others took meanwhile."""

    def __init__(self, title: str) -> None:
        cores = os.cpu_count()
        print(f"{title}\n  Python {platform.python_version()}, {cores} cores, {_load()}", flush=True)
        self._before = _busy()

    def show_load(self) -> None:
        """The last line; call it when every process that was started is gone."""
        there, used, ours = (now - then for now, then in zip(_busy(), self._before, strict=True))
        others = max(0.0, used - ours) / max(there, 1e-9)
        print(f"  {_load()} at the end; others took {others:.0%} of the machine meanwhile", flush=True)


def _busy() -> _Busy:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    ticks = [int(field) / os.sysconf("SC_CLK_TCK") for field in fields]
    idle = ticks[3] + ticks[4]
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return _Busy(sum(ticks), sum(ticks) - idle, sum(usage.ru_utime + usage.ru_stime for usage in usages))


def show(values: Sequence[float], what: str, *, most: float | None = None, least: float | None = None) -> None:
    """One figure: the median of its runs and their span, `held` or `missed` where it has a goal."""
    middle = median(values)
    span = f" [{_number(min(values))} to {_number(max(values))}]" if len(values) > 1 else ""
    goal = ""
    if most is not None:
        goal = f"  (goal ≤ {_number(most)}: {'held' if middle <= most else 'missed'})"
    elif least is not None:
        goal = f"  (goal ≥ {_number(least)}: {'held' if middle >= least else 'missed'})"
    print(f"  {_number(middle):>8}{span}  {what}{goal}", flush=True)


def _load() -> str:
    return "load " + " ".join(f"{load:.1f}" for load in os.getloadavg())


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
