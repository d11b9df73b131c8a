"""What stays the same for all criteria of an answer, made ready once: what is shown, and the JSON it is sent in."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson

from graders.grader import Task
from graders.model.empty_answer import is_empty, is_short
from graders.model.envelope import VisibleText, encode_visible
from graders.model.shown_example import ShownExample
from graders.model.template import CRITERIA_SLOTS, Template
from rubrics import Answer, Example

# JSON lets these stand raw in a string, but some readers end a line there.
_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
# The first character of what chat templates of local servers take for the end of a turn, when it comes in raw.
_CONTROL_TOKEN = re.compile(r"<(?=[|｜]|/?s>|(?:start|end)_of_turn>)|\[(?=/?INST\])")


class Material:
    """One answer, its conversation and what else a judge is shown beside them, for any number of calls."""

    def __init__(
        self, task: Task, template: Template, *, examples: Sequence[ShownExample] = (), avoid: str = ""
    ) -> None:
        """`avoid` is a text in which the nonce must not stand either."""
        self.answer = VisibleText.of(task.answer.text)
        self.is_empty = is_empty(task.answer.text)
        """Whether the answer holds no letter and no digit."""
        self.is_short = is_short(task.answer.text)
        """Whether a reader sees fewer than 20 characters of it."""
        turns = [{"role": turn.role, "content": encode_visible(turn.content)} for turn in task.example.conversation]
        shown = (self.answer.shown, self.answer.original, *(turn["content"] for turn in turns))
        self.shown: tuple[str, ...] = tuple(dict.fromkeys(shown))
        """The texts that the judge is shown and must not send back as its verdict."""
        envelope = json_line({"conversation": turns, "answer": self.answer.shown})
        guidelines, references = task.rubric.guidelines, task.example.references
        others = [example.as_json() for example in examples if example.example_id != task.example.id]
        slots: dict[str, str | None] = {
            "guidelines": json_line(guidelines) if guidelines else None,
            "references": json_line(references) if references else None,
            "examples": json_line(others) if others else None,
            "envelope": envelope,
            "conversation": _as_dialogue([*turns, {"role": "assistant", "content": self.answer.shown}]),
        }
        text = "\n".join(value for value in slots.values() if value)
        self.nonce = slots["nonce"] = nonce_for(envelope, text + avoid)
        """16 hex digits that stand in no text around them."""
        self.system = template.fill("system", slots) if "system" in template.sections else None
        """The system message."""
        self.user = tuple(template.pieces("user", slots, apart=CRITERIA_SLOTS))
        """The user message but for what is asked: the text before it and after it."""

        self.asking_controls = asyncio.Lock()
        self.controls: dict[int, str | None] = {}
        """Repeat → what the judge got wrong of the control criteria, where they are asked."""

    @cached_property
    def system_json(self) -> bytes | None:
        """The system message inside a JSON string, without its quotes."""
        return None if self.system is None else json_inside(self.system)

    @cached_property
    def user_json(self) -> tuple[bytes, ...]:
        """The pieces of the user message inside a JSON string."""
        return tuple(map(json_inside, self.user))


class MaterialShelf:
    """Keeps the material of the answers whose calls come in now."""

    def __init__(self, template: Template, examples: Sequence[ShownExample] = (), *, size: int = 256) -> None:
        """`size` is how many answers' material is kept: at least as many as are out at a time."""
        self.template = template
        self._examples = tuple(examples)
        self._size = size
        self._kept: dict[int, tuple[Answer, Example, Material]] = {}

    def of(self, task: Task) -> Material:
        """The material of a task; made once for all tasks that hold the same answer and example objects."""
        found = self._kept.get(id(task.answer))
        if found is not None and found[0] is task.answer and found[1] is task.example:
            return found[2]
        material = self.fresh(task)
        while len(self._kept) >= self._size:
            del self._kept[next(iter(self._kept))]
        self._kept[id(task.answer)] = (task.answer, task.example, material)
        return material

    def clear(self) -> None:
        """Keep none: what waits for an answer's controls belongs to one event loop."""
        self._kept.clear()

    def fresh(self, task: Task, *, avoid: str = "") -> Material:
        """The material of a task, made anew."""
        return Material(task, self.template, examples=self._examples, avoid=avoid)


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


def json_inside(text: str) -> bytes:
    """A text as it stands inside a JSON string, without the quotes around it."""
    return orjson.dumps(text)[1:-1]


def nonce_for(envelope: str, text: str) -> str:
    """16 hex digits that do not occur in the text; the same for all calls of one answer, for the prefix cache."""
    for salt in range(1_000_000):
        nonce = hashlib.sha256(f"{salt}\n{envelope}".encode()).hexdigest()[:16]
        if nonce not in text:
            return nonce
    raise AssertionError("a text holds a million hashes of itself")


def _as_dialogue(turns: Sequence[dict[str, str]]) -> str:
    """The form of HealthBench's own template; nothing but the judge's good sense keeps a turn from faking another."""
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
