"""What a terminal sends, as keys: one name each, whatever sequence of bytes it came as."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

PASTE = "paste"

_NAMED = {
    "[A": "up", "[B": "down", "[C": "right", "[D": "left", "[H": "home", "[F": "end", "[Z": "tab-back",
    "OA": "up", "OB": "down", "OC": "right", "OD": "left", "OH": "home", "OF": "end", "OM": "enter",
    "[1~": "home", "[3~": "delete", "[4~": "end", "[5~": "page-up", "[6~": "page-down", "[7~": "home", "[8~": "end",
}  # fmt: skip
_CONTROL = {
    "\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "\x03": "ctrl-c",
    "\x04": "ctrl-d", "\x0c": "ctrl-l", "\x15": "ctrl-u", "\x17": "ctrl-w", "\x01": "home", "\x05": "end",
    "\x1a": "ctrl-z",
}  # fmt: skip
_REPLY = r"[\]PX^_][^\x07\x1b]*"
"""A terminal's answer to what an earlier program asked: its text is none of the person's keys."""
_SEQUENCE = re.compile(rf"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|{_REPLY}(?:\x07|\x1b\\)|[^\[O\]PX^_])")
_BEGUN = re.compile(rf"\x1b(?:\[[0-?]*[ -/]*|O|{_REPLY}\x1b?)?")
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"


@dataclass(frozen=True, slots=True)
class Key:
    """A key: the character it types, or its name (`enter`, `up`, `ctrl-c`); for `paste` also the text."""

    name: str
    text: str = ""


class KeyDecoder:
    """Turns bytes into keys; a sequence that is cut in the middle waits for its rest."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("ignore")
        self._pending = ""

    @property
    def waits(self) -> bool:
        """Whether what has come may be a key of its own, or the beginning of more: an Escape, a Ctrl-C in a paste."""
        return bool(self._pending) and (not self._pasting or self._pending.endswith("\x03"))

    @property
    def _pasting(self) -> bool:
        return self._pending.startswith(_PASTE_BEGINS)

    def feed(self, data: bytes) -> Iterator[Key]:
        """The keys that are complete with these bytes."""
        self._pending += self._utf8.decode(data)
        while self._pending:
            if self._pasting:
                if (key := self._pasted()) is None:
                    return
                yield key
            elif self._pending[0] != "\x1b":
                char, self._pending = self._pending[0], self._pending[1:]
                yield from _typed(char)
            elif match := _SEQUENCE.match(self._pending):
                if match[0].endswith("\x1b"):  # Escape twice: the second may begin a sequence
                    self._pending = self._pending[1:]
                    yield Key("escape")
                    continue
                self._pending = self._pending[match.end() :]
                yield from _sequence(match[0][1:])
            elif _BEGUN.fullmatch(self._pending):
                return
            else:
                self._pending = self._pending[1:]

    def flush(self) -> Iterator[Key]:
        """Nothing more came: a lone Escape was the Escape key, a cut sequence was none.

        A Ctrl-C that ends what was pasted so far was pressed: should the paste's own end be lost, it still leads out.
        """
        came, self._pending = self._pending, ""
        if came == "\x1b":
            yield Key("escape")
        elif came.endswith("\x03"):
            yield Key("ctrl-c")

    def forget(self) -> None:
        """Drop what is incomplete."""
        self._utf8.reset()
        self._pending = ""

    def _pasted(self) -> Key | None:
        end = self._pending.find(_PASTE_ENDS)
        if end < 0:
            return None
        text = self._pending[len(_PASTE_BEGINS) : end]
        self._pending = self._pending[end + len(_PASTE_ENDS) :]
        return Key(PASTE, text)


def _typed(char: str) -> Iterator[Key]:
    if char in _CONTROL:
        yield Key(_CONTROL[char])
    elif char.isprintable() or char in "\u200c\u200d":
        yield Key(char)


def _sequence(code: str) -> Iterator[Key]:
    plain = re.sub(r"^\[1;\d+", "[", code)  # with Shift, Alt or Control held
    if plain in _NAMED:
        yield Key(_NAMED[plain])
