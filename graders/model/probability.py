"""How sure a judge was of its verdict, from the probabilities of the reply's tokens."""

from __future__ import annotations

import re
from math import exp, fsum

from graders.judgment import Verdict
from graders.model.completion import Completion

_MET = re.compile(r'"(?:met|criteria_met)"\s*:\s*(true|false)\b')


def probability_of(verdict: Verdict, completion: Completion) -> float | None:
    """p(verdict) / (p(true) + p(false)) in the place where the one verdict of a reply says true or false.

    None where the reply holds no or several such places, where its tokens do not spell its text, or where the other
    word is not among the alternatives: then nothing tells how likely it was. An endpoint that holds the model to a
    schema may give probabilities from before that, so other tokens are left out of the ratio.

    Worked number: true −0.105 (p = 0.9), false −2.303 (p = 0.1): 0.9 where the verdict is true.
    """
    if verdict.met is None:
        return None
    places = list(_MET.finditer(completion.text))
    if len(places) != 1 or "".join(token.text for token in completion.tokens) != completion.text:
        return None
    start = places[0].start(1)
    at = 0
    for token in completion.tokens:
        end = at + len(token.text)
        if at <= start < end:
            return _ratio(token.alternatives, token.text[: start - at], met=verdict.met)
        at = end
    return None


def _ratio(alternatives: dict[str, float], before: str, *, met: bool) -> float | None:
    """`before` is what the token holds ahead of the word: a space, or the colon too."""
    said: dict[bool, list[float]] = {True: [], False: []}
    for text, logprob in alternatives.items():
        word = text.removeprefix(before).lstrip()
        for value, spelled in ((True, "true"), (False, "false")):
            if word and (spelled.startswith(word) or word.startswith(spelled)):
                said[value].append(exp(min(logprob, 0.0)))
    if not (said[True] and said[False]):
        return None
    total = fsum(said[True]) + fsum(said[False])
    return fsum(said[met]) / total if total > 0 else None
