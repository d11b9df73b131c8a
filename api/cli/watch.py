"""`markscheme check --watch`: checks, and again whenever a file changes, until Ctrl-C."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import typer

from api.cli.exit_code import ExitCode
from api.cli.stream import is_terminal
from api.cli.visible import visible
from rubrics import RUBRIC_SUFFIX, EvalError

PAUSE = 0.3
"""Seconds between two looks at the files."""
_SETTLE = 0.05
_CLEAR = "\x1b[2J\x1b[H"
"""The screen alone: what was above it is the author's and stays to be scrolled back to."""
_SUFFIXES = (".json", ".jsonl")

Stamp = tuple[int, ...] | None
Snapshot = dict[Path, Stamp]


def watch(
    paths: Sequence[Path],
    check: Callable[[], ExitCode],
    *,
    rubrics: Path | None = None,
    clear: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> ExitCode:
    """Run `check` now and after every change of a file that it reads; Ctrl-C ends with the last result."""
    code = ExitCode.STOPPED
    try:
        while True:
            # Taken before the check, so that what changes meanwhile is seen as a change.
            seen = take_snapshot(paths, rubrics)
            if clear:
                sys.stdout.write(_CLEAR)
            code = _checked(check)
            _tell(sum(stamp is not None for stamp in seen.values()))
            _wait_for_change(seen, lambda: take_snapshot(paths, rubrics), wait)
    except KeyboardInterrupt:
        typer.echo(err=True)
        return code


def _checked(check: Callable[[], ExitCode]) -> ExitCode:
    try:
        return check()
    except BrokenPipeError:
        raise
    except (EvalError, OSError) as error:  # a file that went away between two lines of the check
        typer.echo(visible(str(error)))
        return ExitCode.WRONG_INPUT


def _tell(files: int) -> None:
    if sys.stdout is not None:
        sys.stdout.flush()
    now = datetime.now().strftime("%H:%M:%S")
    typer.echo(f"checked {now}, watching {files:,} file{'s' * (files != 1)}; Ctrl-C ends", err=True)


def _wait_for_change(seen: Snapshot, look: Callable[[], Snapshot], wait: Callable[[float], None]) -> None:
    """Return once the files differ from `seen` and hold still: an editor may empty a file before it writes it."""
    while (now := look()) == seen:
        wait(PAUSE)
    while True:
        wait(_SETTLE)
        if (later := look()) == now:
            return
        now = later


def take_snapshot(paths: Sequence[Path], rubrics: Path | None = None) -> Snapshot:
    """Every file that a check of the paths reads, with a stamp that differs once it is written; None: not there."""
    return {path: _stamp(path) for given in paths for path in _read_for(given, rubrics)}


def _read_for(path: Path, rubrics: Path | None) -> Iterator[Path]:
    if path.is_dir():
        for folder, _, names in os.walk(path):
            yield from (Path(folder, name) for name in names if name.endswith(_SUFFIXES))
        places = []
    else:
        yield path
        places = [path.parent, path.parent / "rubrics"] if path.suffix == ".jsonl" else []
    for place in [*places, *([] if rubrics is None else [rubrics])]:
        yield from place.glob("*" + RUBRIC_SUFFIX)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def run_watch(paths: Sequence[Path], *, rubrics: Path | None, as_json: bool, all_advice: bool) -> ExitCode:
    """Watch and check; the screen is cleared only where there is one."""
    from api.cli.check import run_check

    def check() -> ExitCode:
        return run_check(paths, rubrics=rubrics, as_json=as_json, all_advice=all_advice)

    return watch(paths, check, rubrics=rubrics, clear=is_terminal(sys.stdout) and not as_json)
