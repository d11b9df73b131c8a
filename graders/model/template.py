"""A prompt's text file: named sections with slots, each filled in one pass."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_HEADING = re.compile(r"^=== (\w+) ===\n", re.MULTILINE)
_SLOT = re.compile(r"\{\{(\w+)\}\}")


class Template:
    """The sections of a prompt file (`=== system ===`) with `{{slots}}`.

    >>> Template("=== user ===\\nHint: {{hint}}\\nText: {{text}}\\n").fill("user", {"hint": None, "text": "{{hint}}"})
    'Text: {{hint}}'
    """

    def __init__(self, text: str) -> None:
        parts = _HEADING.split(text)
        texts = zip(parts[1::2], parts[2::2], strict=True)
        # A line is its parts: text and the names of slots in turn, beginning and ending with text.
        self._sections = {
            name: [_SLOT.split(line) for line in section.rstrip("\n").split("\n")] for name, section in texts
        }
        self.prompt_hash = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
        """First 16 hex digits of SHA-256 over the whole file: a word changed in it makes another grader."""

    def fill(self, section: str, slots: Mapping[str, str | None]) -> str:
        """A section with its slots filled; a line whose slot has nothing to say (None) is left out.

        What is filled in is never looked at again, so a text that contains a slot's name changes nothing.
        """
        filled = []
        for parts in self._sections[section]:
            if len(parts) == 1:
                filled.append(parts[0])
                continue
            values = [slots[name] for name in parts[1::2]]
            if None not in values:
                line = list(parts)
                line[1::2] = [value or "" for value in values]
                filled.append("".join(line))
        return "\n".join(filled)


@cache
def judge_template() -> Template:
    """The prompt that comes with Markscheme."""
    return Template((Path(__file__).parent / "prompts" / "judge.txt").read_text(encoding="utf-8"))
