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
SAYS = frozenset(_SAYS.split())
"""Verbs in the third person that tell what an answer does, and are nothing else."""
SAYS_ALL = SAYS | frozenset(_SAYS_OR_NOUN.split())
"""The same with those that may be plural nouns, such as `lists`."""
SUBJECT = (
    r"(?:(?:the|this|it|its|a)\s+)?(?:(?:ai|model(?:'s)?|chat)\s+)?"
    r"(?:response|responses|answer|assistant|completion|model|reply|output|email|letter|memo|note|text|it)\s+"
)
OMITS = (
    r"(?:fails?\s+to|failed\s+to|(?:does|do|did)\s+not|(?:does|do|did)n['’]t|omits?|lacks?|neglects?\s+to|forgets?\s+to|"
    r"never)"
)

_PAIRS = (
    "signs symptoms, risks benefits, pros cons, terms conditions, advantages disadvantages, dos donts, back forth, "
    "wear tear, time place, rights wrongs, nausea vomiting, name address, research development, trial error, "
    "cause effect, supply demand, profit loss, health safety, law order, black white, mergers acquisitions, "
    "gains losses, assets liabilities, debits credits, ins outs, strengths weaknesses, rights duties, "
    "rights obligations, costs benefits, diarrhea vomiting, fever chills, length width, date time, principal interest"
)


# No alternation of all pairs: it would take 5 ms to compile, in every command.
_FIXED_PAIRS = frozenset(
    tuple(word.rstrip("s") for word in order)
    for pair in _PAIRS.split(", ")
    for order in (pair.split(), reversed(pair.split()))
)
_PAIR = re.compile(r"\b(\w+)\s+(?:and|&)\s+(?:the\s+)?(\w+)\b", re.IGNORECASE)
_LONGEST = 5_000  # what a pattern may look at: some take time that grows with the square of the length
_RATIONALE = re.compile(r"\s*\((?:justification|rationale|reason|note)\s*:.*\)\s*$", re.IGNORECASE | re.DOTALL)
_ASIDE = re.compile(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]")
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|(?<!\w)'[^'\n]*'(?!\w)|‘[^’\n]*’(?!\w)")
_OPENING = re.compile(
    rf"(?P<subject>{SUBJECT})?(?P<modal>should|must|needs?\s+to|has\s+to|could|may|might|can)?\s*(?:also\s+)?"
    r"(?P<adverb>\w+ly\s+)?(?P<verb>[A-Za-z]+)\b",
    re.IGNORECASE,
)
_OMISSION = re.compile(rf"(?:{SUBJECT})?(?:\w+ly\s+)?{OMITS}\b\s*", re.IGNORECASE)
_FORBIDS = re.compile(
    rf"(?:{SUBJECT})?(?:avoids?|refrains?|never|(?:must|should)\s+not|(?:contains?|makes?|has|gives?)\s+no)\b",
    re.IGNORECASE,
)
_WITHIN_BOUNDS = re.compile(r"\b(?:only|without|no)\b", re.IGNORECASE)
_NO_ACT = frozenset("is was has does its this".split())
_BASE_FORM = frozenset(form for verb in SAYS_ALL for form in (verb[:-1], verb.removesuffix("es")))


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
        return " ".join(_RATIONALE.sub("", self.leaf.criterion.criterion[:_LONGEST]).split())

    @cached_property
    def bare(self) -> str:
        """The text without what stands in brackets or in quotation marks."""
        return _QUOTED.sub("“…”", _ASIDE.sub("", self.text))

    @cached_property
    def unpaired(self) -> str:
        """`bare`, with pairs that are one thing (`signs and symptoms`) put as one word of the same length."""

        def one_word(pair: re.Match[str]) -> str:
            words = pair[1].lower().rstrip("s"), pair[2].lower().rstrip("s")
            return "pair".ljust(len(pair[0]), "s") if words in _FIXED_PAIRS else pair[0]

        return _PAIR.sub(one_word, self.bare)

    @cached_property
    def omission(self) -> int:
        """Where the omitted thing begins in `bare` (`Fails to …`, `Does not …`); 0 where nothing is omitted."""
        found = _OMISSION.match(self.bare)
        return found.end() if found else 0

    @property
    def forbids(self) -> bool:
        """Whether meeting it means to keep from a fault: `Does not recommend …`, `Recommends only …`."""
        if self.omission or _FORBIDS.match(self.bare):
            return True
        return self.verb is not None and _WITHIN_BOUNDS.search(self.bare) is not None

    @property
    def says(self) -> str:
        """The opening verb in small letters; empty where there is none."""
        return self.verb["verb"].lower() if self.verb else ""

    @property
    def rest(self) -> str:
        """What follows the opening verb in `bare`; empty where there is no verb."""
        return self.bare[self.verb.end() :] if self.verb else ""

    @cached_property
    def verb(self) -> re.Match[str] | None:
        """The verb that tells what the answer does (the one after `Fails to`); None where there is none."""
        found = _OPENING.match(self.bare, self.omission)
        if found is None:
            return None
        verb = found["verb"].lower()
        if self.omission or found["modal"]:
            return found if verb in _BASE_FORM or verb in SAYS_ALL else None
        # After `The response` every word in -s is a verb; without it, `Symptoms …` opens a statement of its own.
        is_verb = verb in SAYS_ALL or (found["subject"] and verb.endswith("s") and verb not in _NO_ACT)
        return found if is_verb else None


def quote(text: str, *, limit: int = 60) -> str:
    """A piece of the wording as a message shows it."""
    text = text.strip(" ,.;:")
    if len(text) > limit:
        text = text[:limit].rsplit(" ", 1)[0].rstrip(" ,.;:") + " …"
    return f"'{text}'"
