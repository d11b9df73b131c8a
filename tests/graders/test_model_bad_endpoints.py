"""Endpoints that do everything wrong: no verdict is ever made up, and almost none is lost."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from graders import Judgment, grade_async
from graders.model import ModelGrader
from graders.model.client import ChatClient
from graders.model.pace import Pace
from rubrics import Answer, Example
from tests.batch import Files, write_batch
from tests.command import markscheme
from tests.graders.fake_endpoint import (
    MET,
    FakeEndpoint,
    Scripted,
    Waits,
    completion,
    failure,
    json_lines,
    judge_one,
    serving,
    verdicts,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LYING = {"criterion": "c1", "explanation": "x", "evidence": []}
"""An entry whose verdict is yet to come: each fault below would, if it were believed, say the opposite of the truth."""


def reply(lie: bool, **changes: Any) -> Scripted:
    return completion(json.dumps({"verdicts": [{**LYING, "met": lie, **changes}]}))


def raw(text: str) -> Scripted:
    return completion(text)


def faults(lie: bool) -> dict[str, Scripted]:
    """Everything an endpoint may do wrong, none of which is a verdict."""
    said = json.dumps(lie)
    good = reply(lie).body
    html = {"Content-Type": "text/html"}
    dates = [format_datetime(NOW, usegmt=True), "Wednesday, 25-Nov-26 12:00:01 GMT", "Wed Nov 25 12:00:01 2026"]
    waits = ["0", "1", "0.5", "-5", "soon", "", "1e9", "nan", "1" * 400, *dates]
    return {
        **{f"429 {wait[:12]}": Scripted(status=429, headers={"Retry-After": wait}, body=good) for wait in waits},
        "429": Scripted(status=429, body=good),
        "503": Scripted(status=503, body=good),
        "529": Scripted(status=529, body=good),
        "500": Scripted(status=500, body=good),
        "502 html": Scripted(status=502, body=b"<html>bad gateway</html>", headers=html),
        "408": Scripted(status=408, body=good),
        "reset": Scripted(resets=True),
        "half a body": Scripted(body=good[: len(good) // 2], cut=True),
        "whole body, cut": Scripted(body=good, cut=True),
        "half a json": Scripted(body=good[: len(good) // 2]),
        "empty": Scripted(),
        "html": Scripted(body=b"<html>" + good + b"</html>", headers=html),
        "an error": Scripted(body=b'{"error": {"message": "overloaded"}}'),
        "bad utf-8": Scripted(body=good.replace(b'"x', b'"\xff\xfe')),
        "bad utf-8 inside": Scripted(body=good.replace(b"verdicts", b"verdicts\xc3")),
        "10 MB": Scripted(body=good[:-1] + b" " * 10_000_000 + b"}"),
        "gzip": Scripted(body=gzip.compress(good), headers={"Content-Encoding": "gzip"}),
        "gzip bomb": Scripted(body=BOMB, headers={"Content-Encoding": "gzip"}),
        "two jsons": Scripted(body=good + good),
        "NaN outside": Scripted(body=good.replace(b'"index": 0', b'"index": NaN')),
        "content in parts": Scripted(
            body=json.dumps({"choices": [{"message": {"content": [{"text": said}]}}]}).encode()
        ),
        "wrong schema": raw(f'{{"verdict": {said}}}'),
        "another id": reply(lie, criterion="c2"),
        "a list": raw(f"[{said}]"),
        "no verdict": raw('{"verdicts": []}'),
        "two verdicts": raw(json.dumps({"verdicts": [{**LYING, "met": lie}] * 2})),
        "NaN": raw('{"verdicts": [{"criterion": "c1", "explanation": "x", "met": NaN}]}'),
        "a number": reply(lie, met=int(lie)),
        "a string": reply(lie, met=said),
        "a word": reply(lie, met="yes" if lie else "no"),
        "duplicate keys": raw(f'{{"verdicts": [{{"criterion": "c1", "met": {json.dumps(not lie)}, "met": {said}}}]}}'),
        "duplicate lists": raw(f'{{"verdicts": [], "verdicts": [{{"criterion": "c1", "met": {said}}}]}}'),
        "prose before": raw(f'I think: {{"verdicts": [{{"criterion": "c1", "met": {said}}}]}}'),
        "prose": raw(f"met: {said}"),
        "nothing": raw(""),
        "null": completion(None),
        "cut by length": completion(json.dumps({"verdicts": [{**LYING, "met": lie}]}), finish_reason="length"),
        "a tool call": completion(json.dumps({"verdicts": [{**LYING, "met": lie}]}), finish_reason="tool_calls"),
        "not applicable": raw('{"verdicts": [{"criterion": "c1", "status": "not_applicable"}]}'),
        "another scale": raw('{"verdicts": [{"criterion": "c1", "value": 1}]}'),
        "refusal": completion(json.dumps({"verdicts": [{**LYING, "met": lie}]}), refusal="I cannot."),
        "filtered": completion(json.dumps({"verdicts": [{**LYING, "met": lie}]}), finish_reason="content_filter"),
    }


BOMB = gzip.compress(b" " * 20_000_000)
NAMES = list(faults(False))


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_no_verdict_and_a_good_reply_after_it_is(name: str) -> None:
    fault = faults(False)[name]
    outcome = judge_one(FakeEndpoint(fault, verdicts(MET)), now=NOW.timestamp)
    assert outcome.verdict.met is True
    assert all(0 <= wait <= 60 for wait in outcome.waits)


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_without_end_is_a_failure_with_its_kind_after_a_bounded_number_of_requests(name: str) -> None:
    endpoint = FakeEndpoint(faults(False)[name])
    error = failure(endpoint, now=NOW.timestamp)
    assert error.kind in {"http", "parse", "refusal", "truncated"}
    assert 1 < len(endpoint.requests) <= 10


def test_a_reply_that_says_nothing_until_the_time_is_over_is_a_timeout() -> None:
    endpoint = FakeEndpoint(Scripted(hangs=True), verdicts(MET))
    assert judge_one(endpoint, timeout=0.1).verdict.met is True


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_wherever_it_points(status: int) -> None:
    async def run() -> None:
        async with FakeEndpoint(verdicts(MET)) as other:
            endpoint = FakeEndpoint(Scripted(status=status, headers={"Location": f"{other.base_url}/chat/completions"}))
            error = await asyncio.to_thread(failure, endpoint)
            assert "redirects are refused" in str(error)
            assert (len(endpoint.requests), len(other.requests)) == (1, 0)

    asyncio.run(run())


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"",
        b"\x16\x03\x01\x02\x00",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 999999 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}",
    ],
)
def test_what_is_no_http_at_all_is_a_transport_fault(bytes_sent: bytes) -> None:
    async def run() -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(bytes_sent)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = ChatClient(f"http://127.0.0.1:{port}/v1", sleep=Waits(), timeout=5.0)
        grader = ModelGrader("judge", base_url=client.base_url, client=client, max_faults=2)
        example = Example.model_validate(
            {"id": "e", "prompt": "?", "rubric": {"id": "r", "criteria": [{"criterion": "Says a", "points": 1}]}}
        )
        (judgment,) = await grade_async([example], [Answer(example_id="e", model="m", text="Says a.")], grader)
        server.close()
        assert judgment.failure is not None
        return judgment.failure.kind

    assert asyncio.run(run()) == "http"


def test_another_models_name_is_recorded_and_no_failure() -> None:
    verdict = judge_one(FakeEndpoint(verdicts(MET, model="some-other-model"))).verdict
    assert (verdict.met, verdict.returned_model) == (True, "some-other-model")
    verdict = judge_one(FakeEndpoint(verdicts(MET, model="a\x00b"))).verdict
    assert verdict.met is True


# --- many at once ---


def truth(answer: str, criterion: str) -> bool:
    return hashlib.sha256(f"{answer}\n{criterion}".encode()).digest()[0] % 2 == 0


class HalfBroken:
    """Every other request, drawn by a seed from the cell and how often it was asked, meets one of the faults."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[tuple[str, str]] = Counter()
        self._faults = {lie: list(faults(lie).values()) for lie in (True, False)}
        self.faults = 0

    def __call__(self, body: Mapping[str, Any]) -> Scripted:
        material, asked = json_lines(body["messages"][:2])
        cell = (material["answer"], asked["criteria"][0]["criterion"])
        self._asked[cell] += 1
        rng = random.Random(f"{self._seed} {cell} {self._asked[cell]}")
        met = truth(*cell)
        if rng.random() < 0.5:
            self.faults += 1
            return rng.choice(self._faults[not met])
        return verdicts({"criterion": "c1", "met": met})


CRITERIA = [{"id": f"k{number}", "criterion": f"Makes point number {number}", "points": 1} for number in range(10)]


@pytest.mark.parametrize("seed", [0, 1])
def test_of_three_thousand_judgments_with_half_of_all_replies_bad_none_is_wrong_and_hardly_one_is_lacking(
    seed: int,
) -> None:
    example = Example.model_validate({"id": "e", "prompt": "?", "rubric": {"id": "r", "criteria": CRITERIA}})
    answers = [Answer(example_id="e", model=f"m{number}", text=f"Answer number {number}.") for number in range(300)]
    broken = HalfBroken(seed)

    async def run() -> tuple[Judgment, ...]:
        waits = Waits()
        async with FakeEndpoint(answer=broken) as endpoint:
            client = ChatClient(
                endpoint.base_url,
                timeout=20.0,
                pace=Pace(clock=waits.clock),
                sleep=waits,
                rng=random.Random(seed),
                now=NOW.timestamp,
            )
            grader = ModelGrader("judge", base_url=endpoint.base_url, client=client)
            return await grade_async([example], answers, grader, concurrency=32)

    judgments = asyncio.run(run())
    assert len(judgments) == 3000
    assert broken.faults > 2500
    wording = {row["id"]: row["criterion"] for row in CRITERIA}
    texts = {answer.model: answer.text for answer in answers}
    lacking = [judgment for judgment in judgments if judgment.status != "judged"]
    for judgment in judgments:
        if judgment.status == "judged":
            assert judgment.met is truth(texts[judgment.model], wording[judgment.criterion_id])
        else:
            assert judgment.status == "failed"
            assert judgment.failure is not None
    assert len(lacking) <= 3


# --- through the command ---


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return write_batch(tmp_path / "batch")


@pytest.mark.parametrize("name", ["html", "a string", "refusal", "bad utf-8", "gzip bomb"])
def test_the_command_exits_3_where_anything_is_ungraded_and_grades_it_the_next_time(files: Files, name: str) -> None:
    working = False

    def answer(body: dict[str, Any]) -> Scripted:
        broken = "dose" in json_lines(body["messages"])[1]["criteria"][0]["criterion"] and not working
        return faults(False)[name] if broken else verdicts({"criterion": "c1", "met": False})

    endpoint = FakeEndpoint(answer=answer)
    with serving(endpoint):
        command = (files.dataset, files.answers, "--grader", f"model:judge@{endpoint.base_url}", *files.options)
        bounds = ("--max-replies", 2, "--max-faults", 1, "--json")
        first = markscheme("grade", *command, *bounds)
        working = True
        asked = len(endpoint.requests)
        second = markscheme("grade", *command, *bounds)
    report = json.loads(first.out)
    assert first.code == 3
    assert report["run"]["failed"] == 4
    assert sum(report["failures"].values()) == 4
    assert all(row["score"] is None and row["low"] < row["high"] for row in report["answers"])
    assert second.code == 0
    assert len(endpoint.requests) - asked == 4
