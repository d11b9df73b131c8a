"""The base of every domain object, and the few value types that several of them share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from rubrics.json_text import text_problem


class Model(BaseModel):
    """Frozen, refuses unknown fields, and takes no value for another (`false` is no number, `"5"` neither)."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )

    def as_json(self) -> dict[str, Any]:
        """The object as JSON values, only the fields that were set: what a file holds."""
        return self.model_dump(mode="json", exclude_unset=True)


def problem(kind: str, message: str) -> PydanticCustomError:
    """A validation error with our own words (braces in the text are no template)."""
    return PydanticCustomError(kind, "{text}", {"text": message})


def problem_at(loc: tuple[int | str, ...], value: Any, message: str) -> InitErrorDetails:
    """One line of a ValidationError, placed at `loc`."""
    return InitErrorDetails(type=problem("rule", message), loc=loc, input=value)


def raise_problems(title: str, problems: Iterable[InitErrorDetails]) -> None:
    """Raise all problems as one ValidationError; nothing happens when there are none."""
    if found := list(problems):
        raise ValidationError.from_exception_data(title, found)


def problems_of(error: ValidationError) -> list[InitErrorDetails]:
    """The lines of a ValidationError in the form that can be raised again, further out."""
    lines: list[InitErrorDetails] = []
    for line in error.errors(include_url=False):
        kind = PydanticCustomError(line["type"], "{text}", {**line.get("ctx", {}), "text": line["msg"]})
        lines.append(InitErrorDetails(type=kind, loc=line["loc"], input=line["input"]))
    return lines


def show(value: Any, *, limit: int = 60) -> str:
    """A value as a message shows it: short, on one line, in JSON's words for true, false and null."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 2] + "…" + text[-1:]


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """`, did you mean 'points'?` where one known name is near, else the known names where they are few."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if near:
        return f", did you mean {near[0]!r}?"
    if names and len(names) <= 24:
        return f" (known: {', '.join(names)})"
    return ""


_NUMERAL = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def _number(value: Any) -> Any:
    if type(value) is int or type(value) is float:
        try:
            finite = float(value) - float(value) == 0.0
        except OverflowError:
            finite = False
        if finite:
            return value
        raise problem("number", "expected a finite number")
    quoted = isinstance(value, str) and _NUMERAL.fullmatch(value)
    raise problem("number", f"expected a number{' without quotes' if quoted else ''}")


def _clean_text(value: str) -> str:
    if found := text_problem(value):
        raise problem("text", f"the text holds {found}")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise problem("blank", "expected text that is not blank")
    return value


Number = Annotated[
    float,
    PlainValidator(_number),
    PlainSerializer(lambda value: value, return_type=int | float),
    WithJsonSchema({"type": "number"}),
]
"""A finite number, kept as written (5 stays 5); booleans and texts are refused."""

Share = Annotated[Number, WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]
"""A number from 0 to 1 in the schema; the model that has one checks it in its own words."""

Text = Annotated[str, AfterValidator(_clean_text)]
"""Any text without NUL and without half surrogate pairs."""

WrittenText = Annotated[
    str,
    AfterValidator(_clean_text),
    AfterValidator(_not_blank),
    WithJsonSchema({"type": "string", "pattern": r"\S"}),
]
"""Text that is not blank."""

Id = Annotated[
    str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"), AfterValidator(_clean_text)
]
"""An id: any text of at most 512 characters without control characters."""

CriterionId = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
"""A criterion's or group's id: letters, digits, `.`, `_`, `:`, `-`, at most 128."""

MOST = 2**31 - 1
"""The greatest whole number: every table, file and language that gets one can hold it."""

WholeNumber = Annotated[int, Field(ge=0, le=MOST)]
"""A count, or a place counted from 0."""

Many = Field(strict=False)
"""Marks a tuple field that JSON's lists may fill; what is in the list stays strict."""


def at_least(count: int, what: str) -> tuple[AfterValidator, Any]:
    """Marks of a tuple field that holds `count` or more; pydantic's own `min_length` also counts the invalid ones."""

    def enough(value: Any) -> Any:
        if len(value) < count:
            raise problem("too_few", f"expected at least {what}")
        return value

    return AfterValidator(enough), Field(json_schema_extra={"minItems": count})


Metadata = dict[str, Any]
"""Free JSON, where an outside format's own fields live."""
