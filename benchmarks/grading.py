"""One `markscheme grade` in a process of its own, measured from outside; Linux."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marked_workload import is_met

from api.store import Store

ROOT = Path(__file__).resolve().parents[1]
# The process tells its own peak: what the system keeps for its parent may hold the parent's own.
_COMMAND = """
import sys
sys.argv[0], peak = "markscheme", sys.argv.pop()
from api.cli import main
try:
    main()
finally:
    print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0], file=open(peak, "w"))
"""
_LOOK_EVERY = 0.005


@dataclass(frozen=True, slots=True)
class Committed:
    """When another reader first saw all the judgments that were waited for: then they are on the disk."""

    at_ns: int
    peak_mb: float
    """Peak resident memory of the process until then: before it scores."""


@dataclass(frozen=True, slots=True)
class Graded:
    """What one process did."""

    exit_code: int
    started_ns: int
    ended_ns: int
    committed: Committed | None
    cpu: float
    """Seconds, user and system."""
    peak_mb: float
    """Peak resident memory; NaN where it was killed."""
    report: dict[str, Any]
    """What it printed with --json; empty where it printed nothing."""
    said: str
    """Standard error."""

    @property
    def last_commit(self) -> Committed:
        """What was seen of the last commit; the benchmark ends where nothing was."""
        if self.committed is None:
            raise SystemExit(f"WRONG: the last commit was not seen: exit {self.exit_code}, {self.said[-500:]}")
        return self.committed

    @property
    def wall(self) -> float:
        """Seconds from start to end of the process."""
        return (self.ended_ns - self.started_ns) / 1e9


class Grading:
    """A `markscheme grade --json` of the marked workload in a folder, into a store there."""

    def __init__(self, folder: Path, url: str, *, store: str, concurrency: int = 128, options: tuple[str, ...] = ()):
        self.store = folder / f"{store}.db"
        self._arguments = [
            *("grade", str(folder / "examples.jsonl"), str(folder / "answers.jsonl"), "--json"),
            *("--grader", f"model:judge@{url}", "--run", "r", "--concurrency", str(concurrency)),
            *("--store", f"sqlite:///{self.store}", *options),
        ]

    def forget(self) -> "Grading":
        """Without the store of an earlier run."""
        for name in self.store.parent.glob(f"{self.store.name}*"):
            name.unlink()
        return self

    def start(self) -> subprocess.Popen[bytes]:
        """The process, for someone who means to kill it; nobody reads what it says."""
        command = [sys.executable, "-c", _COMMAND, *self._arguments, os.devnull]
        return subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, *options: str, until: int | None = None) -> Graded:
        """Run it to its end; `until` is how many judgments the ledger holds when the last one is committed."""
        with tempfile.TemporaryDirectory() as temporary:
            out, err, peak = (Path(temporary) / name for name in ("out", "err", "peak"))
            with out.open("wb") as printed, err.open("wb") as said:
                started = time.monotonic_ns()
                process = subprocess.Popen(
                    [sys.executable, "-c", _COMMAND, *self._arguments, *options, str(peak)],
                    env=_environment(),
                    stdout=printed,
                    stderr=said,
                )
                committed = None if until is None else self._wait_for(until, process)
                _, status, usage = os.wait4(process.pid, 0)
                ended = time.monotonic_ns()
            process.returncode = os.waitstatus_to_exitcode(status)
            printed_text = out.read_text(encoding="utf-8")
            return Graded(
                exit_code=process.returncode,
                started_ns=started,
                ended_ns=ended,
                committed=committed,
                cpu=usage.ru_utime + usage.ru_stime,
                peak_mb=int(peak.read_text()) / 1024 if peak.exists() else float("nan"),
                report=json.loads(printed_text) if printed_text else {},
                said=err.read_text(encoding="utf-8"),
            )

    def rows(self) -> int:
        """How many judgments the ledger holds."""
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as connection:
            (count,) = connection.execute("SELECT count(*) FROM judgments").fetchone()
        connection.close()
        return int(count)

    def checked(self) -> "Checked":
        """Every judgment that counts, held against the right verdict."""
        with Store(f"sqlite:///{self.store}") as store:
            run = store.find_run("r")
            right = {
                (example.id, leaf.id): is_met(leaf.criterion.criterion)
                for example in run.examples()
                for leaf in example.rubric.leaves
            }
            judged = wrong = 0
            for judgment in run.judgments(current=True):
                if judgment.status == "judged":
                    judged += 1
                    wrong += judgment.met is not right[judgment.example_id, judgment.criterion_id]
        return Checked(judged, wrong)

    def _wait_for(self, until: int, process: subprocess.Popen[bytes]) -> Committed | None:
        """When a reader beside the process first sees the last judgment; None where it ended before.

        A reader of a write-ahead log sees a commit once it is synced. The highest row id is one look at an index.
        """
        log = self.store.with_name(self.store.name + "-wal")
        while not log.exists():
            if _has_ended(process):
                return None
            time.sleep(_LOOK_EVERY)
        reader: sqlite3.Connection | None = None
        try:
            while not _has_ended(process):
                try:
                    reader = reader or sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)
                    (highest,) = reader.execute("SELECT max(id) FROM judgments").fetchone()
                    if (highest or 0) >= until:
                        return Committed(time.monotonic_ns(), _peak_mb(process.pid))
                except sqlite3.OperationalError:  # the table is not there yet
                    pass
                time.sleep(_LOOK_EVERY)
        finally:
            if reader is not None:
                reader.close()
        return None


@dataclass(frozen=True, slots=True)
class Checked:
    """How many verdicts there are, and how many are not what they must be."""

    judged: int
    wrong: int


def _peak_mb(pid: int) -> float:
    told = Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2]
    return int(told.split()[0]) / 1024 if told else float("nan")


def must(holds: bool, message: str) -> None:
    """End the benchmark where a result is wrong: then its figures mean nothing."""
    if not holds:
        raise SystemExit(f"WRONG: {message}")


def must_be_right(graded: Graded, grading: Grading, cells: int) -> None:
    """End the benchmark unless every cell is judged, and right."""
    must(graded.exit_code == 0, f"exit {graded.exit_code}: {graded.said[-500:]}")
    checked = grading.checked()
    must(checked == Checked(cells, 0), f"expected {cells:,} judged and 0 wrong, got {checked}")


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has, without taking its exit status from who waits for it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT)}


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait()
