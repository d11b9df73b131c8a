"""Time and memory of `grade` (recorded judgments) and `export` at size, as whole commands.

    python benchmarks/batch_size.py --examples 5000 --samples 20      (1,000,000 judgments)
    python benchmarks/batch_size.py --examples 500 --times 10         (100,000 judgments, then 1,000,000: is it linear?)

Each command is run once in a process of its own; peak memory is the operating system's figure for it. Processor time
is what to compare where other programs run beside it.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from workload import write_workload

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "import sys; from api.cli import main; sys.argv[0] = 'markscheme'; main()"


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    seconds: float
    processor: float
    megabytes: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.processor:.1f} s of processor), peak {self.megabytes:.0f} MB"


def run(*arguments: str) -> Cost:
    """Run one command; its failure ends the benchmark."""
    started = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", COMMAND, *arguments],
            {**os.environ, "PYTHONPATH": str(ROOT)},
            file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)],
        )
        _, status, usage = os.wait4(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        sys.exit(f"`markscheme {arguments[0]}` ended with {code}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(examples: int, samples: int) -> dict[str, Cost]:
    """Every command over one batch."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_workload(folder, examples=examples, samples=samples)
        files = [str(folder / "examples.jsonl"), str(folder / "answers.jsonl")]
        store = ["--store", f"sqlite:///{folder / 'store.db'}"]
        graders = ["--grader", "rules", "--grader", f"recorded:{folder / 'judgments.jsonl'}", "--run", "r", *store]
        costs = {
            "grade, recorded": run("grade", *files, *graders),
            "the same again": run("grade", *files, *graders),
            "export": run("export", "r", str(folder / "hf"), *store),
        }
    print(f"{examples:,} × {samples}, {examples * samples * 10:,} judgments (load {os.getloadavg()[0]:.1f})")
    for name, cost in costs.items():
        print(f"  {name + ':':18}{cost}", flush=True)
    return costs


def main(examples: int, samples: int, times: int) -> None:
    few = measure(examples, samples)
    if times > 1:
        many = measure(examples * times, samples)
        print(f"{times} × the judgments take")
        for name, cost in few.items():
            ratio, more = many[name].processor / cost.processor, many[name].megabytes - cost.megabytes
            print(f"  {name + ':':18}{ratio:.1f} × the processor time, {more:.0f} MB more")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--times", type=int, default=1, help="measure a batch so many times as large too")
    arguments = parser.parse_args()
    main(arguments.examples, arguments.samples, arguments.times)
