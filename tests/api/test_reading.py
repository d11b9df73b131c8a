"""The terminal reader's core: what each key does, on every scale, back over answers, and by conditions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.reading.keys import PASTE, Key
from api.cli.reading.pace import Pace, pace, time_words
from api.cli.reading.state import Place, Size
from tests.reading_person import Person

BINARY = {"id": "b", "criterion": "Says to stop", "points": 1}
OTHER = {"id": "o", "criterion": "Says why", "points": 1}
LAST = {"id": "l", "criterion": "Says when", "points": 1}
ORDINAL = {
    "criterion": "How calm?",
    "points": 1,
    "scale": {"type": "ordinal", "options": [{"label": "alarming"}, {"label": "mixed"}, {"label": "calm"}]},
}
TWELVE = {
    "criterion": "Which?",
    "points": 1,
    "scale": {"type": "nominal", "options": [{"label": f"no. {n}", "credit": n / 12} for n in range(1, 13)]},
}
NUMBER = {"criterion": "Share?", "points": 1, "scale": {"type": "number", "min": -1, "max": 10}}
WIDE = {"criterion": "Share?", "points": 1, "scale": {"type": "number", "min": -5000, "max": 5000}}
COUNT = {"criterion": "Slips?", "points": 1, "scale": {"type": "count", "max_count": 5}}


@pytest.mark.parametrize(
    ("criterion", "keys", "said"),
    [
        (BINARY, ["m"], True),
        (BINARY, ["y"], True),
        (BINARY, ["1"], True),
        (BINARY, ["n"], False),
        (BINARY, ["2"], False),
        (BINARY, ["x"], "not_applicable"),
        (BINARY, ["t"], "abstained"),
        (ORDINAL, ["1"], "alarming"),
        (ORDINAL, ["3"], "calm"),
        (ORDINAL, ["x"], "not_applicable"),
        (TWELVE, ["1", "enter"], "no. 1"),
        (TWELVE, ["1", "2", "enter"], "no. 12"),
        (NUMBER, ["7", "enter"], 7),
        (NUMBER, ["7", ",", "5", "enter"], 7.5),
        (NUMBER, ["-", ".", "5", "enter"], -0.5),
        (NUMBER, ["9", "9", "backspace", "enter"], 9),
        (NUMBER, ["9", "9", "escape", "1", "0", "enter"], 10),
        (NUMBER, ["t"], "abstained"),
        (NUMBER, ["5", "x"], "not_applicable"),
        (NUMBER, [*"1,250", "enter"], 1.25),
        (WIDE, [*"1,2500", "enter"], 1.25),
        (COUNT, ["0", "enter"], 0),
        (COUNT, ["1", "2", "enter"], 12),
        (COUNT, ["t"], "abstained"),
    ],
)
def test_every_scale_has_its_keys(criterion: Any, keys: list[str], said: Any) -> None:
    person = Person.reading([criterion]).press(*keys)
    assert person.said == [said]
    assert type(person.said[0]) is type(said)
    assert person.state.mode == "done"


@pytest.mark.parametrize(
    ("criterion", "keys", "told"),
    [
        (BINARY, ["5"], "Say m met, n not met, x does not apply"),
        (BINARY, ["enter"], "Say m met"),
        (ORDINAL, ["4"], "Say a number from 1 to 3"),
        (ORDINAL, ["m"], "Say a number from 1 to 3"),
        (TWELVE, ["1", "3", "enter"], "13? Expected a number from 1 to 12."),
        (TWELVE, ["0", "enter"], "0? Expected a number from 1 to 12."),
        (NUMBER, ["1", "1", "enter"], "11? Expected a number from -1 to 10."),
        (NUMBER, ["-", "enter"], "-? Expected a number from -1 to 10."),
        (NUMBER, ["1", ".", ".", "enter"], "1..? Expected"),
        (WIDE, [*"1,250", "enter"], "1,250? Write 1250, or 1,2500 for 1.25."),
        (WIDE, [*"-1.000", "enter"], "-1.000? Write -1000, or -1.0000 for -1."),
        (NUMBER, ["m"], "Say a number from -1 to 10"),
        (COUNT, ["-"], "Say a whole number from 0 up"),
        (BINARY, [Key(PASTE, "mmm")], "What is pasted judges nothing"),
    ],
)
def test_what_does_not_fit_the_scale_is_told_and_judges_nothing(criterion: Any, keys: list[Any], told: str) -> None:
    person = Person.reading([criterion]).press(*keys)
    assert person.said == []
    assert told in person.screen
    assert person.state.typed == ""


def test_a_number_that_is_typed_is_seen_until_it_is_kept() -> None:
    person = Person.reading([NUMBER, BINARY]).types("7,5")
    assert "> 7,5" in person.screen
    assert "> 7,5" not in person.press("enter").screen
    assert "Kept: 7.5." in person.screen


def test_criteria_come_one_at_a_time_in_the_rubrics_order_and_answers_one_after_the_other() -> None:
    person = Person.reading([BINARY, OTHER, LAST], "First answer.", "Second answer.")
    seen = []
    while person.state.mode != "done":
        screen = person.screen
        seen.append(
            (
                "First" if "First answer." in screen else "Second",
                next(word for word in ("stop", "why", "when") if f"Says {'to ' * (word == 'stop')}{word}" in screen),
            )
        )
        assert f"{6 - len(person.marks)} left" in screen
        person.press("m" if len(person.marks) % 2 else "n")
    assert seen == [(answer, word) for answer in ("First", "Second") for word in ("stop", "why", "when")]
    assert "You have judged 2 answers by 6 criteria" in person.screen


def test_undo_goes_back_over_answers_and_a_changed_verdict_is_given_anew() -> None:
    person = Person.reading([BINARY, OTHER], "First.", "Second.").press("m", "n", "1")
    assert person.state.at == Place(1, 1)
    person.press("u")
    assert (person.state.at, "you said: met" in person.screen) == (Place(1, 0), True)
    person.press("u")
    assert (person.state.at, "you said: not met" in person.screen) == (Place(0, 1), True)
    person.press("m")
    assert person.marks[-1][0] == 0
    assert person.said == [True, False, True, True]
    assert person.state.at == Place(1, 1), "it goes on where verdicts wait, not with the next that was judged"


def test_the_same_verdict_again_is_not_written() -> None:
    person = Person.reading([BINARY, OTHER]).press("m", "u", "y")
    assert person.said == [True]
    assert "Unchanged: met." in person.screen


def test_undo_ends_where_the_sitting_began() -> None:
    person = Person.reading([BINARY, OTHER]).press("u")
    assert "No verdict of this sitting" in person.screen
    person.press("m", "u", "u")
    assert (person.state.at, "No verdict of this sitting" in person.screen) == (Place(0, 0), True)


def test_a_verdict_that_undo_left_as_it_was_is_the_next_to_be_undone_again() -> None:
    person = Person.reading([BINARY, OTHER, LAST]).press("m", "n", "u", "u", "enter")
    assert person.state.at == Place(0, 2)
    assert person.press("u").state.at == Place(0, 1)
    assert person.press("m", "u").state.at == Place(0, 1)
    assert person.press("u").state.at == Place(0, 0)


def test_arrows_lead_to_the_neighbours_of_all_answers_and_enter_on_to_what_waits() -> None:
    person = Person.reading([BINARY, OTHER], "First.", "Second.").press("m", "n", "1", "left", "left", "left")
    assert person.state.at == Place(0, 0)
    assert "This is the first criterion." in person.press("left").screen
    assert person.press("right").state.at == Place(0, 1)
    assert person.press("enter").state.at == Place(1, 1)
    assert person.press("right").state.at == Place(1, 1), "the last leads to what waits"
    assert person.press("m").state.mode == "done"


def test_what_was_passed_over_comes_before_the_next_answer() -> None:
    person = Person.reading([BINARY, OTHER, LAST], "First.", "Second.").press("right", "right", "m")
    assert person.state.at == Place(0, 0)
    assert person.press("n").state.at == Place(0, 1)
    assert person.press("m").state.at == Place(1, 0)


def test_the_end_can_be_taken_back() -> None:
    person = Person.reading([BINARY]).press("m")
    assert "EVERYTHING IS JUDGED" in person.screen
    person.press("u")
    assert "you said: met" in person.screen
    person.press("n")
    assert person.said == [True, False]
    assert person.press("?").state.mode == "help"
    assert person.press("m").state.mode == "done"
    assert person.said == [True, False]
    assert person.press("enter").ended


def test_a_comment_goes_with_its_verdict() -> None:
    person = Person.reading([BINARY, OTHER]).press("c").types("too vaguf").press("backspace").types("e").press("enter")
    assert person.marks == []
    assert "comment, kept with your verdict: too vague" in person.screen
    person.press("n")
    assert (person.marks[0][1].met, person.marks[0][1].explanation) == (False, "too vague")


def test_a_number_half_typed_is_not_lost_to_a_comment() -> None:
    person = Person.reading([NUMBER]).press("7", "c")
    assert "7 is not kept yet" in person.screen
    assert "> 75" in person.press("5").screen
    assert person.press("backspace", "enter").said == [7]


def test_a_comment_on_a_verdict_is_a_correction_of_its_own() -> None:
    person = Person.reading([BINARY, OTHER]).press("m", "u", "c").types("why").press("enter")
    assert [(v.met, v.explanation) for _, v in person.marks] == [(True, None), (True, "why")]
    assert person.state.at == Place(0, 0)
    person.press("c", "enter")
    assert len(person.marks) == 2, "an unchanged comment writes nothing"
    person.press("c", "ctrl-u", "enter")
    assert person.marks[-1][1].explanation is None
    assert person.press("enter").state.at == Place(0, 1)


def test_keys_that_judge_are_letters_in_a_comment_and_escape_drops_it() -> None:
    person = Person.reading([BINARY]).press("c").types("mnq?u x12")
    assert "comment: mnq?u x12" in person.screen
    person.press("escape")
    assert (person.said, person.state.comment, person.ended) == ([], "", False)
    assert "The comment was dropped." in person.screen


def test_a_comment_without_a_verdict_is_asked_about_before_it_is_lost() -> None:
    person = Person.reading([BINARY]).press("c", "w", "enter", "q")
    assert (person.ended, "A comment without a verdict is not kept" in person.screen) == (False, True)
    assert not person.press("?", "?", "q").ended, "asked again after anything else"
    assert person.press("q").ended


def test_quitting_asks_nothing_where_nothing_is_lost() -> None:
    assert Person.reading([BINARY]).press("q").ended
    assert Person.reading([BINARY]).press("c", "a", "ctrl-c").ended


def test_the_caret_moves_in_a_comment() -> None:
    person = Person.reading([BINARY]).press("c").types("ac").press("left", "b", "home", "delete", "end").types(" d e")
    person.press("ctrl-w", Key(PASTE, "x\ny\x1b"), "left", "left", "right", "enter", "m")
    assert person.marks[0][1].explanation == "bc d x y"


DEPENDENT = {**OTHER, "depends_on": {"criterion": "b", "when": "met"}}


def test_a_criterion_whose_condition_does_not_hold_is_not_asked_and_comes_back_when_it_does() -> None:
    person = Person.reading([BINARY, DEPENDENT, LAST])
    assert "criterion 1 of 3 · 3 left" in person.screen
    person.press("n")
    assert ("Says when" in person.screen, "criterion 2 of 2 · 1 left" in person.screen) == (True, True)
    person.press("u", "m")
    assert ("Says why" in person.screen, "criterion 2 of 3 · 2 left" in person.screen) == (True, True)
    person.press("y", "m")
    assert (person.state.mode, person.state.left) == ("done", 0)


def test_a_verdict_on_a_criterion_that_no_longer_applies_stays_for_when_it_does() -> None:
    person = Person.reading([BINARY, DEPENDENT, LAST]).press("m", "n", "left", "left", "n")
    assert person.state.at == Place(0, 2)
    assert person.press("left").state.at == Place(0, 0), "what is left out is passed over"
    person.press("m")
    assert person.state.at == Place(0, 2), "it is judged already"


@pytest.mark.parametrize(("key", "asked"), [("x", 2), ("t", 3), ("n", 2)])
def test_not_applicable_leaves_dependents_out_and_cannot_tell_does_not(key: str, asked: int) -> None:
    assert f"of {asked} · " in Person.reading([BINARY, DEPENDENT, LAST]).press(key).screen


def test_conditions_chain_and_look_at_options_and_checks() -> None:
    ordinal = {**ORDINAL, "id": "b"}
    chained = {**LAST, "depends_on": {"criterion": "o", "when": "unmet"}}
    assert Person.reading([ordinal, DEPENDENT, chained]).press("2").state.mode == "done", "half the credit is unmet"
    assert Person.reading([ordinal, DEPENDENT, chained]).press("3", "n").state.at == Place(0, 2)
    check = {**BINARY, "check": {"contains": "stop"}}
    assert "1 left" in Person.reading([check, DEPENDENT, LAST], "Go on.").screen
    assert "2 left" in Person.reading([check, DEPENDENT, LAST], "Stop.").screen


def test_a_key_that_is_held_down_judges_once() -> None:
    person = Person.reading([BINARY, OTHER, LAST]).press("m").press("m", after=0.5).press("m", "m", "m", after=0.03)
    assert person.said == [True]
    assert "held down" in person.screen
    assert person.press("m", after=0.3).said == [True, True]
    assert person.press("n", after=0.03).said == [True, True, False], "another key was not held down"


def test_time_is_counted_for_the_criterion_on_the_screen_and_a_long_pause_in_part() -> None:
    person = Person.reading([BINARY, OTHER], "First.", "Second.")
    person.press("down", after=20).press("m", after=10).press("n", after=4000)
    assert [verdict.seconds for _, verdict in person.marks] == [30.0, 300.0]
    assert "5:30 an answer · ~5 min 30 s" in person.screen
    assert "5 min 30 s an answer · about 5 min 30 s left" in person.resize(Size(100, 24)).screen
    person.press("left", after=2).press("right", after=3).press("m", after=5)
    assert person.marks[-1][1].seconds == 7.0


@pytest.mark.parametrize(
    ("seconds", "waiting", "expected"),
    [
        ([60, 100, 200, 10], [0, 0, 0, 3], Pace(100, 75)),
        ([60, 100], [0, 0], Pace(80, 0)),
        ([5, 0], [2, 4], Pace(None, None)),
        ([0, 0], [0, 4], Pace(None, None)),
    ],
)
def test_the_pace_is_the_median_answer(seconds: list[float], waiting: list[int], expected: Pace) -> None:
    assert pace(seconds, waiting, [4] * len(seconds)) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (160, "2 min 40 s"), (3000, "50 min"), (4800, "1 h 20 min")],
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert time_words(seconds) == words


KEYS = [*"mnyxtcugrqhjk 0123456789.,-?", "enter", "escape", "left", "right", "up", "down", "backspace", "tab"]
KEYS += ["page-up", "page-down", "home", "end", "delete", "ctrl-l", "ctrl-u", "ctrl-w", "tab-back"]
SHAPES = [BINARY, DEPENDENT, ORDINAL, TWELVE, NUMBER, COUNT, LAST]


@given(
    st.lists(st.sampled_from(KEYS), max_size=60),
    st.sampled_from([Size(80, 24), Size(200, 60), Size(120, 20), Size(10, 3), Size(45, 13)]),
)
def test_whatever_is_pressed_the_verdicts_that_left_are_those_that_stand(keys: list[str], size: Size) -> None:
    person = Person.reading(SHAPES, "First answer. " * 60, "Second.", size=size)
    for key in keys:
        assert len(person.screen.splitlines()) <= size.height
        person.press(key)
        if person.ended:
            break
    filed: list[dict[str, Any]] = [{}, {}]
    for sheet, verdict in person.marks:
        filed[sheet][verdict.criterion_id] = verdict
    assert list(person.state.given) == filed
    for number, sheet_state in enumerate(person.state.sheets):
        skipped = sheet_state.skipped(filed[number])
        waiting = [c.id for c in sheet_state.asked if c.id not in skipped and c.id not in filed[number]]
        assert person.state.waiting[number] == len(waiting)
    if person.state.mode == "done":
        assert person.state.left == 0
