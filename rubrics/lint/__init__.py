"""Advice on how a rubric is worded and weighed: values in, advice out."""

from rubrics.lint.advice import LINT_RULES, Advice, LintRule
from rubrics.lint.lint import lint_example, lint_rubric

__all__ = ["LINT_RULES", "Advice", "LintRule", "lint_example", "lint_rubric"]
