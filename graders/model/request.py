"""The body of a request, and how it becomes simpler where an endpoint does not take all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import orjson

from graders.model.prompt import ChatMessage
from rubrics import Criterion


class Rung(IntEnum):
    """How much of a reply's shape the endpoint is asked to hold to, strictest first."""

    JSON_SCHEMA = 0
    JSON_OBJECT = 1
    PLAIN = 2


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What is sent beside the messages."""

    rung: Rung = Rung.JSON_SCHEMA
    temperature: float | None = 0.0
    """None sends none: some endpoints refuse any."""

    def simpler(self, *, temperature_refused: bool) -> RequestForm | None:
        """The next form to try after a refused request; None where nothing is left to leave out."""
        if temperature_refused and self.temperature is not None:
            return replace(self, temperature=None)
        if self.rung < Rung.PLAIN:
            return replace(self, rung=Rung(self.rung + 1))
        return None

    def simplest(self, other: RequestForm) -> RequestForm:
        """What neither of two forms found too much; calls side by side learn in any order."""
        refuses_temperature = self.temperature is None or other.temperature is None
        return RequestForm(max(self.rung, other.rung), None if refuses_temperature else self.temperature)

    def body(self, model: str, messages: Sequence[ChatMessage], criteria: Sequence[Criterion]) -> bytes:
        """The JSON of a chat completion request."""
        body: dict[str, Any] = {"model": model, "messages": messages}
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.rung == Rung.JSON_SCHEMA:
            body["response_format"] = {"type": "json_schema", "json_schema": reply_schema(criteria)}
        elif self.rung == Rung.JSON_OBJECT:
            body["response_format"] = {"type": "json_object"}
        return orjson.dumps(body)


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
