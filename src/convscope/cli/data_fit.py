"""Whether a network can learn a set of images, and which options to change where it cannot."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..data.batches import refuse_no_classes
from ..data.dataset import Dataset
from ..errors import BadData, ConvscopeError
from ..layers.base import show_shape
from ..layers.dense import Linear
from ..network import Network

COPY = "mine.yaml"
"""File that a network is written to where it must be changed."""


def refuse_misfit(network: Network, source: Dataset, label: str, model: str | None = None) -> None:
    """Raise where images or classes do not fit a network, with the options that would help.

    `model` is MODEL as it was given; None where the network is that of a run and cannot be changed.

    Errors:   BadData [data-shape], [data-classes], [no-classes]
    """
    refuse_no_classes(network)
    takes, has = network.input_shape, tuple(source.image_shape)
    if takes != has:
        raise BadData(
            f"the data must have the images that the network takes; got {show_shape(has)} in {label} and "
            f"{show_shape(takes)} in {network.name}; {_way_out(network, has, model is not None)}. [data-shape]"
        )
    outputs = max(2, network.outputs[-1].output_shape[0])
    if len(source.classes) > outputs:
        raise BadData(
            f"the data must have at most as many classes as the network has outputs; got {len(source.classes)} "
            f"classes in {label} and {outputs} outputs in {network.name}; "
            f"{_more_outputs(network, len(source.classes), model)}. [data-classes]"
        )


def _way_out(network: Network, has: tuple[int, ...], is_changeable: bool) -> str:
    """Name the options that fit images to the network, or the network to the images."""
    takes = network.input_shape
    ways = []
    if is_changeable and _can_take(network, has):
        ways.append(f"--input {_typed(has)}")
    if len(takes) == len(has) == 3 and takes[0] in (1, 3) and has[0] in (1, 3, takes[0]):
        sizes = [] if takes[1:] == has[1:] else [f"--resize {_typed(_shortest(takes[1:]))}"]
        channels = [] if takes[0] == has[0] else [f"--channels {takes[0]}"]
        ways.append(" ".join(sizes + channels))
    return (
        f"use {' or '.join(ways)}" if ways else f"prepare data of {show_shape(takes)}, or choose another network"
    )


def _can_take(network: Network, shape: tuple[int, ...]) -> bool:
    try:
        network.with_input(shape)
    except ConvscopeError:
        return False
    return True


def _shortest(sides: tuple[int, ...]) -> tuple[int, ...]:
    return sides[:1] if len(set(sides)) == 1 else sides


def _typed(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _more_outputs(network: Network, classes: int, model: str | None) -> str:
    dense = [node.name for node in network.layers if isinstance(node.layer, Linear)]
    layer = f"in {dense[-1]}" if dense else "at its end"
    change = f"give it {classes} outputs {layer}"
    if model is None:
        return f"train a network with {classes} outputs"
    if "|" in model or Path(model).suffix in (".yaml", ".yml", ".txt"):
        return change
    return f"run `convscope convert {shlex.quote(model)} {COPY}`, {change}, and train {COPY}"
