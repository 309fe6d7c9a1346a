"""Targets: the numbers whose gradients a trace has."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..data.batches import check_labels
from ..engines.common.losses import score
from ..errors import BadSetting, BadUnit, UnknownLayer, suggest
from ..layers.base import show_shape
from ..network import Node
from ..optim.losses import Loss, objective

if TYPE_CHECKING:
    from ..model import Model


@dataclass(frozen=True)
class LossTarget:
    """The mean loss of the images as the target of a trace.

    Batch norm and dropout work as at inference. Without `loss`, the loss that the model is compiled with.

    Shapes:   labels (n,) class indices, or targets in the shape of the output
    """

    labels: Any
    loss: str | Loss | None = None


Target = int | Sequence[int] | tuple[str, tuple[int, ...]] | LossTarget
"""A class, one class per image, a unit as (layer, (channel, row, column)), or a loss."""


class Seed(NamedTuple):
    """A target as the layer that it reads, and its gradient there.

    `gradient` maps the values of the layer (n, …) to the gradient (n, …). `pick` maps them to the target's own
    value, for each image; the loss has one for all.
    """

    layer: str
    gradient: Callable[[Array], Array]
    pick: Callable[[Array], Array]


def resolve_target(model: Model, target: Target, images: int) -> Seed:
    """Return what a target reads.

    Classes are counted along the channels of the scores: the input of a final softmax, else the output. If the
    scores are a map, their sum over all positions is the target.

    Raises:
        BadSetting: [target]
        BadUnit: [target-class], [unit-range]
        UnknownLayer: [layer-name]
    """
    if isinstance(target, LossTarget):
        return _loss(model, target, images)
    if isinstance(target, tuple) and len(target) == 2 and isinstance(target[0], str):
        layer, at = target
        return _unit(node_named(model, layer), at)
    return _classes(model, target, images)


def node_named(model: Model, layer: str) -> Node:
    """Return a layer, or the input, by name.

    Raises:
        UnknownLayer: [layer-name]
    """
    nodes = {node.name: node for node in model.network}
    if layer not in nodes:
        raise UnknownLayer(
            "{network} has no layer {layer!r}. {hint} [layer-name]",
            network=model.network.name,
            layer=layer,
            hint=suggest(str(layer), nodes),
        )
    return nodes[layer]


def check_unit(node: Node, at: Sequence[int]) -> tuple[int, ...]:
    """Return the index of a unit in a layer's output, checked.

    Raises:
        BadUnit: [unit-range]
    """
    shape = node.output_shape
    try:
        index = tuple(operator.index(i) for i in at)
    except TypeError:
        index = ()
    if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
        raise BadUnit(
            "{layer} has {shape} units (got at={at}). Pass {rank} indices from 0, each below its "
            "size. [unit-range]",
            layer=node.name,
            shape=show_shape(shape),
            at=at,
            rank=len(shape),
        )
    return index


def _unit(node: Node, at: Sequence[int]) -> Seed:
    index: tuple[Any, ...] = (slice(None), *check_unit(node, at))

    def gradient(values: Array) -> Array:
        seed = np.zeros_like(values)
        seed[index] = 1
        return seed

    def pick(values: Array) -> Array:
        return np.asarray(values[index])

    return Seed(node.name, gradient, pick)


def _classes(model: Model, target: int | Sequence[int], images: int) -> Seed:
    scores = model.training.objective.scores
    count = model.network[scores].output_shape[0]
    try:
        chosen = np.array([operator.index(one) for one in np.atleast_1d(np.asarray(target, object))])
    except TypeError:
        raise BadSetting(
            "target must be a class, one class per image, (layer, (channel, row, column)) or a LossTarget "
            "(got {got!r}). Use target=0 for the first class. [target]",
            got=target,
        ) from None
    if len(chosen) not in (1, images):
        raise BadSetting(
            "target must have one class, or one for each of the {images} images (got {count}). [target]",
            images=images,
            count=len(chosen),
        )
    if chosen.min() < 0 or chosen.max() >= count:
        wrong = int(next(one for one in chosen if not 0 <= one < count))
        raise BadUnit(
            "{network} has {count} classes (got target {got}). Use 0 to {last}. [target-class]",
            network=model.network.name,
            count=count,
            got=wrong,
            last=count - 1,
        )

    def gradient(values: Array) -> Array:
        seed = np.zeros_like(values)
        seed[np.arange(len(values)), np.broadcast_to(chosen, len(values))] = 1
        return seed

    def pick(values: Array) -> Array:
        picked = values[np.arange(len(values)), np.broadcast_to(chosen, len(values))]
        summed: Array = picked.reshape(len(values), -1).sum(axis=1)
        return summed

    return Seed(scores, gradient, pick)


def _loss(model: Model, target: LossTarget, images: int) -> Seed:
    chosen = model.training.objective if target.loss is None else objective(model.network, target.loss)
    labels = check_labels(np.asarray(target.labels), images)

    def gradient(values: Array) -> Array:
        found: Array = score(chosen.loss, values, labels).gradient
        return found.astype(values.dtype, copy=False)

    def pick(values: Array) -> Array:
        return np.array([score(chosen.loss, values, labels).loss])

    return Seed(chosen.scores, gradient, pick)
