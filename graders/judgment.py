"""A judgment: one grader's verdict on one criterion of one answer. Every grader produces these, and never a score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator
from pydantic_core import InitErrorDetails

from rubrics import CriterionId, Id, Many, Metadata, Model, Number, Share, Text, WholeNumber, problem_at, raise_problems

Status = Literal["judged", "not_applicable", "abstained", "failed"]
GraderKind = Literal["model", "human", "rule"]
FailureKind = Literal["parse", "refusal", "truncated", "http", "timeout", "misquote", "control", "grader"]

FAILURE_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)
"""Why a cell has no verdict, in the order in which reports list them."""


class Failure(Model):
    """Why there is no usable verdict."""

    kind: FailureKind
    """What went wrong, such as unusable text, a refusal, a cut reply, the network, time, a wrong quote."""
    message: Text
    """What was seen, for people."""


class Verdict(Model):
    """What a grader says of one criterion; where it is judged, exactly one of `met`, `option`, `value`."""

    criterion_id: CriterionId
    """The criterion that was judged."""
    status: Status = "judged"
    """Judged, does not apply, could not tell, or no usable reply."""
    met: bool | None = None
    """On a binary scale: whether the criterion is met (not whether the answer is good)."""
    option: Text | None = None
    """On an ordinal or nominal scale: the label that was chosen."""
    value: Number | None = None
    """On a number or count scale: the number."""
    explanation: Text | None = None
    """Why, in the grader's words."""
    evidence: Annotated[tuple[Text, ...], Many] = ()
    """Verbatim quotes from the answer."""
    probability: Share | None = None
    """The grader's probability of its verdict, from 0 to 1, where it has one."""
    flags: Annotated[tuple[Text, ...], Many] = ()
    """Remarks that code reads, such as `empty_answer` or `evidence_unverified`."""
    metadata: Metadata = Field(default_factory=dict)
    """Free fields, kept and never scored."""
    returned_model: Text | None = None
    """The model's name as the endpoint gave it."""
    input_tokens: WholeNumber | None = None
    """Tokens read by the call; on the first verdict of a call only."""
    output_tokens: WholeNumber | None = None
    """Tokens written by the call; on the first verdict of a call only."""
    cached_tokens: WholeNumber | None = None
    """Tokens of the input that the provider had cached."""
    cost: Number | None = None
    """Cost of the call in USD, where it is known."""
    seconds: Number | None = None
    """Time from the first request to the usable reply."""
    failure: Failure | None = None
    """Why there is no verdict, where status is `failed` or `abstained`."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Verdict:
        raise_problems(type(self).__name__, self._problems())
        return self

    def _problems(self) -> Iterator[InitErrorDetails]:
        given = [name for name in ("met", "option", "value") if getattr(self, name) is not None]
        if self.status == "judged" and len(given) != 1:
            what = "none of them" if not given else " and ".join(given)
            yield problem_at(
                (), None, f"got {what}, expected exactly one of met, option, value where status is 'judged'"
            )
        elif self.status != "judged" and given:
            yield problem_at(
                (given[0],), None, f"got {given[0]!r}, expected no verdict where status is {self.status!r}"
            )
        if self.probability is not None and not 0 <= self.probability <= 1:
            yield problem_at(("probability",), self.probability, "expected a probability from 0 to 1")


class Judgment(Verdict):
    """One grader's verdict on one cell: example, answer, criterion and repeat."""

    example_id: Id
    """The example."""
    model: Id
    """Who wrote the answer."""
    sample: WholeNumber = 0
    """Which of the answerer's tries."""
    grader: Id
    """Who judged: `rules`, `model:NAME`, a plug-in's name, a person's id."""
    grader_kind: GraderKind
    """Whether a model, a human or a rule judged."""
    status: Status
    """Judged, does not apply, could not tell, or no usable reply."""
    repeat: WholeNumber = 0
    """Which of several judgments by the same grader, from 0."""
    use: Literal["test", "tune"] = "test"
    """Whether this label may tune a grader (`tune`) or measure it (`test`)."""
    ruling: bool = False
    """Whether this verdict settles a disagreement (consensus `adjudicated`)."""
    grader_fingerprint: Text | None = None
    """Hash of the grader's name, version, arguments and prompt."""
    prompt_hash: Text | None = None
    """Hash of the prompt's template."""
    criterion_hash: Text | None = None
    """16 hex digits over what the judge saw of the criterion."""
    answer_hash: Text | None = None
    """16 hex digits over prompt and answer."""
    judged_at: Text | None = None
    """When, in ISO 8601 with the offset."""

    @property
    def cell(self) -> tuple[str, str, int, str, str, int]:
        """The identity of the cell: example, model, sample, criterion, grader, repeat."""
        return self.example_id, self.model, self.sample, self.criterion_id, self.grader, self.repeat

    def as_json(self) -> dict[str, Any]:
        """The judgment as a file's row: what is set and not null."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)
