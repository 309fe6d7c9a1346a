"""Effective receptive fields: how strongly each pixel influences a unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ..analysis.region import Region
from ..arrays import Array
from ..errors import BadUnit
from ..layers.base import show_shape
from ..model import Model
from ..network import Network
from .targets import node_named

SHARES = (0.5, 0.9, 0.95)
"""The shares of the influence whose extents are reported."""

BATCH = 8
"""Images per backward pass."""


@dataclass(frozen=True)
class EffectiveField:
    """The influence of every pixel on the units of one position of a layer.

    `map` is the squared gradient, summed over input channels and averaged over images and over random sums of
    the units' channels. It adds up to 1, or is 0 everywhere for units that nothing reaches. `theoretical` is the
    exact region that the units can see.

    Shapes:   map (h, w)
    """

    layer: str
    at: tuple[int, ...]
    map: Array = field(repr=False)
    theoretical: Region
    images: int

    def extent(self, share: float) -> tuple[int, ...]:
        """Return the fewest consecutive rows, and columns, that have this share of the influence; 0 if none.

        Units:    pixels
        """
        rank = self.map.ndim
        sums = [self.map.sum(axis=tuple(a for a in range(rank) if a != axis)) for axis in range(rank)]
        return tuple(_shortest(line, share) for line in sums)

    def share_inside(self, fraction: float = 0.5) -> float:
        """Return the share of the influence inside the theoretical box, shrunk to `fraction` around its center.

        With 0.5 it is the share within half the radius. Pixels count whose centers are inside.
        """
        inside = self.map
        box, rank = self.theoretical.box, self.map.ndim
        for axis, n in enumerate(self.map.shape):
            distance = np.abs(np.arange(n) + 0.5 - (box[axis] + box[rank + axis]) / 2)
            near = distance <= fraction * (box[rank + axis] - box[axis]) / 2
            inside = np.compress(near, inside, axis=axis)
        return float(inside.sum())

    @property
    def is_empty(self) -> bool:
        """Return whether no image had a gradient: dead units, or units that see no pixel."""
        return not self.map.any()

    def to_dict(self) -> dict[str, object]:
        """Return sizes and extents as JSON values."""
        return {
            "layer": self.layer,
            "at": list(self.at),
            "images": self.images,
            "theoretical": list(self.theoretical.size),
            "clipped": list(self.theoretical.clipped),
            "extent": {f"{share:g}": list(self.extent(share)) for share in SHARES},
            "share_within_half": self.share_inside(0.5),
        }


def _shortest(line: Array, share: float) -> int:
    total = float(line.sum())
    if total <= 0:
        return 0
    sums = np.concatenate([[0.0], np.cumsum(line)])
    needed = share * total * (1 - 1e-12)
    ends = np.searchsorted(sums, sums[:-1] + needed)
    lengths = ends - np.arange(len(line))
    return int(lengths[ends <= len(line)].min())


def effective_field(
    model: Model | Network,
    layer: str,
    images: Array | None = None,
    at: Sequence[int] | None = None,
    *,
    count: int = 32,
    seed: int = 0,
) -> EffectiveField:
    """Return how strongly each pixel influences the units at one position of a layer.

    Args:
        model: A model; or a network, whose weights are then drawn for every few images.
        layer: Name of a layer with positions.
        images: x (n, c, h, w). By default `count` images of normally distributed noise.
        at: Position (row, column); the middle by default.
        count: Number of random images.
        seed: Seed of noise, weights and the random sums over channels.

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [no-positions], [unit-range]
        BadData: If the images do not fit the network.

    Source:   Luo et al. 2016, "Understanding the effective receptive field"
    """
    draw = np.random.default_rng(seed)
    network = model if isinstance(model, Network) else model.network
    first = model if isinstance(model, Model) else Model(network, seed=seed)
    node = node_named(first, layer)
    position = _position(node.name, node.output_shape, at)
    theoretical = network.field(layer, position)
    x = draw.standard_normal((count, *network.input_shape)) if images is None else np.asarray(images)
    total = np.zeros(network.input_shape[1:])
    for start in range(0, len(x), BATCH):
        part = x[start : start + BATCH].astype(first.dtype, copy=False)
        used = first if isinstance(model, Model) or start == 0 else Model(network, seed=seed + start)
        total += _squared_gradients(used, part, layer, position, draw)
    scale = float(total.sum())
    shares = total / scale if np.isfinite(scale) and scale > 0 else np.zeros_like(total)
    return EffectiveField(layer, position, shares, theoretical, len(x))


def growth_layers(network: Network, most: int = 24) -> list[str]:
    """Return up to `most` layers whose fields show the growth over the depth, with the first and the last.

    Layers whose units see exactly what the layer before sees, such as activations, are left out.

    Raises:
        BadUnit: [no-positions] if no layer has positions
    """
    grown: list[str] = []
    last: tuple[int, ...] = ()
    for node in network.layers:
        if len(node.output_shape) != len(network.input_shape) or prod(node.output_shape[1:]) < 2:
            continue
        box = network.field(node.name, _position(node.name, node.output_shape, None)).clipped
        if box != last:
            grown.append(node.name)
            last = box
    if not grown:
        raise BadUnit(
            "{network} has no layer with a map of positions. Choose a network of convolutions. [no-positions]",
            network=network.name,
        )
    chosen = np.unique(np.linspace(0, len(grown) - 1, min(most, len(grown))).round().astype(int))
    return [grown[i] for i in chosen]


def _position(layer: str, shape: tuple[int, ...], at: Sequence[int] | None) -> tuple[int, ...]:
    if len(shape) < 2:
        raise BadUnit(
            "{layer} has no positions (its output is {shape}). Choose a convolution or pooling layer. "
            "[no-positions]",
            layer=layer,
            shape=show_shape(shape),
        )
    return tuple((n - 1) // 2 for n in shape[1:]) if at is None else tuple(at)


def _squared_gradients(
    model: Model, x: Array, layer: str, position: tuple[int, ...], draw: np.random.Generator
) -> Array:
    """Return the squared gradient of a sum of channels with random signs, whose mean is that of all channels."""

    def gradient(values: Array) -> Array:
        seeds = np.zeros_like(values)
        signs = draw.integers(0, 2, values.shape[:2]) * 2 - 1
        units: tuple[Any, ...] = (slice(None), slice(None), *position)
        seeds[units] = signs
        return seeds

    first = model.network.inputs[0].name
    found = model.program.differentiate(x, layer, gradient, [first])[first][1]
    squares = np.square(found, dtype=np.float64).sum(axis=(0, 1))
    finite: Array = np.nan_to_num(squares, nan=0.0, posinf=0.0)
    return finite
