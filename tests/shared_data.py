"""Real data that is never copied into the repository: `MARKSCHEME_SHARED_DATA`, else `../shared/data`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def shared_data(name: str) -> Path:
    """The path of a file or folder of the real data; skips the test where it is absent.

    Call it inside the test, and mark the test `@pytest.mark.realdata`.
    """
    named = os.environ.get("MARKSCHEME_SHARED_DATA")
    path = (Path(named) if named else REPOSITORY.parent / "shared" / "data") / name
    if not path.exists():
        pytest.skip("real data not here: set MARKSCHEME_SHARED_DATA")
    return path
