"""Time and memory of `score` at size, read and numbers apart.

    python benchmarks/score_size.py --examples 5000 --samples 20
    python benchmarks/score_size.py --examples 100000 --samples 1

prints one line: seconds to read files, seconds for the numbers alone (1,000 clustered resamples), peak memory.
"""

import argparse
import gc
import resource
import tempfile
import time
from pathlib import Path

from workload import write_workload

from graders import JudgmentFile, ScoringOptions, collect
from rubrics import AnswerFile, DatasetFile


def measure(folder: Path) -> str:
    gc.disable()  # as the command does
    started = time.perf_counter()
    collected = collect(
        DatasetFile(folder / "examples.jsonl"),
        AnswerFile(folder / "answers.jsonl"),
        [JudgmentFile(folder / "judgments.jsonl")],
    )
    collected.mistakes.raise_if_any()
    read = time.perf_counter()
    scores = collected.scorer.scores(ScoringOptions())
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{collected.judgments:,} judgments, {len(scores.rows)} rows: read {read - started:.2f} s, "
        f"numbers {done - read:.2f} s, peak {peak:.0f} MB, mean {scores.overall.mean:.6f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        write_workload(Path(temporary), examples=arguments.examples, samples=arguments.samples)
        print(f"{arguments.examples:,} × {arguments.samples}:", measure(Path(temporary)))
