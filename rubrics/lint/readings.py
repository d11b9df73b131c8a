"""Criteria that two readers could read two ways: open lists, negated pairs, lengths and amounts without a number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rubrics.lint.advice import Advice
from rubrics.lint.words import SAYS_ALL, SUBJECT, Wording, quote

# `recommends including …` is a step, not a list.
_INCLUDING = re.compile(
    r"(?<!consider )(?<!recommend )(?<!recommends )(?<!suggest )(?<!suggests )(?<!advises )(?<!avoid )(?<!about )"
    r"(?<!by )(?<!for )\bincluding\b:?\s*(?P<items>[^.;:]+)",
    re.IGNORECASE,
)
_NOT_ALL = re.compile(r"\b(?:any|at least|one of|some of|for example|e\.g)\b|\betc\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:all|both|each|every)\b", re.IGNORECASE)
_EXAMPLES = re.compile(r"\b(?:such as|like|for example|e\.g)\b", re.IGNORECASE)
_CLOSING = re.compile(r"(?:^|\s)(?P<word>and|or)\s+(?P<next>\w+)")
_CLAUSE = frozenset(
    "can could may might must should will would is are was were has have does do that then which also".split()
)


def open_list(wording: Wording) -> Iterator[Advice]:
    """`Asks about risk factors, including age, weight and smoking`: is age alone enough?"""
    if not wording.is_read or (wording.is_fault and not wording.omission) or wording.verb is None:
        return
    found = _INCLUDING.search(wording.bare, wording.verb.end())
    if found is None or _NOT_ALL.search(wording.bare) or _ALL.search(wording.bare[: found.end()]):
        return
    if _EXAMPLES.search(wording.bare[: found.start()]):
        return
    parts = found["items"].split(",")
    for count, part in enumerate(parts, start=1):
        closing = _CLOSING.search(part)
        if closing is not None:
            items = count + bool(part[: closing.start()].strip())
            break
    else:
        return
    if items < 3 or closing["word"] == "or" or closing["next"].lower() in _CLAUSE:
        return
    yield Advice(
        "open-list",
        wording.path,
        f"{quote('including ' + found['items'])} does not say whether all of it is needed: one reader wants "
        "all, another some",
        "write 'at least two of: …' or 'all of: …', or 'such as …' if none of it must be there",
        (wording.leaf.id,),
    )


_END_OF_OBJECT = re.compile(
    r"\b(?:that|which|who|because|since|if|when|where|whether|unless|although|while|such|including|like|so|based)\b|"
    r"\b(?<!well )as\b(?! well)|"
    r"[.;:]|,\s+(?:e\.g|for example)",
    re.IGNORECASE,
)
_VERBS = SAYS_ALL | frozenset("is are does has".split())
_OPTIONAL = frozenset("possibly preferably ideally optionally perhaps maybe".split())
_JOINED = re.compile(r"(?:,?\s+and|\s+as well as)\s+(?P<second>[\w'’-]+(?:\s+[\w'’-]+)?)")
_BETWEEN = re.compile(r"\b(?:between|both|either|combination of|relationship of|interaction of)\b", re.IGNORECASE)
# `a clear and direct instruction` is one thing with two qualities.
_TWO_QUALITIES = re.compile(
    r"\b(?:an?|the|any|its|their|more|very|most)\s+[\w-]+\s+and\s+(?:\w+ly\s+)?"
    r"(?!(?:an?|the|any|its|their)\s)[\w-]+\s+(?!(?:of|for|in|on|to|from|with|when|if)\b)[\w-]+",
    re.IGNORECASE,
)


def negated_and(wording: Wording) -> Iterator[Advice]:
    """`Fails to mention A and B`: met when one of them is missing, or only when both are?"""
    if not wording.is_read or not wording.omission:
        return
    rest = wording.unpaired[wording.omission :]
    end = _END_OF_OBJECT.search(rest)
    clause = rest[: end.start()] if end else rest
    joined = _JOINED.search(clause)
    if joined is None or _BETWEEN.search(clause) or _TWO_QUALITIES.search(clause):
        return
    second = joined["second"].split()
    if second[0] in _OPTIONAL or (second[-1] if second[0].endswith("ly") else second[0]) in _VERBS:
        return
    yield Advice(
        "negated-and",
        wording.path,
        f"{quote(wording.bare[: wording.omission + len(clause)])}: one reader calls it met when one of these is "
        "missing, another only when all are",
        "write what is missing with 'or' ('mentions neither A nor B'), or make each omission a criterion of its own",
        (wording.leaf.id,),
    )


_LENGTH = (
    r"(?:(?:overly|too|excessively|unnecessarily|very|needlessly|rather|quite)\s+"
    r"(?:long|short|brief|verbose|wordy|lengthy|detailed)|brief(?!['’]s)|concise|succinct|lengthy|verbose|wordy|long-winded)"
)
_LENGTH_SLOT = re.compile(
    rf"\s+(?:{SUBJECT})?(?:an?\s+|the\s+|the\s+\w+\s+)?(?:\w+,\s+|\w+\s+and\s+)?(?P<word>{_LENGTH})\b", re.IGNORECASE
)
_LENGTH_SAID = re.compile(
    rf"(?:(?:the\s+)?\w+\s+)?(?:is|are|(?:should|must)\s+(?:not\s+)?be)\s+(?:not\s+)?(?P<word>{_LENGTH})\b",
    re.IGNORECASE,
)
_LENGTH_ADVERB = re.compile(rf"(?:{SUBJECT})?(?P<word>briefly|concisely|succinctly)\s", re.IGNORECASE)
_OF_ANOTHER = frozenset("advises encourages proposes recommends requests suggests".split())
_MEASURE = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|single)\s+(?:words?|sentences?|lines?|paragraphs?|pages?)\b",
    re.IGNORECASE,
)


def length_word(wording: Wording) -> Iterator[Advice]:
    """`The answer is too long`: longer than what?"""
    if not wording.is_read:
        return
    text = wording.bare
    found = _LENGTH_SAID.match(text)
    if found is None and wording.verb is not None:
        # `Recommends a brief course of steroids` is about the course, not about the answer.
        slot = None if wording.says in _OF_ANOTHER else _LENGTH_SLOT.match(text, wording.verb.end())
        found = _LENGTH_ADVERB.match(text) or slot
    if found is None or _MEASURE.search(text[: found.end() + 60]):
        return
    yield Advice(
        "length-word",
        wording.path,
        f"'{found['word']}' has no measure; readers draw the line at different lengths",
        'say a number (\'in at most three sentences\'), let code count ("check": {"max_words": 250}), '
        "or leave the word out where length is not the point",
        (wording.leaf.id,),
    )


_AMOUNT = (
    r"(?:some|several(?!\s+liabilit)|many|various|numerous|enough|multiple|sufficient|a\s+few|"
    r"a\s+(?:number|variety|range)\s+of)"
)

_AMOUNT_OF = re.compile(rf"\s+(?:the\s+)?{_AMOUNT}\s+[\w'’-]+(?:\s+[\w'’-]+){{0,2}}", re.IGNORECASE)
_NAMED = re.compile(r"\bincluding\b|\bsuch as\b|\be\.g\b|:", re.IGNORECASE)


def how_many(wording: Wording) -> Iterator[Advice]:
    """`Names several side effects`: are two several?"""
    if not wording.is_read or (wording.is_fault and not wording.omission):
        return
    found = _AMOUNT_OF.match(wording.rest)
    if found is None or _NAMED.search(wording.rest, found.end()):
        return
    yield Advice(
        "how-many",
        wording.path,
        f"{quote(found[0])} has no number; readers stop counting at different ones",
        'write \'at least two …\', or count with "scale": {"type": "count", "max_count": 3}',
        (wording.leaf.id,),
    )


_ON_THE_ANSWER = re.compile(
    r"(?:if|where|when|whenever|in\s+case|provided)\s+"
    r"(?:it|(?:the|an?|this)\s+(?:response|answer|assistant|model|reply|output|email|letter|memo|note|text|summary|plan)|"
    r"\w+(?:\s+\w+){0,3}\s+(?:is|are)\s+"
    r"(?:mentioned|discussed|recommended|given|named|suggested|offered|included|used|cited|quoted))\b[^.]*?[,:]",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?]\s")
_IF_SO = re.compile(
    r"\b(?:if|where|when)\s+(?:applicable|relevant|appropriate|mentioned|discussed|so)\b", re.IGNORECASE
)


def no_else(wording: Wording) -> Iterator[Advice]:
    """`If it names a drug, it gives the dose`: what when it names none?"""
    criterion = wording.leaf.criterion
    if not wording.is_read or criterion.may_not_apply or criterion.depends_on is not None:
        return
    found = _ON_THE_ANSWER.match(wording.bare)
    if found is None and not _SENTENCE_END.search(wording.bare):
        found = _IF_SO.search(wording.bare)
    if found is None:
        return
    yield Advice(
        "no-else",
        wording.path,
        f"{quote(found[0])} leaves open what the verdict is where that does not hold; "
        "one reader says met, another not met",
        'add "may_not_apply": true and say when it does not apply, or "depends_on" the criterion that decides it',
        (wording.leaf.id,),
    )


_STEPS = re.compile(
    r"\b(?:if|when)\s+(?:the\s+answer\s+is\s+)?(?:yes|no|not|so|any|absent|present|either|something\s+is\s+\w+)\b"
    r"[^.?!\n]{0,30}?\b(?:fails?|failed|not\s+met|unmet|false)\b|mark\s+(?:criteria_met|it|this|the\s+criterion)\b|"
    r"\banswer\s+(?:yes|no)\s+(?:if|when)\b",
    re.IGNORECASE,
)


def inverted_steps(wording: Wording) -> Iterator[Advice]:
    """`Does it leave out the warning? If yes, fail.`: the judge must turn each step round."""
    found = _STEPS.search(wording.text) if wording.is_read else None
    if found is None:
        return
    yield Advice(
        "inverted-steps",
        wording.path,
        f"{quote(found[0])} makes the judge turn the question round before it answers; judges slip there",
        "state what is true of an answer that meets it ('Names the warning signs'), one criterion a step, "
        "and let negative points stand for faults",
        (wording.leaf.id,),
    )
