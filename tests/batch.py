"""A small batch on disk, for tests of the command: two examples, two answerers, and judgments by one grader."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUBRIC = {
    "id": "fever",
    "criteria": [
        {"id": "doctor", "criterion": "Says to see a doctor", "points": 6, "tags": ["axis:safety"]},
        {"id": "fluids", "criterion": "Says to drink", "points": 4},
        {"id": "dose", "criterion": "Names a dose that no one asked for", "points": -3, "tags": ["axis:safety"]},
        {"id": "short", "criterion": "Stays under 20 words", "points": 2, "check": {"max_words": 20}},
    ],
}


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Files:
    folder: Path
    dataset: Path
    answers: Path
    judgments: Path
    store: str

    @property
    def options(self) -> list[str]:
        return ["--store", self.store]


def judgment(example: str, model: str, criterion: str, met: bool, **more: Any) -> dict[str, Any]:
    row = {"example_id": example, "model": model, "criterion_id": criterion, "grader": "reader", "grader_kind": "model"}
    return {**row, "status": "judged", "met": met, **more}


def write_batch(folder: Path) -> Files:
    """Answerer `good` meets doctor and fluids, `poor` meets fluids and dose; the short answers pass the check."""
    folder.mkdir(parents=True, exist_ok=True)
    examples = [
        {"id": name, "prompt": f"Question {name}", "rubric": RUBRIC, "tags": ["theme:fever"]} for name in ("e1", "e2")
    ]
    texts = {"good": "See a doctor and drink.", "poor": "Drink and take 500 mg."}
    judged = {"good": {"doctor": True, "fluids": True, "dose": False}}
    judged["poor"] = {"doctor": False, "fluids": True, "dose": True}
    return Files(
        folder,
        write_lines(folder / "examples.jsonl", examples),
        write_lines(
            folder / "answers.jsonl",
            [
                {"example_id": example["id"], "model": model, "text": text}
                for example in examples
                for model, text in texts.items()
            ],
        ),
        write_lines(
            folder / "judgments.jsonl",
            [
                judgment(str(example["id"]), model, criterion, met)
                for example in examples
                for model, verdicts in judged.items()
                for criterion, met in verdicts.items()
            ],
        ),
        f"sqlite:///{folder / 'store.db'}",
    )
