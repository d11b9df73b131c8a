"""K-QA's `NLI_medical_annotator.csv`: questions, answers, claims, and three physicians' labels of each claim.

A question becomes an example, each of its claims a criterion. The source has no points: every claim gets 1,
must-have and nice-to-have alike (tags `claim:must-have`, `claim:nice-to-have`), so our score is the share of
all claims that the answer entails. K-QA's own two figures stand in the answer's `metadata.kqa.source_score`:

- completeness: must-have claims whose majority is Entailment / must-have claims, 9 of 11 give 0.818…; null
  where there is no must-have claim
- hallucination: the number of claims, of either kind, whose majority is Contradiction

The majority labels are in `metadata.kqa.majority_label`, by criterion. The unnamed first column counts the
rows and is not carried.
Source: Manes et al., K-QA: A Real-World Medical Q&A Benchmark (2024).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rubrics.answer import Answer, answer_hash
from rubrics.criterion import Criterion, NominalScale, Option
from rubrics.errors import InputError, Mistake, Mistakes
from rubrics.example import Example
from rubrics.formats.converted import Converted
from rubrics.json_text import text_problem
from rubrics.load import decode_text, parse_row, read_bytes
from rubrics.model import did_you_mean, show
from rubrics.rubric import Rubric

LABELS = ("Entailment", "Neutral", "Contradiction")
CATEGORIES = {"Must_have": "claim:must-have", "Nice_to_have": "claim:nice-to-have"}
PHYSICIANS = {"label_0": "physician-0", "label_1": "physician-1", "label_2": "physician-2"}
COLUMNS = ("Question", "llm_x", "answer", "claim", "category_x", "majority_label", *PHYSICIANS)

_SCALE = NominalScale(
    type="nominal",
    options=(
        Option(label="Entailment", credit=1, description="The answer says or implies the claim."),
        Option(label="Neutral", credit=0, description="The answer neither implies nor contradicts the claim."),
        Option(label="Contradiction", credit=0, description="The answer contradicts the claim."),
    ),
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table: one claim about one answer."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(slots=True)
class _Question:
    """What the rows say of one question, in order of first appearance."""

    claims: dict[str, _Row] = field(default_factory=dict)
    answers: dict[str, list[_Row]] = field(default_factory=dict)


def load_kqa(path: Path) -> Converted:
    """Read K-QA's table of labelled claims; InputError has every mistake in it."""
    file = str(path)
    text = decode_text(read_bytes(path), file=file)
    mistakes = Mistakes()
    notes: list[str] = []
    rows = list(_rows(text, mistakes, notes, file=file))
    questions = _questions(rows, mistakes, file=file)
    mistakes.raise_if_any()
    converted = Converted([], [], [], notes)
    for number, (question, content) in enumerate(questions.items(), start=1):
        _convert(f"kqa-{number:03d}", question, content, converted, mistakes, file=file)
    mistakes.raise_if_any()
    return converted


def _rows(text: str, mistakes: Mistakes, notes: list[str], *, file: str) -> Iterator[_Row]:
    if not text.strip():
        raise InputError(Mistake(file, f"the file is empty, expected a table with the columns {_names(COLUMNS)}"))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        header = next(reader)
        _check_header(header, notes, file=file)
        start = reader.line_num + 1
        for values in reader:
            line, start = start, reader.line_num + 1
            if not values:
                continue
            if len(values) != len(header):
                mistakes.add(file, f"got {len(values)} values, expected {len(header)}, one a column", line=line)
                continue
            row = _Row(line, dict(zip(header, values, strict=True)))
            _check_row(row, mistakes, file=file)
            yield row
    except csv.Error as error:
        hint = ", expected a closing double quote" if "end of data" in str(error) else ""
        mistakes.add(file, f"not CSV: {error}{hint}", line=start)


def _check_header(header: list[str], notes: list[str], *, file: str) -> None:
    if not set(COLUMNS) & set(header):
        message = f"got {show(','.join(header))}, expected a header with the columns {_names(COLUMNS)}"
        raise InputError(Mistake(file, message, line=1))
    found = []
    for column in COLUMNS:
        if column not in header:
            hint = did_you_mean(column, [name for name in header if name not in COLUMNS])
            near = hint.removeprefix(", did you mean ").rstrip("?") if hint.startswith(",") else ""
            there = f"there is {near}" if near else f"there are {_names(name for name in header if name)}"
            found.append(Mistake(file, f"missing, expected a column {column!r} ({there})", line=1))
        elif header.count(column) > 1:
            found.append(Mistake(file, f"the column {column!r} stands more than once, expected once", line=1))
    if found:
        raise InputError(found)
    notes.extend(f"{file}: column {name!r} is not carried" for name in header if name and name not in COLUMNS)


def _check_row(row: _Row, mistakes: Mistakes, *, file: str) -> None:
    for column in COLUMNS:
        if fault := text_problem(row[column]):
            mistakes.add(file, f"the text holds {fault}", column, row.line)
    for column in ("Question", "llm_x", "claim"):
        if not row[column].strip():
            mistakes.add(file, f"got {show(row[column])}, expected text that is not blank", column, row.line)
    for column, known in {
        "category_x": tuple(CATEGORIES),
        "majority_label": LABELS,
        **dict.fromkeys(PHYSICIANS, LABELS),
    }.items():
        if row[column] not in known:
            hint = did_you_mean(row[column], known)
            hint = hint if hint.startswith(",") else ""
            mistakes.add(file, f"got {show(row[column])}, expected one of {_names(known)}{hint}", column, row.line)


def _questions(rows: list[_Row], mistakes: Mistakes, *, file: str) -> dict[str, _Question]:
    questions: dict[str, _Question] = {}
    cells: dict[tuple[str, str, str], int] = {}
    for row in rows:
        question = questions.setdefault(row["Question"], _Question())
        first = question.claims.setdefault(row["claim"], row)
        if first["category_x"] != row["category_x"]:
            mistakes.add(
                file,
                f"got {row['category_x']!r}, expected {first['category_x']!r}: "
                f"line {first.line} has it for the same claim",
                "category_x",
                row.line,
            )
        answered = question.answers.setdefault(row["llm_x"], [])
        answered.append(row)
        if answered[0]["answer"] != row["answer"]:
            mistakes.add(
                file,
                f"got another answer of {row['llm_x']!r} to this question than in line {answered[0].line}, "
                "expected one",
                "answer",
                row.line,
            )
        labelled = cells.setdefault((row["Question"], row["llm_x"], row["claim"]), row.line)
        if labelled != row.line:
            mistakes.add(
                file,
                f"line {labelled} has the same claim about the same answer, expected one",
                "claim",
                row.line,
            )
    if not rows and not mistakes:
        mistakes.add(file, "no rows, expected at least one under the header")
    return questions


def _convert(
    example_id: str, question: str, content: _Question, converted: Converted, mistakes: Mistakes, *, file: str
) -> None:
    ids = {claim: f"c{number}" for number, claim in enumerate(content.claims, start=1)}
    criteria = tuple(
        Criterion(id=ids[claim], criterion=claim, points=1, tags=(CATEGORIES[row["category_x"]],), scale=_SCALE)
        for claim, row in content.claims.items()
    )
    example = Example(
        id=example_id, prompt=question, rubric=Rubric(id=example_id, domain="medicine", criteria=criteria)
    )
    converted.examples.append(example)
    for model, rows in content.answers.items():
        value = {
            "example_id": example_id,
            "model": model,
            "text": rows[0]["answer"],
            "metadata": _metadata(rows, ids),
        }
        wrong = Mistakes()
        answer = parse_row(Answer, value, wrong, file=file, line=rows[0].line)
        if answer is None:  # the name of the model: everything else was checked
            mistakes.extend(replace(mistake, path="llm_x") for mistake in wrong)
            continue
        converted.answers.append(answer)
        hashed = answer_hash(example, answer)
        for row in rows:
            _note_odd_majority(row, converted.notes, file=file)
            criterion_id = ids[row["claim"]]
            converted.judgments.extend(
                {
                    "example_id": example_id,
                    "model": model,
                    "criterion_id": criterion_id,
                    "grader": physician,
                    "grader_kind": "human",
                    "status": "judged",
                    "option": row[column],
                    "criterion_hash": example.rubric.criterion_hashes[criterion_id],
                    "answer_hash": hashed,
                }
                for column, physician in PHYSICIANS.items()
            )


def _metadata(rows: list[_Row], ids: dict[str, str]) -> dict[str, Any]:
    must_have = [row["majority_label"] for row in rows if row["category_x"] == "Must_have"]
    completeness = must_have.count("Entailment") / len(must_have) if must_have else None
    hallucination = sum(row["majority_label"] == "Contradiction" for row in rows)
    return {
        "kqa": {
            "source_score": {"completeness": completeness, "hallucination": hallucination},
            "majority_label": {ids[row["claim"]]: row["majority_label"] for row in rows},
        }
    }


def _note_odd_majority(row: _Row, notes: list[str], *, file: str) -> None:
    label, votes = Counter(row[column] for column in PHYSICIANS).most_common(1)[0]
    if votes > 1 and label != row["majority_label"]:
        notes.append(
            f"{file}:{row.line} majority_label: is {row['majority_label']!r}, {votes} of {len(PHYSICIANS)} "
            f"physicians say {label!r}; the source's score follows the column"
        )


def _names(names: Any) -> str:
    return ", ".join(repr(name) for name in names)
