"""A cascade: who is asked what, what counts, what it cost, and how its error becomes known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from graders import GraderCard, Judgment, Recorded, Task, Verdict, grade, open_grader
from graders.cascade import Cascade
from graders.grader_report import AUDIT_DIFFERS, AUDITED
from rubrics import Answer, Example, GraderError, InputError
from tests.batch import Files, write_batch
from tests.command import Result, markscheme
from tests.graders.fake_endpoint import FakeEndpoint, Scripted, completion, json_lines, serving, verdicts

Says = dict[str, Any] | GraderError


class Stage:
    """Says what a function makes of a criterion's id; each call costs a thousandth of a dollar and 10 tokens."""

    version = "1"

    def __init__(
        self, name: str, says: Callable[[str], Says], *, max_criteria: int | None = 1, cost: float | None = 0.001
    ) -> None:
        self.name = name
        self.says = says
        self.max_criteria = max_criteria
        self.asked: list[tuple[str, ...]] = []
        self._spent = {"input_tokens": 10, **({} if cost is None else {"cost": cost})}

    async def judge(self, task: Task) -> Sequence[Verdict]:
        self.asked.append(tuple(criterion.id for criterion in task.criteria))
        verdicts = []
        for criterion in task.criteria:
            said = self.says(criterion.id)
            if isinstance(said, GraderError):
                raise GraderError(said.kind, str(said), spent=self._spent)
            verdicts.append(Verdict(criterion_id=criterion.id, **said, **({} if verdicts else self._spent)))
        return verdicts


def task_of(*criterion_ids: str, model: str = "m") -> Task:
    criteria = [{"id": name, "criterion": f"Says {name}", "points": 1} for name in criterion_ids]
    example = Example.model_validate({"id": "e", "prompt": "?", "rubric": {"id": "r", "criteria": criteria}})
    answer = Answer(example_id="e", model=model, text="Some words.")
    return Task(example, answer, tuple(leaf.criterion for leaf in example.rubric.leaves))


def judged(cascade: Cascade, task: Task) -> dict[str, Verdict]:
    return {verdict.criterion_id: verdict for verdict in asyncio.run(_judge(cascade, task))}


async def _judge(cascade: Cascade, task: Task) -> Sequence[Verdict]:
    return await cascade.judge(task)


UNSURE: dict[str, Says] = {
    "abstained": {"status": "abstained"},
    "unsure": {"met": True, "probability": 0.89},
    "parse": GraderError("parse", "no JSON"),
    "refusal": GraderError("refusal", "no"),
    "truncated": GraderError("truncated", "cut"),
    "misquote": {"status": "abstained", "failure": {"kind": "misquote", "message": "no quote"}},
    "failed": {"status": "failed", "failure": {"kind": "parse", "message": "no JSON"}},
}
SURE: dict[str, Says] = {
    "met": {"met": True},
    "unmet": {"met": False},
    "sure": {"met": True, "probability": 0.9},
    "not_applicable": {"status": "not_applicable"},
}


def test_what_the_cheap_grader_cannot_tell_goes_to_the_strong_one_and_nothing_else_does() -> None:
    cheap, strong = Stage("cheap", lambda name: (UNSURE | SURE)[name]), Stage("strong", lambda _: {"met": False})
    for name in UNSURE | SURE:
        verdict = judged(Cascade("c", [cheap, strong], audit=0.0), task_of(name))[name]
        told = verdict.metadata["cascade"]
        assert told["stage"] == ("strong" if name in UNSURE else "cheap")
        assert ("first" in told) is (name in UNSURE)
        assert verdict.flags == ()
        if name in UNSURE:
            assert verdict.met is False
    assert [asked for (asked,) in strong.asked] == list(UNSURE)


@pytest.mark.parametrize("kind", ["http", "timeout", "grader", "control"])
def test_a_fault_of_the_cheap_grader_is_a_fault_and_no_reason_to_pay_for_the_strong_one(kind: str) -> None:
    strong = Stage("strong", lambda _: {"met": False})
    with pytest.raises(GraderError) as caught:
        judged(Cascade("c", [Stage("cheap", lambda _: GraderError(kind, "no")), strong]), task_of("a"))
    assert caught.value.kind == kind
    assert strong.asked == []


@pytest.mark.parametrize("kind", ["parse", "refusal", "http"])
def test_where_the_last_stage_fails_the_cell_fails_and_all_that_was_spent_is_told(kind: str) -> None:
    stages = [Stage("cheap", lambda _: {"status": "abstained"}), Stage("strong", lambda _: GraderError(kind, "no"))]
    with pytest.raises(GraderError) as caught:
        judged(Cascade("c", stages), task_of("a"))
    assert caught.value.kind == kind
    assert caught.value.spent == {"input_tokens": 20, "cost": pytest.approx(0.002)}


def test_three_stages_are_asked_in_turn() -> None:
    stages = [
        Stage("small", lambda name: {"met": True} if name == "a" else {"status": "abstained"}),
        Stage("middle", lambda name: {"met": True} if name == "b" else {"met": True, "probability": 0.5}),
        Stage("large", lambda _: {"met": False}),
    ]
    cascade = Cascade("c", stages, audit=0.0)
    told = {name: judged(cascade, task_of(name))[name] for name in "abc"}
    assert [verdict.metadata["cascade"]["stage"] for verdict in told.values()] == ["small", "middle", "large"]
    assert [verdict.cost for verdict in told.values()] == pytest.approx([0.001, 0.002, 0.003])


def test_a_stage_that_takes_one_criterion_a_call_is_asked_only_what_is_open() -> None:
    cheap = Stage("cheap", lambda name: {"status": "abstained"} if name in "bd" else {"met": True}, max_criteria=None)
    strong = Stage("strong", lambda _: {"met": False})
    cascade = Cascade("c", [cheap, strong], audit=0.0)
    assert cascade.max_criteria is None
    found = judged(cascade, task_of("a", "b", "c", "d"))
    assert cheap.asked == [("a", "b", "c", "d")]
    assert strong.asked == [("b",), ("d",)]
    assert {name: verdict.met for name, verdict in found.items()} == {"a": True, "b": False, "c": True, "d": False}
    assert found["a"].cost == pytest.approx(0.003)
    assert [found[name].cost for name in "bcd"] == [None] * 3
    assert found["a"].input_tokens == 30


def test_one_unusable_call_of_a_middle_stage_does_not_take_its_other_calls_with_it() -> None:
    middle = Stage("middle", lambda name: GraderError("parse", "no") if name == "b" else {"met": True})
    stages = [Stage("cheap", lambda _: {"status": "abstained"}, max_criteria=None), middle]
    strong = Stage("strong", lambda _: {"met": False})
    found = judged(Cascade("c", [*stages, strong], audit=0.0), task_of("a", "b", "c"))
    assert {name: verdict.met for name, verdict in found.items()} == {"a": True, "b": False, "c": True}
    assert strong.asked == [("b",)]


def test_a_cost_that_one_stage_does_not_tell_is_unknown() -> None:
    free = Stage("strong", lambda _: {"met": False}, cost=None)
    cascade = Cascade("c", [Stage("cheap", lambda _: {"status": "abstained"}), free], audit=0.0)
    verdict = judged(cascade, task_of("a"))["a"]
    assert (verdict.cost, verdict.input_tokens) == (None, 20)


def test_verdicts_on_other_criteria_than_were_asked_are_refused() -> None:
    class Wrong(Stage):
        async def judge(self, task: Task) -> Sequence[Verdict]:
            return [Verdict(criterion_id="z", met=True)]

    with pytest.raises(GraderError, match="other criteria"):
        judged(Cascade("c", [Wrong("cheap", lambda _: {}), Stage("strong", lambda _: {})]), task_of("a"))


# --- the audit ---


def audited(*, audit: float, seed: int = 0, right: bool = False) -> dict[str, Verdict]:
    stages = [Stage("cheap", lambda _: {"met": True}, max_criteria=None), Stage("strong", lambda _: {"met": right})]
    cascade = Cascade("c", stages, audit=audit, seed=seed)
    return judged(cascade, task_of(*(f"k{number}" for number in range(2000))))


def test_about_the_share_of_what_the_cheap_grader_was_sure_of_is_audited_and_the_strong_verdict_counts() -> None:
    found = audited(audit=0.05)
    drawn = [verdict for verdict in found.values() if AUDITED in verdict.flags]
    assert 60 <= len(drawn) <= 140  # 100 expected, four deviations of 9.7 either way
    for verdict in drawn:
        assert verdict.flags == (AUDITED, AUDIT_DIFFERS)
        assert verdict.met is False
        assert verdict.metadata["cascade"] == {"stage": "strong", "first": {"status": "judged", "met": True}}
    assert all(verdict.met is True for verdict in found.values() if verdict not in drawn)
    assert {verdict.flags for verdict in audited(audit=0.05, right=True).values()} == {(), (AUDITED,)}


def test_the_audit_is_drawn_by_a_seed_and_all_or_none_can_be() -> None:
    def names(**how: Any) -> set[str]:
        return {name for name, verdict in audited(**how).items() if AUDITED in verdict.flags}

    assert names(audit=0.05) == names(audit=0.05) != names(audit=0.05, seed=1)
    assert names(audit=0.05) < names(audit=0.2)
    assert names(audit=0.0) == set()
    assert len(names(audit=1.0)) == 2000


def test_the_audit_draws_by_cell_so_that_a_resumed_run_audits_the_same_ones() -> None:
    alone = Cascade(
        "c", [Stage("cheap", lambda _: {"met": True}), Stage("strong", lambda _: {"met": False})], audit=0.5
    )
    together = Cascade(
        "c",
        [Stage("cheap", lambda _: {"met": True}, max_criteria=None), Stage("strong", lambda _: {"met": False})],
        audit=0.5,
    )
    names = [f"k{number}" for number in range(50)]
    found = judged(together, task_of(*names))
    assert {name: found[name].met for name in names} == {name: judged(alone, task_of(name))[name].met for name in names}


# --- what a cascade is ---


def test_a_cascade_is_another_grader_where_anything_of_it_is_another() -> None:
    def card(*, names: tuple[str, str] = ("a", "b"), **how: Any) -> str:
        return GraderCard.of(Cascade("c", [Stage(name, lambda _: {}) for name in names], **how)).fingerprint

    others = [card(names=("b", "a")), card(audit=0.1), card(sure_from=0.5), card(seed=1)]
    assert card() == card()
    assert card() not in others
    assert len(set(others)) == 4


@pytest.mark.parametrize(("stages", "how"), [(1, {}), (2, {"audit": -0.1}), (2, {"audit": 1.1}), (2, {"sure_from": 2})])
def test_a_cascade_that_makes_no_sense_is_refused(stages: int, how: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="grader c"):
        Cascade("c", [Stage(str(number), lambda _: {}) for number in range(stages)], **how)


def test_failures_of_a_cascade_are_filed_like_any_graders() -> None:
    stages = [Stage("cheap", lambda _: {"status": "abstained"}), Stage("strong", lambda _: GraderError("parse", "no"))]
    task = task_of("a")
    judgments: tuple[Judgment, ...] = grade([task.example], [task.answer], Cascade("c", stages))
    (judgment,) = judgments
    assert (judgment.status, judgment.failure and judgment.failure.kind) == ("failed", "parse")
    assert (judgment.cost, judgment.input_tokens) == (pytest.approx(0.002), 20)


# --- through the command ---


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return write_batch(tmp_path / "batch")


def write_cascade(files: Files, base_url: str, **changes: Any) -> Path:
    for name, price in (("small", 1.0), ("large", 10.0)):
        told = {"kind": "model", "name": name, "base_url": base_url, "price": {"input": price, "output": price}}
        (files.folder / f"{name}.grader.json").write_text(json.dumps({**told, **changes.pop(name, {})}))
    told = {"kind": "cascade", "stages": ["small.grader.json", "large.grader.json"], "audit": 0.0}
    path = files.folder / "both.grader.json"
    path.write_text(json.dumps({**told, **changes}))
    return path


def small_and_large(body: dict[str, Any]) -> Scripted:
    """The small judge talks rubbish of doses and judges the rest; the large one says no to all."""
    asked = json_lines(body["messages"])[1]["criteria"]
    if body["model"] == "small" and "dose" in asked[0]["criterion"]:
        return completion("Hm.")
    return verdicts({"criterion": "c1", "met": body["model"] == "small"})


def grade_files(files: Files, path: Path, *options: Any) -> Result:
    spec = ("--grader", path, "--run", "r", "--max-replies", 2)
    return markscheme("grade", files.dataset, files.answers, *spec, *options, *files.options, "--json")


def test_a_cascade_runs_from_its_file_and_goes_on_only_with_the_same_stages(files: Files) -> None:
    endpoint = FakeEndpoint(answer=small_and_large)
    with serving(endpoint):
        path = write_cascade(files, endpoint.base_url)
        first = grade_files(files, path, "--budget", 1)
        asked = [body["model"] for body in endpoint.requests]
        changed = grade_files(files, write_cascade(files, endpoint.base_url, large={"temperature": 1.0}))
        again = grade_files(files, write_cascade(files, endpoint.base_url))
    report = json.loads(first.out)
    assert first.code == 0, first.err
    assert (asked.count("small"), asked.count("large")) == (4 * 4, 4)
    assert report["run"]["cost"] == pytest.approx(110 * (16 * 1 + 4 * 10) / 1e6)
    assert list(report["by_grader"]) == ["cascade:both"]
    assert {row["score"] for row in report["answers"]} == {1.0}  # 6 + 4 of 10 by the small one, no dose by the large
    assert changed.code == 1
    assert "large" in changed.err or "stages" in changed.err
    assert again.code == 0
    assert len(endpoint.requests) == len(asked)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"stages": ["small.grader.json"]}, "stages"),
        ({"stages": ["small.grader.json", "rules"]}, "$.stages[1]"),
        ({"stages": ["human", "small.grader.json"]}, "$.stages[0]"),
        ({"stages": ["small.grader.json", "both.grader.json"]}, "$.stages[1]"),
        ({"stages": ["small.grader.json", "gone.grader.json"]}, "gone.grader.json"),
        ({"stages": ["small.grader.json", "nonsense"]}, "nonsense"),
        ({"audit": 1.5}, "audit"),
        ({"audit": "0.1"}, "audit"),
        ({"sure": 0.5}, "sure"),
        ({"kind": "cascad"}, "kind"),
    ],
)
def test_a_wrong_cascade_is_refused_with_the_place(files: Files, changes: dict[str, Any], told: str) -> None:
    result = grade_files(files, write_cascade(files, "http://127.0.0.1:9/v1", **changes))
    assert result.code == 1
    assert told in result.err
    assert "Traceback" not in result.err


def test_a_cascade_file_opens_as_a_grader(files: Files) -> None:
    grader = open_grader(str(write_cascade(files, "http://h/v1", name="mine")))
    assert not isinstance(grader, Recorded)
    assert isinstance(grader, Cascade)
    assert grader.name == "mine"
    assert [stage.name for stage in grader.stages] == ["model:small", "model:large"]
