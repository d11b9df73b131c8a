from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.model.envelope import Span, VisibleText, decode_visible, encode_visible

# Hidden characters, brackets and line ends far more often than chance would have them.
TEXTS = st.text(
    st.one_of(st.sampled_from("\r\n\t⟦⟧U+20\u200b\u200c\u202e\u2066\ufeff\x7f\x1b\U000e0041"), st.characters())
)


def with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\tb", "a\tb"),
        ("\x1b[31m\x7f\x01", "⟦U+001B⟧[31m⟦U+007F⟧⟦U+0001⟧"),
        ("\u200b\u200e\u200f", "⟦U+200B⟧⟦U+200E⟧⟦U+200F⟧"),
        ("\u202a\u202e\u2066\u2069\ufeff", "⟦U+202A⟧⟦U+202E⟧⟦U+2066⟧⟦U+2069⟧⟦U+FEFF⟧"),
        ("\U000e0001\U000e007f", "⟦U+E0001⟧⟦U+E007F⟧"),
        ("⟦U+202E⟧", "⟦U+27E6⟧U+202E⟧"),
        ("می\u200cخواهم 👩\u200d⚕️ \u2028 \x85 \u202f", "می\u200cخواهم 👩\u200d⚕️ \u2028 \x85 \u202f"),
    ],
)
def test_only_what_the_contract_names_is_written_out(text: str, shown: str) -> None:
    assert encode_visible(text) == shown


@given(TEXTS)
def test_decoding_gives_the_text_back_with_lf_line_ends(text: str) -> None:
    assert decode_visible(encode_visible(text)) == with_lf(text)


def test_brackets_that_stand_for_nothing_are_left_alone() -> None:
    for text in ("⟦U+D800⟧", "⟦U+0041⟧", "⟦U+FFFFF⟧", "⟦U+202e⟧", "⟦x⟧"):
        assert decode_visible(text) == text


@given(TEXTS, st.data())
def test_every_stretch_of_the_shown_text_is_found_in_the_original(text: str, data: st.DataObject) -> None:
    visible = VisibleText.of(text)
    start = data.draw(st.integers(0, len(visible.shown)))
    end = data.draw(st.integers(start, len(visible.shown)))
    span = visible.original_span(Span(start, end))
    assert 0 <= span.start <= span.end <= len(text)
    assert visible.shown[start:end] in encode_visible(text[span.start : span.end])


@given(TEXTS, TEXTS, TEXTS)
def test_a_stretch_between_whole_characters_is_found_exactly(before: str, middle: str, after: str) -> None:
    before, middle = before.rstrip("\r") + "|", middle.rstrip("\r") + "|"
    visible = VisibleText.of(before + middle + after)
    start = len(encode_visible(before))
    span = visible.original_span(Span(start, start + len(encode_visible(middle))))
    assert span == (len(before), len(before) + len(middle))
