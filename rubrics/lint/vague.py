"""Words that put the grader's taste where the content should stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from rubrics.lint.advice import Advice
from rubrics.lint.words import SUBJECT, Wording, alternatives, quote

_QUALITY = frozenset(
    (
        "accurate acceptable adequate appropriate comprehensive correct decent effective empathetic excellent good "
        "helpful high-quality nice optimal professional proper reasonable relevant reliable safe satisfactory solid "
        "sound strong sufficient suitable thorough useful well-structured well-written well-organized well-organised "
        "well-tailored practical inappropriate inadequate insufficient irrelevant poor bad unhelpful weak vague "
        "generic unclear natural sensible"
    ).split()
)
_WORK = frozenset(
    (
        "advice answer assessment context coverage detail details discussion explanation explanations guidance "
        "information instructions overview plan questions recommendation recommendations response statements "
        "suggestions summary support outline description care follow-up measures steps formatting structure education "
        "counselling counseling disclaimer disclaimers references sources examples reassurance language manner style "
        "tone communication wording"
    ).split()
)
_MANNER = frozenset("clear easy-to-understand simple plain accessible".split())
_STYLE = frozenset("language manner style tone communication explanation answer response wording structure".split())
_BEFORE = frozenset("a an the some any with for about in overly very more most highly factually medically".split())
_END = frozenset("of on in to for that which with as from about when where if by at".split())
_TOKEN = re.compile(r"[\w'’-]+|,")
_FAR = 12
_GIVING_TOO = re.compile(r"\band\s+(?P<verb>provides|gives|offers|uses)\b", re.IGNORECASE)
_WORK_IS = re.compile(
    r"(?:the\s+)?(?:overall\s+)?"
    r"(?:responses?|answer|completion|explanation|advice|reply|language|tone|text|letter|email|information|wording|style|"
    r"writing|output|structure|summary|guidance)\s+(?:is|are|(?:should|must)\s+be|was)\s+"
    r"(?:(?:overly|very|too|entirely|generally|factually|medically)\s+)?(?P<word>[\w-]+)",
    re.IGNORECASE,
)
# `Is accurate`, `Is well written and clear`; not `Is accurate to two decimals`.
_IS = re.compile(
    r"(?:is|are)\s+(?:overly\s+|very\s+|factually\s+|medically\s+)?"
    r"(?P<word>well[\s-](?:written|structured|organi[sz]ed|argued)|easy\s+to\s+(?:understand|read|follow)|[\w-]+)"
    r"(?=\s*(?:[.!]?$|,|\band\b|\bthroughout\b|\boverall\b))",
    re.IGNORECASE,
)
_HAS = re.compile(rf"(?:{SUBJECT})?(?:has|have|shows|maintains|adopts|employs|strikes)\s", re.IGNORECASE)
# `Good structure`, `Clear and helpful advice on diet`: no verb at all.
_NO_VERB = re.compile(
    rf"(?:an?\s+)?(?P<said>(?P<word>{alternatives(' '.join(_QUALITY | _MANNER))})"
    rf"(?:,?\s+(?:and\s+)?[\w-]+){{0,2}}?\s+{alternatives(' '.join(_WORK))})"
    r"(?=\s*(?:[.!]?$|\s(?:about|for|in|of|on|throughout|to)\s))",
    re.IGNORECASE,
)
_FINITE = re.compile(r"\b(?:is|are|was|were|has|have|must|should|can|may|will)\b", re.IGNORECASE)
_ADVERB = re.compile(
    rf"(?:{SUBJECT})?(?P<said>(?P<word>appropriately|adequately|properly|effectively|reasonably|sufficiently|suitably|"
    r"thoroughly|comprehensively|inappropriately|inadequately)\s+[\w-]+)",
    re.IGNORECASE,
)
# What follows says what is meant: an example, a number, `advising them to …`.
_PINNED = re.compile(
    r"\d|:|\(|"
    r"\b(?:such\s+as|e\.g|for\s+(?:example|instance)|including|like|namely|i\.e|specifically|by\s+\w+ing|that\s+is)\b|"
    r",\s+(?:advising|avoiding|detailing|emphasi[sz]ing|explaining|noting|specifying|stating|suggesting|recommending|focusing)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_BUT = re.compile(r"\b(?:but|however|without|although|though)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Quality:
    """A word for a quality, and the piece of the sentence that it stands in."""

    word: str
    start: int
    end: int


def vague(wording: Wording) -> Iterator[Advice]:
    """`Gives appropriate advice`: two readers, two ideas of appropriate."""
    if not wording.is_read:
        return
    sentence = _SENTENCE_END.split(wording.text, maxsplit=1)[0]
    found = _in_front(sentence) or _of_what_is_given(wording, sentence)
    if found is None or _PINNED.search(sentence, found.end):
        return
    if wording.is_fault and _BUT.search(sentence, found.end):
        return
    said = quote(sentence[found.start : found.end])
    yield Advice(
        "vague",
        wording.path,
        f"{said} leaves '{found.word.lower()}' to each reader: for one it is met, for another not",
        "say what must be there (the facts, the steps, the limit), leave the word out where the rest says it, "
        "or describe the grades of an ordinal scale",
        (wording.leaf.id,),
    )


def _in_front(sentence: str) -> _Quality | None:
    """`Appropriately warns …`, `The advice is sound`, `Is well written`, `Good structure`."""
    adverb = _ADVERB.match(sentence)
    if adverb is not None:
        return _Quality(adverb["word"], *adverb.span("said"))
    said = _WORK_IS.match(sentence)
    if said is not None and said["word"].lower() in _QUALITY | _MANNER:
        return _Quality(said["word"], *said.span())
    bare = _IS.match(sentence)
    if bare is not None and (" " in bare["word"] or bare["word"].lower() in _QUALITY | _MANNER):
        return _Quality(bare["word"], *bare.span())
    phrase = _NO_VERB.match(sentence)
    if phrase is not None and not _FINITE.search(sentence):
        return _Quality(phrase["word"], *phrase.span("said"))
    return None


def _of_what_is_given(wording: Wording, sentence: str) -> _Quality | None:
    """`Gives clear, relevant and helpful advice`: a quality among the adjectives before the work itself."""
    verb = wording.verb
    if verb is not None and sentence.startswith(wording.bare[: verb.end()]):
        found = _adjective(sentence, verb.start("verb"), verb.end())
        if found is not None:
            return found
    if (has := _HAS.match(sentence)) and (found := _adjective(sentence, 0, has.end())):
        return found
    for again in _GIVING_TOO.finditer(sentence):
        if found := _adjective(sentence, again.start("verb"), again.end()):
            return found
    return None


def _adjective(sentence: str, start: int, position: int) -> _Quality | None:
    quality: str | None = None
    manner: str | None = None
    before = ","
    for token in islice(_TOKEN.finditer(sentence, position), _FAR):
        word = token[0].lower()
        if before == "," and word in _BEFORE:
            continue
        if word in _END:
            return None
        if before in (",", "and", "or"):
            quality = quality or (word if word in _QUALITY else None)
            manner = manner or (word if word in _MANNER else None)
        if quality and word in _WORK and word != quality:
            return _Quality(quality, start, token.end())
        if manner and word in _STYLE:
            return _Quality(manner, start, token.end())
        before = word
    return None
