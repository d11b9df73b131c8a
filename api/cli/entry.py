"""The entry point of the command: what is wrong is told line by line, and a closed pipe or a full disk is no crash."""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import sys

import typer

from api.cli.app import app
from api.cli.exit_code import ExitCode
from api.cli.visible import visible
from rubrics import EvalError, InputError


def main() -> None:
    """The entry point: what is wrong with the input is told line by line, never as a traceback."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors=_ESCAPED)
    try:
        try:
            app()
        finally:
            if out is not None:
                out.flush()
    except InputError as error:
        for mistake in error.mistakes:
            typer.echo(visible(str(mistake)), err=True)
        sys.exit(ExitCode.WRONG_INPUT)
    except EvalError as error:
        typer.echo(visible(str(error)), err=True)
        sys.exit(ExitCode.WRONG_INPUT)
    except OSError as error:
        _drop(out)
        if error.errno == errno.EPIPE:
            sys.exit(_READER_LEFT)
        place = "the output cannot be written" if error.filename is None else str(error.filename)
        typer.echo(f"{place}: {error.strerror or error}", err=True)
        sys.exit(ExitCode.WRONG_INPUT)
    except SystemExit:
        if sys.stdout is not out:  # how typer says that the reader has left: it puts a stand-in here
            _drop(out)
            sys.exit(_READER_LEFT)
        raise


_READER_LEFT = 141
"""What a shell sees of a program that was ended by a closed pipe."""


def _drop(stream: object) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's end does not fail over it once more."""
    if isinstance(stream, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


_ESCAPED = "markscheme.escaped"


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Characters that the output's encoding lacks, as JSON writes them: nothing is lost, and JSON stays JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_ESCAPED, _escape)
