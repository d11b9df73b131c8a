"""One call of a judge: ask, repair once, ask afresh, check the quotes, and stop at the bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graders.grader import Task
from graders.judgment import Failure, Verdict
from graders.model.client import ChatClient, RequestRefused
from graders.model.completion import Completion
from graders.model.evidence import checked_verdict, lacks_evidence
from graders.model.prompt import ChatMessage, Prompt
from graders.model.reply import parse_reply
from graders.model.request import RequestForm
from graders.model.tally import Tally
from graders.model.template import Template
from rubrics import Criterion, GraderError

_MISQUOTE = "a met verdict on this criterion needs quotes that stand in the answer word for word"
_LONGEST_REPAIRED = 20_000  # a longer reply has run wild: sending it back would only cost


@dataclass(slots=True)
class Endpoint:
    """A model at an address, and what was learned of the requests that it takes."""

    client: ChatClient
    model: str
    form: RequestForm

    async def complete(
        self, messages: Sequence[ChatMessage], criteria: Sequence[Criterion], tally: Tally
    ) -> Completion:
        """One reply. A form that the endpoint refuses becomes simpler, which counts as a reply.

        A simpler form is remembered once it was taken: what is wrong with one request must not spoil the next.
        """
        form = self.form
        while True:
            try:
                completion = await self.client.complete(form.body(self.model, messages, criteria), tally)
            except RequestRefused as error:
                simpler = form.simpler(temperature_refused=error.temperature_refused)
                if error.status not in (400, 422) or simpler is None:
                    raise
                tally.add_unusable(error)
                form = simpler
            else:
                self.form = self.form.simplest(form)
                tally.usage += completion.usage
                return completion


@dataclass(frozen=True, slots=True)
class _Reading:
    """A usable reply."""

    text: str
    verdicts: tuple[Verdict, ...]


class Exchange:
    """The messages that go back and forth for one task."""

    def __init__(
        self,
        endpoint: Endpoint,
        task: Task,
        *,
        template: Template,
        tally: Tally,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._task = task
        self._template = template
        self._tally = tally
        self._clock = clock

    async def verdicts(self) -> list[Verdict]:
        """One verdict for each criterion of the task; GraderError with the last problem where none is to be had."""
        began = self._clock()
        prompt = Prompt.of(self._task, self._template)
        reading = await self._usable(prompt, prompt.messages)
        seconds = self._clock() - began
        alone = len(prompt.criteria) == 1
        verdicts = []
        for verdict, criterion in zip(reading.verdicts, prompt.criteria, strict=True):
            kept = verdict
            if lacks_evidence(verdict, criterion):
                kept = await self._asked_for_quotes(criterion, prompt if alone else None, reading.text)
            verdicts.append(kept.model_copy(update={"seconds": round(seconds, 6)}))
        return self._with_usage(verdicts)

    async def _asked_for_quotes(self, criterion: Criterion, prompt: Prompt | None, reply: str) -> Verdict:
        """One more try on a criterion whose required quotes are missing, in a call of its own; then it abstains.

        Where it was asked alone already (its prompt is given), the judge is told what was wrong with its reply.
        """
        try:
            if prompt is None:
                prompt = Prompt.of(replace(self._task, criteria=(criterion,)), self._template)
                messages = prompt.messages
            else:
                messages = prompt.repair(reply, _MISQUOTE, self._template)
            (verdict,) = (await self._usable(prompt, messages)).verdicts
        except GraderError as error:
            # The criteria beside it keep their verdicts; this one is failed and comes again with the next run.
            failure = Failure(kind=error.kind, message=str(error))  # type: ignore[arg-type]  # raised here: a known kind
            return Verdict(criterion_id=criterion.id, status="failed", failure=failure)
        if not lacks_evidence(verdict, criterion):
            return verdict
        update: dict[str, Any] = {
            "status": "abstained",
            "failure": Failure(kind="misquote", message=f"{_MISQUOTE}, twice it had none"),
        }
        return verdict.model_copy(update={**update, "met": None, "option": None, "value": None})

    async def _usable(self, prompt: Prompt, messages: tuple[ChatMessage, ...]) -> _Reading:
        """The first usable reply. After an unusable one: one repair turn, then fresh tries, to the tally's bound."""
        turn, may_repair = messages, True
        while True:
            completion = await self._endpoint.complete(turn, prompt.criteria, self._tally)
            try:
                return _read(completion, prompt)
            except GraderError as error:
                self._tally.add_unusable(error)
                repairable = error.kind != "refusal" and 0 < len(completion.text.strip()) <= _LONGEST_REPAIRED
                if may_repair and repairable:
                    turn, may_repair = prompt.repair(completion.text, str(error), self._template), False
                else:
                    turn = messages

    def _with_usage(self, verdicts: list[Verdict]) -> list[Verdict]:
        """The call's tokens, all its tries together, on its first verdict."""
        usage = self._tally.usage
        counted = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": usage.cached_tokens,
        }
        known = {name: tokens for name, tokens in counted.items() if tokens is not None}
        return [verdicts[0].model_copy(update=known), *verdicts[1:]]


def _read(completion: Completion, prompt: Prompt) -> _Reading:
    if (problem := completion.problem) is not None:
        raise problem
    verdicts = parse_reply(completion.text, prompt.criteria, materials=prompt.materials)
    checked = (
        checked_verdict(verdict, criterion, prompt.answer)
        for verdict, criterion in zip(verdicts, prompt.criteria, strict=True)
    )
    if completion.model is None:
        return _Reading(completion.text, tuple(checked))
    model = {"returned_model": completion.model}
    return _Reading(completion.text, tuple(verdict.model_copy(update=model) for verdict in checked))
