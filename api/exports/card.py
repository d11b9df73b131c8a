"""The dataset card: what the folder holds, how the answers scored and how sure that is, and how to read it."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.exports.markdown import code, one_line, plain, table
from api.exports.schema import SPLIT, TABLES, Config, file_of
from graders import Row, Scores
from rubrics import DatasetInfo

_HUB_LICENCES = re.compile(
    r"afl-3\.0|agpl-3\.0|apache-2\.0|artistic-2\.0|bsd(-[23]-clause|-3-clause-clear)?|bsl-1\.0|c-uda|"
    r"cc0-1\.0|cc-by-(2\.0|2\.5|3\.0|4\.0)|cc-by-sa-[34]\.0|cc-by-nd-4\.0|cc-by-nc-[234]\.0|cc-by-nc-nd-[34]\.0|"
    r"cc-by-nc-sa-[234]\.0|cdla-permissive-[12]\.0|cdla-sharing-1\.0|ecl-2\.0|epl-[12]\.0|etalab-2\.0|eupl-1\.[12]|"
    r"gfdl|gpl-[23]\.0|isc|lgpl-2\.1|lgpl-3\.0|mit|mpl-2\.0|ms-pl|ncsa|odbl|odc-by|ofl-1\.1|osl-3\.0|pddl|"
    r"postgresql|unlicense|wtfpl|zlib"
)
"""The names that the Hub knows; any other licence is `other` there, under its own name."""

_REASONS = {
    "low_coverage": "too little of the points was judged",
    "nothing_judged": "nothing was judged",
    "nothing_expected": "no answer has a score to reach",
    "no_answers": "there are no answers",
}
_SHOWN_CANARIES = 5


@dataclass(slots=True)
class Tallies:
    """What is counted for the card while the rows go by."""

    judgments: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Judgments by grader, kind of grader and status."""
    canaries: dict[str, None] = field(default_factory=dict)
    """The canaries of single examples, the first few of them."""
    n_answers: int = 0

    def note_canary(self, canary: str) -> None:
        """Keep an example's canary, if it is among the first few."""
        if len(self.canaries) <= _SHOWN_CANARIES:
            self.canaries[canary] = None


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that the card says."""

    run: str
    info: DatasetInfo
    scores: Scores
    graders: Sequence[Mapping[str, Any]]
    created_at: str
    rows: Mapping[Config, int]
    tallies: Tallies

    def text(self) -> str:
        """The whole `README.md`."""
        body = [
            f"# {plain(self._title)}: answers scored by rubrics",
            *self._warnings(),
            *self._summary(),
            "## Scores",
            *self._scores(),
            "## Graders",
            *self._graders(),
            "## What is in it",
            *self._configs(),
            "## Loading it",
            *self._loading(),
            "## Licence",
            self._licence(),
        ]
        return f"---\n{self._front_matter()}\n---\n\n" + "\n\n".join(body) + "\n"

    @property
    def _title(self) -> str:
        return one_line(self.info.title or "") or one_line(self.info.name)

    @property
    def _loadable(self) -> list[Config]:
        """`datasets` cannot load a config without rows: such a one is written, and not announced."""
        return [config for config in TABLES if self.rows[config]]

    def _front_matter(self) -> str:
        from huggingface_hub import DatasetCardData

        loadable = self._loadable
        configs: list[dict[str, Any]] = []
        for config in loadable:
            entry: dict[str, Any] = {"config_name": config}
            if config == loadable[0]:
                entry["default"] = True
            entry["data_files"] = [{"split": SPLIT, "path": file_of(config)}]
            configs.append(entry)
        data = DatasetCardData(
            pretty_name=self._title.translate({ord("<"): "‹", ord(">"): "›"}),  # sites put it into HTML
            tags=["markscheme", "rubrics", "evaluation"],
            size_categories=[_size_category(self.rows[loadable[0]] if loadable else 0)],
            configs=configs,
            **_hub_licence(self.info.licence),
        )
        return data.to_yaml(line_break="\n")

    def _warnings(self) -> Iterator[str]:
        canaries = dict.fromkeys(filter(None, (self.info.canary, *self.tallies.canaries)))
        if canaries:
            shown = [code(canary) for canary in list(canaries)[:_SHOWN_CANARIES]]
            more = " There are more, in the column `canary`." if len(canaries) > len(shown) else ""
            yield (
                "> [!WARNING]\n> **Do not train on this data, and keep the canary.** It marks texts that must stay out "
                "of training data, so that they can be found where they are not. Every copy of these files or of their "
                f"texts carries it along:\n> {', '.join(shown)}{more}"
            )
        if self.info.held_out:
            yield (
                "> [!WARNING]\n> **This dataset is held out.** Its prompts, references and rubrics are in these files. "
                "Do not publish them and do not show them to those whose answers it measures."
            )

    def _summary(self) -> Iterator[str]:
        rows, models = self.rows, self.scores.models
        yield (
            f"{_many(self.tallies.n_answers, 'answer')} by {_many(len(models), 'answerer')} to "
            f"{_many(rows['examples'], 'prompt')}, judged criterion by criterion against "
            f"{_many(rows['rubrics'], 'point-based rubric')}, and the scores that follow from "
            f"{_many(rows['judgments'], 'judgment')}. The scores can be computed again from the judgments, to the "
            "last bit."
        )
        yield "\n".join(
            table(
                ("dataset", "version", "run", "exported"),
                [[plain(text) for text in (self.info.name, self.info.version, self.run, self.created_at)]],
            )
        )
        if self.info.description:
            yield f"> What its authors say of it: {plain(self.info.description)}"

    def _scores(self) -> Iterator[str]:
        whole = [row for row in self.scores.rows if row.tag is None]
        whole.sort(key=lambda row: row.grader != self.scores.chosen)
        if not whole:
            yield "There are no scores: the run has no answers."
            return
        if self.scores.chosen is not None:
            yield f"The run is scored by **{plain(self.scores.chosen)}**."
        else:
            yield (
                "Several groups of graders judged, and none was named as the one to score by: each group's scores "
                "stand for themselves."
            )
        head = ("answerer", "judged by", "score", "95 % interval", "coverage", "if all were judged", "answers scored")
        yield "\n".join(table(head, map(_score_cells, whole)))
        yield (
            "A score is the mean over prompts of the points earned as a share of the points to be had"
            f"{' (here: raw points)' if self._sums else ''}; its interval is that of the mean before it is clipped to "
            "0 to 1. Coverage is the share of the points that was judged; "
            "`if all were judged` says where the score could lie. Without enough coverage there is "
            "no score, and what was judged alone is given with the reason."
        )
        if self.scores.failures and (lost := {kind: n for kind, n in self.scores.failures.items() if n}):
            yield "Judgments that failed: " + ", ".join(f"{plain(kind)} {n}" for kind, n in lost.items()) + "."

    @property
    def _sums(self) -> bool:
        return bool(self.scores.examples) and self.scores.examples[0].plan.normalize == "sum"

    def _graders(self) -> Iterator[str]:
        cards = {str(card.get("name")): card for card in self.graders}
        seen = {(name, kind): None for name, kind, _ in sorted(self.tallies.judgments)}
        names = {name for name, _ in seen}
        idle = [(name, str(card.get("kind", ""))) for name, card in cards.items() if name not in names]
        rows = [self._grader_cells(name, kind, cards.get(name, {})) for name, kind in (*seen, *idle)]
        if rows:
            head = ("grader", "kind", "version", "prompt", "judgments", "without a verdict")
            yield "\n".join(table(head, rows))
        yield (
            "The kind says who or what judged: `model`, `human` or `rule` (code). A verdict made by a model is never "
            "called human. Criteria with a `check` are decided by code when scores are computed, for every group."
        )

    def _grader_cells(self, name: str, kind: str, card: Mapping[str, Any]) -> list[str]:
        counts = self.tallies.judgments
        statuses = {status: n for (grader, its_kind, status), n in counts.items() if (grader, its_kind) == (name, kind)}
        version, prompt = card.get("version"), card.get("prompt_hash")
        return [
            plain(name),
            plain(kind) or "not stated",
            plain(str(version)) if version else "not stated",
            plain(str(prompt)[:16]) if prompt else "not stated",
            f"{sum(statuses.values()):,}",
            f"{statuses.get('abstained', 0) + statuses.get('failed', 0):,}",
        ]

    def _configs(self) -> Iterator[str]:
        for config, described in TABLES.items():
            mark = " (default)" if self._loadable[:1] == [config] else ""
            rows = self.rows[config]
            lines = [f"**`{config}`**{mark}, {_many(rows, 'row')}: {described.holds}."]
            if not rows:
                lines[0] += " It is empty, and `datasets` loads no empty config: it is not announced."
            lines.append("")
            lines += [
                f"- {', '.join(f'`{name}`' for name in columns.kinds)}: {columns.meaning}"
                for columns in described.columns
            ]
            yield "\n".join(lines)

    def _loading(self) -> Iterator[str]:
        yield "`FOLDER` is this folder, or the name of the repository on the Hub that it was uploaded to."
        lines = [f'scores = load_dataset("FOLDER", split="{SPLIT}")']
        lines += [f'{config} = load_dataset("FOLDER", "{config}", split="{SPLIT}")' for config in self._loadable[1:2]]
        yield "\n".join(["```python", "from datasets import load_dataset", "", *lines, "```"])
        yield "Back into files that Markscheme reads, and the same scores from them:"
        command = "markscheme score OUT OUT/answers.jsonl OUT/judgments.jsonl" + self._score_options()
        yield "\n".join(["```sh", "markscheme convert --from hf FOLDER OUT", command, "```"])

    def _score_options(self) -> str:
        options = self.scores.options
        said = ""
        if options.score_by is not None:
            said += f" --score-by {shlex.quote(one_line(options.score_by))}"
        if options.consensus is not None:
            said += f" --consensus {options.consensus}"
        if options.min_coverage != 0.98:
            said += f" --min-coverage {options.min_coverage:g}"
        return said + (" --healthbench" if options.healthbench else "")

    def _licence(self) -> str:
        licence = one_line(self.info.licence or "")
        if not licence:
            return "The dataset states no licence: ask its authors before you pass it on."
        return f"{plain(licence)}, as the dataset states it."


def _score_cells(row: Row) -> list[str]:
    result = row.aggregate
    if result.mean is not None:
        score = f"{result.mean:.3f}"
        if result.mean_unclipped is not None and result.mean_unclipped != result.mean:
            score += f" (not clipped: {result.mean_unclipped:.3f})"
    else:
        reason = result.reason or "not_stated"
        words = f": {_REASONS[reason]}" if reason in _REASONS else ""
        alone = "" if result.mean_judged_only is None else f"; judged alone {result.mean_judged_only:.3f}"
        score = f"none (`{reason}`{words}{alone})"
    return [
        plain(row.model),
        plain(row.grader),
        score,
        _range(result.ci_low, result.ci_high),
        "none" if result.coverage is None else _percent(result.coverage),
        _range(result.low, result.high),
        f"{result.n_scored:,} of {result.n_expected:,}",
    ]


def _range(low: float | None, high: float | None) -> str:
    return "none" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _percent(share: float) -> str:
    """Rounded down, as in the terminal: 99.96 % of the points are not all of them."""
    return f"{int(share * 1000) / 10:g} %"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _size_category(rows: int) -> str:
    edges = [("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7)]
    return next((name for name, edge in edges if rows < edge), "10M<n<100M")


def _hub_licence(licence: str | None) -> dict[str, Any]:
    name = one_line(licence or "")
    if not name:
        return {}
    known = re.sub(r"-(only|or-later)$", "", name.lower())
    if _HUB_LICENCES.fullmatch(known):
        return {"license": known}
    slug = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60]
    return {"license": "other", **({"license_name": slug} if slug else {})}
