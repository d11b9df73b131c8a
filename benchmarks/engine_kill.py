"""What kill -9 costs `grade`: how many calls are asked again, and that nothing is lost, doubled or scored otherwise.

    python benchmarks/engine_kill.py [--rounds 5] [--seed 1]

500 answers × 10 criteria at 50 ms, 128 in flight. Each round kills the process twice at random points of the run and
then lets it finish. Ends with an error where a judgment is lost, doubled or wrong, where a call is asked again that
was neither unanswered nor uncommitted at a kill, or where the scores differ by a bit from an uninterrupted run's.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from endpoint import Endpoint
from figures import Machine, show
from grading import Graded, Grading, kill, must, must_be_right
from marked_workload import Sizes, write_marked

SIZES = Sizes(500)
IN_FLIGHT = 128
KILLS = 2


class Killed(NamedTuple):
    """What a kill left behind, in calls."""

    unanswered: int
    """Out at the endpoint."""
    uncommitted: int
    """Answered, and not in the ledger."""


def scores(graded: Graded) -> str:
    """All numbers to the last bit, without the account of this very run."""
    told: dict[str, Any] = {name: value for name, value in graded.report.items() if name != "run"}
    return json.dumps(told, sort_keys=True)


def kill_at(grading: Grading, endpoint: Endpoint, requests: int) -> Killed:
    """Start it, kill it after so many requests (in all), and count what all kills so far left behind."""
    process = grading.start()
    while endpoint.seen().requests < requests:
        must(process.poll() is None, f"the process ended before {requests:,} requests came in")
        time.sleep(0.005)
    kill(process)
    time.sleep(0.1)  # the endpoint sees the end of the connections
    seen = endpoint.seen()
    return Killed(seen.requests - seen.ok, seen.ok - grading.rows())


def round_of_kills(grading: Grading, endpoint: Endpoint, rng: random.Random, uninterrupted: str) -> list[Killed]:
    """Kill it twice, let it finish, and hold it to its promise."""
    endpoint.reset(lat=50)
    grading.forget()
    kills: list[Killed] = []
    so_far = Killed(0, 0)
    share = SIZES.cells // KILLS
    for number in range(KILLS):
        at = rng.randint(number * share + 300, (number + 1) * share - 300)
        left = kill_at(grading, endpoint, at + sum(so_far))
        kills.append(Killed(left.unanswered - so_far.unanswered, left.uncommitted - so_far.uncommitted))
        so_far = left
    finished = grading.run()
    must_be_right(finished, grading, SIZES.cells)
    must(grading.rows() == SIZES.cells, f"expected {SIZES.cells:,} judgments in the ledger, got {grading.rows():,}")
    seen = endpoint.seen()
    again = seen.requests - seen.unique
    must(seen.unique == SIZES.cells and again == sum(so_far), f"{again} calls asked again, left behind were {kills}")
    must(scores(finished) == uninterrupted, "the scores are not those of an uninterrupted run")
    return kills


def main(rounds: int, seed: int) -> None:
    machine = Machine(f"kill -9, {SIZES.cells:,} judgments, {IN_FLIGHT} in flight, {rounds} rounds of {KILLS} kills")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary, Endpoint() as endpoint:
        folder = Path(temporary)
        write_marked(folder, SIZES)
        grading = Grading(folder, endpoint.url, store="kill", concurrency=IN_FLIGHT)
        endpoint.reset(lat=50)
        whole = grading.run()
        must_be_right(whole, grading, SIZES.cells)
        kills = [killed for _ in range(rounds) for killed in round_of_kills(grading, endpoint, rng, scores(whole))]
    # Those that were out, and as many again that had come back and waited for the commit under way.
    show([max(map(sum, kills))], "calls asked again after the worst kill", most=2 * IN_FLIGHT)
    show([max(killed.uncommitted for killed in kills)], "of them uncommitted, at the worst", most=IN_FLIGHT)
    show([sum(killed) for killed in kills], "calls asked again after a kill")
    show([killed.unanswered for killed in kills], "of them out at the endpoint")
    show([killed.uncommitted for killed in kills], "of them answered and not yet committed")
    print("         0  lost, doubled or wrong; scores are those of an uninterrupted run (else this would have ended)")
    machine.show_load()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.seed)
