"""What was judged: graders of every kind, the engine that asks them, and scores that are recomputed from judgments."""

from graders.address import ModelAddress, address_words, parse_model_address
from graders.aggregation import Row
from graders.answerer import Answerer, Sampling
from graders.batch_journal import BatchEnd, BatchJournal, CallSet, MemoryBatchJournal, SentBatch
from graders.cell import FINAL, Call, cell_key, cell_keys, plan_calls, references_hash, repeats_of
from graders.engine import Engine
from graders.family import family_warnings, model_family
from graders.fit import fit_verdict, judgment_problems
from graders.grade import grade, grade_async
from graders.grader import Grader, GraderCard, NotAsked, Task
from graders.human import (
    HUMAN,
    HUMAN_CARD,
    READ_IN,
    Conditions,
    HumanGrader,
    Paper,
    check_rater,
    lay_out,
    reading_place,
)
from graders.judgment import FAILURE_KINDS, Failure, Judgment, Verdict
from graders.judgment_page import JudgmentPage, pages_of
from graders.ledger import CellId, Entry, HashedKey, Ledger, MemoryLedger, Standing
from graders.load import JudgmentFile, load_judgments
from graders.plain_judgment import PlainJudgments
from graders.preview import JudgePrompt, Outcome, Preview, build_judge_prompt, preview_json, preview_rubric
from graders.progress import Progress
from graders.question import LoadedQuestion, Question
from graders.registry import CascadeFile, GraderOptions, Recorded, open_grader, open_graders
from graders.reward import RecentLedger, Reward, Rewarded, RewardLedger
from graders.rubric_digest import LeafDigest, RubricDigest
from graders.rules import RulesGrader, check_met
from graders.score import Collected, collect, score
from graders.scorer import Scorer
from graders.scores import GroupScores, Scores, ScoringOptions

__all__ = [
    "FAILURE_KINDS",
    "FINAL",
    "HUMAN",
    "HUMAN_CARD",
    "READ_IN",
    "Answerer",
    "BatchEnd",
    "BatchJournal",
    "Call",
    "CallSet",
    "CascadeFile",
    "CellId",
    "Collected",
    "Conditions",
    "Engine",
    "Entry",
    "Failure",
    "Grader",
    "GraderCard",
    "GraderOptions",
    "GroupScores",
    "HashedKey",
    "HumanGrader",
    "JudgePrompt",
    "Judgment",
    "JudgmentFile",
    "JudgmentPage",
    "LeafDigest",
    "Ledger",
    "LoadedQuestion",
    "MemoryBatchJournal",
    "MemoryLedger",
    "ModelAddress",
    "NotAsked",
    "Outcome",
    "Paper",
    "PlainJudgments",
    "Preview",
    "Progress",
    "Question",
    "RecentLedger",
    "Recorded",
    "Reward",
    "RewardLedger",
    "Rewarded",
    "Row",
    "RubricDigest",
    "RulesGrader",
    "Sampling",
    "Scorer",
    "Scores",
    "ScoringOptions",
    "SentBatch",
    "Standing",
    "Task",
    "Verdict",
    "address_words",
    "build_judge_prompt",
    "cell_key",
    "cell_keys",
    "check_met",
    "check_rater",
    "collect",
    "family_warnings",
    "fit_verdict",
    "grade",
    "grade_async",
    "judgment_problems",
    "lay_out",
    "load_judgments",
    "model_family",
    "open_grader",
    "open_graders",
    "pages_of",
    "parse_model_address",
    "plan_calls",
    "preview_json",
    "preview_rubric",
    "reading_place",
    "references_hash",
    "repeats_of",
    "score",
]
