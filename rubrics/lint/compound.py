"""A criterion that asks for several things at once: an answer that does half of them has no right verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rubrics.lint.advice import Advice
from rubrics.lint.words import SAYS, SAYS_ALL, Wording, alternatives, quote

_WHY = "an answer that does one of them earns nothing for it, and judges differ on whether that is met"
_SPLIT = "make each a criterion with its own points, or write 'both … and …' if only the two together count"

# `and notes why` is a verb, `figures and notes` is not: what may be a noun needs an object after it.
_OBJECT = r"\s+(?:a|an|the|that|this|its|his|her|their|how|why|when|where|which|what|whether|at|any|each|both|only)\b"
_SECOND_VERB = re.compile(rf",?\s+and\s+(?:also\s+|then\s+)?(?:\w+ly\s+)?(?P<verb>[a-z]+s)\b(?P<object>{_OBJECT})?")
_SECOND_THAT = re.compile(r"\bthat\b(?P<first>.+?),?\s+and\s+that\b(?!\s+(?:is|was|time|date|one|this)\b)")
_SUGGESTING = alternatives("advises encourages proposes recommends suggests")
_GERUNDS = re.compile(
    rf"{_SUGGESTING}\s+(?P<first>\w+ing\s+(?!and\b)[^;:]*?),?\s+and\s+"
    r"(?P<second>\w+ing\b\s+(?!to\b|by\b|is\b|are\b)[\w-]+(?:\s+[\w-]+)?)",
    re.IGNORECASE,
)
_NO_GERUND = re.compile(
    r"(?:bleeding|breathing|counsel+ing|cramping|during|driving|feeding|following|imaging|including|itching|meaning|"
    r"screening|sneezing|swelling|testing|training|vomiting|wheezing)\b"
)
# `before doing A and B`: the second may belong to what is before it, not to the recommendation.
_INNER_GERUND = re.compile(
    r"\b(?:about|after|as|before|by|for|from|in|instead of|of|on|than|when|while|without|to)\s+\w+ing\b"
)
_ACTIONS = alternatives(
    "activate apply arrange ask assess avoid bring call change check consult contact continue discuss drink file "
    "follow get give go inform keep limit measure monitor note pay read record report request return review see seek "
    "send speak start stop switch take talk tell use visit wait wash write"
)
_ADDRESSEE = r"(?:(?:her|him|them|users|people|readers|patients|(?:the|a|this)\s+\w+(?:\s+\w+)?)\s+)?"
_TELLING = alternatives("advises asks encourages instructs recommends reminds says suggests tells urges warns")
_INFINITIVES = re.compile(
    rf"{_TELLING}\s+{_ADDRESSEE}to\s+(?P<first>\w+\b[^;:]*?),?\s+and\s+(?:then\s+)?(?:to\s+)?"
    rf"(?P<second>{_ACTIONS}\s+\w+(?:\s+\w+)?)",
    re.IGNORECASE,
)
_RELATES = frozenset(
    "balances combines compares connects contrasts differentiates distinguishes links relates weighs".split()
)
_THE = r"(?:the|an?|his|her|their|its)"
_TWO_OBJECTS = re.compile(
    rf"(?:\s+(?:about|for|on|with|her|him|them|the\s+(?:user|patient|person|reader|client)))*\s+"
    rf"(?P<first>{_THE}\s+(?:(?!that\b|between\b|both\b|either\b)[\w'’-]+\s+){{1,6}}?)and\s+"
    rf"(?:also\s+|(?:about|for|on|with|of)\s+)?(?P<second>{_THE}\s+[\w'’-]+(?:\s+[\w'’-]+)?)",
    re.IGNORECASE,
)
_ADDED = re.compile(r"[.;]\s+(?:additionally|also|furthermore|moreover|in addition)\b,?", re.IGNORECASE)
_DEMAND = re.compile(r"\b(?:must|should|shall|needs? to|has to)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_LIST_IS_OPEN = re.compile(
    r"\b(?:such|like|including|includes|include|or|if|when|that|whether|because|with|as|from|between|than|how|why|any|"
    r"either|one|two|three|four|five|at least|all|each|every|both|neither|\w*\d\w*)\b",
    re.IGNORECASE,
)
_ONE_QUALITY = re.compile(r"\s*(?:an?|its|their)\s+[\w-]+$", re.IGNORECASE)
_PURPOSE = re.compile(r"\bto\s+\w+", re.IGNORECASE)


def compound(wording: Wording) -> Iterator[Advice]:
    """`Recommends rest and explains when to come back`: two things, one verdict."""
    if not wording.is_read or wording.is_fault or wording.omission:
        return
    found = _sentences(wording) or _two_verbs(wording) or _two_claims(wording) or _two_acts(wording)
    found = found or _closed_list(wording) or _two_objects(wording)
    if found is not None:
        yield Advice("compound", wording.path, found, _SPLIT, (wording.leaf.id,))


def _two_verbs(wording: Wording) -> str | None:
    verb = wording.verb
    if verb is None:
        return None
    for second in _SECOND_VERB.finditer(wording.bare, verb.end()):
        if second["verb"] in SAYS or (second["verb"] in SAYS_ALL and second["object"]):
            return f"asks for two things, '{verb['verb']} …' and '{second['verb']} …'; {_WHY}"
    return None


def _two_claims(wording: Wording) -> str | None:
    verb = wording.verb
    found = _SECOND_THAT.search(wording.bare, verb.end()) if verb else None
    if found is None or wording.bare[: found.start()].endswith("both "):
        return None
    return f"asks for two statements, 'that …' and 'that …'; {_WHY}"


def _two_acts(wording: Wording) -> str | None:
    if wording.verb is None:
        return None
    start = wording.verb.start("verb")
    rest = wording.bare[start:]
    found = _GERUNDS.match(rest)
    if found and (_NO_GERUND.match(found["second"]) or _INNER_GERUND.search(found["first"])):
        found = None
    found = found or _INFINITIVES.match(rest)
    if found is None:
        return None
    return f"asks for two steps, {quote(found['first'], limit=40)} and {quote(found['second'])}; {_WHY}"


def _two_objects(wording: Wording) -> str | None:
    """`Names the drug and the dose`; not `compares the drug and the placebo`."""
    verb = wording.verb
    if verb is None or wording.says in _RELATES:
        return None
    found = _TWO_OBJECTS.match(wording.unpaired, verb.end())
    if found is None:
        return None
    first, second = (wording.bare[slice(*found.span(name))] for name in ("first", "second"))
    return f"asks for two things, {quote(first, limit=40)} and {quote(second)}; {_WHY}"


def _sentences(wording: Wording) -> str | None:
    sentences = _SENTENCE.split(wording.text)
    demands = [sentence for sentence in sentences if _DEMAND.search(sentence)]
    if len(demands) >= 3:
        return f"holds {len(demands)} demands in {len(sentences)} sentences; {_WHY.replace('one of', 'some of')}"
    if wording.verb and _ADDED.search(wording.bare):
        return f"adds a second demand in a second sentence; {_WHY}"
    return None


def _closed_list(wording: Wording) -> str | None:
    """`Lists A, B, C and D`, all of it wanted; not `such as A, B and C`, and not `a clear, calm and short answer`."""
    verb = wording.verb
    if verb is None:
        return None
    clause = re.split(r"[.;:]", wording.bare[verb.end() :], maxsplit=1)[0]
    items: list[str] = []
    for item in clause.split(","):
        words = item.split()
        closing = [at for at, word in enumerate(words) if word in ("and", "&")]
        if closing and items:
            before, last = words[: closing[0]], words[closing[0] + 1 :][:5]
            items += [" ".join(part) for part in (before, last) if part]
            break
        if len(words) > (9 if not items else 6):
            return None
        items.append(item.strip())
    else:
        return None
    # `a clear, calm and short answer` is one thing; so is `about the place to provide …, … and …`.
    one_thing = _ONE_QUALITY.match(items[0]) or _PURPOSE.search(items[0])
    if len(items) < 3 or one_thing or _LIST_IS_OPEN.search(", ".join(items)):
        return None
    return f"asks for all of a list, {quote(', '.join(items))}; {_WHY.replace('one of', 'some of')}"
