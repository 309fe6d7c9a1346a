"""Layers: kernels, channels, the histogram of the values, and the images that excite a channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...arrays import Array
from ...data.arrays import ArrayDataset
from ...data.datasets import digits
from ...data.transforms import resize_dataset
from ...engines.reference.layers import derivative
from ...engines.reference.statistics import SATURATED_BELOW
from ...errors import ConvscopeError
from ...inside.strongest import strongest
from ...layers import Activation, ConvTranspose
from ...layers.base import Layer
from ...network import Node
from ..question import Query, Unit
from ..session import Session, ShownImage, ShownNetwork
from ..wire import FOREVER, arrays_response, json_response
from .requests import endpoint, integer, shown_image, shown_network
from .values import layer_named, maps_of

BINS = 48
MOST_KERNELS = 256
"""Kernels of one answer, at most."""

MOST_IMAGES = 256
"""Images of the session, and digits, among which the strongest responses are found."""

STRONGEST = 9


async def channels(request: Request, session: Session) -> Response:
    """Return the range and the strength (mean absolute value) of every channel of a layer."""
    shown, image = shown_network(request, session), shown_image(request, session)
    layer = layer_named(request, shown)

    def compute() -> Response:
        flat = maps_of(session.output(shown, image, layer))
        flat = flat.reshape(len(flat), -1).astype(np.float64)
        arrays = {"strength": np.abs(flat).mean(axis=1), "low": flat.min(axis=1), "high": flat.max(axis=1)}
        return arrays_response(arrays, {"dead": np.flatnonzero(~flat.any(axis=1))}, FOREVER)

    return await session.forward.run(compute)


async def histogram(request: Request, session: Session) -> Response:
    """Return the histogram of a layer's values, and where the layer saturates."""
    shown, image = shown_network(request, session), shown_image(request, session)
    layer = layer_named(request, shown)

    def compute() -> dict[str, Any]:
        values = session.output(shown, image, layer).ravel()
        finite = np.isfinite(values)
        saturated = _saturated(session, shown, image, shown.network[layer])
        kept = values[finite].astype(np.float64)
        counted, edges = np.histogram(kept if kept.size else np.zeros(0), BINS)
        return {
            "counts": counted,
            "edges": edges,
            "zeros": int((kept == 0).sum()),
            "lost": int(values.size - kept.size),
            "total": int(values.size),
            "saturated": None if saturated is None else int(saturated.sum()),
            "saturated_counts": None
            if saturated is None
            else np.histogram(values[finite & saturated].astype(np.float64), edges)[0],
        }

    return json_response(await session.forward.run(compute), cache=FOREVER)


def _saturated(session: Session, shown: ShownNetwork, image: ShownImage, node: Node) -> Array | None:
    """Return which outputs of an activation function are where its slope is below 5 % of its maximum."""
    if not isinstance(node.layer, Activation) or not node.layer.properties.saturates:
        return None
    x = session.output(shown, image, node.inputs[0]).astype(np.float64)
    flat: Array = np.abs(derivative(node.layer, x)) < SATURATED_BELOW * node.layer.properties.max_slope
    return flat.ravel()


async def kernels(request: Request, session: Session) -> Response:
    """Return the kernels of a channel of a convolution: one map for each input channel of its group."""
    shown = shown_network(request, session)
    layer, channel = layer_named(request, shown), integer(request, "channel", 0)

    def compute() -> Response:
        node = shown.network[layer]
        name = f"{layer}.weight"
        weight = shown.model.parameters[name] if name in shown.model.parameters else np.zeros((0, 0))
        shape = node.output_shape
        if weight.ndim != 4 or len(shape) != 3 or not 0 <= (channel or 0) < shape[0]:
            return arrays_response({}, {"channels": 0})
        own = _of_channel(node.layer, weight, shape[0], channel or 0)
        groups = max(1, node.input_shapes[0][0] // len(own))
        first = (channel or 0) // (shape[0] // groups) * len(own)
        part = own[:MOST_KERNELS].astype(np.float32)
        document = {
            "channels": len(own),
            "first": first,
            "source": node.inputs[0],
            "range": [float(weight.min()), float(weight.max())],
        }
        return arrays_response({"kernels": part}, document)

    return await session.forward.run(compute)


def _of_channel(layer: Layer, weight: Array, channels: int, channel: int) -> Array:
    """Return the kernels (input channels, rows, columns) of an output channel."""
    own: Array = weight[channel : channel + 1]
    if isinstance(layer, ConvTranspose):
        inputs = len(weight) * weight.shape[1] // channels
        group, within = divmod(channel, weight.shape[1])
        own = weight[group * inputs : (group + 1) * inputs, within]
    return own.reshape(-1, *weight.shape[2:])


async def strongest_images(request: Request, session: Session) -> Response:
    """Return the images, of those at hand and of the bundled digits, to which a channel responds most."""
    shown = shown_network(request, session)
    layer, channel = layer_named(request, shown), integer(request, "channel", 0)

    def compute() -> Response:
        images, names = _images(session, shown)
        data = ArrayDataset(shown.model.prepare(images), np.zeros(len(images), np.int64))
        found = strongest(shown.model, data, layer, channel or 0, STRONGEST)
        document = {
            "count": len(images),
            "records": [
                {"index": one.index, "name": names[one.index], "value": one.value, "at": one.at, "box": one.box}
                for one in found
            ],
        }
        return arrays_response({"images": images[[one.index for one in found]]}, document)

    return await session.forward.run(compute)


def _images(session: Session, shown: ShownNetwork) -> tuple[Array, list[str]]:
    """Return the images of the session that fit a network, and digits for a network of small gray images."""
    shape = shown.network.input_shape
    found, names = [], []
    for image in session.files()[:MOST_IMAGES]:
        try:
            found.append(session.pixels(shown, image))
        except ConvscopeError:
            continue
        names.append(image.name)
    parts = [np.stack(found)] if found else []
    source = digits("test") if len(shape) == 3 and shape[0] == 1 and max(shape[1:]) <= 64 else None
    if source is not None:
        fitted = resize_dataset(source, size=(shape[1], shape[2]))
        count = min(MOST_IMAGES, len(fitted))
        parts.append(fitted.batch(np.arange(count))[0])
        names += [f"digit {index}" for index in range(count)]
    return np.concatenate(parts).astype(np.float32), names


def recorded_of_image(shown: ShownNetwork, image: ShownImage, units: Sequence[Unit]) -> Iterator[Query]:
    """Yield what an export records of the layers' values; the page computes channels and kernels itself."""
    for node in shown.network:
        yield Query(f"/api/values/{shown.id}/{image.id}/histogram", {"layer": node.name})


routes = [
    Route("/api/values/{network}/{image}/channels", endpoint(channels)),
    Route("/api/values/{network}/{image}/histogram", endpoint(histogram)),
    Route("/api/networks/{network}/kernels", endpoint(kernels)),
    Route("/api/networks/{network}/strongest", endpoint(strongest_images)),
]
