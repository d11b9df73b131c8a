"""Makes HealthBench-shaped examples and answers whose right verdicts are known.

    python benchmarks/marked_workload.py DIR --examples 500

writes DIR/examples.jsonl (each with its rubric) and DIR/answers.jsonl. Conversation and answer are 1,000 to 2,000
tokens, criteria 80 to 320 characters with −10 to 10 points, 70 % of them positive. Every criterion ends in a marker
`[#hhhhhhhhhh]`, from which `fakellm.c` draws its verdict and `is_met` the same.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_BITS = (1 << 64) - 1
_WORDS = (
    "patient symptoms doctor pain treatment blood pressure dose daily weeks children adults severe mild chronic fever "
    "infection antibiotics cough breathing chest emergency hospital clinic advice risk factors history family stress "
    "pregnancy heart kidney liver diabetes insulin sugar diet exercise sleep anxiety depression therapy medicine rash "
    "side effects nausea vomiting headache dizziness skin allergy asthma inhaler vaccine immune cancer screening test "
    "results scan surgery recovery wound care follow-up appointment specialist referral pharmacy label tablet capsule "
    "water food before after morning evening night hours days the a of and to in is for with on that may should can if "
    "you your it this not be are or as have from when also more than do any such which what how why at by recommended "
    "guidelines evidence suggests consider avoid seek immediately monitor closely stable acute onset"
).split()
_NOT_ASCII = ["naïve", "café", "Crohn’s", "µg", "37 °C", "más", "für", "糖尿病", "боль", "≥ 140/90"]
_ENDS = [". ", ". ", ". ", "? ", "; ", ".\n", ".\n\n- "]
_AXES = ["accuracy", "completeness", "communication_quality", "context_awareness", "instruction_following"]
_THEMES = ["emergency_referrals", "communication", "global_health", "context_seeking", "hedging"]


class Sizes(NamedTuple):
    """How much of what there is; `characters` is the span of conversation and answer together."""

    examples: int
    samples: int = 1
    criteria: int = 10
    characters: tuple[int, int] = (4000, 8000)
    criterion_characters: tuple[int, int] = (80, 320)

    @property
    def cells(self) -> int:
        return self.examples * self.samples * self.criteria


def is_met(criterion: str) -> bool:
    """The right verdict on a marked criterion."""
    mixed = (int(criterion[-11:-1], 16) + 0x9E3779B97F4A7C15) & _BITS
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _BITS
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _BITS
    return (mixed ^ (mixed >> 31)) % 100 < 60


def write_marked(folder: Path, sizes: Sizes, *, seed: int = 1) -> None:
    """Write examples.jsonl and answers.jsonl into a folder."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "examples.jsonl").open("w") as asked, (folder / "answers.jsonl").open("w") as answered:
        for number in range(sizes.examples):
            example_id = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:32]
            whole = rng.randint(*sizes.characters)
            answer = int(whole * rng.uniform(0.3, 0.45))
            asked.write(_line(_example(rng, example_id, whole - answer, sizes)))
            for sample in range(sizes.samples):
                row = {"example_id": example_id, "model": "answerer", "sample": sample, "text": _text(rng, answer)}
                answered.write(_line(row))


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _example(rng: random.Random, example_id: str, characters: int, sizes: Sizes) -> dict[str, Any]:
    turns = rng.choice([1, 1, 1, 1, 3, 3, 3, 5, 5])
    return {
        "id": example_id,
        "prompt": [
            {"role": "assistant" if turn % 2 else "user", "content": _text(rng, characters // turns)}
            for turn in range(turns)
        ],
        "rubric": {"id": f"rubric-{example_id}", "criteria": list(_criteria(rng, example_id, sizes))},
        "tags": [f"theme:{rng.choice(_THEMES)}"],
    }


def _criteria(rng: random.Random, example_id: str, sizes: Sizes) -> Iterator[dict[str, Any]]:
    for number in range(sizes.criteria):
        said = _text(rng, rng.randint(*sizes.criterion_characters)).replace("\n", " ")
        marker = hashlib.sha256(f"{example_id}{number}{said}".encode()).hexdigest()[:10]
        points = rng.randint(1, 10)
        yield {
            "criterion": f"{said} [#{marker}]",
            "points": points if number == 0 or rng.random() < 0.7 else -points,
            "tags": [f"axis:{rng.choice(_AXES)}"],
        }


def _text(rng: random.Random, characters: int) -> str:
    sentences, length = [], 0
    while length < characters:
        words = rng.choices(_WORDS, k=rng.randint(7, 18))
        if rng.random() < 0.06:
            words[rng.randrange(len(words))] = rng.choice(_NOT_ASCII)
        if rng.random() < 0.08:
            words[0], words[2] = f'"{words[0]}', f'{words[2]}"'
        said = " ".join(words)
        sentences.append(said[0].upper() + said[1:] + rng.choice(_ENDS))
        length += len(sentences[-1])
    return "".join(sentences).strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--samples", type=int, default=1)
    arguments = parser.parse_args()
    write_marked(arguments.folder, Sizes(arguments.examples, arguments.samples))
