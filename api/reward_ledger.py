"""The judgments of a training run in a store, so that a reward that was paid for is paid for once."""

from __future__ import annotations

from collections.abc import Sequence

from api.store import Store
from graders import Grader, GraderCard, GraderOptions, RewardLedger, open_graders
from rubrics import Dataset


def open_reward_ledger(
    store: Store,
    run: str,
    dataset: Dataset,
    graders: str | Grader | Sequence[str | Grader],
    *,
    repeats: int = 1,
    options: GraderOptions | None = None,
) -> RewardLedger:
    """The ledger of the run of that name, made where it is new; give it to `Reward(ledger=…)` with the same graders.

    The dataset is filed, the completions are not: a judgment holds its answer's hash. StoreError where the name
    belongs to a run with another dataset or other graders. One process at a time writes a store.
    """
    given = [graders] if isinstance(graders, str) or not isinstance(graders, Sequence) else graders
    asked, _ = open_graders(given, options)
    with store.stage_dataset(dataset.info) as stage:
        for example in dataset:
            stage.add(example)
        filed = stage.commit()
    with store.stage_answers(filed) as answers:
        no_answers = answers.commit()
    return store.open_run(run, filed, no_answers, [GraderCard.of(grader) for grader in asked], repeats=repeats).ledger()
