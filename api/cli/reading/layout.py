"""What stands where on the screen: panes beside each other where it is wide enough, one above the other otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.cli.reading.content import (
    Line,
    answer_lines,
    answer_start,
    both_lines,
    criterion_lines,
    overlay_lines,
    question_lines,
    runs_right_to_left,
)
from api.cli.reading.state import PaneName, Size, State

TWO_COLUMNS = 110
"""Cells from which the criterion stands beside the text."""
THREE_COLUMNS = 170
"""Cells from which question and answer stand beside each other too."""
WIDEST_TEXT = 100
"""Longer lines are hard to read."""
SMALLEST = Size(30, 9)
"""Below it nothing can be read, and the screen says so."""
_STEADY = 6
"""Lines that a criterion takes at least, so that the text does not jump from one to the next."""
_AROUND = 3
"""Lines around the panes: one at the head, two at the foot."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A part of the screen that scrolls by itself."""

    name: PaneName
    title: str
    top: int
    left: int
    width: int
    height: int
    lines: Sequence[Line]
    offset: int = 0

    @property
    def last_offset(self) -> int:
        """How far it can be scrolled."""
        return max(len(self.lines) - self.height, 0)

    @property
    def position(self) -> str:
        """`1–14 of 58 ↓`: what of it is seen; empty where that is all."""
        if not self.last_offset:
            return ""
        arrows = ("↑" if self.offset else "") + ("↓" if self.offset < self.last_offset else "")
        return f"{self.offset + 1}–{min(self.offset + self.height, len(self.lines))} of {len(self.lines)} {arrows}"


@dataclass(frozen=True, slots=True)
class Layout:
    """The panes, and what lies between them."""

    panes: tuple[Pane, ...]
    titled: bool = False
    """Whether each pane has a line above it for its title."""
    rule: int | None = None
    """The row of the line between text and criterion, where they are stacked."""

    def pane(self, name: str) -> Pane:
        """The pane of that name, or the one that holds what it would."""
        for pane in self.panes:
            if pane.name == name:
                return pane
        return self.panes[0]


def layout(state: State) -> Layout:
    """The panes of a state, each scrolled to where it can be."""
    width, height = state.size
    if width < SMALLEST.width or height < SMALLEST.height:
        return Layout((Pane("overlay", "", 0, 0, width, height, (Line("Make the window larger."),)),))
    rows = height - _AROUND
    if state.mode not in ("judge", "comment"):
        inner = min(width - 2, WIDEST_TEXT)
        panes = (Pane("overlay", "", 1, 1, inner, rows, overlay_lines(state, inner)),)
        return Layout(_scrolled(panes, state))
    if width < TWO_COLUMNS or runs_right_to_left(state.sheet):
        return _stacked(state, width, rows)
    return _beside(state, width, rows)


def _stacked(state: State, width: int, rows: int) -> Layout:
    inner = width - 2
    criterion = criterion_lines(state, min(inner, WIDEST_TEXT), roomy=False)
    below = min(max(len(criterion), _STEADY if rows > 3 * _STEADY else 0), max(rows * 3 // 5, 4), rows - 2)
    above = rows - 1 - below
    panes = (
        Pane("text", "", 1, 1, inner, above, both_lines(state.sheet, min(inner, WIDEST_TEXT))),
        Pane("criterion", "", above + 2, 1, inner, below, criterion),
    )
    return Layout(_scrolled(panes, state), rule=above + 1)


def _beside(state: State, width: int, rows: int) -> Layout:
    right = min(max(width * 36 // 100, 42), 60)
    inner = width - right - 5
    sheet = state.sheet
    if width < THREE_COLUMNS:
        texts = [Pane("text", "Question and answer", 2, 1, inner, rows - 1, both_lines(sheet, _text_width(inner)))]
    else:
        first = (inner - 4) * 9 // 20
        second = inner - 4 - first
        texts = [
            Pane("question", "Question", 2, 1, first, rows - 1, question_lines(sheet, _text_width(first))),
            Pane("answer", "Answer", 2, first + 5, second, rows - 1, answer_lines(sheet, _text_width(second))),
        ]
    criterion = Pane(
        "criterion", "Criterion", 2, width - right - 1, right, rows - 1, criterion_lines(state, right, roomy=True)
    )
    return Layout(_scrolled((*texts, criterion), state), titled=True)


def _text_width(inner: int) -> int:
    return min(inner, WIDEST_TEXT)


def _scrolled(panes: tuple[Pane, ...], state: State) -> tuple[Pane, ...]:
    """The panes where they were scrolled to; while a comment is typed, its end is seen."""
    return tuple(
        replace(
            pane,
            offset=pane.last_offset
            if state.mode == "comment" and pane.name == "criterion"
            else min(state.scroll.get(pane.name, 0), pane.last_offset),
        )
        for pane in panes
    )


def scrolling_pane(state: State) -> Pane:
    """The pane that the scroll keys move: the one in focus, or another where that one is seen whole."""
    here = layout(state)
    pane = here.pane(state.focus)
    others = [other for other in here.panes if other.last_offset and other.name != "criterion"]
    return pane if pane.last_offset or not others else others[-1]


def scrolled(state: State, pane: Pane, offset: int) -> State:
    """With a pane scrolled to a line."""
    return replace(state, scroll={**state.scroll, pane.name: min(max(offset, 0), pane.last_offset)})


def jumped(state: State) -> State:
    """On to what Tab leads to: question, answer, and the criterion where it does not fit its pane."""
    here = layout(state)
    criterion = here.pane("criterion")
    text = here.pane("text")
    if text.name != "text":
        order: list[PaneName] = ["question", "answer"]
        if criterion.last_offset:
            order.append("criterion")
        following = order[(order.index(state.focus) + 1) % len(order)] if state.focus in order else order[0]
        return replace(state, focus=following)
    start = min(answer_start(state.sheet, min(text.width, WIDEST_TEXT)), text.last_offset)
    if state.focus == "criterion":
        return scrolled(replace(state, focus="question"), text, 0)
    if text.offset < start:
        return scrolled(replace(state, focus="answer"), text, start)
    if criterion.last_offset:
        return replace(state, focus="criterion")
    return scrolled(replace(state, focus="question"), text, 0)
