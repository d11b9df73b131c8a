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
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from graders.address import address_words, parse_model_address
from graders.grader import Grader
from graders.human import HUMAN, HumanGrader
from graders.rules import RULES, RulesGrader
from rubrics import (
    Id,
    InputError,
    Many,
    Mistake,
    Mistakes,
    Model,
    Share,
    Text,
    WholeNumber,
    did_you_mean,
    parse_row,
    read_json,
)

if TYPE_CHECKING:
    from graders.model.grader_file import ModelGraderFile
    from graders.model.price import Price

ENTRY_POINTS = "markscheme.graders"
"""The entry-point group in which packages offer graders."""


@dataclass(frozen=True, slots=True)
class GraderOptions:
    """What the command sets for every model grader; None leaves the grader's own default."""

    criteria_per_call: int | Literal["all"] = 1
    api_key_env: str = "OPENAI_API_KEY"
    max_replies: int = 8
    max_faults: int = 10
    concurrency: int = 64
    """Most requests out at one endpoint."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    warm_first: bool = True
    batch: bool = False
    """Whether models are to be asked by their providers' batch endpoints: at another price, and in no order."""
    prompt: Path | None = None
    """A prompt file of the user's own."""
    reply: str = "markscheme"
    """The form of the judge's reply."""
    prices: Path | None = None
    """The price file; by default the one that MARKSCHEME_PRICES names."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`recorded:PATH`: judgments that were made elsewhere, to be filed under their own graders' names."""

    spec: str
    path: Path


class CascadeFile(Model):
    """A `*.grader.json` of kind `cascade`."""

    schema_uri: Text | None = Field(default=None, alias="$schema")
    """Points an editor to the JSON Schema, for completion."""
    kind: Literal["cascade"]
    """Always `cascade`."""
    name: Id | None = None
    """The grader's name; by default `cascade:` and the file's."""
    stages: Annotated[tuple[Text, ...], Many] = Field(min_length=2)
    """The SPECs of its graders, from the cheapest to the strongest; files are seen from this file."""
    audit: Share = 0.05
    """The share of what the first stage is sure of that the last one judges too."""
    sure_from: Share = 0.9
    """The probability from which a verdict is sure; one without a probability is."""
    seed: WholeNumber = 0
    """Which verdicts are audited."""


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
    return _model_grader(address.name, address.base_url, options)


def _model_grader(
    name: str, base_url: str, options: GraderOptions, file: ModelGraderFile | None = None, folder: Path = Path()
) -> Grader:
    """A model grader by the command's options; what a grader file in a folder says goes before them."""
    from graders.model import ModelGrader, ModelOptions
    from graders.model.pace import Pace
    from graders.model.price import BATCH_SHARE
    from graders.model.reply_form import REPLY_FORMS
    from graders.model.template import load_template

    per_call, reply = options.criteria_per_call, options.reply
    if reply not in REPLY_FORMS:
        hint = did_you_mean(reply, REPLY_FORMS)
        raise InputError(Mistake("--reply", f"got {reply!r}, expected one of {', '.join(REPLY_FORMS)}{hint}"))
    judging = ModelOptions(
        criteria_per_call=None if per_call == "all" else per_call,
        template=None if options.prompt is None else load_template(options.prompt, asks_by=REPLY_FORMS[reply].asks_by),
        reply=reply,
    )
    timeout, price = 120.0, None
    if file is not None:
        judging = replace(
            judging,
            temperature=file.temperature,
            max_tokens=file.max_tokens,
            dialect=file.dialect,
            logprobs=file.logprobs,
            controls=file.controls,
            extra=file.extra,
            examples=() if file.examples is None else file.examples.draw(folder),
        )
        timeout, price = file.timeout, file.price
    price = price or _price(name, options)
    return ModelGrader(
        name,
        base_url=base_url.rstrip("/"),
        api_key_env=options.api_key_env,
        options=judging,
        timeout=timeout,
        max_replies=options.max_replies,
        max_faults=options.max_faults,
        pace=Pace(
            options.concurrency,
            requests_per_minute=options.requests_per_minute,
            tokens_per_minute=options.tokens_per_minute,
        ),
        price=price.times(BATCH_SHARE) if price and options.batch else price,
        warm_first=options.warm_first and not options.batch,
    )


def _price(name: str, options: GraderOptions) -> Price | None:
    from graders.model.price import load_prices

    given = os.environ.get("MARKSCHEME_PRICES")
    path = options.prices or (Path(given) if given else None)
    return None if path is None else load_prices(path).get(name)


def _from_file(spec: str, options: GraderOptions) -> Grader:
    from graders.model.grader_file import DEFAULT_ADDRESSES, ModelGraderFile

    path = Path(spec)
    value, faults = read_json(path)
    mistakes = Mistakes()
    mistakes.extend(faults)
    if _is_cascade(value):
        cascade = parse_row(CascadeFile, value, mistakes, file=spec, line=None)
        mistakes.raise_if_any()
        assert cascade is not None
        return _cascade(path, cascade, options)
    file = parse_row(ModelGraderFile, value, mistakes, file=spec, line=None)
    mistakes.raise_if_any()
    assert file is not None
    asked_env = options.api_key_env
    if file.dialect != "openai" and asked_env == DEFAULT_ADDRESSES["openai"][1]:
        asked_env = DEFAULT_ADDRESSES[file.dialect][1]
    options = replace(
        options,
        api_key_env=file.api_key_env or asked_env,
        criteria_per_call=file.criteria_per_call or options.criteria_per_call,
        prompt=path.parent / file.prompt if file.prompt else options.prompt,
        reply=file.reply or options.reply,
        requests_per_minute=file.requests_per_minute or options.requests_per_minute,
        tokens_per_minute=file.tokens_per_minute or options.tokens_per_minute,
        warm_first=options.warm_first if file.warm_first is None else file.warm_first,
    )
    return _model_grader(file.name, file.address, options, file, path.parent)


def _is_cascade(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") == "cascade"


def _cascade(path: Path, file: CascadeFile, options: GraderOptions) -> Grader:
    from graders.cascade import Cascade

    options = replace(options, batch=False)  # which stage is asked is known when the one before has replied
    stages: list[Grader] = []
    for index, spec in enumerate(file.stages):
        is_path = spec.endswith(".grader.json") or spec.rpartition(":")[0].endswith(".py")
        place = path.parent / spec
        if spec.endswith(".grader.json") and place.is_file() and _is_cascade(read_json(place)[0]):
            message = f"got {spec!r}, a cascade, expected the graders of its stages themselves"
            raise InputError(Mistake(str(path), message, f"$.stages[{index}]"))
        stage = open_grader(str(place) if is_path else spec, options)
        if isinstance(stage, Recorded | HumanGrader | RulesGrader):
            message = f"got {spec!r}, expected a grader that can be asked of any criterion"
            raise InputError(Mistake(str(path), message, f"$.stages[{index}]"))
        stages.append(stage)
    name = file.name or "cascade:" + path.name.removesuffix(".grader.json")
    return Cascade(name, stages, audit=file.audit, sure_from=file.sure_from, seed=file.seed)


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
