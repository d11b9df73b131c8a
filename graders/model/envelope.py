"""Text made safe to show: what a reader would not see is written out, and every place can be found again.

An answer may hide orders in zero-width characters, turn lines around with bidi marks or spell them in tag characters.
A judge sees `⟦U+202E⟧` in place of each. ZWNJ and ZWJ stay as they are: Persian, Hindi and emoji need them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_HIDDEN = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f"
_CHANGED = re.compile(rf"\r\n?|[{_HIDDEN}⟦]")
_ESCAPE = re.compile(r"⟦U\+([0-9A-F]{4,5})⟧")
_ESCAPED = re.compile(rf"[{_HIDDEN}⟦]")


class Span(NamedTuple):
    """A stretch of a text: `text[start:end]`."""

    start: int
    end: int


def encode_visible(text: str) -> str:
    """The text with line ends as LF and every hidden character written out.

    >>> encode_visible("safe\\u202e\\r\\n")
    'safe⟦U+202E⟧\\n'
    """
    return _CHANGED.sub(_shown, text)


def decode_visible(text: str) -> str:
    """The exact inverse of `encode_visible`, with LF line ends; brackets that stand for nothing stay."""
    return _ESCAPE.sub(_meant, text)


def _shown(match: re.Match[str]) -> str:
    found = match[0]
    return "\n" if found[0] == "\r" else f"⟦U+{ord(found):04X}⟧"


def _meant(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if _ESCAPED.fullmatch(char) else match[0]


@dataclass(frozen=True, slots=True)
class VisibleText:
    """A text beside what is shown of it."""

    original: str
    shown: str

    @classmethod
    def of(cls, text: str) -> VisibleText:
        """The text and its visible form."""
        return cls(text, encode_visible(text))

    def original_span(self, span: Span) -> Span:
        """Where a stretch of the shown text stands in the original; a part of an escape takes its whole character."""
        if self.shown == self.original:
            return span
        return Span(self._original(span.start, to_end=False), self._original(span.end, to_end=True))

    def _original(self, position: int, *, to_end: bool) -> int:
        ahead = 0  # how far the original's index is ahead of the shown one's (mostly below 0)
        for match in _CHANGED.finditer(self.original):
            shown_start = match.start() - ahead
            shown_end = shown_start + len(_shown(match))
            if position <= shown_start:
                break
            if position < shown_end:
                return match.end() if to_end else match.start()
            ahead = match.end() - shown_end
        return position + ahead
