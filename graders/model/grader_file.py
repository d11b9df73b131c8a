"""A `*.grader.json` of kind `model`: all options of one judge in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from graders.address import DEFAULT_BASE_URL
from graders.judgment import Judgment
from graders.load import JudgmentFile
from graders.model.price import Price
from graders.model.shown_example import ShownExample, draw_examples
from rubrics import AnswerFile, DatasetFile, InputError, Mistake, Mistakes, Model, Number, Text, WholeNumber

DEFAULT_ADDRESSES = {
    "openai": (DEFAULT_BASE_URL, "OPENAI_API_KEY"),
    "anthropic": ("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
}
"""Where a dialect's own provider is, and which environment variable holds the key, unless the user says otherwise."""


class ShownExamplesFile(Model):
    """Where the human labels stand that a judge is shown; only those whose `use` is `tune` are."""

    dataset: Text
    """The examples that the labels are about."""
    answers: Text
    """The answers that the labels are about."""
    judgments: Text
    """The labels."""
    count: Annotated[int, Field(ge=1, le=50)] = 4
    """Most of them that are shown."""
    seed: WholeNumber = 0
    """Which ones are drawn."""

    def draw(self, folder: Path) -> tuple[ShownExample, ...]:
        """The examples; InputError where a file is wrong or holds no label to show."""
        dataset = DatasetFile(folder / self.dataset)
        answers = AnswerFile(folder / self.answers)
        judgments = JudgmentFile(folder / self.judgments)
        labels: list[Judgment] = list(judgments)
        drawn = draw_examples(dataset, answers, labels, count=self.count, seed=self.seed)
        mistakes = Mistakes()
        for file in (dataset, answers, judgments):
            mistakes.extend(file.mistakes)
        mistakes.raise_if_any()
        if not drawn:
            message = 'expected human labels with "use": "tune" on answers of that dataset, there are none'
            raise InputError(Mistake(str(folder / self.judgments), message))
        return drawn


class ModelGraderFile(Model):
    """A `*.grader.json` of kind `model`."""

    schema_uri: Text | None = Field(default=None, alias="$schema")
    """Points an editor to the JSON Schema, for completion."""
    kind: Literal["model"]
    """Always `model`."""
    name: Text
    """The model's name at the endpoint."""
    base_url: Text = ""
    """The endpoint's address up to and with `/v1`."""
    dialect: Literal["openai", "anthropic"] = "openai"
    """How the endpoint is spoken to: OpenAI's chat completions, or Anthropic's messages."""
    api_key_env: Text | None = None
    """The environment variable that holds the key."""
    prompt: Text | None = None
    """A prompt of your own: a text file, its path seen from this file."""
    reply: Literal["markscheme", "healthbench"] | None = None
    """The form of the judge's reply."""
    examples: ShownExamplesFile | None = None
    """Human labels to show the judge."""
    criteria_per_call: Annotated[int, Field(ge=1)] | Literal["all"] | None = None
    """How many criteria go in one call."""
    temperature: Number | None = 0.0
    """The sampling temperature; null sends none."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Most tokens of a reply."""
    logprobs: bool = False
    """Whether to ask for the probabilities of the reply's tokens, and so of the verdict."""
    controls: bool = False
    """Whether each answer is first tried with a control criterion that is met and one that is not."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """What is sent in the body beside all this, such as `reasoning_effort`."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120.0
    """Seconds until a request without a reply is given up."""
    requests_per_minute: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Most requests a minute."""
    tokens_per_minute: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Most tokens a minute, read and written."""
    warm_first: bool | None = None
    """Whether the first call of an answer goes out ahead of its others, so that these find the prompt cached."""
    price: Price | None = None
    """What its tokens cost; else the price file is asked."""

    @property
    def address(self) -> str:
        """The base URL: given, from OPENAI_BASE_URL, or the provider's own."""
        if self.base_url:
            return self.base_url
        given = os.environ.get("OPENAI_BASE_URL", "") if self.dialect == "openai" else ""
        return given or DEFAULT_ADDRESSES[self.dialect][0]
