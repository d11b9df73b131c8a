"""Judgments kept as narrow columns come back whole, sorted, and each in one block."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graders.cells
from graders.cells import Cell, Cells

NUMBERS = st.integers(0, 2) | st.sampled_from([255, 256, 2**31 - 1])
VALUES = st.sampled_from([0, 1, True, False, 0.0, 1.0, -0.0, 3.0, 255.0, 256.0, 0.1, -2.0])
ROWS = st.lists(st.tuples(st.integers(0, 5), NUMBERS, NUMBERS, NUMBERS, st.integers(0, 2), VALUES), max_size=40)
N_ANSWERS = 8


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    """A few judgments a block, so that there are several."""
    before = graders.cells._BLOCK
    graders.cells._BLOCK = 5
    yield
    graders.cells._BLOCK = before


def cells_of(rows: list[Cell], at_once: bool) -> Cells:
    cells = Cells()
    if at_once:
        cells.extend(rows)
    else:
        for row in rows:
            cells.append(*row)
    return cells


@given(ROWS, st.booleans(), st.booleans())
def test_what_was_put_comes_back_sorted(rows: list[Cell], at_once: bool, by_answer: bool) -> None:
    if by_answer:
        rows.sort(key=lambda row: row[0])
    cells = cells_of(rows, at_once)
    assert len(cells) == len(rows)
    back = []
    stop = 0
    for block in cells.blocks(N_ANSWERS):
        assert block.first == stop < block.stop
        stop = block.stop
        assert all(0 <= answer < block.stop - block.first for answer in block.answer.tolist())
        columns = (block.answer + block.first, block.leaf, block.rater, block.repeat, block.says, block.value)
        back += list(zip(block.position.tolist(), *(column.tolist() for column in columns), strict=True))
    assert stop == N_ANSWERS
    wanted = sorted(enumerate(rows), key=lambda row: row[1][:4])
    assert [(at, *map(float, row)) for at, row in wanted] == [(at, *map(float, row)) for at, *row in back]
    signs = [str(float(row[5])) for _, row in wanted]
    assert signs == [str(float(row[-1])) for row in back]


@given(ROWS, st.booleans())
def test_repeated_cells_are_found_with_the_earlier_first(rows: list[Cell], at_once: bool) -> None:
    places: dict[tuple[int, ...], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row[:4], []).append(place)
    wanted = [pair for _, same in sorted(places.items()) for pair in pairwise(same)]
    assert list(cells_of(rows, at_once).repeated()) == wanted


def test_an_answer_with_many_judgments_is_in_one_block() -> None:
    cells = cells_of([(1, leaf, 0, 0, 0, 1.0) for leaf in range(20)], at_once=True)
    assert [(block.first, block.stop, len(block.position)) for block in cells.blocks(3) if len(block.position)] == [
        (0, 2, 20)
    ]


def test_a_verdict_of_met_or_not_met_takes_nine_bytes() -> None:
    cells = cells_of([(answer, 1, 0, 0, 0, float(answer % 2)) for answer in range(10)], at_once=True)
    assert sum(column.itemsize for column in cells._columns) == 9
