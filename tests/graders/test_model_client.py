"""The HTTP client: transport faults, redirects, secrets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from graders.grader import GraderCard
from graders.judgment import Verdict
from graders.model import ModelGrader
from graders.model.client import ChatClient, TransportFault, parse_retry_after
from rubrics import GraderError, InputError
from tests.graders.fake_endpoint import (
    GARBAGE,
    KEY,
    MET,
    FakeEndpoint,
    Scripted,
    Waits,
    completion,
    failure,
    json_lines,
    judge_one,
    task_of,
    verdicts,
)


@pytest.fixture(autouse=True)
def a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    # A proxy that nobody listens at: the client must not look at it.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")


def test_the_key_is_sent_as_a_bearer_token() -> None:
    endpoint = FakeEndpoint(verdicts(MET))
    assert judge_one(endpoint).verdict.met is True
    assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_no_key_is_sent_where_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_KEY")
    endpoint = FakeEndpoint(verdicts(MET))
    assert judge_one(endpoint).verdict.met is True
    assert "Authorization" not in endpoint.headers[0]


HTML = Scripted(body=b"<html><body>Welcome to the hotel</body></html>", headers={"Content-Type": "text/html"})
FAULTS = {
    "500": Scripted(status=500, body=b"oops"),
    "503": Scripted(status=503),
    "429": Scripted(status=429),
    "408": Scripted(status=408),
    "empty": Scripted(),
    "html": HTML,
    "cut json": Scripted(body=verdicts(MET).body[:50]),
    "cut body": Scripted(body=verdicts(MET).body, cut=True),
    "not utf-8": Scripted(body=b'{"choices": [{"message": {"content": "\xff"}}]}'),
    "no choices": Scripted(body=b'{"choices": []}'),
    "an error": Scripted(body=b'{"error": {"code": 502}}'),
    "a list": Scripted(body=b"[1]"),
    "content in parts": Scripted(body=b'{"choices": [{"message": {"content": [{"text": "x"}]}}]}'),
    "packed": Scripted(body=b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"}),
    "too long": Scripted(body=b'{"choices": [' + b" " * 1_100_000 + b"]}"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_transport_fault_is_tried_again_after_a_growing_pause(fault: Scripted) -> None:
    endpoint = FakeEndpoint(fault, fault, fault, verdicts(MET))
    outcome = judge_one(endpoint)
    assert outcome.verdict.met is True
    assert len(endpoint.requests) == 4
    assert len(outcome.waits) == 3
    for wait, full in zip(outcome.waits, (0.5, 1.0, 2.0), strict=True):
        assert full / 2 <= wait <= full


def test_ten_transport_faults_end_a_call() -> None:
    endpoint = FakeEndpoint(FAULTS["500"])
    outcome = judge_one(endpoint)
    assert outcome.error is not None
    assert outcome.error.kind == "http"
    assert "HTTP 500 from 127.0.0.1" in str(outcome.error)
    assert len(endpoint.requests) == 10
    assert len(outcome.waits) == 9
    assert max(outcome.waits) <= 60


def test_transport_faults_and_unusable_replies_are_counted_apart() -> None:
    script = [FAULTS["500"], completion(GARBAGE)] * 4 + [FAULTS["500"], verdicts(MET)]
    endpoint = FakeEndpoint(*script)
    assert judge_one(endpoint, max_faults=6, max_replies=5).verdict.met is True


def test_retry_after_in_seconds_is_waited_for() -> None:
    endpoint = FakeEndpoint(Scripted(status=429, headers={"Retry-After": "7"}), verdicts(MET))
    outcome = judge_one(endpoint)
    assert outcome.verdict.met is True
    assert 7 <= outcome.waits[0] <= 7.7


def test_retry_after_as_a_date_is_waited_for_and_capped() -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    script = [
        Scripted(status=503, headers={"Retry-After": format_datetime(now + timedelta(seconds=wait), usegmt=True)})
        for wait in (20, 3600)
    ]
    outcome = judge_one(FakeEndpoint(*script, verdicts(MET)), now=now.timestamp)
    assert 20 <= outcome.waits[0] <= 22
    assert outcome.waits[1] == 60


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0.5", 0.5), ("-3", 0.0), ("1e9", 60.0), ("nan", None), ("inf", None), ("soon", None), (None, None)],
)
def test_retry_after_is_read_in_every_form(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=0.0) == seconds


def test_a_hanging_endpoint_is_a_timeout() -> None:
    endpoint = FakeEndpoint(Scripted(hangs=True))
    error = failure(endpoint, timeout=0.02, max_faults=2)
    assert error.kind == "timeout"
    assert "in time" in str(error)
    assert len(endpoint.requests) == 2


def test_an_endpoint_that_is_not_there_is_named() -> None:
    async def run() -> GraderError:
        client = ChatClient("http://127.0.0.1:9/v1", sleep=Waits())
        grader = ModelGrader("judge", base_url=client.base_url, client=client)
        with pytest.raises(GraderError) as caught:
            await grader.judge(task_of())
        await grader.aclose()
        return caught.value

    error = asyncio.run(run())
    assert error.kind == "http"
    assert "cannot connect to 127.0.0.1:9" in str(error)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 413])
def test_what_asking_again_will_not_change_is_not_asked_again(status: int) -> None:
    endpoint = FakeEndpoint(Scripted(status=status, body=b"no"))
    error = failure(endpoint)
    assert error.kind == "http"
    assert f"HTTP {status} from 127.0.0.1" in str(error)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refused(status: int) -> None:
    endpoint = FakeEndpoint(Scripted(status=status, headers={"Location": "/elsewhere"}))
    error = failure(endpoint)
    assert error.kind == "http"
    assert "redirects are refused" in str(error)
    assert endpoint.paths == ["/v1/chat/completions"]


# --- secrets ---


def test_the_key_and_the_endpoints_words_are_in_no_error_and_no_argument() -> None:
    words = f"Incorrect API key provided: {KEY}".encode()
    for scripted in (Scripted(status=401, body=words), Scripted(status=500, body=words), Scripted(body=words)):
        error = failure(FakeEndpoint(scripted))
        assert "Incorrect" not in str(error)
        shown = repr(error) + repr(vars(error)) + repr(error.__cause__) + repr(error.__context__)
        assert KEY not in shown
    grader = ModelGrader("judge", base_url="http://127.0.0.1:1/v1", api_key_env="JUDGE_KEY")
    assert KEY not in repr(GraderCard.of(grader))
    assert KEY not in repr(vars(grader))


def test_a_missing_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_KEY")
    assert "JUDGE_KEY is not set" in str(failure(FakeEndpoint(Scripted(status=401))))


def test_a_key_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-\nX-Evil: 1")
    endpoint = FakeEndpoint(verdicts(MET))
    error = failure(endpoint)
    assert "JUDGE_KEY" in str(error)
    assert "Evil" not in str(error)
    assert endpoint.requests == []


def test_a_cancelled_call_is_cancelled_at_once() -> None:
    async def run() -> None:
        waiting = asyncio.Event()

        async def wait_for_ever(_: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        async with FakeEndpoint(FAULTS["500"]) as endpoint:
            client = ChatClient(endpoint.base_url, sleep=wait_for_ever)
            grader = ModelGrader("judge", base_url=endpoint.base_url, client=client)
            call = asyncio.create_task(grader.judge(task_of()))
            await waiting.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await grader.aclose()

    asyncio.run(run())


HALF_A_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize("said", [b"", HALF_A_BODY], ids=["nothing", "half a body"])
def test_a_cancelled_call_hangs_up_so_that_the_endpoint_need_not_go_on(said: bytes) -> None:
    async def run() -> None:
        asked, hung_up = asyncio.Event(), asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await writer.drain()
            asked.set()
            await reader.read()  # to the end, which comes where the connection is closed
            hung_up.set()
            writer.close()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        client = ChatClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", timeout=600.0)
        grader = ModelGrader("judge", base_url=client.base_url, client=client)
        call = asyncio.create_task(grader.judge(task_of()))
        await asyncio.wait_for(asked.wait(), 30)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(hung_up.wait(), 30)
        await grader.aclose()
        server.close()

    asyncio.run(run())


def test_a_request_counts_as_sent_unless_no_connection_was_made() -> None:
    async def fault_of(client: ChatClient) -> TransportFault:
        with pytest.raises(TransportFault) as caught:
            async with client.open("POST", "/batches", data=b"{}"):
                pass
        await client.aclose()
        return caught.value

    async def run() -> None:
        async with FakeEndpoint(Scripted(resets=True)) as endpoint:
            assert (await fault_of(ChatClient(endpoint.base_url))).sent is True
            assert len(endpoint.requests) == 1
        assert (await fault_of(ChatClient("http://127.0.0.1:9/v1"))).sent is False

    asyncio.run(run())


def test_a_grader_can_be_used_again_after_it_was_closed() -> None:
    async def run() -> bool | None:
        async with FakeEndpoint(verdicts(MET)) as endpoint:
            grader = ModelGrader("judge", base_url=endpoint.base_url)
            await grader.judge(task_of())
            await grader.aclose()
            (verdict,) = await grader.judge(task_of())
            await grader.aclose()
            await grader.aclose()
            return verdict.met

    assert asyncio.run(run()) is True


def test_many_calls_side_by_side_keep_to_their_own_answers() -> None:
    def honest(request: dict[str, Any]) -> Scripted:
        answer = json_lines(request["messages"])[0]["answer"]
        return verdicts({"criterion": "c1", "met": "yes" in answer, "evidence": [answer]})

    async def run() -> list[tuple[bool, Verdict]]:
        async with FakeEndpoint(answer=honest) as endpoint:
            grader = ModelGrader("judge", base_url=endpoint.base_url)
            texts = [f"Answer number {number}: {'yes' if number % 3 else 'no'} it is." for number in range(60)]
            replies = await asyncio.gather(*(grader.judge(task_of(text)) for text in texts))
            await grader.aclose()
        return [("yes" in text, reply[0]) for text, reply in zip(texts, replies, strict=True)]

    for met, verdict in asyncio.run(run()):
        assert verdict.met is met
        assert verdict.flags == ()


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "localhost:1/v1",
        "ftp://h/v1",
        "http://",
        "http://h/v1?key=1",
        "http://h/v1#x",
        "http://h:x/v1",
        "http://[/v1",
    ],
)
def test_a_base_url_that_is_no_plain_address_is_an_input_error(base_url: str) -> None:
    with pytest.raises(InputError):
        ModelGrader("judge", base_url=base_url)


def test_a_password_in_a_base_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        ModelGrader("judge", base_url="http://me:hunter2@h/v1")
    assert "hunter2" not in str(caught.value)
