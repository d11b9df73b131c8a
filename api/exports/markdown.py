"""User text in Markdown: shown as it reads, and never as markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"[\\`*_\[\]#|~$]")
"""What means something within a line; nothing here begins one with a user's text."""
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_JOINERS = "\u200c\u200d"
"""Zero-width joiners: Persian, Hindi and emoji need them."""


def one_line(text: str) -> str:
    """A text on one line: any run of white space is one space, and what a reader would not see is written out."""
    return " ".join("".join(map(_shown, text)).split())


def _shown(char: str) -> str:
    if char.isspace():
        return " "
    kind = unicodedata.category(char)
    if kind in ("Cc", "Zl", "Zp", "Cs") or (kind == "Cf" and char not in _JOINERS):
        return f"⟦U+{ord(char):04X}⟧"
    return char


def plain(text: str) -> str:
    """A text for a paragraph, a heading or a cell of a table.

    >>> plain("a|b\\n# x <script>")
    'a\\\\|b \\\\# x &lt;script&gt;'
    """
    return _MARKUP.sub(r"\\\g<0>", one_line(text).translate(_ENTITIES))


def code(text: str) -> str:
    """A text to be copied, as a code span that it cannot leave; not for tables.

    >>> code("a`b")
    '``a`b``'
    """
    line = one_line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line[:1] in ("`", " ") or line[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
