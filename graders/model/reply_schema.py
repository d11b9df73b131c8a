"""The JSON Schema of a reply, for endpoints that hold a model to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rubrics import Criterion


def reply_schema(criteria: Sequence[Criterion]) -> dict[str, Any]:
    """The schema of a reply on these criteria, in the subset that strict structured output allows everywhere.

    Strict mode wants every key required and refuses alternatives that start with the same key, so what may be absent
    is null; which criterion takes which key is for the reply's parser to check.
    """
    statuses = ["judged", "abstained"]
    if any(criterion.may_not_apply for criterion in criteria):
        statuses.append("not_applicable")
    properties: dict[str, Any] = {
        "criterion": {"type": "string", "enum": [f"c{number}" for number in range(1, len(criteria) + 1)]},
        "explanation": {"type": "string"},
    }
    if any(criterion.evidence != "none" for criterion in criteria):
        properties["evidence"] = {"type": "array", "items": {"type": "string"}}
    properties["status"] = {"type": "string", "enum": statuses}
    for key, schema in _verdict_schemas(criteria).items():
        properties[key] = {"anyOf": [schema, {"type": "null"}]}
    entry = _closed_object(properties)
    schema = _closed_object({"verdicts": {"type": "array", "items": entry}})
    return {"name": "verdicts", "strict": True, "schema": schema}


def _verdict_schemas(criteria: Sequence[Criterion]) -> dict[str, dict[str, Any]]:
    """The keys that these criteria's scales need, each with the schema of what they take together."""
    labels: dict[str, None] = {}
    schemas: dict[str, dict[str, Any]] = {}
    for criterion in criteria:
        scale = criterion.scale
        if scale.type == "binary":
            schemas["met"] = {"type": "boolean"}
        elif scale.type == "number":
            schemas["value"] = {"type": "number"}
        elif scale.type == "count":
            schemas.setdefault("value", {"type": "integer"})
        else:
            labels.update(dict.fromkeys(option.label for option in scale.options))
            schemas["option"] = {"type": "string", "enum": list(labels)}
    return schemas


def _closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
