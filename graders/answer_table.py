"""What scoring keeps of answers as columns, and where each answer stands: a hundred thousand are a few megabytes."""

from __future__ import annotations

from array import array

import numpy as np

from graders.scoring.points import Places

_HASH_BYTES = 8

Spots = int | range | dict[int, int]
"""Where an answerer's samples of one example stand: sample 0 only, samples 0 … n − 1 evenly apart, or any."""


class AnswerTable:
    """The answers of a batch, numbered in the order in which they came."""

    def __init__(self) -> None:
        self.example = array("i")
        """For each answer the number of its example."""
        self.sample = array("i")
        """For each answer its sample."""
        self._model = array("i")
        self._hashes = bytearray()
        self._rules: list[tuple[bool, ...]] = []
        self._known_rules: dict[tuple[bool, ...], tuple[bool, ...]] = {}
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._spots: dict[str, dict[str, Spots]] = {}
        """By answerer and example id."""

    def __len__(self) -> int:
        return len(self.example)

    def add(
        self, example: int, example_id: str, model: str, sample: int, answer_hash: str, rules: tuple[bool, ...]
    ) -> None:
        """The next answer: of which example, by whom, its hash (16 hex digits) and what the rules say of it."""
        number = self._numbers.get(model)
        if number is None:
            number = self._numbers[model] = len(self._names)
            self._names.append(model)
            self._spots[model] = {}
        spots = self._spots[model]
        spots[example_id] = _with(spots.get(example_id), sample, len(self))
        self.example.append(example)
        self.sample.append(sample)
        self._model.append(number)
        self._hashes += bytes.fromhex(answer_hash)
        self._rules.append(self._known_rules.setdefault(rules, rules))

    def find(self, example_id: str, model: str, sample: int) -> int | None:
        """The number of an answer; None where there is none."""
        spots = self._spots.get(model)
        found = None if spots is None else spots.get(example_id)
        if type(found) is range:
            return found[sample] if 0 <= sample < len(found) else None
        if type(found) is int:
            return None if sample else found
        return None if found is None else found.get(sample)  # type: ignore[union-attr]

    def has_model(self, model: str) -> bool:
        """Whether an answerer was met."""
        return model in self._numbers

    def model(self, place: int) -> str:
        """Who gave an answer."""
        return self._names[self._model[place]]

    def hash(self, place: int) -> str:
        """An answer's hash, 16 hex digits."""
        return self._hashes[place * _HASH_BYTES : (place + 1) * _HASH_BYTES].hex()

    def rules(self, place: int) -> tuple[bool, ...]:
        """What the rules say of an answer, in the order of its rubric's checks."""
        return self._rules[place]

    @property
    def models(self) -> list[str]:
        """The answerers, sorted."""
        return sorted(self._names)

    def by_model(self) -> dict[str, Places]:
        """The numbers of each answerer's answers, ascending; answerers sorted."""
        numbers = np.array(self._model, dtype=np.int32)
        order = np.argsort(numbers, kind="stable")
        edges = np.searchsorted(numbers[order], np.arange(len(self._names) + 1, dtype=np.int32))
        return {name: order[edges[number] : edges[number + 1]] for name, number in sorted(self._numbers.items())}


def _with(spots: Spots | None, sample: int, place: int) -> Spots:
    """The spots with one more sample, which is not among them."""
    if spots is None:
        return place if sample == 0 else {sample: place}
    if isinstance(spots, int):
        if sample == 1:
            return range(spots, 2 * place - spots, place - spots)
        return {0: spots, sample: place}
    if isinstance(spots, range):
        if sample == len(spots) and place == spots[-1] + spots.step:
            return range(spots.start, place + spots.step, spots.step)
        spots = dict(enumerate(spots))
    spots[sample] = place
    return spots
