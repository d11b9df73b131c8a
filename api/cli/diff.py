"""`markscheme diff`: what changed between two states of a rubric or a dataset, and which judgments stay valid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from api.cli.exit_code import ExitCode
from api.cli.preview import page_width
from api.cli.visible import one_line
from api.cli.wording import check_words, condition_words, count_words, cut, gate_words, points_words, scale_words
from rubrics import (
    RUBRIC_SUFFIX,
    Criterion,
    CriterionDiff,
    DatasetDiff,
    DatasetFile,
    DatasetState,
    FieldChange,
    GroupDiff,
    InputError,
    Mistake,
    Mistakes,
    Rubric,
    RubricDiff,
    dataset_diff_json,
    diff_datasets,
    diff_json,
    diff_rubrics,
    load_rubric,
)

_INDENT = 4
_NAMES = 12
_ONLY_SCORES = "Points, gates, conditions, tags, groups and order change scores, never judgments."
_SHOWN_POINTS = "Where judges are shown the points (show_points), points change judgments too."
_LISTED = 8


def run_diff(old: Path, new: Path, *, as_json: bool) -> ExitCode:
    """Print what differs; whether anything does is no reason for another exit code."""
    before, after = _load_both(old, new)
    width = page_width()
    if isinstance(before, Rubric) and isinstance(after, Rubric):
        rubric = diff_rubrics(before, after)
        report, lines = diff_json(rubric), render_rubric_diff(rubric, width)
    elif (
        isinstance(before, DatasetState)
        and isinstance(after, DatasetState)
        and bool(before.examples) == bool(after.examples)
    ):
        dataset = diff_datasets(before, after)
        report, lines = dataset_diff_json(dataset), render_dataset_diff(dataset, width)
    else:
        what = "expected two rubrics, two datasets or two folders of rubrics"
        raise InputError(Mistake(str(new), f"{what}, {old} is of another kind"))
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for line in lines:
            typer.echo(line)
    return ExitCode.DONE


def _load_both(old: Path, new: Path) -> list[Rubric | DatasetState]:
    """Both sides; InputError has every mistake of both."""
    mistakes = Mistakes()
    loaded: list[Rubric | DatasetState] = []
    for path in (old, new):
        try:
            loaded.append(_load(path))
        except InputError as error:
            mistakes.extend(error.mistakes)
    mistakes.raise_if_any()
    return loaded


def _load(path: Path) -> Rubric | DatasetState:
    if not path.is_dir() and path.suffix != ".jsonl":
        return load_rubric(path)
    dataset = DatasetFile(path)
    examples = tuple(dataset) if dataset.examples_path.exists() or not path.is_dir() else ()
    dataset.mistakes.raise_if_any()
    if not examples and not dataset.rubrics:
        what = f"expected rubrics (*{RUBRIC_SUFFIX}) or a dataset (examples.jsonl) in here"
        raise InputError(Mistake(str(path), what))
    return DatasetState.of((rubric for rubric in dataset.rubrics.values() if rubric is not None), examples)


def render_rubric_diff(diff: RubricDiff, width: int) -> Iterator[str]:
    """One rubric's differences, and what they mean for judgments."""
    yield cut(_heading(diff), width)
    if diff.is_same:
        yield "Nothing differs; all judgments stay valid."
        return
    yield ""
    yield from _rubric_body(diff, width)
    yield from _judgments(diff)


def _heading(diff: RubricDiff) -> str:
    old, new = diff.old, diff.new
    name = new.id if old.id == new.id else f"{old.id} → {new.id}"
    version = f"version {new.version}" if old.version == new.version else f"version {old.version} → {new.version}"
    return f"{name}, {version}"


def _rubric_body(diff: RubricDiff, width: int) -> Iterator[str]:
    fields = [change for change in diff.fields if change.field != "version"]
    for change in fields:
        yield from _two_sides(change.field, _plain(change.old), _plain(change.new), width, indent=0)
    if diff.reordered:
        yield "order       criteria stand in another order"
    if fields or diff.reordered:
        yield ""
    for pair in diff.criteria:
        # That the guidelines changed is told once, not under each criterion.
        if pair.changes:
            yield from _criterion(pair, width)
    for group in diff.groups:
        yield from _group(group, width)
    if any(pair.changes for pair in diff.criteria) or diff.groups:
        yield ""


def _criterion(pair: CriterionDiff, width: int) -> Iterator[str]:
    if pair.old is None and pair.new is not None:
        standing = "decided by rule" if pair.standing == "rules" else "new, judged for the first time"
        yield from _added_or_removed("+", pair.id, standing, pair.new.criterion, width)
    elif pair.new is None and pair.old is not None:
        yield from _added_or_removed("-", pair.id, "gone, its judgments count no more", pair.old.criterion, width)
    elif pair.old is not None and pair.new is not None:
        renamed = "renamed" in pair.changes
        name = f"{pair.old.id} → {pair.id}" if renamed else pair.id
        yield cut(f"~ {name}: {_standing_words(pair)}", width)
        for change in pair.fields:
            before, after = (_in_words(leaf.criterion, change.field) for leaf in (pair.old, pair.new))
            yield from _two_sides(change.field, before, after, width)
        if pair.move is not None:
            old, new = (group or "outside of all groups" for group in (pair.move.old, pair.move.new))
            yield from _two_sides("moved", old, new, width)
        if pair.because == ("id",) and pair.standing == "again":
            yield _detail("id", f"judgments name ids: call it {pair.old.id} again, and they stay", width)


def _added_or_removed(sign: str, name: str, standing: str, criterion: Criterion, width: int) -> Iterator[str]:
    yield cut(f"{sign} {name}: {standing}", width)
    yield _detail(points_words(criterion.points), criterion.criterion, width)


def _detail(name: str, text: str, width: int) -> str:
    head = f"{'':<{_INDENT}}{name:<{_NAMES}}"
    return (head + cut(text, width - len(head))).rstrip()


def _standing_words(pair: CriterionDiff) -> str:
    if pair.standing == "rules":
        return "decided by rule, anew whenever it is scored"
    if pair.standing == "kept":
        return "judgments stay"
    reasons = {
        "id": "its id changed",
        "criterion": "its wording changed",
        "scale": "its scale changed",
        "check": "it is no longer decided by rule",
        "evidence": "what it asks to quote changed",
        "may_not_apply": "whether it may not apply changed",
        "guidelines": "the guidelines changed",
        "points_shown": "the judge sees the points",
        "empty_answer": "empty answers are treated otherwise",
    }
    return f"judged again ({', '.join(reasons[reason] for reason in pair.because)})"


def _group(group: GroupDiff, width: int) -> Iterator[str]:
    shown = group.new or group.old
    assert shown is not None
    if group.old is None or group.new is None:
        word = "new" if group.old is None else "gone"
        yield cut(f"{'+' if group.old is None else '-'} group {shown.id}: {word}", width)
        yield _detail(points_words(shown.points), shown.title or "", width)
        return
    name = shown.id if group.old.id == group.new.id else f"{group.old.id} → {group.new.id}"
    yield cut(f"~ group {name}", width)
    for change in group.fields:
        yield from _two_sides(change.field, *_sides(change), width)
    if group.move is not None:
        old, new = (parent or "outside of all groups" for parent in (group.move.old, group.move.new))
        yield from _two_sides("moved", old, new, width)


def _sides(change: FieldChange) -> tuple[str, str]:
    if change.field == "points":
        return points_words(change.old), points_words(change.new)
    return _plain(change.old), _plain(change.new)


def _in_words(criterion: Criterion, field: str) -> str:
    """One field of a criterion as an author says it."""
    if field == "points":
        return points_words(criterion.points)
    if field == "scale":
        return scale_words(criterion)
    if field == "gate":
        return gate_words(criterion.gate) if criterion.gate else "none"
    if field == "depends_on":
        return condition_words(criterion.depends_on) if criterion.depends_on else "always applies"
    if field == "check":
        return check_words(criterion.check) if criterion.check else "none"
    return _plain(criterion.model_dump(mode="json")[field])


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(map(one_line, value)) or "none"
    return one_line(json.dumps(value, ensure_ascii=False))


def _two_sides(name: str, old: str, new: str, width: int, indent: int = _INDENT) -> Iterator[str]:
    """`points      10 → 8` on one line, long texts whole on two."""
    head = f"{'':<{indent}}{one_line(name):<{_NAMES}}"
    head = head if head.endswith(" ") else head + " "
    if old == new:
        yield f"{head}looks the same: spaces, or how letters are stored, differ"
    elif len(head) + len(old) + len(new) + 3 <= width:
        yield f"{head}{old} → {new}"
    else:
        yield f"{head}{old}"
        yield f"{'→ ':>{len(head)}}{new}"


def _judgments(diff: RubricDiff) -> Iterator[str]:
    """What the differences mean for a run and for files of judgments."""
    all_criteria = len(diff.new.leaves)
    again, new, kept, rules = (diff.count(name) for name in ("again", "new", "kept", "rules"))
    yield _summary(all_criteria, again, new, kept, rules)
    everywhere = {reason for pair in diff.criteria for reason in pair.because}
    if diff.guidelines_changed:
        yield "Every judge reads the guidelines first, so their change makes all judgments anew."
    if "empty_answer" in everywhere:
        yield "Empty answers are treated otherwise, so a run judges all anew."
    yield _SHOWN_POINTS if "points_shown" in everywhere else _ONLY_SCORES
    if kept and (again or new or diff.count("dropped") or diff.reordered):
        yield "(With several criteria a call, those that share a call with a changed one are asked again too.)"


def _summary(all_criteria: int, again: int, new: int, kept: int, rules: int) -> str:
    asked = again + new
    one = asked == 1
    if not asked:
        words = f"None of {count_words(all_criteria, 'criterion')} will be judged again"
    elif not new:
        words = f"{asked:,} of {count_words(all_criteria, 'criterion')} will be judged again"
    elif not again:
        words = f"{asked:,} of {count_words(all_criteria, 'criterion')} {'is' if one else 'are'} new and will be judged"
    else:
        words = f"{asked:,} of {count_words(all_criteria, 'criterion')} will be judged: {again:,} again, {new:,} new"
    words += f"; {kept:,} {'keeps its' if kept == 1 else 'keep their'} judgments"
    return words + (f", {rules:,} {'is' if rules == 1 else 'are'} decided by rule." if rules else ".")


def render_dataset_diff(diff: DatasetDiff, width: int) -> Iterator[str]:
    """A dataset's differences, rubric by rubric, and what they mean for judgments."""
    if diff.is_same:
        yield f"Nothing differs in {count_words(len(diff.rubrics), 'rubric')}; all judgments stay valid."
        return
    for pair in diff.rubrics:
        if not pair.diff.is_same:
            yield cut(f"== {_heading(pair.diff)}{_used_by(pair.name, pair.examples)}", width)
            yield from _rubric_body(pair.diff, width)
    listed = [
        _Listed("rubrics added", diff.rubrics_added, ""),
        _Listed("rubrics gone", diff.rubrics_removed, ""),
        _Listed("examples added", diff.examples_added, "every criterion of them is judged"),
        _Listed("examples gone", diff.examples_removed, "their judgments count no more"),
        _Listed("prompts changed", diff.prompts_changed, "all their judgments are made anew"),
        _Listed("references changed", diff.references_changed, "a run judges them anew"),
    ]
    shown = [one for one in listed if one.names]
    for one in shown:
        yield from one.lines(width)
    if shown:
        yield ""
    same = sum(pair.diff.is_same for pair in diff.rubrics)
    if diff.rubrics:
        yield f"{len(diff.rubrics) - same:,} of {count_words(len(diff.rubrics), 'rubric')} changed."
    else:
        yield "The two have no rubric in common: neither an example nor the id of a rubric is in both."
    judged = diff.judged
    yield _summary(judged.all, judged.again, judged.new, judged.kept, judged.rules)
    yield "(Counted once for each example; each is one judgment of every answer.)"
    shown_points = any("points_shown" in one.because for pair in diff.rubrics for one in pair.diff.criteria)
    yield _SHOWN_POINTS if shown_points else _ONLY_SCORES


def _used_by(name: str, examples: Sequence[str]) -> str:
    if not examples or tuple(examples) == (name,):
        return ""
    return f" (judges {count_words(len(examples), 'example')})"


@dataclass(frozen=True, slots=True)
class _Listed:
    """Names under a heading, with what it means for judgments."""

    heading: str
    names: tuple[str, ...]
    meaning: str

    def lines(self, width: int) -> Iterator[str]:
        shown = ", ".join(self.names[:_LISTED])
        more = len(self.names) - _LISTED
        rest = f" and {more:,} more (--json lists all)" if more > 0 else ""
        meaning = f" ({self.meaning})" if self.meaning else ""
        yield cut(f"{self.heading}{meaning}: {shown}{rest}", max(width, 100))
