"""Where a reading stands: the answers in their order, what was said of them, and which criterion is on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from api.cli.reading.pace import LONGEST_PAUSE, Pace, pace
from api.cli.reading.sheet import Sheet, seen_verdict
from graders import Verdict
from rubrics import Criterion

Mode = Literal["judge", "comment", "guidelines", "references", "help", "done"]
PaneName = Literal["text", "question", "answer", "criterion", "overlay"]


class Place(NamedTuple):
    """A criterion of an answer: both counted from 0, in reading order."""

    sheet: int
    question: int


class Size(NamedTuple):
    """The terminal's size in cells."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the screen shows and a key may change; it is never changed in place."""

    rater: str
    sheets: tuple[Sheet, ...]
    given: tuple[Mapping[str, Verdict], ...]
    """For each sheet the person's verdicts: criterion id → verdict."""
    waiting: tuple[int, ...]
    """For each sheet how many criteria wait."""
    seconds: tuple[float, ...]
    """For each sheet the time on it, earlier sittings included."""
    pace: Pace
    at: Place
    size: Size
    since: float
    """Until when time has been counted, on the clock that keys come with."""
    mode: Mode = "judge"
    under: Mode = "judge"
    """What guidelines, references or help lie over."""
    leaving: bool = False
    """Whether the person has asked to quit, and was told what would be lost."""
    typed: str = ""
    """A number or a comment that is being typed."""
    caret: int = 0
    """Where in `typed` the next character goes."""
    drafts: Mapping[Place, str] = field(default_factory=dict)
    """Comments on criteria that have no verdict yet."""
    spent: Mapping[Place, float] = field(default_factory=dict)
    """Time on criteria since their last verdict."""
    trail: tuple[Place, ...] = ()
    """The criteria that were judged in this sitting, the latest last: what undo goes back over."""
    notice: str = ""
    """What the last key led to, in words."""
    scroll: Mapping[str, int] = field(default_factory=dict)
    """The first line that each pane shows."""
    focus: PaneName = "answer"
    """The pane that scrolls."""
    last_key: str = ""
    last_key_at: float = float("-inf")
    """When the last key came, to tell one that is held down."""
    judged_at: float = float("-inf")
    """When a key last judged."""

    @property
    def sheet(self) -> Sheet:
        """The answer on the screen."""
        return self.sheets[self.at.sheet]

    @property
    def criterion(self) -> Criterion:
        """The criterion on the screen."""
        return self.sheet.asked[self.at.question]

    @property
    def verdict(self) -> Verdict | None:
        """What the person has said of it."""
        return self.given[self.at.sheet].get(self.criterion.id)

    @property
    def comment(self) -> str:
        """The comment on it, kept or still waiting for a verdict."""
        kept = self.verdict.explanation if self.verdict is not None else None
        return self.drafts.get(self.at, kept or "")

    @property
    def left(self) -> int:
        """How many criteria wait."""
        return sum(self.waiting)

    @property
    def has_drafts(self) -> bool:
        """Whether a comment waits for its verdict, and would be lost by leaving now."""
        return any(self.drafts.values())

    def asked(self, sheet: int) -> list[int]:
        """The criteria of a sheet that no condition leaves out, by their place in it."""
        return _asked(self.sheets[sheet], self.given[sheet])


def opened(
    rater: str, sheets: Sequence[Sheet], verdicts: Sequence[Mapping[str, Verdict]], *, size: Size, now: float
) -> State:
    """The reading as it is taken up: at the first criterion that waits."""
    given = tuple({name: seen_verdict(verdict) for name, verdict in said.items()} for said in verdicts)
    waiting = tuple(len(_open(sheet, said)) for sheet, said in zip(sheets, given, strict=True))
    seconds = tuple(sum(float(verdict.seconds or 0) for verdict in said.values()) for said in given)
    state = State(
        rater=rater,
        sheets=tuple(sheets),
        given=given,
        waiting=waiting,
        seconds=seconds,
        pace=Pace(),
        at=Place(0, 0),
        size=size,
        since=now,
    )
    state = replace(state, pace=_pace(state))
    first = next_open(state, Place(0, -1))
    return replace(state, mode="done") if first is None else replace(state, at=first)


def next_open(state: State, after: Place) -> Place | None:
    """The next criterion that waits: first in this answer, to its end and from its start, then in those that follow."""
    here = after.sheet
    for question in sorted(
        _open(state.sheets[here], state.given[here]), key=lambda question: question <= after.question
    ):
        return Place(here, question)
    count = len(state.sheets)
    for sheet in (*range(here + 1, count), *range(here)):
        if state.waiting[sheet]:
            return Place(sheet, _open(state.sheets[sheet], state.given[sheet])[0])
    return None


def neighbour(state: State, step: Literal[1, -1]) -> Place | None:
    """The criterion before or after this one, judged or not; None at either end."""
    sheet = state.at.sheet
    nearer = [question for question in state.asked(sheet) if (question - state.at.question) * step > 0]
    while not nearer:
        sheet += step
        if not 0 <= sheet < len(state.sheets):
            return None
        nearer = state.asked(sheet)
    return Place(sheet, nearer[0] if step > 0 else nearer[-1])


def moved(state: State, place: Place, notice: str = "") -> State:
    """At another criterion; the text stays where it was scrolled to while the answer is the same."""
    same = place.sheet == state.at.sheet
    return replace(
        state,
        at=place,
        mode="judge",
        typed="",
        caret=0,
        notice=notice,
        scroll={**state.scroll, "criterion": 0} if same else {},
        focus=state.focus if same and state.focus != "criterion" else "answer",
    )


def timed(state: State, now: float) -> State:
    """The time since the last key counted for what was on the screen; a long pause counts in part."""
    elapsed = min(max(now - state.since, 0.0), LONGEST_PAUSE)
    if state.mode == "done":
        return replace(state, since=now)
    sheet = state.at.sheet
    seconds = (*state.seconds[:sheet], state.seconds[sheet] + elapsed, *state.seconds[sheet + 1 :])
    spent = {**state.spent, state.at: state.spent.get(state.at, 0.0) + elapsed}
    return replace(state, since=now, seconds=seconds, spent=spent)


def marked(state: State, verdict: Verdict) -> State:
    """With a verdict on the criterion on the screen."""
    at = state.at
    said = {**state.given[at.sheet], verdict.criterion_id: verdict}
    given = (*state.given[: at.sheet], said, *state.given[at.sheet + 1 :])
    still = len(_open(state.sheet, said))
    waiting = (*state.waiting[: at.sheet], still, *state.waiting[at.sheet + 1 :])
    state = replace(
        state,
        given=given,
        waiting=waiting,
        drafts={place: text for place, text in state.drafts.items() if place != at},
        spent={place: time for place, time in state.spent.items() if place != at},
        trail=(*(place for place in state.trail if place != at), at),
    )
    return replace(state, pace=_pace(state))


def _pace(state: State) -> Pace:
    return pace(state.seconds, state.waiting, [len(sheet.asked) for sheet in state.sheets])


def _asked(sheet: Sheet, said: Mapping[str, Verdict]) -> list[int]:
    skipped = sheet.skipped(said)
    return [number for number, criterion in enumerate(sheet.asked) if criterion.id not in skipped]


def _open(sheet: Sheet, said: Mapping[str, Verdict]) -> list[int]:
    return [number for number in _asked(sheet, said) if sheet.asked[number].id not in said]
