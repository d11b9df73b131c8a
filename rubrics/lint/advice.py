"""What lint says: a piece of advice, and the table of everything it may say."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing about a rubric that its author may want to change; never a mistake, the rubric is valid."""

    code: str
    """Names the rule; `lint.ignore` silences it."""
    path: str
    """Where in the rubric, as a JSON path such as `$.criteria[2].criterion`."""
    message: str
    """What was found, and why it matters."""
    fix: str
    """What to write instead."""
    criterion_ids: tuple[str, ...] = ()
    """The criteria it is about; empty where it is about the rubric as a whole."""

    def as_json(self) -> dict[str, Any]:
        """The advice as one JSON object."""
        return {"path": self.path, "code": self.code, "message": self.message, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule of lint."""

    code: str
    """The rule's name."""
    says: str
    """What the rule looks for."""
    on: bool = True
    """Whether it speaks without being asked to (`--all-advice` asks for all)."""


_RULES = (
    LintRule("compound", "a criterion asks for several things that an answer can do one by one"),
    LintRule("open-list", "a list opened by 'including' does not say whether all of it is needed"),
    LintRule("negated-and", "'fails to … A and B' does not say whether missing one is enough"),
    LintRule("vague", "a quality such as 'appropriate' or 'good' stands where the content should"),
    LintRule("length-word", "a length such as 'brief' or 'too long' without a number"),
    LintRule("how-many", "an amount such as 'some' or 'several' without a number"),
    LintRule("no-else", "a criterion holds under a condition on the answer, and does not say what holds otherwise"),
    LintRule("inverted-steps", "steps that the judge must turn round, such as 'if yes, fail'"),
    LintRule("sign", "the wording and the sign of the points disagree"),
    LintRule("gate-sign", "a gate caps the answers that the points reward"),
    LintRule("duplicate", "two criteria have the same wording"),
    LintRule("near-duplicate", "two criteria have nearly the same wording"),
    LintRule("counted-twice", "a point is rewarded, and its absence costs points again"),
    LintRule("weight-outlier", "the points of one criterion are far from those of its siblings"),
    LintRule("outweighs", "one criterion outweighs all others together"),
    LintRule("points-range", "points outside of −10 … 10, the range that HealthBench uses", on=False),
    LintRule("no-negative", "nothing in the rubric costs points"),
    LintRule("unreachable", "a gate, a condition or points that no answer can reach"),
    LintRule("given-away", "the question itself already says what earns the points"),
    LintRule("in-source", "the material in the prompt already says what earns the points", on=False),
    LintRule("unknown-ignore", "`lint.ignore` names a code or a criterion that does not exist"),
)

LINT_RULES = MappingProxyType({rule.code: rule for rule in _RULES})
"""Every rule of lint by its code."""
