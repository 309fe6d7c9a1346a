"""Class maps: where the units of a layer speak for a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ..arrays import Array
from ..errors import BadSetting, BadUnit
from ..layers.base import show_shape
from ..network import Network
from .targets import Target, node_named
from .trace import trace

if TYPE_CHECKING:
    from ..model import Model

CLASS_MAPS = ("grad_cam", "grad_cam_plus_plus", "layer_cam")
"""Methods with one value for each position of a layer."""

Placement = Literal["exact", "resize"]
"""How a class map is laid over the image."""


def class_maps(
    model: Model, x: Array, target: Target, method: str, layer: str | None, placement: Placement
) -> Array:
    """Return class maps in the size of the images.

    Shapes:   x (n, c, h, w) → (n, h, w)
    Source:   Selvaraju et al. 2017 (Grad-CAM); Chattopadhay et al. 2018 (Grad-CAM++); Jiang et al. 2021 (LayerCAM)
    """
    if placement not in get_args(Placement):
        raise BadSetting(
            "placement must be exact or resize (got {placement!r}). exact draws a map at the centers of the "
            "receptive fields. [placement]",
            placement=placement,
        )
    chosen = default_layer(model.network) if layer is None else node_named(model, layer).name
    shape = model.network[chosen].output_shape
    if len(shape) != 3 or shape[1] * shape[2] < 2:
        raise BadUnit(
            "{layer} has no map of positions (its output is {shape}). Choose a convolution or pooling layer. "
            "[no-positions]",
            layer=chosen,
            shape=show_shape(shape),
        )
    found = trace(model, x, target, [chosen])[chosen]
    assert found.gradient is not None
    maps = cells(found.value.astype(np.float64), found.gradient.astype(np.float64), method)
    placed: Array = place(model.network, chosen, maps, placement).astype(x.dtype)
    return placed


def cells(values: Array, gradients: Array, method: str) -> Array:
    """Return the class map of a layer, one value for each position.

    Shapes:   values, gradients (n, c, p, q) → (n, p, q)
    """
    if method == "layer_cam":
        weights = np.maximum(gradients, 0)
    elif method == "grad_cam":
        weights = gradients.mean(axis=(2, 3), keepdims=True)
    else:
        squares, cubes = np.square(gradients), gradients**3
        divisor = 2 * squares + values.sum(axis=(2, 3), keepdims=True) * cubes
        shares = np.divide(squares, divisor, out=np.zeros_like(squares), where=divisor != 0)
        weights = (shares * np.maximum(gradients, 0)).sum(axis=(2, 3), keepdims=True)
    maps: Array = np.maximum((weights * values).sum(axis=1), 0)
    return maps


def default_layer(network: Network) -> str:
    """Return the last layer with more than one position."""
    for node in reversed(network.layers):
        if len(node.output_shape) == 3 and node.output_shape[1] * node.output_shape[2] > 1:
            return node.name
    raise BadUnit(
        "{network} has no layer with a map of positions. Choose a network of convolutions. [no-positions]",
        network=network.name,
    )


def place(network: Network, layer: str, maps: Array, placement: Placement) -> Array:
    """Interpolate maps to the size of the image.

    Between the centers of two cells values change linearly; beyond the first and last they stay the same.

    Shapes:   maps (n, p, q) → (n, h, w)
    """
    sizes = network.input_shape[1:]
    centers = [even_centers(count, n) for count, n in zip(maps.shape[1:], sizes, strict=True)]
    if placement == "exact":
        centers = unit_centers(network, layer)
    for axis, (positions, n) in enumerate(zip(centers, sizes, strict=True), start=1):
        maps = _interpolated(maps, positions, n, axis)
    return maps


def even_centers(count: int, n: int) -> Array:
    """Return the centers of `count` equal parts of an axis of n pixels; the first pixel's center is 0.5."""
    return (np.arange(count) + 0.5) * n / count


def unit_centers(network: Network, layer: str) -> list[Array]:
    """Return the centers of the units' receptive fields along each axis, in pixels; the first pixel's is 0.5."""
    sizes = network[layer].output_shape[1:]
    centers = []
    for axis, count in enumerate(sizes):
        positions = [[i if a == axis else 0 for a in range(len(sizes))] for i in range(count)]
        centers.append(np.array([network.field(layer, at).center[axis] for at in positions]))
    return centers


def _interpolated(maps: Array, centers: Array, n: int, axis: int) -> Array:
    order = np.argsort(centers, kind="stable")
    pixels = np.arange(n) + 0.5
    right = np.clip(np.searchsorted(centers[order], pixels), 1, max(1, len(centers) - 1))
    if len(centers) == 1:
        return np.repeat(maps, n, axis=axis)
    low, high = centers[order][right - 1], centers[order][right]
    distance = np.where(high > low, high - low, 1)
    t = np.clip((pixels - low) / distance, 0, 1)
    shape = [1] * maps.ndim
    shape[axis] = n
    t = t.reshape(shape)
    first, second = (np.take(maps, order[at], axis=axis) for at in (right - 1, right))
    return first * (1 - t) + second * t
