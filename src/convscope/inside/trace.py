"""Values and gradients of every layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..arrays import Array
from ..data.batches import check_inputs
from .targets import Target, node_named, resolve_target

if TYPE_CHECKING:
    from ..model import Model


class LayerTrace(NamedTuple):
    """The output of a layer for each image, and the gradient of the target with respect to it.

    Shapes:   value (n, …); gradient (n, …), or None without a target
    """

    value: Array
    gradient: Array | None


class Trace(Mapping[str, LayerTrace]):
    """Values, and gradients of a target, by layer name. The layers are in the order of the network.

    `target` has the target's value for each image, or None.
    """

    def __init__(self, layers: Mapping[str, LayerTrace], input_name: str, target: Array | None) -> None:
        self._layers = dict(layers)
        self._input_name = input_name
        self.target = target

    @property
    def input(self) -> LayerTrace:
        """Return the images and the gradient of the target with respect to them."""
        return self._layers[self._input_name]

    def __getitem__(self, layer: str) -> LayerTrace:
        return self._layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        return f"Trace({len(self)} layers{'' if self.target is None else ', with gradients'})"


def trace(model: Model, images: Array, target: Target | None = None, layers: Sequence[str] | None = None) -> Trace:
    """Run images through a model, and keep values and gradients.

    Batch norm uses its running statistics, and dropout changes nothing, also for a loss.

    Args:
        images: x (n, c, h, w).
        target: A class, one class per image, `("layer", (channel, row, column))`, or a LossTarget. None computes
            no gradients.
        layers: The layers to keep; all by default. The input is always kept.

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [unit-range], [target-class]
        BadSetting: [target]
        BadData: If the images do not fit the network.
    """
    network = model.network
    x = check_inputs(network, images, model.dtype)
    first = network.inputs[0].name
    names = [node.name for node in network]
    if layers is not None:
        chosen = {first, *(node_named(model, layer).name for layer in layers)}
        names = [name for name in names if name in chosen]
    if target is None:
        values = model.program.activations(x, names)
        return Trace({name: LayerTrace(values[name], None) for name in names}, first, None)
    seed = resolve_target(model, target, len(x))
    picked: list[Array] = []

    def gradient(scores: Array) -> Array:
        picked.append(seed.pick(scores).copy())
        return seed.gradient(scores)

    found = model.program.differentiate(x, seed.layer, gradient, names)
    return Trace({name: LayerTrace(*found[name]) for name in names}, first, picked[-1])
