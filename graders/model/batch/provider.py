"""What differs between the batch endpoints of providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Phase = Literal["open", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is at the provider."""

    id: str
    phase: Phase
    """`ended` has results, if only some; `failed` has none."""
    told: str
    """The state in the provider's word."""
    done: int = 0
    """Requests that are over, well or not."""
    size: int | None = None
    """Requests in it; None where the provider does not say."""
    message: str = ""
    """Why it failed."""
    was_cancelled: bool = False
    """Whether somebody cancelled it there."""
    created_at: float | None = None
    """Seconds since 1970."""
    label: str | None = None
    """The token that was sent along, where the provider gives it back."""
    paths: tuple[str, ...] = ()
    """Where its results are, each a file of JSON lines."""


Trouble = Literal["fault", "refused", "denied", "expired", "cancelled"]
"""A fault may be gone the next time; a refused request may be taken in a simpler form; a denied one never is."""


@dataclass(frozen=True, slots=True)
class RequestResult:
    """What became of one request."""

    custom_id: str
    reply: bytes | None = None
    """The response's body, to be read by the dialect."""
    trouble: Trouble = "fault"
    """What went wrong where there is no reply."""
    message: str = ""
    named: frozenset[str] = frozenset()
    """Which of WORDS a refusal named."""


class BatchProvider(Protocol):
    """One batch endpoint: what a batch may hold, how it is written and read."""

    most_requests: int
    most_bytes: int
    """Of all requests in a batch together."""
    content_type: str
    """Of the body that carries a batch's requests."""
    opening: bytes
    """What that body begins with,"""
    between: bytes
    """what stands between two requests,"""
    closing: bytes
    """and what it ends with."""
    upload: str | None
    """The path to which the requests go first, where that makes no batch yet."""
    batches: str
    """The path of the batches."""
    labels: bool
    """Whether a batch can carry our token."""
    cursor: str
    """The parameter that asks for the next page of the list of batches."""

    def request(self, custom_id: str, body: bytes) -> bytes:
        """One request of a batch."""
        ...

    def creation(self, uploaded: Mapping[str, Any], token: str) -> bytes:
        """The body that makes a batch of what was uploaded."""
        ...

    def state(self, value: Mapping[str, Any]) -> BatchState | None:
        """A batch as the endpoint tells of it; None where that is no batch."""
        ...

    def result(self, value: Mapping[str, Any]) -> RequestResult | None:
        """One line of the results; None where it is none."""
        ...


def count(counts: Any, names: Sequence[str]) -> int:
    """The sum of some counts in an object; 0 where they are none."""
    if not isinstance(counts, dict):
        return 0
    return sum(value for name in names if isinstance(value := counts.get(name), int) and value > 0)


def words(value: Any) -> str:
    """A text of the endpoint's in a message, cut; empty where it is none."""
    return " ".join(value.split())[:300] if isinstance(value, str) else ""
