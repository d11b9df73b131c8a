"""Answers kept as columns are found again under their own key and under no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graders.answer_table import AnswerTable

EXAMPLES = ["e0", "e1", "e2"]
KEYS = st.tuples(st.integers(0, 2), st.sampled_from(["m", "n"]), st.integers(0, 4) | st.just(2**31 - 1))
GRIDS = st.sampled_from(
    [
        [(example, model, sample) for model in "mn" for example in range(3) for sample in range(4)],
        [(example, model, sample) for model in "mn" for sample in range(4) for example in range(3)],
        [(example, model, sample) for sample in range(4) for example in range(3) for model in "mn"],
        [(example, model, sample) for example in range(3) for model in "mn" for sample in reversed(range(4))],
    ]
)
"""Orders in which a sampler may write its answers."""


def rules_of(place: int) -> tuple[bool, ...]:
    return (True,) * (place % 3)


@given(st.lists(KEYS, unique=True) | GRIDS.flatmap(lambda keys: st.lists(st.sampled_from(keys), unique=True)) | GRIDS)
def test_every_answer_is_found_where_it_was_put(keys: list[tuple[int, str, int]]) -> None:
    table = AnswerTable()
    for place, (example, model, sample) in enumerate(keys):
        assert table.find(EXAMPLES[example], model, sample) is None
        table.add(example, EXAMPLES[example], model, sample, f"{place:016x}", rules_of(place))
    places = {(example, model, sample): place for place, (example, model, sample) in enumerate(keys)}
    for example, name in enumerate(EXAMPLES):
        for model in "mno":
            for sample in (*range(7), 2**31 - 1):
                assert table.find(name, model, sample) == places.get((example, model, sample))
    assert table.find("e9", "m", 0) is None
    assert len(table) == len(keys)
    for place, (example, model, sample) in enumerate(keys):
        assert (table.example[place], table.model(place), table.sample[place]) == (example, model, sample)
        assert (table.hash(place), table.rules(place)) == (f"{place:016x}", rules_of(place))


@given(st.lists(KEYS, unique=True))
def test_each_answerer_has_its_answers_in_their_order(keys: list[tuple[int, str, int]]) -> None:
    table = AnswerTable()
    for place, (example, model, sample) in enumerate(keys):
        table.add(example, EXAMPLES[example], model, sample, f"{place:016x}", ())
    by_model = {name: places.tolist() for name, places in table.by_model().items()}
    models = sorted({model for _, model, _ in keys})
    assert list(by_model) == models == table.models
    assert by_model == {name: [place for place, key in enumerate(keys) if key[1] == name] for name in models}
