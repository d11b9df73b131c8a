"""A judge's reply, read strictly: it is exactly what was asked for, or it is no verdict at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from graders.judgment import Verdict
from rubrics import Criterion, GraderError, JsonSyntaxError, parse_json, show

_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_KEYS = frozenset({"criterion", "explanation", "evidence", "met", "option", "value", "status"})


def parse_reply(text: str, criteria: Sequence[Criterion], *, materials: Iterable[str] = ()) -> list[Verdict]:
    """One verdict for each criterion asked, in that order; evidence is as the judge gave it, not yet checked.

    Raises GraderError("parse") where the reply is anything else: the message says what. A reply that stands in one
    of the `materials`, the texts that the judge was shown, is an echo and no verdict.
    """
    body = text.strip()
    if fenced := _FENCE.fullmatch(body):
        body = fenced[1].strip()
    value = _one_object(body)
    if _is_echo(body, value, materials):
        raise _unusable("the reply repeats what stands in the material, a verdict must be your own")
    entries = _entries_by_position(value, len(criteria))
    return [
        _verdict(entries[f"c{number}"], f"c{number}", criterion) for number, criterion in enumerate(criteria, start=1)
    ]


def _unusable(message: str) -> GraderError:
    return GraderError("parse", message)


def _one_object(body: str) -> dict[str, Any]:
    value = _parsed(body)
    if not isinstance(value, dict) or set(value) != {"verdicts"}:
        raise _unusable(f"got {show(value)}, expected one JSON object with the key 'verdicts' alone")
    return value


def _parsed(body: str) -> Any:
    if not body:
        raise _unusable("the reply is empty, expected one JSON object")
    try:
        value, faults = parse_json(body)
    except JsonSyntaxError as error:
        raise _unusable(f"the reply is no JSON object (line {error.line}, column {error.column}: {error})") from None
    if faults:
        raise _unusable(f"{faults[0].path}: {faults[0].message}")
    return value


def _is_echo(body: str, value: Any, materials: Iterable[str]) -> bool:
    """Whether the reply was shown to the judge, spaces and line ends apart: an answer may hold a filled-in reply."""
    replies: set[str] | None = None
    for material in materials:
        if "{" not in material:
            continue
        if replies is None:
            spellings = (body, json.dumps(value, ensure_ascii=False), json.dumps(value))
            replies = {"".join(spelling.split()) for spelling in spellings}
        squeezed = _squeezed(material)
        if any(reply in squeezed for reply in replies):
            return True
    return False


@lru_cache(maxsize=64)  # all calls of an answer are held against the same material
def _squeezed(text: str) -> str:
    return "".join(text.split())


def _entries_by_position(value: Mapping[str, Any], count: int) -> dict[str, dict[str, Any]]:
    """The entries by their ids; every criterion asked has one, and there is none besides."""
    entries = value["verdicts"]
    if not isinstance(entries, list):
        raise _unusable(f"$.verdicts: got {show(entries)}, expected a list")
    asked = [f"c{number}" for number in range(1, count + 1)]
    found: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(entries):
        place = f"$.verdicts[{index}]"
        if not isinstance(entry, dict):
            raise _unusable(f"{place}: got {show(entry)}, expected an object")
        position = entry.get("criterion")
        if not isinstance(position, str) or position not in asked:
            raise _unusable(f"{place}.criterion: got {show(position)}, expected one of {', '.join(asked)}")
        if position in found:
            raise _unusable(f"{place}.criterion: {position!r} has a verdict already")
        if unknown := sorted(set(entry) - _KEYS):
            raise _unusable(f"{place}: unknown key {show(unknown[0])}")
        found[position] = entry
    if missing := [position for position in asked if position not in found]:
        raise _unusable(f"$.verdicts: there is no verdict on {', '.join(missing)}")
    return found


def _verdict(entry: Mapping[str, Any], position: str, criterion: Criterion) -> Verdict:
    """An entry as a verdict. A null is as good as an absent key: strict schemas make every key stand there."""
    given = {key: entry[key] for key in ("met", "option", "value") if entry.get(key) is not None}
    said: dict[str, Any] = {"criterion_id": criterion.id}
    if (explanation := entry.get("explanation")) is not None:
        if not isinstance(explanation, str):
            raise _unusable(f"{position}.explanation: got {show(explanation)}, expected text")
        said["explanation"] = explanation
    if evidence := _evidence(entry, position):
        said["evidence"] = evidence
    status = entry.get("status")
    if status is None or status == "judged":
        key = _key_of(criterion)
        if list(given) != [key]:
            got = " and ".join(given) or "none"
            raise _unusable(f"{position}: got {got} of met, option, value, expected {key!r} alone")
        said[key] = _on_scale(given[key], criterion, f"{position}.{key}")
        return Verdict(**said)
    allowed = ["abstained", "not_applicable"] if criterion.may_not_apply else ["abstained"]
    if status not in allowed:
        expected = " or ".join(map(repr, allowed))
        raise _unusable(f"{position}.status: got {show(status)}, expected {expected}, or a verdict")
    if given:
        raise _unusable(f"{position}: got {next(iter(given))!r} beside the status {status!r}, expected one of them")
    return Verdict(**said, status=status)


def _evidence(entry: Mapping[str, Any], position: str) -> tuple[str, ...]:
    quotes = entry.get("evidence")
    if quotes is None:
        return ()
    if not isinstance(quotes, list) or not all(isinstance(quote, str) for quote in quotes):
        raise _unusable(f"{position}.evidence: got {show(quotes)}, expected a list of quotes")
    return tuple(quotes)


def _key_of(criterion: Criterion) -> str:
    match criterion.scale.type:
        case "binary":
            return "met"
        case "ordinal" | "nominal":
            return "option"
        case "number" | "count":
            return "value"


def _on_scale(value: Any, criterion: Criterion, place: str) -> bool | str | int | float:
    """The verdict, if the scale has it: never rounded, clamped or read from a text."""
    scale = criterion.scale
    if scale.type == "binary":
        if isinstance(value, bool):
            return value
        expected = "true or false"
    elif scale.type == "ordinal" or scale.type == "nominal":
        labels = [option.label for option in scale.options]
        if isinstance(value, str) and value in labels:
            return value
        expected = f"one of {', '.join(map(repr, labels))}"
    elif scale.type == "number":
        if isinstance(value, int | float) and not isinstance(value, bool) and scale.min <= value <= scale.max:
            return value
        expected = f"a number from {scale.min} to {scale.max}"
    else:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return min(value, scale.max_count)
        expected = "a whole number from 0"
    raise _unusable(f"{place}: got {show(value)}, expected {expected}")


def parse_single(text: str, criterion: Criterion, *, materials: Iterable[str] = ()) -> Verdict:
    """HealthBench's reply, `{"explanation": "…", "criteria_met": true}`: nothing else is a verdict.

    Raises GraderError("parse") as `parse_reply` does.
    """
    body = text.strip()
    if fenced := _FENCE.fullmatch(body):
        body = fenced[1].strip()
    value = _parsed(body)
    if not isinstance(value, dict) or "criteria_met" not in value:
        raise _unusable(f"got {show(value)}, expected one JSON object with explanation and criteria_met")
    if _is_echo(body, value, materials):
        raise _unusable("the reply repeats what stands in the material, a verdict must be your own")
    if unknown := sorted(set(value) - {"explanation", "criteria_met"}):
        raise _unusable(f"unknown key {show(unknown[0])}")
    met, explanation = value["criteria_met"], value.get("explanation")
    if not isinstance(met, bool):
        raise _unusable(f"criteria_met: got {show(met)}, expected true or false")
    if explanation is not None and not isinstance(explanation, str):
        raise _unusable(f"explanation: got {show(explanation)}, expected text")
    return Verdict(criterion_id=criterion.id, met=met, explanation=explanation)
