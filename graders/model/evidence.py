"""Evidence: whether a judge's quotes stand in the answer word for word, and where.

What differs only in spaces, line ends, hidden characters, typographic quotes and dashes, or in Unicode's spelling of
the same letters (equal under NFKC), is the same quote. What is kept is the answer's own wording.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graders.fit import fit_verdict
from graders.judgment import Verdict
from graders.model.envelope import Span, VisibleText, decode_visible
from graders.scoring import leaf_scale
from rubrics import Criterion

UNVERIFIED = "evidence_unverified"
"""Flag of a verdict that came with a quote that does not stand in the answer."""

_TYPOGRAPHIC = str.maketrans(
    {**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}
)
# Plain runs stay whole (the common case, and fast); any other letter goes with the marks that follow it.
_PIECE = re.compile(r"[!-~]+(?![\u0300-\u036f])|\s+|\S[\u0300-\u036f]*")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The quotes that were found, each where it stands in the original answer, and how many were not."""

    spans: tuple[Span, ...]
    wrong: int

    def quotes(self, answer: VisibleText) -> tuple[str, ...]:
        """What the answer says in these places."""
        return tuple(answer.original[start:end] for start, end in self.spans)


def find_evidence(quotes: Iterable[str], answer: VisibleText) -> Evidence:
    """Look every quote up in the answer. One without a letter or digit is wrong; a blank one is none at all."""
    spans: dict[Span, None] = {}
    wrong = 0
    for quote in filter(str.strip, quotes):
        if (span := find_quote(quote, answer)) is not None:
            spans[span] = None
        else:
            wrong += 1
    return Evidence(tuple(spans), wrong)


def find_quote(quote: str, answer: VisibleText) -> Span | None:
    """Where in the original answer a quote of what was shown stands first; None where it does not."""
    quote = quote.strip()
    if not any(char.isalnum() for char in quote):
        return None
    start = answer.shown.find(quote)
    if start >= 0:
        return answer.original_span(Span(start, start + len(quote)))
    wanted = _normal(decode_visible(quote)).text.strip()
    return _normal_answer(answer.original).find(wanted) if wanted else None


def checked_quotes(verdict: Verdict, criterion: Criterion, answer: VisibleText) -> dict[str, Any]:
    """What of a verdict changes when only those quotes stay that stand in the answer; flagged where one does not."""
    if not verdict.evidence:
        return {}
    if criterion.evidence == "none":
        return {"evidence": ()}
    evidence = find_evidence(verdict.evidence, answer)
    update: dict[str, Any] = {"evidence": evidence.quotes(answer)}
    if evidence.spans:
        update["metadata"] = {**verdict.metadata, "evidence_spans": [list(span) for span in evidence.spans]}
    if evidence.wrong:
        update["flags"] = (*verdict.flags, UNVERIFIED)
    return update


def lacks_evidence(verdict: Verdict, criterion: Criterion) -> bool:
    """Whether a checked verdict claims a criterion that requires quotes to be met, and a quote is missing or wrong.

    On other scales than the binary one, met is a credit above 0.5, as everywhere.
    """
    if criterion.evidence != "required" or verdict.status != "judged":
        return False
    scale = leaf_scale(criterion)
    if scale.credit(fit_verdict(verdict, scale).value) <= 0.5:
        return False
    return not verdict.evidence or UNVERIFIED in verdict.flags


@dataclass(frozen=True, slots=True)
class _Normal:
    """A text in the form in which quotes are compared, and which stretch each of its characters comes from."""

    text: str
    starts: array[int]
    ends: array[int]

    def find(self, wanted: str) -> Span | None:
        """Where the wanted text comes from; it must not begin or end inside a letter."""
        position = self.text.find(wanted)
        while position >= 0:
            last = position + len(wanted) - 1
            if not self._same_piece(position - 1, position) and not self._same_piece(last, last + 1):
                return Span(self.starts[position], self.ends[last])
            position = self.text.find(wanted, position + 1)
        return None

    def _same_piece(self, left: int, right: int) -> bool:
        return left >= 0 and right < len(self.starts) and self.starts[left] == self.starts[right]


def _normal(text: str) -> _Normal:
    parts: list[str] = []
    starts, ends = array("L"), array("L")
    after_space = False
    for match in _PIECE.finditer(text):
        piece, start, end = match[0], match.start(), match.end()
        if piece.isascii() and piece.isprintable() and not piece.isspace():
            parts.append(piece)
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
            after_space = False
            continue
        letters = " " if piece.isspace() else _normal_letters(piece)
        if letters == " " and after_space:  # something that no reader sees stood between two spaces
            ends[-1] = end
        elif letters:
            parts.append(letters)
            starts.extend([start] * len(letters))
            ends.extend([end] * len(letters))
            after_space = letters == " "
    return _Normal("".join(parts), starts, ends)


# All criteria of an answer look into the same text, and a few answers are in flight side by side.
_normal_answer = lru_cache(maxsize=32)(_normal)


def _normal_letters(piece: str) -> str:
    """NFKD with plain quotes and dashes; nothing for control and format characters, which no reader sees."""
    seen = "".join(char for char in piece if unicodedata.category(char) not in ("Cc", "Cf"))
    return unicodedata.normalize("NFKD", seen.translate(_TYPOGRAPHIC)).translate(_TYPOGRAPHIC)
