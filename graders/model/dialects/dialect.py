"""What a dialect is: where to post, with which headers, what to write and how to read the reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from graders.model.completion import Completion
from graders.model.prompt import Prompt
from graders.model.request import RequestForm


@dataclass(slots=True)
class Request:
    """One request: to which model, what, and what the reply must look like."""

    model: str
    prompt: Prompt
    schema: bytes
    """Name, strictness and JSON Schema of the reply, as JSON."""
    form: RequestForm
    max_tokens: int | None = None
    """Most tokens of the reply; None leaves it to the endpoint."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the user wants in the body beside all this."""


class Dialect(Protocol):
    """One way to speak to endpoints."""

    name: str
    path: str
    """What follows the base URL."""

    def headers(self, key: str) -> dict[str, str]:
        """The headers that carry the key (empty: none is set)."""
        ...

    def body(self, request: Request) -> bytes:
        """The JSON to post."""
        ...

    def parse(self, body: bytes) -> Completion | None:
        """The reply in a response's body; None where the body is none, whatever its status said."""
        ...
