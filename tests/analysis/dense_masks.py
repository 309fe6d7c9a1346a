"""What units see as masks over whole layers, every connection spread tap by tap: slow, general, and simple."""

import numpy as np

from convscope.analysis.spread import spread_back, spread_forth


def dense_seen_from(walk, layer, unit, local=False):
    """Return which positions of the origin the marked units of a layer see."""
    masks = {layer.index: unit}
    for node in reversed(walk.network.nodes[walk.origin.index + 1 : layer.index + 1]):
        mask = masks.pop(node.index, None)
        if mask is None:
            continue
        for step in walk.steps(node, local):
            spread = spread_back(mask, step.connection, node, step.source, walk.views)
            known = masks.get(step.source.index)
            masks[step.source.index] = spread if known is None else known | spread
    return masks.get(walk.origin.index, np.zeros(walk.grid_shape(walk.origin), bool))


def dense_seeing(walk, layer, pixel, local=False):
    """Return which units of a layer see any of the marked positions of the origin."""
    masks = {walk.origin.index: pixel}
    for node in walk.network.nodes[walk.origin.index + 1 : layer.index + 1]:
        mask = np.zeros(walk.grid_shape(node), bool)
        for step in walk.steps(node, local):
            if step.source.index in masks:
                mask |= spread_forth(masks[step.source.index], step.connection, node, step.source, walk.views)
        masks[node.index] = mask
    return masks[layer.index]
