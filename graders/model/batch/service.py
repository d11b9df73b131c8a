"""The batches of one grader at its provider: upload, make, look, fetch, over the one outbound client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import orjson

from graders.model.batch.outgoing import Outgoing
from graders.model.batch.provider import BatchProvider, BatchState
from graders.model.client import MAX_REPLY_BYTES, ChatClient, TransportFault
from rubrics import GraderError

_TRANSFER = 3600.0
"""Seconds for a whole upload or download."""

_LONGEST_LINE = 4 * MAX_REPLY_BYTES
_LISTED = 100
_CLOCKS_APART = 900.0
"""Seconds by which the provider's clock may differ from ours."""

ResultT = TypeVar("ResultT")


class BatchService:
    """One provider's batch endpoint, reached by a grader's client.

    What changes nothing there is tried again after a growing pause until `max_faults`, then GraderError.
    """

    def __init__(
        self, client: ChatClient, provider: BatchProvider, *, max_faults: int, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.client = client
        self.provider = provider
        self._max_faults = max_faults
        self._sleep = sleep

    async def upload(self, outgoing: Outgoing) -> dict[str, Any]:
        """Bring the requests there, where that makes no batch yet; the answer, empty where there is no such step."""
        if self.provider.upload is None:
            return {}
        return await self._patiently(partial(self._send, self.provider.upload, outgoing))

    async def create(self, outgoing: Outgoing, uploaded: dict[str, Any], token: str) -> BatchState:
        """Make the batch, once: TransportFault where it may be there or not, GraderError where it is not."""
        provider = self.provider
        if provider.upload is None:
            make = partial(self._send, provider.batches, outgoing)
        else:
            make = partial(self._json, "POST", provider.batches, data=provider.creation(uploaded, token))
        return self._state(await self._patiently(make, again=_was_not_sent))

    async def look(self, batch_id: str) -> BatchState:
        """How far a batch is, asked once; TransportFault or RequestRefused where it does not say."""
        return self._state(await self._json("GET", f"{self.provider.batches}/{batch_id}"))

    async def find(self, token: str, *, since: float, size: int) -> list[str]:
        """The ids of batches that may be ours, the oldest first: by its token, else by their size and time."""
        found: list[str] = []
        query = f"{self.provider.batches}?limit={_LISTED}"
        after = ""
        while True:
            page = await self._patiently(partial(self._json, "GET", query + after))
            listed = page.get("data")
            states = [] if not isinstance(listed, list) else [self._listed(value) for value in listed]
            for state in filter(None, states):
                if state.label == token:
                    return [state.id]
                is_old = state.created_at is not None and state.created_at < since - _CLOCKS_APART
                if is_old:
                    return found
                if not self.provider.labels and state.size == size:
                    found.insert(0, state.id)
            last = states[-1] if states else None
            if last is None or page.get("has_more") is not True:
                return found
            after = f"&{self.provider.cursor}={last.id}"

    async def results(self, state: BatchState, keep: Callable[[bytes], object]) -> None:
        """Hand on every line of a batch's results; where the line breaks off they come again from the start."""
        for path in state.paths:
            await self._patiently(partial(self._fetch, path, keep))

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _patiently(
        self, act: Callable[[], Awaitable[ResultT]], again: Callable[[TransportFault], bool] = lambda _: True
    ) -> ResultT:
        fault: TransportFault | None = None
        for attempt in range(self._max_faults):
            try:
                return await act()
            except TransportFault as error:
                if not again(error):
                    raise
                fault = error
                if attempt + 1 < self._max_faults:
                    await self._sleep(self.client.pause(attempt, error.asked_to_wait))
        assert fault is not None
        raise GraderError(fault.kind, f"{fault} (transport fault {self._max_faults}, no more are allowed)")

    async def _send(self, to: str, outgoing: Outgoing) -> dict[str, Any]:
        with outgoing.open() as body:
            return await self._json("POST", to, data=body, content_type=self.provider.content_type, seconds=_TRANSFER)

    async def _json(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        async with self.client.open(method, path, **how) as response:
            content = await self.client.content(response)
        value = None
        with suppress(ValueError):
            value = orjson.loads(self.client.without_key(content))
        if not isinstance(value, dict):
            raise TransportFault("http", f"HTTP 200 from {self.client.host}{path} that is no JSON object")
        return value

    async def _fetch(self, path: str, keep: Callable[[bytes], object]) -> None:
        async with self.client.open("GET", path, seconds=_TRANSFER) as response:
            async for line in _lines(response.content.iter_any()):
                keep(self.client.without_key(line))

    def _state(self, value: dict[str, Any]) -> BatchState:
        if (state := self.provider.state(value)) is None:
            raise TransportFault("http", f"HTTP 200 from {self.client.host} that is no batch")
        return state

    def _listed(self, value: object) -> BatchState | None:
        return self.provider.state(value) if isinstance(value, dict) else None


def _was_not_sent(fault: TransportFault) -> bool:
    return not fault.sent


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream; one that is longer than any result is left out."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip() and len(line) <= _LONGEST_LINE:
                yield line
        if len(rest) > _LONGEST_LINE:
            rest = rest[: _LONGEST_LINE + 1]
    if rest.strip() and len(rest) <= _LONGEST_LINE:
        yield rest
