"""Training from the page: what may be set, and the arguments of `convscope train` for it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadSetting
from ..files.atomic import write_durably
from ..layers.operations import Status
from ..loading import load, zoo_names
from ..network import Network
from ..notation import to_yaml
from ..text.lists import listed
from .runs import FollowedRun

DATA = "digits"
"""The images that are bundled: handwritten digits of 8×8 pixels, resized to the network's input."""

CLASSES = 10
SIDES = range(8, 65)
MOST_PARAMETERS = 5_000_000
HISTORY_BYTES = 64_000_000
ARRAYS_OF_A_CHECKPOINT = 3
"""Parameters, and up to two moments of the optimizer."""

START = {"epochs": 10, "batch_size": 64, "optimizer": "adam", "lr": 0.003}
"""Settings that the page starts with."""

_NUMBERS = ("lr", "momentum", "weight_decay", "clip_norm")
_INTEGERS = ("epochs", "batch_size", "seed", "warmup", "patience")
_WORDS = ("optimizer", "schedule", "augment")
_WORD = re.compile(r"[a-z0-9][a-z0-9=.,_-]{0,99}")


def can_learn(network: Network) -> bool:
    """Return whether a network can be trained on the bundled digits: small gray images in, 10 classes out."""
    shape = network.input_shape
    return (
        len(network.inputs) == 1
        and len(shape) == 3
        and shape[0] == 1
        and all(size in SIDES for size in shape[1:])
        and network.outputs[-1].output_shape == (CLASSES,)
        and 0 < network.parameter_count <= MOST_PARAMETERS
        and all(node.facts.status is not Status.UNKNOWN for node in network)
    )


def settings_of(document: Any) -> dict[str, str]:
    """Return the settings that the page sends as options of `convscope train` with their values.

    The command checks their values; here they are plain numbers and words, so that none is a path or an option.

    Raises:
        BadSetting: [run-settings]
    """
    if not isinstance(document, Mapping):
        document = {"settings": document}
    options: dict[str, str] = {}
    for name, value in document.items():
        if value is None or value == "":
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        fits = (
            (name in _NUMBERS and is_number)
            or (name in _INTEGERS and is_number and value == int(value) and abs(value) < 10**9)
            or (name in _WORDS and isinstance(value, str) and _WORD.fullmatch(value))
        )
        if not fits:
            raise BadSetting(
                "{name} is no setting of a training, or its value is of another kind (got {got!r}). Use {known}. "
                "[run-settings]",
                name=str(name)[:50],
                got=str(value)[:50],
                known=listed((*_NUMBERS, *_INTEGERS, *_WORDS)),
            )
        options[f"--{str(name).replace('_', '-')}"] = str(int(value) if name in _INTEGERS else value)
    return options


def new_arguments(network: Network, folder: Path, options: Mapping[str, str]) -> list[str]:
    """Return the arguments that train a network on the bundled digits from random weights.

    The network is written beside the folder, unless it is one of the zoo.
    """
    height, width = network.input_shape[1:]
    size = ARRAYS_OF_A_CHECKPOINT * 4 * network.parameter_count
    return [
        _model(network, folder),
        *("--data", DATA, "--resize", f"{height}x{width}", "--run", str(folder)),
        *("--history", str(max(HISTORY_BYTES, 16 * size)), "--log-every", "1"),
        *_flat(options),
    ]


def fork_arguments(run: FollowedRun, step: int, folder: Path, options: Mapping[str, str]) -> list[str]:
    """Return the arguments that continue one step of a run in a new folder."""
    return ["--fork", str(run.path), "--at", str(step), "--run", str(folder), *_flat(options)]


def resume_arguments(run: FollowedRun, epochs: int | None = None) -> list[str]:
    """Return the arguments that resume a run, up to more epochs if they are given."""
    return ["--resume", str(run.path), *([] if epochs is None else ["--epochs", str(epochs)])]


def _model(network: Network, folder: Path) -> str:
    if network.name in zoo_names() and load(network.name) == network:
        return network.name
    path = folder.with_name(f"{folder.name}.yaml")
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, to_yaml(network).encode())
    return str(path)


def _flat(options: Mapping[str, str]) -> Sequence[str]:
    return [part for pair in options.items() for part in pair]
