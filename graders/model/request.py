"""What is sent beside the prompt, and how it becomes simpler where an endpoint does not take all of it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from enum import IntEnum


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
    logprobs: bool = False
    """Whether the probabilities of the reply's tokens are asked for."""
    newer_max_tokens: bool = False
    """Whether the bound on the reply goes by its newer name, `max_completion_tokens`."""

    def simpler(self, named: Set[str]) -> RequestForm | None:
        """The next form to try after a refused request, in which the endpoint `named` some of WORDS.

        None where nothing is left to leave out.
        """
        if "max_completion_tokens" in named and not self.newer_max_tokens:
            return replace(self, newer_max_tokens=True)
        if "temperature" in named and self.temperature is not None:
            return replace(self, temperature=None)
        if "logprobs" in named and self.logprobs:
            return replace(self, logprobs=False)
        if self.rung < Rung.PLAIN:
            return replace(self, rung=Rung(self.rung + 1))
        if self.logprobs:
            return replace(self, logprobs=False)
        return None

    def simplest(self, other: RequestForm) -> RequestForm:
        """What neither of two forms found too much; calls side by side learn in any order."""
        refuses_temperature = self.temperature is None or other.temperature is None
        return RequestForm(
            max(self.rung, other.rung),
            None if refuses_temperature else self.temperature,
            self.logprobs and other.logprobs,
            self.newer_max_tokens or other.newer_max_tokens,
        )


WORDS = frozenset({"temperature", "max_completion_tokens", "logprobs"})
"""What a refusal may name as the part that is not taken."""
