"""The command `markscheme`: the same functions as the API, for a terminal."""

from api.cli.app import main

__all__ = ["main"]
