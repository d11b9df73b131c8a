"""How much memory `grade` takes as its batch grows, and how fast it plans and resumes a million cells.

    python benchmarks/engine_memory.py [--parts grading,resuming] [--examples 5000]

grading   5,000 and 50,000 judgments of HealthBench-shaped answers at 50 ms and at 0 ms, 128 in flight: peak resident
          memory of each whole process, scoring included.
resuming  1,000,000 cells (5,000 examples × 20 samples × 10 criteria, short texts) of which 99 % are in the ledger,
          filled through the store: `--dry-run`, which validates the files and plans; then `grade`, up to the last
          commit of the 10,000 that are missing, and apart what scoring takes after that.

Verdicts are checked. Needs a C compiler and Linux; the second part takes some minutes and 2 GB of disk.
"""

import argparse
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from endpoint import Endpoint
from figures import Machine, show
from grading import Grading, must, must_be_right
from marked_workload import Sizes, is_met, write_marked

from api.batch import Batch, BatchRequest
from api.store import Store
from graders import Entry, Judgment, cell_keys, plan_calls

FEW, MANY = Sizes(500), Sizes(5000)
MISSING_EVERY = 100


def grading(endpoint: Endpoint, folder: Path) -> None:
    for sizes in (FEW, MANY):
        write_marked(folder / str(sizes.cells), sizes)
    for lat in (50, 0):
        peaks = {}
        for sizes in (FEW, MANY):
            endpoint.reset(lat=lat)
            job = Grading(folder / str(sizes.cells), endpoint.url, store="memory").forget()
            graded = job.run(until=sizes.cells)
            must_be_right(graded, job, sizes.cells)
            peaks[sizes] = graded
        print(f"Grading at {lat} ms:")
        few, many = peaks[FEW], peaks[MANY]
        show([many.peak_mb / few.peak_mb], f"× the peak of {FEW.cells:,} judgments, that of {MANY.cells:,}", most=1.1)
        show([many.peak_mb], f"MB at the peak of {MANY.cells:,} judgments", most=150)
        show([many.last_commit.peak_mb], "MB of it up to the last commit, before scoring")
        show([few.last_commit.peak_mb], f"MB up to there with {FEW.cells:,} judgments")


def entries(batch: Batch) -> Iterator[Entry]:
    """A right judgment of every cell but each hundredth, as the batch's grader would have given it."""
    (card,) = (card for card in batch.run.cards if card.kind == "model")
    judged_at, number = datetime.now(UTC).isoformat(timespec="milliseconds"), 0
    for question in batch.run.questions():
        example, _ = question.load()
        rubric, shown = question.rubric, question.references_hash
        for answer in question.answers:
            answer_hash = answer.answer_hash
            for call in plan_calls(rubric, card):
                for criterion_id, key in cell_keys(rubric, call, answer_hash, card.fingerprint, shown).items():
                    number += 1
                    if number % MISSING_EVERY == 0:
                        continue
                    judgment = Judgment(
                        criterion_id=criterion_id,
                        status="judged",
                        met=is_met(example.rubric.leaf_by_id[criterion_id].criterion.criterion),
                        explanation="The answer says so in its second paragraph.",
                        example_id=answer.example_id,
                        model=answer.model,
                        sample=answer.sample,
                        grader=card.name,
                        grader_kind=card.kind,
                        grader_fingerprint=card.fingerprint,
                        prompt_hash=card.prompt_hash,
                        criterion_hash=rubric.by_id[criterion_id].criterion_hash,
                        answer_hash=answer_hash,
                        judged_at=judged_at,
                    )
                    yield Entry(judgment, key, 0)


def fill(job: Grading, folder: Path, url: str) -> None:
    """Put 99 % of the judgments into the ledger, as an earlier part of the same run."""
    request = BatchRequest(folder / "examples.jsonl", folder / "answers.jsonl", [f"model:judge@{url}"], "r")
    with Store(f"sqlite:///{job.store}") as store:
        batch = Batch(store, request)
        ledger, coming = batch.run.ledger(), entries(batch)
        while some := list(islice(coming, 10_000)):
            ledger.keep(some)


def resuming(endpoint: Endpoint, folder: Path, sizes: Sizes) -> None:
    write_marked(folder, sizes)
    job = Grading(folder, endpoint.url, store="resume")
    fill(job, folder, endpoint.url)
    missing = sizes.cells // MISSING_EVERY
    must(job.rows() == sizes.cells - missing, f"the ledger holds {job.rows():,} judgments")

    endpoint.reset()
    plan = job.run("--dry-run")
    must(plan.exit_code == 0, plan.said[-500:])
    must(f"{missing:,} to grade" in plan.said, f"expected {missing:,} to grade: {plan.said}")
    print(f"Planning {sizes.cells:,} cells, {missing:,} missing (--dry-run):")
    show([plan.wall], "s, the whole process, validation included")
    show([plan.cpu], "s of CPU")
    show([plan.peak_mb], "MB at the peak", most=250)

    resumed = job.run(until=sizes.cells)
    must_be_right(resumed, job, sizes.cells)
    seen = endpoint.seen()
    must(seen.requests == missing, f"expected {missing:,} calls, got {seen.requests:,}")
    committed = resumed.last_commit
    print(f"Resuming them at 0 ms ({missing:,} calls):")
    show(
        [(committed.at_ns - resumed.started_ns) / 1e9],
        "s from start to last commit, validation and calls included",
        most=12,
    )
    show([(seen.first_ns - resumed.started_ns) / 1e9], "s of them before the first call")
    show([(resumed.ended_ns - committed.at_ns) / 1e9], "s after that: scoring and printing --json")
    show([resumed.cpu], "s of CPU in all")
    show([committed.peak_mb], "MB at the peak up to the last commit", most=250)
    show([resumed.peak_mb], "MB at the peak, scoring included")


def main(parts: list[str], examples: int) -> None:
    machine = Machine("Memory of grading by a model")
    with tempfile.TemporaryDirectory() as temporary, Endpoint() as endpoint:
        if "grading" in parts:
            grading(endpoint, Path(temporary))
        if "resuming" in parts:
            short = Sizes(examples, samples=20, characters=(200, 400), criterion_characters=(30, 60))
            resuming(endpoint, Path(temporary) / "resume", short)
    machine.show_load()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="grading,resuming")
    parser.add_argument("--examples", type=int, default=5000, help="examples of the second part")
    arguments = parser.parse_args()
    main(arguments.parts.split(","), arguments.examples)
