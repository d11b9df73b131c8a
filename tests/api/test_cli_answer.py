"""`markscheme answer`: a model under test answers into a file that every crash leaves whole, and that goes on."""

import asyncio
import fcntl
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from api.answer_log import AnswerLog
from api.answering import Answering
from graders import Answerer
from rubrics import Answer, DatasetFile, InputError, load_answers
from tests.batch import RUBRIC, read_lines, write_lines
from tests.command import Result, markscheme
from tests.endpoint_thread import serving
from tests.graders.fake_endpoint import FakeEndpoint, Scripted, completion

ROOT = Path(__file__).resolve().parents[2]


def echo(body: dict[str, Any]) -> Scripted:
    """Answers with what it was asked last."""
    return completion(f"You asked: {body['messages'][-1]['content']}", model="tested-2026")


def write_dataset(folder: Path, *prompts: Any) -> Path:
    rows = [
        {"id": f"e{number}", "prompt": prompt, "rubric": RUBRIC}
        for number, prompt in enumerate(prompts or ("First?", "Second?", "Third?"), start=1)
    ]
    return write_lines(folder / "examples.jsonl", rows)


class Desk:
    """A dataset, an endpoint that answers it, and the file of answers."""

    def __init__(self, folder: Path, endpoint: FakeEndpoint, *prompts: Any) -> None:
        self.dataset = write_dataset(folder, *prompts)
        self.output = folder / "answers.jsonl"
        self.endpoint = endpoint

    def arguments(self, *more: Any) -> list[str]:
        model = f"tested@{self.endpoint.base_url}"
        return [str(part) for part in ("answer", self.dataset, "--model", model, "-o", self.output, *more)]

    def answer(self, *more: Any) -> Result:
        return markscheme(*self.arguments(*more))

    def asked(self) -> list[str]:
        """What the endpoint was asked last in each request since the last look, sorted."""
        asked = sorted(body["messages"][-1]["content"] for body in self.endpoint.requests)
        self.endpoint.requests.clear()
        return asked

    def rows(self) -> list[dict[str, Any]]:
        return sorted(read_lines(self.output), key=lambda row: (row["example_id"], row["sample"]))


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    with serving(FakeEndpoint(answer=echo)) as endpoint:
        yield Desk(tmp_path, endpoint)


def test_a_model_answers_every_example_and_the_rows_say_how(desk: Desk) -> None:
    result = desk.answer()
    assert result.code == 0, result.err
    assert result.out == ""
    assert "3 answers: 0 kept, 3 to ask of tested at 127.0.0.1:" in result.err
    first = desk.rows()[0]
    prompt_hash = first["metadata"].pop("prompt_hash")
    assert len(prompt_hash) == 16
    assert first == {
        "example_id": "e1",
        "model": "tested",
        "text": "You asked: First?",
        "sample": 0,
        "metadata": {
            "sampling": {},
            "finish_reason": "stop",
            "returned_model": "tested-2026",
            "input_tokens": 100,
            "output_tokens": 10,
        },
    }
    assert len(load_answers(desk.output)) == 3


def test_nothing_is_sent_that_was_not_asked_for(desk: Desk) -> None:
    desk.answer()
    assert all(body.keys() == {"model", "messages"} for body in desk.endpoint.requests)


def test_options_and_a_system_prompt_are_sent_and_remembered(desk: Desk, tmp_path: Path) -> None:
    system = tmp_path / "system.txt"
    system.write_text("Be brief.\n", encoding="utf-8")
    options = ("--temperature", "0.5", "--max-tokens", "64", "--system", system, "--samples", "2", "--as", "brief")
    assert desk.answer(*options).code == 0
    assert {(body["model"], body["temperature"], body["max_tokens"]) for body in desk.endpoint.requests} == {
        ("tested", 0.5, 64)
    }
    assert all(body["messages"][0] == {"role": "system", "content": "Be brief."} for body in desk.endpoint.requests)
    rows = desk.rows()
    assert [(row["model"], row["sample"]) for row in rows] == [("brief", 0), ("brief", 1)] * 3
    assert {json.dumps(row["metadata"]["sampling"]) for row in rows} == {'{"temperature": 0.5, "max_tokens": 64}'}


def test_a_conversation_is_sent_turn_by_turn(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "It hurts."},
        {"role": "assistant", "content": "Where?"},
        {"role": "user", "content": "Here."},
    ]
    with serving(FakeEndpoint(answer=echo)) as endpoint:
        Desk(tmp_path, endpoint, turns).answer()
    assert endpoint.requests[0]["messages"] == turns


def test_the_same_command_again_asks_nothing(desk: Desk) -> None:
    desk.answer()
    before = desk.output.read_bytes()
    desk.asked()
    again = desk.answer()
    assert (again.code, desk.asked()) == (0, [])
    assert "3 kept, 0 to ask" in again.err
    assert desk.output.read_bytes() == before


def test_more_samples_and_more_examples_ask_for_those_alone(desk: Desk, tmp_path: Path) -> None:
    desk.answer()
    desk.asked()
    write_dataset(tmp_path, "First?", "Second?", "Third?", "Fourth?")
    desk.answer()
    assert desk.asked() == ["Fourth?"]
    desk.answer("--samples", "2")
    assert desk.asked() == ["First?", "Fourth?", "Second?", "Third?"]
    assert [row["sample"] for row in desk.rows()] == [0, 1] * 4


def test_answers_of_others_in_the_file_are_no_concern(desk: Desk) -> None:
    other = {"example_id": "e1", "model": "person", "text": "Mine."}
    write_lines(desk.output, [other])
    assert desk.answer().code == 0
    assert desk.asked() == ["First?", "Second?", "Third?"]
    assert read_lines(desk.output)[0] == other


def test_a_changed_prompt_is_told_and_nothing_is_mixed(desk: Desk, tmp_path: Path) -> None:
    desk.answer()
    before = desk.output.read_bytes()
    desk.asked()
    write_dataset(tmp_path, "Worst?", "Second?", "Third?")
    changed = desk.answer("--samples", "2")
    assert (changed.code, desk.asked()) == (1, [])
    assert "$.metadata.prompt_hash: got" in changed.err
    assert "example 'e1'" in changed.err
    assert "its prompt or --system has changed; write to another file" in changed.err
    assert desk.output.read_bytes() == before
    system = tmp_path / "system.txt"
    system.write_text("Be brief.", encoding="utf-8")
    assert "(and in 2 more lines)" in desk.answer("--system", system).err
    assert desk.answer("--system", system, "--as", "brief").code == 0


def test_another_temperature_is_another_answerer(desk: Desk) -> None:
    desk.answer("--temperature", "0")
    hot = desk.answer("--temperature", "1", "--samples", "2")
    assert hot.code == 1
    assert "$.metadata.sampling: was asked with another --temperature or --max-tokens than now (and in 2" in hot.err


@pytest.mark.parametrize(
    ("reply", "text", "reason", "told"),
    [
        (completion(None, refusal="I cannot help with that."), "I cannot help with that.", "stop", ""),
        (completion("It is", finish_reason="length"), "It is", "length", "1 answers were cut off at the token limit"),
        (completion(""), "", "stop", "1 answers have no text; an empty answer is judged lowest"),
        (completion(None, finish_reason="content_filter"), "", "content_filter", "1 answers have no text"),
        (completion("NUL \x00 here"), "NUL ␀ here", "stop", ""),
    ],
)
def test_what_the_model_says_is_its_answer(tmp_path: Path, reply: Scripted, text: str, reason: str, told: str) -> None:
    with serving(FakeEndpoint(reply)) as endpoint:
        desk = Desk(tmp_path, endpoint, "One?")
        result = desk.answer()
    assert result.code == 0
    (answer,) = load_answers(desk.output)
    assert (answer.text, answer.metadata["finish_reason"]) == (text, reason)
    assert told in result.err
    assert ("warning" in result.err) == bool(told)


def test_a_model_that_knows_the_token_limit_by_its_newer_name_alone_is_asked_so(tmp_path: Path) -> None:
    def newer(body: dict[str, Any]) -> Scripted:
        return Scripted(status=400) if "max_tokens" in body else echo(body)

    with serving(FakeEndpoint(answer=newer)) as endpoint:
        desk = Desk(tmp_path, endpoint)
        assert desk.answer("--max-tokens", "9", "--concurrency", "1").code == 0
    sent = ["max_tokens" in body for body in endpoint.requests]
    assert sent == [True, False, False, False]
    assert endpoint.requests[-1]["max_completion_tokens"] == 9


def test_a_failure_is_told_the_file_is_valid_and_the_rest_comes_later(tmp_path: Path) -> None:
    broken = True

    def picky(body: dict[str, Any]) -> Scripted:
        return Scripted(status=422) if broken and body["messages"][-1]["content"] == "Second?" else echo(body)

    with serving(FakeEndpoint(answer=picky)) as endpoint:
        desk = Desk(tmp_path, endpoint)
        result = desk.answer()
        assert result.code == 3
        assert "example 'e2', sample 0: http: HTTP 422" in result.err
        assert "2 answered; the same command goes on from here" in result.err
        assert [answer.example_id for answer in load_answers(desk.output)] == ["e1", "e3"]
        broken = False
        desk.asked()
        assert desk.answer().code == 0
        assert desk.asked() == ["Second?"]


def test_a_busy_endpoint_is_asked_again(tmp_path: Path) -> None:
    with serving(FakeEndpoint(Scripted(status=503, headers={"Retry-After": "0"}), completion("Here."))) as endpoint:
        desk = Desk(tmp_path, endpoint, "One?")
        assert desk.answer().code == 0
    assert [row["text"] for row in desk.rows()] == ["Here."]


def test_an_endpoint_that_never_answers_is_given_up_and_leaves_no_empty_file(tmp_path: Path) -> None:
    with serving(FakeEndpoint(Scripted(status=401))) as endpoint:
        desk = Desk(tmp_path, endpoint, *(f"Question {number}?" for number in range(40)))
        result = desk.answer("--concurrency", "1")
    assert result.code == 3
    assert len(endpoint.requests) == 8
    assert "stopped: the first 8 all failed" in result.err
    assert not desk.output.exists()


def test_a_cut_last_line_is_asked_again(desk: Desk) -> None:
    desk.answer("--concurrency", "1")
    whole = desk.output.read_bytes()
    desk.asked()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in (last + 1, last + 20, len(whole) - 2):
        desk.output.write_bytes(whole[:end])
        result = desk.answer()
        assert (result.code, desk.asked()) == (0, ["Third?"])
        assert "the last line was cut off; that answer is asked again" in result.err
        assert desk.output.read_bytes() == whole
    desk.output.write_bytes(whole[:-1])
    result = desk.answer()
    assert (result.code, desk.asked(), desk.output.read_bytes()) == (0, [], whole)
    assert "cut off" not in result.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Notes that are precious", "not JSON"),
        ('{"example_id": "e1"}', "missing, expected 'model'"),
        ('{"example_id": "e1", "model": "m", "text": "x"}\nprecious', "not JSON"),
        ('{"example_id": "e1", "model": "m", "text": "x", "\n{"example_id"', "not JSON"),
        (
            '{"example_id": "e1", "model": "tested", "text": "x"}\n' * 2,
            "answers.jsonl:2 $: a second answer of 'tested' to 'e1', sample 0",
        ),
    ],
)
def test_a_file_that_holds_anything_else_is_left_alone(desk: Desk, content: str, message: str) -> None:
    desk.output.write_text(content, encoding="utf-8")
    result = desk.answer()
    assert (result.code, desk.asked()) == (1, [])
    assert message in result.err
    assert desk.output.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "@http://127.0.0.1:1/v1"], "--model: got '', expected a model's name before the address"),
        (["--model", "m@http://"], "base_url: got 'http://', expected an address such as"),
        (["--model", "m"], "--model: got 'm', expected an address: NAME@http://HOST:PORT/v1"),
        (["--as", "\n"], "--as: got"),
        (["--system", "nowhere.txt"], "nowhere.txt: no such file"),
        (["-o", "no/such/folder/answers.jsonl"], "cannot be written"),
    ],
)
def test_wrong_options_are_told_before_anyone_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], message: str
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    result = desk.answer(*arguments)
    assert (result.code, desk.asked()) == (1, [])
    assert message in result.err
    assert not desk.output.exists()


def test_a_wrong_dataset_is_told_with_all_its_mistakes(desk: Desk) -> None:
    rows = read_lines(desk.dataset)
    write_lines(desk.dataset, [{**rows[0], "promt": "x"}, rows[1], {**rows[2], "id": "e2"}])
    result = desk.answer()
    assert (result.code, desk.asked()) == (1, [])
    assert "examples.jsonl:1 $.promt: unknown field" in result.err
    assert "examples.jsonl:3 $.id" in result.err
    assert not desk.output.exists()


def test_a_file_that_another_process_writes_is_refused(desk: Desk) -> None:
    with desk.output.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        result = desk.answer()
    assert result.code == 1
    assert "another process is writing to it" in result.err


def test_a_full_disk_is_told_in_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    result = desk.answer()
    assert result.code == 1
    assert result.err.splitlines()[-1] == f"{desk.output}: No space left on device"
    assert not desk.output.exists()


@pytest.mark.parametrize("place", ["/dev/null", "."])
def test_what_cannot_be_gone_on_with_is_no_place_for_answers(desk: Desk, place: str) -> None:
    desk.output = Path(place)
    result = desk.answer()
    assert (result.code, desk.asked()) == (1, [])
    assert result.err.startswith(f"{place}: expected a file")


def test_an_append_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answers.jsonl"
    answers = [Answer(example_id="e", model="m", text=text, sample=number) for number, text in enumerate("ab")]
    with AnswerLog(path) as log:
        log.append(answers[:1])
        before = path.read_bytes()

        def fail(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            log.append(answers[1:])
    assert path.read_bytes() == before


def test_a_log_outside_its_block_cannot_be_written_by_two(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerLog(path), pytest.raises(InputError, match="another process"), AnswerLog(path):
        pass


class Gate:
    """Answers the first question, then holds every other one back, and says when it has one."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = False

    def __call__(self, body: dict[str, Any]) -> Scripted:
        if self.open or body["messages"][-1]["content"] == "First?":
            return echo(body)
        self.reached.set()
        return Scripted(hangs=True)


def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    code = "from api.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def goes_on_with_the_rest(desk: Desk, gate: Gate) -> None:
    assert [row["text"] for row in read_lines(desk.output)] == ["You asked: First?"]
    gate.open = True
    desk.asked()
    assert desk.answer().code == 0
    assert desk.asked() == ["Second?", "Third?"]
    assert [row["example_id"] for row in desk.rows()] == ["e1", "e2", "e3"]


def test_a_killed_command_goes_on_from_its_last_answer(tmp_path: Path) -> None:
    gate = Gate()
    with serving(FakeEndpoint(answer=gate)) as endpoint:
        desk = Desk(tmp_path, endpoint)
        child = start(desk.arguments("--concurrency", "1"))
        assert gate.reached.wait(60)
        child.kill()
        child.communicate(timeout=30)
        goes_on_with_the_rest(desk, gate)


def test_ctrl_c_twice_stops_at_once_and_leaves_a_file_that_resumes(tmp_path: Path) -> None:
    gate = Gate()
    with serving(FakeEndpoint(answer=gate)) as endpoint:
        desk = Desk(tmp_path, endpoint)
        child = start(desk.arguments("--concurrency", "1"))
        assert child.stderr is not None
        assert gate.reached.wait(60)
        child.send_signal(signal.SIGINT)
        while "stopping" not in child.stderr.readline():
            pass
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=30)
        assert (child.returncode, "Traceback" in told) == (4, False)
        assert "1 answered; the same command goes on from here" in told
        goes_on_with_the_rest(desk, gate)


def test_a_stop_finishes_what_is_in_flight_and_asks_for_nothing_more(desk: Desk) -> None:
    with AnswerLog(desk.output) as log:
        answerer = Answerer("tested", base_url=desk.endpoint.base_url)
        answering = Answering(DatasetFile(desk.dataset), log, answerer, concurrency=2)
        answering.prepare()
        answering.on_progress = lambda _: answering.stop()
        counts = asyncio.run(answering.run())
    assert (counts.answered, counts.stopped) == (2, True)
    assert desk.asked() == ["First?", "Second?"]
    assert len(load_answers(desk.output)) == 2


def test_every_option_of_the_page_is_one_of_the_command() -> None:
    page = (ROOT / "docs" / "answering.md").read_text(encoding="utf-8")
    told = set(re.findall(r"(?<!\w)--[a-z][a-z-]+", page)) - {"--grader"}
    help_text = markscheme("answer", "--help").out
    assert told
    assert [option for option in sorted(told) if option not in help_text] == []


def test_what_is_sampled_is_graded_and_relatives_are_warned_of(desk: Desk) -> None:
    desk.answer()
    store = ("--store", f"sqlite:///{desk.dataset.parent / 'store.db'}")
    graded = markscheme("grade", desk.dataset, desk.output, "--grader", "rules", *store, "--json")
    assert json.loads(graded.out)["answers"][0]["model"] == "tested"
    assert "of one family" not in graded.err
    judge = f"model:tested-large@{desk.endpoint.base_url}"
    graded = markscheme("grade", desk.dataset, desk.output, "--grader", judge, *store, "--max-replies", "1")
    assert "grader 'model:tested-large' and answerer 'tested' are of one family (tested)" in graded.err
