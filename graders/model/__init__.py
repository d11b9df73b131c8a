"""Grading by language models."""

from graders.model.grader import ModelGrader

__all__ = ["ModelGrader"]
