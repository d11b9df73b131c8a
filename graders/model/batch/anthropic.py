"""Anthropic's Message Batches: all requests of a batch go in the call that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from graders.model.batch.provider import BatchState, RequestResult, Trouble, count, words
from graders.model.request import WORDS

_OVER = ("succeeded", "errored", "canceled", "expired")
_ERRORS: dict[str, Trouble] = {
    "invalid_request_error": "refused",
    "authentication_error": "denied",
    "billing_error": "denied",
    "permission_error": "denied",
    "not_found_error": "denied",
    "request_too_large": "denied",
}
_TROUBLES: dict[str, Trouble] = {"expired": "expired", "canceled": "cancelled"}


class AnthropicBatches:
    """`POST {base_url}/messages/batches`."""

    most_requests = 100_000
    most_bytes = 256_000_000
    content_type = "application/json"
    opening = b'{"requests":['
    between = b","
    closing = b"]}"
    upload: str | None = None
    batches = "/messages/batches"
    labels = False
    cursor = "after_id"

    def request(self, custom_id: str, body: bytes) -> bytes:
        return b'{"custom_id":"%s","params":%s}' % (custom_id.encode(), body)

    def creation(self, uploaded: Mapping[str, Any], token: str) -> bytes:
        raise AssertionError(f"nothing is uploaded ahead: {uploaded} {token}")

    def state(self, value: Mapping[str, Any]) -> BatchState | None:
        batch_id, told = value.get("id"), value.get("processing_status")
        if not (isinstance(batch_id, str) and batch_id and isinstance(told, str)):
            return None
        counts = value.get("request_counts")
        return BatchState(
            id=batch_id,
            phase="ended" if told == "ended" else "open",
            told=told,
            done=count(counts, _OVER),
            size=count(counts, ("processing", *_OVER)) or None,
            created_at=_seconds(value.get("created_at")),
            # Their own address of the results is not followed: the key goes to no address but the user's.
            paths=(f"{self.batches}/{batch_id}/results",),
        )

    def result(self, value: Mapping[str, Any]) -> RequestResult | None:
        custom_id, result = value.get("custom_id"), value.get("result")
        if not (isinstance(custom_id, str) and isinstance(result, dict)):
            return None
        kind = result.get("type")
        if kind == "succeeded":
            return RequestResult(custom_id, reply=orjson.dumps(result.get("message")))
        if isinstance(kind, str) and kind in _TROUBLES:
            return RequestResult(custom_id, trouble=_TROUBLES[kind], message=kind)
        error = result.get("error")
        if isinstance(error, dict) and isinstance(error.get("error"), dict):
            error = error["error"]
        told = words(error.get("type")) if isinstance(error, dict) else ""
        message = words(error.get("message")).lower() if isinstance(error, dict) else ""
        return RequestResult(
            custom_id,
            trouble=_ERRORS.get(told, "fault"),
            message=told or "errored",
            named=frozenset(word for word in WORDS if word in message),
        )


def _seconds(told: Any) -> float | None:
    try:
        return datetime.fromisoformat(told).timestamp()
    except (TypeError, ValueError):
        return None
