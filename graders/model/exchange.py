"""One call of a judge: ask, repair once, ask afresh, check the quotes, and stop at the bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graders.grader import Task
from graders.judgment import Failure, Verdict
from graders.model.client import ChatClient, RequestRefused
from graders.model.completion import Completion
from graders.model.dialects import Request
from graders.model.evidence import checked_quotes, lacks_evidence
from graders.model.material import MaterialShelf
from graders.model.probability import probability_of
from graders.model.prompt import Prompt
from graders.model.reply_form import REPLY_FORMS, ReplyForm
from graders.model.request import RequestForm
from graders.model.tally import Tally
from rubrics import Criterion, GraderError

_MISQUOTE = "a met verdict on this criterion needs quotes that stand in the answer word for word"
_LONGEST_REPAIRED = 20_000  # a longer reply has run wild: sending it back would only cost


@dataclass(slots=True)
class Endpoint:
    """A model at an address, how it is asked, and what was learned of the requests that it takes."""

    client: ChatClient
    model: str
    form: RequestForm = field(default_factory=RequestForm)
    reply: ReplyForm = REPLY_FORMS["markscheme"]
    max_tokens: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    async def complete(self, prompt: Prompt, tally: Tally) -> Completion:
        """One reply. A form that the endpoint refuses becomes simpler, which counts as a reply.

        A simpler form is remembered once it was taken: what is wrong with one request must not spoil the next.
        """
        form = self.form
        schema = self.reply.schema(prompt.criteria)
        while True:
            try:
                completion = await self.client.complete(self._body(prompt, schema, form), tally)
            except RequestRefused as error:
                simpler = form.simpler(error.named)
                if error.status not in (400, 422) or simpler is None:
                    raise
                tally.add_unusable(error)
                form = simpler
            else:
                if form is not self.form:
                    self.form = self.form.simplest(form)
                tally.add_reply(completion.usage)
                return completion

    def body(self, prompt: Prompt, form: RequestForm | None = None) -> bytes:
        """The JSON of a request, in the form that is known to be taken or in another."""
        return self._body(prompt, self.reply.schema(prompt.criteria), form or self.form)

    def prompt(self, task: Task, shelf: MaterialShelf) -> Prompt:
        """What a task is asked by."""
        return Prompt.of(
            task, shelf, asked=self.reply.asked(task.criteria, show_points=task.rubric.judging.show_points)
        )

    def _body(self, prompt: Prompt, schema: bytes, form: RequestForm) -> bytes:
        return self.client.dialect.body(Request(self.model, prompt, schema, form, self.max_tokens, self.extra))


@dataclass(frozen=True, slots=True)
class Reading:
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
        shelf: MaterialShelf,
        tally: Tally,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._task = task
        self._shelf = shelf
        self._tally = tally
        self._clock = clock
        self.seconds = 0.0
        """From the first request to the usable reply."""

    async def verdicts(self) -> list[Verdict]:
        """One verdict for each criterion of the task; GraderError with the last problem where none is to be had."""
        began = self._clock()
        prompt = self._endpoint.prompt(self._task, self._shelf)
        reading = await self._usable(prompt, prompt)
        self.seconds = round(self._clock() - began, 6)
        alone = len(prompt.criteria) == 1
        verdicts = []
        for verdict, criterion in zip(reading.verdicts, prompt.criteria, strict=True):
            kept = verdict
            if lacks_evidence(verdict, criterion):
                kept = await self._asked_for_quotes(criterion, prompt if alone else None, reading.text)
            verdicts.append(kept)
        return verdicts

    async def _asked_for_quotes(self, criterion: Criterion, prompt: Prompt | None, reply: str) -> Verdict:
        """One more try on a criterion whose required quotes are missing, in a call of its own; then it abstains.

        Where it was asked alone already (its prompt is given), the judge is told what was wrong with its reply.
        """
        try:
            if prompt is None:
                prompt = turn = self._endpoint.prompt(replace(self._task, criteria=(criterion,)), self._shelf)
            else:
                turn = prompt.repaired(reply, _MISQUOTE, self._shelf.template)
            (verdict,) = (await self._usable(prompt, turn)).verdicts
        except GraderError as error:
            # The criteria beside it keep their verdicts; this one is failed and comes again with the next run.
            failure = Failure(kind=error.kind, message=str(error))  # type: ignore[arg-type]  # raised here: a known kind
            return Verdict(criterion_id=criterion.id, status="failed", failure=failure)
        return abstained(verdict) if lacks_evidence(verdict, criterion) else verdict

    async def _usable(self, prompt: Prompt, turn: Prompt) -> Reading:
        """The first usable reply. After an unusable one: one repair turn, then fresh tries, to the tally's bound."""
        fresh, may_repair = turn, True
        while True:
            completion = await self._endpoint.complete(turn, self._tally)
            try:
                return read_reply(completion, prompt, self._endpoint.reply)
            except GraderError as error:
                self._tally.add_unusable(error)
                repairable = error.kind != "refusal" and 0 < len(completion.text.strip()) <= _LONGEST_REPAIRED
                if may_repair and repairable:
                    turn, may_repair = prompt.repaired(completion.text, str(error), self._shelf.template), False
                else:
                    turn = fresh


def abstained(verdict: Verdict) -> Verdict:
    """A verdict whose required quotes were missing twice."""
    update: dict[str, Any] = {
        "status": "abstained",
        "failure": Failure(kind="misquote", message=f"{_MISQUOTE}, twice it had none"),
    }
    return verdict.model_copy(update={**update, "met": None, "option": None, "value": None})


def read_reply(completion: Completion, prompt: Prompt, reply: ReplyForm) -> Reading:
    """What a reply says, its quotes checked; GraderError where it is unusable."""
    if (problem := completion.problem) is not None:
        raise problem
    material = prompt.material
    verdicts = reply.parse(completion.text, prompt.criteria, materials=material.shown)
    read = []
    for verdict, criterion in zip(verdicts, prompt.criteria, strict=True):
        update = checked_quotes(verdict, criterion, material.answer)
        if completion.model is not None:
            update["returned_model"] = completion.model
        if completion.tokens and (probability := probability_of(verdict, completion)) is not None:
            update["probability"] = probability
        read.append(verdict.model_copy(update=update) if update else verdict)
    return Reading(completion.text, tuple(read))
