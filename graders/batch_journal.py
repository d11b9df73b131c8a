"""What was submitted to a provider's batch endpoint: a small protocol, and a journal that lives in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

BatchEnd = Literal["done", "failed", "refused", "unsent", "foreign"]
"""How a batch ended for us: its results are filed; the provider could not run it; it would not take it; it never came
into being; it was somebody else's, taken for ours."""


class CallSet:
    """The calls in a batch by the numbers of their custom ids, eight bytes each."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._numbers = array("Q", sorted(numbers))

    @classmethod
    def of_bytes(cls, content: bytes) -> CallSet:
        """What `bytes()` of a set gave."""
        calls = cls()
        calls._numbers.frombytes(content)
        return calls

    def __bytes__(self) -> bytes:
        return self._numbers.tobytes()

    def __contains__(self, number: int) -> bool:
        place = bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number

    def __len__(self) -> int:
        return len(self._numbers)


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch on its way to a provider, or there."""

    token: str
    """Our name for it."""
    grader: str
    """Whose calls they are."""
    tries: int
    """How many unusable replies its calls had before."""
    calls: CallSet
    estimate: float | None
    """About what it costs in USD; None where that is unknown."""
    created_at: str
    """When it was about to be submitted, in ISO 8601 with the offset."""
    provider_id: str | None = None
    """The provider's name for it; None as long as nobody knows whether it came into being."""

    def named(self, provider_id: str) -> SentBatch:
        """The batch with the provider's name for it."""
        return replace(self, provider_id=provider_id)

    def anew(self, token: str) -> SentBatch:
        """The same batch, still to be found, by another name of ours."""
        return replace(self, token=token, provider_id=None)


class BatchJournal(Protocol):
    """The batches of one run. What a method was told is on the disk when it returns."""

    @property
    def salt(self) -> str:
        """What tells this run's custom ids from those of others."""
        ...

    def open_batches(self) -> Sequence[SentBatch]:
        """The batches that have not ended, the oldest first."""
        ...

    def intend(self, batch: SentBatch) -> None:
        """A batch is about to be submitted: whatever happens now, it is not submitted a second time unseen."""
        ...

    def submitted(self, token: str, provider_id: str) -> None:
        """The provider has the batch and calls it so."""
        ...

    def end(self, token: str, how: BatchEnd) -> None:
        """The batch is over."""
        ...

    def known(self, provider_ids: Collection[str]) -> set[str]:
        """Which of these names of a provider's batches stand in any run's journal."""
        ...


class MemoryBatchJournal:
    """A journal for the library: nothing on disk, so nothing survives."""

    salt = "memory"

    def __init__(self) -> None:
        self._batches: dict[str, SentBatch] = {}
        self.ends: dict[str, BatchEnd] = {}
        """Token → how the batch ended."""

    def open_batches(self) -> Sequence[SentBatch]:
        return [batch for token, batch in self._batches.items() if token not in self.ends]

    def intend(self, batch: SentBatch) -> None:
        self._batches[batch.token] = batch

    def submitted(self, token: str, provider_id: str) -> None:
        self._batches[token] = self._batches[token].named(provider_id)

    def end(self, token: str, how: BatchEnd) -> None:
        self.ends[token] = how

    def known(self, provider_ids: Collection[str]) -> set[str]:
        return {batch.provider_id for batch in self._batches.values() if batch.provider_id in provider_ids}  # type: ignore[misc]  # None is in none
