"""The one place that touches the terminal: keys in, frames out, and everything as it was before on every way out."""

from __future__ import annotations

import os
import select
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from api.cli.reading.keys import Key, KeyDecoder
from api.cli.reading.screen import Frame, Piece
from api.cli.reading.state import Size

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[2J"
"""The other screen, no cursor, no wrapping at the edge, pasted text marked as such."""
_LEAVE = "\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"
_FRAME_BEGINS, _FRAME_ENDS = "\x1b[?2026h", "\x1b[?2026l"
"""Terminals that know it show a frame all at once; the others ignore it."""
_STYLES = {"": "", "bold": "\x1b[1m", "dim": "\x1b[2m", "bar": "\x1b[7m"}
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "?")
"""Texts were made visible long before; should one slip through, it still steers nothing."""
_SOURCE, _TARGETS = 0, (1, 2)
"""Standard input, and what is drawn on: with `--json > file` standard output is no terminal, standard error is."""
_ESCAPE_PAUSE = 0.05
_WAKING = (signal.SIGWINCH, signal.SIGCONT)
_TERMINATING = (signal.SIGTERM, signal.SIGHUP)


def open_terminal() -> Terminal | None:
    """The terminal that a person sits at; None where standard input is none, or the terminal cannot be drawn on."""
    if os.environ.get("TERM", "") in ("", "dumb") or not os.isatty(_SOURCE):
        return None
    for target in _TARGETS:
        if os.isatty(target):
            return Terminal(_SOURCE, target)
    return None


class Terminal:
    """A terminal in raw mode, on its other screen, for as long as the block lasts: `with terminal:`."""

    def __init__(self, source: int, target: int) -> None:
        self._source = source
        self._target = target
        self._decoder = KeyDecoder()
        self._shown: dict[int, tuple[Piece, ...]] = {}
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}
        self._wake = (-1, -1)
        self._wake_before = -1

    def __enter__(self) -> Terminal:
        self._before = termios.tcgetattr(self._source)
        try:
            self._listen()
            self._take()
        except BaseException:
            self._restore()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def size(self) -> Size:
        """How large it is now."""
        try:
            found = os.get_terminal_size(self._target)
        except OSError:
            return Size(80, 24)
        return Size(found.columns or 80, found.lines or 24)

    def events(self) -> Iterator[Key | Size]:
        """Keys as they are pressed, and its size whenever that changes; ends when the terminal is gone."""
        while True:
            timeout = _ESCAPE_PAUSE if self._decoder.waits else None
            ready, _, _ = select.select([self._source, self._wake[0]], [], [], timeout)
            if self._wake[0] in ready:
                if signal.SIGCONT in os.read(self._wake[0], 4096):
                    self._take()
                self._shown.clear()
                yield self.size()
            if self._source in ready:
                try:
                    data = os.read(self._source, 4096)
                except OSError:
                    return
                if not data:
                    return
                yield from self._decoder.feed(data)
            if not ready:
                yield from self._decoder.flush()

    def suspend(self) -> None:
        """Give the terminal back to the shell until it has us go on, as Ctrl-Z does; goes on at once without one."""
        self._give_back()
        os.kill(0, signal.SIGTSTP)
        with suppress(BlockingIOError):
            os.read(self._wake[0], 4096)  # that it goes on is known: `events` would take the terminal a second time
        self._take()

    def drop_typed_ahead(self) -> None:
        """Forget keys that were pressed before what comes next is seen: nobody judges what was not on the screen."""
        self._decoder.forget()
        termios.tcflush(self._source, termios.TCIFLUSH)

    def draw(self, frame: Frame, *, afresh: bool = False) -> None:
        """Show a frame; only rows that changed are sent."""
        sent = []
        if afresh or not self._shown or len(self._shown) != len(frame):
            self._shown.clear()
            sent.append("\x1b[2J")
        for number, row in enumerate(frame):
            if self._shown.get(number) != row:
                self._shown[number] = row
                sent.append(f"\x1b[{number + 1};1H\x1b[2K")
                sent += (_placed(number, piece) for piece in row)
        self._write("".join((_FRAME_BEGINS, *sent, _FRAME_ENDS)))

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self._target, data) :]

    def _listen(self) -> None:
        """Have a changed size wake `events`, and a polite end of the process restore the terminal first."""
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        self._wake_before = signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number in _WAKING:
            self._handlers[number] = signal.signal(number, lambda *_: None)
            signal.siginterrupt(number, False)  # a terminal that a shell withheld (`bg`) is asked for again
        for number in _TERMINATING:
            self._handlers[number] = signal.signal(number, _terminated)

    def _take(self) -> None:
        """Raw mode and the other screen, whatever a shell has set meanwhile."""
        tty.setraw(self._source)
        self._write(_ENTER)

    def _give_back(self) -> None:
        with suppress(OSError):  # the terminal may be gone
            self._write(_LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(self._source, termios.TCSAFLUSH, self._before)

    def _restore(self) -> None:
        self._give_back()
        if self._wake[0] >= 0:
            signal.set_wakeup_fd(self._wake_before)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            for end in self._wake:
                os.close(end)
            self._wake = (-1, -1)


def _placed(row: int, piece: Piece) -> str:
    return f"\x1b[{row + 1};{piece.column + 1}H{_STYLES[piece.style]}{piece.text.translate(_CONTROLS)}\x1b[0m"


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
