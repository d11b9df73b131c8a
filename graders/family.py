"""Which models are relatives: a judge favours answers that sound like its own."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RELATIVES = {
    "chatgpt": "gpt",
    "davinci": "gpt",
    "codellama": "llama",
    "qwq": "qwen",
    "qvq": "qwen",
    "mixtral": "mistral",
    "ministral": "mistral",
    "magistral": "mistral",
    "codestral": "mistral",
    "devstral": "mistral",
    "pixtral": "mistral",
    "gemma": "gemini",
    "medgemma": "gemini",
}
"""Names under which a family goes besides its own."""

_FAMILIES = frozenset(
    "gpt claude gemini llama qwen mistral deepseek grok command phi glm kimi nova"
    " granite nemotron smollm olmo yi".split()
)


def model_family(name: str) -> str:
    """The family of a model, by its name alone.

    The first part of the name that is a family's wins, whatever provider or path stands before it; where none is,
    the letters that the last piece of the path begins with are the family. Versions, sizes and dates do not count.

    >>> model_family("us.anthropic.claude-sonnet-4-5-v1:0"), model_family("meta-llama/Llama-3.1-8B-Instruct")
    ('claude', 'llama')
    >>> model_family("o3-mini"), model_family("acme-7b")
    ('gpt', 'acme')
    """
    lowered = name.lower()
    for part in re.findall(r"[a-z0-9]+", lowered.rpartition("/")[2]) + re.findall(r"[a-z0-9]+", lowered):
        letters = re.sub(r"[0-9].*", "", part)
        if re.fullmatch(r"o[1-9]", part):
            return "gpt"
        family = _RELATIVES.get(letters, letters)
        if family in _FAMILIES:
            return family
    last = lowered.rpartition("/")[2]
    found = re.search(r"[^\W\d_]+", last)
    return found[0] if found else last


def family_warnings(answerers: Iterable[str], graders: Iterable[str]) -> list[str]:
    """What to say of graders that are models of an answerer's family; a grader's name is `model:NAME`."""
    families: dict[str, list[str]] = {}
    for answerer in answerers:
        families.setdefault(model_family(answerer), []).append(answerer)
    return [
        f"grader {grader!r} and answerer {families[family][0]!r} are of one family ({family}): models favour answers "
        "like their own; ask a grader of another family too"
        for grader in graders
        if grader.startswith("model:") and (family := model_family(grader.removeprefix("model:"))) in families
    ]
