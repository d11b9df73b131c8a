"""The command line: reads arguments, calls one function, prints what it returns."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.exit_code import ExitCode
from rubrics import EvalError, InputError

app = typer.Typer(
    name="markscheme",
    help="Author point-based rubrics, grade long-form answers, score them, and export the scored dataset.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="Where judgments are kept (SQLAlchemy URL).", envvar="MARKSCHEME_STORE"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else.")]
RubricDir = Annotated[
    Path | None, typer.Option("--rubrics", help="Folder of *.rubric.json files that examples point to by rubric_id.")
]
ScoreBy = Annotated[
    str | None, typer.Option("--score-by", help="Whose score is wanted: a group of graders, or a panel A+B.")
]
By = Annotated[str, typer.Option("--by", help="Tables to print: any of model, tag, grader, separated by commas.")]
Consensus = Annotated[
    Literal["majority", "unanimous", "mean", "adjudicated"] | None,
    typer.Option("--consensus", help="How several verdicts become one (default: what the rubric says)."),
]
MinCoverage = Annotated[
    float, typer.Option("--min-coverage", min=0.0, max=1.0, help="Coverage below which a mean is not given.")
]
HealthBench = Annotated[bool, typer.Option("--healthbench", help="Add HealthBench's bootstrap_std.")]


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to put it.")] = Path("markscheme-demo"),
) -> None:
    """Run the whole main job on the shipped example: no key, no network."""
    from api.cli.demo import run_demo

    raise typer.Exit(run_demo(folder))


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Rubrics, datasets, or folders of them.")],
    rubrics: RubricDir = None,
    as_json: AsJson = False,
) -> None:
    """Check rubrics and datasets: every mistake at once, each with its place and the way out."""
    from api.cli.check import run_check

    raise typer.Exit(run_check(paths, rubrics=rubrics, as_json=as_json))


@app.command()
def schema(
    name: Annotated[Literal["rubric", "example", "answer", "judgment"], typer.Argument(help="Which JSON Schema.")],
) -> None:
    """Print the JSON Schema of a file, for editors that complete."""
    from api.cli.schema import render_schema

    typer.echo(render_schema(name))


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="What to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="What to write.")],
    source_format: Annotated[
        Literal["native", "healthbench", "hf", "kqa", "paperbench"], typer.Option("--from", help="Format of IN.")
    ],
    target_format: Annotated[Literal["native", "healthbench"], typer.Option("--to", help="Format of OUT.")] = "native",
    rubrics: RubricDir = None,
) -> None:
    """Convert a dataset; a source that holds answers or judgments too gives a folder."""
    from api.cli.convert import run_convert

    run_convert(source, target, source_format=source_format, target_format=target_format, rubrics=rubrics)


@app.command()
def grade(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Examples with their rubrics.")],
    answers: Annotated[Path, typer.Argument(metavar="ANSWERS", help="Answers, one JSON object a line.")],
    graders: Annotated[
        list[str],
        typer.Option(
            "--grader",
            metavar="SPEC",
            help="rules, recorded:PATH, model:NAME[@BASE_URL], FILE.py:Class, FILE.grader.json; repeat for several.",
        ),
    ],
    run: Annotated[str | None, typer.Option("--run", help="The run's name; the same name resumes it.")] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, help="Most calls in flight.")] = 16,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="How often each grader judges each cell.")] = 1,
    criteria_per_call: Annotated[
        str, typer.Option("--criteria-per-call", metavar="1|K|all", help="Criteria in one call of a model grader.")
    ] = "1",
    api_key_env: Annotated[
        str, typer.Option("--api-key-env", help="Environment variable that holds the endpoint's key.")
    ] = "OPENAI_API_KEY",
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", min=0.0, help="Stop before costing more than this.")
    ] = None,
    max_replies: Annotated[int, typer.Option("--max-replies", min=1, help="Most unusable replies a call.")] = 8,
    max_faults: Annotated[int, typer.Option("--max-faults", min=1, help="Most transport faults a call.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and ask no one.")] = False,
    score_by: ScoreBy = None,
    by: By = "model",
    consensus: Consensus = None,
    min_coverage: MinCoverage = 0.98,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the bootstrap.")] = 0,
    healthbench: HealthBench = False,
    rubrics: RubricDir = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Grade answers, keep every judgment, and print scores; repeated, it asks only for what is missing."""
    from api.batch import BatchRequest
    from api.cli.grade import GradeRequest, check_budget, run_grade
    from graders import GraderOptions, ScoringOptions

    check_budget(budget, graders)
    options = GraderOptions(_criteria_per_call(criteria_per_call), api_key_env, max_replies, max_faults)
    request = GradeRequest(
        batch=BatchRequest(dataset, answers, graders, run, rubrics, options, repeats),
        store=store,
        concurrency=concurrency,
        budget=budget,
        scoring=ScoringOptions(score_by, consensus, min_coverage, seed, healthbench),
        by=_tables(by),
        dry_run=dry_run,
        as_json=as_json,
    )
    raise typer.Exit(run_grade(request))


@app.command()
def score(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Examples with their rubrics.")],
    answers: Annotated[Path, typer.Argument(metavar="ANSWERS", help="Answers, one JSON object a line.")],
    judgments: Annotated[
        list[Path] | None, typer.Argument(metavar="[JUDGMENTS]...", help="Judgments, one JSON object a line.")
    ] = None,
    score_by: ScoreBy = None,
    by: By = "model",
    consensus: Consensus = None,
    min_coverage: MinCoverage = 0.98,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the bootstrap.")] = 0,
    healthbench: HealthBench = False,
    rubrics: RubricDir = None,
    as_json: AsJson = False,
) -> None:
    """Score files of judgments, with no store; criteria with a check are judged on the way."""
    from api.cli.score import run_score
    from graders import ScoringOptions

    options = ScoringOptions(score_by, consensus, min_coverage, seed, healthbench)
    raise typer.Exit(
        run_score(dataset, answers, judgments or [], options=options, rubrics=rubrics, by=_tables(by), as_json=as_json)
    )


@app.command()
def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's name.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the Hugging Face dataset.")],
    score_by: ScoreBy = None,
    store: StoreUrl = None,
) -> None:
    """Write a run as a Hugging Face dataset: card, scores, judgments, examples and rubrics."""
    from api.cli.export import run_export

    run_export(run, folder, score_by=score_by, store=store)


def _criteria_per_call(written: str) -> int | Literal["all"]:
    if written == "all":
        return "all"
    if written.isdecimal() and int(written) >= 1:
        return int(written)
    raise typer.BadParameter("expected a number from 1 up, or all", param_hint="--criteria-per-call")


def _tables(written: str) -> list[str]:
    names = [name.strip() for name in written.split(",") if name.strip()]
    for name in names:
        if name not in ("model", "tag", "grader"):
            raise typer.BadParameter(f"got {name!r}, expected any of model, tag, grader", param_hint="--by")
    return names


def main() -> None:
    """The entry point: what is wrong with the input is told line by line, never as a traceback."""
    try:
        app()
    except InputError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        sys.exit(ExitCode.WRONG_INPUT)
    except EvalError as error:
        typer.echo(str(error), err=True)
        sys.exit(ExitCode.WRONG_INPUT)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.DONE)
