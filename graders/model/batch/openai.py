"""OpenAI's Batch API: the requests are uploaded as a file, and a batch is made of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from graders.model.batch.provider import BatchState, Phase, RequestResult, Trouble, count, words
from graders.model.request import WORDS

_ENDPOINT = "/v1/chat/completions"
_LABEL = "markscheme"
_PHASES: dict[str, Phase] = {
    "validating": "open",
    "in_progress": "open",
    "finalizing": "open",
    "cancelling": "open",
    "completed": "ended",
    "expired": "ended",
    "cancelled": "ended",
    "failed": "failed",
}


class OpenAIBatches:
    """`POST {base_url}/files`, `POST {base_url}/batches`."""

    most_requests = 50_000
    most_bytes = 200_000_000
    between = b"\n"
    upload: str | None = "/files"
    batches = "/batches"
    labels = True
    cursor = "after"

    def __init__(self) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        field = '--{}\r\nContent-Disposition: form-data; name="{}"'
        self.opening = (
            field.format(boundary, "purpose")
            + "\r\n\r\nbatch\r\n"
            + field.format(boundary, "file")
            + '; filename="requests.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n'
        ).encode()
        self.closing = f"\n\r\n--{boundary}--\r\n".encode()

    def request(self, custom_id: str, body: bytes) -> bytes:
        return b'{"custom_id":"%s","method":"POST","url":"%s","body":%s}' % (
            custom_id.encode(),
            _ENDPOINT.encode(),
            body,
        )

    def creation(self, uploaded: Mapping[str, Any], token: str) -> bytes:
        return orjson.dumps(
            {
                "input_file_id": uploaded.get("id"),
                "endpoint": _ENDPOINT,
                "completion_window": "24h",
                "metadata": {_LABEL: token},
            }
        )

    def state(self, value: Mapping[str, Any]) -> BatchState | None:
        batch_id, told = value.get("id"), value.get("status")
        if not (isinstance(batch_id, str) and batch_id and isinstance(told, str)):
            return None
        counts, created, label = value.get("request_counts"), value.get("created_at"), value.get("metadata")
        files = [value.get("output_file_id"), value.get("error_file_id")]
        return BatchState(
            id=batch_id,
            phase=_PHASES.get(told, "open"),
            told=told,
            done=count(counts, ("completed", "failed")),
            size=count(counts, ("total",)) or None,
            message=_why(value.get("errors")),
            was_cancelled=told == "cancelled",
            created_at=float(created) if isinstance(created, int | float) else None,
            label=words(label.get(_LABEL)) if isinstance(label, dict) else None,
            paths=tuple(f"/files/{file}/content" for file in files if isinstance(file, str) and file),
        )

    def result(self, value: Mapping[str, Any]) -> RequestResult | None:
        custom_id, response, error = value.get("custom_id"), value.get("response"), value.get("error")
        if not isinstance(custom_id, str):
            return None
        if isinstance(response, dict):
            status, body = response.get("status_code"), response.get("body")
            if status == 200:
                return RequestResult(custom_id, reply=orjson.dumps(body))
            told = orjson.dumps(body).lower()
            if status == 400 and b"content_filter" in told:  # Azure refuses so, before the model is asked
                refusal = {"choices": [{"message": {}, "finish_reason": "content_filter"}]}
                return RequestResult(custom_id, reply=orjson.dumps(refusal))
            named = frozenset(word for word in WORDS if word.encode() in told)
            return RequestResult(custom_id, trouble=_trouble(status), message=f"HTTP {status}", named=named)
        code = words(error.get("code")) if isinstance(error, dict) else ""
        if code == "batch_expired":
            return RequestResult(custom_id, trouble="expired", message=code)
        if code == "batch_cancelled":
            return RequestResult(custom_id, trouble="cancelled", message=code)
        return RequestResult(custom_id, message=code or "neither a response nor an error")


def _trouble(status: Any) -> Trouble:
    if status in (400, 422):
        return "refused"
    is_denied = isinstance(status, int) and 400 <= status < 500 and status not in (408, 409, 425, 429)
    return "denied" if is_denied else "fault"


def _why(errors: Any) -> str:
    """The first words of what is wrong with a failed batch."""
    found = errors.get("data") if isinstance(errors, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    if not isinstance(first, dict):
        return ""
    return ": ".join(filter(None, [words(first.get("code")), words(first.get("message"))]))
