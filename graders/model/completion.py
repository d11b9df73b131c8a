"""A model's reply, whatever dialect it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graders.model.tally import Usage
from rubrics import GraderError


class Token(NamedTuple):
    """A token of the reply and the endpoint's probabilities (natural logarithms) in its place."""

    text: str
    alternatives: dict[str, float]
    """Token → log probability: the likeliest ones, itself among them."""


@dataclass(slots=True)
class Completion:
    """One reply of a model."""

    text: str = ""
    refusal: str | None = None
    finish_reason: str | None = None
    """`stop`, `length`, `content_filter` or what else the endpoint said."""
    model: str | None = None
    usage: Usage = field(default_factory=Usage)
    tokens: tuple[Token, ...] = ()
    """The reply's tokens, where the endpoint gives probabilities."""

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


def model_name(value: Any) -> str | None:
    """A model's name as an endpoint gave it; None where it gave none."""
    return value.replace("\x00", "") if isinstance(value, str) else None


def token_count(tokens: Any) -> int | None:
    """A number of tokens as an endpoint gave it; None where that is no count."""
    is_count = isinstance(tokens, int) and not isinstance(tokens, bool) and 0 <= tokens < 2**53
    return tokens if is_count else None
