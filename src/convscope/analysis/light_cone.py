"""The light cone of a pixel: the units of all layers that see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import BadUnit
from ..network import Network
from .masks import seeing_ahead
from .position_set import from_products
from .region import Units, origin_views, traced, unit_places, units_of


def light_cone(
    network: Network, pixel: Sequence[int], origin: str | None = None, size: Sequence[int] | None = None
) -> dict[str, Units | BadUnit]:
    """Return, for every layer after the origin, which units see a pixel, or any pixel of a patch.

    The units are those of `Network.seen_by`; all layers cost about as much as one. The value of a layer of which
    they cannot be known, or that does not depend on the origin, is the error that `seen_by` raises.

    Args:
        network: The network.
        pixel: (row, column) of the input, or of layer `origin`: the pixel, or the first one of a patch.
        origin: The layer that is seen; the input by default.
        size: Rows and columns of a patch, which ends at the border of the image; one pixel by default.

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [unit-range], [unit-rank]
    """
    source = network[origin] if origin else network.inputs[0]
    views = origin_views(network, source.name)
    start = views.fields[source.index]
    assert start is not None
    first = unit_places(source, start, pixel)
    sizes = (1,) * len(first) if size is None else tuple(size)
    shape = tuple(source.output_shape[axis] for axis in start.grid)
    marked = from_products(
        shape,
        [
            tuple(
                (np.arange(n) >= at) & (np.arange(n) < at + many)
                for n, at, many in zip(shape, first, sizes, strict=True)
            )
        ],
    )
    over_all = seeing_ahead(views.walk, marked)
    has_global = any(view is not None and view.global_via is not None for view in views.fields)
    over_local = seeing_ahead(views.walk, marked, local=True) if has_global else over_all
    found: dict[str, Units | BadUnit] = {}
    for node in network.nodes[source.index + 1 :]:
        try:
            view = traced(node, source, views.fields[node.index])
        except BadUnit as error:
            found[node.name] = error
            continue
        both = [over_all[node.index]] + ([] if view.global_via is None else [over_local[node.index]])
        found[node.name] = units_of(node, view, pixel, both)
    return found
