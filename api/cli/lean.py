"""What a command of its own process may leave out: nobody else's code runs in it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is left out here", name=fullname)


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection while the block lasts.

    A large batch is millions of objects and none of them garbage; looking through them again and again is wasted.
    """
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def collect_rarely() -> None:
    """Look for garbage a hundred times less often, and never among what is there by now.

    A run makes objects by the thousand that are gone a moment later, and hardly ever one that holds itself.
    """
    gc.freeze()
    gc.set_threshold(70_000, 20, 20)


@contextmanager
def without_pandas() -> Iterator[None]:
    """No pandas while the block lasts.

    pyarrow imports it wherever it is there (40 MB, half a second), to ask whether a list is one of its columns.
    """
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
