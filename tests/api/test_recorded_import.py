"""Recorded judgments: what is filed once is not filed again, however its file spells it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from api.batch import Batch, BatchRequest
from api.recorded_import import recorded_key
from api.store import Store
from api.store.schema import MIGRATIONS
from graders import Judgment, cell_key
from rubrics import InputError, canonical_json
from tests.batch import read_lines, write_batch, write_lines
from tests.rubrics.strategies import metadata, texts

HASHES = {"criterion_hash": "0" * 16, "answer_hash": "1" * 16}


@settings(max_examples=200, deadline=None)
@given(
    more=st.fixed_dictionaries(
        {},
        optional={
            "explanation": texts,
            "metadata": metadata,
            "evidence": st.lists(texts, max_size=2),
            "cost": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        },
    )
)
def test_the_key_is_over_the_one_spelling_of_what_is_said(more: dict[str, Any]) -> None:
    row = {"example_id": "é", "model": "m", "status": "judged", "met": True, **more, **HASHES}
    said = hashlib.sha256(canonical_json(row)).hexdigest()
    assert recorded_key(row) == cell_key("0" * 16, "1" * 16, said)


def filed(store: Store, files: Any, *, keep: bool = True) -> int:
    request = BatchRequest(files.dataset, files.answers, [f"recorded:{files.judgments}"], run="r")
    batch = Batch(store, request)
    batch.import_recorded(keep=keep)
    return batch.imported


def test_only_what_a_file_says_anew_is_filed(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    rows = read_lines(files.judgments)
    rows[1] |= {"explanation": 'Says "drink".', "sample": 0}
    rows[2] |= {"evidence": ["Drink"], "cost": 0.5, "metadata": {"a": [1.0, None]}}
    write_lines(files.judgments, rows)
    with Store(files.store) as store:
        assert filed(store, files, keep=False) == len(rows), "what would be filed is counted"
        assert list(store.find_run("r").judgments(current=False)) == []
        assert filed(store, files) == len(rows)
        kept = [each.as_json() for each in store.find_run("r").judgments(current=True)]
        assert filed(store, files) == 0
        spelled = [json.dumps({**row, "repeat": 0}, indent=None, separators=(" , ", " : ")) for row in rows]
        files.judgments.write_text("\n".join(spelled), encoding="utf-8")
        assert filed(store, files) == 0
        assert [each.as_json() for each in store.find_run("r").judgments(current=True)] == kept
        write_lines(files.judgments, [{**rows[0], "met": not rows[0]["met"]}, *rows[1:]])
        assert filed(store, files) == 1
        changed = [Judgment.model_validate(row) for row in kept]
        now = list(store.find_run("r").judgments(current=True))
        assert sum(before != after for before, after in zip(changed, now, strict=True)) == 1


def test_a_criterion_that_is_asked_no_more_takes_its_recorded_judgments_along(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    examples, rows = read_lines(files.dataset), read_lines(files.judgments)
    fewer = read_lines(files.dataset)
    for example in fewer:
        del example["rubric"]["criteria"][2]
    with Store(files.store) as store:
        filed(store, files)
        write_lines(files.dataset, fewer)
        write_lines(files.judgments, [row for row in rows if row["criterion_id"] != "dose"])
        assert filed(store, files) == 0
        write_lines(files.dataset, examples)
        with pytest.raises(InputError, match="on 'dose' of 'e1' by 'good' that is recorded no more"):
            filed(store, files)


def test_a_dry_run_needs_no_run_in_a_store_of_the_first_version_either(tmp_path: Path) -> None:
    files = write_batch(tmp_path)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    engine = create_engine(files.store)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with Store(files.store) as store:
        batch = Batch(store, BatchRequest(files.dataset, files.answers, [f"recorded:{files.judgments}"]), keep=False)
        batch.import_recorded(keep=False)
        assert batch.imported == len(read_lines(files.judgments))
        assert store.runs() == []
