"""The grader that asks a language model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graders.grader import Task
from graders.judgment import GraderKind, Verdict
from graders.model.client import ChatClient
from graders.model.empty_answer import SHORT, empty_verdict, is_empty, is_short
from graders.model.exchange import Endpoint, Exchange
from graders.model.request import RequestForm
from graders.model.tally import Tally
from graders.model.template import judge_template
from rubrics import InputError, Mistake, show


class ModelGrader:
    """Judges by a language model behind any OpenAI-compatible chat endpoint.

    >>> grader = ModelGrader("qwen3", base_url="http://127.0.0.1:11434/v1", criteria_per_call=None)
    >>> grader.name, grader.max_criteria
    ('model:qwen3', None)
    """

    version = "1"
    kind: GraderKind = "model"

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key_env: str = "OPENAI_API_KEY",
        criteria_per_call: int | None = 1,
        temperature: float | None = 0.0,
        timeout: float = 120.0,
        max_replies: int = 8,
        max_faults: int = 10,
        client: ChatClient | None = None,
    ) -> None:
        """`criteria_per_call` None asks for all criteria at once, `temperature` None sends none.

        The key is read from the environment variable `api_key_env` at each call; none is needed where none is set.
        A `client` of one's own takes the place of base_url, api_key_env and timeout.
        """
        _check_arguments(model, criteria_per_call, temperature, timeout, max_replies, max_faults)
        temperature = None if temperature is None else float(temperature)  # 0 and 0.0 are one grader
        client = client or ChatClient(base_url, api_key_env=api_key_env, timeout=timeout)
        self.name = f"model:{model}"
        self.max_criteria = criteria_per_call
        self.arguments: dict[str, Any] = {
            "base_url": client.base_url,
            "model": model,
            "temperature": temperature,
            "criteria_per_call": criteria_per_call,
        }
        """What can change a verdict; bounds and timeouts only decide whether there is one."""
        self._template = judge_template()
        self.prompt_hash = self._template.prompt_hash
        self._endpoint = Endpoint(client, model, RequestForm(temperature=temperature))
        self._max_replies = max_replies
        self._max_faults = max_faults

    async def judge(self, task: Task) -> Sequence[Verdict]:
        """One verdict for each criterion of the task; GraderError where the endpoint gives no usable reply."""
        text = task.answer.text
        if not task.criteria:
            return []
        if task.rubric.judging.empty_answer == "lowest" and is_empty(text):
            return [empty_verdict(criterion) for criterion in task.criteria]
        tally = Tally(max_replies=self._max_replies, max_faults=self._max_faults)
        verdicts = await Exchange(self._endpoint, task, template=self._template, tally=tally).verdicts()
        if not is_short(text):
            return verdicts
        return [verdict.model_copy(update={"flags": (*verdict.flags, SHORT)}) for verdict in verdicts]

    async def aclose(self) -> None:
        """Close the connections to the endpoint."""
        await self._endpoint.client.aclose()


def _check_arguments(
    model: str,
    criteria_per_call: int | None,
    temperature: float | None,
    timeout: float,
    max_replies: int,
    max_faults: int,
) -> None:
    """InputError with every argument that is out of its range."""
    expectations = [
        ("model", model, bool(model.strip()) and model.isprintable(), "a model's name"),
        (
            "criteria_per_call",
            criteria_per_call,
            criteria_per_call is None or criteria_per_call >= 1,
            "1 or more, or none for all",
        ),
        ("temperature", temperature, temperature is None or 0 <= temperature < math.inf, "0 or more, or none"),
        ("timeout", timeout, 0 < timeout < math.inf, "seconds above 0"),
        ("max_replies", max_replies, max_replies >= 1, "1 or more"),
        ("max_faults", max_faults, max_faults >= 1, "1 or more"),
    ]
    mistakes = [
        Mistake(f"grader model:{model}", f"got {show(value)}, expected {expected}", name)
        for name, value, holds, expected in expectations
        if not holds
    ]
    if mistakes:
        raise InputError(mistakes)
