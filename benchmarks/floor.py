"""The least that the same calls cost: clients that ask and count, and keep nothing.

    python benchmarks/floor.py raw|aiohttp DIR URL IN_FLIGHT

asks about every criterion of DIR's marked workload and prints one JSON object. `raw` speaks HTTP over bare sockets
(an asyncio protocol on uvloop), with each answer's JSON escaped once and joined with a few bytes for each criterion;
`aiohttp` sends the same bodies through a session. Neither checks evidence, retries, or writes anything down.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
from marked_workload import is_met

from graders import build_judge_prompt
from rubrics import Rubric


@dataclass(frozen=True, slots=True)
class Floor:
    """What a client needed; `done_ns` is when its last reply was read, on the monotonic clock."""

    done_ns: int
    cpu: float
    """Seconds from before the first call to after the last."""
    wrong: int


@dataclass(slots=True)
class _Count:
    left: int
    wrong: int = 0


def measure_floor(client: str, folder: Path, url: str, in_flight: int) -> Floor:
    """Run a client in a process of its own."""
    command = [sys.executable, __file__, client, str(folder), url, str(in_flight)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300)
    return Floor(**json.loads(done.stdout))


def _escaped(value: str) -> bytes:
    """A text as it stands inside a JSON string."""
    return orjson.dumps(value)[1:-1]


def _bodies(rows: list[tuple[dict[str, Any], str]]) -> Iterator[tuple[bytes, bool]]:
    """The body of each call and whether the criterion is met."""
    criterion = {"criterion": "Says it", "points": 1}
    prompt = build_judge_prompt(Rubric.model_validate({"id": "r", "criteria": [criterion]}))
    assert prompt is not None
    messages = [prompt.messages[0], {"role": "user", "content": "|"}]
    head, tail = orjson.dumps({"model": "judge", "messages": messages, "temperature": 0.0}).split(b"|")
    for example, text in rows:
        shown = orjson.dumps({"conversation": example["prompt"], "answer": text}).decode()
        start = head + _escaped(f"The conversation and the answer to judge:\n{shown}\nThe criteria:\n")
        for criterion in example["rubric"]["criteria"]:
            said = criterion["criterion"]
            asked = {"criteria": [{"id": "c1", "criterion": said, "evidence": "optional"}]}
            yield start + _escaped(orjson.dumps(asked).decode()) + tail, is_met(said)


def _met(body: bytes) -> bool:
    said = orjson.loads(orjson.loads(body)["choices"][0]["message"]["content"])
    return bool(said["verdicts"][0]["met"])


class _RawCaller(asyncio.Protocol):
    """One connection: asks, reads, asks again."""

    def __init__(self, bodies: Iterator[tuple[bytes, bool]], head: bytes, count: _Count, done: asyncio.Event) -> None:
        self._bodies, self._head, self._count, self._done = bodies, head, count, done
        self._read = bytearray()
        self._expected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._ask()

    def _ask(self) -> None:
        call = next(self._bodies, None)
        if call is None:
            self._transport.close()
            return
        body, self._expected = call
        self._transport.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return
        length = int(self._read[self._read.index(b"content-length:") + 15 : end].split(b"\r\n")[0])
        if len(self._read) < end + 4 + length:
            return
        self._count.wrong += _met(bytes(self._read[end + 4 :])) is not self._expected
        self._read.clear()
        self._count.left -= 1
        if not self._count.left:
            self._done.set()
        self._ask()


async def _raw(bodies: Iterator[tuple[bytes, bool]], url: str, in_flight: int, count: _Count) -> None:
    place = urlsplit(url)
    head = f"POST {place.path}/chat/completions HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-length: ".encode()
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    for _ in range(in_flight):
        await loop.create_connection(
            lambda: _RawCaller(bodies, head, count, done), str(place.hostname), place.port or 80
        )
    await done.wait()


async def _aiohttp(bodies: Iterator[tuple[bytes, bool]], url: str, in_flight: int, count: _Count) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def work() -> None:
            for body, expected in bodies:
                async with session.post(f"{url}/chat/completions", data=body) as response:
                    count.wrong += _met(await response.read()) is not expected

        await asyncio.gather(*(work() for _ in range(in_flight)))


def main(client: str, folder: Path, url: str, in_flight: int) -> None:
    import uvloop

    examples = {}
    for line in (folder / "examples.jsonl").open("rb"):
        example = orjson.loads(line)
        examples[example["id"]] = example
    answers = map(orjson.loads, (folder / "answers.jsonl").open("rb"))
    rows = [(examples[answer["example_id"]], answer["text"]) for answer in answers]
    count = _Count(sum(len(example["rubric"]["criteria"]) for example, _ in rows))
    before = time.process_time()
    uvloop.run({"raw": _raw, "aiohttp": _aiohttp}[client](_bodies(rows), url, in_flight, count))
    done = time.monotonic_ns()
    print(json.dumps({"done_ns": done, "cpu": time.process_time() - before, "wrong": count.wrong}))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
