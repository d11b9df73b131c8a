"""Lines of a given width, measured in terminal cells; the text has been made visible before."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import get_character_cell_size

_LEAD = re.compile(r" *(?:(?:[-*•–—]|\d{1,3}[.)])(?= ))? *")
_TOKEN = re.compile(r"\S+|\s+")
_EMOJI_STYLE = "\ufe0f"


def cells(text: str) -> int:
    """How many cells a text takes, rather one too many: terminals disagree on joined emoji."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(char: str) -> int:
    return 1 if char == _EMOJI_STYLE else get_character_cell_size(char)


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis where something is left out."""
    if cells(text) <= width:
        return text
    return _head(text, max(width - 1, 0)) + "…"[: max(width, 0)]


def padded(text: str, width: int) -> str:
    """The text in exactly `width` cells."""
    text = cut(text, width)
    return text + " " * (width - cells(text))


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text; list items and indented lines go on under their own first word.

    >>> wrapped("- one two three", 9)
    ['- one two', '  three']
    """
    width = max(width, 2)
    return [line for source in text.split("\n") for line in _wrapped_line(source, width)]


def _wrapped_line(source: str, width: int) -> Iterator[str]:
    found = _LEAD.match(source)
    lead = found[0] if found else ""
    hang = cells(lead) if cells(lead) <= width // 3 else 0
    line, used = "", 0
    for token in _TOKEN.findall(source.rstrip()):
        size = cells(token)
        if used + size <= width:
            line, used = line + token, used + size
            continue
        if token.isspace():
            yield line.rstrip()
            line, used = " " * hang, hang
            continue
        if used > hang and size <= width - hang:
            yield line.rstrip()
            line, used = " " * hang + token, hang + size
            continue
        # A word longer than a line, or a script without spaces: fill what is left of the line first.
        while size > width - used:
            head = _head(token, width - used) or ("" if used > hang else token[0])
            yield (line + head).rstrip()
            token = token[len(head) :]
            size -= cells(head)  # counted anew it would be counted for every line of a text without spaces
            line, used = " " * hang, hang
        line, used = line + token, used + size
    yield line.rstrip()


def _head(text: str, width: int) -> str:
    """As much of a text's beginning as fits, with the marks that belong to its last character."""
    used = 0
    for index, char in enumerate(text):
        used += _cell(char)
        if used > width:
            return text[:index]
    return text
