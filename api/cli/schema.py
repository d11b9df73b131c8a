"""`markscheme schema`: the JSON Schemas of the files that people write."""

from __future__ import annotations

import json
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render_schema(name: str) -> str:
    """The JSON Schema of a rubric, example, answer or judgment as text."""
    return json.dumps(build_schema(name), ensure_ascii=False, indent=2)


def build_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a rubric, example, answer or judgment (2020-12)."""
    from graders import Judgment
    from rubrics import Answer, Example, Model, Rubric

    models: dict[str, type[Model]] = {"rubric": Rubric, "example": Example, "answer": Answer, "judgment": Judgment}
    return {"$schema": DIALECT, **models[name].model_json_schema(by_alias=True)}
