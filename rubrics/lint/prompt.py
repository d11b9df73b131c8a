"""Points that the prompt itself gives away: an answer that only repeats the question earns them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rubrics.criterion import Check
from rubrics.example import Example
from rubrics.lint.advice import Advice
from rubrics.lint.repeats import stems_of
from rubrics.lint.words import Wording, quote

_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n+")
_WORD = re.compile(r"\w")
_MEANT = re.compile(
    r"\bas\s+(?:she|he|they|it|the\s+\w+|given|stated|written|asked|requested|provided)\b|\bgiven\b|"
    r"\b(?:repeats?|restates?|cop(?:y|ies)|carries|keeps?|quotes?|summari[sz]es?|rewrites?|retells?)\b|"
    r"\bfrom\s+the\s+(?:prompt|request|question|note|notes|letter|message|table|text|source|user)\b",
    re.IGNORECASE,
)
_STATING = frozenset(
    "acknowledges gives identifies includes mentions names notes recognises recognizes says states tells".split()
)
_FEWEST_STEMS = 4
_FEWEST_LETTERS = 5
_WORDS_OF_A_QUESTION = 150


def given_away(example: Example, wordings: Sequence[Wording]) -> Iterator[Advice]:
    """Every positive criterion that the words of the prompt meet already.

    `given-away` is said of a question, `in-source` of a prompt that brings material along: to find the right
    thing in the material may be the task.
    """
    asked = "\n".join(turn.content for turn in example.conversation if turn.role != "assistant")
    code = "given-away" if len(asked.split()) <= _WORDS_OF_A_QUESTION else "in-source"
    told = [stems_of(sentence) for sentence in _SENTENCE.split(asked) if not sentence.rstrip().endswith("?")]
    for wording in wordings:
        criterion = wording.leaf.criterion
        if criterion.points <= 0 or _MEANT.search(wording.text):
            continue
        held = _held(criterion.check, asked) if criterion.check is not None else _said(wording, told)
        if held:
            yield Advice(
                code,
                wording.path,
                f"the prompt of {example.id!r} says {held} already: an answer that only repeats it earns "
                f"{criterion.points:g} points",
                "ask for what the answer has to add: the reason, the consequence, what to do about it",
                (wording.leaf.id,),
            )


def _held(check: Check, asked: str) -> str:
    """What of the check the prompt holds, as a message names it; empty where it does not meet the check."""
    rule, value = check.rule
    if rule not in ("contains", "contains_any", "contains_all"):
        return ""  # a pattern tells of the form more often than of the content
    texts = (value,) if rule == "contains" else value
    folded = asked.casefold()
    held = [text for text in texts if text.casefold() in folded and len(_WORD.findall(text)) >= _FEWEST_LETTERS]
    return quote(held[0]) if held and (rule != "contains_all" or len(held) == len(texts)) else ""


def _said(wording: Wording, told: Sequence[frozenset[str]]) -> str:
    if wording.says not in _STATING or wording.omission:
        return ""
    stems = stems_of(wording.text)
    return "all of this" if len(stems) >= _FEWEST_STEMS and any(stems <= sentence for sentence in told) else ""
