"""Runs: made, taken up again, refused under other graders; and which of their judgments still hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.store import Run, Store
from graders import Entry, GraderCard, Judgment, RulesGrader, cell_key, cell_keys, plan_calls
from rubrics import Answer, AnswerHasher, DatasetInfo, Example, Rubric, StoreError

RULES = GraderCard.of(RulesGrader())
CARD = GraderCard("model:x", "model", "1", {"temperature": 0.0, "options": {"top_p": 1}}, "p1", None)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 's.db'}", clock=lambda: NOW) as store:
        yield store


def rubric(*criteria: str) -> Rubric:
    leaves = [{"id": text.split()[0], "criterion": text, "points": 1} for text in criteria]
    return Rubric.model_validate(
        {
            "id": "r",
            "criteria": [*leaves, {"id": "short", "criterion": "Is short", "points": 1, "check": {"max_words": 9}}],
        }
    )


ASKED = rubric("drug is named", "dose is right")


def open_run(
    store: Store,
    cards: Sequence[GraderCard] = (RULES, CARD),
    *,
    rubric: Rubric = ASKED,
    prompts: Sequence[str] = ("What now?",),
    texts: Sequence[str] = ("Call 112.",),
    repeats: int = 1,
    name: str = "night",
) -> Run:
    examples = [Example(id=f"e{n}", prompt=prompt, rubric=rubric) for n, prompt in enumerate(prompts)]
    with store.stage_dataset(DatasetInfo(name="triage")) as stage:
        for example in examples:
            stage.add(example)
        dataset = stage.commit()
    with store.stage_answers(dataset) as answers:
        for line, text in enumerate(texts):
            for example in examples:
                answer = Answer(example_id=example.id, model="m", sample=line, text=text)
                answers.add(line, answer, AnswerHasher(example).hash(text))
        ref = answers.commit()
    return store.open_run(name, dataset, ref, cards, repeats=repeats, settings={"score_by": None})


def judge(run: Run, *, card: GraderCard = CARD, attempt: int = 0, repeat: int = 0, met: bool = True) -> None:
    """File a judgment on every cell of one grader, as the engine would."""
    for question in run.questions():
        example, answers = question.load()
        for answer, hashed in zip(answers, question.answers, strict=True):
            for call in plan_calls(question.rubric, card):
                keys = cell_keys(question.rubric, call, hashed.answer_hash, card.fingerprint).items()
                run.ledger().keep(
                    [
                        Entry(
                            judgment(example, answer, criterion_id, hashed.answer_hash, card, repeat, met),
                            key,
                            attempt,
                        )
                        for criterion_id, key in keys
                    ]
                )


def judgment(
    example: Example, answer: Answer, criterion_id: str, answer_hash: str, card: GraderCard, repeat: int, met: bool
) -> Judgment:
    return Judgment(
        example_id=example.id,
        model=answer.model,
        sample=answer.sample,
        criterion_id=criterion_id,
        grader=card.name,
        grader_kind=card.kind,
        repeat=repeat,
        status="judged",
        met=met,
        criterion_hash=example.rubric.criterion_hashes[criterion_id],
        answer_hash=answer_hash,
    )


def cells(run: Run, *, current: bool = True) -> list[tuple[str, int, str, str, int]]:
    return [
        (each.example_id, each.sample, each.criterion_id, each.grader, each.repeat)
        for each in run.judgments(current=current)
    ]


def test_a_run_remembers_what_it_was_made_of(store: Store) -> None:
    run = open_run(store, texts=("a", "b"), repeats=2)
    found = store.find_run("night")
    assert (found.id, found.name, found.dataset_ref, found.answers_ref) == (
        run.id,
        "night",
        run.dataset_ref,
        run.answers_ref,
    )
    assert found.cards == (RULES, CARD)
    assert found.repeats == 2
    assert found.settings == {"score_by": None}
    [summary] = store.runs()
    assert (summary.name, summary.dataset, summary.n_examples, summary.n_answers) == ("night", "triage", 1, 2)
    assert (summary.graders, summary.repeats) == (("rules", "model:x"), 2)
    assert summary.created_at == "2026-11-24T12:00:00.000+00:00"


def test_the_same_graders_resume_whatever_their_order_and_spelling(store: Store) -> None:
    first = open_run(store)
    spelt = replace(CARD, arguments={"options": {"top_p": 1}, "temperature": 0.0})
    again = open_run(store, [spelt, RULES])
    assert again.id == first.id
    assert [run.name for run in store.runs()] == ["night"]


def test_arguments_that_json_spells_alike_are_the_same(store: Store) -> None:
    first = open_run(store, [replace(CARD, arguments={"stop": ("a", "b")})])
    assert open_run(store, [replace(CARD, arguments={"stop": ["a", "b"]})]).id == first.id


def test_changed_graders_are_refused_with_every_difference(store: Store, tmp_path: Path) -> None:
    open_run(store, [RULES, CARD, replace(CARD, name="model:gone")])
    changed = replace(
        CARD,
        version="2",
        arguments={"temperature": 0.7, "options": {"top_p": 1, "seed": 3}},
        prompt_hash="p2",
        max_criteria=1,
    )
    with pytest.raises(StoreError) as raised:
        open_run(store, [RULES, changed, replace(CARD, name="model:new")])
    assert str(raised.value) == (
        f"run 'night' in {tmp_path / 's.db'} has other graders than are asked for now:\n"
        "  model:x version: '1' in the run, '2' now\n"
        "  model:x arguments.temperature: 0.0 in the run, 0.7 now\n"
        "  model:x prompt_hash: 'p1' in the run, 'p2' now\n"
        "  model:x max_criteria: null in the run, 1 now\n"
        "  model:x arguments.options.seed: absent in the run, 3 now\n"
        "  model:gone: in the run, not now\n"
        "  model:new: not in the run, new now\n"
        "use another --run name for these, or ask for the run's own graders"
    )
    assert store.find_run("night").cards[1] == CARD
    assert open_run(store, [changed], name="another").cards == (changed,)


def test_a_whole_number_and_its_float_are_different_arguments(store: Store) -> None:
    open_run(store, [replace(CARD, arguments={"temperature": 1})])
    with pytest.raises(StoreError, match=r"arguments\.temperature: 1 in the run, 1\.0 now"):
        open_run(store, [replace(CARD, arguments={"temperature": 1.0})])


def test_two_graders_of_one_name_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="two graders of the run are called 'model:x', expected names that differ"):
        open_run(store, [CARD, replace(CARD, version="2")])


def test_repeats_may_only_rise(store: Store) -> None:
    assert open_run(store, repeats=2).repeats == 2
    assert open_run(store, repeats=3).repeats == 3
    with pytest.raises(StoreError, match="has 3 repeats, got 2: repeats may only rise; use --repeats 3 or another"):
        open_run(store, repeats=2)


def test_an_unknown_run_names_the_near_ones(store: Store) -> None:
    with pytest.raises(StoreError, match=r"no run is called 'nihgt' \(`grade` makes one\)"):
        store.find_run("nihgt")
    open_run(store)
    with pytest.raises(StoreError, match=re.escape("no run is called 'nihgt', did you mean 'night'?")):
        store.find_run("nihgt")


def test_changed_content_re_pins_the_run_and_leaves_only_what_still_holds(store: Store) -> None:
    first = open_run(store, prompts=("What now?", "And then?"), texts=("Call 112.", "Wait."))
    judge(first)
    judge(first, card=RULES)
    everything = cells(first)
    assert len(everything) == 2 * 2 * 3

    reworded = rubric("drug is named at last", "dose is right")
    now = open_run(store, rubric=reworded, prompts=("What now?", "And then?"), texts=("Call 112.", "Wait."))
    assert now.id == first.id
    assert now.dataset_ref.revision > first.dataset_ref.revision
    # The other criterion went in the same call, so its key is another one too; rules judge alone.
    assert {(criterion, grader) for _, _, criterion, grader, _ in cells(now)} == {("short", "rules")}

    now = open_run(store, prompts=("What now?", "And then what?"), texts=("Call 112.", "Go."))
    assert {(example, sample) for example, sample, *_ in cells(now)} == {("e0", 0)}
    assert cells(now, current=False) == everything, "superseded judgments stay in the ledger"

    now = open_run(store, prompts=("What now?",), texts=("Call 112.", "Wait."))
    assert {example for example, *_ in cells(now)} == {"e0"}
    assert cells(now, current=False) == everything

    back = open_run(store, prompts=("What now?", "And then?"), texts=("Call 112.", "Wait."))
    assert cells(back) == everything, "the highest attempts hold again"


def test_an_example_that_is_gone_or_an_answer_that_is_gone_has_no_credit(store: Store) -> None:
    run = open_run(store, prompts=("p0", "p1"), texts=("a", "b"))
    judge(run)
    run = open_run(store, prompts=("p0", "p1"), texts=("a",))
    assert {sample for _, sample, *_ in cells(run)} == {0}
    assert {sample for _, sample, *_ in cells(run, current=False)} == {0, 1}


def test_the_highest_attempt_counts_even_where_an_earlier_one_would_hold(store: Store) -> None:
    run = open_run(store, texts=("a",))
    judge(run, met=False)
    run = open_run(store, texts=("b",))
    judge(run, attempt=1, met=True)
    assert [each.met for each in run.judgments(current=True)] == [True, True]
    run = open_run(store, texts=("a",))
    assert list(run.judgments(current=True)) == [], "the engine would ask again too: the standing key is another one"


def test_a_judgment_of_a_run_grader_holds_only_with_its_key_and_a_recorded_one_by_its_hashes(store: Store) -> None:
    run = open_run(store)
    [question] = run.questions()
    example, [answer] = question.load()
    answer_hash = question.answers[0].answer_hash
    recorded = replace(CARD, name="dr-a", kind="human")
    entries = []
    for card in (CARD, recorded):
        for repeat in (0, 5):
            filed = judgment(example, answer, "drug", answer_hash, card, repeat, True)
            entries.append(Entry(filed, cell_key("a key", "of another", "kind"), 0))
    run.ledger().keep(entries)
    assert [(grader, repeat) for *_, grader, repeat in cells(run)] == [("dr-a", 0), ("dr-a", 5)]
    assert len(cells(run, current=False)) == 4


def test_a_repeat_beyond_the_runs_repeats_has_no_credit(store: Store) -> None:
    run = open_run(store, repeats=1)
    judge(run)
    judge(run, repeat=1)
    assert {repeat for *_, repeat in cells(run)} == {0}
    assert {repeat for *_, repeat in cells(open_run(store, repeats=2))} == {0, 1}
