"""`markscheme export`: a run as a Hugging Face dataset."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from api.batch import export_run
from api.cli.grade import store_url
from api.cli.lean import uncollected, without_pandas
from api.store import Store, sqlite_file
from graders import ScoringOptions
from rubrics import InputError, Mistake


def run_export(run: str, folder: Path, *, options: ScoringOptions, store: str | None) -> None:
    """Write the run and say what was written."""
    file = sqlite_file(store_url(store))
    if file is not None and not file.exists():
        raise InputError(Mistake("--store", f"no such store: {file}; `grade` makes one"))
    with uncollected(), without_pandas(), Store(store_url(store)) as opened, opened.lock():
        found = opened.find_run(run)
        written = export_run(found, folder, options, now=datetime.now(UTC))
    written_words = ", ".join(f"{count:,} {name}" for name, count in written.rows.items())
    typer.echo(f"wrote {folder}: {written_words}", err=True)
    typer.echo(f'open it: datasets.load_dataset("{folder}", "scores")', err=True)
