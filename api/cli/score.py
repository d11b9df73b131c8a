"""`markscheme score`: scores files of judgments."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path

import typer

from api.cli.exit_code import ExitCode
from api.cli.tables import print_scores
from api.cli.visible import one_line
from graders import JudgmentFile, Scores, ScoringOptions, collect
from rubrics import AnswerFile, DatasetFile


def run_score(
    dataset: Path,
    answers: Path,
    judgments: Sequence[Path],
    *,
    options: ScoringOptions,
    rubrics: Path | None,
    by: Sequence[str],
    as_json: bool,
) -> ExitCode:
    """Score and print; exit 3 where an applicable criterion of a shown group is ungraded."""
    # A large batch is millions of objects and none of them garbage; looking through them again and again is wasted.
    gc.disable()
    files = [JudgmentFile(path) for path in judgments]
    collected = collect(DatasetFile(dataset, rubrics), AnswerFile(answers), files)
    collected.mistakes.raise_if_any()
    scores = collected.scorer.scores(options)
    show_scores(scores, by=by, as_json=as_json)
    return ExitCode.UNGRADED if scores.ungraded else ExitCode.DONE


def show_scores(scores: Scores, *, by: Sequence[str], as_json: bool, title: str = "Scores") -> None:
    """Print scores for a program or for people; warnings go to standard error either way."""
    for warning in scores.warnings:
        typer.echo(f"warning: {one_line(warning)}", err=True)
    if as_json:
        for piece in scores.json_text():
            typer.echo(piece, nl=False)
        typer.echo()
    else:
        print_scores(scores, by=by, title=title)
