"""The images and positions that excite a channel most."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..data.batches import Data, as_dataset, check_dataset
from ..errors import BadUnit
from ..network import Node
from ..optim.checks import check_integer
from ..progress import StatusLine
from ..text.language import Message, localize
from .targets import node_named

if TYPE_CHECKING:
    from ..model import Model

BATCH = 64
"""Images of one pass."""


@dataclass(frozen=True)
class Response:
    """The strongest response of a channel to one image.

    `index` is the image's index in the data, `at` the position (row, column) in the channel's map. `box` is the
    exact region that the unit sees, half-open, in pixels; it may extend into padding. Layers without positions
    have `at` () and the whole image as their box.
    """

    index: int
    value: float
    at: tuple[int, ...]
    box: tuple[int, ...]


def strongest(
    model: Model, data: Data, layer: str, channel: int, count: int = 9, progress: bool = False
) -> list[Response]:
    """Return the images with the strongest response of a channel, strongest first; of each image one position.

    The data are read in batches and need not fit in memory.

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [channel-range]
        BadData: If the data does not fit the network.
    """
    return strongest_of_channels(model, data, layer, [channel], count, progress)[channel]


def strongest_of_channels(
    model: Model, data: Data, layer: str, channels: list[int], count: int = 9, progress: bool = False
) -> dict[int, list[Response]]:
    """Return the strongest responses of several channels in one pass over the data."""
    source = as_dataset(data)
    check_dataset(model.network, source, "data")
    node = node_named(model, layer)
    most = check_integer("strongest.count", count, 1, Message("{usual} is usual.", usual=9))
    for channel in channels:
        check_channel(node, channel)
    best: dict[int, list[tuple[float, int, int]]] = {channel: [] for channel in channels}
    status = StatusLine() if progress else None
    for first in range(0, len(source), BATCH):
        x, _ = source.batch(np.arange(first, min(first + BATCH, len(source))))
        values = model.activations(x, [layer])[layer][:, channels]
        flat = values.reshape(len(x), len(channels), -1)
        where = flat.argmax(axis=2)
        peaks = np.take_along_axis(flat, where[:, :, None], axis=2)[:, :, 0]
        for column, channel in enumerate(channels):
            for row, (value, place) in enumerate(zip(peaks[:, column], where[:, column], strict=True)):
                entry = (float(value), -(first + row), int(place))  # of equal values the first image stays
                if len(best[channel]) < most:
                    heapq.heappush(best[channel], entry)
                elif entry > best[channel][0]:
                    heapq.heapreplace(best[channel], entry)
        if status is not None and status.is_live:
            status.show(localize("{done:,} of {total:,} images", done=first + len(x), total=len(source)))
    if status is not None and status.is_live:
        status.clear()
    return {
        channel: [_response(model, layer, entry) for entry in sorted(best[channel], reverse=True)]
        for channel in channels
    }


def check_channel(node: Node, channel: int) -> None:
    """Raise BadUnit [channel-range] for a channel that a layer does not have."""
    count = node.output_shape[0]
    if not 0 <= channel < count:
        raise BadUnit(
            "{layer} has {count} channels (got channel {got}). Use 0 to {last}. [channel-range]",
            layer=node.name,
            count=count,
            got=channel,
            last=count - 1,
        )


def _response(model: Model, layer: str, entry: tuple[float, int, int]) -> Response:
    value, negated, place = entry
    shape = model.network[layer].output_shape[1:]
    at = tuple(int(i) for i in np.unravel_index(place, shape)) if shape else ()
    sizes = model.network.input_shape[1:]
    box = model.network.field(layer, at).box if at else (*(0 for _ in sizes), *sizes)
    return Response(-negated, value, at, tuple(box))
