"""Hypothesis strategies for what the package reads: JSON documents that are right, and ways to spoil them."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from rubrics import Answer, Example, Rubric

CAN_DECIDE = ("binary", "ordinal", "nominal")

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
"""Any text that may be stored."""
written_texts = texts.map(lambda text: f"x{text}")
"""Text that is not blank."""
ids = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
"""Ids of rubrics, examples and answers."""
tags = st.sampled_from(["axis:accuracy", "axis:completeness", "level:example", "cluster:x"])
points = st.integers(-20, 20).filter(bool) | st.floats(-20, 20, width=32).filter(lambda value: abs(value) > 1e-3)
"""Points of a criterion: signed, whole or not, never 0."""
weights = points.map(abs)
"""Points of a group."""
credits = st.sampled_from([0, 0.0, 0.25, 0.5, 1, 1.0])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value that strict reading lets pass."""
metadata = st.dictionaries(texts, json_values, max_size=3)


@st.composite
def options(draw: st.DrawFn, *, credited: bool) -> list[dict[str, Any]]:
    """Two to four options with labels that differ, all with a credit or none."""
    labels = draw(st.lists(written_texts, min_size=2, max_size=4, unique=True))
    rows: list[dict[str, Any]] = []
    for label in labels:
        row: dict[str, Any] = {"label": label}
        if credited:
            row["credit"] = draw(credits)
        if draw(st.booleans()):
            row["description"] = draw(texts)
        rows.append(row)
    return rows


@st.composite
def scales(draw: st.DrawFn, kinds: tuple[str, ...] = (*CAN_DECIDE, "number", "count")) -> dict[str, Any]:
    """A scale of one of the kinds."""
    kind = draw(st.sampled_from(kinds))
    if kind in ("ordinal", "nominal"):
        return {"type": kind, "options": draw(options(credited=kind == "nominal" or draw(st.booleans())))}
    if kind == "number":
        low = draw(st.integers(-10, 10))
        return {"type": kind, "min": low, "max": low + draw(st.integers(1, 10) | st.floats(0.5, 9))}
    return {"type": kind, "max_count": draw(st.integers(1, 9))} if kind == "count" else {"type": kind}


def checks() -> st.SearchStrategy[dict[str, Any]]:
    """A check with its one rule."""
    some = st.lists(written_texts, min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"contains": written_texts}),
        st.fixed_dictionaries({"not_contains": written_texts}),
        st.fixed_dictionaries({"contains_any": some}),
        st.fixed_dictionaries({"contains_all": some}),
        st.fixed_dictionaries({"regex": st.sampled_from([r"\b911\b", "(?i)call", "^[A-Z]"])}),
        st.fixed_dictionaries({"min_words": st.integers(0, 300)}),
        st.fixed_dictionaries({"max_words": st.integers(0, 300)}),
    )


@st.composite
def criteria(draw: st.DrawFn, *, positive: bool = False) -> dict[str, Any]:
    """A criterion without id and condition: those are rules between nodes."""
    row: dict[str, Any] = {"criterion": draw(written_texts), "points": draw(weights if positive else points)}
    if draw(st.booleans()):
        row["scale"] = draw(scales())
    elif draw(st.integers(0, 3)) == 0:
        row["check"] = draw(checks())
    if row.get("scale", {}).get("type", "binary") in CAN_DECIDE and draw(st.integers(0, 3)) == 0:
        row["gate"] = {"when": draw(st.sampled_from(["met", "unmet"])), "cap": draw(credits)}
    extras = {
        "tags": st.lists(tags, max_size=2, unique=True),
        "evidence": st.sampled_from(["required", "optional", "none"]),
        "may_not_apply": st.booleans(),
        "rationale": texts,
        "source": texts,
        "metadata": metadata,
    }
    for name in draw(st.sets(st.sampled_from(list(extras)), max_size=3)):
        row[name] = draw(extras[name])
    return row


@st.composite
def nodes(draw: st.DrawFn, *, depth: int, most: int = 4) -> list[dict[str, Any]]:
    """The children of one node, of which the first has positive points."""
    rows: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, most))):
        if depth > 0 and draw(st.integers(0, 3)) == 0:
            group: dict[str, Any] = {"points": draw(weights), "children": draw(nodes(depth=depth - 1, most=3))}
            if draw(st.booleans()):
                group["title"] = draw(texts)
            rows.append(group)
        else:
            rows.append(draw(criteria(positive=index == 0)))
    return draw(st.permutations(rows))


@st.composite
def rubric_documents(draw: st.DrawFn, *, depth: int = 2) -> dict[str, Any]:
    """A right rubric as a file holds it: signed points, groups, scales, checks, gates, conditions."""
    document: dict[str, Any] = {"id": draw(ids), "criteria": draw(nodes(depth=depth))}
    _name_and_connect(draw, document["criteria"])
    if draw(st.booleans()):
        document["scoring"] = draw(scorings())
    extras = {
        "$schema": texts,
        "title": texts,
        "domain": texts,
        "version": written_texts,
        "guidelines": texts,
        "judging": st.fixed_dictionaries(
            {}, optional={"show_points": st.booleans(), "empty_answer": st.sampled_from(["lowest", "ask"])}
        ),
        "lint": st.fixed_dictionaries({}, optional={"ignore": st.lists(written_texts, max_size=2)}),
        "metadata": metadata,
    }
    for name in draw(st.sets(st.sampled_from(list(extras)), max_size=4)):
        document[name] = draw(extras[name])
    return document


@st.composite
def scorings(draw: st.DrawFn) -> dict[str, Any]:
    """How points become a score."""
    row: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"normalize": st.sampled_from(["positive", "range", "sum"])},
            optional={
                "clip": st.sampled_from(["none", "answer", "mean"]),
                "all_negative": st.sampled_from(["undefined", "one_minus"]),
                "min_coverage": credits,
                "consensus": st.sampled_from(["majority", "unanimous", "mean", "adjudicated"]),
            },
        )
    )
    return {**row, "clip": "none"} if row["normalize"] == "sum" and "clip" in row else row


def _name_and_connect(draw: st.DrawFn, rows: list[dict[str, Any]]) -> None:
    """Give some nodes an id, and some criteria a condition on one that came before."""
    can_decide: list[str] = []
    letters = string.ascii_letters + string.digits + "._:-"
    for index, row in enumerate(nodes_of(rows)):
        if draw(st.booleans()):
            # The prefix keeps clear of c1, g1, … and makes every id unique.
            row["id"] = f"n{index}-{draw(st.text(letters, max_size=6))}"
        if "children" in row:
            continue
        if can_decide and draw(st.integers(0, 3)) == 0:
            when = draw(st.sampled_from(["met", "unmet"]))
            row["depends_on"] = {"criterion": draw(st.sampled_from(can_decide)), "when": when}
        if "id" in row and row.get("scale", {}).get("type", "binary") in CAN_DECIDE:
            can_decide.append(row["id"])


def nodes_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every node of a raw tree, depth first."""
    found: list[dict[str, Any]] = []
    for row in rows:
        found += [row, *nodes_of(row.get("children", []))]
    return found


def rubrics(*, depth: int = 2) -> st.SearchStrategy[Rubric]:
    """Right rubrics."""
    return rubric_documents(depth=depth).map(Rubric.model_validate)


prompts = texts | st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool"]), "content": texts}
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def example_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A right example with its rubric inside."""
    document: dict[str, Any] = {"id": draw(ids), "prompt": draw(prompts), "rubric": draw(rubric_documents(depth=1))}
    extras = {
        "tags": st.lists(st.sampled_from(["theme:emergency", "theme:hedging"]), max_size=2, unique=True),
        "references": st.lists(texts, max_size=2),
        "canary": texts,
        "metadata": metadata,
    }
    for name in draw(st.sets(st.sampled_from(list(extras)), max_size=3)):
        document[name] = draw(extras[name])
    return document


def examples() -> st.SearchStrategy[Example]:
    """Right examples."""
    return example_documents().map(Example.model_validate)


def answer_documents() -> st.SearchStrategy[dict[str, Any]]:
    """Right answers as a file holds them."""
    return st.fixed_dictionaries(
        {"example_id": ids, "model": ids, "text": texts},
        optional={"sample": st.integers(0, 2**31 - 1), "metadata": metadata},
    )


def answers() -> st.SearchStrategy[Answer]:
    """Right answers."""
    return answer_documents().map(Answer.model_validate)
