"""Time and memory of `score` at size, read and numbers apart.

    python benchmarks/score_size.py --examples 5000 --samples 20
    python benchmarks/score_size.py --examples 100000 --samples 1
    python benchmarks/score_size.py --growth
    python benchmarks/score_size.py --examples 100000 --samples 1 --gates

prints one line a batch: CPU seconds to read the files, CPU seconds for the numbers alone (1,000 clustered resamples),
the whole in seconds on the clock, peak memory. Each batch is scored in a process of its own. `--growth` scores ten
thousand, a hundred thousand and a million judgments and says how much ten times the data cost. With `--gates` every
rubric has a gate, so that none is plain: what reading and scoring cost where models and single answers are needed.
"""

import argparse
import gc
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from workload import write_workload

from graders import JudgmentFile, ScoringOptions, collect
from rubrics import AnswerFile, DatasetFile

GROWTH = (1_000, 10_000, 100_000)
"""Examples with one sample and 10 criteria each."""


@dataclass(frozen=True)
class Measured:
    """What one batch cost."""

    judgments: int
    read: float
    """CPU seconds."""
    numbers: float
    """CPU seconds."""
    clock: float
    """Seconds on the clock, of both."""
    peak: float
    """MB."""
    mean: float

    @property
    def cpu(self) -> float:
        return self.read + self.numbers

    def __str__(self) -> str:
        return (
            f"{self.judgments:,} judgments: read {self.read:.2f} s, numbers {self.numbers:.2f} s of CPU, "
            f"{self.clock:.2f} s on the clock, peak {self.peak:.0f} MB, mean {self.mean:.6f}"
        )


def measure(folder: Path) -> Measured:
    """Score a folder in this process."""
    gc.disable()  # as the command does
    clock, started = time.perf_counter(), time.process_time()
    collected = collect(
        DatasetFile(folder / "examples.jsonl"),
        AnswerFile(folder / "answers.jsonl"),
        [JudgmentFile(folder / "judgments.jsonl")],
    )
    collected.mistakes.raise_if_any()
    read = time.process_time()
    scores = collected.scorer.scores(ScoringOptions())
    done = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mean = scores.overall.mean
    assert mean is not None
    return Measured(collected.judgments, read - started, done - read, time.perf_counter() - clock, peak, mean)


def measure_apart(*, examples: int, samples: int, gates: bool) -> Measured:
    """Write a batch and score it in a process of its own, whose peak memory is the batch's."""
    with tempfile.TemporaryDirectory() as temporary:
        write_workload(Path(temporary), examples=examples, samples=samples, gates=gates)
        command = [sys.executable, __file__, "--folder", temporary]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    judgments, *figures = done.stdout.split()
    return Measured(int(judgments), *map(float, figures))


def show_growth(gates: bool) -> None:
    """Ten times the data, and ten times again."""
    before = None
    for examples in GROWTH:
        now = measure_apart(examples=examples, samples=1, gates=gates)
        times = "" if before is None else f" ({now.cpu / before.cpu:.1f}× the CPU of a tenth of it)"
        print(f"{now}{times}", flush=True)
        before = now


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--gates", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--folder", type=Path, help="score these files in this process, and print bare figures")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        found = measure(arguments.folder)
        print(found.judgments, found.read, found.numbers, found.clock, found.peak, found.mean)
    elif arguments.growth:
        show_growth(arguments.gates)
    else:
        print(measure_apart(examples=arguments.examples, samples=arguments.samples, gates=arguments.gates))
