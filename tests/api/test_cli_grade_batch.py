"""`markscheme grade --batch`: submitted once, fetched by the same command, whatever happens in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.batch import Files, write_batch
from tests.command import Result, markscheme
from tests.graders.fake_batches import FakeBatches

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_batch(tmp_path / "batch")


@pytest.fixture
def provider() -> Iterator[FakeBatches]:
    with FakeBatches(looks=1) as provider:
        yield provider


def arguments(files: Files, provider: FakeBatches, dialect: str, *more: str) -> list[str]:
    path = files.folder / f"{dialect}.grader.json"
    options = {"kind": "model", "name": "judge", "base_url": provider.base_url, "dialect": dialect}
    path.write_text(json.dumps({**options, "price": {"input": 10.0, "output": 20.0}}), encoding="utf-8")
    told = ["grade", files.dataset, files.answers, "--grader", path, *files.options, "--json", *more]
    return list(map(str, told))


def grade(files: Files, provider: FakeBatches, dialect: str = "openai", *more: str) -> Result:
    return markscheme(*arguments(files, provider, dialect, *(more or ("--batch",))))


def started(files: Files, provider: FakeBatches, dialect: str) -> subprocess.Popen[str]:
    """The command in a process of its own, from where its batch was made."""
    code = "from api.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments(files, provider, dialect, "--batch")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert provider.made.wait(60), process.communicate()
    return process


def test_scores_are_those_of_asking_at_once_at_half_the_price(files: Files, provider: FakeBatches) -> None:
    batched = grade(files, provider)
    assert len(provider.batches) == 1
    at_once = grade(files, provider, "openai", "--run", "at-once")
    assert (batched.code, at_once.code) == (0, 0)
    first, second = json.loads(batched.out), json.loads(at_once.out)
    cost, full_cost = first.pop("run"), second.pop("run")
    assert first == second
    assert cost["cost"] == pytest.approx(full_cost["cost"] / 2)
    assert cost["cost"] == pytest.approx(12 * (100 * 5 + 10 * 10) / 1e6)
    assert (cost["cells"], cost["graded"], cost["calls"]) == (16, 16, 16), "rules judge their four as usual"


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("heard", [True, False])
def test_after_kill_9_the_same_command_fetches_what_was_submitted(
    files: Files, provider: FakeBatches, dialect: str, heard: bool
) -> None:
    provider.looks = 10**9
    provider.silence = "" if heard else "hangs"
    with started(files, provider, dialect) as process:
        if heard:
            assert process.stderr is not None
            assert any("next look" in line for line in process.stderr)
        process.kill()
    provider.looks = 1
    result = grade(files, provider, dialect)
    assert result.code == 0, result.err
    assert len(provider.batches) == 1
    assert len(provider.bodies) == 12
    assert ("found the batch of 12 calls" in result.err) == (not heard)
    assert json.loads(result.out)["overall"]["coverage"] == 1.0
    again = grade(files, provider, dialect)
    assert (again.code, len(provider.batches)) == (0, 1)
    assert json.loads(again.out)["run"]["calls"] == 0


def test_ctrl_c_while_waiting_says_how_to_go_on(files: Files, provider: FakeBatches) -> None:
    provider.looks = 10**9
    with started(files, provider, "openai") as process:
        assert process.stderr is not None
        assert any("next look" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "stopping: what was submitted stays there" in err
    assert "stopped by cancel; the same command goes on from here" in err
    assert json.loads(out)["run"]["graded"] == 4
    warned = grade(files, provider, "openai", "--dry-run")
    assert "warning: 1 batch is still out: without --batch the same is asked and paid for again" in warned.err
    provider.looks = 1
    assert grade(files, provider).code == 0
    assert len(provider.batches) == 1


def test_a_dry_run_tells_half_the_price_and_submits_nothing(files: Files, provider: FakeBatches) -> None:
    def estimate(*more: str) -> float:
        told = grade(files, provider, "openai", "--dry-run", *more).err
        return float(told.partition("about $")[2].split()[0])

    assert estimate("--batch") == pytest.approx(estimate("--no-warm-first") / 2, abs=0.01)
    assert provider.log == []


def test_a_budget_stops_before_what_would_exceed_it(files: Files, provider: FakeBatches) -> None:
    result = grade(files, provider, "openai", "--batch", "--budget", "0.000001")
    assert (result.code, provider.batches) == (4, {})
    assert "stopped by budget" in result.err


def test_a_provider_that_cannot_run_the_batch_leaves_cells_ungraded(files: Files, provider: FakeBatches) -> None:
    provider.refused_creations = [404]
    result = grade(files, provider)
    assert result.code == 3
    assert "model:judge is asked no more: HTTP 404" in result.err
    assert grade(files, provider).code == 0


def test_a_cascade_is_asked_and_paid_for_as_usual(files: Files, provider: FakeBatches) -> None:
    spec = f"model:judge@{provider.base_url}"
    cascade: dict[str, Any] = {"kind": "cascade", "stages": [spec, f"model:strong@{provider.base_url}"], "audit": 0}
    prices = files.folder / "prices.json"
    price = {"input": 10.0, "output": 20.0}
    prices.write_text(json.dumps({"prices": {"judge": price, "strong": price}}), encoding="utf-8")
    path = files.folder / "two.grader.json"
    path.write_text(json.dumps(cascade), encoding="utf-8")
    options = ["--grader", path, *files.options, "--prices", prices, "--batch", "--json"]
    result = markscheme("grade", files.dataset, files.answers, *options)
    assert result.code == 0, result.err
    assert provider.batches == {}
    assert json.loads(result.out)["run"]["cost"] == pytest.approx(12 * (100 * 10 + 10 * 20) / 1e6), "at its full price"
