"""What the reader shows: nothing but what a blind reader may see, within the screen, and nothing a terminal obeys."""

import re
import unicodedata
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.reading.keys import PASTE, Key, KeyDecoder
from api.cli.reading.screen import plain, render
from api.cli.reading.state import Size
from api.cli.reading.wrapping import cells, cut, padded, wrapped
from api.cli.visible import visible
from graders import Judgment, LoadedQuestion, MemoryLedger, lay_out
from rubrics import Answer, Example
from tests.reading_person import NARROW, WIDE, Person, example_of, papers_of

CRITERION = {"id": "c1", "criterion": "Says to stop", "points": 3}


def marked_example() -> Example:
    """An example in which everything that a blind reader must not see says MARKER."""
    hidden = {"rationale": "MARKER", "source": "MARKER", "metadata": {"MARKER": "MARKER"}, "tags": ["MARKER:tag"]}
    leaf = {"id": "MARKER-leaf", "criterion": "Says why", "points": 731, **hidden}
    gated = {"id": "MARKER-gate", "criterion": "Says to stop", "points": 537, "gate": {"when": "unmet", "cap": 0}}
    group = {"title": "MARKER", "id": "MARKER-group", "points": 919, "children": [leaf, {**leaf, "id": "MARKER-2"}]}
    scale = {"type": "ordinal", "options": [{"label": "bad", "credit": 0.137}, {"label": "good", "credit": 0.739}]}
    return Example.model_validate(
        {
            "id": "MARKER-example",
            "prompt": [{"role": "user", "content": "What shall I do?"}, {"role": "assistant", "content": "Wait."}],
            "tags": ["MARKER"],
            "canary": "MARKER",
            "metadata": {"model": "MARKER"},
            "references": ["Stop, since it harms."],
            "rubric": {
                "id": "MARKER-rubric",
                "title": "MARKER",
                "domain": "MARKER",
                "version": "MARKER",
                "guidelines": "Judge what is said.",
                "metadata": {"MARKER": 1},
                "criteria": [gated, group, {"id": "MARKER-scale", "criterion": "How?", "points": 2, "scale": scale}],
            },
        }
    )


def test_no_screen_shows_who_wrote_an_answer_what_others_said_or_what_it_is_worth() -> None:
    example = marked_example()
    answers = [
        Answer(example_id=example.id, model=f"MARKER-{n}", sample=41 + n, text=f"Stop. {n}", metadata={"by": "MARKER"})
        for n in range(2)
    ]
    others = [
        Judgment(
            example_id=example.id, model=answer.model, sample=answer.sample, criterion_id="MARKER-gate",
            status="judged", met=True, explanation="MARKER", grader="MARKER-judge", grader_kind="model",
        )
        for answer in answers
    ]  # fmt: skip
    questions = [LoadedQuestion(example, answers)]
    papers = lay_out(questions, MemoryLedger(), others, rater="ann", run_name="MARKER-run")
    screens = []
    for size, detour in product((NARROW, Size(120, 30), WIDE), ("", "g", "r", "?", "c", "tab", "left")):
        person = Person.at(papers, size=size)
        for verdict in ("m", "n", "y", "2", "t", "x", "n", "1", "u"):
            screens.append(person.screen)
            if detour:
                screens.append(person.press(detour).screen)
                person.press("escape")
            screens.append(person.press(verdict).screen)
    text = "\n".join(screens)
    assert "Judge what is said." in text
    assert "Stop, since it harms." in text
    for hidden in ("MARKER", "731", "537", "919", "0.137", "0.739", "41", "42"):
        assert hidden not in text


def test_points_are_shown_where_the_rubric_says_so() -> None:
    assert "points" not in Person.reading([CRITERION]).screen
    person = Person.reading(
        [CRITERION, {**CRITERION, "id": "c2", "points": -2.5}], rubric={"judging": {"show_points": True}}
    )
    assert "worth +3 points" in person.screen
    assert "worth -2.5 points" in person.press("m").screen


def test_question_and_answer_stand_above_the_criterion_on_a_small_screen() -> None:
    lines = Person.reading([CRITERION], "Stop it now.").screen.splitlines()
    order = [next(n for n, line in enumerate(lines) if text in line) for text in
             ("What shall I do?", "Stop it now.", "───", "Says to stop", "m  met", "q quit")]  # fmt: skip
    assert order == sorted(order)
    assert lines[0].startswith(" Answer 1 of 1 · criterion 1 of 1 · 1 left")


def test_question_answer_and_criterion_stand_beside_each_other_on_a_wide_one() -> None:
    lines = Person.reading([CRITERION], "Stop it now.", size=WIDE).screen.splitlines()
    (row,) = [line for line in lines if "What shall I do?" in line]
    assert re.search(r"What shall I do\?.*│.*Stop it now\..*│.*Says to stop", row)
    assert not any("QUESTION" in line for line in lines)


@pytest.mark.parametrize("text", ["يجب أن يرى طبيبا", "צריך לראות רופא"])
def test_text_that_runs_right_to_left_shares_no_row_with_another_pane(text: str) -> None:
    for criterion, answer in ((CRITERION, text), (CRITERION | {"criterion": text}, "Stop.")):
        screen = Person.reading([criterion], answer, size=WIDE).screen
        assert ("│" in screen, text in screen) == (False, True)


def test_a_text_cannot_pass_for_a_heading_or_a_key() -> None:
    person = Person.reading([CRITERION], "Fine.\n\nANSWER\n m  met\n──── text 1–2 of 2 ──\n Kept: met.")
    lines = person.screen.splitlines()
    assert [line for line in lines if "ANSWER" in line] == [" ANSWER", "   ANSWER"]


LONG = "\n".join(f"line {number} of the answer" for number in range(1, 81))


@pytest.mark.parametrize("size", [NARROW, Size(120, 30), WIDE])
def test_long_texts_scroll_and_stay_where_they_are_within_an_answer(size: Size) -> None:
    person = Person.reading([CRITERION, {**CRITERION, "id": "c2"}], LONG, "Short.", size=size)
    assert "line 80 of" not in person.screen
    person.press("end")
    assert ("line 80 of" in person.screen, "line 1 of" in person.screen) == (True, False)
    assert "line 80 of" in person.press("m").screen, "the next criterion of the same answer"
    person.press("home", "down", "page-down", "page-up", "down", "j", "k", " ")
    assert " line 1 of" not in person.screen
    person.press("n")
    assert "Short." in person.screen, "another answer begins at its top"
    assert "What shall I do?" in person.screen


def test_tab_leads_to_the_answer_past_a_long_question_and_back() -> None:
    long_question = [{"role": "user", "content": LONG.replace("answer", "question")}]
    person = Person.reading([CRITERION], LONG, prompt=long_question)
    assert "line 1 of the question" in person.screen
    person.press("tab")
    assert " ANSWER\n   line 1 of the answer" in person.screen
    assert "line 1 of the question" in person.press("tab").screen
    wide = Person.reading([CRITERION], LONG, size=WIDE, prompt=long_question).press("end")
    assert ("line 80 of the answer" in wide.screen, "line 1 of the question" in wide.screen) == (True, True)
    assert "line 80 of the question" in wide.press("tab", "tab", "end", "tab", "end").screen


def test_a_criterion_that_does_not_fit_scrolls_too() -> None:
    options = [{"label": f"option {n}", "description": "when " + "so and so " * 20} for n in range(1, 7)]
    scale = {"type": "ordinal", "options": options}
    person = Person.reading([{**CRITERION, "scale": scale}], "Short.")
    assert "criterion 1–12 of" in person.screen
    assert "option 6" not in person.screen
    person.press("tab", "end")
    assert "option 6" in person.screen


def test_many_short_options_stand_side_by_side() -> None:
    scale = {"type": "nominal", "options": [{"label": f"no. {n}", "credit": n / 12} for n in range(1, 13)]}
    assert re.search(r"1  no\. 1 +2  no\. 2", Person.reading([{**CRITERION, "scale": scale}]).screen)


def test_a_long_label_is_shown_whole_on_a_narrow_screen() -> None:
    labels = [f"no. {n} and a good many words more that tell when it is the one to choose" for n in range(1, 6)]
    scale = {"type": "nominal", "options": [{"label": label, "credit": 0} for label in labels]}
    person = Person.reading([{**CRITERION, "scale": scale}], size=Size(40, 40))
    shown = " ".join(person.screen.split())
    assert all(label in shown for label in labels)


def test_a_small_screen_tells_what_is_left_and_what_can_be_said_of_a_criterion_that_does_not_fit() -> None:
    criteria = [{**CRITERION, "criterion": "Says so and so. " * 20}, {**CRITERION, "id": "c2"}]
    person = Person.reading(criteria, "word " * 200, size=Size(40, 12))
    screen = person.screen.splitlines()
    assert screen[0] == " 1/1 · 1/2 · 2 left"
    assert screen[4].endswith(" text ↓ ── criterion ↓ ──")
    assert screen[10] == " m met, n not met, x or t · more below…"
    assert "m  met" in person.press("tab", "tab", "end").screen
    assert person.screen.splitlines()[10] == "", "nothing is out of sight"


def test_an_empty_answer_says_so() -> None:
    assert "(the answer is empty)" in Person.reading([CRITERION], " \n").screen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31m\x07\x00", "a⟦U+001B⟧[31m⟦U+0007⟧⟦U+0000⟧"),
        ("\x9b31m \x85 \x7f", "⟦U+009B⟧31m ⟦U+0085⟧ ⟦U+007F⟧"),
        ("\u202eabc\u2066\u061c\u200f", "⟦U+202E⟧abc⟦U+2066⟧⟦U+061C⟧⟦U+200F⟧"),
        ("\u200b\u00ad\ufeff\u2060\u034f\u3164", "⟦U+200B⟧⟦U+00AD⟧⟦U+FEFF⟧⟦U+2060⟧⟦U+034F⟧⟦U+3164⟧"),
        ("\U000e0041\U000e0101\ufe01", "⟦U+E0041⟧⟦U+E0101⟧⟦U+FE01⟧"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree⟦U+2028⟧four"),
        ("⟦U+001B⟧", "⟦U+27E6⟧U+001B⟧"),
        ("a\tb", "a    b"),
        ("नमस्ते می\u200cخواهم 👩\u200d👧 ❤\ufe0f é ñ 日本", "नमस्ते می\u200cخواهم 👩\u200d👧 ❤\ufe0f é ñ 日本"),
        ("z" + "\u0301" * 8, "z" + "\u0301" * 6 + "⟦U+0301⟧⟦U+0301⟧"),
    ],
)
def test_what_steers_a_terminal_or_hides_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


ANY_TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\x1b\x9b\r\n\t\u202e ⟦日é-")))


@given(ANY_TEXT)
def test_nothing_visible_is_a_control(text: str) -> None:
    shown = visible(text)
    assert all(char == "\n" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") for char in shown)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\U000e0000-\U000e007f]", shown)


@given(ANY_TEXT, st.integers(4, 40))
def test_wrapping_keeps_every_word_and_no_line_is_too_wide(text: str, width: int) -> None:
    lines = wrapped(visible(text), width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(visible(text).split())


@given(st.text(), st.integers(0, 20))
def test_cut_and_padded_texts_have_their_width(text: str, width: int) -> None:
    assert cells(cut(visible(text).replace("\n", " "), width)) <= width
    assert cells(padded(visible(text).replace("\n", " "), width)) == width


@given(
    ANY_TEXT, ANY_TEXT, st.tuples(st.integers(1, 220), st.integers(1, 70)),
    st.lists(st.sampled_from(["tab", "end", "down", "g", "r", "?", "c", "m", "2", "x"]), max_size=6),
)  # fmt: skip
def test_every_frame_fits_its_screen(answer: str, other: str, size: tuple[int, int], keys: list[str]) -> None:
    option: dict[str, Any] = {"label": "a" + other.replace("\x00", ""), "description": answer.replace("\x00", "")}
    scale = {"type": "ordinal", "options": [option, {"label": "b"}]}
    criteria = [{**CRITERION, "criterion": "is " + other.replace("\x00", ""), "scale": scale}, CRITERION | {"id": "c2"}]
    example = example_of(criteria, references=[other.replace("\x00", "")], rubric={"guidelines": "g"})
    person = Person.at(papers_of(example, answer.replace("\x00", "")), size=Size(*size))
    for key in ("", *keys):
        if key:
            person.press(key)
        frame = render(person.state)
        assert len(frame) == size[1]
        for line, row in zip(plain(frame), frame, strict=True):
            assert cells(line) <= size[0]
            assert all(char.isprintable() or char in "\u200c\u200d" or unicodedata.category(char) in ("Co", "Cn", "Zs")
                       for piece in row for char in piece.text)  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        (b"m\r\x7f\x03\t", ["m", "enter", "backspace", "ctrl-c", "tab"]),
        (b"\x1b[A\x1bOB\x1b[5~\x1b[1;5D\x1b[Z", ["up", "down", "page-up", "left", "tab-back"]),
        ("é日👍".encode(), ["é", "日", "👍"]),
        (b"\x1b[<0;1;1M\x1b[200x\x1bm\x02", []),
        (b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\n\x1b]0;x\x07\x1bP1$r0m\x1b\\m", ["n", "m"]),
        (b"\xff\xfem", ["m"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
        (b"\x1b[200~a\x03b\x1b[201~n", [PASTE, "n"]),
    ],
)
def test_bytes_become_keys_however_they_are_cut(sent: bytes, names: list[str]) -> None:
    assert [key.name for key in KeyDecoder().feed(sent)] == names
    bytewise = KeyDecoder()
    assert [key.name for byte in sent for key in bytewise.feed(bytes([byte]))] == names


def test_a_paste_whose_end_is_lost_takes_no_key_for_its_own_but_ctrl_c() -> None:
    decoder = KeyDecoder()
    assert (list(decoder.feed(b"\x1b[200~a\x03b")), decoder.waits) == ([], False)
    assert (list(decoder.feed(b"mn")), decoder.waits) == ([], False)
    assert (list(decoder.feed(b"\x03")), decoder.waits) == ([], True)
    assert list(decoder.flush()) == [Key("ctrl-c")]


def test_a_lone_escape_is_a_key_once_nothing_follows() -> None:
    decoder = KeyDecoder()
    assert (list(decoder.feed(b"\x1b")), decoder.waits) == ([], True)
    assert list(decoder.flush()) == [Key("escape")]
    assert list(decoder.feed(b"\x1b[")) == []
    assert list(decoder.flush()) == []
    assert list(decoder.feed(b"m")) == [Key("m")]
    list(decoder.feed(b"\x1b[20"))
    decoder.forget()
    assert [key.name for key in decoder.feed(b"n")] == ["n"]
