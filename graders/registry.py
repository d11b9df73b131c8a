"""Turns a grader SPEC into a grader: built-ins by name, plug-ins by entry point or `file.py:Class`."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from graders.address import DEFAULT_BASE_URL, address_words, parse_model_address
from graders.grader import Grader
from graders.human import HUMAN, HumanGrader
from graders.rules import RULES, RulesGrader
from rubrics import InputError, Mistake, Mistakes, Model, Number, Text, did_you_mean, parse_row, read_json

ENTRY_POINTS = "markscheme.graders"
"""The entry-point group in which packages offer graders."""


@dataclass(frozen=True, slots=True)
class GraderOptions:
    """What the command sets for every model grader; None leaves the grader's own default."""

    criteria_per_call: int | Literal["all"] = 1
    api_key_env: str = "OPENAI_API_KEY"
    max_replies: int = 8
    max_faults: int = 10


@dataclass(frozen=True, slots=True)
class Recorded:
    """`recorded:PATH`: judgments that were made elsewhere, to be filed under their own graders' names."""

    spec: str
    path: Path


class ModelGraderFile(Model):
    """A `*.grader.json` of kind `model`."""

    schema_uri: Text | None = Field(default=None, alias="$schema")
    """Points an editor to the JSON Schema, for completion."""
    kind: Literal["model"]
    """Always `model`."""
    name: Text
    """The model's name at the endpoint."""
    base_url: Text = ""
    """The endpoint's address up to and with `/v1`."""
    api_key_env: Text | None = None
    """The environment variable that holds the key."""
    criteria_per_call: Annotated[int, Field(ge=1)] | Literal["all"] | None = None
    """How many criteria go in one call."""
    temperature: Number | None = 0.0
    """The sampling temperature."""


def open_grader(spec: str, options: GraderOptions | None = None) -> Grader | Recorded:
    """The grader that a SPEC names; InputError says what is wrong with the SPEC and what there is.

    >>> open_grader("rules").name
    'rules'
    """
    options = options or GraderOptions()
    kind, _, rest = spec.partition(":")
    if kind in _BUILT_IN and (rest or kind in (RULES, HUMAN)):
        return _BUILT_IN[kind](spec, rest, options)
    if spec.endswith(".grader.json"):
        return _from_file(spec, options)
    path, _, name = spec.rpartition(":")
    if path.endswith(".py"):
        return _plug_in(spec, Path(path), name)
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        if entry.name == spec:
            return _instance(spec, entry.load)
    raise _wrong(spec, f"expected a grader{_known(spec)}")


def open_graders(
    graders: Sequence[str | Grader], options: GraderOptions | None = None
) -> tuple[list[Grader], list[Recorded]]:
    """The graders of a batch, rules among them (they always judge criteria with a check), and what was recorded."""
    opened = [open_grader(grader, options) if isinstance(grader, str) else grader for grader in dict.fromkeys(graders)]
    recorded = [source for source in opened if isinstance(source, Recorded)]
    asked = [grader for grader in opened if not isinstance(grader, Recorded)]
    if not any(isinstance(grader, RulesGrader) for grader in asked):
        asked.append(RulesGrader())
    names = [grader.name for grader in asked]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(name, "expected graders with different names, two are called the same")
    return asked, recorded


def _wrong(spec: str, message: str) -> InputError:
    return InputError(Mistake("--grader", f"got {spec!r}, {message}"))


def _known(spec: str) -> str:
    names = ["rules", "human", "recorded:PATH", "model:NAME@BASE_URL", "FILE.py:Class", "FILE.grader.json"]
    names += [entry.name for entry in importlib.metadata.entry_points(group=ENTRY_POINTS)]
    return did_you_mean(spec, names) if did_you_mean(spec, names).startswith(",") else f" ({', '.join(names)})"


def _rules(spec: str, rest: str, options: GraderOptions) -> Grader | Recorded:
    if rest:
        raise _wrong(spec, "expected 'rules' alone")
    return RulesGrader()


def _recorded(spec: str, rest: str, options: GraderOptions) -> Grader | Recorded:
    path = Path(rest)
    if not path.exists() or path.is_dir():
        raise InputError(Mistake(rest, "no such file" if not path.exists() else "this is a folder, expected a file"))
    return Recorded(spec, path)


def _model(spec: str, rest: str, options: GraderOptions) -> Grader | Recorded:
    address = parse_model_address(rest, options.api_key_env)
    if address is None:
        raise _wrong(spec, address_words("model:NAME", options.api_key_env))
    return _model_grader(address.name, address.base_url, options, temperature=0.0)


def _model_grader(name: str, base_url: str, options: GraderOptions, *, temperature: float | None) -> Grader:
    from graders.model import ModelGrader

    per_call = options.criteria_per_call
    return ModelGrader(
        name,
        base_url=base_url.rstrip("/"),
        api_key_env=options.api_key_env,
        criteria_per_call=None if per_call == "all" else per_call,
        temperature=temperature,
        max_replies=options.max_replies,
        max_faults=options.max_faults,
    )


def _from_file(spec: str, options: GraderOptions) -> Grader:
    value, faults = read_json(Path(spec))
    mistakes = Mistakes()
    mistakes.extend(faults)
    if isinstance(value, dict) and value.get("kind") == "cascade":
        mistakes.add(spec, "got 'cascade', expected 'model': cascades are not available in this version", "$.kind")
        mistakes.raise_if_any()
    file = parse_row(ModelGraderFile, value, mistakes, file=spec, line=None)
    mistakes.raise_if_any()
    assert file is not None
    options = replace(
        options,
        api_key_env=file.api_key_env or options.api_key_env,
        criteria_per_call=file.criteria_per_call or options.criteria_per_call,
    )
    base_url = file.base_url or os.environ.get("OPENAI_BASE_URL", DEFAULT_BASE_URL)
    return _model_grader(file.name, base_url, options, temperature=file.temperature)


def _human(spec: str, rest: str, options: GraderOptions) -> Grader | Recorded:
    if rest:
        raise _wrong(
            spec, "expected 'human' alone: who reads is told by --rater, so that another can read the same run"
        )
    return HumanGrader()


_BUILT_IN: dict[str, Callable[[str, str, GraderOptions], Grader | Recorded]] = {
    RULES: _rules,
    "recorded": _recorded,
    "model": _model,
    HUMAN: _human,
}


def _plug_in(spec: str, path: Path, name: str) -> Grader:
    if not path.is_file():
        raise InputError(Mistake(str(path), "no such file"))

    def load() -> Any:
        # Compiled from the source each time: cached bytecode of a file that was edited within the same second, at the
        # same size, would judge with the old code.
        module = types.ModuleType(f"markscheme_plug_in_{path.stem}")
        module.__file__ = str(path)
        sys.modules[module.__name__] = module  # dataclasses look their module up there
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
        if not hasattr(module, name):
            classes = [key for key, value in vars(module).items() if isinstance(value, type)]
            raise InputError(
                Mistake(str(path), f"got {name!r}, expected a class of this file{did_you_mean(name, classes)}")
            )
        return getattr(module, name)

    return _instance(spec, load)


def _instance(spec: str, load: Callable[[], Any]) -> Grader:
    """Load and create a plug-in; what its own code raises is told with its line, without a traceback."""
    try:
        grader = load()()
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plug-in may even try to end the program
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "registry" not in frame.filename]
        line = getattr(error, "lineno", None) or (frames[-1].lineno if frames else None)
        file = getattr(error, "filename", None) or (frames[-1].filename if frames else spec)
        raise InputError(Mistake(str(file), f"{type(error).__name__}: {error}", line=line)) from error
    lacking = [part for part in ("name", "version", "judge") if not hasattr(grader, part)]
    if lacking:
        raise _wrong(spec, f"expected a grader with name, version and judge(task), it lacks {', '.join(lacking)}")
    return grader  # type: ignore[no-any-return]
