"""Wording and points that pull in different directions: a criterion is met when what it says is true."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rubrics.lint.advice import Advice
from rubrics.lint.words import SUBJECT, Wording, quote

_HARM = re.compile(
    rf"(?:{SUBJECT})?(?:fails?\s+to|neglects?\s+to|forgets?\s+to|misses|overlooks|incorrectly|wrongly|falsely|erroneously|"
    r"mistakenly|inappropriately|fabricates|hallucinates|invents|misstates|misinterprets|misrepresents|misdiagnoses|"
    r"overstates|exaggerates|downplays|"
    r"(?:gives|provides|makes|contains|includes|offers|recommends|suggests)\s+(?:an?\s+|any\s+|some\s+)?(?:\w+ly\s+)?"
    r"(?:incorrect|wrong|false|inaccurate|misleading|unsafe|dangerous|harmful|outdated|irrelevant|unnecessary|fabricated|"
    r"invented|inappropriate))\b",
    re.IGNORECASE,
)
_HELP = re.compile(
    rf"(?:{SUBJECT})?(?:(?P<modal>should|must|needs?\s+to|ought\s+to|has\s+to)\s+(?!not\b|never\b|have\b)\w+|"
    r"(?P<avoid>avoids|refrains\s+from)|(?P<well>correctly|accurately|appropriately|properly|rightly)\s+\w+s)\b",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:but|however|yet|without|although|though|instead|except|only|when|even|fails?|not|despite)\b", re.IGNORECASE
)
_NO_FAULT = re.compile(
    rf"(?:(?:{SUBJECT})?(?:contains?|has|includes?|makes?|gives?)\s+)?no\s+"
    r"(?:hallucination|error|mistake|contradiction)s?\b",
    re.IGNORECASE,
)


def sign(wording: Wording) -> Iterator[Advice]:
    """`Fails to ask about allergies` with +5, or `Should ask about allergies` with −5."""
    points = wording.leaf.criterion.points
    path = f"{wording.leaf.path}.points"
    if points > 0 and (found := _HARM.match(wording.bare)):
        yield Advice(
            "sign",
            path,
            f"{quote(found[0])} names a fault, and an answer that has it earns {points:g} points",
            f"write {-points:g}, or word it as what a good answer does",
            (wording.leaf.id,),
        )
    elif points < 0:
        found = _NO_FAULT.match(wording.bare) or _HELP.match(wording.bare)
        if found and not (found.re is _HELP and _TURN.search(wording.bare, found.end())):
            yield Advice(
                "sign",
                path,
                f"{quote(found[0])} names something wanted, and an answer that does it loses {-points:g} points",
                "word it as the fault ('Does not …'), since a criterion counts when what it says is true, "
                f"or write {-points:g}",
                (wording.leaf.id,),
            )
