"""What a judge is sent for one task. The answer is hostile data: it can change no line but its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from graders.grader import Task
from graders.model.envelope import VisibleText, encode_visible
from graders.model.template import Template
from rubrics import Criterion

ChatMessage = dict[str, str]
"""One message to the endpoint: `role` and `content`."""

# JSON lets these stand raw in a string, but some readers end a line there.
_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
# The first character of what chat templates of local servers take for the end of a turn, when it comes in raw.
_CONTROL_TOKEN = re.compile(r"<(?=[|｜]|/?s>|(?:start|end)_of_turn>)|\[(?=/?INST\])")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages for one call, and what is needed to read the reply."""

    messages: tuple[ChatMessage, ...]
    criteria: tuple[Criterion, ...]
    """The criteria asked, in the order of their ids c1, c2, …"""
    answer: VisibleText
    materials: tuple[str, ...]
    """The texts that the judge was shown and must not send back as its verdict."""

    @classmethod
    def of(cls, task: Task, template: Template) -> Prompt:
        """Build the prompt of a task: constant part first, then conversation and answer, then the criteria."""
        answer = VisibleText.of(task.answer.text)
        turns = [{"role": turn.role, "content": encode_visible(turn.content)} for turn in task.example.conversation]
        envelope = json_line({"conversation": turns, "answer": answer.shown})
        guidelines = task.rubric.guidelines
        references = task.example.references
        criteria = criteria_line(task.criteria, show_points=task.rubric.judging.show_points)
        slots = {
            "guidelines": json_line(guidelines) if guidelines else None,
            "references": json_line(references) if references else None,
            "envelope": envelope,
            "criteria": criteria,
        }
        nonce = nonce_for(envelope, "\n".join(value for value in slots.values() if value))
        messages = (
            {"role": "system", "content": template.fill("system", {})},
            {"role": "user", "content": template.fill("user", {**slots, "nonce": nonce})},
        )
        shown = (answer.shown, answer.original, *(turn["content"] for turn in turns))
        return cls(messages, task.criteria, answer, tuple(dict.fromkeys(shown)))

    def repair(self, reply: str, problem: str, template: Template) -> tuple[ChatMessage, ...]:
        """The same messages with an unusable reply and what is wrong with it; the material is not repeated."""
        return (
            *self.messages,
            {"role": "assistant", "content": reply},
            {"role": "user", "content": template.fill("repair", {"problem": problem})},
        )


def json_line(value: Any) -> str:
    """A value as JSON on one line, whatever a reader takes for a line's end, and free of chat control tokens."""
    try:
        line = orjson.dumps(value).decode("utf-8")
    except TypeError:  # a whole number of more than 64 bits
        line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not line.isascii():
        for char, escape in _LINE_ENDS.items():
            line = line.replace(char, escape)
    if "<" not in line and "INST]" not in line:
        return line
    return _CONTROL_TOKEN.sub(lambda token: f"\\u{ord(token[0]):04x}", line)


def nonce_for(envelope: str, text: str) -> str:
    """16 hex digits that do not occur in the text; the same for all calls of one answer, for the prefix cache."""
    for salt in range(1_000_000):
        nonce = hashlib.sha256(f"{salt}\n{envelope}".encode()).hexdigest()[:16]
        if nonce not in text:
            return nonce
    raise AssertionError("a text holds a million hashes of itself")


def criteria_line(criteria: Sequence[Criterion], *, show_points: bool) -> str:
    """The JSON line of the criteria. Ids are positions, so that a telling name gives nothing away."""
    asked = [
        _asked(f"c{number}", criterion, show_points=show_points) for number, criterion in enumerate(criteria, start=1)
    ]
    return json_line({"criteria": asked})


def _asked(position: str, criterion: Criterion, *, show_points: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": position, "criterion": criterion.criterion}
    if show_points:
        entry["points"] = criterion.points
    if criterion.scale.type != "binary":
        entry["scale"] = _scale_shown(criterion)
    if criterion.may_not_apply:
        entry["may_not_apply"] = True
    entry["evidence"] = criterion.evidence
    return entry


def _scale_shown(criterion: Criterion) -> dict[str, Any]:
    shown: dict[str, Any] = criterion.scale.model_dump(mode="json", exclude_none=True)
    for option in shown.get("options", ()):
        option.pop("credit", None)
    return {"type": shown.pop("type"), **shown}
