"""The page of the documentation on the zoo, printed by `python -m convscope.zoo.page`."""

from __future__ import annotations

from ..layers.base import show_shape
from ..loading import load, zoo_names
from ..network import Network

_HEAD = """\
# The zoo

Bundled networks. Use a name wherever a model is asked for: `convscope inspect resnet50`,
`convscope.load("resnet50")`. Case does not matter, and `-` and `_` are the same. Each network is a short file in
[the notation](notation.md), `src/convscope/zoo/NAME.yaml`, with its source; copy one to start your own.

Parameters are the learned ones, shared ones counted once; MACs are multiply-adds per image, without biases. Both
are tested against the published figures.

| name | input | layers | parameters | MACs |
|---|---|---:|---:|---:|
"""

_NOTES = """
## Notes

- **lenet** is LeNet-5 as it is taught today: every map of the second convolution reads all maps before it.
- **alexnet** is the network of 2012 with its two groups, for 227×227 pixels. Its dense layers are written as the
  equivalent convolutions (`fc6` is 6×6), so that they have a receptive field. **alexnet-torchvision** is the
  one-device version of 2014, for 224×224.
- **googlenet** and **inception_v3** have no auxiliary heads, which are only used in training.
- **mobilenet_v1** has 4,231,976 learned parameters; Keras prints 4,253,864 because it adds the running statistics.
- **unet** is the network of the paper: valid convolutions, 572×572 in, 388×388 out.
- **seed-8x8**, **digits**, **rgb-4x4**, **exercise**, **s4-example-1** and **s4-example-2** are small networks to
  compute by hand.
- **digits**: flattening 14×14×32 gives 6,272 values. The number 7,168 that some tutorials print, and the 917,632
  parameters of a dense layer of 128 units after it, are wrong: 14·14·32 = 6,272, and 128·6,272 + 128 = 802,944.
"""


def page() -> str:
    """Return the page, its table computed from the networks."""
    return _HEAD + "".join(map(_row, zoo_names())) + _NOTES


def _row(name: str) -> str:
    network = load(name)
    shape = show_shape(network.input_shape)
    layers = len(network.layers)
    return f"| `{name}` | {shape} | {layers} | {parameters(network):,} | {macs(network):,} |\n"


def parameters(network: Network) -> int:
    """Return the learned parameters, shared ones once."""
    return sum(node.facts.params for node in network if node.owns_parameters)


def macs(network: Network) -> int:
    """Return the multiply-adds per image."""
    return sum(node.facts.operations.macs for node in network)


if __name__ == "__main__":
    print(page(), end="")
