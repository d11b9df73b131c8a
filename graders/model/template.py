"""A prompt's text file: named sections with slots, each filled in one pass."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rubrics import InputError, Mistake, Mistakes, did_you_mean

_HEADING = re.compile(r"^===[ \t]*(\w+)[ \t]*===[ \t]*(?:\n|\Z)", re.MULTILINE)
_SLOT = re.compile(r"\{\{[ \t]*(\w+)[ \t]*\}\}|<<(conversation|rubric_item)>>")

CRITERIA_SLOTS = frozenset({"criteria", "rubric_item"})
"""The slots that hold what is asked; everything else stays the same for all calls of an answer."""

SLOTS = CRITERIA_SLOTS | {"guidelines", "references", "examples", "envelope", "conversation", "nonce"}
"""All slots of a judge's prompt; docs/models.md says what each holds."""

_SECTIONS = ("system", "user", "repair")
_REPAIR_SLOTS = frozenset({"problem"})


class Template:
    """The sections of a prompt file (`=== system ===`) with `{{slots}}`; a text without sections is all `user`.

    >>> Template("=== user ===\\nHint: {{hint}}\\nText: {{text}}\\n").fill("user", {"hint": None, "text": "{{hint}}"})
    'Text: {{hint}}'
    """

    def __init__(self, text: str) -> None:
        parts = _HEADING.split(text)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True)) if len(parts) > 1 else {"user": text}
        # A line is its parts: text and the names of slots in turn, beginning and ending with text.
        self._sections = {
            name: [_split(line) for line in section.rstrip("\n").split("\n")] for name, section in sections.items()
        }
        self.prompt_hash = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
        """First 16 hex digits of SHA-256 over the whole file: a word changed in it makes another grader."""

    @property
    def sections(self) -> frozenset[str]:
        """The names of its sections."""
        return frozenset(self._sections)

    def slots(self, section: str) -> set[str]:
        """The names of a section's slots."""
        return {name for parts in self._sections[section] for name in parts[1::2]}

    def fill(self, section: str, slots: Mapping[str, str | None]) -> str:
        """A section with its slots filled; a line whose slot has nothing to say (None) is left out.

        What is filled in is never looked at again, so a text that contains a slot's name changes nothing.
        """
        (filled,) = self.pieces(section, slots, apart=frozenset())
        return filled

    def pieces(self, section: str, slots: Mapping[str, str | None], *, apart: frozenset[str]) -> list[str]:
        """A section filled but for the slots `apart`: the pieces of text before, between and after these."""
        pieces = [""]
        begun = False
        for parts in self._sections[section]:
            names = parts[1::2]
            if any(name not in apart and slots[name] is None for name in names):
                continue
            if begun:
                pieces[-1] += "\n"
            begun = True
            pieces[-1] += parts[0]
            for name, text in zip(names, parts[2::2], strict=True):
                if name in apart:
                    pieces.append(text)
                else:
                    pieces[-1] += f"{slots[name]}{text}"
        return pieces


def _split(line: str) -> list[str]:
    parts = _SLOT.split(line)
    # Two groups, of which one has matched: text, slot or None, None or slot, text, …
    texts, names = parts[::3], [left or right for left, right in zip(parts[1::3], parts[2::3], strict=True)]
    line_parts = [texts[0]]
    for name, text in zip(names, texts[1:], strict=True):
        line_parts += [name, text]
    return line_parts


@cache
def judge_template() -> Template:
    """The prompt that comes with Markscheme."""
    return Template((Path(__file__).parent / "prompts" / "judge.txt").read_text(encoding="utf-8"))


def load_template(path: Path, *, asks_by: str) -> Template:
    """A user's own prompt; InputError with every slot and section that there is not.

    `asks_by` is the slot in which the reply's form expects what is asked: `criteria`, or `rubric_item`.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(Mistake(str(path), f"the prompt cannot be read: {reason}")) from None
    template = Template(text)
    mistakes = Mistakes()
    first, *headings = _HEADING.split(text)
    if headings and first.strip():
        mistakes.add(str(path), f"got text before the section {headings[0]!r}, expected every line in a section")
    for section in sorted({name for name in headings[::2] if headings[::2].count(name) > 1}):
        mistakes.add(str(path), f"got the section {section!r} more than once")
    for section in sorted(template.sections - set(_SECTIONS)):
        hint = did_you_mean(section, _SECTIONS)
        mistakes.add(str(path), f"got the section {section!r}, expected {', '.join(_SECTIONS)}{hint}")
    for section in sorted(template.sections & set(_SECTIONS)):
        known = _REPAIR_SLOTS if section == "repair" else SLOTS
        for slot in sorted(template.slots(section) - known):
            hint = did_you_mean(slot, sorted(known))
            mistakes.add(str(path), f"got the slot {slot!r} in {section!r}, expected one that there is{hint}")
    asked = template.slots("user") if "user" in template.sections else set()
    if asks_by not in asked:
        mistakes.add(str(path), f"expected the slot {asks_by!r} in its user message: it says what is asked")
    if not asked & {"envelope", "conversation"}:
        mistakes.add(str(path), "expected the slot 'envelope' or 'conversation': nothing else holds the answer")
    if "system" in template.sections and template.slots("system") & (CRITERIA_SLOTS | {"envelope", "conversation"}):
        mistakes.add(str(path), "expected no answer and no criteria in the system message, they are no instructions")
    mistakes.raise_if_any()
    return template
