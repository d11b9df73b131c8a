"""The graders of a run as it remembers them, and in what others differ from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from api.store.row import json_text
from graders import GraderCard
from rubrics import StoreError, show

_ABSENT = object()


def roster_text(cards: Sequence[GraderCard]) -> str:
    """The cards as a run stores them, each with its fingerprint; StoreError where two have one name."""
    names = [card.name for card in cards]
    for name in names:
        if names.count(name) > 1:
            raise StoreError(f"two graders of the run are called {name!r}, expected names that differ")
    return json_text([{**card.as_json(), "fingerprint": card.fingerprint} for card in cards], "the graders")


def roster_of(text: str) -> tuple[GraderCard, ...]:
    """The cards of a stored roster."""
    return tuple(
        GraderCard(**{key: value for key, value in card.items() if key != "fingerprint"}) for card in json.loads(text)
    )


def differences(then: Sequence[GraderCard], now: Sequence[GraderCard]) -> Iterator[str]:
    """In what the graders of now differ from those of the run, one line for each field."""
    before, after = ({card.name: card for card in cards} for cards in (then, now))
    for name, card in before.items():
        if name not in after:
            yield f"{name}: in the run, not now"
        elif card.fingerprint != after[name].fingerprint:
            yield from _card_differences(card, after[name])
    for name in after:
        if name not in before:
            yield f"{name}: not in the run, new now"


def _card_differences(then: GraderCard, now: GraderCard) -> Iterator[str]:
    before, after = dict(_fields(_plain(then))), dict(_fields(_plain(now)))
    for field in [*before, *(field for field in after if field not in before)]:
        old, new = before.get(field, _ABSENT), after.get(field, _ABSENT)
        if old != new or type(old) is not type(new):
            yield f"{then.name} {field}: {_words(old)} in the run, {_words(new)} now"


def _plain(card: GraderCard) -> dict[str, Any]:
    # Through JSON, so that a tuple of now equals the list that was stored. The kind makes no verdict.
    fields: dict[str, Any] = json.loads(json_text(card.as_json(), f"grader {card.name!r}"))
    return {name: value for name, value in fields.items() if name not in ("name", "kind")}


def _fields(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, dict) and item:
            yield from _fields(item, f"{prefix}{name}.")
        else:
            yield prefix + name, item


def _words(value: object) -> str:
    return "absent" if value is _ABSENT else show(value)
