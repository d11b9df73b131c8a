"""A criterion that asks for several things at once: an answer that does half of them has no right verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rubrics.lint.advice import Advice
from rubrics.lint.words import SAYS, SAYS_ALL, Wording, alternatives, quote

_WHY = "an answer that does only one of them has no right verdict"
_SPLIT = "make each a criterion with its own points, or write 'both … and …' if only the two together count"

# `and notes why` is a verb, `figures and notes` is not: what may be a noun needs an object after it.
_OBJECT = r"(?=\s+(?:a|an|the|that|this|its|his|her|their|how|why|when|where|which|what|whether|at|any|each|both|only)\b)"
_SECOND_VERB = re.compile(rf",?\s+and\s+(?:also\s+|then\s+)?(?:\w+ly\s+)?(?P<verb>{SAYS}\b|{SAYS_ALL}\b{_OBJECT})")
_SECOND_THAT = re.compile(r"\bthat\b(?P<first>.+?),?\s+and\s+that\b(?!\s+(?:is|was|time|date|one|this)\b)")
_SUGGESTING = alternatives("advises encourages proposes recommends suggests")
_GERUNDS = re.compile(
    rf"{_SUGGESTING}\s+(?P<first>\w+ing\s+(?!and\b)[^;:]*?),?\s+and\s+(?P<second>\w+ing\b\s+(?!to\b|by\b|is\b|are\b)[\w-]+)"
)
_NO_GERUND = re.compile(
    r"(?:bleeding|breathing|counsel+ing|cramping|during|driving|feeding|following|imaging|including|itching|meaning|"
    r"screening|sneezing|swelling|testing|training|vomiting|wheezing)\b"
)
# `before doing A and B`: the second may belong to what is before it, not to the recommendation.
_INNER_GERUND = re.compile(r"\b(?:about|after|as|before|by|for|from|in|instead of|of|on|than|when|while|without|to)\s+\w+ing\b")
_ACTIONS = alternatives(
    "activate apply arrange ask assess avoid bring call change check consult contact continue discuss drink file follow "
    "get give go inform keep limit measure monitor note pay read record report request return review see seek send "
    "speak start stop switch take talk tell use visit wait wash write"
)
_ADDRESSEE = r"(?:(?:her|him|them|users|people|readers|patients|(?:the|a|this)\s+\w+(?:\s+\w+)?)\s+)?"
_TELLING = alternatives("advises asks encourages instructs recommends reminds says suggests tells urges warns")
_INFINITIVES = re.compile(
    rf"{_TELLING}\s+{_ADDRESSEE}to\s+(?P<first>\w+\b[^;:]*?),?\s+and\s+(?:then\s+)?(?:to\s+)?(?P<second>{_ACTIONS}\s+\w+)"
)
_ADDED = re.compile(r"[.;]\s+(?:additionally|also|furthermore|moreover|in addition)\b,?", re.IGNORECASE)
_DEMAND = re.compile(r"\b(?:must|should|shall|needs? to|has to)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_CLOSED_LIST = re.compile(
    r"(?P<head>[\w'’-]+(?:\s+[\w'’-]+){0,6}?)\s*(?P<items>(?:(?:\s|^)[\w'’/&-]+(?:\s+[\w'’/&-]+){0,4},){2,}\s+and\s+[\w'’/&-]+)"
)
_LIST_IS_OPEN = re.compile(
    r"\b(?:such|like|e\.g|including|includes|include|or|if|when|that|whether|because|with|as|from|between|than|for|to|"
    r"how|why|any|either|one|two|three|four|five|\d+|at least|all|each|every|both|of)\b",
    re.IGNORECASE,
)


def compound(wording: Wording) -> Iterator[Advice]:
    """`Recommends rest and explains when to come back`: two things, one verdict."""
    if not wording.is_read or wording.is_fault or wording.omission:
        return
    found = _sentences(wording) or _two_verbs(wording) or _two_claims(wording) or _two_acts(wording)
    found = found or _closed_list(wording)
    if found is not None:
        yield Advice("compound", wording.path, found, _SPLIT, (wording.leaf.id,))


def _two_verbs(wording: Wording) -> str | None:
    verb = wording.verb
    if verb is None:
        return None
    second = _SECOND_VERB.search(wording.bare, verb.end())
    if second is None or re.search(r"\bboth\s+$", wording.bare[: verb.start("verb")]):
        return None
    return f"asks for two things, '{verb['verb']} …' and '{second['verb']} …'; {_WHY}"


def _two_claims(wording: Wording) -> str | None:
    verb = wording.verb
    found = _SECOND_THAT.search(wording.bare, verb.end()) if verb else None
    if found is None or re.search(r"\bboth\s*$", wording.bare[: found.start()]):
        return None
    return f"asks for two statements, 'that …' and 'that …'; {_WHY}"


def _two_acts(wording: Wording) -> str | None:
    if wording.verb is None:
        return None
    start = wording.verb.start("verb")
    lower = wording.bare[start:].lower()
    found = _GERUNDS.match(lower)
    if found and (_NO_GERUND.match(found["second"]) or _INNER_GERUND.search(found["first"])):
        found = None
    found = found or _INFINITIVES.match(lower)
    if found is None:
        return None
    return f"asks for two steps, {quote(found['first'], limit=40)} and {quote(found['second'])}; {_WHY}"


def _sentences(wording: Wording) -> str | None:
    sentences = _SENTENCE.split(wording.text)
    demands = [sentence for sentence in sentences if _DEMAND.search(sentence)]
    if len(demands) >= 3:
        return f"holds {len(demands)} demands in {len(sentences)} sentences; {_WHY.replace('only one', 'some')}"
    if wording.verb and _ADDED.search(wording.bare):
        return f"adds a second demand in a second sentence; {_WHY}"
    return None


def _closed_list(wording: Wording) -> str | None:
    verb = wording.verb
    if verb is None:
        return None
    found = _CLOSED_LIST.match(wording.bare, verb.end() + 1)
    if found is None or _LIST_IS_OPEN.search(found["head"]) or _LIST_IS_OPEN.search(found["items"]):
        return None
    count = found["items"].count(",") + 1
    return f"asks for {count} things in one list, {quote(found['items'])}; {_WHY.replace('only one', 'some')}"
