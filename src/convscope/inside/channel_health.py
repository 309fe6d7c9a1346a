"""Dead, saturated and duplicate channels over a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..analysis.diagnosis import Finding
from ..analysis.diagnosis.finding import SEVERITIES, listed
from ..arrays import Array
from ..data.batches import Data, as_dataset, check_inputs
from ..engines.reference.layers import derivative
from ..engines.reference.statistics import SATURATED_BELOW
from ..layers import Activation, BatchNorm, Conv, ConvTranspose, Linear
from ..network import Network, Node
from ..progress import StatusLine
from ..text.language import Message, localize

if TYPE_CHECKING:
    from ..model import Model

SATURATED_SHARE = 0.95
"""Share of a channel's outputs that are saturated, from which the channel is."""

DUPLICATE_TOLERANCE = 1e-6
"""Largest difference of the correlation of two channels from 1, up to which one duplicates the other."""

BATCH_BYTES = 1 << 26
"""Memory of the outputs of one batch, in bytes."""

MOST_IMAGES = 64
"""Largest number of images of one batch."""


class _Subject(NamedTuple):
    """A layer with channels, and the axis of its output (without the batch) that they are on."""

    node: Node
    axis: int

    @property
    def channels(self) -> int:
        return self.node.output_shape[self.axis]

    @property
    def saturates(self) -> bool:
        """Tell whether both ends of the activation function are flat, as those of sigmoid and tanh."""
        layer = self.node.layer
        return isinstance(layer, Activation) and len(layer.properties.saturates) == 2

    @property
    def computes(self) -> bool:
        """Tell whether the layer computes every channel with weights of its own."""
        return isinstance(self.node.layer, Conv | ConvTranspose | Linear)


def diagnose_channels(model: Model, data: Data, progress: bool = False) -> list[Finding]:
    """Return findings about channels that are dead, saturated or duplicates over all images, most severe first.

    Convolutions, dense layers, batch norms and activation functions are examined. The data are read in batches and
    need not fit in memory.

    - A channel is dead if its output is the same at every position of every image. It is reported for the first
      layer in which it is.
    - A channel of a function with two flat ends, such as sigmoid and tanh, is saturated if at least 95 % of its
      outputs are where the slope is below 5 % of its maximum.
    - A channel of a convolution or dense layer is a duplicate if its outputs are those of an earlier channel up to
      a positive factor and an offset: their correlation is at least 1 − 10⁻⁶. Proportional weights imply that.

    Args:
        model: The model.
        data: Images, with labels, which are not used.
        progress: Whether to show progress on stderr.

    Raises:
        BadData: If the images do not fit the network.
    """
    source = as_dataset(data)
    subjects = _subjects(model.network)
    if not subjects:
        return []
    needed = list(dict.fromkeys(name for one in subjects for name in _needed(one)))
    statistics = {one.node.name: _Statistics(one) for one in subjects}
    per_image = 4 * sum(prod(node.output_shape) for node in model.network if node.name in needed)
    size = max(1, min(MOST_IMAGES, BATCH_BYTES // per_image))
    status = StatusLine() if progress else None
    for first in range(0, len(source), size):
        x, _ = source.batch(np.arange(first, min(first + size, len(source))))
        values = model.activations(check_inputs(model.network, x, model.dtype), needed)
        for seen in statistics.values():
            seen.add(values)
        if status is not None and status.is_live:
            status.show(localize("{done:,} of {total:,} images", done=first + len(x), total=len(source)))
    if status is not None and status.is_live:
        status.clear()
    found = [
        *_dead(statistics, len(source)),
        *_saturated(statistics, len(source)),
        *_duplicates(statistics, len(source)),
    ]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _subjects(network: Network) -> list[_Subject]:
    axes: dict[str, int] = {}
    subjects = []
    for node in network.layers:
        match node.layer:
            case Conv() | ConvTranspose() | BatchNorm():
                axes[node.name] = 0
            case Linear():
                axes[node.name] = len(node.output_shape) - 1
            case Activation():
                axes[node.name] = axes.get(node.inputs[0], 0)
            case _:
                axes[node.name] = axes.get(node.inputs[0], 0) if node.inputs else 0
                continue
        subjects.append(_Subject(node, axes[node.name]))
    return subjects


def _needed(subject: _Subject) -> tuple[str, ...]:
    own = (subject.node.name,)
    return (*own, subject.node.inputs[0]) if subject.saturates else own


class _Statistics:
    """Extremes, saturation and covariance of a layer's channels over batches."""

    def __init__(self, subject: _Subject) -> None:
        self.subject = subject
        channels = subject.channels
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self.saturated = np.zeros(channels, np.int64)
        self.count = 0
        self._center: Array | None = None
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels)) if subject.computes else None

    def add(self, values: Mapping[str, Array]) -> None:
        """Add the outputs of a batch, by layer."""
        node = self.subject.node
        rows = self._rows(values[node.name])
        self.count += rows.shape[1]
        self.low, self.high = np.minimum(self.low, rows.min(axis=1)), np.maximum(self.high, rows.max(axis=1))
        layer = node.layer
        if self.subject.saturates:
            assert isinstance(layer, Activation)
            slopes = np.abs(self._rows(derivative(layer, values[node.inputs[0]])))
            self.saturated += (slopes < SATURATED_BELOW * layer.properties.max_slope).sum(axis=1)
        if self._products is not None:
            exact = rows.astype(np.float64)
            if self._center is None:  # sums of differences from it lose fewer digits
                self._center = exact.mean(axis=1, keepdims=True)
            exact -= self._center
            self._sum += exact.sum(axis=1)
            self._products += exact @ exact.T

    def _rows(self, values: Array) -> Array:
        """Return values with a row for each channel."""
        return np.moveaxis(values, self.subject.axis + 1, 0).reshape(self.subject.channels, -1)

    @property
    def constant(self) -> set[int]:
        """Return the channels whose outputs are all the same; none if there is only one output."""
        return set(map(int, np.flatnonzero(self.low == self.high))) if self.count > 1 else set()

    def duplicates(self) -> dict[int, int]:
        """Return channels that duplicate an earlier one, with it."""
        if self._products is None or self.count < 3:
            return {}
        covariance = self._products - np.outer(self._sum, self._sum) / self.count
        deviations = np.sqrt(np.maximum(np.diag(covariance), 0))
        deviations[list(self.constant)] = np.inf
        deviations[deviations == 0] = np.inf
        same = covariance / np.outer(deviations, deviations) >= 1 - DUPLICATE_TOLERANCE
        found: dict[int, int] = {}
        for channel in range(1, len(same)):
            earlier = np.flatnonzero(same[channel, :channel])
            if len(earlier):
                found[channel] = int(earlier[0])
        return found


def _dead(statistics: Mapping[str, _Statistics], images: int) -> Iterator[Finding]:
    for layer, seen in statistics.items():
        node = seen.subject.node
        before = statistics.get(node.inputs[0]) if isinstance(node.layer, Activation | BatchNorm) else None
        dead = sorted(seen.constant - (before.constant if before is not None else set()))
        if dead:
            channels = seen.subject.channels
            yield Finding(
                "dead-channels",
                "risk" if 2 * len(dead) >= channels else "waste",
                (layer,),
                Message(
                    "{count} of {channels} channels of {layer} ({percent:.0f} %) output the same value at every "
                    "position of {images:,} images: {names}.",
                    count=len(dead),
                    channels=channels,
                    layer=layer,
                    percent=100 * len(dead) / channels,
                    images=images,
                    names=listed([str(channel) for channel in dead]),
                ),
                Message(
                    "Remove them, or train with a lower learning rate or batch normalization before {layer}.",
                    layer=layer,
                ),
                {"dead": len(dead), "channels": channels, "images": images, "which": dead},
            )


def _saturated(statistics: Mapping[str, _Statistics], images: int) -> Iterator[Finding]:
    for layer, seen in statistics.items():
        shares = seen.saturated / seen.count
        which = [int(channel) for channel in np.flatnonzero(shares >= SATURATED_SHARE)]
        which = [channel for channel in which if channel not in seen.constant]
        if which:
            channels = seen.subject.channels
            yield Finding(
                "saturated-channels",
                "risk" if 2 * len(which) >= channels else "waste",
                (layer,),
                Message(
                    "{count} of {channels} channels of {layer} are saturated in at least {percent:.0f} % of their "
                    "outputs over {images:,} images: {names}.",
                    count=len(which),
                    channels=channels,
                    layer=layer,
                    percent=100 * SATURATED_SHARE,
                    images=images,
                    names=listed([str(channel) for channel in which]),
                ),
                Message("Use ReLU, smaller weights, or batch normalization before {layer}.", layer=layer),
                {
                    "saturated": len(which),
                    "channels": channels,
                    "images": images,
                    "which": which,
                    "share": [float(shares[channel]) for channel in which],
                },
            )


def _duplicates(statistics: Mapping[str, _Statistics], images: int) -> Iterator[Finding]:
    for layer, seen in statistics.items():
        pairs = seen.duplicates()
        if pairs:
            channels = seen.subject.channels
            yield Finding(
                "duplicate-channels",
                "waste",
                (layer,),
                Message(
                    "{count} of {channels} channels of {layer} repeat another one up to a factor and an offset "
                    "over {images:,} images: {pairs}.",
                    count=len(pairs),
                    channels=channels,
                    layer=layer,
                    images=images,
                    pairs=listed([f"{channel}={earlier}" for channel, earlier in pairs.items()]),
                ),
                Message("Use fewer channels in {layer}, or merge them into the next layer.", layer=layer),
                {
                    "duplicates": len(pairs),
                    "channels": channels,
                    "images": images,
                    "pairs": [[channel, earlier] for channel, earlier in pairs.items()],
                },
            )
