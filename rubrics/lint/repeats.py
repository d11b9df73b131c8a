"""Criteria that say the same thing twice, in the same words, in nearly the same, or once for and once against."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rubrics.lint.advice import Advice
from rubrics.lint.words import Wording
from rubrics.rubric import Leaf

_WORD = re.compile(r"[^\W_]+(?:[.,:/%-][^\W_]+)*%?")
_NO_CONTENT = frozenset(
    "a about also an and any are as at be been being by can could do does doing each for from has have having he "
    "her him his how i if in into is it its may might model more must of on or our out over own response should so "
    "some such than that the their them there these they this those to too up use used user users was we were what "
    "when where whether which while who whose will with would you your answer assistant need needs needed "
    "importance important fact possible state mention list advise recommend suggest explain ask inform say tell "
    "include provide give note describe discuss emphasize highlight clarify acknowledge specify instruct fail not "
    "no never omit lack correct correctly clear clearly accurate accurately appropriate explicit explicitly brief "
    "briefly however inquire".split()
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|without|neither|nor|cannot|avoids?|against|incorrect\w*|wrong\w*|false\w*|inaccura\w+)\b|"
    r"n['’]t\b",
    re.IGNORECASE,
)
_ENDINGS = (
    ("ications", "y"),
    ("ication", "y"),
    ("ations", "e"),
    ("ation", "e"),
    ("ies", "y"),
    ("ing", ""),
    ("edly", ""),
    ("ed", ""),
    ("es", "e"),
    ("s", ""),
)
_MANNERS = {
    **dict.fromkeys("asks ask inquires inquire seeks seek requests request".split(), "ask"),
    **dict.fromkeys(
        "gives give provides provide includes include lists list contains contain offers offer introduces presents "
        "recommends recommend suggests suggest present".split(),
        "give",
    ),
    "uses": "use",
    "use": "use",
}
_ALONE = "a judge sees the wording alone, not the group around it"
_ENOUGH = 3
_MOST_OF_IT = 0.75
_LEAST_ALIKE = 0.2
_WEAK = frozenset(
    "another better certain common commonly different especially general generally immediately likely often only other "
    "particular possible possibly potential properly really several simply specific specifically sometimes typical "
    "typically usual usually very various well occur happen become patient person people".split()
)


def _stem(word: str) -> str:
    """A word without the endings that change between two wordings of one thing."""
    if word[0].isdigit() or len(word) < 4:
        return word
    for ending, keep in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us", "is")):
            word = word[: len(word) - len(ending)] + keep
            break
    return word.rstrip("e") if len(word) > 4 else word


_NO_CONTENT_STEMS = frozenset(map(_stem, _NO_CONTENT))
_WEAK_STEMS = frozenset(map(_stem, _WEAK))


def stems_of(text: str) -> frozenset[str]:
    """The content of a text: its words without endings, and without those that say nothing by themselves."""
    words = _WORD.findall(text.casefold().replace("’", "'"))
    return frozenset(stem for stem in map(_stem, words) if stem not in _NO_CONTENT_STEMS)


@dataclass(frozen=True)
class Said:
    """What a criterion says, as a set of stems."""

    wording: Wording

    @cached_property
    def plain(self) -> str:
        """The wording, with upper and lower case and punctuation set aside."""
        return " ".join(_WORD.findall(self.wording.leaf.criterion.criterion.casefold()))

    @cached_property
    def stems(self) -> frozenset[str]:
        """The content of the wording."""
        return stems_of(self.wording.text)

    @cached_property
    def turns(self) -> bool:
        """Whether its sense is turned round, the omission at the beginning not counted."""
        return len(_NEGATION.findall(self.wording.bare[self.wording.omission :])) % 2 == 1

    @cached_property
    def manner(self) -> str:
        """Whether it is about asking, giving or saying: to ask for a thing is not to give it."""
        return _MANNERS.get(self.wording.says, "say")


def repeats(wordings: Sequence[Wording]) -> Iterator[Advice]:
    """Every criterion that repeats an earlier one, and every omission of what another asks for."""
    said = [Said(wording) for wording in wordings]
    alike: dict[tuple[str, str, bool], Said] = {}
    near: dict[tuple[frozenset[str], bool, bool, str], Said] = {}
    for one in said:
        criterion = one.wording.leaf.criterion
        first = alike.setdefault((one.plain, repr(criterion.check or criterion.scale), one.wording.is_fault), one)
        if first is not one:
            yield _duplicate(first, one)
            continue
        # `leads to nausea` and `leads to headache` are two things: only words of no weight may differ.
        weighty = one.stems - _WEAK_STEMS
        first = near.setdefault((weighty, one.turns, bool(one.wording.omission), one.manner), one)
        if first is not one and len(weighty) >= _ENOUGH:
            yield _near_duplicate(first, one)
    yield from _counted_twice(said)


def _places(leaf: Leaf) -> list[str]:
    return [group.id for group in leaf.groups]


def _duplicate(first: Said, second: Said) -> Advice:
    here, there = first.wording.leaf, second.wording.leaf
    if _places(here) == _places(there):
        why, fix = "one thing in an answer is counted twice", "delete one, or say in each what sets it apart"
    else:
        why, fix = _ALONE, "name in each what it is about"
    return Advice("duplicate", second.wording.path, f"has the wording of {here.id!r}; {why}", fix, (there.id, here.id))


def _near_duplicate(first: Said, second: Said) -> Advice:
    here, there = first.wording.leaf, second.wording.leaf
    if first.wording.is_fault != second.wording.is_fault:
        why, fix = "one earns what the other costs", "keep the one that is meant, or word the difference"
    elif _places(here) != _places(there):
        why, fix = _ALONE, "name in each what it is about"
    else:
        why, fix = "one thing in an answer is counted twice", "merge the two, or say in each what sets it apart"
    message = f"says nearly what {here.id!r} says; {why}"
    return Advice("near-duplicate", second.wording.path, message, fix, (there.id, here.id))


def _counted_twice(said: Sequence[Said]) -> Iterator[Advice]:
    """Omissions that cost points where the thing itself earns points already.

    Candidates are found by the rarest stems, so that not every two are compared: what shares three quarters of the
    n stems of an omission has one of its n/4 + 1 rarest.
    """
    wanted = [one for one in said if one.wording.leaf.criterion.points > 0 and not one.wording.omission]
    holders: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(wanted):
        for stem in one.stems:
            holders[stem].append(index)
    for absent in said:
        if absent.wording.leaf.criterion.points > 0 or not absent.wording.omission:
            continue
        rarest = sorted(absent.stems, key=lambda stem: (len(holders[stem]), stem))
        prefix = rarest[: len(rarest) - math.ceil(len(rarest) * _MOST_OF_IT) + 1]
        candidates = sorted({index for stem in prefix for index in holders[stem]})
        found = [wanted[index] for index in candidates if _is_absence(absent, wanted[index])]
        if found:
            yield _absence(absent, max(found, key=lambda one: _likeness(absent, one)))


def _likeness(first: Said, second: Said) -> float:
    return len(first.stems & second.stems) / max(1, len(first.stems | second.stems))


def _is_absence(absent: Said, wanted: Said) -> bool:
    shared = len(absent.stems & wanted.stems)
    return (
        shared >= max(_ENOUGH, _MOST_OF_IT * len(absent.stems))
        and _likeness(absent, wanted) >= _LEAST_ALIKE
        and absent.turns == wanted.turns
        and all((absent.manner == manner) == (wanted.manner == manner) for manner in ("ask", "use"))
    )


def _absence(absent: Said, wanted: Said) -> Advice:
    leaf, other = absent.wording.leaf, wanted.wording.leaf
    message = (
        f"is the absence of what {other.id!r} asks for: one omission forgoes {other.criterion.points:g} points "
        f"and costs {-leaf.criterion.points:g} more"
    )
    fix = "keep one of the two; more points say that it matters more"
    return Advice("counted-twice", absent.wording.path, message, fix, (leaf.id, other.id))
