"""Strict JSON: what other readers pass silently (duplicate keys, NaN, 1e999, lone surrogates) is found and placed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

import orjson

MAX_DEPTH = 64
"""Deepest nesting of brackets that is read."""

_SUSPECT_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_BACKSLASH = ord("\\")
_BLANKS = b" \t\r\n"
_FLAT = frozenset({str, int, bool, type(None)})
"""Floats are not among them: orjson reads whole numbers beyond 64 bits as such."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"[\w.+-]{1,24}")
_BRACKETS_AND_STRINGS = re.compile(r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault inside JSON that parses: where it is and what is wrong."""

    path: str
    message: str


class JsonSyntaxError(ValueError):
    """The text is not JSON; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class _FaultFound(Exception):
    """Leaves the fast parse; the slow one then collects every fault with its path."""


class _Duplicated(dict[str, Any]):
    """An object with a repeated key (the last value is kept, as elsewhere)."""

    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where a number was that JSON or double precision does not have; no field accepts it."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _fast_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _FaultFound
    return value


def _fast_float(text: str) -> float:
    value = float(text)
    if value - value != 0.0:
        raise _FaultFound
    return value


def _fast_constant(_text: str) -> Any:
    raise _FaultFound


def _slow_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = _Duplicated(pairs)
    if len(value) == len(pairs):
        return dict(value)
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for key, _ in pairs:
        if key in seen:
            repeated[key] = None
        seen.add(key)
    value.repeated = tuple(repeated)
    return value


def _slow_float(text: str) -> float | Unreadable:
    value = float(text)
    return value if value - value == 0.0 else Unreadable(text)


def _slow_int(text: str) -> int | Unreadable:
    try:
        return int(text)
    except ValueError:  # Python reads at most 4,300 digits
        return Unreadable(text[:12] + "…")


_FAST = json.JSONDecoder(object_pairs_hook=_fast_object, parse_float=_fast_float, parse_constant=_fast_constant)
_SLOW = json.JSONDecoder(
    object_pairs_hook=_slow_object, parse_float=_slow_float, parse_int=_slow_int, parse_constant=Unreadable
)


def parse_plain_line(raw: bytes) -> dict[str, Any] | None:
    """A line that is one object, at a third of the strict parser's cost; None where only that one can tell.

    Plain: written out again, the object gives the same line, blanks aside. A repeated key would be missing then, and a
    number that double precision does not have would read otherwise. A flat object needs no writing: without escapes
    every quote mark delimits a key or a text, and a repeated key would leave more of them than there are ends.

    >>> parse_plain_line(b'{"met": true}'), parse_plain_line(b'{"met": true, "met": true}')
    ({'met': True}, None)
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(value) is not dict:
        return None
    kinds = [*map(type, value.values())]
    escapes = _BACKSLASH in raw
    if not escapes and _FLAT.issuperset(kinds) and raw.count(b'"') == 2 * (len(kinds) + kinds.count(str)):
        return value
    if escapes and b"\\u0000" in raw:
        return None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _is_too_deep(value):
        return None
    return value if orjson.dumps(value).translate(None, _BLANKS) == raw.translate(None, _BLANKS) else None


def parse_json(text: str) -> tuple[Any, list[Fault]]:
    """Parse one JSON value; the second part lists every fault that plain JSON readers let pass.

    >>> parse_json('{"points": 1, "points": 2}')
    ({'points': 2}, [Fault(path='$', message="key 'points' stands more than once, expected once")])

    Raises JsonSyntaxError (line and column) where the text is no JSON at all.
    """
    slow = False
    try:
        try:
            value = _FAST.decode(text)
        except (_FaultFound, ValueError) as fault:
            if isinstance(fault, json.JSONDecodeError):
                raise
            slow = True
            value = _SLOW.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax_error(error) from None
    except RecursionError:
        raise _too_deep(text) from None
    too_many_brackets = text.count("{") + text.count("[") > MAX_DEPTH
    if too_many_brackets and _is_too_deep(value):
        raise _too_deep(text)
    if slow or _SUSPECT_ESCAPE.search(text):
        return value, list(_faults(value, "$"))
    return value, []


def _syntax_error(error: json.JSONDecodeError) -> JsonSyntaxError:
    text, position, message = error.doc, error.pos, error.msg
    before = text[:position].rstrip()
    closes = text[position : position + 1] in ("}", "]")
    got = ""
    if message.startswith("Expecting") and text.strip():
        # Where the text ends too early is in its last line, not on the empty one that a line end makes.
        ends = not text[position:].strip()
        position = len(text.rstrip()) if ends else position
        got = "the text ends here" if ends else f"got {_token(text, position)}"
    if message.startswith("Illegal trailing comma") or (before.endswith(",") and closes):
        # Python 3.13 points at the comma, earlier ones at the bracket: one place for all of them.
        position = position if text[position : position + 1] == "," else len(before) - 1
        message = "got a comma before a closing bracket, expected none"
    elif not text.strip():
        message = "there is nothing here"
    elif message == "Extra data":
        message = f"got {_token(text, position)} after the end of the JSON value, expected nothing more"
    elif message.startswith("Expecting property name"):
        message = f"{got}, expected a key in double quotes"
    elif message.startswith("Expecting value"):
        message = f"{got}, expected a value{_value_hint(text, position)}"
    elif message.startswith("Expecting ',' delimiter"):
        message = f"{got}, expected a comma or a closing bracket"
    elif message.startswith("Expecting ':' delimiter"):
        message = f"{got}, expected a colon after the key"
    elif message.startswith("Unterminated string"):
        message = "this text does not end, expected a double quote after it"
    elif message.startswith("Invalid control character") and text[position] in "\r\n":
        message = "the line ends inside a text, expected a double quote (a line break in a text is written \\n)"
    elif message.startswith("Invalid control character"):
        code = f"{ord(text[position]):04x}"
        escape = "\\t" if text[position] == "\t" else f"\\u{code}"
        message = f"control character U+{code.upper()} inside a text, expected it written as {escape}"
    elif message.startswith("Invalid \\"):
        message = 'a backslash that starts no escape, expected \\\\ (for a backslash) or \\" (for a quote)'
    else:
        message = message[:1].lower() + message[1:]
    return _error_at(message, text, position)


def _error_at(message: str, text: str, position: int) -> JsonSyntaxError:
    line = text.count("\n", 0, position) + 1
    return JsonSyntaxError(message, line, position - text.rfind("\n", 0, position))


def _token(text: str, position: int) -> str:
    char = text[position]
    if char in "“”„‟«»":
        return "a curly quote"
    if char in "'‘’‚":
        return "a single quote"
    if char == '"':
        return "a double quote"
    if text.startswith(("//", "/*", "#"), position):
        return "a comment, which JSON does not have"
    word = _WORD.match(text, position)
    return repr(word[0] if word else char)


def _value_hint(text: str, position: int) -> str:
    if position == len(text) or text[position] in ",:]}":
        return ""
    word = _WORD.match(text, position)
    if word and (lower := {"True": "true", "False": "false", "None": "null"}.get(word[0])):
        return f", did you mean {lower}?"
    if word and not word[0][0].isalpha():
        return " (numbers are written like 5, -5 or 0.5)"
    return " (text stands in double quotes)"


def _too_deep(text: str) -> JsonSyntaxError:
    """The error at the first bracket that is too deep."""
    depth = 0
    for mark in _BRACKETS_AND_STRINGS.finditer(text):
        if mark[0] in "[{":
            depth += 1
        elif mark[0] in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            return _error_at(
                f"brackets nested deeper than {MAX_DEPTH} levels, expected at most {MAX_DEPTH}", text, mark.start()
            )
    return _error_at(f"brackets nested deeper than {MAX_DEPTH} levels, expected at most {MAX_DEPTH}", text, 0)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        level = [item for item in deeper if isinstance(item, dict | list)]
    return bool(level)


def _faults(value: Any, path: str) -> Iterator[Fault]:
    if isinstance(value, dict):
        if isinstance(value, _Duplicated):
            for key in value.repeated:
                yield Fault(path, f"key {key!r} stands more than once, expected once")
        for key, item in value.items():
            if problem := text_problem(key):
                yield Fault(path, f"a key holds {problem}")
            yield from _faults(item, child_path(path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, f"{path}[{index}]")
    elif isinstance(value, str):
        if problem := text_problem(value):
            yield Fault(path, f"the text holds {problem}")
    elif isinstance(value, Unreadable):
        yield Fault(path, f"got {value!r}, expected a finite number")


def text_problem(text: str) -> str | None:
    """What makes a text unfit to be stored: a lone surrogate or NUL; None where it is fine."""
    if "\x00" in text:
        return "the character NUL (\\u0000), expected none"
    if not text.isascii() and (half := _SURROGATE.search(text)):
        return f"half of a surrogate pair (\\u{ord(half[0]):04x}), expected a whole character"
    return None


def child_path(path: str, key: str) -> str:
    """The JSON path of one member: `$.criteria`, or `$["a key"]` where a dot would mislead."""
    if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", key):
        return f"{path}.{key}"
    return f"{path}[{json.dumps(key, ensure_ascii=True)}]"


def canonical_text(text: str) -> bytes:
    """`canonical_json` of a text, at a fraction of its cost."""
    return encode_basestring(text).encode("utf-8", "surrogatepass")


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: Any) -> bytes:
    """The one spelling of a JSON value that hashes are made of: sorted keys, no spaces, UTF-8."""
    return _canonical(value).encode("utf-8", "surrogatepass")
