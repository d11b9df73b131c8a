"""How close `grade` comes to the pace of an endpoint that allows 32 calls in flight and says 429 above that.

    python benchmarks/engine_limit.py [--runs 3]

500 answers × 10 criteria at 50 ms, 128 in flight allowed on the command line. The 429s carry no Retry-After. Beside it,
in turn, the floor's client with exactly 32 in flight, which is never refused. The product's time
ends with its last commit, or with the process where judgments stay ungraded. Every verdict is checked.
"""

import argparse
import tempfile
from pathlib import Path

from endpoint import Endpoint
from figures import Machine, show
from floor import measure_floor
from grading import Grading, must
from marked_workload import Sizes, write_marked

SIZES = Sizes(500)
LIMIT = 32


def main(runs: int) -> None:
    machine = Machine(f"An endpoint that allows {LIMIT} in flight, {SIZES.cells:,} judgments")
    walls, calls, refused, ungraded, paced = [], [], [], [], []
    with tempfile.TemporaryDirectory() as temporary, Endpoint() as endpoint:
        folder = Path(temporary)
        write_marked(folder, SIZES)
        for _ in range(runs):
            endpoint.reset(lat=50, limit=LIMIT)
            floor = measure_floor("raw", folder, endpoint.url, LIMIT)
            seen = endpoint.seen()
            must(seen.ok == seen.requests == SIZES.cells, f"the paced client was refused: {seen}")
            paced.append((floor.done_ns - seen.first_ns) / 1e9)

            endpoint.reset(lat=50, limit=LIMIT)
            grading = Grading(folder, endpoint.url, store="limit").forget()
            graded = grading.run(until=SIZES.cells)
            seen = endpoint.seen()
            checked = grading.checked()
            must(checked.wrong == 0, f"{checked}")
            end_ns = graded.committed.at_ns if graded.committed else graded.ended_ns
            walls.append((end_ns - seen.first_ns) / 1e9)
            ungraded.append(SIZES.cells - checked.judged)
            calls.append(seen.requests / SIZES.cells)
            refused.append(seen.limited)
    show([wall / pace for wall, pace in zip(walls, paced, strict=True)], "× the paced client's time", most=1.3)
    show(calls, "calls a judgment", most=1.15)
    show(ungraded, "judgments ungraded at the end", most=0)
    show(refused, "calls refused with 429")
    show(paced, "s, the paced client")
    machine.show_load()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    main(parser.parse_args().runs)
