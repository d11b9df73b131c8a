"""The options of `markscheme answer`; what it does is loaded when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def answer(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Examples to answer.")],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME@URL", help="The model under test, and its endpoint up to /v1.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Answers; what is in it already is kept.")
    ],
    samples: Annotated[int, typer.Option("--samples", min=1, help="Answers to each example.")] = 1,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.0, help="Sent only where it is given.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Most tokens of an answer; sent only where it is given.")
    ] = None,
    system: Annotated[
        Path | None, typer.Option("--system", metavar="FILE", help="A system prompt ahead of every conversation.")
    ] = None,
    filed_as: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Whose answers they are (default: the model's name).")
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, help="Most calls in flight.")] = 16,
    api_key_env: Annotated[
        str, typer.Option("--api-key-env", help="Environment variable that holds the endpoint's key.")
    ] = "OPENAI_API_KEY",
    max_faults: Annotated[int, typer.Option("--max-faults", min=1, help="Most transport faults a call.")] = 10,
    rubrics: Annotated[
        Path | None,
        typer.Option("--rubrics", help="Folder of *.rubric.json files that examples point to by rubric_id."),
    ] = None,
) -> None:
    """Have a model answer a dataset, into a file for `grade`; repeated, it asks only for what is missing."""
    from api.cli.answer import AnswerRequest, run_answer

    request = AnswerRequest(
        dataset,
        model,
        output,
        samples,
        temperature,
        max_tokens,
        system,
        filed_as,
        concurrency,
        api_key_env,
        max_faults,
        rubrics,
    )
    raise typer.Exit(run_answer(request))
