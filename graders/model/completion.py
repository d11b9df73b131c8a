"""A chat completion as an endpoint sends it, read into what a judge's call needs of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from graders.model.tally import Usage
from rubrics import GraderError


@dataclass(frozen=True, slots=True)
class Completion:
    """One reply of a model."""

    text: str = ""
    refusal: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    usage: Usage = field(default_factory=Usage)

    @property
    def problem(self) -> GraderError | None:
        """Why the reply is unusable whatever its text says; None where its text is to be read."""
        if self.refusal or self.finish_reason == "content_filter":
            return GraderError("refusal", "the model refused to judge")
        if self.finish_reason == "length":
            return GraderError("truncated", "the reply was cut off before its end, keep explanations short")
        if self.finish_reason not in (None, "stop"):
            return GraderError("parse", f"the reply ended with finish_reason {self.finish_reason[:40]!r}, not 'stop'")
        return None


def parse_completion(body: bytes) -> Completion | None:
    """The reply in a response's body; None where the body is no chat completion, whatever its status said."""
    try:
        value = orjson.loads(body)
        choice = value["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        finish_reason = choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if not all(part is None or isinstance(part, str) for part in (text, refusal, finish_reason)):
        return None
    return Completion(text or "", refusal, finish_reason, _name(value.get("model")), _usage(value.get("usage")))


def _name(model: Any) -> str | None:
    return model.replace("\x00", "") if isinstance(model, str) else None


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), _count(cached))


def _count(tokens: Any) -> int | None:
    is_count = isinstance(tokens, int) and not isinstance(tokens, bool) and 0 <= tokens < 2**53
    return tokens if is_count else None
