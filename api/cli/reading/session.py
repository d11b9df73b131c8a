"""One sitting: keys come in, verdicts go to the desk, and the screen shows what follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from api.cli.reading.desk import Desk
from api.cli.reading.screen import render
from api.cli.reading.state import Size, opened, timed
from api.cli.reading.turn import press, resized

if TYPE_CHECKING:
    from api.cli.reading.terminal import Terminal


def sit(desk: Desk, terminal: Terminal, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Have a person read until they are done or leave; returns how many criteria they judged.

    A verdict is in the ledger before the screen goes on. Whatever ends the sitting, the terminal is as it was.
    """
    state = opened(desk.rater, desk.sheets(), desk.verdicts(), size=terminal.size(), now=clock())
    with terminal:
        terminal.draw(render(state))
        for event in terminal.events():
            if isinstance(event, Size):
                state = resized(state, event)
                terminal.draw(render(state), afresh=True)
                continue
            if event.name == "ctrl-z":
                state = timed(state, clock())
                terminal.suspend()
                state = replace(state, since=clock(), size=terminal.size())
                terminal.draw(render(state), afresh=True)
                continue
            turn = press(state, event, clock())
            if turn.mark is not None:
                desk.keep(turn.mark.sheet, turn.mark.verdict)
            if turn.state.at != state.at:
                terminal.drop_typed_ahead()
            state = turn.state
            if turn.ended:
                break
            terminal.draw(render(state), afresh=event.name == "ctrl-l")
    return len(state.trail)
