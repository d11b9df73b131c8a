"""The four tables of an export: their columns, what each means, and their Arrow schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["string", "bool", "int64", "float64", "strings", "turns"]
Config = Literal["scores", "judgments", "examples", "rubrics"]

SPLIT = "test"
"""The one split; evals are for measuring."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns that share one meaning."""

    meaning: str
    kinds: Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class Table:
    """One config of the dataset."""

    holds: str
    """What a row is, for people."""
    columns: tuple[Columns, ...]
    long_texts: frozenset[str] = frozenset()
    """Text columns whose values rarely repeat: a dictionary of them would be built and thrown away."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """Column name → kind, in the order of the file."""
        return dict(pair for columns in self.columns for pair in columns.kinds.items())


_GIVEN = Columns(
    "which optional fields the source spelled out, so that reading back is exact; a number that was written "
    "without a point stands here as written",
    {"given": "string"},
)

TABLES: Mapping[Config, Table] = {
    "scores": Table(
        "one row an answer and group of graders",
        (
            Columns("which answer", {"example_id": "string", "model": "string", "sample": "int64"}),
            Columns("the graders who voted: one grader, all `humans`, or a panel `A+B`", {"grader": "string"}),
            Columns("whether this group is the one that the run is scored by", {"chosen": "bool"}),
            Columns("the score with gates, null with a `reason`", {"score": "float64"}),
            Columns("the score of what was judged, the rest left out", {"judged_only": "float64"}),
            Columns("the score without gates", {"ungated": "float64"}),
            Columns(
                "least and greatest score if the rest were judged; `exact`, or safe `outer` bounds",
                {"low": "float64", "high": "float64", "bounds": "string"},
            ),
            Columns("share of the points that was judged", {"coverage": "float64"}),
            Columns("why there is no score", {"reason": "string"}),
            Columns("score by tag, a JSON object", {"tags": "string"}),
            Columns(
                "the answer's text and its free fields (a JSON object), the same in each of its rows",
                {"answer": "string", "answer_metadata": "string"},
            ),
            _GIVEN,
        ),
        frozenset({"answer", "tags"}),
    ),
    "judgments": Table(
        "one row a cell: one criterion of one answer, judged once by one grader",
        (
            Columns("which answer", {"example_id": "string", "model": "string", "sample": "int64"}),
            Columns("which criterion of the example's rubric", {"criterion_id": "string"}),
            Columns(
                "who judged, `model`, `human` or `rule`, and for which time",
                {"grader": "string", "grader_kind": "string", "repeat": "int64"},
            ),
            Columns("`judged`, `not_applicable`, `abstained` or `failed`", {"status": "string"}),
            Columns(
                "the verdict, in the one column that the criterion's scale asks for",
                {"met": "bool", "option": "string", "value": "float64"},
            ),
            Columns(
                "what the grader gave with it: reason, quotes, probability, remarks",
                {"explanation": "string", "evidence": "strings", "probability": "float64", "flags": "strings"},
            ),
            Columns("whether it may `tune` a grader or `test` it", {"use": "string"}),
            Columns("whether it settles a disagreement", {"ruling": "bool"}),
            Columns("why there is no verdict", {"failure_kind": "string", "failure_message": "string"}),
            Columns("free fields, a JSON object", {"metadata": "string"}),
            Columns(
                "what made the verdict, and what it was made of",
                {
                    "grader_fingerprint": "string",
                    "returned_model": "string",
                    "prompt_hash": "string",
                    "criterion_hash": "string",
                    "answer_hash": "string",
                    "judged_at": "string",
                },
            ),
            Columns(
                "what the call took; of a call for several criteria it stands at the first (cost in USD)",
                {
                    "input_tokens": "int64",
                    "output_tokens": "int64",
                    "cached_tokens": "int64",
                    "cost": "float64",
                    "seconds": "float64",
                },
            ),
            _GIVEN,
        ),
        frozenset({"explanation", "failure_message", "metadata"}),
    ),
    "examples": Table(
        "one row a prompt",
        (
            Columns("the example's id", {"id": "string"}),
            Columns("the prompt as it was given, JSON: a text or a list of turns", {"prompt": "string"}),
            Columns("the prompt as turns of `role` and `content`", {"conversation": "turns"}),
            Columns(
                "its rubric: id, content hash, row in `rubrics` counted from 0",
                {"rubric_id": "string", "rubric_hash": "string", "rubric_row": "int64"},
            ),
            Columns("themes with a score of their own", {"tags": "strings"}),
            Columns("reference answers, best first", {"references": "strings"}),
            Columns("the marker of texts that must not be trained on", {"canary": "string"}),
            Columns("free fields, a JSON object", {"metadata": "string"}),
            _GIVEN,
        ),
        frozenset({"id", "prompt", "rubric_hash", "metadata"}),
    ),
    "rubrics": Table(
        "one row a rubric",
        (
            Columns("SHA-256 over all that the rubric says", {"hash": "string"}),
            Columns(
                "what its author calls it",
                {"id": "string", "title": "string", "domain": "string", "version": "string"},
            ),
            Columns("how many criteria a grader judges", {"n_criteria": "int64"}),
            Columns("the sum of the positive points at the top of its tree", {"max_points": "float64"}),
            Columns("the rubric itself, a JSON object", {"rubric": "string"}),
            Columns("the marker of texts that must not be trained on", {"canary": "string"}),
        ),
        frozenset({"hash", "id", "rubric"}),
    ),
}
"""The configs in the order of the card; `scores` is the default."""


def file_of(config: Config) -> str:
    """Where a config's rows stand within the folder."""
    return f"{config}/{SPLIT}.parquet"


def arrow_schema(config: Config) -> Any:
    """The Arrow schema that `datasets.Features(...).arrow_schema` would give, metadata and all.

    Written out here because importing `datasets` costs a second and 75 MB; a test compares the two.
    """
    import pyarrow as pa

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    types: Mapping[Kind, Any] = {
        "string": pa.string(),
        "bool": pa.bool_(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "strings": pa.list_(pa.string()),
        "turns": pa.list_(turn),
    }
    kinds = TABLES[config].kinds
    features = {name: _feature(kind) for name, kind in kinds.items()}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema([(name, types[kind]) for name, kind in kinds.items()], metadata=metadata)


def _feature(kind: Kind) -> dict[str, Any]:
    text = {"dtype": "string", "_type": "Value"}
    if kind == "strings":
        return {"feature": text, "_type": "List"}
    if kind == "turns":
        return {"feature": {"role": text, "content": text}, "_type": "List"}
    return {"dtype": kind, "_type": "Value"}


def repeating_columns(config: Config) -> list[str]:
    """The columns that are worth a dictionary."""
    return list(_repeating(TABLES[config]))


def _repeating(table: Table) -> Iterator[str]:
    for name, kind in table.kinds.items():
        if kind in ("string", "int64") and name not in table.long_texts:
            yield name
