"""A person at the pure core of the reader, for tests: keys with times in, verdicts and screens out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.cli.reading.keys import Key
from api.cli.reading.screen import plain, render
from api.cli.reading.sheet import Sheet
from api.cli.reading.state import Size, State, opened
from api.cli.reading.turn import Turn, press, resized
from graders import LoadedQuestion, MemoryLedger, Paper, Verdict, lay_out
from rubrics import Answer, Example

NARROW, WIDE = Size(80, 24), Size(200, 60)


def example_of(criteria: Sequence[Mapping[str, Any]], *, example_id: str = "e1", **more: Any) -> Example:
    rubric = {"id": "r", "criteria": list(criteria), **more.pop("rubric", {})}
    return Example.model_validate({"id": example_id, "prompt": "What shall I do?", "rubric": rubric, **more})


def papers_of(example: Example, *texts: str, rater: str = "ann", ledger: MemoryLedger | None = None) -> list[Paper]:
    """A paper for each text, in the order of the texts."""
    answers = [Answer(example_id=example.id, model="m", sample=number, text=text) for number, text in enumerate(texts)]
    held = ledger or MemoryLedger()
    papers = lay_out([LoadedQuestion(example, answers)], held, held.judgments(), rater=rater, run_name="r")
    return sorted(papers, key=lambda paper: paper.answer.sample)


@dataclass
class Person:
    """Someone who presses a key a second, unless told otherwise."""

    state: State
    now: float = 0.0
    marks: list[tuple[int, Verdict]] = field(default_factory=list)
    ended: bool = False

    @classmethod
    def at(cls, papers: Sequence[Paper], *, size: Size = NARROW) -> "Person":
        sheets = [Sheet.of(paper) for paper in papers]
        return cls(opened("ann", sheets, [paper.verdicts for paper in papers], size=size, now=0.0))

    @classmethod
    def reading(cls, criteria: Sequence[Mapping[str, Any]], *texts: str, size: Size = NARROW, **more: Any) -> "Person":
        return cls.at(papers_of(example_of(criteria, **more), *(texts or ("An answer.",))), size=size)

    def press(self, *names: str | Key, after: float = 1.0) -> "Person":
        for name in names:
            self.now += after
            turn: Turn = press(self.state, name if isinstance(name, Key) else Key(name), self.now)
            self.state = turn.state
            self.ended = self.ended or turn.ended
            if turn.mark is not None:
                self.marks.append((turn.mark.sheet, turn.mark.verdict))
        return self

    def types(self, text: str) -> "Person":
        return self.press(*text)

    def resize(self, size: Size) -> "Person":
        self.state = resized(self.state, size)
        return self

    @property
    def screen(self) -> str:
        return "\n".join(plain(render(self.state)))

    @property
    def said(self) -> list[Any]:
        """What each verdict said, in the order in which they were given."""
        return [
            verdict.status
            if verdict.status != "judged"
            else next(value for value in (verdict.met, verdict.option, verdict.value) if value is not None)
            for _, verdict in self.marks
        ]
