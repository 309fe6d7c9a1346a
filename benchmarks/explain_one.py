"""Deriving one quantity of ResNet-152's last convolution compared with deriving all, in one process.

Both start from the loaded network and end in an HTML fragment of that quantity, which is equal either way.
"""

from __future__ import annotations

import convscope as cs
from timing import alternately, machine

QUANTITIES = ("params", "macs", "im2col", "activation_bytes", "receptive_field", "center")


def main() -> None:
    network = cs.load("resnet152")
    layer = [node.name for node in network.layers if node.kind == "Conv2d"][-1]
    print(f"ResNet-152 {layer}; {machine()}")
    for quantity in QUANTITIES:
        one, every = alternately(
            lambda quantity=quantity: cs.explain(network, layer, quantities=quantity).html(fragment=True),
            lambda quantity=quantity: cs.explain(network, layer).only(quantity).html(fragment=True),
            runs=15,
        )
        print(f"{quantity}: {one * 1e3:.1f} ms, of all {every * 1e3:.0f} ms, ratio {every / one:.0f}×")


if __name__ == "__main__":
    main()
