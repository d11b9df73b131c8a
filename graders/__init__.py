"""What was judged: graders of every kind, the engine that asks them, and scores that are recomputed from judgments."""

from graders.aggregation import Row
from graders.cell import FINAL, Call, cell_key, cell_keys, plan_calls, references_hash
from graders.engine import Engine, Progress, Question
from graders.fit import judgment_problems
from graders.grade import grade, grade_async
from graders.grader import Grader, GraderCard, Task
from graders.judgment import FAILURE_KINDS, Failure, Judgment, Verdict
from graders.ledger import CellId, Entry, Ledger, MemoryLedger, Standing
from graders.load import JudgmentFile, load_judgments
from graders.registry import GraderOptions, Recorded, open_grader, open_graders
from graders.rules import RulesGrader, check_met
from graders.score import Collected, collect, score
from graders.scorer import Scorer
from graders.scores import Scores, ScoringOptions

__all__ = [
    "FAILURE_KINDS",
    "FINAL",
    "Call",
    "CellId",
    "Collected",
    "Engine",
    "Entry",
    "Failure",
    "Grader",
    "GraderCard",
    "GraderOptions",
    "Judgment",
    "JudgmentFile",
    "Ledger",
    "MemoryLedger",
    "Progress",
    "Question",
    "Recorded",
    "Row",
    "RulesGrader",
    "Scorer",
    "Scores",
    "ScoringOptions",
    "Standing",
    "Task",
    "Verdict",
    "cell_key",
    "cell_keys",
    "check_met",
    "collect",
    "grade",
    "grade_async",
    "judgment_problems",
    "load_judgments",
    "open_grader",
    "open_graders",
    "plan_calls",
    "references_hash",
    "score",
]
