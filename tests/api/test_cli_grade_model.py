"""`markscheme grade` with a model behind an endpoint: prompts, prices, budgets, grader files and their secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch import Files, write_batch, write_lines
from tests.command import Result, markscheme
from tests.graders.fake_endpoint import FakeEndpoint, Scripted, completion, json_lines, serving, verdicts

KEYWORDS = {"Says to see a doctor": "doctor", "Says to drink": "drink", "Names a dose that no one asked for": "mg"}
PLAIN = """A talk:
<<conversation>>

An item: <<rubric_item>>

Does the last turn do it? Reply as JSON: {"explanation": "...", "criteria_met": false}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("MARKSCHEME_PRICES", raising=False)
    return write_batch(tmp_path / "batch")


def judge_by_words(body: dict[str, Any], **how: Any) -> Scripted:
    material, asked = json_lines(body["messages"])
    text = material["answer"].lower()
    return verdicts(
        *(
            {"criterion": entry["id"], "met": KEYWORDS[entry["criterion"]] in text, "evidence": []}
            for entry in asked["criteria"]
        ),
        **how,
    )


def grade(files: Files, *arguments: Any) -> Result:
    return markscheme("grade", files.dataset, files.answers, *arguments, *files.options, "--json")


def means(result: Result) -> dict[str, float]:
    return {model: row["mean_unclipped"] for model, row in json.loads(result.out)["by_model"].items()}


# `good` says doctor and drink: 6 + 4 + 2 of 12; `poor` drink and mg: 4 - 3 + 2 of 12.
EXPECTED = {"good": 1.0, "poor": pytest.approx(0.25)}


@pytest.mark.parametrize("per_call", ["1", "2", "all"])
def test_a_model_grades_from_files_to_scores_and_the_same_again_asks_nothing(files: Files, per_call: str) -> None:
    endpoint = FakeEndpoint(answer=judge_by_words)
    with serving(endpoint):
        command = ("--grader", f"model:judge@{endpoint.base_url}", "--criteria-per-call", per_call)
        first = grade(files, *command)
        asked = len(endpoint.requests)
        second = grade(files, *command)
    assert (first.code, means(first)) == (0, EXPECTED), first.err
    assert (second.code, means(second)) == (0, EXPECTED)
    assert asked == len(endpoint.requests) == {"1": 12, "2": 8, "all": 4}[per_call]


def test_healthbenchs_form_runs_from_a_file_of_ones_own(files: Files) -> None:
    prompt = files.folder / "own.txt"
    prompt.write_text(PLAIN, encoding="utf-8")

    def reply(body: dict[str, Any]) -> Scripted:
        (user,) = body["messages"]
        found = re.search(r"user: Question e\d\n\nassistant: (.*)\n\nAn item: \[(6|4|-3)\] (.*)\n", user["content"])
        assert found is not None
        met = KEYWORDS[found[3]] in found[1].lower()
        return completion(f"```json\n{json.dumps({'explanation': 'x', 'criteria_met': met})}\n```")

    endpoint = FakeEndpoint(answer=reply)
    with serving(endpoint):
        result = grade(
            files, "--grader", f"model:judge@{endpoint.base_url}", "--prompt", prompt, "--reply", "healthbench"
        )
    assert (result.code, means(result)) == (0, EXPECTED), result.err
    assert len(endpoint.requests) == 12


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--reply", "healthbench"], "rubric_item"),
        (["--reply", "healthbench", "--criteria-per-call", "2"], "criteria_per_call"),
        (["--reply", "helthbench"], "did you mean 'healthbench'"),
        (["--prompt", "nowhere.txt"], "nowhere.txt"),
        (["--prices", "nowhere.json"], "nowhere.json"),
        (["--budget", "1"], "--prices"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anyone_is(files: Files, options: list[str], told: str) -> None:
    endpoint = FakeEndpoint(answer=judge_by_words)
    with serving(endpoint):
        result = grade(files, "--grader", f"model:judge@{endpoint.base_url}", *options)
    assert result.code == 1
    assert told in result.err
    assert "Traceback" not in result.err
    assert endpoint.requests == []


def test_a_scale_that_healthbenchs_form_does_not_know_fails_alone_and_says_why(files: Files) -> None:
    prompt = files.folder / "own.txt"
    prompt.write_text(PLAIN, encoding="utf-8")
    criteria = [
        {"id": "tone", "criterion": "How calm?", "points": 4, "scale": {"type": "number", "min": 0, "max": 5}},
        {"id": "drink", "criterion": "Says to drink", "points": 4},
    ]
    write_lines(
        files.dataset,
        [{"id": name, "prompt": "?", "rubric": {"id": "r", "criteria": criteria}} for name in ("e1", "e2")],
    )
    prices = priced(files, "judge")
    endpoint = FakeEndpoint(completion('{"criteria_met": true}'))
    spec = ("--grader", f"model:judge@{endpoint.base_url}", "--prompt", prompt, "--reply", "healthbench")
    with serving(endpoint):
        spec = ("--grader", f"model:judge@{endpoint.base_url}", *spec[2:])
        result = grade(files, *spec, "--prices", prices)
    report = json.loads(result.out)
    assert result.code == 3
    assert report["failures"]["grader"] == 4
    assert report["run"]["graded"] == 4
    assert len(endpoint.requests) == 4


# --- money ---


def priced(files: Files, *names: str, **price: float) -> Path:
    path = files.folder / "prices.json"
    told = {"input": 1.0, "output": 1.0, **price}
    path.write_text(json.dumps({"prices": dict.fromkeys(names, told)}), encoding="utf-8")
    return path


def costing(tokens: Callable[[int], int]) -> FakeEndpoint:
    """The n-th reply, from 0, takes so many tokens: at a dollar a million, as many millionths of a dollar."""
    endpoint = FakeEndpoint(
        answer=lambda body: judge_by_words(
            body, usage={"prompt_tokens": tokens(len(endpoint.requests) - 1), "completion_tokens": 0}
        )
    )
    return endpoint


def test_costs_are_added_up_and_told(files: Files) -> None:
    endpoint = costing(lambda _: 1000)
    with serving(endpoint):
        result = grade(files, "--grader", f"model:judge@{endpoint.base_url}", "--prices", priced(files, "judge"))
    assert json.loads(result.out)["run"]["cost"] == pytest.approx(12 * 1000 / 1e6)
    assert "about $" in result.err


def test_without_a_price_the_cost_is_unknown_and_not_nothing(files: Files) -> None:
    endpoint = costing(lambda _: 1000)
    with serving(endpoint):
        result = grade(files, "--grader", f"model:judge@{endpoint.base_url}", "--prices", priced(files, "another"))
    assert json.loads(result.out)["run"]["cost"] is None
    assert "cost unknown" in result.err


@pytest.mark.parametrize("budget", [0.0005, 0.001, 0.0045, 0.0119])
def test_a_budget_stops_the_run_before_it_costs_more_and_it_goes_on_later(files: Files, budget: float) -> None:
    endpoint = costing(lambda _: 1000)
    with serving(endpoint):
        command = ("--grader", f"model:judge@{endpoint.base_url}", "--prices", priced(files, "judge"))
        stopped = grade(files, *command, "--budget", budget)
        spent = len(endpoint.requests) * 1000 / 1e6
        whole = grade(files, *command, "--budget", 1)
    assert stopped.code == 4
    assert json.loads(stopped.out)["run"]["stopped"] == "budget"
    # Of the first call nothing is known but its estimate; after it, no call goes out that might cost too much.
    assert spent <= max(budget, 0.001)
    assert (whole.code, means(whole)) == (0, EXPECTED)
    assert len(endpoint.requests) == 12


def test_answers_that_are_judged_without_a_call_do_not_end_a_budget(files: Files) -> None:
    rows = [{"example_id": f"e{n}", "model": model, "text": text} for n in (1, 2) for model, text in TEXTS.items()]
    write_lines(files.answers, rows)
    endpoint = costing(lambda _: 1000)
    with serving(endpoint):
        prices = priced(files, "judge")
        result = grade(files, "--grader", f"model:judge@{endpoint.base_url}", "--prices", prices, "--budget", 1)
    assert result.code == 0, result.err
    assert json.loads(result.out)["run"]["cost"] == pytest.approx(6 * 1000 / 1e6)


TEXTS = {"silent": "…", "good": "See a doctor and drink."}


# --- secrets ---


@pytest.mark.parametrize("field", ["api_key", "key", "apikey"])
def test_a_key_in_a_grader_file_is_refused_and_not_repeated(files: Files, field: str) -> None:
    path = files.folder / "judge.grader.json"
    secret = "sk-very-secret-0123456789"
    path.write_text(json.dumps({"kind": "model", "name": "m", "base_url": "http://h/v1", field: secret}))
    result = grade(files, "--grader", path)
    assert result.code == 1
    assert field in result.err
    assert secret not in result.err + result.out


def test_a_key_is_in_no_file_of_the_run(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-very-secret-0123456789"
    monkeypatch.setenv("JUDGE_KEY", secret)
    replies = iter([Scripted(status=401, body=secret.encode()), Scripted(status=500, body=secret.encode())])

    def reply(body: dict[str, Any]) -> Scripted:
        return next(replies, None) or completion(f"My key is {secret}.")

    endpoint = FakeEndpoint(answer=reply)
    with serving(endpoint):
        command = ("--grader", f"model:judge@{endpoint.base_url}", "--api-key-env", "JUDGE_KEY", "--max-replies", 2)
        result = grade(files, *command)
    assert result.code == 3
    assert endpoint.headers[0]["Authorization"] == f"Bearer {secret}"
    assert secret not in result.out + result.err
    for path in files.folder.iterdir():
        assert secret.encode() not in path.read_bytes(), path


def test_a_budget_holds_where_answers_grow_longer_and_calls_dearer(files: Files) -> None:
    rows = [
        {"example_id": example, "model": f"m{size}", "text": "See a doctor and drink. " * 4**size}
        for size in range(6)
        for example in ("e1", "e2")
    ]
    write_lines(files.answers, rows)

    def reply(body: dict[str, Any]) -> Scripted:
        tokens = len(json.dumps(body["messages"])) // 3
        spent.append(tokens / 1e6)
        return judge_by_words(body, usage={"prompt_tokens": tokens, "completion_tokens": 50})

    spent: list[float] = []
    endpoint = FakeEndpoint(answer=reply)
    with serving(endpoint):
        command = ("--grader", f"model:judge@{endpoint.base_url}", "--prices", priced(files, "judge", output=0.0))
        for budget in (0.01, 0.02, 0.05, 0.1):
            result = grade(files, *command, "--budget", budget, "--run", f"of {budget}")
            assert result.code == 4
            assert sum(spent) <= budget
            assert sum(spent) >= 0.3 * budget
            spent.clear()
