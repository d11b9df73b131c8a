"""A dataset's own JSON Schema for `metadata`, with its patterns matched in linear time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
import re2
import referencing
import referencing.exceptions

from rubrics.example import Example

_PLAIN = jsonschema.Draft202012Validator


def pattern_problems(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(JSON path within the schema, message) of everything in it that cannot be matched in linear time."""
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("regex", raises=re2.error)(_is_pattern)
    for error in _PLAIN(_PLAIN.META_SCHEMA, format_checker=checker).iter_errors(schema):
        if error.validator == "format":
            yield error.json_path, f"got {error.instance!r}, expected a pattern of RE2: {_reason(error.cause)}"
    places = [*_places(schema, "$", "unevaluatedProperties")]
    if places and any(_places(schema, "$", "patternProperties")):
        message = "expected no `unevaluatedProperties` in a schema with `patternProperties`: use `additionalProperties`"
        yield places[0], message


def linear_validator(schema: Mapping[str, Any]) -> Any:
    """A validator of JSON Schema 2020-12 whose patterns are RE2's: no schema without `pattern_problems` makes it hang.

    Remote references are not fetched. Raises re2.error while validating where a pattern is none of RE2's.
    """
    keywords = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    linear = jsonschema.validators.extend(_PLAIN, keywords)
    evolve = linear.evolve

    def stay_linear(validator: Any, **changes: Any) -> Any:
        """A part that names its `$schema` would be validated by that draft's own keywords, `re` and all."""
        part = changes.get("schema", validator.schema)
        if isinstance(part, Mapping):
            changes["schema"] = {key: value for key, value in part.items() if key != "$schema"}
        return evolve(validator, **changes)

    linear.evolve = stay_linear
    return linear(schema, registry=referencing.Registry())


def metadata_rule(schema: Mapping[str, Any]) -> Callable[[Example], Iterator[tuple[str, str]]]:
    """What a schema without `pattern_problems` finds wrong with an example's metadata: (JSON path, message) of each."""
    validator = linear_validator(schema)

    def problems(example: Example) -> Iterator[tuple[str, str]]:
        try:
            for error in validator.iter_errors(example.metadata):
                yield "$.metadata" + error.json_path[1:], f"{error.message} (from the dataset's metadata_schema)"
        except re2.error as error:
            yield "$.metadata", f"the dataset's metadata_schema cannot be used: no pattern of RE2: {_reason(error)}"
        except RecursionError:
            yield "$.metadata", "the dataset's metadata_schema cannot be used: it refers to itself without end"
        except referencing.exceptions.Unresolvable as error:
            yield "$.metadata", f"the dataset's metadata_schema cannot be used: {error}"

    return problems


def _reason(error: BaseException | None) -> str:
    """What RE2 says is wrong with a pattern."""
    said = error.args[0] if error is not None and error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _places(value: Any, path: str, keyword: str) -> Iterator[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, part in items:
        place = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
        if key == keyword:
            yield place
        yield from _places(part, place, keyword)


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _is_pattern(value: object) -> bool:
    return not isinstance(value, str) or _compiled(value) is not None


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


def _pattern(validator: Any, pattern: str, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if validator.is_type(value, "string") and not _matches(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], value: Any, schema: Mapping[str, Any]) -> Any:
    if not validator.is_type(value, "object"):
        return
    for pattern, rule in patterns.items():
        for key, item in value.items():
            if _matches(pattern, key):
                yield from validator.descend(item, rule, path=key, schema_path=pattern)


def _additional_properties(validator: Any, rule: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """The plain keyword, on what no pattern takes."""
    if not validator.is_type(value, "object"):
        return
    patterns = schema.get("patternProperties", {})
    rest = {key: item for key, item in value.items() if not any(_matches(pattern, key) for pattern in patterns)}
    without = {key: part for key, part in schema.items() if key != "patternProperties"}
    yield from _PLAIN.VALIDATORS["additionalProperties"](validator, rule, rest, without) or ()
