"""What is asked: rubrics, criteria, examples, answers and datasets, their JSON and every mistake in it."""

from rubrics.answer import Answer, AnswerHasher, answer_hash
from rubrics.criterion import Check, Condition, Criterion, Gate, Group, Option
from rubrics.dataset import AgreementRules, Dataset, DatasetInfo
from rubrics.errors import EvalError, GraderError, InputError, Mistake, Mistakes, StoreError
from rubrics.example import Example, Message
from rubrics.json_text import JsonSyntaxError, canonical_json, parse_json
from rubrics.load import (
    AnswerFile,
    DatasetFile,
    load_answers,
    load_dataset,
    load_rubric,
    parse_row,
    read_bytes,
    read_json,
    read_lines,
)
from rubrics.model import CriterionId, Id, Many, Metadata, Model, Number, Text, did_you_mean, problem, problem_at, raise_problems, show
from rubrics.rubric import Judging, Leaf, Rubric, Scoring, criterion_hash

__all__ = [
    "AgreementRules",
    "Answer",
    "AnswerFile",
    "AnswerHasher",
    "Check",
    "Condition",
    "Criterion",
    "CriterionId",
    "Dataset",
    "DatasetFile",
    "DatasetInfo",
    "EvalError",
    "Example",
    "Gate",
    "GraderError",
    "Group",
    "Id",
    "InputError",
    "JsonSyntaxError",
    "Judging",
    "Leaf",
    "Many",
    "Message",
    "Metadata",
    "Mistake",
    "Mistakes",
    "Model",
    "Number",
    "Option",
    "Rubric",
    "Scoring",
    "StoreError",
    "Text",
    "answer_hash",
    "canonical_json",
    "criterion_hash",
    "did_you_mean",
    "load_answers",
    "load_dataset",
    "load_rubric",
    "parse_json",
    "parse_row",
    "problem",
    "problem_at",
    "raise_problems",
    "read_bytes",
    "read_json",
    "read_lines",
    "show",
]
