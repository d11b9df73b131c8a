"""`markscheme new`: a few questions, and a rubric that passes `check`; or the same from options, with no question."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from api.cli.draft import (
    EXAMPLE,
    MUST_HAVE,
    SCHEMA,
    Draft,
    NewRubric,
    draft_from_options,
    kebab,
    mistakes_in,
    parse_points,
    put_first,
)
from api.cli.exit_code import ExitCode
from rubrics import RUBRIC_SUFFIX, InputError, Mistake, Mistakes

Ask = Callable[[str], str]
"""Puts a question and returns the answer; EOFError or KeyboardInterrupt where the author leaves."""


def run_new(path: Path | None, given: NewRubric, *, ask: Ask | None = None) -> ExitCode:
    """Write a rubric and, where none is there, its schema beside it; what exists is never overwritten."""
    if path is not None:
        path = _file_for(path)
        refuse_taken(path)
    if given.criteria:
        draft = draft_from_options(given, path)
    else:
        _refuse_wrong_options(given)
        try:
            draft = Questions(ask or ask_terminal, given, path).draft()
        except (EOFError, KeyboardInterrupt):
            typer.echo("\nstopped: nothing was written", err=True)
            return ExitCode.STOPPED
    target = path or Path(f"{kebab(draft.raw['id']) or 'rubric'}{RUBRIC_SUFFIX}")
    try:
        refuse_taken(target)
        mistakes_in(draft.raw, str(target)).raise_if_any()
        wrote_schema = save_rubric(draft.raw, target)
    except InputError:
        if not given.criteria:  # what was typed is not lost
            typer.echo(render_raw(draft.raw))
        raise
    if not given.criteria:
        typer.echo()
    for line in _closing(draft.raw, target, wrote_schema=wrote_schema):
        typer.echo(line)
    return ExitCode.DONE


def _refuse_wrong_options(given: NewRubric) -> None:
    """InputError where an option is wrong, before the first question."""
    mistakes = Mistakes()
    for name, value in (("id", given.id), ("title", given.title), ("domain", given.domain)):
        if value is not None and (problem := Draft().problem(name, value)) is not None:
            mistakes.add(f"--{name}", problem)
    if given.must_haves:
        mistakes.add("--must-have", "goes with --criterion; without one, must-haves are asked for")
    mistakes.raise_if_any()


def _file_for(path: Path) -> Path:
    """The file that was meant: a bare name gets the ending that datasets look for."""
    if path.is_dir():
        raise InputError(Mistake(str(path), "this is a folder, expected a file to write"))
    if not path.suffix:
        path = path.with_name(path.name + RUBRIC_SUFFIX)
    if not path.name.endswith(RUBRIC_SUFFIX) or path.name == RUBRIC_SUFFIX:
        raise InputError(Mistake(str(path), f"expected a name that ends in {RUBRIC_SUFFIX}"))
    if not path.parent.is_dir():
        raise InputError(Mistake(str(path), f"there is no folder {str(path.parent)!r}"))
    return path


def refuse_taken(path: Path) -> None:
    """InputError where something is there already."""
    if path.exists() or path.is_symlink():
        raise InputError(Mistake(str(path), "is there already and stays as it is, expected a new name"))


class Questions:
    """The conversation with the author: what is wrong with an answer is told at once, and asked again."""

    def __init__(self, ask: Ask, given: NewRubric, path: Path | None) -> None:
        self._ask = ask
        self._given = given
        self._path = path
        self._draft = Draft()

    def draft(self) -> Draft:
        """Ask everything and return the draft."""
        typer.echo("A new rubric. Enter alone takes what stands in brackets; Ctrl-C leaves, and nothing is written.\n")
        self._names()
        typer.echo(
            "\nCriteria, one after another. Each is one statement about the answer that is met or not met, such as\n"
            f'"{EXAMPLE.partition(": ")[2]}". Its points are what it earns. Enter alone ends the list.'
        )
        while self._criterion(fault=False) or self._lacks():
            pass
        self._must_haves()
        typer.echo('\nFaults, such as "Names a drug dose that no one asked for". A fault costs points when it is met.')
        while self._criterion(fault=True):
            pass
        return self._draft

    def _names(self) -> None:
        title = self._given.title or self._until_right("Title", lambda text: self._draft.problem("title", text))
        suggested = self._path.name.removesuffix(RUBRIC_SUFFIX) if self._path else kebab(title)
        rubric_id = self._given.id or self._until_right("Id", self._id_problem, otherwise=suggested)
        domain = self._given.domain
        if domain is None:
            question = "Domain, such as medicine or law (may stay empty)"
            domain = self._until_right(question, lambda text: self._draft.problem("domain", text))
        fields = {"id": rubric_id, "title": title, "domain": domain}
        put_first(self._draft, {name: value for name, value in fields.items() if value})

    def _id_problem(self, text: str) -> str | None:
        if (problem := self._draft.problem("id", text)) is not None or self._path is not None:
            return problem
        target = Path(f"{kebab(text) or 'rubric'}{RUBRIC_SUFFIX}")
        return f"{target} is there already and stays as it is, expected a new name" if target.exists() else None

    def _criterion(self, *, fault: bool) -> bool:
        """One more criterion; False where the author ends the list."""
        draft = self._draft
        number = len(draft.criteria) + 1
        what = "Fault" if fault else f"Criterion {number}"

        def statement_problem(text: str) -> str | None:
            return draft.criterion_problem("criterion", text) if text else None

        statement = self._until_right(f"\n{what}{'' if number == 1 else ' (Enter: no more)'}", statement_problem)
        if not statement:
            return False

        def points_problem(text: str) -> str | None:
            return draft.criterion_problem("points", parse_points(text) if text else None)

        points = parse_points(self._until_right("  Points it costs" if fault else "  Points", points_problem))
        if fault:
            points = -abs(points)
        criterion_id = self._until_right(
            "  Id", lambda text: draft.criterion_problem("id", text), otherwise=draft.suggested_id(statement)
        )

        def tag_problem(text: str) -> str | None:
            return draft.criterion_problem("tags", [text]) if text else None

        tag = self._until_right("  Tag, such as axis:safety (may stay empty)", tag_problem)
        criterion = {"id": criterion_id, "criterion": statement, "points": points}
        draft.criteria.append({**criterion, "tags": [tag]} if tag else criterion)
        return True

    def _lacks(self) -> bool:
        """Whether the list cannot end yet; says why."""
        problem = self._draft.whole_problem()
        if problem is not None:
            typer.echo(f"  {problem}")
        return problem is not None

    def _must_haves(self) -> None:
        earning = [(place, one) for place, one in enumerate(self._draft.criteria, start=1) if one["points"] > 0]
        listed = "  ".join(f"{place} {criterion['id']}" for place, criterion in earning)
        typer.echo("\nA must-have: without it the whole answer scores at most 0, whatever else is in it.")
        typer.echo(listed)

        def problem(text: str) -> str | None:
            found = (self._draft.find(name) for name in _split(text))
            return next((one for one in found if isinstance(one, str)), None)

        for name in _split(self._until_right("Must-haves, by number (may stay empty)", problem)):
            found = self._draft.find(name)
            assert not isinstance(found, str)
            found["gate"] = dict(MUST_HAVE)

    def _until_right(self, question: str, problem: Callable[[str], str | None], *, otherwise: str = "") -> str:
        offered = f" [{otherwise}]" if otherwise else ""
        while True:
            answer = self._ask(f"{question}{offered}: ").strip() or otherwise
            if (found := problem(answer)) is None:
                return answer
            typer.echo(f"  {found}")
            question = question.lstrip("\n")


def _split(text: str) -> list[str]:
    return [name for name in re.split(r"[\s,]+", text) if name]


def ask_terminal(question: str) -> str:
    """Ask on the terminal, with the line's editing keys where there is one."""
    if sys.stdin is None:  # as a shell closes it: nobody is there to answer
        raise EOFError
    if sys.stdin.isatty():
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (input() then knows arrows and history)
    try:
        return input(question)
    except UnicodeDecodeError:
        raise InputError(Mistake("the terminal", "got bytes that are no text in UTF-8, nothing was written")) from None


def save_rubric(raw: dict[str, Any], target: Path) -> bool:
    """Write the rubric whole or not at all, and the schema beside it; returns whether the schema was written too."""
    from api.cli.schema import render_schema

    schema = target.parent / SCHEMA
    wrote_schema = not schema.exists()
    if wrote_schema:
        _write_new(schema, render_schema("rubric") + "\n")
    try:
        _write_new(target, render_raw(raw) + "\n")
    except BaseException as error:
        if wrote_schema:
            schema.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            refuse_taken(target)
        raise
    return wrote_schema


def render_raw(raw: dict[str, Any]) -> str:
    """The rubric's file."""
    return json.dumps(raw, ensure_ascii=False, indent=2)


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as handle:
            try:
                handle.write(text)
                handle.flush()
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError:
        raise
    except OSError as error:
        raise InputError(Mistake(str(path), f"cannot be written: {error.strerror}")) from None


def _closing(raw: dict[str, Any], target: Path, *, wrote_schema: bool) -> Iterator[str]:
    criteria: Sequence[dict[str, Any]] = raw["criteria"]
    beside = f" (and {SCHEMA}, so that your editor completes)" if wrote_schema else ""
    yield f"wrote {target}: {len(criteria)} criteri{'on' if len(criteria) == 1 else 'a'}{beside}"
    yield "Next"
    name = str(target) if re.fullmatch(r"[\w./-]+", str(target)) else f"'{target}'"
    yield f"  markscheme preview {name}          what it can score, and what a judge is sent"
    yield f"  markscheme check --watch {name}    advice on the wording, anew whenever you save the file"
