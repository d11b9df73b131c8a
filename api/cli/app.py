"""The command line: reads arguments, calls one function, prints what it returns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.answer_command import answer

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


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"markscheme {version('markscheme')}")
        except PackageNotFoundError:
            typer.echo("markscheme (not installed: run from its source)")
        raise typer.Exit


@app.callback()
def markscheme(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Author point-based rubrics, grade long-form answers, score them, and export the scored dataset."""


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it.")] = Path("markscheme-demo"),
) -> None:
    """Run the whole main job on a shipped example. It needs no key and no network."""
    from api.cli.demo import run_demo

    raise typer.Exit(run_demo(folder))


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Rubrics, datasets, or folders of them.")],
    rubrics: RubricDir = None,
    all_advice: Annotated[bool, typer.Option("--all-advice", help="Also the advice that is off by default.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check rubrics and datasets: every mistake at once. Each has its place and the way out; advice comes after."""
    from api.cli.check import run_check

    if watch:
        from api.cli.watch import run_watch

        raise typer.Exit(run_watch(paths, rubrics=rubrics, as_json=as_json, all_advice=all_advice))
    raise typer.Exit(run_check(paths, rubrics=rubrics, as_json=as_json, all_advice=all_advice))


@app.command()
def schema(
    name: Annotated[
        Literal["rubric", "example", "answer", "judgment", "grader"],
        typer.Argument(metavar="NAME", help="Which JSON Schema."),
    ],
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
    """Convert a dataset between formats. A source that holds answers or judgments too gives a folder."""
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
            help="rules, human, recorded:PATH, model:NAME[@BASE_URL], FILE.py:Class, FILE.grader.json; "
            "repeat for several.",
        ),
    ],
    run: Annotated[str | None, typer.Option("--run", help="The run's name; the same name resumes it.")] = None,
    rater: Annotated[
        str | None,
        typer.Option("--rater", metavar="ID", help="Who reads, with --grader human (default: your login name)."),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option("--concurrency", min=1, max=4096, help="Most calls in flight; a model is asked by 16 at first."),
    ] = 64,
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
    requests_per_minute: Annotated[
        float | None, typer.Option("--requests-per-minute", min=0.001, help="Most requests a minute to an endpoint.")
    ] = None,
    tokens_per_minute: Annotated[
        float | None, typer.Option("--tokens-per-minute", min=1, help="Most tokens a minute, read and written.")
    ] = None,
    warm_first: Annotated[
        bool,
        typer.Option(
            "--warm-first/--no-warm-first",
            help="Wait for an answer's first call before its others go out, so that they find its prompt cached.",
        ),
    ] = True,
    batch: Annotated[
        bool,
        typer.Option("--batch", help="Ask models by their providers' batch endpoints: half the price, within a day."),
    ] = False,
    prompt: Annotated[
        Path | None, typer.Option("--prompt", metavar="FILE", help="A prompt of your own for model graders.")
    ] = None,
    reply: Annotated[
        str, typer.Option("--reply", metavar="FORM", help="How the judge replies: markscheme or healthbench.")
    ] = "markscheme",
    prices: Annotated[
        Path | None,
        typer.Option("--prices", metavar="FILE", help="What models cost (default: what MARKSCHEME_PRICES names)."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and ask no one.")] = False,
    score_by: ScoreBy = None,
    by: By = "model",
    consensus: Consensus = None,
    min_coverage: MinCoverage = 0.98,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the bootstrap.")] = 0,
    healthbench: HealthBench = False,
    rubrics: RubricDir = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Grade answers, keep every judgment, and print scores. Repeated, it asks only for what is missing."""
    from api.batch import BatchRequest
    from api.cli.grade import GradeRequest, run_grade
    from graders import GraderOptions, ScoringOptions

    options = GraderOptions(
        criteria_per_call=_criteria_per_call(criteria_per_call),
        api_key_env=api_key_env,
        max_replies=max_replies,
        max_faults=max_faults,
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        warm_first=warm_first,
        batch=batch,
        prompt=prompt,
        reply=reply,
        prices=prices,
    )
    request = GradeRequest(
        batch=BatchRequest(dataset, answers, graders, run, rubrics, options, repeats, _rater(rater, graders)),
        store=store,
        concurrency=concurrency,
        budget=budget,
        scoring=ScoringOptions(score_by, consensus, min_coverage, seed, healthbench),
        by=_tables(by),
        dry_run=dry_run,
        as_json=as_json,
    )
    raise typer.Exit(run_grade(request))


app.command()(answer)


@app.command()
def score(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Examples with their rubrics.")],
    answers: Annotated[Path, typer.Argument(metavar="ANSWERS", help="Answers, one JSON object a line.")],
    judgments: Annotated[
        list[Path] | None, typer.Argument(metavar="JUDGMENTS", help="Judgments, one JSON object a line.")
    ] = None,
    score_by: ScoreBy = None,
    by: By = "model",
    consensus: Consensus = None,
    min_coverage: MinCoverage = 0.98,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the bootstrap.")] = 0,
    healthbench: HealthBench = False,
    rubrics: RubricDir = None,
    as_json: AsJson = False,
) -> None:
    """Score files of judgments, with no store. Criteria with a check are judged on the way."""
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
    consensus: Consensus = None,
    min_coverage: MinCoverage = 0.98,
    store: StoreUrl = None,
) -> None:
    """Write a run as a Hugging Face dataset. It holds a card, scores, judgments, examples and rubrics."""
    from api.cli.export import run_export
    from graders import ScoringOptions

    options = ScoringOptions(score_by=score_by, consensus=consensus, min_coverage=min_coverage)
    run_export(run, folder, options=options, store=store)


@app.command()
def new(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to write (default: ID.rubric.json).")
    ] = None,
    rubric_id: Annotated[str | None, typer.Option("--id", help="Names the rubric.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="A heading for people.")] = None,
    domain: Annotated[str | None, typer.Option("--domain", help="The field of work, such as medicine or law.")] = None,
    criteria: Annotated[
        list[str] | None,
        typer.Option(
            "--criterion", metavar="POINTS: STATEMENT", help="A criterion; repeat for several, and nothing is asked."
        ),
    ] = None,
    must_haves: Annotated[
        list[str] | None,
        typer.Option(
            "--must-have", metavar="NUMBER|ID", help="A criterion (the first is 1) without which an answer scores 0."
        ),
    ] = None,
) -> None:
    """Write a rubric by answering a few questions. With --criterion nothing is asked."""
    from api.cli.draft import NewRubric
    from api.cli.new import run_new

    given = NewRubric(rubric_id, title, domain, tuple(criteria or ()), tuple(must_haves or ()))
    raise typer.Exit(run_new(file, given))


@app.command()
def preview(
    rubric: Annotated[Path, typer.Argument(metavar="RUBRIC", help="The rubric's file.")],
    example: Annotated[
        str | None, typer.Option("--example", metavar="DATASET:ID", help="Show the judge's prompt with this example.")
    ] = None,
    prompt: Annotated[bool, typer.Option("--prompt", help="Show what a judge is sent.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a rubric can score, before anyone answers. With --prompt, what a judge is sent, too."""
    from api.cli.preview import run_preview

    raise typer.Exit(run_preview(rubric, example=example, prompt=prompt, as_json=as_json))


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A rubric, a dataset, or a folder of rubrics.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The same, later.")],
    as_json: AsJson = False,
) -> None:
    """Tell what changed, and which judgments stay valid. Between two rubrics, datasets or folders of rubrics."""
    from api.cli.diff import run_diff

    raise typer.Exit(run_diff(old, new, as_json=as_json))


def _criteria_per_call(written: str) -> int | Literal["all"]:
    if written == "all":
        return "all"
    if written.isdecimal() and int(written) >= 1:
        return int(written)
    raise typer.BadParameter("expected a number from 1 up, or all", param_hint="--criteria-per-call")


def _rater(given: str | None, graders: list[str]) -> str | None:
    """Who reads: nobody where no person is asked, else who is named, however `ë` was typed, or the login name."""
    import getpass
    import unicodedata

    if "human" not in graders:
        if given is not None:
            raise typer.BadParameter("nobody reads without --grader human", param_hint="--rater")
        return None
    if given is not None:
        return unicodedata.normalize("NFC", given)
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise typer.BadParameter("your login name is not known, say who reads", param_hint="--rater") from None


def _tables(written: str) -> list[str]:
    names = [name.strip() for name in written.split(",") if name.strip()]
    for name in names:
        if name not in ("model", "tag", "grader"):
            raise typer.BadParameter(f"got {name!r}, expected any of model, tag, grader", param_hint="--by")
    return names
