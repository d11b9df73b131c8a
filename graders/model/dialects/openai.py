"""OpenAI's chat completions, which most servers speak."""

from __future__ import annotations

from typing import Any

import orjson

from graders.model.completion import Completion, Token, model_name, token_count
from graders.model.dialects.dialect import Request
from graders.model.material import json_inside
from graders.model.request import Rung
from graders.model.tally import Usage

TOP_LOGPROBS = 5
"""How many alternatives to each token are asked for."""


class OpenAIDialect:
    """`POST {base_url}/chat/completions`."""

    name = "openai"
    path = "/chat/completions"

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, request: Request) -> bytes:
        # Joined from pieces that were escaped once an answer: most of a body is the same in all its calls.
        prompt = request.prompt
        material = prompt.material
        parts = [b'{"model":', orjson.dumps(request.model), b',"messages":[']
        if material.system_json is not None:
            parts += [b'{"role":"system","content":"', material.system_json, b'"},']
        parts += [b'{"role":"user","content":"', json_inside(prompt.asked).join(material.user_json), b'"}']
        for message in prompt.repairs:
            parts += [b",", orjson.dumps(message)]
        parts += [b"]", self._options(request), b"}"]
        return b"".join(parts)

    def parse(self, body: bytes) -> Completion | None:
        try:
            value = orjson.loads(body)
            choice = value["choices"][0]
            message = choice["message"]
            text, refusal = message.get("content"), message.get("refusal")
            finish_reason = choice.get("finish_reason")
            logprobs = choice.get("logprobs")
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        if not all(part is None or isinstance(part, str) for part in (text, refusal, finish_reason)):
            return None
        return Completion(
            text or "",
            refusal,
            finish_reason,
            model_name(value.get("model")),
            _usage(value.get("usage")),
            () if logprobs is None else _tokens(logprobs),
        )

    def _options(self, request: Request) -> bytes:
        form = request.form
        parts = []
        if form.temperature is not None:
            parts.append(b',"temperature":%s' % orjson.dumps(form.temperature))
        if request.max_tokens is not None:
            name = b"max_completion_tokens" if form.newer_max_tokens else b"max_tokens"
            parts.append(b',"%s":%d' % (name, request.max_tokens))
        if form.logprobs:
            parts.append(b',"logprobs":true,"top_logprobs":%d' % TOP_LOGPROBS)
        if form.rung == Rung.JSON_SCHEMA:
            parts.append(b',"response_format":{"type":"json_schema","json_schema":%s}' % request.schema)
        elif form.rung == Rung.JSON_OBJECT:
            parts.append(b',"response_format":{"type":"json_object"}')
        if request.extra:
            parts.append(b"," + orjson.dumps(dict(request.extra))[1:-1])
        return b"".join(parts)


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(
        token_count(usage.get("prompt_tokens")), token_count(usage.get("completion_tokens")), token_count(cached)
    )


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    """The tokens with their likeliest alternatives; empty where they are not as they should be."""
    try:
        return tuple(
            Token(
                entry["token"],
                {other["token"]: float(other["logprob"]) for other in [*(entry.get("top_logprobs") or ()), entry]},
            )
            for entry in logprobs["content"]
        )
    except (LookupError, TypeError, ValueError):
        return ()
