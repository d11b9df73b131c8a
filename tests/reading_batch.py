"""A person who reads the small batch in a pseudo-terminal, for tests, and what the ledger holds of it."""

import contextlib
from collections.abc import Iterator
from typing import Any

from api.store import Store
from graders import Judgment
from tests.batch import RUBRIC, Files, write_lines
from tests.reading_terminal import Reader


def one_answer(files: Files, text: str, criteria: Any = RUBRIC["criteria"], **example: Any) -> Files:
    """The batch reduced to a single answer."""
    write_lines(
        files.dataset, [{"id": "e1", "prompt": "Question e1", "rubric": {"id": "r", "criteria": criteria}, **example}]
    )
    write_lines(files.answers, [{"example_id": "e1", "model": "marker-model", "text": text}])
    return files


def reader(files: Files, *more: object, rater: str = "ann", **terminal: Any) -> Reader:
    arguments = ["--grader", "human", "--rater", rater, "--run", "r", *files.options, *more]
    return Reader("grade", files.dataset, files.answers, *arguments, **terminal)


def ledger(files: Files) -> list[Judgment]:
    with Store(files.store) as store, contextlib.suppress(StopIteration):
        return list(store.find_run("r").judgments(current=False))
    return []


def said(files: Files, grader: str = "ann") -> dict[tuple[str, str, str], Any]:
    return {
        (j.example_id, j.model, j.criterion_id): j.met if j.status == "judged" else j.status
        for j in ledger(files)
        if j.grader == grader
    }


def verdicts(screens: Reader) -> Iterator[str]:
    """Judges truly whatever is on the screen until everything is; yields each screen as it was judged.

    The same verdict twice in a row is given by another of its keys: a key that comes again at once is one held down.
    """
    keys = {True: "my", False: "n2"}
    screen = screens.sees(" left", "q quit")
    number = 0
    while "EVERYTHING IS JUDGED" not in screen:
        yield screen
        text, _, criterion = screen.rpartition("─" * 10)
        answer = text.partition("ANSWER")[2].lower()
        asked = next(
            word for word in ("doctor", "drink", "dose") if f"to {word}" in criterion or f"a {word}" in criterion
        )
        met = {"doctor": "see a doctor", "drink": "drink", "dose": "mg"}[asked] in answer
        screen = screens.turns(keys[met][number % 2])
        number += 1
