"""The strongest unit of a layer for an image, and its window on every layer back to the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...errors import BadSetting
from ...layers.convolution import Conv2d
from ...network import Network, Node
from ..session import Session, ShownImage, ShownNetwork
from ..wire import FOREVER, json_response
from .requests import endpoint, shown_image, shown_network


async def beam(request: Request, session: Session) -> Response:
    """Return the strongest unit of the second convolution, with the windows that lead to its pixels."""
    shown, image = shown_network(request, session), shown_image(request, session)
    document = await session.forward.run(strongest_beam, session, shown, image)
    return json_response(document, cache=FOREVER)


def strongest_beam(session: Session, shown: ShownNetwork, image: ShownImage) -> dict[str, Any]:
    """Return the unit with the largest value of the second convolution, its arithmetic and its windows.

    Raises:
        BadSetting: [no-beam] if the network has no convolution with positions.
    """
    layer = second_convolution(shown.network)
    output = session.output(shown, image, layer.name)
    channel, row, column = (int(i) for i in np.unravel_index(int(np.argmax(output)), output.shape))
    found = session.terms(shown, image, layer.name, (channel, row, column), None)
    channels = found.by_channel
    strongest = max(channels, key=lambda one: channels[one])
    region = shown.network.field(layer.name, (row, column))
    return {
        "layer": layer.name,
        "at": [channel, row, column],
        "value": found.value,
        "sum": found.sum,
        "units": int(output.size),
        "terms": len(found.terms),
        "bias": found.bias,
        "region": region.to_dict(),
        "windows": list(_windows(shown.network, layer, (channel, row, column), strongest)),
    }


def second_convolution(network: Network) -> Node:
    """Return the second convolution of a network with rows and columns, or the only one.

    Raises:
        BadSetting: [no-beam] if it has none.
    """
    found = [node for node in network.layers if isinstance(node.layer, Conv2d) and len(node.output_shape) == 3]
    if not found:
        raise BadSetting("{name} has no convolution. Open a network that has one. [no-beam]", name=network.name)
    return found[min(1, len(found) - 1)]


def _windows(network: Network, layer: Node, at: Sequence[int], source: int) -> Iterator[dict[str, Any]]:
    """Return what a unit sees of each layer on its first path to the image, with the channel to show there.

    `source` is the channel that adds most to the unit. Layers with the shape of their input are left out.
    """
    channel = source
    node = network[layer.inputs[0]]
    while True:
        box = network.field(layer.name, at[1:], origin=node.name).to_dict()
        channel = min(channel, node.output_shape[0] - 1)
        if not node.inputs or network[node.inputs[0]].output_shape != node.output_shape:
            yield {"layer": node.name, "channel": channel, "box": box["box"], "clipped": box["clipped"]}
        if not node.inputs:
            return
        node = network[node.inputs[0]]


routes = [Route("/api/values/{network}/{image}/beam", endpoint(beam))]
