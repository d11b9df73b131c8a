"""A real HTTP server on loopback that plays a model endpoint by a script, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from graders.grader import Task
from graders.judgment import Verdict
from graders.model import ModelGrader
from graders.model.client import ChatClient
from graders.model.dialects import DIALECTS
from graders.model.pace import Pace
from rubrics import Answer, Example, GraderError


@dataclass(frozen=True, slots=True)
class Scripted:
    """One response, byte for byte."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """Promise more bytes than are sent, then hang up."""
    hangs: bool = False
    """Say nothing until the endpoint is closed."""
    resets: bool = False
    """Hang up without a word."""


Script = Sequence[Scripted] | Callable[[dict[str, Any]], Scripted]


def completion(
    content: str | None,
    *,
    finish_reason: str | None = "stop",
    refusal: str | None = None,
    model: str = "judge-2026",
    usage: Mapping[str, Any] | None = None,
) -> Scripted:
    """A chat completion with this text."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    body = {
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": usage
        if usage is not None
        else {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}},
    }
    return Scripted(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def verdicts(*entries: Mapping[str, Any], **how: Any) -> Scripted:
    """A completion with these verdicts; an entry without an explanation gets one."""
    told = [{"explanation": "It says so.", **entry} for entry in entries]
    return completion(json.dumps({"verdicts": told}), **how)


class FakeEndpoint:
    """Serves the script in order, the last response again and again; or whatever a function makes of the request."""

    def __init__(self, *script: Scripted, answer: Callable[[dict[str, Any]], Scripted] | None = None) -> None:
        self._script = list(script)
        self._answer = answer
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        """The requests' bodies as they came in."""
        self.base_url = ""

    async def __aenter__(self) -> FakeEndpoint:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self._closing.set()
        await self._runner.cleanup()

    @property
    def texts(self) -> list[str]:
        """The whole text of each request's messages."""
        return ["\n".join(message["content"] for message in body["messages"]) for body in self.requests]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        sent = await request.read()
        self.bodies.append(sent)
        body = json.loads(sent)
        self.requests.append(body)
        if self._answer is not None:
            scripted = self._answer(body)
        else:
            scripted = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if scripted.hangs:
            await self._closing.wait()
        if scripted.resets:
            assert request.transport is not None
            request.transport.abort()
        if not scripted.cut:
            return web.Response(status=scripted.status, body=scripted.body, headers=scripted.headers)
        response = web.StreamResponse(headers={**scripted.headers, "Content-Length": str(len(scripted.body) + 100)})
        await response.prepare(request)
        await response.write(scripted.body)
        assert request.transport is not None
        request.transport.close()
        return response


@contextmanager
def serving(endpoint: FakeEndpoint) -> Iterator[FakeEndpoint]:
    """The endpoint in a thread of its own, for what runs an event loop itself, as the command does."""
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with endpoint:
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield endpoint
    finally:
        over.set()
        thread.join()


def json_lines(messages: Sequence[Mapping[str, str]]) -> list[Any]:
    """The JSON objects that stand alone on a line of the user's messages, in order."""
    found = []
    for message in messages:
        if message["role"] == "user":
            for line in message["content"].splitlines():
                if line.startswith("{"):
                    found.append(json.loads(line))
    return found


GARBAGE = "I think it is met."
ANSWER = "You may take ibuprofen now, and call a doctor if it gets worse."
SCALES: list[dict[str, Any]] = [
    {"id": "drug", "criterion": "Names the drug", "points": 6},
    {
        "id": "tone",
        "criterion": "How calm is it?",
        "points": 4,
        "scale": {"type": "ordinal", "options": [{"label": "alarming"}, {"label": "mixed"}, {"label": "calm"}]},
    },
    {
        "id": "kind",
        "criterion": "What kind of advice is it?",
        "points": 4,
        "scale": {"type": "nominal", "options": [{"label": "self", "credit": 0.5}, {"label": "none", "credit": 0}]},
    },
    {"id": "sure", "criterion": "How sure?", "points": 2, "scale": {"type": "number", "min": 1, "max": 5}},
    {"id": "doses", "criterion": "Invented doses", "points": -5, "scale": {"type": "count", "max_count": 5}},
    {"id": "allergy", "criterion": "Asks about allergies", "points": 1, "may_not_apply": True},
]
MET = {"criterion": "c1", "met": True, "evidence": ["take ibuprofen"]}
UNMET = {"criterion": "c1", "met": False}
KEY = "sk-secret-0123456789"


def task_of(text: str = ANSWER, *criteria: dict[str, Any], judging: dict[str, Any] | None = None) -> Task:
    rubric = {"id": "r", "criteria": list(criteria) or SCALES[:1], "judging": judging or {}}
    example = Example.model_validate({"id": "e", "prompt": "What should I take?", "rubric": rubric})
    return Task(
        example,
        Answer(example_id="e", model="m", text=text),
        tuple(leaf.criterion for leaf in example.rubric.leaves),
    )


class Waits:
    """Stands for asyncio.sleep and the clock: notes how long the client wanted to wait, and lets the time be over."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.slept = 0.0

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.slept += seconds

    def clock(self) -> float:
        return time.monotonic() + self.slept


class Outcome:
    """What a judge call left behind."""

    def __init__(self) -> None:
        self.verdicts: Sequence[Verdict] = ()
        self.error: GraderError | None = None
        self.waits: list[float] = []

    @property
    def verdict(self) -> Verdict:
        assert self.error is None, self.error
        (verdict,) = self.verdicts
        return verdict


def judge(
    endpoint: FakeEndpoint, *tasks: Task, timeout: float = 5.0, now: Callable[[], float] | None = None, **options: Any
) -> list[Outcome]:
    """Judge the tasks one after another with one grader; waits are noted, not slept."""

    async def run() -> list[Outcome]:
        outcomes = []
        waits = Waits()
        async with endpoint:
            clock = {} if now is None else {"now": now}
            client = ChatClient(
                endpoint.base_url,
                api_key_env="JUDGE_KEY",
                timeout=timeout,
                dialect=DIALECTS[options.get("dialect", "openai")],
                pace=Pace(clock=waits.clock),
                sleep=waits,
                rng=random.Random(0),
                **clock,
            )
            grader = ModelGrader("judge", base_url=endpoint.base_url, client=client, **options)
            for task in tasks:
                outcome = Outcome()
                try:
                    outcome.verdicts = await grader.judge(task)
                except GraderError as error:
                    outcome.error = error
                outcome.waits, waits.seconds = waits.seconds, []
                outcomes.append(outcome)
            await grader.aclose()
        return outcomes

    return asyncio.run(run())


def judge_one(endpoint: FakeEndpoint, task: Task | None = None, **options: Any) -> Outcome:
    (outcome,) = judge(endpoint, task or task_of(), **options)
    return outcome


def failure(endpoint: FakeEndpoint, task: Task | None = None, **options: Any) -> GraderError:
    error = judge_one(endpoint, task, **options).error
    assert error is not None
    return error
