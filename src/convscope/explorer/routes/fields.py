"""Fields: regions, beams, light cones, counts, image sizes, effective fields, and the proof on an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...analysis.beam import beam
from ...analysis.diagnosis.input_size import is_legal, smallest_sizes
from ...analysis.diagnosis.lost_border import losing_layers
from ...analysis.light_cone import light_cone
from ...analysis.region import Units
from ...analysis.seen_counts import seen_counts
from ...arrays import Array
from ...inside.class_maps import default_layer, even_centers, unit_centers
from ...inside.effective_field import effective_field, growth_layers
from ...inside.perturbation import LayerChange, perturb
from ...network import Network
from ..question import Query, Unit
from ..session import Session, ShownNetwork
from ..wire import FOREVER, arrays_response, json_response
from .requests import endpoint, integer, integers, shown_image, shown_network

IMAGES = 8
"""Images of noise of an effective field: one backward pass."""

FURTHER = 96
"""Pixels above the image's size up to which sizes are tried."""

MOST_LAYERS = 200_000
"""Limit on the product of layers and sizes tried, so that very deep networks answer within seconds."""

FEWEST_SIZES = 16
"""Sizes that are tried however deep the network is."""

LARGEST_PATCH = 64


def _optional(request: Request, name: str) -> tuple[int, ...] | None:
    return integers(request, name) if name in request.query_params else None


async def region(request: Request, session: Session) -> Response:
    """Return the region of one unit on the image or on another layer: box, clipped box, status."""
    shown = shown_network(request, session)
    layer, at = request.query_params.get("layer", ""), integers(request, "at")
    origin = request.query_params.get("origin")
    document = await session.analysis.run(lambda: shown.network.field(layer, at, origin).to_dict())
    return json_response(document)


async def mask(request: Request, session: Session) -> Response:
    """Return which pixels one unit sees, as bytes."""
    shown = shown_network(request, session)
    layer, at = request.query_params.get("layer", ""), integers(request, "at")
    seen = await session.analysis.run(lambda: shown.network.field(layer, at).mask)
    return arrays_response({"mask": seen.astype(np.uint8)}, {"count": int(seen.sum())})


async def beam_document(request: Request, session: Session) -> Response:
    """Return the windows of one unit on every layer between it and the image, and its misaligned merges."""
    shown = shown_network(request, session)
    layer, at = request.query_params.get("layer", ""), integers(request, "at")
    return json_response(await session.analysis.run(lambda: beam(shown.network, layer, at).to_dict()))


async def cone(request: Request, session: Session) -> Response:
    """Return which units of every layer after the origin see one of its positions, over local paths."""
    shown = shown_network(request, session)
    pixel, origin = integers(request, "pixel"), request.query_params.get("origin")

    def find() -> Response:
        masks: list[Array] = []
        layers: dict[str, Any] = {}
        start = 0
        for name, found in light_cone(shown.network, pixel, origin).items():
            if isinstance(found, Units):
                layers[name] = {**found.to_dict(), "start": start, "shape": list(found.local_mask.shape)}
                masks.append(found.local_mask.astype(np.uint8).ravel())
                start += found.local_mask.size
            else:
                layers[name] = {"code": found.code, "message": found.translated()}
        whole = np.concatenate(masks) if masks else np.zeros(0, np.uint8)
        return arrays_response({"masks": whole}, {"layers": layers})

    return await session.analysis.run(find)


async def counts(request: Request, session: Session) -> Response:
    """Return how many units of a layer see each pixel, and the rows and columns that none sees."""
    shown = shown_network(request, session)
    layer = request.query_params.get("layer", "")

    def count() -> Response:
        found = seen_counts(shown.network, layer)
        unseen = [
            np.flatnonzero(~found.any(axis=tuple(other for other in range(found.ndim) if other != axis)))
            for axis in range(found.ndim)
        ]
        document = {"most": int(found.max()), "least": int(found.min()), "unseen": unseen}
        return arrays_response({"counts": found.astype(np.int32)}, document, FOREVER)

    return await session.analysis.run(count)


async def sizes(request: Request, session: Session) -> Response:
    """Return, for image sizes from `first` on, the layers that lose rows or columns.

    `first` is the smallest legal size, or in a network of many layers a size near the network's own. Rows and
    columns change together where the image is square, else one of them, with the other unchanged.
    """
    shown = shown_network(request, session)
    document = await session.analysis.run(lambda: {"axes": _sizes(shown.network)})
    return json_response(document, cache=FOREVER)


def _sizes(network: Network) -> list[dict[str, Any]]:
    shape = network.input_shape
    smallest = smallest_sizes(network)
    square = len(set(shape[1:])) == 1 and len(set(smallest)) == 1
    groups = [tuple(range(1, len(shape)))] if square else [(axis,) for axis in range(1, len(shape))]
    found = []
    for axes in groups:
        least, size = max(smallest[axis - 1] for axis in axes), shape[axes[0]]
        tried = _tried_sizes(least, size, len(network))
        shapes = [tuple(n if axis in axes else one for axis, one in enumerate(shape)) for n in tried]
        losing = [_losing(network, one, axes) for one in shapes]
        found.append(
            {
                "axes": [axis - 1 for axis in axes],
                "smallest": least,
                "size": size,
                "first": tried.start,
                "losing": losing,
            }
        )
    return found


def _tried_sizes(smallest: int, size: int, layers: int) -> range:
    """Return the sizes that are tried: all from the smallest legal one, or those around the network's own."""
    count = max(FEWEST_SIZES, MOST_LAYERS // layers)
    end = size + FURTHER + 1
    if end - smallest <= count:
        return range(smallest, end)
    first = max(smallest, size - count // 2)
    return range(first, min(end, first + count))


def _losing(network: Network, shape: tuple[int, ...], axes: tuple[int, ...]) -> list[str] | None:
    """Return the layers that lose rows or columns along the axes for an input; None where it is illegal."""
    if not is_legal(network, shape):
        return None
    return list(dict.fromkeys(name for axis in axes for name in losing_layers(network, shape, axis) or ()))


async def growth(request: Request, session: Session) -> Response:
    """Return the layers whose fields show the growth over the depth."""
    shown = shown_network(request, session)
    return json_response({"layers": await session.analysis.run(growth_layers, shown.network)}, cache=FOREVER)


async def effective(request: Request, session: Session) -> Response:
    """Return how strongly each pixel influences the units of a position, with own or with random weights."""
    shown = shown_network(request, session)
    layer, at = request.query_params.get("layer", ""), _optional(request, "at")
    random = request.query_params.get("weights") == "random"

    def compute() -> Response:
        model = shown.network if random else shown.model
        found = effective_field(model, layer, None, at, count=IMAGES)
        document = {**found.to_dict(), "box": list(found.theoretical.box), "empty": found.is_empty}
        return arrays_response({"map": found.map.astype(np.float64)}, document)

    return await session.forward.run(compute)


async def class_map_cells(request: Request, session: Session) -> Response:
    """Return where the cells of a class map are drawn: at the true centers, and where resizing puts them."""
    shown = shown_network(request, session)

    def find() -> dict[str, Any]:
        network = shown.network
        layer = default_layer(network)
        even = [
            even_centers(count, n)
            for count, n in zip(network[layer].output_shape[1:], network.input_shape[1:], strict=True)
        ]
        exact = unit_centers(network, layer)
        offset = [float(one[0] - other[0]) for one, other in zip(exact, even, strict=True)]
        return {"layer": layer, "exact": exact, "even": even, "offset": offset}

    return json_response(await session.analysis.run(find), cache=FOREVER)


async def proof(request: Request, session: Session) -> Response:
    """Change a patch of the image, and return what changed in every layer beside what sees the patch."""
    shown, image = shown_network(request, session), shown_image(request, session)
    pixel, side = integers(request, "pixel"), integer(request, "size", 1)
    layer = request.query_params.get("layer", "")
    size = (max(1, min(side or 1, LARGEST_PATCH)),) * len(pixel)

    def compute() -> Response:
        changes = perturb(session.strict(shown), session.pixels(shown, image), pixel, size)
        own = next((change for change in changes if change.layer == layer), None)
        arrays = {}
        if own is not None and own.seeing is not None:
            arrays = {"changed": own.changed.astype(np.uint8), "seeing": own.seeing.mask.astype(np.uint8)}
        return arrays_response(arrays, {"layers": [_change(change) for change in changes]})

    return await session.forward.run(compute)


def _change(change: LayerChange) -> dict[str, Any]:
    return {
        "layer": change.layer,
        "changed": int(change.changed.sum()),
        "seeing": None if change.seeing is None else change.seeing.count,
        "outside": change.outside,
    }


def recorded_of_network(shown: ShownNetwork, units: Sequence[Unit]) -> Iterator[Query]:
    """Yield what an export records of a network's fields."""
    path = f"/api/networks/{shown.id}"
    yield Query(f"{path}/sizes")
    yield Query(f"{path}/class-map")
    for layer in dict.fromkeys(unit.layer for unit in units):
        yield Query(f"{path}/counts", {"layer": layer})
    for unit in units:
        yield Query(f"{path}/beam", {"layer": unit.layer, "at": unit.at})


routes = [
    Route("/api/networks/{network}/region", endpoint(region)),
    Route("/api/networks/{network}/mask", endpoint(mask)),
    Route("/api/networks/{network}/beam", endpoint(beam_document)),
    Route("/api/networks/{network}/cone", endpoint(cone)),
    Route("/api/networks/{network}/counts", endpoint(counts)),
    Route("/api/networks/{network}/sizes", endpoint(sizes)),
    Route("/api/networks/{network}/growth", endpoint(growth)),
    Route("/api/networks/{network}/effective", endpoint(effective)),
    Route("/api/networks/{network}/class-map", endpoint(class_map_cells)),
    Route("/api/values/{network}/{image}/proof", endpoint(proof)),
]
