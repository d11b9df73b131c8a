"""The texts of a reading as lines of a given width: question, answer, criterion, guidelines, references, help."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from api.cli.reading.sheet import Sheet, verdict_words
from api.cli.reading.state import State
from api.cli.reading.wrapping import cells, wrapped
from api.cli.visible import one_line, visible
from rubrics import Criterion, Option

Style = Literal["", "bold", "dim", "bar"]
INDENT = "  "
"""Texts stand behind it and our own headings do not, so that no text can pass for a heading."""
CARET = "▏"
_FEW = 4
"""Options up to this many have a line each, however small the screen."""


class Line(NamedTuple):
    """One line of a pane."""

    text: str
    style: Style = ""


class KeyHelp(NamedTuple):
    """A key and what it does, as help and foot line tell it."""

    keys: str
    does: str
    short: str = ""
    """Its place in the foot line; none where empty."""


KEYS = (
    KeyHelp("m  n", "met, not met (also y and n, or 1 and 2)"),
    KeyHelp("1 … 9", "an option of a scale; where a number is asked, type it and press Enter"),
    KeyHelp("x", "does not apply to this answer"),
    KeyHelp("t", "can't tell"),
    KeyHelp("c", "comment; Enter keeps it, Esc drops it", "c comment"),
    KeyHelp("u", "undo: back to the verdict you gave last (also Backspace)", "u undo"),
    KeyHelp("← →", "the criterion before or after this one, also of other answers", "←→ move"),
    KeyHelp("Enter", "on to the next criterion that waits"),
    KeyHelp("↑ ↓", "scroll by a line (also k, j); PgUp, PgDn, Space by a screen; Home, End", "↑↓ Space scroll"),
    KeyHelp("Tab", "from question to answer and back", "Tab answer"),
    KeyHelp("g", "the rubric's guidelines", "g guidelines"),
    KeyHelp("r", "the reference answers", "r references"),
    KeyHelp("?", "this help (also h)", "? help"),
    KeyHelp("q", "quit (also Ctrl-C); the same command goes on here; Ctrl-Z suspends", "q quit"),
)

_FIRST = ("q", "?", "c", "u", "↑ ↓", "Tab", "g")
"""Keys that the foot line names first; the others where it is wide enough."""

_HELP = (
    "Say whether each criterion holds for the answer, not whether the answer is good: a fault that it has is met. "
    "A verdict is kept the moment you give it; a later one on the same criterion counts instead.",
)


def foot(state: State) -> Sequence[str]:
    """The keys that the foot line names, the ones it could do without last."""
    if state.mode == "comment":
        return ("Enter keeps the comment", "Esc drops it")
    if state.mode in ("guidelines", "references", "help"):
        return ("↑↓ Space scroll", "any other key goes back")
    if state.mode == "done":
        return ("Enter ends the reading", "u undo", "← back", "? help")
    absent = {"g"} if not state.sheet.guidelines else set()
    absent |= {"r"} if not state.sheet.references else set()
    told = [key for key in KEYS if key.short and key.keys not in absent]
    return [key.short for key in sorted(told, key=lambda key: _FIRST.index(key.keys) if key.keys in _FIRST else 9)]


@lru_cache(maxsize=16)
def runs_right_to_left(sheet: Sheet) -> bool:
    """Whether anything in it does: many terminals turn such a row around as a whole, with all panes that share it."""
    told = [turn.content for turn in sheet.conversation]
    for criterion in sheet.asked:
        told.append(criterion.criterion)
        if criterion.scale.type in ("ordinal", "nominal"):
            told += [f"{option.label} {option.description}" for option in criterion.scale.options]
    texts = (text for text in (*told, sheet.answer) if not text.isascii())
    return any(unicodedata.bidirectional(char) in ("R", "AL") for text in texts for char in text)


@lru_cache(maxsize=16)
def question_lines(sheet: Sheet, width: int) -> tuple[Line, ...]:
    """The conversation; who speaks is told where it is more than one question."""
    turns = sheet.conversation
    lines: list[Line] = []
    for turn in turns:
        if len(turns) > 1 or turn.role != "user":
            lines += [Line("")] if lines else []
            lines.append(Line(f"{turn.role}:", "dim"))
        lines += _text(turn.content, width)
    return tuple(lines)


@lru_cache(maxsize=16)
def answer_lines(sheet: Sheet, width: int) -> tuple[Line, ...]:
    """The answer as it was written; nothing in it is read as markup."""
    if not sheet.answer.strip():
        return (Line("(the answer is empty)", "dim"),)
    return tuple(_text(sheet.answer, width))


def both_lines(sheet: Sheet, width: int) -> tuple[Line, ...]:
    """Question and answer in one, for a screen too narrow for both."""
    return (
        Line("QUESTION", "bold"),
        *question_lines(sheet, width),
        Line(""),
        Line("ANSWER", "bold"),
        *answer_lines(sheet, width),
    )


def answer_start(sheet: Sheet, width: int) -> int:
    """The line of `both_lines` at which the answer begins."""
    return len(question_lines(sheet, width)) + 2


def criterion_lines(state: State, width: int, *, roomy: bool) -> tuple[Line, ...]:
    """The criterion, what can be said of it (one thing a line where it is roomy), and what was said."""
    criterion = state.criterion
    verdict = state.verdict
    lines = [Line(line, "bold") for line in wrapped(visible(criterion.criterion.strip()), width)]
    if state.sheet.show_points:
        lines.append(Line(f"worth {criterion.points:+g} points", "dim"))
    lines.append(Line(""))
    lines += _choices(criterion, width, roomy=roomy)
    if verdict is not None:
        lines += _prefixed("you said: ", one_line(verdict_words(verdict)), width, "bold")
    if state.mode == "comment":
        typed = visible(state.typed[: state.caret]) + CARET + visible(state.typed[state.caret :])
        lines += _prefixed("comment: ", typed, width, "bold")
    elif state.comment:
        kept = "comment: " if state.at not in state.drafts else "comment, kept with your verdict: "
        lines += _prefixed(kept, one_line(state.comment), width, "")
    return tuple(lines)


def overlay_lines(state: State, width: int) -> tuple[Line, ...]:
    """What lies over the answer on demand."""
    if state.mode == "guidelines":
        body = _text(state.sheet.guidelines or "", width)
        return (Line("GUIDELINES OF THE RUBRIC", "bold"), Line(""), *body)
    if state.mode == "references":
        lines: list[Line] = []
        for number, reference in enumerate(state.sheet.references, start=1):
            lines += [Line(f"REFERENCE ANSWER {number}", "bold"), Line(""), *_text(reference, width), Line("")]
        return tuple(lines)
    return tuple(_done(state, width) if state.mode == "done" else _help(width))


def _done(state: State, width: int) -> Iterator[Line]:
    yield Line("EVERYTHING IS JUDGED", "bold")
    yield Line("")
    criteria = sum(len(said) for said in state.given)
    for line in wrapped(
        f"You have judged {len(state.sheets):,} answers by {criteria:,} criteria. u goes back to the verdict you gave "
        "last, ← to the last criterion; Enter ends the reading.",
        width,
    ):
        yield Line(line)


def _help(width: int) -> Iterator[Line]:
    for text in _HELP:
        yield from (Line(line) for line in wrapped(text, width))
    yield Line("")
    for key in KEYS:
        yield from _hanging(f"{INDENT}{key.keys}".ljust(11), key.does, width)


def _text(text: str, width: int) -> list[Line]:
    return [Line(INDENT + line if line else "") for line in wrapped(visible(text).strip("\n"), width - len(INDENT))]


def _choices(criterion: Criterion, width: int, *, roomy: bool) -> Iterator[Line]:
    """What can be chosen, each behind its key."""
    scale = criterion.scale
    common = ["x  does not apply", "t  can't tell"]
    if scale.type == "binary":
        yield from _flowing(["m  met", "n  not met", *common], 0 if roomy else width)
        return
    if scale.type == "number":
        yield from _hanging(INDENT, f"type a number from {scale.min:.15g} to {scale.max:.15g}, then Enter", width)
    elif scale.type == "count":
        yield from _hanging(INDENT, f"type how many, then Enter ({scale.max_count:,} and more count the same)", width)
    else:
        yield from _options(scale.options, width, roomy=roomy)
    yield from _flowing(common, 0 if roomy else width)


def _options(options: Sequence[Option], width: int, *, roomy: bool) -> Iterator[Line]:
    """One a line; many short ones side by side where there is little room."""
    most = len(str(len(options)))
    short = all(not option.description and cells(one_line(option.label)) < width // 3 for option in options)
    if not roomy and len(options) > _FEW and short:
        yield from _flowing([f"{number}  {one_line(option.label)}" for number, option in enumerate(options, 1)], width)
    else:
        for number, option in enumerate(options, start=1):
            label = one_line(option.label)
            told = f"{label}: {one_line(option.description)}" if option.description else label
            yield from _hanging(f"{INDENT}{number:>{most}}  ", told, width)
    if most > 1:
        yield Line(f"{INDENT}type a number, then Enter", "dim")


def _flowing(items: Sequence[str], width: int) -> Iterator[Line]:
    """Items side by side, as many as a line takes."""
    line = ""
    for item in items:
        longer = f"{line}     {item}" if line else INDENT + item
        if line and cells(longer) > width:
            yield Line(line)
            longer = INDENT + item
        line = longer
    yield Line(line)


def _hanging(head: str, text: str, width: int) -> Iterator[Line]:
    size = cells(head)
    for number, line in enumerate(wrapped(text, max(width - size, 10))):
        yield Line((head if number == 0 else " " * size) + line)


def _prefixed(head: str, text: str, width: int, style: Style) -> list[Line]:
    return [Line(INDENT + line, style) for line in wrapped(head + text, width - len(INDENT))]
