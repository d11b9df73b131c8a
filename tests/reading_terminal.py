"""A person at a terminal, for tests: the command in a real pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0
"""Seconds until something awaited must have appeared; a test that passes never waits so long."""
_SEAT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
_RUN = "import sys; from api.cli import main; sys.argv[0] = 'markscheme'; main()"
_START = _SEAT + _RUN
_SHELL = _SEAT + "os.execvp('bash', ['bash', '-c', sys.argv[1]])"
_OURS = re.compile(r"\x1b\[(?:(\d+);(\d+)H|(2[JK])|([0127]?)m|\?(1049|25|7|2004|2026)([hl]))")
_ANY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[^\[\]])")


class Screen:
    """What a terminal shows: just the sequences that the reader may send; anything else is noted as foreign."""

    def __init__(self, width: int, height: int) -> None:
        self.foreign: list[str] = []
        """What was sent on the other screen besides text and the reader's own sequences."""
        self.modes = {"1049": "l", "25": "h", "7": "h", "2004": "l"}
        self.printed = ""
        """What was printed outside the reader."""
        self.reading = False
        self.text = ""
        """The screen at the end of the latest frame."""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows = [[" "] * width for _ in range(height)]
        self.row = self.column = 0

    def feed(self, data: str) -> str:
        """Show data; returns what is cut in the middle and has to come again with the rest."""
        while data:
            if data[0] != "\x1b":
                self._put(data[0])
                data = data[1:]
            elif match := _OURS.match(data):
                self._obey(match)
                data = data[match.end() :]
            elif len(data) < 16 and not _ANY.match(data):
                return data
            else:
                match = _ANY.match(data)
                sequence = match[0] if match else data[0]
                if self.reading:
                    self.foreign.append(sequence)
                data = data[len(sequence) :]
        return ""

    def _obey(self, match: re.Match[str]) -> None:
        row, column, erase, _, mode, switch = match.groups()
        if row:
            self.row, self.column = int(row) - 1, int(column) - 1
        elif erase == "2J":
            self.resize(self.width, self.height)
        elif erase == "2K":
            self.rows[self.row] = [" "] * self.width
        elif mode == "2026":
            if switch == "l":
                self.text = "\n".join("".join(row).rstrip() for row in self.rows)
        elif mode:
            self.modes[mode] = switch
            if mode == "1049":
                self.reading = switch == "h"

    def _put(self, char: str) -> None:
        if not self.reading:
            self.printed += char
        elif unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char not in "\u200c\u200d":
            self.foreign.append(char)
        elif unicodedata.combining(char) or char in "\u200c\u200d\ufe0f":
            pass
        else:
            wide = unicodedata.east_asian_width(char) in "WF"
            if self.column >= self.width or self.row >= self.height:
                self.foreign.append(f"{char!r} beyond the edge")
            else:
                self.rows[self.row][self.column] = char
            self.column += 1
            if wide and self.column < self.width:
                self.rows[self.row][self.column] = ""
                self.column += 1


class Reader:
    """The command in a pseudo-terminal, and a person who presses keys when they have seen what they wait for."""

    def __init__(
        self,
        *arguments: object,
        width: int = 80,
        height: int = 24,
        output: Path | None = None,
        shell: str | None = None,
        term: str = "xterm-256color",
    ) -> None:
        self.screen = Screen(width, height)
        self._cut = ""
        self._master, self._slave = pty.openpty()
        self._set_size(width, height)
        self.modes_before = termios.tcgetattr(self._slave)
        environment = {**os.environ, "TERM": term, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        words = [sys.executable, "-c", _START if shell is None else _RUN, *map(str, arguments)]
        if shell is not None:
            words = [sys.executable, "-c", _SHELL, shell.replace("COMMAND", shlex.join(words))]
        with open(output, "wb") if output else os.fdopen(os.dup(self._slave), "wb") as out:  # noqa: PTH123
            self._process = subprocess.Popen(
                words,
                stdin=self._slave,
                stdout=out,
                stderr=self._slave,
                start_new_session=True,
                env=environment,
            )

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for end in (self._master, self._slave):
            if end >= 0:
                os.close(end)

    @property
    def modes(self) -> list[Any]:
        """The terminal's modes now, as `stty` would show them."""
        return termios.tcgetattr(self._slave)

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self._master, key.encode())

    def sees(self, *texts: str) -> str:
        """Wait until all of these are on the screen; returns the screen."""
        self._until(lambda: all(text in self.screen.text for text in texts), f"{texts} on the screen")
        return self.screen.text

    def turns(self, *keys: str) -> str:
        """Press keys and wait for the screen to change; returns the screen."""
        before = self.screen.text
        self.press(*keys)
        self._until(lambda: self.screen.text != before, f"another screen after {keys}")
        return self.screen.text

    def prints(self, text: str) -> None:
        """Wait until this is printed outside the reader."""
        self._until(lambda: text in self.screen.printed, f"{text!r} printed")

    def redraws(self) -> None:
        """Wait until the whole screen has been drawn anew."""
        self.screen.text = ""
        self._until(lambda: "criterion" in self.screen.text, "the screen drawn anew")

    def stops_and_goes_on(self) -> None:
        """As when a shell stops the command, has the terminal for itself meanwhile, and lets the command go on."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)
        termios.tcsetattr(self._slave, termios.TCSANOW, self.modes_before)
        self.screen.resize(self.screen.width, self.screen.height)
        self.screen.text = ""
        self._process.send_signal(signal.SIGCONT)

    def resize(self, width: int, height: int) -> None:
        self.screen.resize(width, height)
        self.screen.text = ""  # what was on it is no answer to what comes
        self._set_size(width, height)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self._process.send_signal(number)
        self._process.wait(PATIENCE)
        self._drain()

    def closed(self) -> int:
        """Close the terminal, as when its window is shut; returns the command's exit code."""
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1
        return self._process.wait(PATIENCE)

    def ends(self) -> int:
        """Wait for the command's end; returns its exit code."""
        self._until(lambda: self._process.poll() is not None, "the end of the command")
        self._drain()
        return self._process.wait()

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0 or (self._process.poll() is not None and not self._read(0.0) and not holds()):
                shown = f"{self.screen.text}\n--- printed ---\n{self.screen.printed}"
                raise AssertionError(f"waited in vain for {what}; the screen shows\n{shown}")
            self._read(min(left, 0.2))

    def _read(self, timeout: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], timeout)
        if ready:
            data = self._cut + self._decoded(os.read(self._master, 65536))
            self._cut = self.screen.feed(data)
        return bool(ready)

    def _decoded(self, data: bytes) -> str:
        while True:
            try:
                return data.decode()
            except UnicodeDecodeError as error:
                if error.end < len(data) or error.reason != "unexpected end of data":
                    raise
                data += os.read(self._master, 1)

    def _drain(self) -> None:
        while self._read(0.0):
            pass

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
