"""The desk at which one person reads a run: the answers in their order, and the ledger that takes each verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from api.cli.reading.sheet import Sheet
from api.store import Run
from graders import Paper, Verdict, lay_out


class Desk:
    """What a run asks one person; each verdict is in the ledger, and on the disk, when `keep` returns."""

    def __init__(self, run: Run, rater: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.rater = rater
        self._run_id = run.id
        self._ledger = run.ledger()
        self._now = now
        laid_out = lay_out(run.questions(), self._ledger, run.judgments(current=True), rater=rater, run_name=run.name)
        self._empty = [paper for paper in laid_out if _judged_by_rule(paper)]
        self._papers = [paper for paper in laid_out if not _judged_by_rule(paper)]

    @property
    def waiting(self) -> int:
        """How many cells wait for the person."""
        return sum(len(paper.open()) for paper in (*self._papers, *self._empty))

    @property
    def waiting_answers(self) -> int:
        """How many answers have a cell that waits."""
        return sum(bool(paper.open()) for paper in (*self._papers, *self._empty))

    def sheets(self) -> list[Sheet]:
        """What is shown of each answer, in the person's order."""
        return [Sheet.of(paper) for paper in self._papers]

    def verdicts(self) -> list[dict[str, Verdict]]:
        """For each sheet what the person has said of it: criterion id → verdict."""
        return [dict(paper.verdicts) for paper in self._papers]

    def keep(self, sheet: int, verdict: Verdict) -> None:
        """File a verdict on a sheet."""
        self._file(self._papers[sheet], verdict)

    def file_empty_answers(self) -> int:
        """Give answers without a letter or digit their scales' lowest values, as the rubric says; returns how many.

        They are flagged `empty_answer`, as a model's verdicts on them are; nobody has to read them.
        """
        from graders.model.empty_answer import empty_verdict

        filed = 0
        for paper in self._empty:
            filed += bool(paper.open())
            while waiting := paper.open():
                criterion = next(criterion for criterion in paper.asked if criterion.id == waiting[0])
                self._file(paper, empty_verdict(criterion))
        return filed

    def _file(self, paper: Paper, verdict: Verdict) -> None:
        entry = paper.entry(verdict, rater=self.rater, run_id=self._run_id, now=self._now())
        self._ledger.keep([entry])
        paper.kept(entry)


def _judged_by_rule(paper: Paper) -> bool:
    from graders.model.empty_answer import is_empty

    return paper.example.rubric.judging.empty_answer == "lowest" and is_empty(paper.answer.text)
