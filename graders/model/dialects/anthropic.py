"""Anthropic's messages. The system prompt is a field of its own, and what may be cached is marked."""

from __future__ import annotations

from typing import Any

import orjson

from graders.model.completion import Completion, model_name, token_count
from graders.model.dialects.dialect import Request
from graders.model.material import json_inside
from graders.model.request import Rung
from graders.model.tally import Usage

VERSION = "2023-06-01"
"""The version of the interface, sent with every request."""

MAX_TOKENS = 4096
"""Most tokens of a reply where the user sets none: the interface wants a number."""

_CACHED = b'"cache_control":{"type":"ephemeral"}'
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class AnthropicDialect:
    """`POST {base_url}/messages`."""

    name = "anthropic"
    path = "/messages"

    def headers(self, key: str) -> dict[str, str]:
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}

    def body(self, request: Request) -> bytes:
        prompt = request.prompt
        material, form = prompt.material, request.form
        # What stands before the criteria is a block of its own, marked as the end of what is cached.
        first, *rest = material.user_json
        asked = json_inside(prompt.asked)
        later = asked + asked.join(rest) if rest else b""
        parts = [
            b'{"model":' + orjson.dumps(request.model),
            b'"max_tokens":%d' % (request.max_tokens or MAX_TOKENS),
        ]
        if material.system_json is not None:
            parts.append(b'"system":"%s"' % material.system_json)
        block = b'{"type":"text","text":"%s"%s}'
        blocks = [block % (first, b"," + _CACHED)] if first.strip() else []
        if later:
            blocks.append(block % (later if blocks else first + later, b""))
        messages = [b'{"role":"user","content":[%s]}' % b",".join(blocks), *map(orjson.dumps, prompt.repairs)]
        parts.append(b'"messages":[%s]' % b",".join(messages))
        if form.temperature is not None:
            parts.append(b'"temperature":' + orjson.dumps(form.temperature))
        if form.rung == Rung.JSON_SCHEMA:
            schema = orjson.dumps(orjson.loads(request.schema)["schema"])
            parts.append(b'"output_config":{"format":{"type":"json_schema","schema":%s}}' % schema)
        if request.extra:
            parts.append(orjson.dumps(dict(request.extra))[1:-1])
        return b",".join(parts) + b"}"

    def parse(self, body: bytes) -> Completion | None:
        try:
            value = orjson.loads(body)
            blocks = value["content"]
            if value.get("type") != "message" or not isinstance(blocks, list):
                return None
            text = "".join(block["text"] for block in blocks if block["type"] == "text")
            reason = value.get("stop_reason")
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        if reason is not None and not isinstance(reason, str):
            return None
        finish_reason = None if reason is None else _FINISH_REASONS.get(reason, reason)
        return Completion(text, None, finish_reason, model_name(value.get("model")), _usage(value.get("usage")))


def _usage(usage: Any) -> Usage:
    """Here `input_tokens` counts only what came after the cached part; ours counts all that was read."""
    if not isinstance(usage, dict):
        return Usage()
    fresh = token_count(usage.get("input_tokens"))
    written = token_count(usage.get("cache_creation_input_tokens")) or 0
    cached = token_count(usage.get("cache_read_input_tokens"))
    read = None if fresh is None else fresh + written + (cached or 0)
    return Usage(read, token_count(usage.get("output_tokens")), cached)
