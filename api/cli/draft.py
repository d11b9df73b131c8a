"""A rubric in the making, from answers or from options; `check` says in its own words what is wrong with a part."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rubrics import RUBRIC_SUFFIX, Mistake, Mistakes, Rubric, did_you_mean, parse_row, show

SCHEMA = "rubric.schema.json"
_NUMBER = re.compile(r"([+\-−–]?)\s*(\d+)(\.\d+)?")
_FAINT_WORDS = frozenset(
    "a an the this that these those to of for in on at by with from as and or is are be was were it its his her their "
    "he she they person user writer reader answer tells says states asks names gives mentions explains advises "
    "recommends suggests makes has have does do any least".split()
)
_MOST_WORDS = 4
EXAMPLE = "10: Tells the person to call emergency services"
_FILLER: dict[str, Any] = {"id": "x", "criteria": [{"criterion": "x", "points": 1}]}
MUST_HAVE = {"when": "unmet", "cap": 0}


@dataclass(frozen=True, slots=True)
class NewRubric:
    """What the command line says; what it leaves open is asked."""

    id: str | None = None
    title: str | None = None
    domain: str | None = None
    criteria: tuple[str, ...] = ()
    """Each `POINTS: STATEMENT`; where there is one, nothing is asked."""
    must_haves: tuple[str, ...] = ()
    """Criteria by number (from 1) or id that cap the score at 0 where they are missed."""


@dataclass(slots=True)
class Draft:
    """A rubric in the making; each part is checked by the rules of `check`, and in its words, as it comes."""

    raw: dict[str, Any] = field(default_factory=lambda: {"$schema": SCHEMA, "version": "1", "criteria": []})

    @property
    def criteria(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.raw["criteria"]
        return found

    def problem(self, name: str, value: Any) -> str | None:
        """What `check` would say of a field of the rubric."""
        return _first(mistakes_in({**_FILLER, name: value}), f"$.{name}")

    def criterion_problem(self, name: str, value: Any) -> str | None:
        """What `check` would say of a field of the next criterion; None as the value leaves the field out."""
        filler = {"criterion": "x", "points": 1, name: value}
        candidate = {key: item for key, item in filler.items() if item is not None}
        path = f"$.criteria[{len(self.criteria)}].{name}"
        return _first(mistakes_in({**_FILLER, "criteria": [*self.criteria, candidate]}), path)

    def whole_problem(self) -> str | None:
        """What `check` would say of the list of criteria as a whole."""
        return _first(mistakes_in({**_FILLER, "criteria": self.criteria}), "$.criteria", whole=True)

    def suggested_id(self, statement: str) -> str:
        """An id from a statement's words, and another one where that is taken."""
        taken = {criterion.get("id") for criterion in self.criteria}
        base = kebab_of_statement(statement) or f"criterion-{len(self.criteria) + 1}"
        names = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)

    def find(self, written: str) -> dict[str, Any] | str:
        """The criterion of a number from 1 or an id; else what is wrong with it."""
        for number, criterion in enumerate(self.criteria, start=1):
            if written == criterion["id"] or (written == str(number) and criterion["points"] > 0):
                if criterion["points"] > 0:
                    return criterion
                return f"got {written!r}, which costs points, expected a criterion that earns points"
        known = [criterion["id"] for criterion in self.criteria if criterion["points"] > 0]
        return f"got {show(written)}, expected the number or the id of a criterion{did_you_mean(written, known)}"


def mistakes_in(raw: dict[str, Any], file: str = "rubric") -> Mistakes:
    """Everything that `check` would say of a rubric."""
    mistakes = Mistakes()
    parse_row(Rubric, raw, mistakes, file=file, line=None)
    return mistakes


def _first(mistakes: Iterable[Mistake], path: str, *, whole: bool = False) -> str | None:
    """The first message at a place, or within it; `whole` is at the place itself alone."""
    inside = () if whole else (f"{path}[", f"{path}.")
    return next((one.message for one in mistakes if one.path == path or one.path.startswith(inside)), None)


def kebab(text: str) -> str:
    """A text as an id: `Chest pain at home` is `chest-pain-at-home`; empty where no Latin letter is in it."""
    plain = unicodedata.normalize("NFKD", text.replace("'", "").replace("’", ""))
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    return "-".join(words)[:60].strip("-")


def kebab_of_statement(statement: str) -> str:
    """The first telling words of a statement as an id.

    >>> kebab_of_statement("Tells the person to call emergency services")
    'call-emergency-services'
    """
    words = kebab(statement).split("-")
    return "-".join(([word for word in words if word not in _FAINT_WORDS] or words)[:_MOST_WORDS])


def parse_points(written: str) -> Any:
    """The number that was written; what is no number stays text, for `check` to say so."""
    match = _NUMBER.fullmatch(written.strip())
    if match is None:
        return written
    value: int | float = float(match[2] + match[3]) if match[3] else int(match[2])
    return -value if match[1] in ("-", "−", "–") else value


def draft_from_options(given: NewRubric, path: Path | None) -> Draft:
    """The rubric that the options spell; InputError has every mistake in them."""
    draft, mistakes = Draft(), Mistakes()
    stem = path.name.removesuffix(RUBRIC_SUFFIX) if path is not None else ""
    rubric_id = given.id if given.id is not None else stem or kebab(given.title or "")
    if not rubric_id:
        mistakes.add("--id", "missing, expected '--id', '--title' or a file's name to name the rubric by")
    named = (("id", rubric_id or "x"), ("title", given.title), ("domain", given.domain))
    put_first(draft, {name: value for name, value in named if value is not None})
    places: list[int] = []
    for place, written in enumerate(given.criteria, start=1):
        before, colon, statement = written.partition(":")
        points = parse_points(before)
        if not colon or isinstance(points, str):
            what = f"got {show(written)}, expected 'POINTS: STATEMENT', such as {EXAMPLE!r}"
            mistakes.add(f"--criterion {place}", what)
            continue
        statement = statement.strip()
        draft.criteria.append({"id": draft.suggested_id(statement), "criterion": statement, "points": points})
        places.append(place)
    # What is left of a list of which some could not be read says nothing of the list as a whole.
    of_parts = [one for one in mistakes_in(draft.raw) if one.path != "$.criteria" or len(places) == len(given.criteria)]
    mistakes.extend(_at_option(one, places) for one in of_parts)
    for written in given.must_haves if not mistakes else ():
        found = draft.find(written)
        if isinstance(found, str):
            mistakes.add("--must-have", found)
        else:
            found["gate"] = dict(MUST_HAVE)
    mistakes.raise_if_any()
    return draft


def _at_option(mistake: Mistake, places: Sequence[int]) -> Mistake:
    """A mistake of `check` at the option that it comes from; `places` has the option of each criterion, from 1."""
    match = re.match(r"\$\.criteria\[(\d+)\]\.?", mistake.path)
    if match is not None:
        return Mistake(f"--criterion {places[int(match[1])]}", mistake.message, mistake.path[match.end() :])
    return Mistake("--" + mistake.path.removeprefix("$.").replace("criteria", "criterion"), mistake.message)


def put_first(draft: Draft, fields: dict[str, Any]) -> None:
    """Fields of the rubric before its version and criteria, as an author reads them."""
    schema, rest = draft.raw.pop("$schema"), dict(draft.raw)
    draft.raw.clear()
    draft.raw.update({"$schema": schema, **fields, **rest})
