"""What one call of a judge has used up: a bound on everything, so that no loop is without end."""

from __future__ import annotations

from dataclasses import dataclass

from rubrics import GraderError

REFUSALS = 3
"""As many refusals in a row are meant; where an endpoint is merely broken, two may well follow each other by chance."""


@dataclass(slots=True)
class Usage:
    """Tokens of one reply, as the endpoint counts them; None where it does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        """Both together: what is unknown of one is unknown of both, but for what was cached, which is at least that."""
        cached = [count for count in (self.cached_tokens, other.cached_tokens) if count is not None]
        return Usage(
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            sum(cached) if cached else None,
        )


def _sum(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


class Tally:
    """Counts the unusable replies, the transport faults and the tokens of one call; raises when a bound is reached."""

    def __init__(self, *, max_replies: int, max_faults: int) -> None:
        self._max_replies = max_replies
        self._max_faults = max_faults
        self._refusals_in_a_row = 0
        self.unusable_replies = 0
        self.faults = 0
        self.replies = 0
        """Replies that came back, usable or not."""
        self.usage = Usage()
        """The tokens of all of them together."""

    def add_reply(self, usage: Usage) -> None:
        """A reply came back."""
        self.usage = usage if self.replies == 0 else self.usage + usage
        self.replies += 1

    def forget_replies(self) -> None:
        """Count the tokens anew: those so far have been told."""
        self.usage, self.replies = Usage(), 0

    def add_fault(self, error: GraderError) -> None:
        """A transport fault; the last one allowed is raised with its kind."""
        self.faults += 1
        if self.faults >= self._max_faults:
            raise GraderError(error.kind, f"{error} (transport fault {self.faults}, no more are allowed)")

    def add_unusable(self, error: GraderError) -> None:
        """A reply without a verdict; the last one allowed, or a refusal too many in a row, is raised with its kind."""
        self.unusable_replies += 1
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if error.kind == "refusal" else 0
        if self._refusals_in_a_row >= REFUSALS:
            raise GraderError(error.kind, f"{error}, {REFUSALS} times in a row")
        if self.unusable_replies >= self._max_replies:
            raise GraderError(error.kind, f"{error} (unusable reply {self.unusable_replies}, no more are allowed)")
