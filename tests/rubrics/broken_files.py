"""Every broken file of `tests/broken/`, how it is read, and the message that is kept beside it.

`python -m tests.rubrics.broken_files` writes the messages again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rubrics import InputError, Mistake, load_answers, load_dataset, load_rubric
from rubrics.formats.kqa import load_kqa
from rubrics.formats.paperbench import load_paperbench

BROKEN = Path(__file__).parents[1] / "broken"
MADE_AT_RUN_TIME = BROKEN / "made-at-run-time"
ACCEPTED = BROKEN / "accepted"

READERS: dict[str, Callable[[Path], Any]] = {
    "rubrics": load_rubric,
    "examples": load_dataset,
    "datasets": load_dataset,
    "answers": load_answers,
    "kqa": load_kqa,
    "paperbench": load_paperbench,
}


def broken_files() -> list[Path]:
    """Every broken file, or folder in `datasets/`."""
    folders = [BROKEN / name for name in READERS]
    return [path for folder in folders for path in sorted(folder.iterdir()) if not is_expected(path)]


def is_expected(path: Path) -> bool:
    """Whether a file holds a message rather than a case."""
    return path.name.endswith(".expected.txt")


def expected_file(path: Path) -> Path:
    """Where the message for a broken file is kept."""
    return path.with_name(path.name.partition(".")[0] + ".expected.txt")


def mistakes_of_reading(path: Path) -> tuple[Mistake, ...]:
    """What reading a file finds wrong; nothing where it is accepted."""
    try:
        READERS[path.parent.name](path)
    except InputError as error:
        return error.mistakes
    return ()


def as_printed(mistakes: tuple[Mistake, ...], folder: Path) -> str:
    """The lines that `check` prints, files by their bare names."""
    return "".join(f"{mistake}\n" for mistake in mistakes).replace(f"{folder}/", "")


def message_for(path: Path) -> str:
    """The lines that a broken file earns today."""
    return as_printed(mistakes_of_reading(path), path if path.is_dir() else path.parent)


def main() -> None:
    for path in broken_files():
        expected_file(path).write_text(message_for(path), encoding="utf-8")


if __name__ == "__main__":
    main()
