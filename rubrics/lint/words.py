"""How English criteria are worded: the verbs that open them, what an omission looks like, and what is no content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from rubrics.rubric import Leaf


def alternatives(words: str) -> str:
    """A pattern that matches any of the words, the longest first."""
    return "(?:" + "|".join(sorted((re.escape(word) for word in words.split()), key=len, reverse=True)) + ")"


_SAYS = (
    "acknowledges advises asks clarifies compares confirms describes differentiates directs discusses distinguishes "
    "emphasises emphasizes encourages explains expresses gives identifies includes indicates informs inquires "
    "instructs mentions outlines presents proposes provides reassures recommends refers reminds says seeks shows "
    "specifies states suggests summarises summarizes tells urges warns"
)
_SAYS_OR_NOUN = (
    "addresses answers cites contains corrects covers defines drafts ensures evaluates focuses guides highlights "
    "interprets keeps lists makes names notes offers points puts reports requests uses writes"
)
SAYS = alternatives(_SAYS)
"""Verbs in the third person that tell what an answer does, and are nothing else."""
SAYS_ALL = alternatives(f"{_SAYS} {_SAYS_OR_NOUN}")
"""The same with those that may be plural nouns, such as `lists`."""
SUBJECT = (
    r"(?:(?:the|this|it|its|a)\s+)?(?:(?:ai|model(?:'s)?|chat)\s+)?"
    r"(?:response|responses|answer|assistant|completion|model|reply|output|email|letter|memo|note|text|it)\s+"
)
OMITS = (
    r"(?:fails?\s+to|failed\s+to|(?:does|do|did)\s+not|(?:does|do|did)n['’]t|omits?|lacks?|neglects?\s+to|forgets?\s+to|"
    r"never)"
)

_RATIONALE = re.compile(r"\s*\((?:justification|rationale|reason|note)\s*:.*\)\s*$", re.IGNORECASE | re.DOTALL)
_ASIDE = re.compile(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]")
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|(?<!\w)'[^'\n]*'(?!\w)|‘[^’\n]*’(?!\w)")
_OPENING = re.compile(
    rf"(?:{SUBJECT})?(?P<modal>should|must|needs?\s+to|has\s+to|could|may|might|can)?\s*(?:also\s+)?"
    r"(?P<adverb>\w+ly\s+)?(?P<verb>[A-Za-z]+)\b",
    re.IGNORECASE,
)
_OMISSION = re.compile(rf"(?:{SUBJECT})?(?:\w+ly\s+)?{OMITS}\b\s*", re.IGNORECASE)
_FORBIDS = re.compile(r"\b(?:does\s+not|doesn['’]t|do\s+not|must\s+not|should\s+not|avoids?|refrains?|without|only|never|no)\b", re.IGNORECASE)
_THIRD_PERSON = frozenset(f"{_SAYS} {_SAYS_OR_NOUN}".split())
_BASE_FORM = frozenset(form for verb in _THIRD_PERSON for form in (verb[:-1], verb.removesuffix("es")))


@dataclass(frozen=True)
class Wording:
    """A criterion as its wording is read."""

    leaf: Leaf

    @property
    def path(self) -> str:
        """Where the wording stands in the rubric."""
        return f"{self.leaf.path}.criterion"

    @property
    def is_fault(self) -> bool:
        """Whether meeting it costs points."""
        return self.leaf.criterion.points < 0

    @property
    def is_read(self) -> bool:
        """Whether a reader decides it as met or not: no rule of code, no scale with its own descriptions."""
        return self.leaf.criterion.check is None and self.leaf.criterion.scale.type == "binary"

    @cached_property
    def text(self) -> str:
        """The wording without a reason given at its end, on one line."""
        return " ".join(_RATIONALE.sub("", self.leaf.criterion.criterion).split())

    @cached_property
    def bare(self) -> str:
        """The text without what stands in brackets or in quotation marks."""
        return _QUOTED.sub("“…”", _ASIDE.sub("", self.text))

    @cached_property
    def omission(self) -> int:
        """Where the omitted thing begins in `bare` (`Fails to …`, `Does not …`); 0 where nothing is omitted."""
        found = _OMISSION.match(self.bare)
        return found.end() if found else 0

    @property
    def forbids(self) -> bool:
        """Whether meeting it means to keep from a fault: `Does not recommend …` with points to earn."""
        return _FORBIDS.search(self.bare) is not None

    @cached_property
    def verb(self) -> re.Match[str] | None:
        """The opening verb that tells what the answer does, after `Fails to` where there is one; None if it has none."""
        found = _OPENING.match(self.bare, self.omission)
        if found is None:
            return None
        known = _BASE_FORM | _THIRD_PERSON if self.omission or found["modal"] else _THIRD_PERSON
        return found if found["verb"].lower() in known else None


def quote(text: str, *, limit: int = 60) -> str:
    """A piece of the wording as a message shows it."""
    text = text.strip(" ,.;:")
    if len(text) > limit:
        text = text[:limit].rsplit(" ", 1)[0].rstrip(" ,.;:") + " …"
    return f"'{text}'"
