"""Options of `convscope train`: read from a YAML file, and converted to arguments of `Model.fit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, BadNotation, BadSetting, reason_of, suggest
from ..files.regular import open_regular
from ..text.language import Message
from ..text.lists import join_or
from .output import refusal

if TYPE_CHECKING:
    from ..optim.losses import Loss
    from ..optim.optimizers import Optimizer
    from ..optim.schedules import Schedule


LARGEST_FILE = 1 << 20


def read_configuration(context: click.Context, _param: click.Parameter, path: str | None) -> str | None:
    """Use the values of a file as defaults of the command's options.

    Keys are the options' names, with hyphens or underscores; values are parsed as if they were typed.

    Errors:   BadFile [config-file]; BadSetting [config-key], [config-value]
    """
    if path is None:
        return None
    known = {key: param for param in context.command.params if param.name != "config" for key in _keys(param)}
    known.pop("help", None)
    values: dict[str, Any] = {}
    for line, key, value in _pairs(path):
        name = key.replace("-", "_")
        if name not in known:
            raise BadSetting(
                "{path}, line {line}: `{command}` has no option {key!r}. {hint} [config-key]",
                path=path,
                line=line,
                key=key,
                command=context.command_path,
                hint=suggest(name, known),
            )
        param = known[name]
        try:
            param.type_cast_value(context, value)
        except click.BadParameter as error:
            raise BadSetting(
                "{path}, line {line}: the value of {key} is invalid. {reason} See `{command} --help`. "
                "[config-value]",
                path=path,
                line=line,
                key=key,
                reason=refusal(error.message),
                command=context.command_path,
            ) from None
        assert param.name is not None
        values[param.name] = value
    context.default_map = {**(context.default_map or {}), **values}
    return path


def _keys(param: click.Parameter) -> list[str]:
    """Return the names of an option as keys of a file, aliases included."""
    return [name.lstrip("-").replace("-", "_") for name in param.opts]


def _pairs(path: str) -> list[tuple[int, str, str]]:
    """Return the line, the key and the value of every pair."""
    from ..notation.yaml_tree import Scalar, YamlMapping, read_tree

    try:
        tree = read_tree(_text(Path(path)))
    except BadNotation as error:
        raise BadFile("{path}: {error}", path=path, error=error) from None
    if not isinstance(tree, YamlMapping):
        raise BadFile(
            "{path!r} must have one `option: value` per line. Example: `epochs: 5`. [config-file]", path=path
        )
    pairs = []
    for key, value in tree.pairs:
        if not isinstance(value, Scalar):
            raise BadSetting(
                "{path}, line {line}: {key} must have one value (got a list or mapping). Write `{key}: value`. "
                "[config-value]",
                path=path,
                line=key.place.row,
                key=key.text,
            )
        pairs.append((key.place.row, key.text, value.text))
    return pairs


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) <= LARGEST_FILE:
            return content.decode("utf-8-sig")
        reason: str = Message("more than 1 MiB")
    except ValueError:
        reason = Message("no UTF-8 text")
    except OSError as error:
        reason = reason_of(error)
    raise BadFile(
        "The YAML file {path!r} cannot be read ({reason}). Check the path. [config-file]",
        path=str(path),
        reason=reason,
    )


Options = Mapping[str, Any]
"""Options by name; None where unset."""

_PLAIN = ("epochs", "batch_size", "clip_norm", "augment", "patience", "checkpoint_every", "history", "log_every")
_OPTIMIZER = ("lr", "momentum", "weight_decay")


def fit_settings(options: Options) -> dict[str, Any]:
    """Return the arguments of `fit` for the options that are set; the others keep their defaults.

    Errors:   BadSetting [optimizer], [momentum], [schedule], [loss], [label-smoothing], [setting]
    """
    settings = {name: options[name] for name in _PLAIN if options[name] is not None}
    parsed = {"optimizer": _optimizer(options), "schedule": _schedule(options), "loss": _loss(options)}
    return settings | {name: value for name, value in parsed.items() if value is not None}


def _optimizer(options: Options) -> Optimizer | None:
    from ..optim.optimizers import OPTIMIZERS
    from ..training.configuration import Configuration

    settings = {name: options[name] for name in _OPTIMIZER if options[name] is not None}
    name = options["optimizer"]
    if name is None and not settings:
        return None
    chosen = "sgd" if name is None else str(name).lower()
    if chosen not in OPTIMIZERS:
        raise BadSetting(
            "--optimizer must be {optimizers} (got {got!r}). {hint} [optimizer]",
            optimizers=join_or(OPTIMIZERS),
            got=name,
            hint=suggest(chosen, OPTIMIZERS),
        )
    if chosen == "sgd":
        return replace(Configuration().optimizer, **settings)
    if "momentum" in settings:
        raise BadSetting(
            "--momentum applies to --optimizer sgd only (got {got}, which has its own). Leave it out. [momentum]",
            got=chosen,
        )
    return OPTIMIZERS[chosen](**settings)


def _schedule(options: Options) -> Schedule | None:
    from ..optim.schedules import Constant, WarmUp, get_schedule

    if options["schedule"] is None and options["warmup"] is None:
        return None
    schedule = Constant() if options["schedule"] is None else get_schedule(options["schedule"])
    return schedule if options["warmup"] is None else WarmUp(steps=options["warmup"], then=schedule)


def _loss(options: Options) -> Loss | None:
    from ..optim.losses import CrossEntropy, get_loss

    smoothing = options["label_smoothing"]
    if options["loss"] is None and smoothing is None:
        return None
    chosen = CrossEntropy() if options["loss"] is None else get_loss(str(options["loss"]).replace("-", "_"))
    if smoothing is None:
        return chosen
    if not isinstance(chosen, CrossEntropy):
        raise BadSetting(
            "--label-smoothing applies to --loss cross-entropy only (got {got}). Leave it out. [label-smoothing]",
            got=options["loss"],
        )
    return CrossEntropy(smoothing)
