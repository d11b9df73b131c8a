"""The dataset card: true figures, plain warnings, and user text that stays text."""

import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard

from api.exports import export_folder
from api.exports.markdown import code, one_line, plain
from api.exports.schema import TABLES
from graders import score
from rubrics import Answer, DatasetInfo
from tests.api.test_export_round_trip import example, judgment, source

HOSTILE = "a|b\n# x <script>alert(1)</script> `c` [d](http://e) *f* ---\n---\nlicense: gpl\u2028- g: h\u202e $i$ ~~j~~"


def card_of(folder: Path, **more: Any) -> str:
    """The card of one answer by `m`, judged by `g` unless `more` says otherwise."""
    fields: dict[str, Any] = {
        "examples": [example()],
        "answers": [Answer(example_id="e1", model="m", text="See a doctor and drink.")],
        "judgments": [judgment("doctor"), judgment("fluids", value=4), judgment("dose", met=False)],
        **more,
    }
    export_folder(folder / "out", source(**fields))
    return (folder / "out" / "README.md").read_text(encoding="utf-8")


def body_of(card: str) -> list[str]:
    return DatasetCard(card).text.strip().splitlines()


def command_of(card: str) -> str:
    return next(line for line in card.splitlines() if line.startswith("markscheme score"))


def test_the_front_matter_names_every_config_and_scores_first(tmp_path: Path) -> None:
    data = DatasetCard(card_of(tmp_path, info=DatasetInfo(name="fever", title="Fever", licence="CC-BY-4.0"))).data
    assert [config["config_name"] for config in data.configs] == ["scores", "judgments", "examples", "rubrics"]
    assert [config.get("default") for config in data.configs] == [True, None, None, None]
    for config in data.configs:
        (file,) = config["data_files"]
        assert file["split"] == "test"
        assert (tmp_path / "out" / file["path"]).is_file()
    assert (data.license, data.pretty_name, data.size_categories) == ("cc-by-4.0", "Fever", ["n<1K"])
    assert "markscheme" in data.tags


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", {"license": "mit"}),
        ("GPL-3.0-only", {"license": "gpl-3.0"}),
        ("Our own\n---\nterms", {"license": "other", "license_name": "our-own-terms"}),
        (None, {}),
    ],
)
def test_a_licence_that_the_hub_does_not_know_keeps_its_name(
    tmp_path: Path, licence: str | None, expected: dict[str, str]
) -> None:
    card = card_of(tmp_path, info=DatasetInfo(name="fever", licence=licence))
    data = DatasetCard(card).data.to_dict()
    assert {name: data[name] for name in ("license", "license_name") if name in data} == expected
    assert ("states no licence" in card) == (licence is None)


def test_the_table_has_score_interval_and_coverage(tmp_path: Path) -> None:
    examples = [example(f"e{number}") for number in range(3)]
    answers = [Answer(example_id=each.id, model="m", text="See a doctor and drink.") for each in examples]
    judgments = [
        each
        for place, one in enumerate(examples)
        for each in (
            judgment("doctor", example_id=one.id, met=place > 0),
            judgment("fluids", example_id=one.id, value=4),
            judgment("dose", example_id=one.id, met=False),
        )
    ]
    scores = score(examples, answers, judgments)
    result = scores.row(model="m")
    assert result.mean is not None and result.ci_low is not None and result.ci_high is not None
    row = f"| m | g | {result.mean:.3f} | {result.ci_low:.3f} to {result.ci_high:.3f} | 100 % |"
    lines = card_of(tmp_path, examples=examples, answers=answers, judgments=judgments).splitlines()
    assert [line for line in lines if line.startswith(row)] == [
        f"{row} {result.mean:.3f} to {result.mean:.3f} | 3 of 3 |"
    ]


def test_a_missing_score_says_its_reason_and_its_coverage(tmp_path: Path) -> None:
    card = card_of(tmp_path, judgments=[judgment("doctor"), judgment("dose", met=False)])
    # 2.5 of 13.5 points are ungraded; what was judged earns 8 of 8; the rest could make 8 to 10.5 of 10.5.
    assert (
        "| m | g | none (`low_coverage`: too little of the points was judged; judged alone 1.000) | none | 81.4 % | "
        "0.762 to 1.000 | 0 of 1 |"
    ) in card


def test_coverage_is_100_percent_only_where_it_is_whole(tmp_path: Path) -> None:
    heavy = {"id": "r", "criteria": [{"criterion": "A", "points": 99999}, {"criterion": "B", "points": 1}]}
    card = card_of(tmp_path, examples=[example(rubric=heavy)], judgments=[judgment("c1")], min_coverage=0.5)
    assert "| 99.9 % |" in card
    assert "100 %" not in card


def test_a_clipped_mean_stands_beside_what_was_clipped(tmp_path: Path) -> None:
    judgments = [judgment("doctor", met=False), judgment("fluids", value=0), judgment("dose")]
    text = "word " * 30
    card = card_of(tmp_path, answers=[Answer(example_id="e1", model="m", text=text)], judgments=judgments)
    assert "| 0.000 (not clipped: -0.286) |" in card  # −3 of 10.5 points


def test_the_group_that_is_scored_by_comes_first(tmp_path: Path) -> None:
    judgments = [judgment(name, grader=grader) for grader in "ab" for name in ("doctor", "dose")]
    card = card_of(tmp_path, judgments=judgments, score_by="a+b")
    assert "The run is scored by **a+b**." in card
    assert re.findall(r"^\| m \| (\S+) ", card, re.MULTILINE) == ["a+b", "a", "b"]
    assert "--score-by a+b\n" in card
    card = card_of(tmp_path, judgments=judgments)
    assert "Several groups of graders judged, and none was named" in card
    assert "--score-by" not in card


def test_graders_are_shown_with_their_kind_and_nothing_private(tmp_path: Path) -> None:
    judgments = [
        judgment("doctor", grader="model:x"),
        judgment("dose", grader="model:x", status="failed", failure={"kind": "http", "message": "503"}),
        judgment("doctor", grader="ana", grader_kind="human"),
    ]
    graders = [
        {
            "name": "model:x",
            "kind": "model",
            "version": "2",
            "arguments": {"base_url": "http://secret.internal/v1"},
            "prompt_hash": "0123456789abcdef0123",
        },
        {"name": "recorded:/home/ana/secret.jsonl", "kind": "rule", "version": "1"},
        {"name": "idle", "kind": "rule", "version": "1", "prompt_hash": None},
    ]
    card = card_of(tmp_path, judgments=judgments, graders=graders)
    assert "| ana | human | not stated | not stated | 1 | 0 |" in card
    assert "| model:x | model | 2 | 0123456789abcdef | 2 | 1 |" in card
    assert "| idle | rule | 1 | not stated | 0 | 0 |" in card
    assert "Judgments that failed: http 1." in card
    assert "recorded:" not in card
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or b"secret" not in path.read_bytes()


def test_a_canary_is_among_the_first_lines_word_for_word(tmp_path: Path) -> None:
    info = DatasetInfo(name="fever", canary="canary GUID 611be10a: do_not_train")
    top = "\n".join(body_of(card_of(tmp_path, info=info))[:5])
    assert "**Do not train on this data, and keep the canary.**" in top
    assert "`canary GUID 611be10a: do_not_train`" in top


def test_the_canaries_of_examples_warn_too(tmp_path: Path) -> None:
    examples = [example(f"e{number}", canary=f"guid-{number}") for number in range(1, 9)]
    top = "\n".join(body_of(card_of(tmp_path, examples=examples))[:5])
    assert "Do not train" in top
    assert "`guid-1`, `guid-2`, `guid-3`, `guid-4`, `guid-5` There are more, in the column `canary`." in top
    assert "guid-6" not in top
    assert "Do not train" not in card_of(tmp_path)


def test_a_held_out_dataset_is_warned_of(tmp_path: Path) -> None:
    top = "\n".join(body_of(card_of(tmp_path, info=DatasetInfo(name="fever", held_out=True)))[:5])
    assert "**This dataset is held out.**" in top
    assert "held out" not in card_of(tmp_path)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = HOSTILE.replace("\n", " ").replace("\u2028", " ").replace("\u202e", "‮")
    card = card_of(
        tmp_path,
        info=DatasetInfo(name=HOSTILE, title=HOSTILE, description=HOSTILE, licence=HOSTILE, version=HOSTILE),
        examples=[example()],
        answers=[Answer(example_id="e1", model=name, text="x")],
        judgments=[judgment("doctor", model=name, grader=f"{name} g")],
        name=HOSTILE,
        graders=[{"name": HOSTILE, "kind": "model", "version": HOSTILE, "prompt_hash": HOSTILE}],
        score_by=f"{name} g",
    )
    data = DatasetCard(card).data
    assert data.pretty_name == one_line(HOSTILE).replace("<", "‹").replace(">", "›")
    assert data.license == "other"
    lines = body_of(card)
    headings = [line for line in lines if line.startswith("#")]
    assert headings[0] == f"# {plain(HOSTILE)}: answers scored by rubrics"
    assert headings[1:] == [f"## {name}" for name in ("Scores", "Graders", "What is in it", "Loading it", "Licence")]
    assert [line for line in lines if "<script" in line] == [command_of(card)]  # a fenced block, where it is text
    assert "\u202e" not in card
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")]
    assert cells == [5, 5, 5, 8, 8, 8, 7, 7, 7, 7]
    assert command_of(card).endswith(f" --score-by '{one_line(name)} g'")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with-hyphen 1.5 (a) + b", "plain, with-hyphen 1.5 (a) + b"),
        ("a|b\n# x <script>", r"a\|b \# x &lt;script&gt;"),
        ("![x](y)", r"!\[x\](y)"),
        ("`a` _b_ *c* ~d~ \\", r"\`a\` \_b\_ \*c\* \~d\~ \\"),
        ("می\u200cخواهم 👩\u200d⚕️", "می\u200cخواهم 👩\u200d⚕️"),
        ("\u202ex\u0000y\x85z", "⟦U+202E⟧x⟦U+0000⟧y z"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_text_shows_as_it_reads(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "span"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\n b", "`a b`"), ("``x", "``` ``x ```")]
)
def test_a_code_span_cannot_be_left(text: str, span: str) -> None:
    assert code(text) == span


def test_every_column_is_explained(tmp_path: Path) -> None:
    card = card_of(tmp_path)
    for config, table in TABLES.items():
        section = card.split(f"**`{config}`**")[1].split("**`")[0]
        assert [name for name in table.kinds if f"`{name}`" not in section] == []


def test_an_empty_config_is_not_announced(tmp_path: Path) -> None:
    card = card_of(tmp_path, answers=[], judgments=[])
    data = DatasetCard(card).data
    assert [(config["config_name"], config.get("default")) for config in data.configs] == [
        ("examples", True),
        ("rubrics", None),
    ]
    assert "**`judgments`**, 0 rows" in card
    assert 'load_dataset("FOLDER", "judgments"' not in card
