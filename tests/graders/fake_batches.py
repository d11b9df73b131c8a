"""The batch endpoints of both providers on loopback, in a thread of their own: what they are asked they remember."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.graders.fake_endpoint import json_lines

Fate = Callable[[str, int], str]
"""From what is asked (the judge's two JSON lines as text) and how often it was asked before to what becomes of it."""


def truth(answer: str, criterion: str) -> bool:
    """The verdict that the fake judge gives."""
    return hashlib.sha256(f"{answer}\n{criterion}".encode()).digest()[0] % 2 == 0


def always_well(_asked: str, _time: int) -> str:
    return "well"


@dataclass
class Batch:
    """A batch at the provider."""

    id: str
    requests: list[dict[str, Any]]
    label: str | None
    created_at: float
    looks: int = 0
    ends_as: str = "completed"
    lines: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)


class FakeBatches:
    """Both providers under one base URL. A batch ends at the look `looks`; its results come in another order."""

    def __init__(self, fate: Fate = always_well, *, looks: int = 2, seed: int = 1, usage: bool = True) -> None:
        self.fate = fate
        self.looks = looks
        self.usage = usage
        self.end_batches: list[str] = []
        """How the next batches end, instead of `completed`."""
        self.silence = ""
        """How the next batch is made without a word to the one who asked: `hangs up` or `hangs`."""
        self.refused_creations: list[int] = []
        """Status codes for the next creations, which make nothing."""
        self.outages = 0
        """So many next looks are answered by 503."""
        self.lists = True
        """Whether it lists its batches."""
        self.made = threading.Event()
        """Set when a batch is made."""
        self.batches: dict[str, Batch] = {}
        self.files: dict[str, bytes] = {}
        self.bodies: list[dict[str, Any]] = []
        """The body of each request of each batch, as they came."""
        self.seen: dict[str, int] = {}
        """How often each thing was asked, whatever became of it."""
        self.paid: dict[str, int] = {}
        """How often a reply was given to it."""
        self.headers: list[dict[str, str]] = []
        self.log: list[str] = []
        self.base_url = ""
        self._rng = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> FakeBatches:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=2**30)
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{file}/content", self._content)
        for path, create in (("/v1/batches", self._create_openai), ("/v1/messages/batches", self._create_anthropic)):
            app.router.add_post(path, create)
            app.router.add_get(path, self._list)
            app.router.add_get(path + "/{batch}", self._look)
        app.router.add_get("/v1/messages/batches/{batch}/results", self._results)
        app.router.add_post("/v1/chat/completions", self._at_once)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _upload(self, request: web.Request) -> web.Response:
        self._noted(request)
        purpose, content = "", b""
        async for part in await request.multipart():
            if part.name == "purpose":
                purpose = (await part.read()).decode()
            elif part.name == "file":
                assert part.filename
                content = bytes(await part.read())
        assert purpose == "batch"
        file = f"file-{len(self.files)}"
        self.files[file] = content
        return web.json_response({"id": file, "object": "file", "purpose": purpose, "bytes": len(content)})

    async def _content(self, request: web.Request) -> web.Response:
        self._noted(request)
        return web.Response(body=self.files[request.match_info["file"]])

    async def _create_openai(self, request: web.Request) -> web.Response:
        self._noted(request)
        told = await request.json()
        assert (told["endpoint"], told["completion_window"]) == ("/v1/chat/completions", "24h")
        rows = [json.loads(line) for line in self.files[told["input_file_id"]].splitlines()]
        for row in rows:
            assert (row["method"], row["url"]) == ("POST", "/v1/chat/completions")
        requests = [{"custom_id": row["custom_id"], "body": row["body"]} for row in rows]
        return await self._made(requests, told["metadata"]["markscheme"], request.transport, openai=True)

    async def _create_anthropic(self, request: web.Request) -> web.Response:
        self._noted(request)
        assert request.headers["anthropic-version"]
        rows = (await request.json())["requests"]
        requests = [{"custom_id": row["custom_id"], "body": row["params"]} for row in rows]
        return await self._made(requests, None, request.transport, openai=False)

    async def _at_once(self, request: web.Request) -> web.Response:
        """The same judge, asked as usual."""
        self._noted(request)
        batch = Batch("", [], None, 0.0)
        self._answer(batch, "", await request.json(), openai=True)
        return web.json_response(json.loads(batch.lines[0])["response"]["body"])

    async def _made(
        self, requests: list[dict[str, Any]], label: str | None, transport: Any, *, openai: bool
    ) -> web.Response:
        if self.refused_creations:
            return web.json_response({"error": {"message": "no"}}, status=self.refused_creations.pop(0))
        ids = [request["custom_id"] for request in requests]
        assert len(set(ids)) == len(ids) and all(len(custom_id) <= 64 for custom_id in ids)
        batch = Batch(f"batch_{len(self.batches)}", requests, label, time.time())
        batch.ends_as = self.end_batches.pop(0) if self.end_batches else "completed"
        self.batches[batch.id] = batch
        if batch.ends_as != "failed":
            for each in requests:
                self.bodies.append(each["body"])
                self._answer(batch, each["custom_id"], each["body"], openai=openai)
        self._shuffle(batch.lines)
        self.made.set()
        silence, self.silence = self.silence, ""
        if silence == "hangs":
            await asyncio.Event().wait()
        if silence == "hangs up":
            assert transport is not None
            transport.close()
        return web.json_response(self._told(batch, openai=openai))

    def _shuffle(self, lines: list[bytes]) -> None:
        """Another order, in which of two lines on one request the first stays the first."""
        order = {line: self._rng.random() for line in lines}
        places = {line: place for place, line in enumerate(lines)}
        ids = {line: json.loads(line)["custom_id"] for line in lines}
        first = {custom_id: order[line] for line, custom_id in reversed(ids.items())}
        lines.sort(key=lambda line: (first[ids[line]], places[line]))

    def _answer(self, batch: Batch, custom_id: str, body: dict[str, Any], *, openai: bool) -> None:
        messages = [
            {**m, "content": m["content"] if openai else "".join(block["text"] for block in m["content"])}
            for m in body["messages"]
            if m["role"] == "user"
        ]
        shown, told = json_lines(messages)
        asked = json.dumps([shown["answer"], [each["criterion"] for each in told["criteria"]]])
        time_before = self.seen.get(asked, 0)
        self.seen[asked] = time_before + 1
        fate = self.fate(asked, time_before)
        if fate == "missing":
            return
        text = ""
        if fate == "garbage":
            text = "I think so."
        elif fate in ("well", "twice", "quoteless"):
            verdicts = [_verdict(shown["answer"], each, quoted=fate != "quoteless") for each in told["criteria"]]
            text = json.dumps({"verdicts": verdicts})
        if text or fate == "refusal":
            self.paid[asked] = self.paid.get(asked, 0) + 1
        add = self._openai_line if openai else self._anthropic_line
        add(batch, custom_id, "well" if text else fate, text)
        if fate == "twice":
            add(batch, custom_id, "well", json.dumps({"verdicts": []}))

    def _openai_line(self, batch: Batch, custom_id: str, fate: str, text: str) -> None:
        row: dict[str, Any] = {
            "id": f"batch_req_{custom_id[:4]}",
            "custom_id": custom_id,
            "response": None,
            "error": None,
        }
        if fate in ("well", "refusal"):
            refusal = "I will not." if fate == "refusal" else None
            message = {"role": "assistant", "content": text or None, "refusal": refusal}
            body = {
                "object": "chat.completion",
                "model": "judge-2026",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10} if self.usage else None,
            }
            row["response"] = {"status_code": 200, "request_id": "r", "body": body}
        elif fate in ("expired", "cancelled"):
            row["error"] = {"code": f"batch_{fate}", "message": "This request was not executed in time."}
        else:
            status = {"refused": 400, "denied": 404, "error": 500}[fate]
            error = {"message": "response_format of type json_schema is not supported"}
            row["response"] = {"status_code": status, "request_id": "r", "body": {"error": error}}
        lines = batch.lines if fate in ("well", "refusal") else batch.errors
        lines.append(json.dumps(row).encode())

    def _anthropic_line(self, batch: Batch, custom_id: str, fate: str, text: str) -> None:
        result: dict[str, Any] = {"type": {"cancelled": "canceled"}.get(fate, fate)}
        if fate in ("well", "refusal"):
            message = {
                "type": "message",
                "model": "judge-2026",
                "content": [{"type": "text", "text": text}],
                "stop_reason": "refusal" if fate == "refusal" else "end_turn",
                "usage": {"input_tokens": 100, "output_tokens": 10} if self.usage else None,
            }
            result = {"type": "succeeded", "message": message}
        elif fate not in ("expired", "cancelled"):
            kind = {"refused": "invalid_request_error", "denied": "not_found_error", "error": "api_error"}[fate]
            result = {"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": "no"}}}
        batch.lines.append(json.dumps({"custom_id": custom_id, "result": result}).encode())

    async def _look(self, request: web.Request) -> web.Response:
        self._noted(request)
        batch = self.batches.get(request.match_info["batch"])
        if batch is None:
            return web.json_response({"error": {"message": "no such batch"}}, status=404)
        if self.outages:
            self.outages -= 1
            return web.json_response({}, status=503)
        batch.looks += 1
        return web.json_response(self._told(batch, openai="messages" not in request.path))

    async def _list(self, request: web.Request) -> web.Response:
        self._noted(request)
        if not self.lists:
            return web.json_response({}, status=404)
        openai = "messages" not in request.path
        newest = list(reversed(self.batches.values()))
        after = request.query.get("after" if openai else "after_id")
        ids = [batch.id for batch in newest]
        start = ids.index(after) + 1 if after else 0
        page = newest[start : start + 2]  # pages are short, so that there are several
        return web.json_response(
            {
                "data": [self._told(batch, openai=openai) for batch in page],
                "has_more": start + 2 < len(newest),
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
            }
        )

    async def _results(self, request: web.Request) -> web.Response:
        self._noted(request)
        return web.Response(body=b"\n".join(self.batches[request.match_info["batch"]].lines) + b"\n")

    def _told(self, batch: Batch, *, openai: bool) -> dict[str, Any]:
        over, size = batch.looks >= self.looks, len(batch.requests)
        if not openai:
            counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
            counts["succeeded" if over else "processing"] = size
            return {
                "id": batch.id,
                "type": "message_batch",
                "processing_status": "ended" if over else "in_progress",
                "request_counts": counts,
                "created_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(batch.created_at)) + ".100435Z",
                "results_url": f"{self.base_url}/messages/batches/{batch.id}/results" if over else None,
            }
        state = batch.ends_as if over else ["validating", "in_progress", "finalizing"][min(batch.looks, 2)]
        told: dict[str, Any] = {
            "id": batch.id,
            "object": "batch",
            "status": state.partition(":")[0],
            "created_at": int(batch.created_at),
            "metadata": {"markscheme": batch.label},
            "request_counts": {"total": size, "completed": size if over else 0, "failed": 0},
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
        }
        if state.startswith("failed"):
            code = state.partition(":")[2] or "invalid_json_line"
            told["errors"] = {"object": "list", "data": [{"code": code, "message": "This is why.", "line": 1}]}
        elif over:
            for name, lines in (("output", batch.lines), ("error", batch.errors)):
                if lines:
                    self.files[f"{name}-{batch.id}"] = b"\n".join(lines) + b"\n"
                    told[f"{name}_file_id"] = f"{name}-{batch.id}"
        return told

    def _noted(self, request: web.Request) -> None:
        self.headers.append(dict(request.headers))
        self.log.append(f"{request.method} {request.path}")


def _verdict(answer: str, asked: dict[str, Any], *, quoted: bool) -> dict[str, Any]:
    met = truth(answer, asked["criterion"])
    evidence = [answer[:12]] if met and quoted else []
    return {"criterion": asked["id"], "explanation": "It says so.", "evidence": evidence, "met": met}
