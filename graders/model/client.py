"""The one outbound HTTP client: asks a model's endpoint, and bears with its faults for a while."""

from __future__ import annotations

import asyncio
import math
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from graders.model.completion import Completion
from graders.model.dialects import DIALECTS, Dialect
from graders.model.pace import Pace, Word
from graders.model.request import WORDS
from graders.model.tally import Tally, Usage
from rubrics import GraderError, InputError, Mistake

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

MAX_REPLY_BYTES = 1_000_000
"""A longer body is no chat completion."""

MAX_WAIT = 60.0
"""The longest pause between two tries, in seconds, whatever the endpoint asks for."""

_FIRST_WAIT = 0.5
_TRIES_UNTIL_FIRST_ANSWER = 3
"""Tries of a call while the address has never answered at all: it is more likely wrong than busy."""

CHARACTERS_A_TOKEN = 4.0
"""Roughly, in English; what a request will count is not known before."""

_RETRIED_4XX = frozenset({408, 409, 425, 429})
_OVERLOADED = frozenset({429, 503, 529})
_CONNECT_TIMEOUT = 20.0
_LONGEST_REFUSAL = 1000


class RequestRefused(GraderError):
    """The endpoint will not take this request (4xx): asking again as it stands is no use.

    What the endpoint wrote is not kept: it may repeat the key or the answer. `named` is which of WORDS stood in it.
    """

    def __init__(self, message: str, *, status: int, named: frozenset[str] = frozenset()) -> None:
        super().__init__("http", message)
        self.status = status
        self.named = named


@dataclass(slots=True)
class _Response:
    status: int
    body: bytes
    retry_after: str | None


class TransportFault(Exception):
    """Something between us and the endpoint went wrong; another try may do. `kind` is a failure's."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        overloaded: bool = False,
        asked_to_wait: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.overloaded = overloaded
        self.asked_to_wait = asked_to_wait
        self.sent = sent
        """Whether the endpoint may have done what it was asked all the same."""


class ChatClient:
    """Posts chat completion requests to one endpoint; belongs to one event loop until it is closed."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key_env: str = "OPENAI_API_KEY",
        timeout: float = 120.0,
        dialect: Dialect | None = None,
        pace: Pace | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.base_url = checked_base_url(base_url)
        self.host = urlsplit(self.base_url).netloc
        self.dialect = dialect or DIALECTS["openai"]
        self.pace = pace or Pace()
        """How many requests are out at a time; shared by all calls of this client."""
        self._url = self.base_url + self.dialect.path
        self._api_key_env = api_key_env
        self._timeout = timeout
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._now = now
        self._session: aiohttp.ClientSession | None = None
        self._target: URL | None = None
        self._client_error: type[Exception] = OSError
        self._has_answered = False

    async def complete(self, body: bytes, tally: Tally) -> Completion:
        """The model's reply to a request body.

        Transport faults (429, 5xx, lost connections, timeouts, a 200 that is no chat completion) are tried again
        after a growing pause until the tally's bound; RequestRefused on any other 4xx, Stopped where the run ends.
        """
        attempt = 0
        tokens = len(body) / CHARACTERS_A_TOKEN
        while True:
            ticket = await self.pace.enter(tokens, again=attempt > 0)
            said: Word = "nothing"
            excess = 0.0
            try:
                completion = self._read(await self._post(body))
                said, excess = "well", _tokens_of(completion, tokens) - tokens
                return completion
            except TransportFault as fault:
                if fault.overloaded:
                    said = "overloaded"
                if fault.asked_to_wait:
                    self.pace.close_for(fault.asked_to_wait)
                tally.add_fault(GraderError(fault.kind, str(fault)))
                if not self._has_answered and attempt + 1 >= _TRIES_UNTIL_FIRST_ANSWER:
                    raise GraderError(fault.kind, f"{fault} (nothing has answered there yet)") from None
                wait = self.pause(attempt, fault.asked_to_wait)
            finally:
                self.pace.leave(ticket, said, excess_tokens=excess)
            await self.pace.rest(wait, self._sleep)
            attempt += 1

    async def aclose(self) -> None:
        """Close the connections; the client may be used again afterwards."""
        session, self._session = self._session, None
        self.pace.resume()
        if session is not None:
            await session.close()

    @asynccontextmanager
    async def open(
        self, method: str, path: str, *, data: Any = None, content_type: str = "application/json", seconds: float = 0.0
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request to what stands beside the completions at `path`; its response while it comes in, if it is a 200.

        TransportFault where another try may do, RequestRefused where none will. `seconds` bounds it; by default the
        client's own timeout does.
        """
        import aiohttp

        session, wait = self._open_session(), seconds or self._timeout
        limits = aiohttp.ClientTimeout(total=wait, sock_connect=min(wait, _CONNECT_TIMEOUT))
        headers = {**self._headers(), "Content-Type": content_type}
        url = self.base_url + path
        try:
            async with session.request(
                method, url, data=data, headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                if response.status != 200:
                    body = self.without_key(await self.content(response))
                    raise self._unanswered(_Response(response.status, body, response.headers.get("Retry-After")))
                yield response
        except (TimeoutError, OSError, self._client_error) as error:
            raise self._plain_fault(error) from None

    async def _post(self, body: bytes) -> _Response:
        session = self._open_session()
        assert self._target is not None
        try:
            async with session.post(
                self._target, data=body, headers=self._headers(), allow_redirects=False
            ) as response:
                self._has_answered = True
                content = self.without_key(await self.content(response))
                return _Response(response.status, content, response.headers.get("Retry-After"))
        except (TimeoutError, OSError, self._client_error) as error:
            raise self._plain_fault(error) from None

    def _plain_fault(self, error: BaseException) -> TransportFault:
        """What a request met, in words of ours: those of the error may hold whatever came in."""
        import aiohttp

        if isinstance(error, TimeoutError):
            return TransportFault("timeout", f"no reply from {self.host} in time", overloaded=True)
        if isinstance(error, aiohttp.ClientConnectorError):
            reason = error.os_error.strerror or type(error.os_error).__name__
            return TransportFault("http", f"cannot connect to {self.host}: {reason}", sent=False)
        return TransportFault("http", f"{type(error).__name__} from {self.host}")

    async def content(self, response: aiohttp.ClientResponse) -> bytes:
        """The body as sent. Nothing is unpacked: we ask for no compression, and a packed body may be a bomb."""
        content = b""
        async for chunk in response.content.iter_any():
            content = content + chunk if content else chunk
            if len(content) > MAX_REPLY_BYTES:
                response.close()
                if response.status != 200:
                    return b""
                raise TransportFault("http", f"the reply from {self.host} is longer than 1 MB")
        return content

    def _read(self, response: _Response) -> Completion:
        status = response.status
        if status == 200:
            if (completion := self.dialect.parse(response.body)) is not None:
                return completion
            raise TransportFault("http", f"HTTP 200 from {self.host} that is no chat completion")
        if status == 400 and b"content_filter" in response.body:
            # Azure refuses so, before the model is asked.
            return Completion(finish_reason="content_filter", usage=Usage(0, 0, 0))
        raise self._unanswered(response)

    def _unanswered(self, response: _Response) -> TransportFault | RequestRefused:
        """What a response that is no 200 means."""
        status = response.status
        if status >= 500 or status in _RETRIED_4XX:
            return TransportFault(
                "http",
                f"HTTP {status} from {self.host}",
                overloaded=status in _OVERLOADED,
                asked_to_wait=parse_retry_after(response.retry_after, self._now()),
                sent=status != 429,
            )
        return self._refused(status, response.body)

    def _refused(self, status: int, body: bytes) -> RequestRefused:
        hint = ""
        if 300 <= status < 400:
            hint = ": redirects are refused, give the address it points to"
        elif status in (401, 403):
            known = bool(os.environ.get(self._api_key_env))
            hint = f": the key in {self._api_key_env} was refused" if known else f": {self._api_key_env} is not set"
        elif status == 404:
            hint = f": no such model, or no {urlsplit(self._url).path}"
        named = frozenset(word for word in WORDS if any(word in said for said in _own_words(body)))
        return RequestRefused(f"HTTP {status} from {self.host}{hint}", status=status, named=named)

    def without_key(self, content: bytes) -> bytes:
        """A body in which an endpoint that echoes the key no longer does."""
        key = os.environ.get(self._api_key_env, "").strip().encode()
        return content.replace(key, b"[key]") if len(key) >= 8 else content

    def _headers(self) -> dict[str, str]:
        """The key's headers, read at the moment of the call and kept nowhere; local servers need none."""
        key = os.environ.get(self._api_key_env, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise GraderError("http", f"{self._api_key_env} holds characters that no key has")
        return self.dialect.headers(key)

    def _open_session(self) -> aiohttp.ClientSession:
        """The session, opened when it is first needed: it must be made inside the running loop."""
        if self._session is None:
            import aiohttp
            from yarl import URL

            self._target = URL(self._url)
            self._client_error = aiohttp.ClientError
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(self._timeout, _CONNECT_TIMEOUT)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to pause: what the endpoint asks for, else twice the last pause; jitter keeps calls apart."""
        jitter = self._rng.random()
        if asked:
            return min(asked + jitter * 0.1 * asked, MAX_WAIT)
        pause: float = min(_FIRST_WAIT * 2.0**attempt, MAX_WAIT)
        return pause * (0.5 + jitter / 2)


def _own_words(body: bytes) -> list[str]:
    """What a refusal says of itself: its short texts. Some repeat the request, whose keys and prompt say nothing."""
    try:
        value = orjson.loads(body)
    except ValueError:
        value = body.decode("utf-8", "replace")
    texts, found = [value], []
    while texts:
        text = texts.pop()
        if isinstance(text, str) and len(text) <= _LONGEST_REFUSAL:
            found.append(text.lower())
        elif isinstance(text, list):
            texts += text
        elif isinstance(text, dict) and "messages" not in text:
            texts += text.values()
    return found


def _tokens_of(completion: Completion, estimated: float) -> float:
    """The tokens that a call took, as the endpoint counts them where it does."""
    usage = completion.usage
    read = estimated if usage.input_tokens is None else usage.input_tokens
    return read + (usage.output_tokens or 0)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date; capped at 60; None where it says neither.

    >>> parse_retry_after("2", now=0.0)
    2.0
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            if date.tzinfo is None:  # the oldest form of HTTP dates names no zone, and means this one
                date = date.replace(tzinfo=UTC)
            seconds = date.timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), MAX_WAIT) if math.isfinite(seconds) else None


def checked_base_url(base_url: str) -> str:
    """A base URL without its last slash; InputError where it is no plain http(s) address."""
    url = base_url.rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise InputError(Mistake("base_url", f"got {base_url!r}, expected an address")) from None
    if parts.username is not None or parts.password is not None:
        raise InputError(
            Mistake("base_url", "expected no name or password in it, a key comes from an environment variable")
        )
    if not usable or parts.query or parts.fragment:
        raise InputError(Mistake("base_url", f"got {base_url!r}, expected an address such as http://127.0.0.1:8080/v1"))
    return url
