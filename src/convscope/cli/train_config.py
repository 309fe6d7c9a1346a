"""Options of `train` from a YAML file and as arguments of `Model.fit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, BadNotation, BadSetting, nearest
from ..files.regular import open_regular

if TYPE_CHECKING:
    from ..optim.losses import Loss
    from ..optim.optimizers import Optimizer
    from ..optim.schedules import Schedule


LARGEST_FILE = 1 << 20


def read_configuration(context: click.Context, _param: click.Parameter, path: str | None) -> str | None:
    """Take the file's values as defaults of the verb's options.

    Keys are the options' names, with or without hyphens; values are read as if they were typed.

    Errors:   BadFile [config-file]; BadSetting [config-key], [config-value]
    """
    if path is None:
        return None
    known = {_key(param): param for param in context.command.params if param.name != "config"}
    known.pop("help", None)
    values: dict[str, Any] = {}
    for line, key, value in _pairs(path):
        name = key.replace("-", "_")
        if name not in known:
            raise BadSetting(
                f"{path}, line {line}: a key must be an option of `{context.command_path}`; got {key!r}; "
                f"{nearest(name, known)} [config-key]"
            )
        param = known[name]
        try:
            param.type_cast_value(context, value)
        except click.BadParameter as error:
            raise BadSetting(
                f"{path}, line {line}: {key} must be a value of its option; got {value!r}: "
                f"{error.message.removesuffix('.')}; see `{context.command_path} --help`. [config-value]"
            ) from None
        assert param.name is not None
        values[param.name] = value
    context.default_map = {**(context.default_map or {}), **values}
    return path


def _key(param: click.Parameter) -> str:
    """Return how users know an option: "json" for the one whose value is called as_json."""
    longest = max(param.opts, key=len)
    return longest.lstrip("-").replace("-", "_")


def _pairs(path: str) -> list[tuple[int, str, str]]:
    """Return line, key and text of every pair."""
    from ..notation.yaml_tree import Mapping, Scalar, read_tree

    try:
        tree = read_tree(_text(Path(path)))
    except BadNotation as error:
        raise BadFile(f"{path}: {error}") from None
    if not isinstance(tree, Mapping):
        raise BadFile(
            f"{path!r} must hold `option: value`, one a line; got something else; "
            "write for example `epochs: 5`. [config-file]"
        )
    pairs = []
    for key, value in tree.pairs:
        if not isinstance(value, Scalar):
            raise BadSetting(
                f"{path}, line {key.place.row}: {key.text} must have one value; got a list or mapping; "
                f"write `{key.text}: value`. [config-value]"
            )
        pairs.append((key.place.row, key.text, value.text))
    return pairs


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError("more than 1 MiB")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise BadFile(
            f"{str(path)!r} must be a YAML file that can be read; got an error ({reason}); check the path. "
            "[config-file]"
        ) from None


Options = Mapping[str, Any]
"""Options by name; None where one was not given."""

_PLAIN = {
    "epochs": "epochs",
    "batch_size": "batch_size",
    "clip_norm": "clip_norm",
    "augment": "augment",
    "early_stop": "patience",
    "checkpoint_every": "checkpoint_every",
}
_OPTIMIZER = ("lr", "momentum", "weight_decay")


def fit_settings(asked: Options) -> dict[str, Any]:
    """Return the arguments of `fit` that were asked for; others keep their usual value.

    Errors:   BadSetting [optimizer], [momentum], [schedule], [loss], [label-smoothing], [setting]
    """
    settings = {name: asked[option] for option, name in _PLAIN.items() if asked[option] is not None}
    made = {"optimizer": _optimizer(asked), "schedule": _schedule(asked), "loss": _loss(asked)}
    return settings | {name: value for name, value in made.items() if value is not None}


def _optimizer(asked: Options) -> Optimizer | None:
    from ..optim.optimizers import OPTIMIZERS
    from ..training.configuration import Configuration

    given = {name: asked[name] for name in _OPTIMIZER if asked[name] is not None}
    name = asked["optimizer"]
    if name is None and not given:
        return None
    chosen = "sgd" if name is None else str(name).lower()
    if chosen not in OPTIMIZERS:
        raise BadSetting(
            f"--optimizer must be one of {', '.join(OPTIMIZERS)}; got {name!r}; {nearest(chosen, OPTIMIZERS)} "
            "[optimizer]"
        )
    if chosen == "sgd":
        return replace(Configuration().optimizer, **given)
    if "momentum" in given:
        raise BadSetting(
            f"--momentum must come with --optimizer sgd; got {chosen}, which has its own; leave it out. [momentum]"
        )
    return OPTIMIZERS[chosen](**given)


def _schedule(asked: Options) -> Schedule | None:
    from ..optim.schedules import Constant, WarmUp, schedule_named

    if asked["schedule"] is None and asked["warmup"] is None:
        return None
    followed = Constant() if asked["schedule"] is None else schedule_named(asked["schedule"])
    return followed if asked["warmup"] is None else WarmUp(steps=asked["warmup"], then=followed)


def _loss(asked: Options) -> Loss | None:
    from ..optim.losses import CrossEntropy, loss_named

    smoothing = asked["label_smoothing"]
    if asked["loss"] is None and smoothing is None:
        return None
    chosen = CrossEntropy() if asked["loss"] is None else loss_named(str(asked["loss"]).replace("-", "_"))
    if smoothing is None:
        return chosen
    if not isinstance(chosen, CrossEntropy):
        raise BadSetting(
            f"--label-smoothing must come with --loss cross_entropy; got {asked['loss']}; leave one out. "
            "[label-smoothing]"
        )
    return CrossEntropy(smoothing)
