"""Options for the weights of a model, and the model with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from ..errors import BadFile, BadSetting
from ..input_shapes import InputShape
from .arguments import hyphens_to_underscores
from .data import saved_run
from .options import exclusive, input_option, with_default

if TYPE_CHECKING:
    from ..data.normalization import Normalization
    from ..model import Model
    from ..network import Network

F = TypeVar("F", bound=Callable[..., Any])

_CALLED = ("torch:", "keras:")


def weights_options(command: F) -> F:
    """Add --weights, --classes, --normalize, --task and --input, which are arguments of `read_model`."""
    for option in reversed(
        (
            click.option(
                "--weights",
                metavar="FILE",
                help=with_default(
                    "Weights of MODEL: a .safetensors, .pt, .pth, .onnx or .keras file, or a run.", "its own"
                ),
            ),
            click.option(
                "--classes",
                metavar="FILE",
                help=with_default("Class names, one per line or as a JSON list.", "those of the model"),
            ),
            click.option(
                "--normalize",
                metavar="MEAN/STD",
                callback=read_normalization,
                help=with_default(
                    "Normalization of images of 0 to 1: imagenet, none, or values per channel, such as "
                    "0.485,0.456,0.406/0.229,0.224,0.225.",
                    "that of the model",
                ),
            ),
            click.option(
                "--task",
                metavar="[classification|multi-label|regression]",
                callback=hyphens_to_underscores,
                help=with_default("Task of MODEL; a classifier's outputs are probabilities.", "that of the model"),
            ),
            input_option,
        )
    ):
        command = option(command)
    return command


def read_normalization(
    _context: click.Context, param: click.Parameter, text: str | None
) -> Normalization | Literal["none"] | None:
    """Parse --normalize: a name, or means and deviations separated by a slash."""
    if text is None:
        return None
    from ..data.normalization import NORMALIZATIONS, Normalization

    name = text.strip().lower()
    if name == "none":
        return "none"
    if name in NORMALIZATIONS:
        return NORMALIZATIONS[name]
    mean, _, std = name.partition("/")
    try:
        means, deviations = (tuple(map(float, part.split(","))) for part in (mean, std))
    except ValueError:
        raise BadSetting(
            "{option} must be imagenet, none, or MEAN/STD with one value per channel (got {got!r}). Examples: "
            "0.1307/0.3081, 0.5,0.5,0.5/0.2,0.2,0.2. [normalize]",
            option=param.opts[0],
            got=text,
        ) from None
    return Normalization(means, deviations)


def read_model(
    source: str,
    *,
    weights: str | None = None,
    classes: str | None = None,
    normalize: Normalization | Literal["none"] | None = None,
    task: str | None = None,
    input_shape: InputShape | None = None,
    checkpoint: str | None = None,
    engine: str | None = None,
) -> Model:
    """Return the model that an argument and the options name, with its weights.

    Errors:   BadFile [no-weights], [other-network], [classes-file], [classes-count]; BadSetting [normalization],
              [task]; those of `exchange.load_model` and `SavedRun.model`
    """
    exclusive({"--weights": weights, "--checkpoint": checkpoint})
    if checkpoint is not None or (weights is None and input_shape is None and is_run(source)):
        model = saved_run(source).model(checkpoint, engine)
    else:
        from ..exchange import load_model

        model = load_model(source, weights, input_shape=input_shape, engine=engine)
    if normalize is not None:
        model.normalization = None if normalize == "none" else normalize
    if task is not None:
        model.task = task
    if classes is not None:
        model.classes = _class_names(model, classes)
    return model


def read_model_or_network(
    source: str, *, weights: str | None = None, input_shape: InputShape | None = None, **more: Any
) -> Model | Network:
    """Return a model where there are weights, and otherwise a network. The arguments are those of `read_model`."""
    if weights is not None or has_own_weights(source):
        return read_model(source, weights=weights, input_shape=input_shape, **more)
    from ..loading import load

    return load(source, input_shape)


def is_run(source: str) -> bool:
    """Tell whether an argument can only be the folder of a run or of a saved model."""
    from ..loading import ADVICE, zoo_names

    if os.path.isdir(source):
        return True
    is_network = source.startswith(_CALLED) or "|" in source or source.lstrip().startswith("input ")
    known = source.strip().lower().replace("-", "_") in {name.lower().replace("-", "_") for name in zoo_names()}
    files = (".onnx", ".yaml", ".yml", ".json", *ADVICE)
    return not (is_network or known or Path(source).suffix.lower() in files)


def has_own_weights(source: str) -> bool:
    """Tell whether a model has weights without --weights."""
    own = (".onnx", ".safetensors")
    return os.path.isdir(source) or source.startswith(_CALLED) or Path(source).suffix.lower() in own


def _class_names(model: Model, path: str) -> tuple[str, ...]:
    from ..data.class_names import read_class_names

    names = read_class_names(path)
    outputs = max(2, model.network.outputs[-1].output_shape[0])
    if len(names) != outputs:
        raise BadFile(
            "{path!r} must name the {expected} classes of {network} (got {got} names). [classes-count]",
            path=path,
            expected=outputs,
            network=model.network.name,
            got=len(names),
        )
    return names
