"""Small files that would make a careless program hang or fall over."""

import json
import time
from pathlib import Path

import pytest

from graders.scoring import UNGRADED, plan_rubric, score_answer
from rubrics import DatasetFile, InputError, Rubric


def chain(length: int) -> list[dict[str, object]]:
    """Criteria of which each depends on the next."""
    return [
        {
            "id": f"c{number}",
            "criterion": "Says so",
            "points": 1,
            **({"depends_on": {"criterion": f"c{number + 1}", "when": "met"}} if number < length - 1 else {}),
        }
        for number in range(length)
    ]


def test_a_long_chain_of_conditions_is_checked_and_scored() -> None:
    started = time.perf_counter()
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": chain(3000)}))
    assert score_answer(plan, [1.0] * 3000).score == 1.0
    assert score_answer(plan, [1.0] * 2999 + [0.0]).score == 0.0
    gated = chain(3000)
    gated[0]["gate"] = {"when": "unmet", "cap": 0}
    answer = score_answer(plan_rubric(Rubric.model_validate({"id": "r", "criteria": gated})), [UNGRADED] * 3000)
    assert (answer.low, answer.high) == (0.0, 1.0)
    assert time.perf_counter() - started < 20


def test_points_of_very_different_size_never_end_in_a_traceback() -> None:
    criteria: list[dict[str, object]] = [{"criterion": "deep", "points": 1e-9, "tags": ["t"]}]
    for _ in range(25):
        criteria = [{"points": 1e-9, "children": criteria}, {"criterion": "beside", "points": 1e12}]
    plan = plan_rubric(Rubric.model_validate({"id": "r", "criteria": criteria}))
    leaves = len(plan.points)
    for states in ([1.0] * leaves, [UNGRADED] * leaves):
        answer = score_answer(plan, states)
        assert answer.score in (1.0, None)


@pytest.mark.parametrize(
    "rule",
    [
        {"properties": {"code": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(c+)+": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(x+)+$": {}}, "additionalProperties": {"pattern": "^(a+)+$"}},
    ],
)
def test_a_pattern_of_a_metadata_schema_takes_linear_time(tmp_path: Path, rule: dict[str, object]) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "d", "metadata_schema": rule}), encoding="utf-8")
    rubric = {"id": "r", "criteria": [{"criterion": "x", "points": 1}]}
    example = {"id": "e", "prompt": "?", "rubric": rubric, "metadata": {"code": "a" * 200 + "!"}}
    (tmp_path / "examples.jsonl").write_text(json.dumps(example) + "\n", encoding="utf-8")
    started = time.perf_counter()
    with pytest.raises(InputError, match="does not match"):
        DatasetFile(tmp_path).load()
    assert time.perf_counter() - started < 5
