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
        self._sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        self.prompt_hash = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
        """First 16 hex digits of SHA-256 over the whole file: a word changed in it makes another grader."""

    def fill(self, section: str, slots: Mapping[str, str | None]) -> str:
        """A section with its slots filled; a line whose slot has nothing to say (None) is left out.

        What is filled in is never looked at again, so a text that contains a slot's name changes nothing.
        """
        lines = (_fill(line, slots) for line in self._sections[section].rstrip("\n").split("\n"))
        return "\n".join(line for line in lines if line is not None)


def _fill(line: str, slots: Mapping[str, str | None]) -> str | None:
    if any(slots[name] is None for name in _SLOT.findall(line)):
        return None
    return _SLOT.sub(lambda slot: slots[slot[1]] or "", line)


@cache
def judge_template() -> Template:
    """The prompt that comes with Markscheme."""
    return Template((Path(__file__).parent / "prompts" / "judge.txt").read_text(encoding="utf-8"))
