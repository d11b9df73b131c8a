"""All SQL: datasets, answers, runs and the judgment ledger in one database, given out as domain types."""

from api.store.answer_stage import AnswersRef, AnswerStage
from api.store.dataset_stage import DatasetRef, DatasetStage
from api.store.judgment_stage import JudgmentStage, StagedJudgment, StagedRow
from api.store.ledger import RunLedger
from api.store.provider_batches import ProviderBatches
from api.store.row import RowEntry
from api.store.run import Run
from api.store.staging import Problem
from api.store.store import RunSummary, Store
from api.store.stored_question import StoredQuestion
from api.store.url import sqlite_file, sqlite_url

__all__ = [
    "AnswerStage",
    "AnswersRef",
    "DatasetRef",
    "DatasetStage",
    "JudgmentStage",
    "Problem",
    "ProviderBatches",
    "RowEntry",
    "Run",
    "RunLedger",
    "RunSummary",
    "StagedJudgment",
    "StagedRow",
    "Store",
    "StoredQuestion",
    "sqlite_file",
    "sqlite_url",
]
