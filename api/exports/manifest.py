"""`markscheme.json` in an export: what makes the folder ours, and what its tables do not say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from graders import ScoringOptions
from graders.scoring import Policy
from rubrics import DatasetInfo, InputError, Many, Mistake, Mistakes, Model, Number, parse_row, read_json, show

MANIFEST = "markscheme.json"
CARD = "README.md"

_FORMAT = 1
_WAY_OUT = "give a folder that `markscheme export` wrote"
_PUBLISHED = ("name", "kind", "version", "prompt_hash", "max_criteria", "fingerprint")


class ScoringNote(Model):
    """How the exported scores were computed."""

    score_by: str | None
    """The group or panel whose scores are the run's."""
    consensus: Policy | None
    """What overrode the rubrics' consensus policy."""
    min_coverage: Number
    """Coverage of an aggregate below which it has no mean."""
    seed: int
    """Seed of the bootstrap."""
    healthbench: bool
    """Whether HealthBench's `bootstrap_std` was computed too."""

    @classmethod
    def of(cls, options: ScoringOptions) -> ScoringNote:
        """The note of some options."""
        return cls(
            score_by=options.score_by,
            consensus=options.consensus,
            min_coverage=options.min_coverage,
            seed=options.seed,
            healthbench=options.healthbench,
        )

    @property
    def options(self) -> ScoringOptions:
        """The options again."""
        return ScoringOptions(self.score_by, self.consensus, self.min_coverage, self.seed, self.healthbench)


class TableNote(Model):
    """One table as it was written."""

    rows: int
    """How many rows it has."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Hash of the file: Parquet's own checksums leave its headers out, and a flipped bit there can change values."""


class TableNotes(Model):
    """The tables of an export."""

    scores: TableNote
    """The file of scores."""
    judgments: TableNote
    """The file of judgments."""
    examples: TableNote
    """The file of examples."""
    rubrics: TableNote
    """The file of rubrics."""


class Manifest(Model):
    """What `markscheme.json` holds."""

    kind: Literal["markscheme-export"] = "markscheme-export"
    """Tells the file from any other JSON."""
    format: Literal[1] = 1
    """Rises when a reader of today could no longer read the folder."""
    run: str
    """The run's name."""
    created_at: str
    """When the export was made."""
    dataset: DatasetInfo
    """What holds for the whole dataset."""
    graders: Annotated[tuple[dict[str, Any], ...], Many]
    """The graders' cards, without arguments: those may name private endpoints and files."""
    scoring: ScoringNote
    """How the scores were computed."""
    tables: TableNotes
    """The tables as they were written."""
    card_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Hash of the card as it was written: an edited one is someone's work."""

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        value = {"kind": self.kind, "format": self.format, **self.as_json()}
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def published_graders(cards: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """What may be published of the graders' cards.

    `recorded:PATH` is an import and no grader: its judgments stand under the names of those who made them.
    """
    return tuple(
        {name: card[name] for name in _PUBLISHED if name in card}
        for card in cards
        if not str(card.get("name", "")).startswith("recorded:")
    )


def card_hash(card: bytes) -> str:
    """SHA-256 of a dataset card; line ends do not count, since git may change them."""
    return hashlib.sha256(card.replace(b"\r\n", b"\n")).hexdigest()


def load_manifest(folder: Path) -> Manifest:
    """The manifest of a folder; InputError where the folder is no export of ours."""
    path = folder / MANIFEST
    if not folder.exists():
        raise InputError(Mistake(str(folder), f"no such folder, {_WAY_OUT}"))
    if not folder.is_dir():
        raise InputError(Mistake(str(folder), f"this is a file, {_WAY_OUT}"))
    if not path.exists():
        raise InputError(Mistake(str(folder), f"this is no export of Markscheme (it has no {MANIFEST}), {_WAY_OUT}"))
    mistakes = Mistakes()
    value, faults = read_json(path)
    mistakes.extend(faults)
    written = value.get("format") if isinstance(value, dict) else None
    if type(written) is int and written > _FORMAT:
        message = f"got {show(written)}, expected {_FORMAT}: a newer Markscheme wrote this, read it with that one"
        raise InputError(Mistake(str(path), message, "$.format"))
    manifest = parse_row(Manifest, value, mistakes, file=str(path), line=None)
    mistakes.raise_if_any()
    assert manifest is not None
    return manifest
