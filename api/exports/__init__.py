"""What leaves the house: a scored run as a Hugging Face dataset, and such a folder read back."""

from api.exports.huggingface import export_folder
from api.exports.reading import ReadBack, read_folder
from api.exports.source import ExportSource, ExportSummary

__all__ = ["ExportSource", "ExportSummary", "ReadBack", "export_folder", "read_folder"]
