"""The command `markscheme`: the same functions as the API, for a terminal."""

from api.cli.entry import main

__all__ = ["main"]
