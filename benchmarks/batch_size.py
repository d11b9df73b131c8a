"""Time and memory of `grade` (recorded judgments) and `export` at size, as whole commands.

    python benchmarks/batch_size.py --examples 5000 --samples 20      (1,000,000 judgments)

Each command is run once in a process of its own; peak memory is the operating system's figure for it.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from workload import write_workload

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "import sys; from api.cli import main; sys.argv[0] = 'markscheme'; main()"


def run(*arguments: str) -> str:
    """Seconds and peak memory of one command."""
    started = time.perf_counter()
    child = os.spawnve(
        os.P_NOWAIT,
        sys.executable,
        [sys.executable, "-c", COMMAND, *arguments],
        {**os.environ, "PYTHONPATH": str(ROOT)},
    )
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return f"{time.perf_counter() - started:.1f} s, peak {usage.ru_maxrss / 1024:.0f} MB, exit {code}"


def main(examples: int, samples: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_workload(folder, examples=examples, samples=samples)
        files = [str(folder / "examples.jsonl"), str(folder / "answers.jsonl")]
        store = ["--store", f"sqlite:///{folder / 'store.db'}"]
        recorded = ["--grader", f"recorded:{folder / 'judgments.jsonl'}", "--run", "r", *store]
        print(f"{examples:,} × {samples}, {examples * samples * 10:,} judgments")
        print("grade, recorded:  ", run("grade", *files, *recorded), flush=True)
        print("the same again:   ", run("grade", *files, *recorded), flush=True)
        print("export:           ", run("export", "r", str(folder / "hf"), *store), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=20)
    arguments = parser.parse_args()
    main(arguments.examples, arguments.samples)
