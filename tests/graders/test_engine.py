"""The engine: each cell exactly once, failures kept as failures, and a ledger that resumes."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from graders import (
    Engine,
    Entry,
    GraderCard,
    HashedKey,
    Judgment,
    LoadedQuestion,
    MemoryLedger,
    RulesGrader,
    Standing,
    Task,
    Verdict,
)
from rubrics import Answer, Example, GraderError, InputError, Rubric


class ScriptedGrader:
    """Answers by a function of the task; counts its calls."""

    def __init__(
        self, script: Any, *, name: str = "scripted", max_criteria: int | None = 1, version: str = "1"
    ) -> None:
        self.name = name
        self.version = version
        self.max_criteria = max_criteria
        self.script = script
        self.tasks: list[Task] = []
        self.closed = 0

    async def judge(self, task: Task) -> Sequence[Verdict]:
        self.tasks.append(task)
        await asyncio.sleep(0)
        verdicts = self.script(task)
        assert isinstance(verdicts, list)
        return verdicts

    async def aclose(self) -> None:
        self.closed += 1


def all_met(task: Task) -> list[Verdict]:
    return [Verdict(criterion_id=criterion.id, met=True) for criterion in task.criteria]


def make_questions(answers: int = 2, **changes: Any) -> list[LoadedQuestion]:
    criteria = [
        {"id": "a", "criterion": "Says a", "points": 3},
        {"id": "b", "criterion": "Says b", "points": 2, "may_not_apply": True},
        {"id": "c", "criterion": "Is short", "points": 1, "check": {"max_words": 3}},
        {"id": "d", "criterion": "Says d", "points": -2},
    ]
    rubric = Rubric.model_validate({"id": "r", "criteria": criteria, **changes})
    example = Example(id="e", prompt="?", rubric=rubric)
    given = [Answer(example_id="e", model=f"m{number}", text=f"answer {number}") for number in range(answers)]
    return [LoadedQuestion(example, given)]


def run(engine: Engine, questions: list[LoadedQuestion]) -> Any:
    return asyncio.run(engine.run(questions))


def judged(ledger: MemoryLedger) -> dict[tuple[str, str], Judgment]:
    return {(judgment.model, judgment.criterion_id): judgment for judgment in ledger.judgments()}


def test_every_cell_is_asked_once_and_rules_judge_the_checks() -> None:
    grader, ledger = ScriptedGrader(all_met), MemoryLedger()
    progress = run(Engine([grader, RulesGrader()], ledger), make_questions())
    assert (progress.total, progress.kept, progress.graded, progress.failed) == (8, 0, 8, 0)
    assert sorted((task.answer.model, task.criteria[0].id) for task in grader.tasks) == [
        (model, criterion) for model in ("m0", "m1") for criterion in "abd"
    ]
    found = judged(ledger)
    assert found["m0", "c"].grader == "rules"
    assert found["m0", "c"].met is True
    assert found["m0", "a"].grader_kind == "model"
    assert grader.closed == 1


def test_the_same_run_again_asks_nothing() -> None:
    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(all_met)], ledger), make_questions())
    again = ScriptedGrader(all_met)
    progress = run(Engine([again], ledger), make_questions())
    assert again.tasks == []
    assert (progress.kept, progress.to_grade) == (6, 0)


def test_the_plan_counts_without_asking() -> None:
    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(all_met)], ledger), make_questions(1))
    grader = ScriptedGrader(all_met)
    plan = Engine([grader], ledger).plan(make_questions(3))
    assert (plan.total, plan.kept, plan.to_grade) == (9, 3, 6)
    assert grader.tasks == []


def test_a_failure_is_kept_as_failed_and_tried_again() -> None:
    ledger = MemoryLedger()

    def broken(task: Task) -> list[Verdict]:
        if task.criteria[0].id == "a":
            raise GraderError("refusal", "no")
        return all_met(task)

    progress = run(Engine([ScriptedGrader(broken)], ledger), make_questions(1))
    assert (progress.graded, progress.failed) == (2, 1)
    failed = judged(ledger)["m0", "a"]
    assert (failed.status, failed.met, failed.failure and failed.failure.kind) == ("failed", None, "refusal")
    again = ScriptedGrader(all_met)
    run(Engine([again], ledger), make_questions(1))
    assert [task.criteria[0].id for task in again.tasks] == ["a"]
    assert judged(ledger)["m0", "a"].met is True
    assert ledger.standings([HashedKey("e", "m0", 0, "")])["e", "m0", 0]["a", "scripted", 0].attempt == 1


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (GraderError("http", "503"), "http"),
        (GraderError("strange", "?"), "grader"),
        (TimeoutError(), "timeout"),
        (ValueError("x\ud800\x00"), "grader"),
        (KeyError("k"), "grader"),
        (SystemExit(0), "grader"),
        (asyncio.CancelledError(), "grader"),
        (BaseException("all"), "grader"),
    ],
)
def test_whatever_is_raised_becomes_a_failed_judgment_of_its_kind(raised: BaseException, kind: str) -> None:
    def broken(task: Task) -> list[Verdict]:
        raise raised

    ledger = MemoryLedger()
    progress = run(Engine([ScriptedGrader(broken)], ledger), make_questions(1))
    assert progress.failed == 3
    assert {judgment.failure and judgment.failure.kind for judgment in ledger.judgments()} == {kind}


@pytest.mark.parametrize(
    "verdicts",
    [
        [],
        [{"criterion_id": "other", "met": True}],
        [{"criterion_id": "a", "met": True}, {"criterion_id": "a", "met": True}],
        [{"criterion_id": "a", "option": "yes"}],
        [{"criterion_id": "a", "value": 1}],
        [{"criterion_id": "a", "status": "not_applicable"}],
    ],
)
def test_a_reply_that_does_not_fit_is_failed_and_never_not_met(verdicts: list[dict[str, Any]]) -> None:
    def misfit(task: Task) -> list[Verdict]:
        if task.criteria[0].id != "a":
            return all_met(task)
        return [Verdict.model_validate(verdict) for verdict in verdicts]

    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(misfit)], ledger), make_questions(1))
    assert judged(ledger)["m0", "a"].status == "failed"
    assert judged(ledger)["m0", "b"].met is True


def test_not_applicable_is_taken_where_the_criterion_may_not_apply() -> None:
    def waive(task: Task) -> list[Verdict]:
        return [Verdict(criterion_id=criterion.id, status="not_applicable") for criterion in task.criteria]

    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(waive)], ledger), make_questions(1))
    found = judged(ledger)
    assert (found["m0", "b"].status, found["m0", "a"].status) == ("not_applicable", "failed")


def test_a_changed_criterion_is_asked_again_and_no_other() -> None:
    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(all_met)], ledger), make_questions())
    changed = make_questions()
    example, answers = changed[0].load()
    raw = example.rubric.as_json()
    raw["criteria"][1]["criterion"] = "Says b plainly"
    newer = Example(id="e", prompt="?", rubric=Rubric.model_validate(raw))
    again = ScriptedGrader(all_met)
    run(Engine([again], ledger), [LoadedQuestion(newer, answers)])
    assert {task.criteria[0].id for task in again.tasks} == {"b"}


def test_points_are_no_part_of_what_was_judged() -> None:
    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(all_met)], ledger), make_questions())
    example, answers = make_questions()[0].load()
    raw = example.rubric.as_json()
    raw["criteria"][0]["points"] = 9
    again = ScriptedGrader(all_met)
    run(
        Engine([again], ledger),
        [LoadedQuestion(Example(id="e", prompt="?", rubric=Rubric.model_validate(raw)), answers)],
    )
    assert again.tasks == []


def test_several_criteria_go_in_one_call_and_a_changed_one_asks_its_call_again() -> None:
    ledger = MemoryLedger()
    first = ScriptedGrader(all_met, max_criteria=2)
    run(Engine([first], ledger), make_questions(1))
    assert sorted(len(task.criteria) for task in first.tasks) == [1, 2]
    example, answers = make_questions(1)[0].load()
    raw = example.rubric.as_json()
    raw["criteria"][0]["criterion"] = "Says a plainly"
    again = ScriptedGrader(all_met, max_criteria=2)
    run(
        Engine([again], ledger),
        [LoadedQuestion(Example(id="e", prompt="?", rubric=Rubric.model_validate(raw)), answers)],
    )
    assert [[criterion.id for criterion in task.criteria] for task in again.tasks] == [["a", "b"]]


def test_another_version_of_a_grader_is_another_judge() -> None:
    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(all_met)], ledger), make_questions(1))
    newer = ScriptedGrader(all_met, version="2")
    run(Engine([newer], ledger), make_questions(1))
    assert len(newer.tasks) == 3
    assert GraderCard.of(newer).fingerprint != GraderCard.of(ScriptedGrader(all_met)).fingerprint


def test_more_repeats_extend_a_run_and_rules_are_never_repeated() -> None:
    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(all_met), RulesGrader()], ledger), make_questions(1))
    again = ScriptedGrader(all_met)
    progress = run(Engine([again, RulesGrader()], ledger, repeats=3), make_questions(1))
    assert (progress.total, progress.kept, progress.graded) == (10, 4, 6)
    assert {task.repeat for task in again.tasks} == {1, 2}


def test_no_more_calls_are_in_flight_than_asked_for() -> None:
    in_flight = most = 0

    class Slow(ScriptedGrader):
        async def judge(self, task: Task) -> Sequence[Verdict]:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(0.001)
            in_flight -= 1
            return all_met(task)

    run(Engine([Slow(all_met)], MemoryLedger(), concurrency=5), make_questions(40))
    assert most == 5


def test_a_budget_stops_before_the_call_that_would_exceed_it() -> None:
    def dear(task: Task) -> list[Verdict]:
        return [Verdict(criterion_id=task.criteria[0].id, met=True, cost=0.4)]

    grader = ScriptedGrader(dear)
    progress = run(Engine([grader], MemoryLedger(), concurrency=1, budget=1.0), make_questions())
    assert (len(grader.tasks), progress.stopped) == (2, "budget")
    assert progress.cost == pytest.approx(0.8)


def test_an_unknown_cost_is_unknown_and_not_zero() -> None:
    assert run(Engine([ScriptedGrader(all_met)], MemoryLedger()), make_questions(1)).cost is None
    assert run(Engine([RulesGrader()], MemoryLedger()), make_questions(1)).cost == 0.0


def test_stopping_keeps_what_was_in_flight() -> None:
    ledger = MemoryLedger()
    engine: Engine

    def stop_after_three(task: Task) -> list[Verdict]:
        if len(grader.tasks) == 3:
            engine.stop()
        return all_met(task)

    grader = ScriptedGrader(stop_after_three)
    engine = Engine([grader], ledger, concurrency=1)
    progress = run(engine, make_questions(10))
    assert progress.stopped == "cancel"
    assert len(list(ledger.judgments())) == 3
    again = ScriptedGrader(all_met)
    run(Engine([again], ledger), make_questions(10))
    assert len(again.tasks) == 27


def test_what_one_grader_costs_says_nothing_of_another() -> None:
    def priced(cost: float) -> Any:
        return lambda task: [Verdict(criterion_id=task.criteria[0].id, met=True, cost=cost)]

    cheap, dear = ScriptedGrader(priced(0.001), name="cheap"), ScriptedGrader(priced(0.3), name="dear")
    progress = run(Engine([cheap, dear], MemoryLedger(), concurrency=64, budget=1.0), make_questions(50))
    assert progress.stopped == "budget"
    assert len(dear.tasks) <= 3
    assert progress.cost is not None
    assert progress.cost <= 1.0


def test_calls_that_wait_for_a_price_are_not_asked_once_the_run_is_stopped() -> None:
    def stop(task: Task) -> list[Verdict]:
        engine.stop()
        return [Verdict(criterion_id=task.criteria[0].id, met=True, cost=0.1)]

    grader = ScriptedGrader(stop)
    engine = Engine([grader], MemoryLedger(), budget=100.0)
    progress = run(engine, make_questions(10))
    assert (len(grader.tasks), progress.calls, progress.stopped) == (1, 1, "cancel")


def test_a_ledger_that_breaks_ends_the_run_with_its_own_error() -> None:
    class Broken(MemoryLedger):
        def keep(self, entries: Sequence[Entry]) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run(Engine([ScriptedGrader(all_met)], Broken(), concurrency=3), make_questions(30))


def test_an_abstention_is_final() -> None:
    def unsure(task: Task) -> list[Verdict]:
        return [Verdict(criterion_id=task.criteria[0].id, status="abstained")]

    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(unsure)], ledger), make_questions(1))
    again = ScriptedGrader(all_met)
    run(Engine([again], ledger), make_questions(1))
    assert again.tasks == []


def test_a_judgment_says_who_judged_what_and_when() -> None:
    ledger = MemoryLedger()
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    questions = make_questions(1)
    run(Engine([ScriptedGrader(all_met)], ledger, now=lambda: now), questions)
    example, _ = questions[0].load()
    judgment = judged(ledger)["m0", "a"]
    assert judgment.judged_at == "2026-11-24T12:00:00.000+00:00"
    assert judgment.answer_hash == questions[0].answers[0].answer_hash
    assert judgment.criterion_hash == example.rubric.criterion_hashes["a"]
    assert judgment.grader_fingerprint == GraderCard.of(ScriptedGrader(all_met)).fingerprint


def test_commits_are_bounded_and_lose_nothing() -> None:
    sizes: list[int] = []

    class Counting(MemoryLedger):
        def keep(self, entries: Sequence[Entry]) -> None:
            sizes.append(len(entries))
            super().keep(entries)

    ledger = Counting()
    run(Engine([ScriptedGrader(all_met)], ledger, concurrency=64), make_questions(300))
    assert sum(sizes) == 900
    assert max(sizes) <= 264


def test_a_ledger_that_is_slow_to_commit_holds_the_calls_back() -> None:
    """What a kill can cost is bounded: those that are out, and as many that wait for the commit under way."""
    gate = threading.Event()

    class Held(MemoryLedger):
        def keep(self, entries: Sequence[Entry]) -> None:
            assert gate.wait(20)
            super().keep(entries)

    async def asked_while_held(grader: ScriptedGrader, ledger: MemoryLedger) -> int:
        running = asyncio.create_task(Engine([grader], ledger, concurrency=3).run(make_questions(40)))
        before = -1
        while len(grader.tasks) < 3 or before != len(grader.tasks):  # until no more are asked
            before = len(grader.tasks)
            await asyncio.sleep(0.05)
        gate.set()
        await running
        return before

    grader, ledger = ScriptedGrader(all_met), Held()
    assert 3 <= asyncio.run(asked_while_held(grader, ledger)) <= 6
    assert len(judged(ledger)) == len(grader.tasks) == 120


def test_a_ledger_only_needs_two_methods() -> None:
    class Least:
        def standings(self, answers: Sequence[HashedKey]) -> dict[Any, dict[Any, Standing]]:
            return {}

        def keep(self, entries: Sequence[Entry]) -> None:
            kept.extend(entries)

    kept: list[Entry] = []
    run(Engine([ScriptedGrader(all_met)], Least()), make_questions(1))
    assert len(kept) == 3


def test_what_a_judge_is_shown_besides_is_part_of_the_key() -> None:
    example, answers = make_questions(1)[0].load()
    raw = example.rubric.as_json()
    shown = {**raw, "judging": {"show_points": True}}
    dearer = {**shown, "criteria": [{**shown["criteria"][0], "points": 9}, *shown["criteria"][1:]]}
    asked_again = {
        "references": Example(id="e", prompt="?", rubric=example.rubric, references=("A good answer",)),
        "empty answers": Example(
            id="e", prompt="?", rubric=Rubric.model_validate({**raw, "judging": {"empty_answer": "ask"}})
        ),
        "shown points": Example(id="e", prompt="?", rubric=Rubric.model_validate(shown)),
        "other shown points": Example(id="e", prompt="?", rubric=Rubric.model_validate(dearer)),
    }
    ledger = MemoryLedger()
    run(Engine([ScriptedGrader(all_met)], ledger), [LoadedQuestion(example, answers)])
    for what, changed in asked_again.items():
        again = ScriptedGrader(all_met)
        run(Engine([again], ledger), [LoadedQuestion(changed, answers)])
        assert again.tasks, what


@pytest.mark.parametrize(
    "reply",
    [
        "nonsense",
        None,
        [{"criterion_id": "a", "met": True}],
        [Verdict.model_construct(criterion_id="a", status="judged", met="yes")],
        [Verdict(criterion_id="a", met=True).model_copy(update={"explanation": "\ud800"})],
        [Verdict(criterion_id="a", met=True).model_copy(update={"cost": float("inf")})],
    ],
)
def test_a_reply_of_the_wrong_type_is_failed_and_its_neighbours_stand(reply: Any) -> None:
    class Wrong(ScriptedGrader):
        async def judge(self, task: Task) -> Any:
            return reply if task.criteria[0].id == "a" else all_met(task)

    ledger = MemoryLedger()
    progress = run(Engine([Wrong(all_met)], ledger), make_questions(1))
    assert (progress.graded, progress.failed) == (2, 1)
    assert judged(ledger)["m0", "a"].status == "failed"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"name": ""},
        {"name": "x" * 600},
        {"kind": "robot"},
        {"max_criteria": "all"},
        {"max_criteria": 0},
        {"max_criteria": True},
        {"arguments": {"a": float("nan")}},
        {"arguments": {"a": object()}},
        {"arguments": 3},
    ],
)
def test_a_grader_that_says_nonsense_of_itself_is_refused(changes: dict[str, Any]) -> None:
    grader = ScriptedGrader(all_met)
    for name, value in changes.items():
        setattr(grader, name, value)
    with pytest.raises(InputError, match="ScriptedGrader"):
        GraderCard.of(grader)


def test_a_grader_that_cannot_be_closed_costs_no_score() -> None:
    class Raising(ScriptedGrader):
        async def aclose(self) -> None:
            raise RuntimeError("no")

    class Plain(ScriptedGrader):
        def aclose(self) -> None:  # type: ignore[override]
            self.closed += 1

    plain = Plain(all_met, name="plain")
    progress = run(Engine([Raising(all_met), plain], MemoryLedger()), make_questions(1))
    assert (progress.graded, plain.closed) == (6, 1)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize(("budget", "calls"), [(0.0, 0), (1.0, 1), (2.5, 2), (100.0, 60)])
def test_a_budget_is_kept_however_many_calls_are_in_flight(concurrency: int, budget: float, calls: int) -> None:
    def dear(task: Task) -> list[Verdict]:
        return [Verdict(criterion_id=task.criteria[0].id, met=True, cost=1.0)]

    grader = ScriptedGrader(dear)
    progress = run(Engine([grader], MemoryLedger(), concurrency=concurrency, budget=budget), make_questions(20))
    assert len(grader.tasks) == calls
    assert (progress.cost or 0.0) <= budget


def test_a_grader_without_a_price_is_asked_once_under_a_budget() -> None:
    grader = ScriptedGrader(all_met)
    progress = run(Engine([grader], MemoryLedger(), budget=5.0), make_questions(20))
    assert (len(grader.tasks), progress.stopped) == (1, "budget")


def test_a_grader_whose_first_calls_all_die_on_the_way_is_given_up_and_others_go_on() -> None:
    def dead(task: Task) -> list[Verdict]:
        raise GraderError("http", "cannot connect")

    gone, alive = ScriptedGrader(dead, name="gone"), ScriptedGrader(all_met, name="alive")
    progress = run(Engine([gone, alive], MemoryLedger(), concurrency=4), make_questions(40))
    assert len(gone.tasks) < 20
    assert len(alive.tasks) == 120
    assert progress.given_up == {"gone": "http: cannot connect"}


def test_a_grader_that_has_answered_once_is_never_given_up() -> None:
    def mostly_dead(task: Task) -> list[Verdict]:
        if len(grader.tasks) > 1:
            raise GraderError("http", "503")
        return all_met(task)

    grader = ScriptedGrader(mostly_dead)
    progress = run(Engine([grader], MemoryLedger(), concurrency=1), make_questions(20))
    assert (len(grader.tasks), progress.given_up) == (60, {})
