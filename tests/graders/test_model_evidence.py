from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.judgment import Verdict
from graders.model.envelope import VisibleText, encode_visible
from graders.model.evidence import checked_quotes, find_quote, lacks_evidence
from rubrics import Criterion


def checked_verdict(verdict: Verdict, criterion: Criterion, answer: VisibleText) -> Verdict:
    return verdict.model_copy(update=checked_quotes(verdict, criterion, answer))


def found(quote: str, answer: str) -> str | None:
    """The answer's own words in the place where the quote was found."""
    span = find_quote(quote, VisibleText.of(answer))
    return None if span is None else answer[span.start : span.end]


@pytest.mark.parametrize(
    ("quote", "answer", "words"),
    [
        ("take ibuprofen", "You may take ibuprofen now.", "take ibuprofen"),
        (" take\n ibuprofen ", "You may take  ibuprofen now.", "take  ibuprofen"),
        ("take ibuprofen", "You may take\r\n\r\nibuprofen now.", "take\r\n\r\nibuprofen"),
        ('don\'t "wait" - call', "So don’t “wait” – call.", "don’t “wait” – call"),
        ("don’t “wait” — call", 'So don\'t "wait" - call.', 'don\'t "wait" - call'),
        ("37 °C", "At 37\u202f°C or more", "37\u202f°C"),
        ("café", "A cafe\u0301 is", "cafe\u0301"),
        ("cafe\u0301", "A café is", "café"),
        ("the ﬁrst", "In the first week", "the first"),
        ("x² more", "x2 more", "x2 more"),
        ("has 10 µg…", "it has 10 μg... daily", "has 10 μg..."),
        ("call⟦U+200B⟧ now", "Please call\u200b now.", "call\u200b now"),
        ("call now", "Please call\u200b now.", "call\u200b now"),
        ("call now", "Please call \u200b now.", "call \u200b now"),
        ("⟦sic⟧ dose", "The ⟦sic⟧ dose", "⟦sic⟧ dose"),
        ("می\u200cخواهم", "من می\u200cخواهم", "می\u200cخواهم"),
        ("한국어", "저는 \u1112\u1161\u11ab국어", "\u1112\u1161\u11ab국어"),
        ("take aspirin", "You may take ibuprofen now.", None),
        ("Take Ibuprofen", "You may take ibuprofen now.", None),
        ("take … now", "You may take ibuprofen now.", None),
        ("an o", "an\u00a0ö", None),
        ("an of", "an\u00a0oﬀice", None),
        ("", "anything", None),
        ("...", "and so on...", None),
        ("⟦U+200B⟧", "a\u200bb", "\u200b"),
    ],
)
def test_a_quote_is_found_whatever_its_spaces_and_its_spelling_in_unicode(
    quote: str, answer: str, words: str | None
) -> None:
    assert found(quote, answer) == words


@given(st.text(), st.text(min_size=1), st.text())
def test_every_stretch_of_what_was_shown_is_found(before: str, middle: str, after: str) -> None:
    answer = before + middle + after
    quote = encode_visible(middle)
    words = found(quote, answer)
    if any(char.isalnum() for char in quote):
        assert words is not None
        assert quote.strip() in encode_visible(words) or encode_visible(words).strip() == quote.strip()


def test_a_long_answer_is_searched_quickly() -> None:
    answer = "naïve – words and “more” " * 4000
    began = time.perf_counter()
    assert found('words and "more" naive', answer) is None
    assert found('words and "more" naïve', answer) is not None
    assert time.perf_counter() - began < 2


OPTIONAL = Criterion(id="a", criterion="Names the drug", points=1)
NONE = Criterion(id="a", criterion="Names the drug", points=1, evidence="none")
REQUIRED = Criterion(id="a", criterion="Names the drug", points=1, evidence="required")
ORDINAL = Criterion.model_validate(
    {
        "id": "a",
        "criterion": "How calm?",
        "points": 1,
        "evidence": "required",
        "scale": {"type": "ordinal", "options": [{"label": "no"}, {"label": "half"}, {"label": "yes"}]},
    }
)
COUNT = Criterion.model_validate(
    {"id": "a", "criterion": "Doses", "points": 1, "evidence": "required", "scale": {"type": "count", "max_count": 4}}
)
ANSWER = VisibleText.of("You may take\r\nibuprofen now.")


def test_a_wrong_optional_quote_is_dropped_and_the_verdict_counts_flagged() -> None:
    verdict = Verdict(criterion_id="a", met=True, evidence=("take ibuprofen", "take aspirin"))
    checked = checked_verdict(verdict, OPTIONAL, ANSWER)
    assert checked.met is True
    assert checked.evidence == ("take\r\nibuprofen",)
    assert checked.metadata == {"evidence_spans": [[8, 23]]}
    assert checked.flags == ("evidence_unverified",)
    assert not lacks_evidence(checked, OPTIONAL)


def test_a_blank_quote_is_no_quote() -> None:
    blank = Verdict(criterion_id="a", met=True, evidence=("", " \n"))
    assert checked_verdict(blank, OPTIONAL, ANSWER).flags == ()
    assert lacks_evidence(checked_verdict(blank, REQUIRED, ANSWER), REQUIRED)


def test_a_quote_given_twice_is_kept_once() -> None:
    verdict = Verdict(criterion_id="a", met=True, evidence=("ibuprofen", "ibuprofen "))
    checked = checked_verdict(verdict, OPTIONAL, ANSWER)
    assert (checked.evidence, checked.flags) == (("ibuprofen",), ())


def test_quotes_that_were_not_asked_for_are_dropped_silently() -> None:
    checked = checked_verdict(Verdict(criterion_id="a", met=True, evidence=("aspirin",)), NONE, ANSWER)
    assert (checked.evidence, checked.flags) == ((), ())


@pytest.mark.parametrize(
    ("evidence", "lacks"), [((), True), (("aspirin",), True), (("now", "aspirin"), True), (("now",), False)]
)
def test_a_required_quote_may_be_neither_missing_nor_wrong(evidence: tuple[str, ...], lacks: bool) -> None:
    checked = checked_verdict(Verdict(criterion_id="a", met=True, evidence=evidence), REQUIRED, ANSWER)
    assert lacks_evidence(checked, REQUIRED) is lacks
    unmet = checked_verdict(Verdict(criterion_id="a", met=False, evidence=evidence), REQUIRED, ANSWER)
    assert not lacks_evidence(unmet, REQUIRED)


def test_on_other_scales_met_is_a_credit_above_one_half() -> None:
    for option, lacks in (("no", False), ("half", False), ("yes", True)):
        assert lacks_evidence(Verdict(criterion_id="a", option=option), ORDINAL) is lacks
    for value, lacks in ((0, False), (2, False), (3, True)):
        assert lacks_evidence(Verdict(criterion_id="a", value=value), COUNT) is lacks


def test_who_abstains_needs_no_quote() -> None:
    assert not lacks_evidence(Verdict(criterion_id="a", status="abstained"), REQUIRED)
