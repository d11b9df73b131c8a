"""`markscheme export`: a run as a Hugging Face dataset."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from api.batch import export_run
from api.cli.grade import store_url
from api.store import Store
from graders import ScoringOptions


def run_export(run: str, folder: Path, *, score_by: str | None, store: str | None) -> None:
    """Write the run and say what was written."""
    with Store(store_url(store)) as opened, opened.lock():
        found = opened.find_run(run)
        written = export_run(found, folder, ScoringOptions(score_by=score_by), now=datetime.now(UTC))
    written_words = ", ".join(f"{count:,} {name}" for name, count in written.rows.items())
    typer.echo(f"wrote {folder}: {written_words}", err=True)
    typer.echo(f'open it: datasets.load_dataset("{folder}", "scores")', err=True)
