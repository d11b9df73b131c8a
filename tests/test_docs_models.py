"""The page on language models says what there is, and its blocks run: files, commands and numbers."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from api.store import Store
from graders import CascadeFile, Grader, GraderCard, Judgment, Recorded, open_grader
from graders.grader_report import Audit
from graders.model.grader_file import ModelGraderFile, ShownExamplesFile
from graders.model.price import Price, load_prices
from graders.model.reply import parse_reply
from graders.model.tally import Usage
from graders.model.template import SLOTS
from rubrics import Model, load_dataset
from tests.command import Result, markscheme
from tests.endpoint_thread import serving
from tests.graders.fake_batches import FakeBatches
from tests.graders.fake_endpoint import FakeEndpoint, Scripted, json_lines

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000/v1"
SAID = "Do not use your neighbour's spray."
MODEL = "judge-large-2026-10"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


JUDGE_FILE, REPLY, JUDGMENT, TAUGHT_FILE, PRICES, CASCADE_FILE = blocks("json")
PLAN, PROMPT, AUDIT = blocks("text")
COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]
IN_README = [
    line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "judge.grader.json --" in line
]


def section(heading: str) -> str:
    return re.split(r"^##+ ", PAGE.split(f"# {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def named_in_table(heading: str) -> list[str]:
    """What stands in backticks in the first column of a section's table."""
    rows = [line.split("|")[1] for line in section(heading).splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def judge(body: dict[str, Any]) -> Scripted:
    """Quotes what it can, tells right whether words stand in the answer, and calls all else unmet."""
    lines = json_lines(body["messages"])
    if not lines:
        return reply('{"explanation": "It does not say so.", "criteria_met": false}')
    answer = next(line["answer"] for line in lines if "answer" in line)
    text = json.dumps({"verdicts": [entry(criterion, answer) for criterion in lines[-1]["criteria"]]})
    return reply(text, logprobs=bool(body.get("logprobs")))


def entry(criterion: dict[str, Any], answer: str) -> dict[str, Any]:
    scale = criterion.get("scale", {"type": "binary"})
    _, is_control, words = criterion["criterion"].partition("Says, word for word: ")
    said: dict[str, Any] = {"criterion": criterion["id"], "explanation": "It says so in as many words."}
    if is_control:
        return said | {"met": words in answer}
    if scale["type"] == "binary":
        is_met = criterion["criterion"] == "Tells the writer not to use the neighbour's spray." and SAID in answer
        return said | ({"evidence": [SAID], "met": True} if is_met else {"met": False})
    if scale["type"] in ("ordinal", "nominal"):
        return said | {"option": scale["options"][0]["label"]}
    return said | {"value": scale.get("min", 0)}


def reply(text: str, *, logprobs: bool = False) -> Scripted:
    """A completion that reads 1,500 tokens (1,200 cached), writes 100, and is sure by nine to one of true or false."""
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    if logprobs:
        likely, unlikely = {"logprob": -0.10536}, {"logprob": -2.302585}
        tokens = []
        for part in re.split(r"(true|false)", text):
            other = {"true": "false", "false": "true"}.get(part)
            top = [] if other is None else [{"token": part, **likely}, {"token": other, **unlikely}]
            tokens.append({"token": part, **likely, "top_logprobs": top})
        choice["logprobs"] = {"content": tokens}
    usage = {"prompt_tokens": 1500, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 1200}}
    body = {"object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}
    return Scripted(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's files and the examples, in which its commands are typed."""
    healthbench = {
        "prompt_id": "e",
        "prompt": [{"role": "user", "content": "My chest hurts."}],
        "rubrics": [{"criterion": "Names an ambulance", "points": 5, "tags": []}],
        "example_tags": [],
    }
    answer = {"example_id": "e", "model": "m", "text": "Wait and see how you feel tomorrow."}
    files = {
        "judge.grader.json": JUDGE_FILE,
        "small.grader.json": JUDGE_FILE.replace("judge-large", "judge-small"),
        "first-cheap.grader.json": CASCADE_FILE.replace("0.05", "0.5"),
        "batch.grader.json": json.dumps({**json.loads(JUDGE_FILE), "controls": False}),
        "prices.json": PRICES,
        "strict.txt": PROMPT,
        "healthbench.txt": "Dialogue:\n<<conversation>>\n\nItem:\n<<rubric_item>>\n",
        "healthbench.jsonl": json.dumps(healthbench),
        "answers.jsonl": json.dumps(answer),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MARKSCHEME_PRICES", "MARKSCHEME_STORE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def type_in(command: str, base_url: str) -> Result:
    """Type a command of the page, with its address, and that of grader files, where an endpoint is."""
    for file in Path().glob("*.grader.json"):
        file.write_text(file.read_text(encoding="utf-8").replace(ADDRESS, base_url), encoding="utf-8")
    words = shlex.split(command.partition(" > ")[0].replace(ADDRESS, base_url))
    assert words[0] == "markscheme"
    return markscheme(*words[1:])


def fields(model: type[Model]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def test_every_field_of_a_grader_file_is_explained_and_no_other() -> None:
    assert sorted(named_in_table("A grader file")) == sorted(fields(ModelGraderFile))
    assert sorted(named_in_table("A cheap judge first")) == sorted(fields(CascadeFile))
    assert sorted(named_in_table("Verdicts to learn from")) == sorted(fields(ShownExamplesFile))


def test_every_field_of_a_price_is_explained() -> None:
    (row,) = [line for line in section("A grader file").splitlines() if line.startswith("| `price`")]
    assert [name for name in fields(Price) if f"`{name}`" not in row] == []


def test_every_slot_of_a_prompt_is_explained_and_no_other() -> None:
    assert sorted(named_in_table("A prompt of your own")) == sorted(SLOTS)


def test_every_option_of_grade_is_in_the_docs() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", markscheme("grade", "--help").out)) - {"--help"}
    assert len(options) > 20
    assert sorted(option for option in options if option not in text) == []


def test_everything_that_a_grader_may_say_of_itself_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "graders.md").read_text(encoding="utf-8")
    offered = re.findall(r"^ *- `(?:async )?(\w+)", Grader.__doc__ or "", flags=re.MULTILINE)
    assert {"kind", "warm_first", "estimate", "stop", "aclose"} <= set(offered)
    assert [name for name in offered if not re.search(rf"`(async )?{name}\b", text)] == []


@pytest.mark.parametrize("text", [JUDGE_FILE, TAUGHT_FILE, CASCADE_FILE], ids=["judge", "taught", "cascade"])
def test_a_grader_file_of_the_page_satisfies_the_published_schema(text: str) -> None:
    schema = json.loads((ROOT / "rubrics" / "schemas" / "grader.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    assert [*validator.iter_errors(json.loads(text))] == []
    assert not validator.is_valid({**json.loads(text), "temprature": 1})


def write_labels(folder: Path) -> None:
    rubric = {"id": "r", "criteria": [{"id": "c", "criterion": "Names a doctor", "points": 1}]}
    label = {"example_id": "e", "model": "m", "criterion_id": "c", "grader": "dr-k", "grader_kind": "human"}
    rows = {
        "dataset.jsonl": [{"id": "e", "prompt": "?", "rubric": rubric}],
        "labels.jsonl": [{**label, "status": "judged", "met": False, "use": "tune"}],
    }
    for name, lines in rows.items():
        (folder / name).write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


CHANGED: dict[str, Any] = {
    "name": "judge-other",
    "base_url": "http://127.0.0.1:9000/v1",
    "dialect": "anthropic",
    "prompt": "strict.txt",
    "reply": "healthbench",
    "examples": json.loads(TAUGHT_FILE)["examples"],
    "criteria_per_call": 2,
    "temperature": 0.5,
    "max_tokens": 500,
    "logprobs": False,
    "controls": False,
    "extra": {"reasoning_effort": "low"},
    "api_key_env": "OTHER_KEY",
    "timeout": 5,
    "requests_per_minute": 60,
    "tokens_per_minute": 1000,
    "warm_first": False,
    "price": {"input": 1, "output": 1},
}


def fingerprint(file: dict[str, Any]) -> str:
    Path("changed.grader.json").write_text(json.dumps(file), encoding="utf-8")
    grader = open_grader("changed.grader.json")
    assert not isinstance(grader, Recorded)
    return GraderCard.of(grader).fingerprint


def test_the_fields_that_make_another_grader_are_those_that_the_page_says(here: Path) -> None:
    in_order = [name for name in named_in_table("A grader file") if name not in ("$schema", "kind")]
    assert sorted(in_order) == sorted(CHANGED)
    write_labels(here)
    judging = in_order[: in_order.index("api_key_env")]
    for name in in_order:
        file = json.loads(JUDGE_FILE)
        if name == "reply":
            file["prompt"] = "healthbench_and_ours.txt"
            Path(file["prompt"]).write_text("{{conversation}} {{criteria}} {{rubric_item}}", encoding="utf-8")
        before = fingerprint(file)
        assert (fingerprint({**file, name: CHANGED[name]}) != before) == (name in judging), name


def test_a_judge_is_shown_the_tune_labels_that_its_file_names(here: Path) -> None:
    write_labels(here)
    Path("taught.grader.json").write_text(TAUGHT_FILE, encoding="utf-8")
    grader: Any = open_grader("taught.grader.json")
    assert [shown[0] for shown in grader.arguments["examples"]] == ["e"]


def test_the_plan_of_the_grader_file_is_as_printed(here: Path) -> None:
    def without_what_differs(line: str) -> str:
        return re.sub(r"medicine-\w{8}", "medicine-…", re.sub(r"\$[\d.]+", "$…", line))

    result = type_in(next(line for line in COMMANDS if "judge.grader.json --dry-run" in line), ADDRESS)
    assert without_what_differs(result.err) == without_what_differs(PLAN)
    planned, printed = (float(re.findall(r"\$([\d.]+)", text)[0]) for text in (result.err, PLAN))
    assert planned == pytest.approx(printed, rel=0.2), "the prompt has grown: print the plan anew"


def test_the_reply_on_the_page_is_one() -> None:
    (leaf,) = [
        leaf for leaf in load_dataset(ROOT / "examples" / "medicine").examples[0].rubric.leaves if leaf.id == "no-spray"
    ]
    (verdict,) = parse_reply(REPLY, [leaf.criterion])
    assert (verdict.met, verdict.evidence) == (True, (SAID,))


def test_a_verdict_carries_what_the_page_shows(here: Path) -> None:
    printed = json.loads(JUDGMENT)
    Judgment.model_validate(printed)
    with serving(FakeEndpoint(answer=judge)) as endpoint:
        run = type_in(COMMANDS[3].replace("--dry-run", "--run shown"), endpoint.base_url)
    assert run.code == 0, run.err
    with Store("sqlite:///markscheme.db") as store:
        judged = {(j.model, j.criterion_id): j for j in store.find_run("shown").judgments(current=True)}
    kept = {name: value for name, value in judged["answerer-a", "no-spray"].as_json().items() if value != []}
    assert sorted(kept) == sorted(printed)
    varying = {"seconds", "judged_at", "grader_fingerprint", "prompt_hash", "probability"}
    assert {name: value for name, value in kept.items() if name not in varying} == {
        name: value for name, value in printed.items() if name not in varying
    }
    assert kept["probability"] == pytest.approx(printed["probability"], abs=0.001)


def test_every_command_of_the_page_and_of_the_readme_runs(here: Path) -> None:
    assert IN_README
    at_once = [command for command in (*COMMANDS, *IN_README) if "--batch" not in command]
    with serving(FakeEndpoint(answer=judge)) as endpoint:
        results = [(command, type_in(command, endpoint.base_url)) for command in at_once]
    assert [(command, result.err) for command, result in results if result.code != 0] == []
    assert any("Wait and see" in text and "[5] Names an ambulance" in text for text in endpoint.texts)
    assert any("You mark exam answers strictly." in text for text in endpoint.texts)


def test_the_command_for_batches_runs(here: Path) -> None:
    (command,) = [command for command in COMMANDS if "--batch" in command]
    with FakeBatches(looks=1) as provider:
        result = type_in(f"{command} --run batches --max-replies 1", provider.base_url)
    assert result.code == 3, "this provider's judge knows met and not met alone"
    assert "a batch of 303 calls submitted" in result.err
    with Store("sqlite:///markscheme.db") as store:
        judged = {(j.example_id, j.criterion_id): j.status for j in store.find_run("batches").judgments(current=True)}
    for example in load_dataset("examples/medicine"):
        for leaf in example.rubric.leaves:
            is_binary = leaf.criterion.scale.type == "binary"
            assert judged[example.id, leaf.id] == ("judged" if is_binary else "failed"), leaf.id


def test_the_scores_of_a_cascade_tell_its_audit_as_the_page_does(here: Path) -> None:
    def without_numbers(line: str) -> str:
        return re.sub(r"\d+(\.\d+)?", "…", " ".join(line.split()))

    with serving(FakeEndpoint(answer=judge)) as endpoint:
        run = type_in(next(line for line in COMMANDS if "first-cheap.grader.json" in line), endpoint.base_url)
    assert run.code == 0, run.err
    assert without_numbers(AUDIT) in without_numbers(run.out)


def test_the_library_s_way_judges_everything(here: Path) -> None:
    (library,) = blocks("python")
    names: dict[str, Any] = {}
    with serving(FakeEndpoint(answer=judge)) as endpoint:
        exec(compile(library.replace(ADDRESS, endpoint.base_url), "models.md", "exec"), names)
    assert {judgment.status for judgment in names["judgments"]} == {"judged"}
    assert len(endpoint.requests) == 24, "one call an answer"


def test_the_worked_price_is_right(here: Path) -> None:
    price = load_prices(Path("prices.json"))["judge-large"]
    assert price == Price.model_validate(json.loads(JUDGE_FILE)["price"])
    call = price.cost(Usage(input_tokens=1500, output_tokens=100, cached_tokens=1200))
    uncached = price.cost(Usage(input_tokens=1500, output_tokens=100, cached_tokens=0))
    assert call is not None and uncached is not None
    said = " ".join(section("Money").split())
    assert f"= ${call:.3f}; 5,000 such calls cost ${5000 * call:.2f}." in said
    assert f"Without the cache they would cost ${5000 * uncached:.2f}." in said


def test_the_worked_cascade_is_right() -> None:
    criteria, sure, differ = 1000, 800, 3
    audit = json.loads(CASCADE_FILE)["audit"]
    audited = round(audit * sure)
    error = differ / audited
    said = " ".join(section("A cheap judge first").split())
    assert f"that is {audited}: {criteria - sure + audited} calls" in said
    assert f"{differ} / {audited} = {error:.1%}".replace("%", " %") in said
    interval = Audit(audited, differ).interval
    assert interval.low is not None and interval.high is not None
    assert f"{audited} verdicts were given by the last one too; {differ} differ" in said
    assert f"({100 * error:.1f} %, 95 % interval {100 * interval.low:.1f} to {100 * interval.high:.1f} %)" in said
    assert f"about {error * (sure - audited):.0f} of the {sure - audited} verdicts" in said
