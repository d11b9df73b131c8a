"""The page on rewards runs: against a real endpoint, with trainers that call by their documented signatures."""

import asyncio
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from graders import Reward
from tests.graders.fake_endpoint import FakeEndpoint, Scripted, json_lines, verdicts

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "http://127.0.0.1:8000/v1"


def judge(body: dict[str, Any]) -> Scripted:
    """Calls binary criteria unmet, and takes the first of what else a scale has."""
    (criterion,) = json_lines(body["messages"])[-1]["criteria"]
    scale = criterion.get("scale", {"type": "binary"})
    entry: dict[str, Any] = {"criterion": "c1"}
    if scale["type"] == "binary":
        entry["met"] = False
    elif scale["type"] in ("ordinal", "nominal"):
        entry["option"] = scale["options"][0]["label"]
    else:
        entry["value"] = scale.get("min", 0)
    return verdicts(entry)


class GRPOTrainer:
    """Calls reward functions as TRL documents it."""

    results: ClassVar[list[list[float | None]]] = []

    def __init__(self, *, model: str, reward_funcs: Any, train_dataset: Any, args: Any) -> None:
        self.reward, self.rows = reward_funcs, list(train_dataset)[:1] * 2

    def train(self) -> None:
        assert isinstance(self.reward.__name__, str)
        arguments = {
            "prompts": [row["prompt"] for row in self.rows],
            "completions": [[{"role": "assistant", "content": text}] for text in ("Wait and see.", "Call now.")],
            "completion_ids": [[1], [2]],
            "example_id": [row["example_id"] for row in self.rows],
            "trainer_state": object(),
        }
        assert inspect.iscoroutinefunction(self.reward)
        self.results.append(asyncio.run(self.reward(**arguments)))


class Task:
    """A verifiers task: what is in brackets is the type of its data."""

    def __class_getitem__(cls, _: type) -> type:
        return cls


class SingleTurnEnv:
    def __init__(self, *, dataset: Any, rubric: Any) -> None:
        self.dataset, self.rubric = list(dataset), rubric


class Rubric:
    def __init__(self, *, funcs: list[Callable[..., Any]]) -> None:
        self.funcs = funcs


def module(name: str, **names: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(names)
    return made


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trl", module("trl", GRPOTrainer=GRPOTrainer, GRPOConfig=dict))
    newer = module("verifiers.v1", TaskData=object, Task=Task, Trace=object, reward=lambda function: function)
    older = module("verifiers", Rubric=Rubric, SingleTurnEnv=SingleTurnEnv, v1=newer)
    monkeypatch.setitem(sys.modules, "verifiers", older)
    monkeypatch.setitem(sys.modules, "verifiers.v1", newer)


def verify(names: dict[str, Any]) -> list[float]:
    """One group through the environment's rubric, as verifiers calls a group's function: by its parameters' names."""
    environment = names["environment"]
    (function,) = environment.rubric.funcs
    assert set(inspect.signature(function).parameters) <= {"prompts", "completions", "answers", "states", "infos"}
    infos = [environment.dataset[0]["info"]] * 2
    completions = [[{"role": "assistant", "content": text}] for text in ("Wait and see.", "Call now.")]
    found: list[float] = asyncio.run(function(completions=completions, infos=infos))
    return found


def verify_trace(names: dict[str, Any], text: str) -> float:
    task = names["RubricTask"]()
    task.data = module("data", example_id=names["environment"].dataset[0]["info"]["example_id"])
    found: float = asyncio.run(task.by_rubric(module("trace", last_reply=text)))
    return found


def run_page(base_url: str) -> dict[str, Any]:
    page = (ROOT / "docs" / "rewards.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(code.replace(ADDRESS, base_url), "rewards.md", "exec"), names)
    return names


def test_the_page_runs_and_all_its_ways_give_the_same_rewards(
    trainers: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)

    def act(base_url: str) -> None:
        names = run_page(base_url)
        reward: Reward = names["reward"]
        try:
            first = names["environment"].dataset[0]["info"]["example_id"]
            expected = [one.reward for one in reward.judge_now([(first, "Wait and see."), (first, "Call now.")])]
            assert all(isinstance(one, float) for one in expected)
            assert GRPOTrainer.results[-1] == expected
            assert verify(names) == expected
            assert verify_trace(names, "Call now.") == expected[1]
            assert [one.reward for one in names["remembering"].judge_now([(first, "Call now.")])] == expected[1:]
        finally:
            reward.close()
            names["remembering"].close()
            names["store"].close()
        assert (tmp_path / "rewards.db").is_file()

    async def run() -> None:
        async with FakeEndpoint(answer=judge) as endpoint:
            await asyncio.to_thread(act, endpoint.base_url)

    asyncio.run(run())
