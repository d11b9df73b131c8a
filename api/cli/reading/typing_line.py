"""A line that is being typed: what each editing key does to it."""

from __future__ import annotations

from typing import NamedTuple

from api.cli.reading.keys import PASTE, Key


class Typing(NamedTuple):
    """A line and where in it the next character goes."""

    text: str
    caret: int


def typed(line: Typing, key: Key) -> Typing:
    """The line after a key; a key that edits nothing leaves it as it is."""
    text, caret = line
    before, after = text[:caret], text[caret:]
    match key.name:
        case "left":
            return Typing(text, max(caret - 1, 0))
        case "right":
            return Typing(text, min(caret + 1, len(text)))
        case "home" | "up":
            return Typing(text, 0)
        case "end" | "down":
            return Typing(text, len(text))
        case "backspace":
            return Typing(before[:-1] + after, max(caret - 1, 0))
        case "delete":
            return Typing(before + after[1:], caret)
        case "ctrl-u":
            return Typing(after, 0)
        case "ctrl-w":
            kept = before.rstrip().rpartition(" ")
            before = kept[0] + kept[1]
            return Typing(before + after, len(before))
    new = _printable(key.text) if key.name == PASTE else key.name if len(key.name) == 1 else ""
    return Typing(before + new + after, caret + len(new))


def _printable(text: str) -> str:
    """A pasted text on one line, without control characters."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    return "".join(char for char in spaced if char.isprintable() or char in "\u200c\u200d")
