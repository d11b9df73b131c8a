"""Ten times the judgments take no more memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared_data import REPOSITORY

EXPORT = """
import json, resource, sys
from pathlib import Path
from api.exports import ExportSource, export_folder, read_folder
from graders import Judgment, score
from rubrics import Answer, DatasetInfo, Example, Rubric

count, folder = int(sys.argv[1]), Path(sys.argv[2])
rubric = Rubric(id="r", criteria=[{"id": f"c-{n}", "criterion": f"Says {n}", "points": 1} for n in range(10)])
examples = [Example(id="e", prompt="?", rubric=rubric)]
answers = [Answer(example_id="e", model="m", text="x")]

def judgments():
    for number in range(count):
        yield Judgment(
            example_id=f"e-{number // 100}", model="m", sample=number // 10 % 10, criterion_id=f"c-{number % 10}",
            grader="model:g", grader_kind="model", status="judged", met=number % 3 == 0,
            explanation=f"It says so in sentence {number * 7919 % 1000003}.", evidence=(f"quote {number}",),
            answer_hash=f"{number // 10 * 2654435761 % 2**64:016x}", input_tokens=number % 4000, seconds=0.5,
        )

summary = export_folder(
    folder, ExportSource("r", DatasetInfo(name="d"), lambda: examples, lambda: answers, judgments,
                         score(examples, answers, []), [], "now"))
assert summary.rows["judgments"] == count
written = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
assert sum(1 for _ in read_folder(folder).judgments()) == count
print(json.dumps({"written": written, "read": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def peak(count: int, folder: Path) -> dict[str, float]:
    """Peak memory in MB after writing, and after reading back."""
    done = subprocess.run(
        [sys.executable, "-c", EXPORT, str(count), str(folder)], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_memory_does_not_grow_with_the_judgments(tmp_path: Path) -> None:
    few, many = peak(20_000, tmp_path / "few"), peak(200_000, tmp_path / "many")
    assert many["written"] < few["written"] + 60
    assert many["read"] < few["read"] + 60
