"""Where the shipped examples are: in the wheel beside this file, in a checkout at its top."""

from pathlib import Path


def examples_folder() -> Path:
    """The folder that holds the shipped examples, one folder each."""
    here = Path(__file__).resolve().parent
    shipped = here / "examples"
    return shipped if shipped.is_dir() else here.parent / "examples"
