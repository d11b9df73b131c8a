"""The text of a completion as trainers hand it over: a string, or the messages of a conversation."""

from __future__ import annotations

from typing import Any

from rubrics import InputError, Mistake


def completion_text(completion: Any, place: str = "completion") -> str:
    """What the answerer said last; empty where it said nothing.

    Of messages it is the last one of the assistant: tool calls and their results before it are no part of the answer.

    >>> completion_text([{"role": "assistant", "content": "Call an ambulance."}])
    'Call an ambulance.'
    """
    if isinstance(completion, str):
        return completion
    if not isinstance(completion, list | tuple):
        raise InputError(Mistake(place, f"got {type(completion).__name__}, expected text or a list of messages"))
    for message in reversed(completion):
        if _field(message, "role") in ("assistant", None):
            return _content(_field(message, "content"), place)
    return ""


def _field(message: Any, name: str) -> Any:
    """A field of a message, which is a mapping with some trainers and an object with others."""
    return message.get(name) if hasattr(message, "get") else getattr(message, name, None)


def _content(content: Any, place: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list | tuple):
        raise InputError(Mistake(place, f"got content of type {type(content).__name__}, expected text or parts"))
    return "".join(_field(part, "text") or "" for part in content if _field(part, "type") in ("text", "output_text"))


def readable(text: str) -> str:
    """A text without the two things that no file can hold: NUL becomes ␀, half of a surrogate pair `?`."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "␀")
