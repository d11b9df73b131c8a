"""Makes a batch of any size with known shape: examples with 10 criteria and 20 tags, answers, and judgments.

    python benchmarks/workload.py DIR --examples 5000 --samples 20

writes DIR/examples.jsonl, answers.jsonl and judgments.jsonl (lines of about 160 bytes), all by one seed.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

CRITERIA = 10
TAGS = [f"axis:{number}" for number in range(12)]
THEMES = [f"theme:{number}" for number in range(8)]


def write_workload(folder: Path, *, examples: int, samples: int, seed: int = 0, gates: bool = False) -> None:
    """Write the three files of one batch; with `gates` every rubric's first criterion caps the score at 0.5."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "examples.jsonl").open("w") as asked:
        for example in range(examples):
            criteria: list[dict[str, Any]] = [
                {
                    "criterion": f"Says point {number} of question {example} clearly",
                    "points": rng.randint(1, 10) if number == 0 or rng.random() < 0.7 else -rng.randint(1, 10),
                    "tags": [rng.choice(TAGS)],
                }
                for number in range(CRITERIA)
            ]
            if gates:
                criteria[0]["gate"] = {"when": "unmet", "cap": 0.5}
            row = {
                "id": f"ex-{example:06d}",
                "prompt": f"Question {example}",
                "rubric": {"id": f"r-{example}", "criteria": criteria},
                "tags": [rng.choice(THEMES)],
            }
            asked.write(json.dumps(row) + "\n")
    with (folder / "answers.jsonl").open("w") as answered, (folder / "judgments.jsonl").open("w") as judged:
        for example in range(examples):
            for sample in range(samples):
                place = f'"example_id": "ex-{example:06d}", "model": "model-under-test", "sample": {sample}'
                answered.write(f'{{{place}, "text": "Answer {sample} to question {example}"}}\n')
                for number in range(1, CRITERIA + 1):
                    met = "true" if rng.random() < 0.6 else "false"
                    judged.write(
                        f'{{{place}, "criterion_id": "c{number}", "grader": "model:judge", '
                        f'"grader_kind": "model", "status": "judged", "met": {met}}}\n'
                    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--gates", action="store_true")
    arguments = parser.parse_args()
    write_workload(arguments.folder, examples=arguments.examples, samples=arguments.samples, gates=arguments.gates)
