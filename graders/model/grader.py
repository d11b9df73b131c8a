"""The grader that asks a language model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graders.grader import Task
from graders.judgment import Failure, GraderKind, Verdict
from graders.model.client import CHARACTERS_A_TOKEN, ChatClient
from graders.model.control import controls_for
from graders.model.dialects import DIALECTS
from graders.model.empty_answer import SHORT, empty_verdict
from graders.model.exchange import Endpoint, Exchange
from graders.model.material import Material, MaterialShelf
from graders.model.pace import Pace
from graders.model.price import Price
from graders.model.reply_form import REPLY_FORMS
from graders.model.request import RequestForm
from graders.model.shown_example import ShownExample
from graders.model.tally import Tally, Usage
from graders.model.template import Template, judge_template
from rubrics import GraderError, InputError, Mistake, canonical_json, show

REPLY_TOKENS = 120
"""About as many a verdict takes; how many it will be is not known before."""


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How a model judges: everything here can change a verdict and makes another grader."""

    criteria_per_call: int | None = 1
    """None asks for all criteria at once."""
    temperature: float | None = 0.0
    """None sends none."""
    max_tokens: int | None = None
    """Most tokens of a reply; None leaves it to the endpoint."""
    dialect: str = "openai"
    """`openai` or `anthropic`."""
    template: Template | None = None
    """The prompt; None for our own."""
    reply: str = "markscheme"
    """The form of the reply: `markscheme` or `healthbench`."""
    logprobs: bool = False
    """Whether to ask for the probabilities of the reply's tokens."""
    controls: bool = False
    """Whether each answer is first tried with a control criterion that is met and one that is not."""
    examples: tuple[ShownExample, ...] = ()
    """People's verdicts to show."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What is sent in the body beside all this, such as `reasoning_effort`."""

    def as_arguments(self) -> dict[str, Any]:
        """What of it is not as the default has it, as JSON; the prompt has a hash of its own."""
        temperature = None if self.temperature is None else float(self.temperature)  # 0 and 0.0 are one grader
        told: dict[str, Any] = {"temperature": temperature, "criteria_per_call": self.criteria_per_call}
        for name in ("max_tokens", "dialect", "reply", "logprobs", "controls", "extra"):
            value = getattr(self, name)
            if value not in (None, False, {}, "openai", "markscheme"):
                told[name] = value
        if self.examples:
            told["examples"] = [[example.example_id, *example.as_json().values()] for example in self.examples]
        return told


class ModelGrader:
    """Judges by a language model behind an OpenAI-compatible endpoint, or one that speaks Anthropic's messages.

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
        options: ModelOptions | None = None,
        timeout: float = 120.0,
        max_replies: int = 8,
        max_faults: int = 10,
        pace: Pace | None = None,
        price: Price | None = None,
        warm_first: bool = True,
        client: ChatClient | None = None,
        **changed: Any,
    ) -> None:
        """`changed` are fields of `options`, such as `temperature=0.5`.

        The key is read from the environment variable `api_key_env` at each call; none is needed where none is set.
        With `warm_first` the first call of an answer goes out ahead of the others, so that they find its prompt in
        the provider's cache. A `client` of one's own takes the place of base_url, api_key_env, pace and timeout.
        """
        options = ModelOptions(**changed) if options is None else options
        _check_arguments(model, options, timeout, max_replies, max_faults)
        reply = REPLY_FORMS[options.reply]
        client = client or ChatClient(
            base_url, api_key_env=api_key_env, timeout=timeout, dialect=DIALECTS[options.dialect], pace=pace
        )
        self.name = f"model:{model}"
        self.max_criteria = options.criteria_per_call if reply.most is None else reply.most
        self.arguments: dict[str, Any] = {"base_url": client.base_url, "model": model, **options.as_arguments()}
        """What can change a verdict; bounds, pace and timeouts only decide whether there is one."""
        self.warm_first = warm_first
        self.price = price
        """What its tokens cost; None where that is not known."""
        self._template = options.template or judge_template()
        self.prompt_hash = self._template.prompt_hash
        self.shelf = MaterialShelf(self._template, options.examples, size=2 * client.pace.most)
        self.endpoint = Endpoint(
            client,
            model,
            RequestForm(temperature=options.temperature, logprobs=options.logprobs),
            reply,
            options.max_tokens,
            options.extra,
        )
        self.controls = options.controls
        self.max_replies = max_replies
        self.max_faults = max_faults

    async def judge(self, task: Task) -> Sequence[Verdict]:
        """One verdict for each criterion of the task; GraderError where the endpoint gives no usable reply."""
        if not task.criteria:
            return []
        tally = Tally(max_replies=self.max_replies, max_faults=self.max_faults)
        material = self.shelf.of(task)
        if _says_nothing(task, material):
            return self._told([empty_verdict(criterion) for criterion in task.criteria], tally)
        exchange = Exchange(self.endpoint, task, shelf=self.shelf, tally=tally)
        try:
            wrong = await self._wrong_control(task, material, tally) if self.controls else None
            if wrong is not None:
                failure = Failure(kind="control", message=wrong)
                verdicts = [
                    Verdict(criterion_id=criterion.id, status="abstained", failure=failure)
                    for criterion in task.criteria
                ]
            else:
                verdicts = await exchange.verdicts()
        except GraderError as error:
            error.spent = self.spent(tally)
            raise
        return self._told(verdicts, tally, short=material.is_short, seconds=exchange.seconds or None)

    def needs_no_call(self, task: Task) -> bool:
        """Whether the answer is empty and nobody is asked about it."""
        return _says_nothing(task, self.shelf.of(task))

    def told(self, task: Task, verdicts: Sequence[Verdict], tally: Tally) -> list[Verdict]:
        """Verdicts with what the answer is flagged by and, on the first, what they took."""
        material = self.shelf.of(task)
        return self._told(verdicts, tally, short=material.is_short and not _says_nothing(task, material))

    def _told(
        self, verdicts: Sequence[Verdict], tally: Tally, *, short: bool = False, seconds: float | None = None
    ) -> list[Verdict]:
        first = self.spent(tally)
        every: dict[str, Any] = {} if seconds is None else {"seconds": seconds}
        told = []
        for number, verdict in enumerate(verdicts):
            update = {**every, **first} if number == 0 else dict(every)
            if short:
                update["flags"] = (*verdict.flags, SHORT)
            told.append(verdict.model_copy(update=update) if update else verdict)
        return told

    def estimate(self, task: Task, *, first: bool) -> float | None:
        """About how many USD the call of a task will cost; None where no price is known.

        Of the calls of an answer only the `first` pays its whole prompt where the price has one for cached tokens.
        """
        if self.price is None:
            return None
        if self.needs_no_call(task):
            return 0.0
        material = self.shelf.of(task)
        try:
            asked = self.endpoint.reply.asked(task.criteria, show_points=task.rubric.judging.show_points)
        except GraderError:  # it cannot be asked so, and will fail without a call
            return 0.0
        constant = int((len(material.system or "") + len(material.user[0])) / CHARACTERS_A_TOKEN)
        rest = int((len(asked) + sum(map(len, material.user[1:]))) / CHARACTERS_A_TOKEN)
        cached = 0 if first or not self.warm_first else constant
        return self.price.cost(Usage(constant + rest, REPLY_TOKENS * len(task.criteria), cached))

    def stop(self) -> None:
        """Send nothing more; what is out comes back."""
        self.endpoint.client.pace.stop()

    async def aclose(self) -> None:
        """Close the connections to the endpoint; the grader may be used again, in another event loop too."""
        self.shelf.clear()
        await self.endpoint.client.aclose()

    def spent(self, tally: Tally) -> dict[str, Any]:
        """What a call took, all its tries together, as fields of a judgment."""
        if tally.replies == tally.faults == 0:
            return {"cost": 0.0}  # nobody was asked: that is known to cost nothing
        usage = tally.usage
        counted = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": usage.cached_tokens,
            "cost": None if self.price is None else self.price.cost(usage),
        }
        return {name: value for name, value in counted.items() if value is not None}

    async def _wrong_control(self, task: Task, material: Material, tally: Tally) -> str | None:
        """What the judge got wrong of the answer's controls, which are asked once an answer and repeat."""
        async with material.asking_controls:
            if task.repeat not in material.controls:
                material.controls[task.repeat] = await self._ask_controls(task, tally)
        return material.controls[task.repeat]

    async def _ask_controls(self, task: Task, tally: Tally) -> str | None:
        controls = controls_for(task.answer.text)
        size = self.endpoint.reply.most or len(controls.criteria)
        verdicts: list[Verdict] = []
        for start in range(0, len(controls.criteria), size):
            part = Task(task.example, task.answer, controls.criteria[start : start + size], task.repeat)
            verdicts += await Exchange(self.endpoint, part, shelf=self.shelf, tally=tally).verdicts()
        return controls.mistake(verdicts)


def _says_nothing(task: Task, material: Material) -> bool:
    """Whether the answer is empty and nobody is asked about it."""
    return material.is_empty and task.rubric.judging.empty_answer == "lowest"


def _check_arguments(model: str, options: ModelOptions, timeout: float, max_replies: int, max_faults: int) -> None:
    """InputError with every argument that is out of its range."""
    ours = ", ".join(sorted(_OURS & set(options.extra)))
    per_call, temperature, max_tokens = options.criteria_per_call, options.temperature, options.max_tokens
    most = REPLY_FORMS[options.reply].most if options.reply in REPLY_FORMS else None
    asks_by = REPLY_FORMS[options.reply].asks_by if options.reply in REPLY_FORMS else None
    slots = (options.template or judge_template()).slots("user")
    expectations = [
        ("model", model, bool(model.strip()) and model.isprintable(), "a model's name"),
        ("criteria_per_call", per_call, per_call is None or per_call >= 1, "1 or more, or none for all"),
        ("temperature", temperature, temperature is None or 0 <= temperature < math.inf, "0 or more, or none"),
        ("max_tokens", max_tokens, max_tokens is None or max_tokens >= 1, "1 or more, or none"),
        ("dialect", options.dialect, options.dialect in DIALECTS, f"one of {', '.join(DIALECTS)}"),
        ("reply", options.reply, options.reply in REPLY_FORMS, f"one of {', '.join(REPLY_FORMS)}"),
        (
            "reply",
            options.reply,
            asks_by in {None, *slots},
            f"a prompt of your own (--prompt) with the slot {asks_by!r}",
        ),
        ("timeout", timeout, 0 < timeout < math.inf, "seconds above 0"),
        ("max_replies", max_replies, max_replies >= 1, "1 or more"),
        ("max_faults", max_faults, max_faults >= 1, "1 or more"),
        ("extra", options.extra, _is_json(options.extra), "JSON values"),
        ("extra", ours, not ours, "none of what the grader says itself"),
        (
            "criteria_per_call",
            per_call,
            most is None or per_call is None or per_call <= most,
            f"{most}, since the reply's form {options.reply!r} holds no more",
        ),
    ]
    mistakes = [
        Mistake(f"grader model:{model}", f"got {show(value)}, expected {expected}", name)
        for name, value, holds, expected in expectations
        if not holds
    ]
    if mistakes:
        raise InputError(mistakes)


_OURS = frozenset(
    "logprobs max_completion_tokens max_tokens messages model output_config response_format stream system temperature "
    "top_logprobs".split()
)
"""Keys of a request's body that come from options of their own; twice in one body they would mean anything."""


def _is_json(value: Any) -> bool:
    try:
        canonical_json(value)
    except (TypeError, ValueError):
        return False
    return True
