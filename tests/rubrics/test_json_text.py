"""Strict JSON: what json.loads reads is read the same, and what it lets pass is found and placed."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rubrics import JsonSyntaxError, canonical_json, parse_json
from rubrics.json_text import MAX_DEPTH, Fault, child_path, parse_plain_line
from tests.rubrics.strategies import json_values


@settings(deadline=None)
@given(json_values, st.booleans(), st.sampled_from([None, 2]))
def test_valid_json_is_read_as_json_loads_reads_it(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    parsed, faults = parse_json(text)
    assert faults == []
    assert repr(parsed) == repr(json.loads(text))


@settings(deadline=None)
@given(json_values, st.data())
def test_spoilt_json_is_refused_where_json_loads_refuses_it(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, indent=data.draw(st.sampled_from([None, 2])))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(start + 3, len(text))))
    spoilt = text[:start] + data.draw(st.text("{}[]\",:\\'“0a+.\n\t", max_size=3)) + text[end:]
    try:
        expected = json.loads(spoilt)
    except json.JSONDecodeError:
        with pytest.raises(JsonSyntaxError) as refused:
            parse_json(spoilt)
        lines = spoilt.split("\n")
        assert 1 <= refused.value.line <= len(lines)
        assert 1 <= refused.value.column <= len(lines[refused.value.line - 1]) + 1
    else:
        parsed, faults = parse_json(spoilt)
        assert faults or repr(parsed) == repr(expected)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{"a": 1, "a": 1}', [Fault("$", "key 'a' stands more than once, expected once")]),
        ('{"a": 1, "a": 2, "a": 3}', [Fault("$", "key 'a' stands more than once, expected once")]),
        (
            '{"a": 1, "a": {"b": [{"c": 1, "c": 2}]}}',
            [
                Fault("$", "key 'a' stands more than once, expected once"),
                Fault("$.a.b[0]", "key 'c' stands more than once, expected once"),
            ],
        ),
        ("NaN", [Fault("$", "got NaN, expected a finite number")]),
        ("[-Infinity]", [Fault("$[0]", "got -Infinity, expected a finite number")]),
        ('{"a": 1e999}', [Fault("$.a", "got 1e999, expected a finite number")]),
        ('{"a b": -1e999}', [Fault('$["a b"]', "got -1e999, expected a finite number")]),
        ("9" * 5000, [Fault("$", "got 999999999999…, expected a finite number")]),
        (
            r'"\ud800"',
            [Fault("$", r"the text holds half of a surrogate pair (\ud800), expected a whole character")],
        ),
        (
            r'"\udc00\ud800"',
            [Fault("$", r"the text holds half of a surrogate pair (\udc00), expected a whole character")],
        ),
        (r'["\u0000"]', [Fault("$[0]", r"the text holds the character NUL (\u0000), expected none")]),
        (r'{"\u0000": 1}', [Fault("$", r"a key holds the character NUL (\u0000), expected none")]),
    ],
)
def test_a_fault_that_other_readers_let_pass_is_found_with_its_path(text: str, faults: list[Fault]) -> None:
    assert parse_json(text)[1] == faults


@pytest.mark.parametrize(
    "text",
    [r'"😀"', r'"\\ud800"', r'"\\u0000"', "1e308", "-0.0", "1e-999", "9" * 300, '{"": {"a": 1}, "b": {"a": 1}}'],
)
def test_what_only_looks_like_a_fault_is_accepted(text: str) -> None:
    assert parse_json(text) == (json.loads(text), [])


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH])
def test_brackets_may_be_nested_sixty_four_deep(depth: int) -> None:
    assert parse_json("[" * depth + "]" * depth)[1] == []


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 900, 5_000, 200_000])
def test_deeper_brackets_are_refused_at_the_first_that_is_too_deep(depth: int) -> None:
    with pytest.raises(JsonSyntaxError) as refused:
        parse_json('{"brackets in a text": "[[[[",\n' + '"a":' + "[" * depth + "]" * depth + "}")
    assert (refused.value.line, refused.value.column) == (2, 4 + MAX_DEPTH)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert parse_json("[" + ",".join(["[]"] * 100_000) + "]")[1] == []


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_is_no_json(text: str) -> None:
    with pytest.raises(JsonSyntaxError, match="there is nothing here"):
        parse_json(text)


@pytest.mark.parametrize(
    ("key", "path"),
    [("points", "$.points"), ("$schema", "$.$schema"), ("a b", '$["a b"]'), ("", '$[""]'), ('"', '$["\\""]')],
)
def test_a_path_quotes_a_key_that_would_mislead(key: str, path: str) -> None:
    assert child_path("$", key) == path


@settings(deadline=None)
@given(json_values)
def test_canonical_json_says_the_same_and_does_not_depend_on_the_order_of_keys(value: Any) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text, object_pairs_hook=lambda pairs: dict(reversed(pairs)))) == text


FLAT_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.dictionaries(st.text(), FLAT_VALUES | json_values), st.booleans())
def test_the_fast_reader_of_plain_lines_agrees_with_the_strict_one(value: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        return
    fast = parse_plain_line(raw)
    if fast is not None:
        strict, faults = parse_json(text)
        assert (fast, faults) == (strict, [])
        assert repr(fast) == repr(strict)


@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00")), json_values))
def test_what_orjson_writes_is_plain_up_to_integers_of_64_bits(value: dict[str, Any]) -> None:
    try:
        raw = orjson.dumps(value)
    except TypeError:  # a larger integer
        return
    assume(b"\\u0000" not in raw)  # a text that spells the escape of a NUL is left to the strict reader
    assert repr(parse_plain_line(raw)) == repr(value)


def test_depth_is_counted_in_plain_lines_too() -> None:
    deepest = b'{"a": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    deeper = b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"
    assert parse_plain_line(deepest) is not None
    assert parse_plain_line(deeper) is None
    assert parse_plain_line(b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}") is None


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1, "a": 1}',
        '{"a": "x", "b": 1, "a": "x"}',
        '{"a": 1, "": 2, "": 3}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": 123456789012345678901}',
        '{"a": "\\u0061"}',
        '{"a": {"b": 1, "b": 1}}',
        '{"a": [{"b": "x", "c": 1, "b": "x"}]}',
        '{"a": [1e999, {"b": 123456789012345678901}]}',
        '{"a": ["\\u0000"]}',
        "[1]",
        "1",
        "",
        '{"a": 1} {"b": 2}',
    ],
)
def test_the_fast_reader_leaves_what_is_not_plain_to_the_strict_one(line: str) -> None:
    assert parse_plain_line(line.encode()) is None
