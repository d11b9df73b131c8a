"""What a key does: from one state to the next, and at times a verdict. Pure: the time comes with the key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from api.cli.reading.choice import choice, entry_characters, expected, typed_choice
from api.cli.reading.keys import PASTE, Key
from api.cli.reading.layout import jumped, scrolled, scrolling_pane
from api.cli.reading.sheet import verdict_words
from api.cli.reading.state import Mode, Size, State, marked, moved, neighbour, next_open, timed
from api.cli.reading.typing_line import Typing, typed
from graders import Verdict

HELD = 0.08
"""Seconds: a key that repeats faster than this is held down."""
FIRST_REPEAT = 0.7
"""Seconds: a key that is held down comes again this much later at most, and only then faster."""
_LONGEST_ENTRY = 24
_COMPARED = ("status", "met", "option", "value")


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict on its way into the ledger."""

    sheet: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Turn:
    """What a key led to."""

    state: State
    mark: Mark | None = None
    ended: bool = False
    """Whether the person leaves."""


def resized(state: State, size: Size) -> State:
    """The same reading on a screen of another size."""
    return replace(state, size=size)


def press(state: State, key: Key, now: float) -> Turn:
    """What a key does, at a time in seconds."""
    held = key.name == state.last_key and (now - state.last_key_at < HELD or now - state.judged_at < FIRST_REPEAT)
    asked_to_leave = state.leaving
    state = replace(timed(state, now), last_key=key.name, last_key_at=now, leaving=False)
    if key.name == "ctrl-c":
        return Turn(state, ended=True)
    if state.mode == "comment":
        return _comment(state, key)
    if state.mode != "judge":
        return _over(state, key)
    state = replace(state, notice="")
    if key.name == "q":
        if not state.has_drafts or asked_to_leave:
            return Turn(state, ended=True)
        return _told(replace(state, leaving=True), "A comment without a verdict is not kept. q again quits.")
    return _entry(state, key) or _verdict(state, key, held=held) or Turn(_command(state, key))


def _told(state: State, notice: str) -> Turn:
    return Turn(replace(state, notice=notice))


def _entry(state: State, key: Key) -> Turn | None:
    """A number that is being typed: its characters, its correction, its end."""
    name = key.name
    if len(name) == 1 and name in entry_characters(state.criterion):
        return Turn(replace(state, typed=(state.typed + name)[:_LONGEST_ENTRY]))
    if not state.typed:
        return None
    if name == "backspace":
        return Turn(replace(state, typed=state.typed[:-1]))
    if name == "escape":
        return Turn(replace(state, typed=""))
    if name != "enter":
        return None
    found = typed_choice(state.criterion, state.typed)
    if isinstance(found, str):
        return _told(replace(state, typed=""), found)
    return _given(state, found)


def _verdict(state: State, key: Key, *, held: bool) -> Turn | None:
    said = choice(state.criterion, key.name)
    if said is None:
        return None
    if held:
        return _told(state, "The key was held down: it has judged once. Press it again.")
    return _given(replace(state, judged_at=state.last_key_at), said)


def _given(state: State, said: dict[str, Any]) -> Turn:
    """A verdict: kept where it says something new; then on to the next criterion that waits."""
    before = state.verdict
    verdict = _verdict_of(state, said, state.comment)
    words = verdict_words(verdict)
    if before is not None and all(getattr(before, name) == getattr(verdict, name) for name in _COMPARED):
        return Turn(_onward(state, f"Unchanged: {words}."))
    after = marked(state, verdict)
    return Turn(_onward(after, f"Kept: {words}."), Mark(state.at.sheet, verdict))


def _verdict_of(state: State, said: dict[str, Any], comment: str) -> Verdict:
    seconds = round(state.spent.get(state.at, 0.0), 1)
    explained = {"explanation": comment} if comment else {}
    return Verdict.model_validate({"criterion_id": state.criterion.id, **said, **explained, "seconds": seconds})


def _onward(state: State, notice: str = "") -> State:
    place = next_open(state, state.at)
    if place is None:
        return replace(state, mode="done", typed="", notice=notice, scroll={})
    if place.sheet != state.at.sheet:
        notice = f"{notice} The next answer.".strip()
    return moved(state, place, notice)


def _command(state: State, key: Key) -> State:
    """Keys that judge nothing."""
    if (scrolled_to := _scroll(state, key.name)) is not None:
        return scrolled_to
    match key.name:
        case "left":
            place = neighbour(state, -1)
            return moved(state, place) if place else replace(state, notice="This is the first criterion.")
        case "right":
            place = neighbour(state, 1)
            return moved(state, place) if place else _onward(state)
        case "u" | "backspace":
            return _undo(state)
        case "enter":
            return _onward(state) if state.verdict is not None else replace(state, notice=_asked(state))
        case "c" if state.typed:
            return replace(state, notice=f"{state.typed} is not kept yet: Enter keeps it, Esc drops it.")
        case "c":
            return replace(state, mode="comment", typed=state.comment, caret=len(state.comment))
        case "tab" | "tab-back":
            return jumped(state)
        case "g" if state.sheet.guidelines:
            return _laid_over(state, "guidelines")
        case "r" if state.sheet.references:
            return _laid_over(state, "references")
        case "?" | "h":
            return _laid_over(state, "help")
        case "g" | "r":
            what = "guidelines" if key.name == "g" else "reference answer"
            return replace(state, notice=f"There is no {what} here.")
        case "escape" | "ctrl-l":
            return state
    if key.name == PASTE:
        return replace(state, notice="What is pasted judges nothing; c takes it as a comment.")
    return replace(state, notice=_asked(state))


def _asked(state: State) -> str:
    return f"Say {expected(state.criterion)}, x does not apply or t can't tell. ? helps."


def _undo(state: State) -> State:
    """Back to the verdict that was given last, or to the one before that which is on the screen."""
    trail = state.trail
    if state.mode == "judge" and state.at in trail:
        trail = trail[: trail.index(state.at)]
    for place in reversed(trail):
        if place.question in state.asked(place.sheet):
            return moved(state, place, "Give another verdict, or go on with Enter.")
    return replace(state, notice="No verdict of this sitting is left to undo; ← goes to earlier ones.")


def _laid_over(state: State, mode: Mode) -> State:
    return replace(state, mode=mode, under=state.mode, scroll={**state.scroll, "overlay": 0})


def _over(state: State, key: Key) -> Turn:
    """A key while guidelines, references, help or the end of the reading lie over the answer."""
    if (scrolled_to := _scroll(state, key.name)) is not None:
        return Turn(scrolled_to)
    if state.mode != "done":
        return Turn(replace(state, mode=state.under))
    match key.name:
        case "enter" | "q":
            return Turn(state, ended=True)
        case "u" | "backspace":
            return Turn(_undo(state))
        case "left":
            return Turn(moved(state, state.at))
        case "?" | "h":
            return Turn(_laid_over(state, "help"))
    return Turn(state)


def _scroll(state: State, name: str) -> State | None:
    """A key that scrolls; None for any other."""
    pane = scrolling_pane(state)
    page = max(pane.height - 1, 1)
    steps = {"up": -1, "k": -1, "down": 1, "j": 1, "page-up": -page, "page-down": page, " ": page}
    if name in steps:
        return scrolled(state, pane, pane.offset + steps[name])
    if name in ("home", "end"):
        return scrolled(state, pane, 0 if name == "home" else pane.last_offset)
    return None


def _comment(state: State, key: Key) -> Turn:
    """A key while a comment is typed."""
    if key.name == "escape":
        return _told(_judging(state), "The comment was dropped." if state.typed != state.comment else "")
    if key.name != "enter":
        text, caret = typed(Typing(state.typed, state.caret), key)
        return Turn(replace(state, typed=text, caret=caret))
    comment = state.typed.strip()
    state = _judging(state)
    if state.verdict is None:
        return Turn(replace(state, drafts={**state.drafts, state.at: comment}))
    if comment == state.comment:
        return Turn(state)
    said = {name: getattr(state.verdict, name) for name in _COMPARED if getattr(state.verdict, name) is not None}
    verdict = _verdict_of(state, said, comment)
    after = replace(marked(state, verdict), notice="The comment is kept. Enter goes on.")
    return Turn(after, Mark(state.at.sheet, verdict))


def _judging(state: State) -> State:
    return replace(state, mode="judge", typed="", caret=0)
