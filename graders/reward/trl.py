"""One call of a trainer in TRL's form: its columns read into what is asked, its rewards written back."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, Literal

from graders.reward.completion_text import completion_text
from graders.reward.rewarded import Rewarded
from rubrics import Example, InputError, Mistake, canonical_json

Missing = Literal["none", "group_mean"]

_log = logging.getLogger("markscheme.reward")


class PromptIndex:
    """Finds an example by its prompt, for trainers that hand on no `example_id`."""

    def __init__(self) -> None:
        self._ids: dict[bytes, str | None] = {}

    def add(self, example: Example) -> None:
        """Take an example; a prompt that several have finds none of them."""
        key = _prompt_key([message.model_dump() for message in example.conversation])
        self._ids[key] = example.id if self._ids.get(key, example.id) == example.id else None

    def find(self, prompt: Any) -> str | None:
        """The id of the one example with this prompt, a text or messages."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        try:
            return self._ids.get(_prompt_key([{name: one[name] for name in ("role", "content")} for one in messages]))
        except (TypeError, KeyError, ValueError):
            return None


def _prompt_key(messages: Sequence[Mapping[str, Any]]) -> bytes:
    return canonical_json(messages)


class TrlCall:
    """Completions with the columns beside them: one example's id, or its prompt, for each.

    InputError where a column is missing or of another length, or where a prompt is no example's.
    """

    def __init__(self, completions: Sequence[Any], columns: Mapping[str, Any], prompts: PromptIndex) -> None:
        self._columns = columns
        self.example_ids = _example_ids(len(completions), columns, prompts)
        self.texts = [completion_text(one, f"completions[{place}]") for place, one in enumerate(completions)]

    def rewards(self, name: str, rewarded: Sequence[Rewarded], missing: Missing) -> list[float | None]:
        """The rewards as TRL wants them; what is missing is logged with its reason."""
        gone = [place for place, one in enumerate(rewarded) if one.reward is None]
        if gone:
            first = gone[0]
            _log.warning(
                "%s: %d of %d completions have no reward; the first is one to example %r: %s",
                name,
                len(gone),
                len(rewarded),
                self.example_ids[first],
                rewarded[first].why,
            )
        if callable(log_metric := self._columns.get("log_metric")):
            log_metric(f"{name}/missing", len(gone) / max(len(rewarded), 1))
        if callable(log_extra := self._columns.get("log_extra")):
            log_extra(f"{name}_reason", [one.why for one in rewarded])
        rewards = [one.reward for one in rewarded]
        return rewards if missing == "none" else _with_group_means(rewards, self.example_ids)


def _with_group_means(rewards: Sequence[float | None], groups: Sequence[str]) -> list[float | None]:
    """Each missing reward as the mean of those of its group; None stays where the whole group is missing."""
    there: dict[str, list[float]] = {}
    for group, reward in zip(groups, rewards, strict=True):
        if reward is not None:
            there.setdefault(group, []).append(reward)
    means = {group: fsum(found) / len(found) for group, found in there.items()}
    return [means.get(group) if reward is None else reward for group, reward in zip(groups, rewards, strict=True)]


def _example_ids(expected: int, columns: Mapping[str, Any], prompts: PromptIndex) -> list[str]:
    name = next((name for name in ("example_id", "prompts") if columns.get(name) is not None), None)
    if name is None:
        message = f"got the columns {sorted(columns)}, expected example_id, or prompts that are the dataset's own"
        raise InputError(Mistake("reward", message))
    column = columns[name]
    if len(column) != expected:
        raise InputError(Mistake(name, f"got {len(column)} for {expected} completions, expected one for each"))
    if name == "example_id":
        return list(column)
    found = [prompts.find(prompt) for prompt in column]
    mistakes = [
        Mistake(f"prompts[{place}]", "this is no example's prompt, or that of several: give a column example_id")
        for place, example_id in enumerate(found)
        if example_id is None
    ]
    if mistakes:
        raise InputError(mistakes)
    return [example_id for example_id in found if example_id is not None]
