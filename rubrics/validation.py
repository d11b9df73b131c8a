"""Turns what pydantic found into mistakes with a JSON path, the value found and what was expected."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Tag, ValidationError

from rubrics.errors import Mistake
from rubrics.json_text import Unreadable, child_path
from rubrics.model import did_you_mean, show

_EXPECTED = {
    "string_type": "text in double quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "model_or_dataclass_type": "an object",
    "missing_argument": "a value",
}


def mistakes_of(
    error: ValidationError, model: type[BaseModel], *, file: str, line: int | None = None
) -> Iterator[Mistake]:
    """The mistakes of one ValidationError of `model`, placed in a file (and line)."""
    seen: set[tuple[str, str]] = set()
    for found in error.errors(include_url=False):
        path, owner = json_path(model, found["loc"])
        if found["type"] == "union_tag_invalid":
            path += ".type"
        message = _message(found, owner)
        if (path, message) not in seen:
            seen.add((path, message))
            yield Mistake(file, message, path, line)


def json_path(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[str, type[BaseModel] | None]:
    """The JSON path of an error's place, and the model whose field stands there.

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
    return path, owner


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
        hint = did_you_mean(found["loc"][-1], _field_names(owner)) if owner else ""
        return f"unknown field {str(found['loc'][-1])!r}{hint}"
    if kind == "missing":
        name = str(found["loc"][-1])
        field = owner.model_fields.get(name) if owner else None
        meaning = field.description if field is not None and field.description else ""
        return f"missing, expected {name!r}" + (f": {meaning[0].lower()}{meaning[1:]}".rstrip(".") if meaning else "")
    if isinstance(value, Unreadable):
        return f"got {value!r}, expected a finite number"
    if kind in ("literal_error", "union_tag_invalid", "enum"):
        expected = str(context.get("expected") or context.get("expected_tags") or "")
        if kind == "union_tag_invalid":
            value = context.get("tag")
        names = [name.strip(" '\"") for name in expected.replace(" or ", ", ").split(",")]
        hint = did_you_mean(value, names) if isinstance(value, str) else ""
        return f"got {show(value)}, expected {expected.replace(', or', ' or')}{hint if hint.startswith(',') else ''}"
    if kind == "union_tag_not_found":
        return "expected a field 'type' that names the scale: binary, ordinal, nominal, number or count"
    if kind == "string_pattern_mismatch":
        return f"got {show(value)}, expected {_pattern_words(str(context.get('pattern', '')))}"
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
    if text.startswith("expected") and value is not None and not isinstance(value, dict):
        return f"got {show(value)}, {text}"
    return text


def _pattern_words(pattern: str) -> str:
    if "A-Za-z0-9" in pattern:
        return "only letters, digits and . _ : -"
    if "x00-" in pattern:
        return "text without control characters"
    return "text that is not blank"
