"""Texts made safe for a terminal: whatever would steer it, turn a line around or stay unseen is written out.

A superset of what a model judge is shown (`graders.model.envelope`): a terminal also obeys C1 controls, and a reader
cannot tell that a soft hyphen or a blank Hangul filler is there. ZWNJ and ZWJ stay (Persian, Hindi, emoji).
"""

from __future__ import annotations

import re
import unicodedata

TAB = "    "
_LINE_ENDS = re.compile(r"\r\n?")
_STAY = frozenset("\n\u200c\u200d\ufe0e\ufe0f")
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""Characters without a glyph whose category does not say so."""
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MOST_MARKS = 6
"""Marks in a row on one letter; what is stacked higher climbs over the lines above."""
_MARKS = frozenset({"Mn", "Me"})


def visible(text: str) -> str:
    """The text as it may be sent to a terminal: printable characters, LF line ends, and codes for all else.

    >>> visible("safe\\x1b[2J\\u202e\\tend\\r\\n")
    'safe⟦U+001B⟧[2J⟦U+202E⟧    end\\n'
    """
    text = _LINE_ENDS.sub("\n", text).replace("\t", TAB)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if _is_mark(char) else 0
        shown.append(f"⟦U+{ord(char):04X}⟧" if _steers(char) or marks > _MOST_MARKS else char)
    return "".join(shown)


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(visible(text).split())


def _is_mark(char: str) -> bool:
    return char in _STAY - {"\n"} or unicodedata.category(char) in _MARKS


def _steers(char: str) -> bool:
    if char in _STAY:
        return False
    return char == "⟦" or unicodedata.category(char) in _STEERING or _UNSEEN.match(char) is not None
