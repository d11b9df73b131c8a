"""Grading by providers' batch endpoints: half the price, within a day."""

from graders.model.batch.batch_run import BatchRun

__all__ = ["BatchRun"]
