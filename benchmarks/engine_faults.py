"""How many verdicts `grade` loses to an endpoint where half of all calls go wrong, and that none is wrong.

    python benchmarks/engine_faults.py [--runs 3]

300 answers × 10 criteria at 20 ms, 128 in flight. Of all calls 10 % each are answered 429 (Retry-After 0.05 s), 500,
a dropped connection, a verdict cut short, and a body cut short; each run has another seed. Ends with an error where a
verdict is wrong, where the exit code does not say what the ledger holds, or where a cell is neither judged nor counted
as failed.
"""

import argparse
import tempfile
from pathlib import Path

from endpoint import Endpoint
from figures import Machine, show
from grading import Grading, must
from marked_workload import Sizes, write_marked

SIZES = Sizes(300)
FAULTS = {"p429": 0.1, "p500": 0.1, "pdrop": 0.1, "pbad": 0.1, "pbody": 0.1}


def main(runs: int) -> None:
    machine = Machine(f"Half of all calls go wrong, {SIZES.cells:,} judgments")
    ungraded, calls, seconds = [], [], []
    with tempfile.TemporaryDirectory() as temporary, Endpoint() as endpoint:
        folder = Path(temporary)
        write_marked(folder, SIZES)
        for seed in range(1, runs + 1):
            endpoint.reset(lat=20, ra=0.05, seed=seed, **FAULTS)
            grading = Grading(folder, endpoint.url, store="faults", concurrency=128).forget()
            graded = grading.run()
            checked = grading.checked()
            must(checked.wrong == 0, f"seed {seed}: {checked}")
            must(graded.exit_code in (0, 3), f"seed {seed}: exit {graded.exit_code}: {graded.said[-500:]}")
            lost = SIZES.cells - checked.judged
            must((graded.exit_code == 3) == (lost > 0), f"seed {seed}: {lost} ungraded, exit {graded.exit_code}")
            must(graded.report["run"]["failed"] == lost, f"seed {seed}: {lost} ungraded, {graded.report['run']}")
            ungraded.append(100 * lost / SIZES.cells)
            calls.append(endpoint.seen().requests / SIZES.cells)
            seconds.append(graded.wall)
    print("         0  wrong verdicts (else this would have ended)")
    show(ungraded, "% ungraded", most=0.1)
    show(calls, "calls a judgment (2 are due where every other one is lost)")
    show(seconds, "s, the whole process")
    machine.show_load()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    main(parser.parse_args().runs)
