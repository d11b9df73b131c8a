"""A state as the lines of a screen. Everything that reaches the terminal goes through `render`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from api.cli.reading.choice import expected
from api.cli.reading.content import CARET, Style, foot
from api.cli.reading.layout import Layout, Pane, layout
from api.cli.reading.pace import Pace, time_words
from api.cli.reading.state import State
from api.cli.reading.wrapping import cells, cut, padded
from api.cli.visible import one_line


class Piece(NamedTuple):
    """A stretch of a row; each is put at its own column, so that a miscounted character cannot shift another pane."""

    column: int
    text: str
    style: Style = ""


Frame = tuple[tuple[Piece, ...], ...]
"""The rows of a screen, each with its pieces from left to right."""


def render(state: State) -> Frame:
    """The screen of a state, exactly as wide and high as the terminal."""
    width, height = state.size
    here = layout(state)
    rows: list[list[Piece]] = [[] for _ in range(max(height, 1))]
    for row, piece in (*_around(state, here), *_in_panes(state, here), *_between(here, width, height)):
        rows[row].append(piece._replace(text=cut(piece.text, width - piece.column)))
    return tuple(tuple(sorted(row)) for row in rows)


def plain(frame: Frame) -> list[str]:
    """The rows as text, without styles."""
    lines = []
    for row in frame:
        line = ""
        for piece in row:
            line += " " * (piece.column - cells(line)) + piece.text
        lines.append(line.rstrip())
    return lines


def _head(state: State, width: int) -> str:
    asked = state.asked(state.at.sheet)
    number = asked.index(state.at.question) + 1 if state.at.question in asked else 1
    told = [f"Answer {state.at.sheet + 1:,} of {len(state.sheets):,}"]
    told += [f"criterion {number} of {len(asked)}"] if state.mode != "done" else []
    told.append(f"{state.left:,} left")
    left = " " + " · ".join(told)
    if cells(left) > width:
        left = left.replace("Answer ", "").replace("criterion ", "").replace(" of ", "/")
    for right in _times(state.pace):
        if cells(left) + cells(right) + 3 <= width:
            return left + " " * (width - cells(left) - cells(right)) + right
    return padded(left, width)


def _times(pace: Pace) -> Iterator[str]:
    """Time on an answer and time left, in ever fewer words."""
    if pace.an_answer is None:
        return
    usual = time_words(pace.an_answer)
    if not pace.left:
        yield f"{usual} an answer "
        return
    left = time_words(pace.left)
    yield f"{usual} an answer · about {left} left "
    minutes, seconds = divmod(round(pace.an_answer), 60)
    yield f"{minutes}:{seconds:02} an answer · ~{left} "
    yield f"~{left} "


def _around(state: State, here: Layout) -> Iterator[tuple[int, Piece]]:
    """Head, notice and foot; a screen that is too small has none."""
    width, height = state.size
    if here.panes[0].top == 0:
        return
    yield 0, Piece(0, _head(state, width), "bar")
    typing = state.typed and state.mode == "judge" and not state.notice
    told = f"> {state.typed}{CARET}  Enter keeps it" if typing else one_line(state.notice) or _unseen(state, here)
    yield height - 2, Piece(1, cut(told, width - 2), "bold")
    yield height - 1, Piece(1, _foot(state, here, width - 2), "dim")


def _unseen(state: State, here: Layout) -> str:
    """What can be said, where the end of the criterion's pane, which tells it, is out of sight."""
    pane = here.pane("criterion")
    if state.mode != "judge" or pane.offset == pane.last_offset:
        return ""
    return f"{expected(state.criterion)}, x or t · more below: Tab"


def _in_panes(state: State, here: Layout) -> Iterator[tuple[int, Piece]]:
    for pane in here.panes:
        yield from _pane_rows(pane, titled=here.titled, in_focus=pane.name == state.focus)


def _pane_rows(pane: Pane, *, titled: bool, in_focus: bool) -> Iterator[tuple[int, Piece]]:
    if titled:
        words = f"{pane.title}   {pane.position}".rstrip()
        marked = in_focus and bool(pane.last_offset)
        yield pane.top - 1, Piece(pane.left, cut(f"▸ {words}" if marked else words, pane.width), "dim")
    for row, line in enumerate(pane.lines[pane.offset : pane.offset + pane.height]):
        if line.text:
            yield pane.top + row, Piece(pane.left, cut(line.text, pane.width), line.style)


def _between(here: Layout, width: int, height: int) -> Iterator[tuple[int, Piece]]:
    """The lines that part the panes; where they are stacked they also tell what is out of sight."""
    if here.rule is not None:
        above, below = here.panes
        words = [f"{name} {pane.position}" for name, pane in (("text", above), ("criterion", below)) if pane.position]
        if sum(cells(word) + 4 for word in words) >= width:
            words = [f"{word.split()[0]} {word.split()[-1]}" for word in words]  # the arrows alone
        tail = "".join(f"{word} ── " for word in words)
        yield here.rule, Piece(0, "─" * max(width - cells(tail) - 1, 0) + (" " + tail if tail else "─"), "dim")
        return
    for pane in here.panes[1:]:
        for row in range(1, height - 2):
            yield row, Piece(pane.left - 2, "│", "dim")


def _foot(state: State, here: Layout, width: int) -> str:
    told: Sequence[str] = foot(state)
    if here.panes[0].name == "overlay" and here.panes[0].position:
        told = [here.panes[0].position, *told]
    for count in range(len(told), 0, -1):
        line = "  ".join(told[:count])
        if cells(line) <= width:
            return line
    return cut(told[0], width)
