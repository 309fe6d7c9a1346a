"""Exact mask and coverage of one unit: products of axes compared with masks spread tap by tap, in one process.

Both start from the analyzed network. Each unit's two masks are compared before the times are taken.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import convscope as cs
from convscope.analysis.masks import Traversal, seen_from
from convscope.analysis.position_set import from_products
from convscope.analysis.receptive_field import receptive_fields
from convscope.network import Node
from timing import alternately, machine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from analysis.dense_masks import dense_seen_from

NETWORKS = ("vgg16", "resnet152", "googlenet", "unet")


def compare(network: cs.Network, walk: Traversal, node: Node) -> str:
    """Return both times of the middle unit of a layer, in words."""
    shape = walk.grid_shape(node)
    unit = from_products(shape, [tuple(np.arange(n) == n // 2 for n in shape)])
    marked = unit.mask
    assert (seen_from(walk, node, unit).mask == dense_seen_from(walk, node, marked)).all()
    products, dense = alternately(
        lambda: seen_from(walk, node, unit).mask, lambda: dense_seen_from(walk, node, marked), runs=15
    )
    return (
        f"{network.name} {node.name}, input {'×'.join(map(str, network.input_shape))}: {products * 1e3:.2f} ms, "
        f"tap by tap {dense * 1e3:.1f} ms, ratio {dense / products:.0f}×"
    )


def main() -> None:
    print(machine())
    for name in NETWORKS:
        network = cs.load(name)
        walk = Traversal(network, network.inputs[0], receptive_fields(network))
        spatial = [node for node in network.layers if len(walk.grid_shape(node)) == 2]
        for node in (spatial[len(spatial) // 2], spatial[-1]):
            print(compare(network, walk, node))


if __name__ == "__main__":
    main()
