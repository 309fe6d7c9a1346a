"""Effective receptive fields as text."""

from __future__ import annotations

from ..inside.effective_field import SHARES, EffectiveField
from ..layers.base import show_shape
from ..network import Network
from ..text.language import localize
from ..text.numbers import percent
from ..text.table import pad, width_of, wrap
from ..text.terminal import PLAIN, Paint


def effective_text(
    network: Network, found: EffectiveField, random: bool, noise: bool, width: int, paint: Paint = PLAIN
) -> str:
    """Return the extents that have 50, 90 and 95 % of the influence beside the region that the unit can see.

    `random` tells that the weights are random, `noise` that the images are.
    """
    title = localize(
        "{network}: the effective field of unit {position} of {layer}",
        network=network.name,
        position=",".join(map(str, found.at)),
        layer=f"{found.layer} ({show_shape(network[found.layer].output_shape)})",
    )
    rank = found.map.ndim
    box, size = found.theoretical.clipped, tuple(found.theoretical.size)
    inside = tuple(box[rank + axis] - box[axis] for axis in range(rank))
    seen = (
        localize("{size} pixels", size=show_shape(size))
        if inside == size
        else localize(
            "{size} pixels, {inside} of them in the image", size=show_shape(size), inside=show_shape(inside)
        )
    )
    lines = [(localize("can see"), seen)]
    if found.is_empty:
        lines.append((localize("influence"), localize("none: the gradient is 0 for every image (dead units)")))
    else:
        lines += [
            (
                localize("{share} of the influence", share=percent(share)),
                localize("within {size} pixels", size=show_shape(found.extent(share))),
            )
            for share in SHARES
        ]
    images = (
        localize("{count} random images", count=found.images)
        if noise
        else localize("{count} images of the folder", count=found.images)
    )
    lines.append((localize("measured with"), images))
    weights = localize("random, drawn for every few images") if random else localize("the model's own")
    lines.append((localize("weights"), weights))
    widest = max(width_of(name) for name, _ in lines)
    heading = [paint.strong(line) for line in wrap(title, width)]
    return "\n".join([*heading, "", *(f"  {pad(name, widest)}  {value}" for name, value in lines)])
