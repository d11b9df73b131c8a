"""The folder opens in `datasets`, offline, config by config."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.exports import export_folder
from api.exports.schema import TABLES, arrow_schema
from graders import load_judgments, score
from rubrics import load_answers, load_dataset
from tests.api.test_export_round_trip import MEDICINE, source

# In a process of its own: `datasets` reads its environment once, at import, and must find no network.
OPEN = """
import json, socket, sys
def refuse(*arguments): raise AssertionError(f"a connection to {arguments}")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import datasets
datasets.disable_progress_bars()
folder = sys.argv[1]
default = datasets.load_dataset(folder)
found = {"default": {"splits": list(default), "columns": default["test"].column_names}}
for config in datasets.get_dataset_config_names(folder):
    rows = datasets.load_dataset(folder, config, split="test")
    schema = rows.features.arrow_schema
    found[config] = {
        "rows": len(rows), "first": rows[0], "schema": schema.to_string(show_schema_metadata=False),
        "metadata": json.loads(schema.metadata[b"huggingface"]),
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tmp_path = tmp_path_factory.mktemp("datasets")
    dataset = load_dataset(MEDICINE)
    answers = load_answers(MEDICINE / "answers.jsonl")
    judgments = [
        each for name in ("first", "second") for each in load_judgments(MEDICINE / "readings" / f"{name}.jsonl")
    ]
    scores = score(dataset, answers, judgments, score_by="reading-1+reading-2")
    exported = source(dataset.examples, answers, judgments, scores=scores, info=dataset.info)
    summary = export_folder(tmp_path / "out", exported)
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "home"),
        "HF_DATASETS_CACHE": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "summary": summary.rows, "folder": tmp_path / "out"}


def test_the_default_config_is_scores(opened: dict[str, Any]) -> None:
    assert opened["default"] == {"splits": ["test"], "columns": list(TABLES["scores"].kinds)}


@pytest.mark.parametrize("config", [*TABLES])
def test_every_config_opens_with_all_its_rows(opened: dict[str, Any], config: str) -> None:
    assert opened[config]["rows"] == opened["summary"][config] > 0


@pytest.mark.parametrize("config", [*TABLES])
def test_our_schema_is_the_one_that_datasets_would_write(opened: dict[str, Any], config: Any) -> None:
    schema = arrow_schema(config)
    assert opened[config]["schema"] == schema.to_string(show_schema_metadata=False)
    assert opened[config]["metadata"] == json.loads(schema.metadata[b"huggingface"])


def test_rows_are_useful_as_they_are(opened: dict[str, Any]) -> None:
    first = opened["scores"]["first"]
    answer = load_answers(MEDICINE / "answers.jsonl")[0]
    assert (first["example_id"], first["model"], first["answer"]) == (answer.example_id, answer.model, answer.text)
    assert isinstance(json.loads(first["tags"]), dict)
    example = opened["examples"]["first"]
    assert example["conversation"][-1]["role"] == "user"
    assert example["canary"].startswith("markscheme-example canary GUID")
    assert opened["rubrics"]["first"]["canary"] == example["canary"]
    judgment = opened["judgments"]["first"]
    assert (judgment["grader_kind"], judgment["evidence"]) == (
        "model",
        ["Ring 999 now (112 or 911 elsewhere), before you read on."],
    )


def test_the_schema_is_what_features_would_make(opened: dict[str, Any], tmp_path: Path) -> None:
    code = (
        "import json, datasets\n"
        "from api.exports.schema import TABLES, arrow_schema\n"
        "for config in TABLES:\n"
        "    ours = arrow_schema(config)\n"
        "    theirs = datasets.Features.from_arrow_schema(ours.remove_metadata()).arrow_schema\n"
        "    assert theirs.equals(ours, check_metadata=True), (config, theirs, ours)\n"
        "print('equal')\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=root)
    assert done.stdout == "equal\n", done.stderr
