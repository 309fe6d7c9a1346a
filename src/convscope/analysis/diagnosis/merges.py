"""Merges of branches whose receptive fields have different centers."""

from __future__ import annotations

from ...layers.merge import Concat
from ..receptive_field import ReceptiveField
from .finding import Finding
from .subject import Subject
from .wording import extent


def find_misaligned_merges(subject: Subject) -> list[Finding]:
    """Find the layers that merge branches with different centers.

    Joining maps side by side along a position axis is not misaligned: it is meant to put them apart. Nor are paths
    whose first units share a center: behind upsampling units move to and fro around it, by less than their step.
    """
    found = []
    for node in subject.network.layers:
        view = subject.fields[node.index]
        if view is None or not view.merges or (isinstance(node.layer, Concat) and node.layer.axis in view.grid):
            continue
        offset = next((merge.offset for merge in view.merges if merge.layer == node.name), None)
        if offset is None:
            continue
        starts = [
            (name, start)
            for name, source in zip(node.inputs, node.sources, strict=True)
            if (start := ReceptiveField(subject.fields[source]).start) is not None
        ]
        if len(starts) > 1 and len({start for _, start in starts}) == 1:
            continue
        paths = ", ".join(f"{name} at {extent(start)}" for name, start in starts)
        found.append(
            Finding(
                "misaligned-merge",
                "risk",
                (node.name,),
                f"{node.name} joins branches whose receptive fields are centered {extent(offset)} pixels "
                "apart; centers of the first units: "
                f"{paths}",
                "choose paddings and crops of the branches so that the centers coincide",
                {"offset": list(offset), "starts": [[name, list(start)] for name, start in starts]},
            )
        )
    return found
