"""A reward is a score that was judged, or none: batched, remembered, and the same from any thread or loop."""

import asyncio
import gc
import inspect
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.reward_ledger import open_reward_ledger
from api.store import Store
from graders import Entry, Judgment, RecentLedger, Reward, Rewarded, Task, Verdict, score
from rubrics import Answer, Dataset, DatasetInfo, Example, GraderError, InputError, StoreError
from tests.graders.fake_endpoint import FakeEndpoint, Scripted, json_lines, verdicts

CRITERIA: list[dict[str, Any]] = [
    {"id": "doctor", "criterion": "doctor", "points": 6},
    {"id": "fluids", "criterion": "drink", "points": 4},
    {"id": "dose", "criterion": "mg", "points": -20},
    {"id": "short", "criterion": "Is short", "points": 2, "check": {"max_words": 6}},
]


class WordJudge:
    """A criterion is met where its words stand in the answer; fails on what it is told to."""

    version = "1"

    def __init__(self, *, name: str = "words", fails: Iterable[str] = (), max_criteria: int | None = 1) -> None:
        self.name = name
        self.max_criteria = max_criteria
        self.fails = set(fails)
        self.asked: list[tuple[str, str]] = []
        self.out = self.most_out = 0
        self.threads: set[int] = set()
        self.closed = 0

    async def judge(self, task: Task) -> Sequence[Verdict]:
        self.threads.add(threading.get_ident())
        self.asked += [(task.answer.text, criterion.id) for criterion in task.criteria]
        self.out += 1
        self.most_out = max(self.most_out, self.out)
        await asyncio.sleep(0)
        self.out -= 1
        if self.fails & {criterion.id for criterion in task.criteria}:
            raise GraderError("http", "HTTP 503 from judge")
        return [
            Verdict(criterion_id=criterion.id, met=criterion.criterion in task.answer.text)
            for criterion in task.criteria
        ]

    async def aclose(self) -> None:
        self.closed += 1


def example(name: str = "e1", *, prompt: Any = None, **rubric: Any) -> Example:
    return Example.model_validate(
        {"id": name, "prompt": prompt or f"Question {name}?", "rubric": {"id": "r", "criteria": CRITERIA, **rubric}}
    )


DATASET = [example("e1"), example("e2")]
GOOD, POOR = "See a doctor and drink.", "Take 500 mg of it now, and then call again please."


def rewards(reward: Reward, *texts: str, of: str = "e1") -> list[float | None]:
    return [one.reward for one in reward.judge_now([(of, text) for text in texts])]


def test_the_reward_is_the_score_of_the_answer_and_may_be_below_zero() -> None:
    with Reward(DATASET, WordJudge()) as reward:
        assert rewards(reward, GOOD, POOR, "drink") == [1.0, -20 / 12, 0.5]


def test_a_plain_call_takes_an_example_or_its_id() -> None:
    with Reward(DATASET, WordJudge()) as reward:

        async def ask() -> list[float | None]:
            return [await reward("e1", GOOD), await reward(DATASET[0], GOOD), await reward(example("new"), "drink")]

        assert asyncio.run(ask()) == [1.0, 1.0, 0.5]


@given(st.lists(st.sampled_from(["doctor", "drink", "mg", "other words that make it long enough"]), max_size=4))
@settings(max_examples=25)
def test_a_reward_is_what_the_library_scores(words: list[str]) -> None:
    text = " ".join(words)
    judge = WordJudge()
    ledger = RecentLedger(10)
    with Reward(DATASET, judge, ledger=ledger) as reward:
        (found,) = reward.judge_now([("e1", text)])
    kept = [entry.judgment for cells in ledger._answers.values() for entry in cells.values()]
    answer = Answer(example_id="e1", model=kept[0].model, text=text)
    (row,) = score(DATASET, [answer], kept).answers_json()
    assert (found.reward, found.low, found.coverage) == (row["score"], row["low"], row["coverage"])


@pytest.mark.parametrize(
    ("rubric_clip", "clip", "expected"),
    [
        ("mean", "none", -20 / 12),
        ("mean", "rubric", -20 / 12),
        ("mean", "answer", 0.0),
        ("answer", "none", -20 / 12),
        ("answer", "rubric", 0.0),
        ("answer", "answer", 0.0),
    ],
)
def test_the_clip_is_chosen_here_or_left_to_the_rubric(rubric_clip: str, clip: Any, expected: float) -> None:
    with Reward([example(scoring={"clip": rubric_clip})], WordJudge(), clip=clip) as reward:
        assert rewards(reward, POOR) == [expected]


def test_raw_points_are_no_share_and_are_not_clipped_to_one() -> None:
    raw = [example(scoring={"normalize": "sum"})]
    with Reward(raw, WordJudge()) as reward:
        assert rewards(reward, GOOD) == [12.0]
    with pytest.raises(InputError, match="raw points"):
        Reward(raw, WordJudge(), clip="answer")


def test_a_missing_judgment_gives_no_reward_and_says_why() -> None:
    with Reward(DATASET, WordJudge(fails=["fluids"])) as reward:
        (found,) = reward.judge_now([("e1", GOOD)])
    assert found.reward is None
    assert found.why == "low_coverage (http: HTTP 503 from judge)"
    assert (found.coverage, found.low, found.high) == (28 / 32, 8 / 12, 1.0)


def test_a_rubric_that_asks_for_less_coverage_gets_its_score() -> None:
    with Reward([example(scoring={"min_coverage": 0.8})], WordJudge(fails=["fluids"])) as reward:
        assert rewards(reward, GOOD) == [1.0]


def test_one_answer_without_a_reward_leaves_the_others_theirs() -> None:
    class Moody(WordJudge):
        async def judge(self, task: Task) -> Sequence[Verdict]:
            if task.answer.text == "moody":
                raise ValueError("not today")
            return await super().judge(task)

    with Reward(DATASET, Moody()) as reward:
        good, moody = reward.judge_now([("e1", GOOD), ("e1", "moody")])
    assert good.reward == 1.0
    assert (moody.reward, moody.failure) == (None, "grader: ValueError: not today")


def test_a_failed_cell_alone_is_asked_again_and_then_pays() -> None:
    judge = WordJudge(fails=["fluids"])
    with Reward(DATASET, judge) as reward:
        assert rewards(reward, GOOD) == [None]
        judge.asked.clear()
        judge.fails.clear()
        assert rewards(reward, GOOD) == [1.0]
    assert judge.asked == [(GOOD, "fluids")]


def test_equal_texts_of_a_batch_are_judged_once_and_remembered_after_it() -> None:
    judge = WordJudge()
    with Reward(DATASET, judge) as reward:
        assert rewards(reward, GOOD, POOR, GOOD, GOOD) == [1.0, -20 / 12, 1.0, 1.0]
        assert len(judge.asked) == 2 * 3
        assert rewards(reward, GOOD) == [1.0]
        assert len(judge.asked) == 2 * 3
        assert rewards(reward, GOOD, of="e2") == [1.0]
        assert len(judge.asked) == 3 * 3


def test_the_same_answer_asked_from_many_threads_at_once_is_judged_once() -> None:
    judge = WordJudge()
    with Reward(DATASET, judge) as reward:
        found: list[float | None] = []
        threads = [threading.Thread(target=lambda: found.extend(rewards(reward, GOOD))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [1.0] * 8
    assert len(judge.asked) == 3


def test_all_cells_of_a_batch_go_out_together_up_to_the_bound() -> None:
    wide, narrow = WordJudge(), WordJudge()
    texts = [f"drink {number}" for number in range(8)]
    with Reward(DATASET, wide, concurrency=64) as reward:
        rewards(reward, *texts)
    assert wide.most_out == 8 * 3

    async def many(reward: Reward) -> None:
        await asyncio.gather(*(reward("e1", text) for text in texts))

    with Reward(DATASET, narrow, concurrency=4) as reward:
        asyncio.run(many(reward))
    assert narrow.most_out == 4


def test_the_memory_is_bounded_and_a_batch_may_be_larger_than_it() -> None:
    judge = WordJudge()
    with Reward(DATASET, judge, remember=2) as reward:
        assert rewards(reward, "drink 1", "drink 2", "drink 3", "drink 4") == [0.5] * 4
        judge.asked.clear()
        rewards(reward, "drink 1", "drink 2", "drink 3", "drink 4")
    assert 2 * 3 <= len(judge.asked) <= 4 * 3


def test_what_was_asked_for_last_is_remembered_longest() -> None:
    ledger = RecentLedger(2)
    fields = {"example_id": "e", "criterion_id": "c", "grader": "g", "grader_kind": "model", "status": "judged"}
    entries = {name: Entry(Judgment.model_validate({**fields, "model": name, "met": True}), "key", 0) for name in "abc"}
    ledger.keep([entries["a"], entries["b"]])
    assert ledger.entries_of("e", "a", 0)
    ledger.keep([entries["c"]])
    assert [bool(ledger.entries_of("e", name, 0)) for name in "abc"] == [True, False, True]


def test_an_unreadable_character_does_not_cost_the_batch() -> None:
    with Reward(DATASET, WordJudge()) as reward:
        assert rewards(reward, "drink \x00", "drink \ud800", "") == [0.5, 0.5, 2 / 12]


def test_thinking_can_be_cut_off_before_anyone_judges() -> None:
    judge = WordJudge()
    with Reward(DATASET, judge, answer_of=lambda text: text.rpartition("</think>")[2]) as reward:
        assert rewards(reward, "<think>drink, doctor</think>nothing") == [2 / 12]
    assert {text for text, _ in judge.asked} == {"nothing"}


def test_the_connections_outlive_a_step_and_end_with_the_reward() -> None:
    judge = WordJudge()
    with Reward(DATASET, judge) as reward:
        rewards(reward, GOOD)
        rewards(reward, POOR)
        assert (judge.closed, len(judge.threads)) == (0, 1)
    assert judge.closed == 1
    assert rewards(reward, "drink") == [0.5]
    reward.close()
    assert judge.closed == 2


def test_closing_lets_go_of_those_who_wait() -> None:
    class Stuck(WordJudge):
        began = threading.Event()

        async def judge(self, task: Task) -> Sequence[Verdict]:
            self.began.set()
            await asyncio.Event().wait()
            return []

    judge = Stuck()
    reward = Reward(DATASET, judge)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(rewards, reward, GOOD)
        judge.began.wait()
        reward.close()
        with pytest.raises(CancelledError):
            waiting.result()
    assert judge.closed == 1


def test_a_reward_that_nobody_holds_ends_its_thread() -> None:
    judge = WordJudge()
    reward = Reward(DATASET, judge)
    rewards(reward, GOOD)
    name = f"reward {reward.name}"
    assert name in [thread.name for thread in threading.enumerate()]
    del reward
    gc.collect()
    assert judge.closed == 1
    assert name not in [thread.name for thread in threading.enumerate()]


def test_a_blocking_call_works_inside_a_running_loop() -> None:
    with Reward(DATASET, WordJudge()) as reward:

        async def trainer() -> list[float | None]:
            return rewards(reward, GOOD)

        assert asyncio.run(trainer()) == [1.0]


def test_who_gives_up_waiting_takes_nothing_from_those_who_wait_too() -> None:
    class Waiting(WordJudge):
        began, go_on = threading.Event(), threading.Event()

        async def judge(self, task: Task) -> Sequence[Verdict]:
            self.began.set()
            await asyncio.to_thread(self.go_on.wait)
            return await super().judge(task)

    judge = Waiting()
    with Reward(DATASET, judge) as reward:

        async def two() -> float | None:
            first = asyncio.create_task(reward("e1", GOOD))
            second = asyncio.create_task(reward("e1", GOOD))
            await asyncio.to_thread(judge.began.wait)
            first.cancel()
            judge.go_on.set()
            return await second

        assert asyncio.run(two()) == 1.0
    assert len(judge.asked) == 3


def test_a_grader_that_asks_its_own_reward_is_told_so_instead_of_waiting_for_ever() -> None:
    class Recursive(WordJudge):
        async def judge(self, task: Task) -> Sequence[Verdict]:
            rewards(reward, "another")
            return []

    with Reward(DATASET, Recursive()) as reward:
        (found,) = reward.judge_now([("e1", GOOD)])
    assert found.reward is None
    assert "would wait for itself" in (found.failure or "")


def test_rules_alone_are_a_reward() -> None:
    only = [example(criteria=CRITERIA[3:])]
    with Reward(only, "rules") as reward:
        assert rewards(reward, "short", "it is far longer than six words are") == [1.0, 0.0]


def test_several_graders_need_a_name_or_a_panel_and_examples_of_checks_alone_do_not_mind() -> None:
    graders = [WordJudge(name="a"), WordJudge(name="b", fails=["fluids"])]
    with pytest.raises(InputError, match=r"expected whose score it is: one of a, b, or a panel a\+b"):
        Reward(DATASET, graders)
    with pytest.raises(InputError, match="got 'c', expected a grader"):
        Reward(DATASET, graders, score_by="c")
    for score_by, expected in (("a", 1.0), ("b", None), ("a+b", 1.0)):
        with Reward([*DATASET, example("e3", criteria=CRITERIA[3:])], graders, score_by=score_by) as reward:
            assert rewards(reward, GOOD) == [expected]
            assert rewards(reward, GOOD, of="e3") == [1.0]


def test_people_and_records_are_no_reward(tmp_path: Path) -> None:
    recorded = tmp_path / "judgments.jsonl"
    recorded.write_text("", encoding="utf-8")
    for spec in ("human", f"recorded:{recorded}"):
        with pytest.raises(InputError, match="while a model is trained"):
            Reward(DATASET, spec)


def test_an_unknown_example_is_told_with_the_one_that_was_meant() -> None:
    with Reward([example("headache")], "rules") as reward, pytest.raises(InputError, match="did you mean 'headache'"):
        reward.judge_now([("headach", "x")])


# TRL: documented signature `reward(prompts, completions, completion_ids, trainer_state, **columns) -> list`.


def trl_columns(texts: Sequence[str], ids: Sequence[str], **more: Any) -> dict[str, Any]:
    return {
        "prompts": [[{"role": "user", "content": f"Question {name}?"}] for name in ids],
        "completions": [[{"role": "assistant", "content": text}] for text in texts],
        "completion_ids": [[1, 2, 3] for _ in texts],
        "trainer_state": object(),
        **more,
    }


def test_trl_gets_a_function_with_a_name_and_one_reward_a_completion() -> None:
    with Reward(DATASET, WordJudge(), name="fever") as reward:
        function = reward.for_trl()
        assert function.__name__ == "fever"
        assert not inspect.iscoroutinefunction(function)
        columns = trl_columns([GOOD, POOR, GOOD], ["e1", "e1", "e2"], example_id=["e1", "e1", "e2"])
        assert function(**columns) == [1.0, -20 / 12, 1.0]


def test_trl_gets_a_coroutine_function_too() -> None:
    with Reward(DATASET, WordJudge()) as reward:
        function = reward.for_trl_async()
        assert inspect.iscoroutinefunction(function)
        assert function.__name__ == "rubric"
        columns = trl_columns([GOOD, POOR], ["e1", "e1"], example_id=["e1", "e1"])
        assert asyncio.run(function(**columns)) == [1.0, -20 / 12]


def test_completions_may_be_plain_text_and_examples_found_by_their_prompts() -> None:
    with Reward(DATASET, WordJudge()) as reward:
        assert reward.for_trl()([GOOD, "drink"], prompts=["Question e1?", "Question e2?"]) == [1.0, 0.5]
        assert reward.for_trl()(**trl_columns([GOOD], ["e2"])) == [1.0]


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ([{"role": "assistant", "content": None}], 2 / 12),
        ([], 2 / 12),
        ([{"role": "assistant", "content": [{"type": "text", "text": "dri"}, {"type": "text", "text": "nk"}]}], 0.5),
        (
            [
                {"role": "assistant", "content": "doctor", "tool_calls": []},
                {"role": "tool", "content": "doctor"},
                {"role": "assistant", "content": "drink"},
            ],
            0.5,
        ),
    ],
)
def test_of_a_conversation_the_last_words_of_the_assistant_are_judged(completion: Any, expected: float) -> None:
    with Reward(DATASET, WordJudge()) as reward:
        assert reward.for_trl()([completion], example_id=["e1"]) == [expected]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "expected example_id, or prompts"),
        ({"example_id": ["e1", "e1"]}, "got 2 for 1 completions"),
        ({"prompts": ["Something else?"]}, r"prompts\[0\]: this is no example's prompt"),
        ({"prompts": [7]}, r"prompts\[0\]: this is no example's prompt"),
    ],
)
def test_columns_that_do_not_fit_are_told(columns: dict[str, Any], message: str) -> None:
    with Reward(DATASET, WordJudge()) as reward, pytest.raises(InputError, match=message):
        reward.for_trl()(["x"], **columns)


def test_a_prompt_that_two_examples_share_names_neither() -> None:
    twins = [example("e1", prompt="Same?"), example("e2", prompt="Same?")]
    with Reward(twins, WordJudge()) as reward, pytest.raises(InputError, match="or that of several"):
        reward.for_trl()(["x"], prompts=["Same?"])


def test_missing_rewards_are_logged_with_their_reasons(caplog: pytest.LogCaptureFixture) -> None:
    extra: dict[str, list[str]] = {}
    metrics: dict[str, float] = {}
    with Reward(DATASET, WordJudge(fails=["dose"])) as reward:
        found = reward.for_trl()(
            [GOOD, POOR], example_id=["e1", "e2"], log_extra=extra.__setitem__, log_metric=metrics.__setitem__
        )
    assert found == [None, None]
    assert metrics == {"rubric/missing": 1.0}
    assert extra == {"rubric_reason": ["low_coverage (http: HTTP 503 from judge)"] * 2}
    assert "2 of 2 completions have no reward; the first is one to example 'e1': low_coverage" in caplog.text


def test_a_missing_reward_can_be_the_mean_of_its_group() -> None:
    class Moody(WordJudge):
        async def judge(self, task: Task) -> Sequence[Verdict]:
            if "moody" in task.answer.text:
                raise ValueError("not today")
            return await super().judge(task)

    with Reward(DATASET, Moody()) as reward:
        texts = [GOOD, "drink", "moody", "moody too"]
        function = reward.for_trl(missing="group_mean")
        assert function(texts, example_id=["e1", "e1", "e1", "e2"]) == [1.0, 0.5, 0.75, None]


def test_the_rows_for_a_trainer_lead_back_to_their_examples() -> None:
    with Reward(DATASET, WordJudge()) as reward:
        rows = reward.trl_rows()
        assert rows[0] == {"prompt": [{"role": "user", "content": "Question e1?"}], "example_id": "e1"}
        by_id = reward.for_trl()([GOOD] * 2, example_id=[row["example_id"] for row in rows])
        assert by_id == reward.for_trl()([GOOD] * 2, prompts=[row["prompt"] for row in rows]) == [1.0, 1.0]


# A model behind an endpoint, and a store.


def with_endpoint(answer: Callable[[dict[str, Any]], Scripted], act: Callable[[str], Any]) -> Any:
    """What `act` does, in a thread as a trainer is one, while an endpoint answers."""

    async def run() -> Any:
        async with FakeEndpoint(answer=answer) as endpoint:
            return await asyncio.to_thread(act, endpoint.base_url), endpoint

    return asyncio.run(run())


def judge_words(body: dict[str, Any]) -> Scripted:
    shown, asked = json_lines(body["messages"])
    (criterion,) = asked["criteria"]
    met = criterion["criterion"] in shown["answer"]
    return verdicts(
        {"criterion": "c1", "met": met, "evidence": [criterion["criterion"]] if met else []}, model="judge-1"
    )


def test_a_model_behind_an_endpoint_rewards_over_connections_that_stay() -> None:
    def train(base_url: str) -> list[list[float | None]]:
        with Reward(DATASET, f"model:judge@{base_url}") as reward:
            return [reward.for_trl()([GOOD, POOR], example_id=["e1", "e1"]) for _ in range(2)]

    steps, endpoint = with_endpoint(judge_words, train)
    assert steps == [[1.0, -20 / 12]] * 2
    assert len(endpoint.requests) == 2 * 3


def test_an_endpoint_that_refuses_gives_no_reward() -> None:
    def train(base_url: str) -> list[Rewarded]:
        with Reward(DATASET, f"model:judge@{base_url}") as reward:
            return reward.judge_now([("e1", GOOD)])

    (found,), _ = with_endpoint(lambda _: Scripted(status=401), train)
    assert found.reward is None
    assert "HTTP 401" in found.why


def dataset() -> Dataset:
    return Dataset(DatasetInfo(name="fever"), tuple(DATASET))


def test_a_store_remembers_what_another_run_of_the_program_paid_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rewards.db'}"
    asked = []
    for _ in range(2):
        judge = WordJudge()
        with Store(url) as store:
            ledger = open_reward_ledger(store, "training", dataset(), judge)
            with Reward(DATASET, judge, ledger=ledger) as reward:
                assert rewards(reward, GOOD, POOR) == [1.0, -20 / 12]
        asked.append(len(judge.asked))
    assert asked == [2 * 3, 0]


def test_a_reworded_criterion_is_never_rewarded_by_an_old_verdict(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rewards.db'}"
    changed = [{**CRITERIA[0], "criterion": "nurse"}, *CRITERIA[1:]]
    for criteria, expected in ((CRITERIA, 1.0), (changed, 0.5)):
        one = example(criteria=criteria)
        judge = WordJudge()
        with Store(url) as store:
            ledger = open_reward_ledger(store, "training", Dataset(DatasetInfo(name="fever"), (one,)), judge)
            with Reward([one], judge, ledger=ledger) as reward:
                assert rewards(reward, GOOD) == [expected]


SHOWN = {"judging": {"show_points": True}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"criteria": [{**CRITERIA[0], "criterion": "nurse"}, *CRITERIA[1:]]}),
        ({}, {"guidelines": "Be strict."}),
        ({}, {"judging": {"empty_answer": "ask"}}),
        (SHOWN, {**SHOWN, "criteria": [{**CRITERIA[0], "points": 7}, *CRITERIA[1:]]}),
        ({}, {"references": ("See a doctor.",)}),
        ({}, {"version": "2"}),
    ],
    ids=["criterion", "guidelines", "judging", "points", "references", "grader"],
)
def test_an_old_verdict_is_no_reward_even_where_a_dead_judge_leaves_nothing_newer(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    asked = [("e1", f"drink {number}") for number in range(12)]
    ledger = RecentLedger(100)
    with Reward([example(**before)], WordJudge(), ledger=ledger) as reward:
        assert {one.reward for one in reward.judge_now(asked)} == {0.5}
    dead = WordJudge(fails=[criterion["id"] for criterion in CRITERIA])
    dead.version = after.pop("version", "1")
    references = {"references": after.pop("references", ())}
    with Reward([example(**after).model_copy(update=references)], dead, ledger=ledger, concurrency=1) as reward:
        found = reward.judge_now(asked)
    assert {(one.reward, one.reason) for one in found} == {(None, "low_coverage")}
    assert len(dead.asked) < 12 * 3


def test_a_run_of_rewards_is_not_gone_on_with_by_another_grader(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'rewards.db'}") as store:
        open_reward_ledger(store, "training", dataset(), WordJudge())
        with pytest.raises(StoreError, match="has other graders"):
            open_reward_ledger(store, "training", dataset(), WordJudge(name="others"))
