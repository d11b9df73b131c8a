"""Grading by language models."""

from graders.model.grader import ModelGrader, ModelOptions

__all__ = ["ModelGrader", "ModelOptions"]
