"""What a judge is sent for one call. The answer is hostile data: it can change no line but its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from graders.grader import Task
from graders.model.material import Material, MaterialShelf, json_line
from graders.model.template import Template, judge_template
from rubrics import Criterion

ChatMessage = dict[str, str]
"""One message to the endpoint: `role` and `content`."""


@dataclass(slots=True)
class Prompt:
    """The messages of one call, and what is needed to read the reply."""

    material: Material
    criteria: tuple[Criterion, ...]
    """The criteria asked, in the order of their ids c1, c2, …"""
    asked: str
    """What is asked, as it stands in the slot of the user message."""
    repairs: tuple[ChatMessage, ...] = ()
    """What was said after the user message: unusable replies, and what was wrong with them."""

    @classmethod
    def of(cls, task: Task, shelf: MaterialShelf | Template, *, asked: str | None = None) -> Prompt:
        """Build the prompt of a task: constant part first, then conversation and answer, then the criteria."""
        if isinstance(shelf, Template):
            shelf = MaterialShelf(shelf)
        if asked is None:
            asked = criteria_line(task.criteria, show_points=task.rubric.judging.show_points)
        material = shelf.of(task)
        if material.nonce in asked:
            material = shelf.fresh(task, avoid=asked)
        return cls(material, task.criteria, asked)

    @property
    def user(self) -> str:
        """The whole user message."""
        return self.asked.join(self.material.user)

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """All messages in their order."""
        system = self.material.system
        first = () if system is None else ({"role": "system", "content": system},)
        return (*first, {"role": "user", "content": self.user}, *self.repairs)

    def repaired(self, reply: str, problem: str, template: Template) -> Prompt:
        """The same messages with an unusable reply and what is wrong with it; the material is not repeated."""
        wording = template if "repair" in template.sections else judge_template()
        said = (
            {"role": "assistant", "content": reply},
            {"role": "user", "content": wording.fill("repair", {"problem": problem})},
        )
        return replace(self, repairs=said)


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
