"""An example: a prompt with its rubric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, ValidationError

from rubrics.model import (
    Id,
    Many,
    Metadata,
    Model,
    Text,
    at_least,
    did_you_mean,
    problem_at,
    problems_of,
    raise_problems,
)
from rubrics.rubric import Rubric


class Message(Model):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    """Who speaks."""
    content: Text
    """What is said."""


def _prompt_kind(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return "messages"
    return "text" if isinstance(value, str) else None


Prompt = Annotated[
    Annotated[Text, Tag("text")] | Annotated[tuple[Message, ...], Many, *at_least(1, "one turn"), Tag("messages")],
    Discriminator(
        _prompt_kind,
        custom_error_type="prompt",
        custom_error_message='expected text, or a list of turns {"role": "user", "content": "…"}',
    ),
]
"""What the answerer was given: one text, or a conversation."""


def _schema_asks_for_a_rubric(schema: dict[str, Any]) -> None:
    schema["required"] = [name for name in schema["required"] if name != "rubric"]
    schema["oneOf"] = [{"required": ["rubric"]}, {"required": ["rubric_id"]}]


class Example(Model):
    """A prompt and the rubric by which answers to it are judged.

    A file gives the rubric itself or its `rubric_id`; once read, `rubric` always holds it. Rubrics by id come in
    the validation context, `Example.model_validate(row, context={"rubrics": {"id": rubric}})`.
    """

    model_config = ConfigDict(json_schema_extra=_schema_asks_for_a_rubric)

    id: Id
    """Names the example; answers point to it."""
    prompt: Prompt
    """What the answerer was given: one text, or the turns of a conversation."""
    rubric: Rubric
    """The rubric itself (or give `rubric_id`)."""
    rubric_id: Id | None = None
    """The id of a rubric that stands in a file of its own."""
    tags: Annotated[tuple[Id, ...], Many] = ()
    """Themes that get a score of their own, such as `theme:emergency`."""
    references: Annotated[tuple[Text, ...], Many] = ()
    """Reference answers, best first."""
    canary: Text | None = None
    """A marker that lets people find this text in training data; it travels with every export."""
    metadata: Metadata = Field(default_factory=dict)
    """Free fields, kept and never scored."""

    @model_validator(mode="wrap")
    @classmethod
    def _rubric_by_id(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo[Any]) -> Self:
        if not isinstance(value, dict) or isinstance(value.get("rubric"), Rubric):
            return handler(value)
        problems: list[InitErrorDetails] = []
        known: Mapping[str, Rubric | None] = (info.context or {}).get("rubrics", {})
        rubric_id = value.get("rubric_id")
        unresolved = False
        if isinstance(rubric_id, str) and "rubric" in value:
            problems.append(problem_at(("rubric_id",), None, "got `rubric` too, expected only one of the two"))
        elif isinstance(rubric_id, str):
            rubric = known.get(rubric_id)
            unresolved = rubric is None
            value = {**value, "rubric": rubric}
            if rubric_id not in known:
                hint = did_you_mean(rubric_id, known) if known else " (no rubric was found)"
                problems.append(
                    problem_at(("rubric_id",), rubric_id, f"got {rubric_id!r}, expected the id of a rubric{hint}")
                )
            elif unresolved:
                problems.append(
                    problem_at(("rubric_id",), rubric_id, f"the rubric {rubric_id!r} has mistakes of its own")
                )
        elif "rubric" not in value:
            problems.append(problem_at((), None, "missing, expected 'rubric' or 'rubric_id'"))
            unresolved = True
        try:
            example = handler(value)
        except ValidationError as error:
            problems += [
                line for line in problems_of(error) if not (unresolved and line.get("loc", ())[:1] == ("rubric",))
            ]
        raise_problems("Example", problems)
        return example

    @model_serializer(mode="wrap")
    def _one_rubric(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        row: dict[str, Any] = handler(self)
        if self.rubric_id is not None:
            row.pop("rubric", None)
        return row

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The prompt as turns; a prompt that is one text is one turn of the user."""
        if isinstance(self.prompt, str):
            return (Message(role="user", content=self.prompt),)
        return self.prompt
