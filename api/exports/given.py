"""Which optional fields a row spelled out: `sample value=5`, so that a file read back says what the source said.

A column always holds the value that counts, the default where the source said nothing. `given` names the optional
fields that it did say, and has the exact spelling where the column cannot: `value=5` (not 5.0), `canary=null`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """A `given` text, parsed."""

    names: frozenset[str]
    exact: Mapping[str, Any]
    """Values that stand in for the column's."""


@lru_cache(maxsize=4096)
def given_text(names: frozenset[str], spelled: tuple[tuple[str, int | None], ...] = ()) -> str:
    """The text of names and of values to be kept as spelled.

    >>> given_text(frozenset({"sample", "use"}), (("value", 5), ("canary", None)))
    'canary=null sample use value=5'
    """
    exact = {name: f"{name}={json.dumps(value)}" for name, value in spelled}
    return " ".join(sorted([*(name for name in names if name not in exact), *exact.values()]))


@lru_cache(maxsize=4096)
def parse_given(text: str) -> Given:
    """The names and values of a `given` text; ValueError where it is none."""
    names: set[str] = set()
    exact: dict[str, Any] = {}
    for part in text.split():
        name, equals, literal = part.partition("=")
        names.add(name)
        if equals:
            value = json.loads(literal)
            if value is not None and type(value) is not int:
                raise ValueError(f"{literal!r} is no whole number")
            exact[name] = value
    return Given(frozenset(names), exact)
