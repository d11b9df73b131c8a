"""A reward: an answer's score by its rubric, for trainers of models."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from graders.engine import Engine
from graders.grader import Grader, GraderCard
from graders.human import HumanGrader
from graders.judgment import Judgment
from graders.ledger import AnswerKey
from graders.question import LoadedQuestion, Question
from graders.registry import GraderOptions, open_graders
from graders.reward.asked import AskedAnswer, AskedExample, Clip
from graders.reward.kept_open import KeptOpen, close_graders
from graders.reward.ledger import BatchLedger, RecentLedger, RewardLedger
from graders.reward.loop_thread import LoopThread
from graders.reward.rewarded import Rewarded
from graders.reward.trl import Missing, PromptIndex, TrlCall
from graders.rules import RULES
from graders.score import score
from graders.scoring.voters import split_panel
from rubrics import Example, InputError, Mistake, did_you_mean

Asked = tuple[Example | str, str]
"""An example or its id, and the text of an answer to it."""


class Reward:
    """Scores completions by the rubrics of a dataset, as often as a trainer asks.

    >>> with Reward(load_dataset("examples/medicine"), "rules") as reward:  # doctest: +SKIP
    ...     await reward("chest-pain-at-home", "Call an ambulance now.")

    All calls that a batch needs go out together; equal texts are judged once; judgments are found again in `ledger`,
    or for the latest `remember` answers in memory. Connections stay open until `close`. It belongs to one process.
    """

    def __init__(
        self,
        dataset: Iterable[Example],
        graders: str | Grader | Sequence[str | Grader],
        *,
        name: str = "rubric",
        score_by: str | None = None,
        clip: Clip = "none",
        repeats: int = 1,
        concurrency: int = 64,
        remember: int = 2000,
        ledger: RewardLedger | None = None,
        options: GraderOptions | None = None,
        answer_of: Callable[[str], str] | None = None,
    ) -> None:
        """`name` is how trainers log it and `score_by` whose score it is, where several graders are asked.

        `clip` "none" is the score as it falls, below 0 too; "rubric" clips it where the rubric says so, "answer"
        always, to [0, 1]. `concurrency` bounds the calls in flight. `answer_of` cuts a completion down to what is
        judged, such as what follows a model's thinking. InputError where any of it cannot be.
        """
        given = [graders] if isinstance(graders, str) or not isinstance(graders, Sequence) else graders
        asked, recorded = open_graders(given, options)
        bounds = {"repeats": repeats, "concurrency": concurrency, "remember": remember}
        _check(asked, [source.spec for source in recorded], score_by, bounds)
        self.name = name
        self._score_by = score_by
        self._clip: Clip = clip
        self._repeats = repeats
        self._concurrency = concurrency
        self._answer_of = answer_of
        self._opened = asked
        self._fingerprints = [GraderCard.of(grader).fingerprint for grader in asked]
        self._ledger = ledger if ledger is not None else RecentLedger(remember)
        self._prompts = PromptIndex()
        self._examples: dict[str, AskedExample] = {}
        for example in dataset:
            self._known(example)
        self._begin()
        self._thread = LoopThread(f"reward {name}")
        weakref.finalize(self, _close, self._thread, asked)

    async def __call__(self, example: Example | str, text: str) -> float | None:
        """The reward of one answer to an example, which is given itself or by its id; None where it has none."""
        return (await self.judge([(example, text)]))[0].reward

    async def judge(self, asked: Sequence[Asked]) -> list[Rewarded]:
        """What each answer is worth, with the reasons; works in any event loop."""
        return await asyncio.wrap_future(self._thread.submit(self._judge(self._answers(asked))))

    def judge_now(self, asked: Sequence[Asked]) -> list[Rewarded]:
        """The same for callers without an event loop, and for those that block one."""
        future = self._thread.submit(self._judge(self._answers(asked)))
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def for_trl(self, *, missing: Missing = "none") -> Callable[..., list[float | None]]:
        """A function for TRL's `reward_funcs`: `(completions, **columns) -> rewards`.

        The columns have `example_id`, or `prompts` that are the dataset's own. With `missing="group_mean"` a
        completion without a reward gets the mean of its group in the call, which draws in neither direction.
        """

        def reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
            call = TrlCall(completions, columns, self._prompts)
            return call.rewards(self.name, self.judge_now(self._asked(call)), missing)

        reward.__name__ = reward.__qualname__ = self.name
        return reward

    def for_trl_async(self, *, missing: Missing = "none") -> Callable[..., Coroutine[Any, Any, list[float | None]]]:
        """The same as a coroutine function, which TRL awaits beside its other rewards."""

        async def reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
            call = TrlCall(completions, columns, self._prompts)
            return call.rewards(self.name, await self.judge(self._asked(call)), missing)

        reward.__name__ = reward.__qualname__ = self.name
        return reward

    def trl_rows(self) -> list[dict[str, Any]]:
        """The dataset's rows for `datasets.Dataset.from_list`: `prompt` as messages, and `example_id`."""
        return [
            {"prompt": [message.model_dump() for message in asked.given.conversation], "example_id": example_id}
            for example_id, asked in self._examples.items()
        ]

    def close(self) -> None:
        """Drop what is in flight and close the connections; the next call opens them anew."""
        _close(self._thread, self._opened)
        self._begin()

    def __enter__(self) -> Reward:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        """What belongs to one event loop."""
        slots = asyncio.Semaphore(self._concurrency)
        self._graders = [KeptOpen(grader, slots) for grader in self._opened]
        self._in_flight: dict[AnswerKey, asyncio.Task[dict[AnswerKey, Rewarded]]] = {}

    def _known(self, example: Example | str) -> AskedExample:
        """An example with what was computed of it; one that is new is taken in."""
        known = self._examples.get(example if isinstance(example, str) else example.id)
        if isinstance(example, str):
            if known is None:
                hint = did_you_mean(example, self._examples)
                raise InputError(Mistake("reward", f"got {example!r}, expected the id of an example{hint}"))
            return known
        if known is not None and known.given is not example and known.given != example:
            raise InputError(Mistake("reward", f"another example has the id {example.id!r}, expected ids of their own"))
        if known is None:
            known = self._examples[example.id] = AskedExample.of(example, self._clip, self._fingerprints)
            self._prompts.add(example)
        return known

    def _asked(self, call: TrlCall) -> list[Asked]:
        return list(zip(call.example_ids, call.texts, strict=True))

    def _answers(self, asked: Sequence[Asked]) -> list[AskedAnswer]:
        cut = self._answer_of or str
        return [self._known(example).answer(cut(text), self.name) for example, text in asked]

    async def _judge(self, asked: Sequence[AskedAnswer]) -> list[Rewarded]:
        """What is not in flight already goes out in one batch; an answer that comes twice is asked once."""
        fresh = {one.answer.key: one for one in asked if one.answer.key not in self._in_flight}
        if fresh:
            task = asyncio.create_task(self._grade(list(fresh.values())))
            self._in_flight.update(dict.fromkeys(fresh, task))
            in_flight = self._in_flight
            task.add_done_callback(lambda _: [in_flight.pop(key) for key in fresh])
        # Shielded: who waits here may give up, while others wait for the same answers.
        batches = [asyncio.shield(task) for task in {self._in_flight[one.answer.key] for one in asked}]
        found: dict[AnswerKey, Rewarded] = {}
        for rewards in await asyncio.gather(*batches):
            found |= rewards
        return [found[one.answer.key] for one in asked]

    async def _grade(self, asked: Sequence[AskedAnswer]) -> dict[AnswerKey, Rewarded]:
        """Ask for the judgments that are missing, and score."""
        by_example: dict[str, list[AskedAnswer]] = {}
        for one in asked:
            by_example.setdefault(one.answer.example_id, []).append(one)
        ledger = BatchLedger(self._ledger)
        engine = Engine(self._graders, ledger, repeats=self._repeats, concurrency=self._concurrency)
        await engine.run(map(_question, by_example.values()))
        judgments = list(ledger.judgments())
        scores = score(
            [answers[0].example.scored for answers in by_example.values()],
            [one.answer for one in asked],
            judgments,
            # Where nobody but the rules was asked, no grader's name is known to the scores.
            score_by=self._score_by if any(judgment.grader != RULES for judgment in judgments) else None,
        )
        failures = _failures(judgments)
        rewarded = {}
        for row in scores.answers_json():
            key = (row["example_id"], row["model"], row["sample"])
            rewarded[key] = _rewarded(row, failures.get(key))
        return rewarded


def _question(asked: Sequence[AskedAnswer]) -> Question:
    """Answers to one example as the engine takes them."""
    return LoadedQuestion(asked[0].example.given, [one.answer for one in asked])


def _rewarded(row: Mapping[str, Any], failure: str | None) -> Rewarded:
    reward = row["score"]
    return Rewarded(
        reward=reward,
        reason=row["reason"],
        failure=failure if reward is None else None,
        coverage=row["coverage"],
        low=row["low"],
        high=row["high"],
    )


def _failures(judgments: Iterable[Judgment]) -> dict[AnswerKey, str]:
    """The first failure of each answer that has one."""
    found: dict[AnswerKey, str] = {}
    for judgment in judgments:
        if judgment.failure is not None:
            key = (judgment.example_id, judgment.model, judgment.sample)
            found.setdefault(key, f"{judgment.failure.kind}: {judgment.failure.message}")
    return found


def _close(thread: LoopThread, graders: Sequence[Grader]) -> None:
    thread.close(close_graders(graders))


def _check(graders: Sequence[Grader], recorded: Sequence[str], score_by: str | None, bounds: Mapping[str, int]) -> None:
    """InputError with everything that a reward cannot be made of."""
    mistakes = [Mistake(name, f"got {value}, expected 1 or more") for name, value in bounds.items() if value < 1]
    never_there = [*recorded, *(grader.name for grader in graders if isinstance(grader, HumanGrader))]
    mistakes += [
        Mistake("graders", f"got {name!r}, expected graders that can be asked while a model is trained")
        for name in never_there
    ]
    names = [grader.name for grader in graders if grader.name != RULES]
    if score_by is None and len(names) > 1:
        message = f"got none, expected whose score it is: one of {', '.join(names)}, or a panel {'+'.join(names)}"
        mistakes.append(Mistake("score_by", message))
    elif score_by is not None and (unknown := split_panel(score_by, names)[1]):
        message = f"got {unknown[0]!r}, expected a grader of this reward{did_you_mean(unknown[0], names)}"
        mistakes.append(Mistake("score_by", message))
    if mistakes:
        raise InputError(mistakes)
