"""Every file of the examples is loaded, checked and scored, and their READMEs say what is in them."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.exit_code import ExitCode
from graders import JudgmentFile
from rubrics import Example, Rubric, load_answers, load_dataset, load_rubric
from tests.command import markscheme

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
NAMES = [path.name for path in EXAMPLES]
every_example = pytest.mark.parametrize("folder", EXAMPLES, ids=NAMES)

FEATURES = {
    "scale ordinal": "ordinal",
    "scale nominal": "nominal",
    "scale number": "number scale",
    "scale count": "count",
    "gate unmet": "when: unmet",
    "gate met": "when: met",
    "condition met": "condition",
    "condition unmet": "`unmet`",
    "evidence required": '"evidence": "required"',
    "evidence none": '"evidence": "none"',
    "may_not_apply": "may not apply",
    "group": "groups|a group",
    "group in a group": "two levels deep|group within a group",
    "negative points": "negative points|cost points|costs points",
    "tags": "**tags.**",
    "rationale": "rationale",
    "source": "source",
    "min_coverage": '"min_coverage"',
    "consensus": '"consensus"',
    "judging": '"show_points"',
    "references": "**references.**",
    "conversation": "conversation",
    "metadata_schema": "metadata_schema|its schema",
    "several samples": "four tries",
    "guidelines": "guidelines",
}
"""Each feature with the words by which a README names it, in small letters; a check is named by its own name."""


def features_of_rubric(rubric: Rubric) -> Iterator[str]:
    raw = rubric.as_json()
    yield from (name for name in ("guidelines",) if raw.get(name))
    yield from (name for name in ("min_coverage", "consensus") if name in raw.get("scoring", {}))
    yield from ("judging" for _ in [1] if raw.get("judging"))
    for leaf in rubric.leaves:
        criterion = leaf.criterion
        written = criterion.as_json()
        if criterion.check is not None:
            yield f"check {criterion.check.rule[0]}"
        if criterion.scale.type != "binary":
            yield f"scale {criterion.scale.type}"
        if criterion.gate is not None:
            yield f"gate {criterion.gate.when}"
        if criterion.depends_on is not None:
            yield f"condition {criterion.depends_on.when}"
        if criterion.evidence != "optional":
            yield f"evidence {criterion.evidence}"
        if criterion.points < 0:
            yield "negative points"
        yield from (name for name in ("tags", "rationale", "source", "may_not_apply") if written.get(name))
        depth = leaf.path.count(".children[")
        yield from ["group"] * (depth > 0) + ["group in a group"] * (depth > 1)


def features_of_example(example: Example) -> Iterator[str]:
    yield from features_of_rubric(example.rubric)
    if example.references:
        yield "references"
    if not isinstance(example.prompt, str):
        yield "conversation"


def features(folder: Path) -> set[str]:
    dataset = load_dataset(folder)
    found = {feature for example in dataset for feature in features_of_example(example)}
    if dataset.info.metadata_schema is not None:
        found.add("metadata_schema")
    if any(answer.sample for answer in load_answers(folder / "answers.jsonl")):
        found.add("several samples")
    return found


def readme(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_no_file_is_of_a_kind_that_no_test_here_reads() -> None:
    known = re.compile(
        r"README\.md|dataset\.json|examples\.jsonl|answers\.jsonl|readings/(first|second)\.jsonl|rubrics/[a-z0-9-]+\.rubric\.json"
    )
    files = [path.relative_to(folder).as_posix() for folder in EXAMPLES for path in folder.rglob("*") if path.is_file()]
    assert NAMES == ["accounting", "law", "medicine", "writing"]
    assert [name for name in files if not known.fullmatch(name)] == []
    loose = [path.name for path in (ROOT / "examples").iterdir() if path.is_file()]
    assert loose == []


@every_example
def test_every_rubric_is_sound_and_some_question_asks_for_it(folder: Path) -> None:
    files = sorted(folder.glob("rubrics/*.json"))
    rubrics = {load_rubric(path).id: path for path in files}
    assert {rubric_id: f"{rubric_id}.rubric.json" for rubric_id in rubrics} == {
        rubric_id: path.name for rubric_id, path in rubrics.items()
    }
    assert len(files) == len(rubrics)
    assert {example.rubric_id for example in load_dataset(folder)} == set(rubrics)


@every_example
def test_check_counts_all_of_it_and_finds_nothing_wrong(folder: Path) -> None:
    report = json.loads(markscheme("check", folder, "--json").out)
    assert (report["mistakes"], report["advice"]) == ([], [])
    dataset = load_dataset(folder)
    readings = [JudgmentFile(path) for path in sorted(folder.glob("readings/*.jsonl"))]
    assert report["checked"] == {
        "examples": len(list(dataset)),
        "answers": len(load_answers(folder / "answers.jsonl")),
        "judgments": sum(1 for reading in readings for _ in reading),
        "rubrics": len(list(folder.glob("rubrics/*.json"))),
        "criteria": sum(len(load_rubric(path).leaves) for path in folder.glob("rubrics/*.json")),
    }


@every_example
@pytest.mark.parametrize("reading", ["first", "second"])
def test_each_reading_scores_every_answer_wholly(folder: Path, reading: str) -> None:
    result = markscheme("score", folder, folder / "answers.jsonl", folder / "readings" / f"{reading}.jsonl", "--json")
    assert result.code == ExitCode.DONE, result.err
    scores = json.loads(result.out)
    assert {(answer["coverage"], answer["reason"]) for answer in scores["answers"]} == {(1.0, None)}
    assert len(scores["answers"]) == len(load_answers(folder / "answers.jsonl"))
    means = [scores["by_model"][model]["mean"] for model in sorted(scores["by_model"])]
    assert means[0] == max(means), "answerer-a is the careful one"


@every_example
def test_the_commands_of_the_readme_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"```sh\n(.*?)```", readme(folder), flags=re.DOTALL)
    for line in block.splitlines():
        words = [sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in shlex.split(line)[1:]]
        result = markscheme(*(word for some in words for word in some))
        # One rubric of the law example asks its readers to be of one mind, and once they are not.
        stays_open = folder.name == "law" and "reading-1+reading-2" in line
        assert result.code == (ExitCode.UNGRADED if stays_open else ExitCode.DONE), line


@every_example
def test_the_readme_names_every_feature_that_is_used(folder: Path) -> None:
    text = readme(folder).lower()
    words = {name: FEATURES[name].split("|") for name in features(folder) if not name.startswith("check ")}
    words |= {name: [f"`{name.split()[1]}`"] for name in features(folder) if name.startswith("check ")}
    assert [name for name, any_of in sorted(words.items()) if not any(word in text for word in any_of)] == []


def test_the_examples_together_use_every_feature() -> None:
    used = {name for folder in EXAMPLES for name in features(folder)}
    checks = {"contains", "not_contains", "contains_any", "contains_all", "regex", "min_words", "max_words"}
    assert used == set(FEATURES) | {f"check {name}" for name in checks}


@every_example
def test_the_readme_names_no_rubric_and_no_criterion_that_is_not_there(folder: Path) -> None:
    rubrics = {rubric.id: rubric for rubric in map(load_rubric, folder.glob("rubrics/*.json"))}
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (?:`([a-z0-9-]+)` \|)?", readme(folder), flags=re.MULTILINE)
    assert set(rubrics) == {name for name, _ in rows}
    assert all(not criterion or criterion in rubrics[name].leaf_by_id for name, criterion in rows)


@every_example
def test_the_readme_counts_right(folder: Path) -> None:
    text = readme(folder)
    sizes = [len(load_rubric(path).leaves) for path in folder.glob("rubrics/*.json")]
    between = "or" if max(sizes) - min(sizes) == 1 else "to"
    assert f"| {len(sizes)} rubrics with {min(sizes)} {between} {max(sizes)} criteria each |" in text
    assert f"| {len(load_answers(folder / 'answers.jsonl'))} answers: " in text
    assert f"| {len(list(load_dataset(folder)))} prompts" in text
