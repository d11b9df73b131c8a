"""What became of a call in the batches so far: nothing is repaired there, a further batch asks afresh."""

from __future__ import annotations

from dataclasses import dataclass, field

from graders.grader import Task
from graders.judgment import Verdict
from graders.model.batch.provider import RequestResult
from graders.model.completion import Completion
from graders.model.evidence import lacks_evidence
from graders.model.exchange import abstained, read_reply
from graders.model.grader import ModelGrader
from graders.model.request import RequestForm
from graders.model.tally import Tally
from rubrics import GraderError


@dataclass(slots=True)
class Trial:
    """A call's tries, to the same bounds as where it is asked at once."""

    tally: Tally
    form: RequestForm | None = None
    """A simpler form to ask in; None for the one that the endpoint is known to take."""
    misquoted: set[str] = field(default_factory=set)
    """The criteria whose required quotes were missing once."""

    @classmethod
    def of(cls, grader: ModelGrader, tries: int) -> Trial:
        """The trial of a call that had so many unusable replies before."""
        tally = Tally(max_replies=grader.max_replies, max_faults=grader.max_faults)
        tally.unusable_replies = tries
        return cls(tally)

    def completion(self, result: RequestResult | None, grader: ModelGrader) -> Completion | None:
        """The reply in a result; None where there is none and the call is to be asked again, GraderError at a bound."""
        if result is None:
            self.tally.add_fault(GraderError("http", "the batch ended without a result for this request"))
            return None
        if result.reply is None:
            self._troubled(result, grader)
            return None
        completion = grader.endpoint.client.dialect.parse(result.reply)
        if completion is None:
            self.tally.add_fault(GraderError("http", "a result that is no chat completion"))
            return None
        self.tally.add_reply(completion.usage)
        return completion

    def verdicts(self, completion: Completion, task: Task, grader: ModelGrader) -> list[Verdict]:
        """What a reply settles; none of the criteria that are to be asked again, GraderError at a bound."""
        prompt = grader.endpoint.prompt(task, grader.shelf)
        try:
            reading = read_reply(completion, prompt, grader.endpoint.reply)
        except GraderError as error:
            self.tally.add_unusable(error)
            return []
        if self.form is not None:
            grader.endpoint.form = grader.endpoint.form.simplest(self.form)
        settled = []
        for verdict, criterion in zip(reading.verdicts, task.criteria, strict=True):
            if not lacks_evidence(verdict, criterion):
                settled.append(verdict)
            elif criterion.id in self.misquoted:
                settled.append(abstained(verdict))
            else:
                self.misquoted.add(criterion.id)
        return settled

    def _troubled(self, result: RequestResult, grader: ModelGrader) -> None:
        error = GraderError("timeout" if result.trouble == "expired" else "http", f"in the batch: {result.message}")
        if result.trouble == "denied":
            raise error
        if result.trouble == "refused":
            self.form = (self.form or grader.endpoint.form).simpler(result.named)
            if self.form is None:
                raise error
            self.tally.add_unusable(error)
        else:
            self.tally.add_fault(error)
