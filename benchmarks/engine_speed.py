"""How fast `grade` asks a model, beside the least that the same calls cost, in one run.

    python benchmarks/engine_speed.py [--runs 3]

500 answers × 10 criteria, 128 in flight, against `fakellm.c`: at 50 ms for wall time and CPU, at 0 ms for the rate.
Floor, bare aiohttp and `grade` take turns, so that a busy machine slows all of them; figures are medians, ratios are
of the same turn. The product's time ends when another reader sees its last commit; CPU is user and system of the whole
process. The slope is over 20,000 and 5,000 judgments. Every verdict is checked. Needs a C compiler, uvloop and Linux.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from endpoint import Endpoint
from figures import Machine, show
from floor import measure_floor
from grading import Grading, must, must_be_right
from marked_workload import Sizes, write_marked

IN_FLIGHT = 128
FEW, MANY = Sizes(500), Sizes(2000)


@dataclass(frozen=True, slots=True)
class Measured:
    """One client once: seconds from the first call to the last reply (or commit), CPU, the whole process."""

    span: float
    cpu: float
    whole: float = float("nan")


@dataclass(frozen=True, slots=True)
class Bench:
    """The endpoint and the workloads."""

    endpoint: Endpoint
    folder: Path

    def place(self, sizes: Sizes) -> Path:
        return self.folder / str(sizes.cells)

    def floor(self, client: str, sizes: Sizes, lat: float) -> Measured:
        """A client that only asks."""
        self.endpoint.reset(lat=lat)
        floor = measure_floor(client, self.place(sizes), self.endpoint.url, IN_FLIGHT)
        seen = self.endpoint.seen()
        must(seen.ok == seen.requests == sizes.cells and not floor.wrong, f"the {client} client got {floor}, {seen}")
        return Measured((floor.done_ns - seen.first_ns) / 1e9, floor.cpu)

    def grade(self, sizes: Sizes, lat: float) -> Measured:
        """The product, into a new store."""
        self.endpoint.reset(lat=lat)
        grading = Grading(self.place(sizes), self.endpoint.url, store="speed", concurrency=IN_FLIGHT).forget()
        graded = grading.run(until=sizes.cells)
        must_be_right(graded, grading, sizes.cells)
        seen = self.endpoint.seen()
        must(seen.requests == sizes.cells, f"expected {sizes.cells:,} calls, got {seen.requests:,}")
        return Measured((graded.last_commit.at_ns - seen.first_ns) / 1e9, graded.cpu, graded.wall)


def at_50_ms(bench: Bench, runs: int) -> None:
    turns = [
        (bench.floor("raw", FEW, 50), bench.floor("aiohttp", FEW, 50), bench.grade(FEW, 50), bench.grade(MANY, 50))
        for _ in range(runs)
    ]
    print(f"At 50 ms, {FEW.cells:,} judgments, {IN_FLIGHT} in flight:")
    show([few.span / raw.span for raw, _, few, _ in turns], "× the floor, first call to last commit", most=1.20)
    show([bare.span / raw.span for raw, bare, _, _ in turns], "× the floor, bare aiohttp")
    show([few.whole - raw.span for raw, _, few, _ in turns], "s above the floor, the whole process", most=0.9)
    show([raw.span for raw, _, _, _ in turns], "s, the floor")
    show([few.span for _, _, few, _ in turns], "s, first call to last commit")
    slopes = [(many.cpu - few.cpu) / (MANY.cells - FEW.cells) for _, _, few, many in turns]
    show([1e3 * slope for slope in slopes], "ms of CPU a judgment, as a slope", most=0.35)
    show([1e3 * raw.cpu / FEW.cells for raw, _, _, _ in turns], "ms of CPU a judgment, the floor")
    show([1e3 * bare.cpu / FEW.cells for _, bare, _, _ in turns], "ms of CPU a judgment, bare aiohttp")
    starts = [few.cpu - slope * FEW.cells for slope, (_, _, few, _) in zip(slopes, turns, strict=True)]
    show(starts, "s of CPU to start (the slope's intercept)", most=0.8)


def at_0_ms(bench: Bench, runs: int) -> None:
    turns = [(bench.floor("raw", MANY, 0), bench.floor("aiohttp", MANY, 0), bench.grade(MANY, 0)) for _ in range(runs)]
    print(f"At 0 ms, {MANY.cells:,} judgments, {IN_FLIGHT} in flight:")
    show([MANY.cells / grade.span for _, _, grade in turns], "judgments/s, first call to last commit", least=3500)
    show([MANY.cells / bare.span for _, bare, _ in turns], "calls/s, bare aiohttp")
    show([MANY.cells / raw.span for raw, _, _ in turns], "calls/s, the floor")


def main(runs: int) -> None:
    machine = Machine("Speed of grading by a model")
    with tempfile.TemporaryDirectory() as temporary, Endpoint() as endpoint:
        bench = Bench(endpoint, Path(temporary))
        for sizes in (FEW, MANY):
            write_marked(bench.place(sizes), sizes)
        bench.grade(FEW, 0)  # so that bytecode is there
        at_50_ms(bench, runs)
        at_0_ms(bench, runs)
    machine.show_load()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    main(parser.parse_args().runs)
