"""A model under test: asked what the examples ask, over the same client that asks the judges."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from graders.model.client import ChatClient, RequestRefused
from graders.model.completion import Completion
from graders.model.tally import Tally
from rubrics import Answer, Example, Id, InputError, Mistake, canonical_json, show

TIMEOUT = 600.0
"""Seconds for one reply: long answers of slow machines take minutes."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """What can change an answer besides the prompt."""

    system: str | None = None
    """A system prompt that goes ahead of each conversation."""
    temperature: float | None = None
    """None sends none: the endpoint's own default holds."""
    max_tokens: int | None = None
    """Most tokens of an answer; None leaves it to the endpoint."""

    def as_json(self) -> dict[str, Any]:
        """What was set, but for the system prompt, which is part of the prompt's hash."""
        set_ = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in set_.items() if value is not None}


class Answerer:
    """Answers examples by a model behind an OpenAI-compatible endpoint."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key_env: str = "OPENAI_API_KEY",
        sampling: Sampling | None = None,
        filed_as: str | None = None,
        max_faults: int = 10,
        client: ChatClient | None = None,
    ) -> None:
        """`filed_as` is the answers' `model`, by default the model's own name; a `client` replaces the address."""
        sampling = sampling or Sampling()
        self.filed_as = model if filed_as is None else filed_as
        _check(model, self.filed_as, sampling)
        self.sampling = sampling
        self._model = model
        self._max_faults = max_faults
        self._client = client or ChatClient(base_url, api_key_env=api_key_env, timeout=TIMEOUT)
        self._max_tokens_name = "max_tokens"

    @property
    def host(self) -> str:
        """Where the model is, for people."""
        return self._client.host

    def prompt_hash(self, example: Example) -> str:
        """First 16 hex digits of SHA-256 over the messages that the model is sent."""
        return hashlib.sha256(canonical_json(self._messages(example))).hexdigest()[:16]

    async def answer(self, example: Example, sample: int) -> Answer:
        """One answer; GraderError where the endpoint gives none.

        What the model says is its answer: a refusal, a text that was cut off at the token limit, and no text at all.
        """
        completion = await self._complete(example, Tally(max_replies=1, max_faults=self._max_faults))
        said = completion.text or completion.refusal or ""
        text = said.replace("\x00", "␀")
        metadata = {
            "prompt_hash": self.prompt_hash(example),
            "sampling": self.sampling.as_json(),
            "finish_reason": completion.finish_reason and completion.finish_reason.replace("\x00", "␀"),
            "returned_model": completion.model,
            "input_tokens": completion.usage.input_tokens,
            "output_tokens": completion.usage.output_tokens,
            "replaced_characters": said.count("\x00") or None,
        }
        known = {name: value for name, value in metadata.items() if value is not None}
        return Answer(example_id=example.id, model=self.filed_as, text=text, sample=sample, metadata=known)

    async def aclose(self) -> None:
        """Close the connections to the endpoint."""
        await self._client.aclose()

    def _messages(self, example: Example) -> list[dict[str, Any]]:
        turns: list[dict[str, Any]] = [message.model_dump() for message in example.conversation]
        system = self.sampling.system
        return turns if system is None else [{"role": "system", "content": system}, *turns]

    async def _complete(self, example: Example, tally: Tally) -> Completion:
        name = self._max_tokens_name
        try:
            return await self._client.complete(self._body(example, name), tally)
        except RequestRefused as refused:
            if self.sampling.max_tokens is None or name != "max_tokens" or refused.status not in (400, 422):
                raise
            # Newer models know the limit under another name only, and some servers the older one only.
            try:
                completion = await self._client.complete(self._body(example, "max_completion_tokens"), tally)
            except RequestRefused:
                raise refused from None
            self._max_tokens_name = "max_completion_tokens"
            return completion

    def _body(self, example: Example, max_tokens_name: str) -> bytes:
        body: dict[str, Any] = {"model": self._model, "messages": self._messages(example)}
        if self.sampling.temperature is not None:
            body["temperature"] = self.sampling.temperature
        if self.sampling.max_tokens is not None:
            body[max_tokens_name] = self.sampling.max_tokens
        return orjson.dumps(body)


_NAME: TypeAdapter[str] = TypeAdapter(Id)


def _check(model: str, filed_as: str, sampling: Sampling) -> None:
    """InputError with everything that no endpoint could take."""
    expectations = [
        ("--model", model, bool(model.strip()) and model.isprintable(), "a model's name before the address"),
        ("--as", filed_as, _is_name(filed_as), "text of 1 to 512 characters without control characters"),
        ("--temperature", sampling.temperature, 0 <= (sampling.temperature or 0) < float("inf"), "0 or more"),
        ("--max-tokens", sampling.max_tokens, sampling.max_tokens is None or sampling.max_tokens >= 1, "1 or more"),
    ]
    mistakes = [
        Mistake(option, f"got {show(value)}, expected {expected}")
        for option, value, holds, expected in expectations
        if not holds
    ]
    if mistakes:
        raise InputError(mistakes)


def _is_name(text: str) -> bool:
    try:
        _NAME.validate_python(text, strict=True)
    except ValidationError:
        return False
    return True
