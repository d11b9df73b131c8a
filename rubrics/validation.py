"""Turns what pydantic found into mistakes with a JSON path, the value found and what was expected."""

from __future__ import annotations

import difflib
import re
import types
import typing
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel, Tag, ValidationError

from rubrics.criterion import Criterion
from rubrics.errors import Mistake
from rubrics.json_text import Unreadable, child_path, text_problem
from rubrics.model import did_you_mean, show

_EXPECTED = {
    "string_type": "text in double quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list […]",
    "list_type": "a list […]",
    "dict_type": "an object {…}",
    "model_type": "an object {…}",
    "model_attributes_type": "an object {…}",
    "model_or_dataclass_type": "an object {…}",
    "missing_argument": "a value",
}


def mistakes_of(
    error: ValidationError, model: type[BaseModel], *, file: str, line: int | None = None
) -> Iterator[Mistake]:
    """The mistakes of one ValidationError of `model`, placed in a file (and line)."""
    seen: set[tuple[str, str]] = set()
    for found in error.errors(include_url=False):
        place = json_path(model, found["loc"])
        path = place.path
        if found["type"] in ("union_tag_invalid", "union_tag_not_found"):
            path = child_path(path, _discriminator(found))
        if found["type"] == "string_unicode":
            what = "a key" if place.is_model else "the text"
            message = f"{what} holds {text_problem(str(found['input']))}"
        else:
            message = _message(found, place.owner)
        if (path, message) not in seen:
            seen.add((path, message))
            yield Mistake(file, message, path, line)


class Place(NamedTuple):
    """Where an error stands in a file."""

    path: str
    owner: type[BaseModel] | None
    """The model whose field stands there."""
    is_model: bool
    """Whether a model stands there, rather than a plain value."""


def json_path(model: type[BaseModel], loc: tuple[int | str, ...]) -> Place:
    """The JSON path of an error's place, and what stands there.

    Pydantic puts the names of union members among the keys; they are no part of the file and are left out.
    """
    path = "$"
    owner: type[BaseModel] | None = None
    here: Any = model
    for part in loc:
        member = _union_member(here, part)
        if member is not None:
            here = member
            continue
        here = _sole(here)
        owner = here if isinstance(here, type) and issubclass(here, BaseModel) else None
        path = f"{path}[{part}]" if isinstance(part, int) else child_path(path, str(part))
        here = _inner(here, part)
    here = _sole(here)
    return Place(path, owner, isinstance(here, type) and issubclass(here, BaseModel))


def _strip(annotation: Any) -> Any:
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation


def _members(annotation: Any) -> list[Any]:
    annotation = _strip(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [member for member in typing.get_args(annotation) if member is not type(None)]
    return [annotation]


def _union_member(annotation: Any, part: int | str) -> Any | None:
    """The member of a tagged union that `part` names; None where `part` is an ordinary key."""
    members = _members(annotation)
    if len(members) < 2:
        return None
    for member in members:
        tags = [mark.tag for mark in getattr(member, "__metadata__", ()) if isinstance(mark, Tag)]
        if part in tags:
            return member
        bare = _strip(member)
        if isinstance(bare, type) and issubclass(bare, BaseModel) and "type" in bare.model_fields:
            literal = typing.get_args(bare.model_fields["type"].annotation)
            if part in literal:
                return bare
    return None


def _sole(annotation: Any) -> Any:
    members = _members(annotation)
    return _strip(members[0]) if len(members) == 1 else None


def _inner(annotation: Any, part: int | str) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if part in (name, field.alias):
                return typing.get_type_hints(annotation, include_extras=True)[name]
        return None
    if typing.get_origin(annotation) in (tuple, list):
        return typing.get_args(annotation)[0]
    return None


def _field_names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _message(found: Any, owner: type[BaseModel] | None) -> str:
    kind, value, context = found["type"], found["input"], found.get("ctx", {})
    text = str(found["msg"])
    if kind == "extra_forbidden":
        name = str(found["loc"][-1])
        hint = did_you_mean(name, _field_names(owner)) if owner else ""
        if owner is Criterion and not hint.startswith(",") and difflib.get_close_matches(name, ["children"]):
            hint = ", did you mean 'children'?"
        return f"unknown field {name!r}{hint}"
    if kind == "missing":
        name = str(found["loc"][-1])
        field = owner.model_fields.get(name) if owner else None
        meaning = field.description if field is not None and field.description else ""
        return f"missing, expected {name!r}" + (f": {meaning[0].lower()}{meaning[1:]}".rstrip(".") if meaning else "")
    if isinstance(value, Unreadable):
        return f"got {value!r}, expected a finite number"
    if kind in ("literal_error", "union_tag_invalid", "enum"):
        if kind == "union_tag_invalid":
            value = value.get(_discriminator(found))
        expected = str(context.get("expected") or context.get("expected_tags") or "")
        names = [name.strip(" '\"") for name in expected.replace(" or ", ", ").split(",")]
        hint = did_you_mean(value, names) if isinstance(value, str) else ""
        return f"got {show(value)}, expected {_one_of(names)}{hint if hint.startswith(',') else ''}"
    if kind == "union_tag_not_found":
        scales = ": binary, ordinal, nominal, number or count" if _discriminator(found) == "type" else ""
        return f"missing, expected {_discriminator(found)!r}{scales}"
    if kind == "string_pattern_mismatch":
        return f"got {show(value)}, expected {_pattern_words(str(context.get('pattern', '')), value)}"
    if kind == "string_too_long":
        return f"got {len(value)} characters, expected at most {context['max_length']}"
    if kind == "string_too_short":
        return "got empty text, expected at least one character"
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        bound = {
            "greater_than_equal": "at least",
            "less_than_equal": "at most",
            "greater_than": "above",
            "less_than": "below",
        }[kind]
        limit = next(value for key, value in context.items() if key in ("ge", "le", "gt", "lt"))
        return f"got {show(value)}, expected {bound} {limit}"
    if kind in _EXPECTED:
        return f"got {show(value)}, expected {_EXPECTED[kind]}"
    if text.startswith("expected") and not (kind == "rule" and value is None):
        return f"got {show(value)}, {text}"
    return text


def _discriminator(found: Any) -> str:
    return str(found["ctx"]["discriminator"]).strip("'")


def _one_of(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _pattern_words(pattern: str, value: str) -> str:
    if "A-Za-z0-9" in pattern:
        plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
        such = re.sub(r"[^A-Za-z0-9._:-]+", "-", plain).strip("-")
        return "only the letters A–Z and a–z, digits and . _ : -" + (f", such as {such!r}" if such else "")
    if "x00-" in pattern:
        return "text without control characters"
    return "text that is not blank"
