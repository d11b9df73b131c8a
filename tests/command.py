"""Runs the command in this process, as a shell would see it."""

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest.mock import patch

from api.cli import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def markscheme(*arguments: object) -> Result:
    """Exit code, standard output and standard error of `markscheme ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        patch.object(sys, "argv", ["markscheme", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    return Result(int(code), out.getvalue(), err.getvalue())
