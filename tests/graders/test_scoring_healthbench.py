"""HealthBench's published arithmetic, written out again from its description, against ours on the real records."""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graders import Judgment, Scores, score
from graders.scoring import bootstrap_std
from rubrics import Answer, load_dataset

DATA = Path(os.environ.get("MARKSCHEME_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
RECORDS = DATA / "healthbench" / "hard_sample_50.jsonl"
SEEDS = [0, 1, 2]

pytestmark = pytest.mark.realdata
if not RECORDS.exists():
    pytest.skip(f"no HealthBench records at {RECORDS} (MARKSCHEME_SHARED_DATA)", allow_module_level=True)


# --- the published rule -------------------------------------------------------------------------------------------


def published_score(points: list[float], met: list[bool]) -> float | None:
    """Points of the met criteria over the positive points; none where no points are positive."""
    possible = sum(value for value in points if value > 0)
    if possible == 0:
        return None
    return sum(value for value, is_met in zip(points, met, strict=True) if is_met) / possible


def published_tags(record: dict[str, Any], met: list[bool]) -> dict[str, float]:
    """An example's tag gets the overall score, a criterion's tag the same formula over its criteria."""
    rubric = record["rubrics"]
    overall = published_score([item["points"] for item in rubric], met)
    assert overall is not None
    tags = dict.fromkeys(record["example_tags"], overall)
    items: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for item, is_met in zip(rubric, met, strict=True):
        for tag in item["tags"]:
            items[tag].append((item["points"], is_met))
    for tag, members in items.items():
        value = published_score([points for points, _ in members], [is_met for _, is_met in members])
        if value is not None:
            tags[tag] = value
    return tags


def published_mean(values: list[float]) -> float:
    return float(np.clip(np.mean(values), 0, 1))


def published_bootstrap_std(values: list[float], seed: int) -> float:
    """Deviation of 1,000 resampled clipped means; the resamples are drawn as ours are, so that they are equal."""
    rng = np.random.default_rng(seed)
    resamples = [np.asarray(values)[rng.integers(0, len(values), len(values))] for _ in range(1000)]
    return float(np.std([published_mean(list(resample)) for resample in resamples]))


# --- the batch ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def records() -> list[dict[str, Any]]:
    lines = RECORDS.read_text(encoding="utf-8").splitlines()
    return sorted((json.loads(line) for line in lines if line), key=lambda record: str(record["prompt_id"]))


def verdicts(seed: int) -> dict[str, list[bool]]:
    rng = random.Random(seed)
    bias = rng.choice([0.2, 0.5, 0.8])
    return {record["prompt_id"]: [rng.random() < bias for _ in record["rubrics"]] for record in records()}


@lru_cache(maxsize=len(SEEDS))
def scored(seed: int) -> Scores:
    dataset = load_dataset(RECORDS)
    answers, judgments = [], []
    for example in dataset.examples:
        met = verdicts(seed)[example.id]
        answers.append(Answer(example_id=example.id, model="m", text="An answer."))
        for leaf, is_met in zip(example.rubric.leaves, met, strict=True):
            judgments.append(
                Judgment(
                    example_id=example.id,
                    model="m",
                    criterion_id=leaf.id,
                    grader="g",
                    grader_kind="model",
                    status="judged",
                    met=is_met,
                )
            )
    return score(dataset.examples, answers, judgments, healthbench=True, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_examples_score_is_the_published_one(seed: int) -> None:
    ours = {row["example_id"]: row for row in scored(seed).answers_json()}
    assert len(ours) == len(records()) == 50
    for record in records():
        points = [item["points"] for item in record["rubrics"]]
        published = published_score(points, verdicts(seed)[record["prompt_id"]])
        row = ours[record["prompt_id"]]
        for figure in ("score", "judged_only", "low", "high", "ungated"):
            assert row[figure] == pytest.approx(published, abs=1e-12)
        assert (row["coverage"], row["reason"]) == (1.0, None)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_examples_tags_are_the_published_ones(seed: int) -> None:
    ours = {row["example_id"]: row["tags"] for row in scored(seed).answers_json()}
    for record in records():
        published = published_tags(record, verdicts(seed)[record["prompt_id"]])
        assert ours[record["prompt_id"]].keys() == published.keys()
        assert ours[record["prompt_id"]] == pytest.approx(published, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_aggregate_and_every_tags_aggregate_are_the_published_ones(seed: int) -> None:
    """Clipped mean, n and bootstrap_std, overall and for each tag."""
    values: dict[str, list[float]] = defaultdict(list)
    overall: list[float] = []
    for record in records():
        met = verdicts(seed)[record["prompt_id"]]
        value = published_score([item["points"] for item in record["rubrics"]], met)
        assert value is not None
        overall.append(value)
        for tag, tagged in published_tags(record, met).items():
            values[tag].append(tagged)
    scores = scored(seed)
    assert scores.by_tag.keys() == values.keys()
    for ours, published in [(scores.overall, overall), *((scores.by_tag[tag], values[tag]) for tag in values)]:
        assert ours.mean == pytest.approx(published_mean(published), abs=1e-12)
        assert ours.mean_unclipped == pytest.approx(float(np.mean(published)), abs=1e-12)
        assert ours.n_scored == len(published)
        assert ours.bootstrap_std == pytest.approx(published_bootstrap_std(published, seed), abs=1e-12)


def test_bootstrap_std_is_equal_for_equal_resampled_indices() -> None:
    values = np.asarray([row["score"] for row in scored(0).answers_json()])
    rng = np.random.default_rng(99)
    indices = [rng.integers(0, len(values), len(values)) for _ in range(1000)]
    published = np.std([published_mean(list(values[index])) for index in indices])
    assert bootstrap_std(values, indices) == pytest.approx(float(published), abs=1e-12)
