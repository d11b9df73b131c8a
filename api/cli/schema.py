"""`markscheme schema`: the JSON Schemas of the files that people write."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render_schema(name: str) -> str:
    """The JSON Schema of a rubric, example, answer, judgment or grader file as text."""
    return json.dumps(build_schema(name), ensure_ascii=False, indent=2)


def build_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a rubric, example, answer, judgment or grader file (2020-12)."""
    from graders import CascadeFile, Judgment
    from graders.model.grader_file import ModelGraderFile
    from rubrics import Answer, Example, Rubric

    kinds: dict[str, Any] = {
        "rubric": Rubric,
        "example": Example,
        "answer": Answer,
        "judgment": Judgment,
        "grader": Annotated[ModelGraderFile | CascadeFile, Field(discriminator="kind")],
    }
    return {"$schema": DIALECT, **TypeAdapter(kinds[name]).json_schema(by_alias=True)}
