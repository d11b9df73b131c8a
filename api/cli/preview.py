"""`markscheme preview`: on one screen, what a rubric can score, before any answer is there."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from api.cli.exit_code import ExitCode
from api.cli.stream import is_terminal
from api.cli.visible import one_line, visible
from api.cli.wording import MINUS, count_words, cut, fitted, folded, points_words, remarks
from graders import JudgePrompt, Outcome, Preview, build_judge_prompt, preview_json, preview_rubric
from rubrics import DatasetFile, Example, Group, InputError, Mistake, Rubric, did_you_mean, load_rubric

_PAGE = 100
"""Columns where nobody says how wide the page is: a file, a pipe."""
_ANSWERS = {
    "best": "all points earned, no fault",
    "everything": "everything met, faults too",
    "empty": "an empty answer",
    "worst": "nothing earned, every fault",
}


def run_preview(path: Path, *, example: str | None, prompt: bool, as_json: bool) -> ExitCode:
    """Print what the rubric can score and, where it is asked for, what a judge is sent."""
    rubric = load_rubric(path)
    shown = None if example is None else find_example(example)
    preview = preview_rubric(rubric)
    sent = build_judge_prompt(rubric, shown) if prompt or shown is not None else None
    if as_json:
        report = {
            "rubric": {"id": rubric.id, "version": rubric.version, "normalize": rubric.scoring.normalize},
            **preview_json(preview),
            "prompt": None if sent is None else {"criterion_id": sent.criterion_id, "messages": list(sent.messages)},
        }
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return ExitCode.DONE
    for line in render_preview(rubric, preview, page_width()):
        typer.echo(line)
    if prompt or shown is not None:
        for line in render_prompt(rubric, sent):
            typer.echo(line)
    return ExitCode.DONE


def page_width() -> int:
    """How wide the page is, from 60 to 120 columns."""
    width = shutil.get_terminal_size((_PAGE, 40)).columns if is_terminal(sys.stdout) else _PAGE
    return min(max(width, 60), 120)


def find_example(written: str) -> Example:
    """The example that DATASET:ID names; both may hold colons, the dataset is what is there."""
    places = [place for place, char in enumerate(written) if char == ":"]
    for place in places:
        path, example_id = Path(written[:place]), written[place + 1 :]
        if written[:place] and path.exists():
            dataset = DatasetFile(path)
            known = {example.id: example for example in dataset}
            if example_id in known:
                return known[example_id]
            dataset.mistakes.raise_if_any()
            hint = did_you_mean(example_id, known)
            raise InputError(Mistake("--example", f"got {example_id!r}, expected the id of an example{hint}"))
    what = f"no such dataset as {written[: places[-1]]!r}" if places else f"got {written!r}, expected DATASET:ID"
    raise InputError(Mistake("--example", what))


def render_preview(rubric: Rubric, preview: Preview, width: int) -> Iterator[str]:
    """The preview as lines of at most `width` columns."""
    yield cut(f"{rubric.title or rubric.id} ({', '.join(_names(rubric))})", width)
    yield cut(_makeup(rubric), width)
    yield ""
    yield from _tree(preview, width)
    yield ""
    yield from _scores(rubric, preview, width)


def _names(rubric: Rubric) -> Iterator[str]:
    if rubric.title:
        yield rubric.id
    yield f"version {rubric.version}"
    if rubric.domain:
        yield rubric.domain


def _makeup(rubric: Rubric) -> str:
    """`15 criteria: 13 earn points, 2 faults cost points; 2 decided by rule; 2 gates; 1 condition`."""
    criteria = [leaf.criterion for leaf in rubric.leaves]
    faults = sum(criterion.points < 0 for criterion in criteria)
    earning = len(criteria) - faults
    words = f"{count_words(len(criteria), 'criterion')}: {earning:,} earn{'s' * (earning == 1)} points, "
    words += f"{count_words(faults, 'fault')} cost{'s' * (faults == 1)} points" if faults else "no fault costs points"
    if rules := sum(criterion.check is not None for criterion in criteria):
        words += f"; {rules:,} decided by rule"
    if gates := sum(criterion.gate is not None for criterion in criteria):
        words += f"; {count_words(gates, 'gate')}"
    if conditions := sum(criterion.depends_on is not None for criterion in criteria):
        words += f"; {count_words(conditions, 'condition')}"
    return words


def _tree(preview: Preview, width: int) -> Iterator[str]:
    """One line a criterion, and below it in words what is special about it; groups by indentation."""
    nodes = preview.nodes
    is_tree = any(isinstance(node.node, Group) for node in nodes)
    names = min(max(2 * node.depth + len(node.node.id) for node in nodes), 30)
    heads = ["share", "points", "effective"] if is_tree else ["share", "points"]
    numbers = [[_percent(one.share), _points(one.node.points), _points(one.effective)] for one in nodes]
    sizes = [max(7, len(head), *(len(row[place]) for row in numbers)) for place, head in enumerate(heads)]
    before = sum(sizes) + 2 * len(sizes)
    yield "  ".join([*map(str.rjust, heads, sizes), "group or criterion" if is_tree else "criterion"])
    for node, row in zip(nodes, numbers, strict=True):
        indent = "  " * node.depth
        name = indent + fitted(node.node.id, max(names - len(indent), 8))
        wording = (node.node.title or "") if isinstance(node.node, Group) else node.node.criterion
        wording = cut(wording, max(width - before - names - 2, 10))
        yield "  ".join([*map(str.rjust, row, sizes), name, wording]).rstrip()
        if not isinstance(node.node, Group) and (special := "; ".join(remarks(node.node))):
            below = " " * (before + 2) + indent
            # A rule's words and patterns may be long, and nobody reads them here; all else is told whole.
            by_rule = node.node.check is not None
            lines = [cut(special, width - len(below))] if by_rule else folded(special, width - len(below))
            yield from (below + line for line in lines)


def _points(points: float) -> str:
    return points_words(round(points, 2) if abs(points) >= 1 else points, digits=6 if abs(points) >= 1 else 2)


def _percent(share: float) -> str:
    size = abs(100 * share)
    number = "<0.1" if 0 < size < 0.05 else f"{size:.1f}"
    return f"{MINUS if share < 0 else ''}{number} %"


def _scores(rubric: Rubric, preview: Preview, width: int) -> Iterator[str]:
    has_gates = any(leaf.criterion.gate is not None for leaf in rubric.leaves)
    heads = ("score", "no gates") if has_gates else ("score",)
    rows = list(_answer_rows(preview))
    numbers = [list(map(_score, row.values))[: len(heads)] for row in rows]
    sizes = [max(6, len(head), *(len(row[place]) for row in numbers)) for place, head in enumerate(heads)]
    yield "  ".join([f"{'':<28}", *map(str.rjust, heads, sizes)])
    for row, values in zip(rows, numbers, strict=True):
        line = "  ".join([f"{row.words:<28}", *map(str.rjust, values, sizes)])
        yield f"{line}  {cut(row.remark, max(width - len(line) - 2, 10))}" if row.remark else line
    for line in _rules(rubric, preview):
        yield cut(line, width)


@dataclass(frozen=True, slots=True)
class _Row:
    """One kind of answer, its score with and without gates, and what is to be said of it."""

    words: str
    values: tuple[float | None, float | None]
    remark: str


def _answer_rows(preview: Preview) -> Iterator[_Row]:
    """The typical answers, and the ends of what is possible where they lie beyond these."""
    gated, ungated = preview.gated, preview.ungated
    ends = {"best": (gated.greatest, ungated.greatest), "worst": (gated.least, ungated.least)}
    end_words = {"best": "the greatest possible", "worst": "the least possible"}
    for name, words in _ANSWERS.items():
        outcome = preview.outcome(name)
        values = (outcome.score, outcome.ungated)
        if name not in ends:
            yield _Row(words, values, _remark(outcome))
        elif ends[name] == values and gated.exact:
            yield _Row(words, values, "; ".join(filter(None, (_remark(outcome), end_words[name]))))
        else:
            rows = [_Row(end_words[name], ends[name], _ends(gated.exact)), _Row(words, values, _remark(outcome))]
            yield from rows if name == "best" else reversed(rows)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value + 0.0:.3f}".replace("-0.000", "0.000").replace("-", MINUS)


def _ends(exact: bool) -> str:
    return "" if exact else "or not as far: too many conditions to try"


def _remark(outcome: Outcome) -> str:
    if outcome.reason is not None:
        code, _, group = outcome.reason.partition(":")
        reasons = {
            "nothing_applies": "no score: nothing applies",
            "all_negative": "no score: only faults apply",
            "group_all_negative": f"no score: only faults apply in group {group}",
        }
        return reasons.get(code, outcome.reason)
    words = [f"capped by {', '.join(outcome.capped_by)}"] if outcome.capped_by else []
    if outcome.name == "empty" and outcome.credited:
        words.append(f"met by saying nothing: {', '.join(outcome.credited)}")
    return "; ".join(words)


def _rules(rubric: Rubric, preview: Preview) -> Iterator[str]:
    """How points become the score, where an author could be surprised."""
    scoring = rubric.scoring
    if scoring.normalize == "sum":
        yield "Scores are raw points (normalize: sum)."
    elif scoring.normalize == "range":
        yield "Scores run from the least points (0) to the most (1) (normalize: range)."
    if scoring.clips == "answer":
        yield "Each answer's score is clipped to 0–1 (clip: answer)."
    elif scoring.clips == "mean" and (preview.gated.least or 0) < 0:
        yield "Only the mean over all examples is clipped to 0–1; one answer can score below 0."
    if any(leaf.criterion.depends_on or leaf.criterion.may_not_apply for leaf in rubric.leaves):
        yield "Shares hold where every criterion applies; what does not apply leaves both sides of the score."
    if rubric.judging.empty_answer == "ask":
        yield "An empty answer is sent to the judge (empty_answer: ask); shown is the lowest value of every scale."


def render_prompt(rubric: Rubric, sent: JudgePrompt | None) -> Iterator[str]:
    """The messages to a judge, whole."""
    yield ""
    if sent is None:
        yield "No judge is asked: rules decide every criterion."
        return
    others = sum(leaf.criterion.check is None for leaf in rubric.leaves) - 1
    more = f"; {count_words(others, 'more call')} like it" if others else ""
    yield f"What a judge is sent for {sent.criterion_id}{more} (one criterion a call):"
    for message in sent.messages:
        yield f"--- {one_line(message['role'])} ---"
        # The prompt writes ⟦U+202E⟧ for what a judge must see; only what it left is to be made visible here.
        yield visible(message["content"]).replace("⟦U+27E6⟧", "⟦")
