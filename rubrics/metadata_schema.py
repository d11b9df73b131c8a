"""A dataset's own JSON Schema for `metadata`, with its patterns matched in linear time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import re2
import referencing


def linear_validator(schema: Mapping[str, Any]) -> Any:
    """A validator of JSON Schema 2020-12 whose patterns are RE2's: no schema can make it hang.

    Remote references are not fetched. Raises re2.error while validating where a pattern is none of RE2's.
    """
    keywords = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "unevaluatedProperties": _unevaluated_properties,
    }
    linear = jsonschema.validators.extend(jsonschema.Draft202012Validator, keywords)
    return linear(schema, registry=referencing.Registry())


def _matches(pattern: str, text: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options).search(text) is not None


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
    if not validator.is_type(value, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, item in value.items():
        if key in named or any(_matches(pattern, key) for pattern in patterns):
            continue
        if rule is False:
            yield jsonschema.ValidationError(f"additional properties are not allowed ({key!r} was unexpected)")
        else:
            yield from validator.descend(item, rule, path=key)


def _unevaluated_properties(validator: Any, rule: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Only the plain case: what stands in the same schema; deeper ones would match patterns the slow way."""
    yield from _additional_properties(validator, rule, value, schema)
