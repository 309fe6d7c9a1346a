"""The zoo's networks beyond their totals: names, shapes, sizes on the way."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import convscope
from convscope.loading import load, zoo_names


@pytest.mark.parametrize("name", zoo_names())
def test_files(name: str) -> None:
    """A network is called like its file, and its file begins with a comment on what it is."""
    text = (Path(convscope.__file__).parent / "zoo" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert load(name).name == name


def test_alexnet_shapes() -> None:
    """Sizes of Krizhevsky et al. 2012 with 227 pixels."""
    network = load("alexnet")
    shapes = {node.name: node.output_shape for node in network}
    expected = {
        "conv1": (96, 55, 55),
        "pool1": (96, 27, 27),
        "conv2": (256, 27, 27),
        "pool2": (256, 13, 13),
        "conv3": (384, 13, 13),
        "conv4": (384, 13, 13),
        "conv5": (256, 13, 13),
        "pool5": (256, 6, 6),
        "fc6": (4096, 1, 1),
        "fc7": (4096, 1, 1),
        "fc8": (1000, 1, 1),
    }
    assert {name: shapes[name] for name in expected} == expected


def test_resnet_names() -> None:
    """Blocks are named as in PyTorch; the skip has a name of its own."""
    network = load("resnet152")
    assert network["layer3.35.conv3"].output_shape == (1024, 14, 14)
    assert network["layer3.0.downsample.conv1"].inputs == ("layer2.7.relu3",)
    assert network["layer2.7.add1"].inputs == ("layer2.6.relu3", "layer2.7.bn3")
    assert [node.output_shape for node in network.outputs] == [(1000,)]


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("googlenet", "inception4e.concat1", (832, 14, 14)),
        ("inception_v3", "mixed6e.concat1", (768, 17, 17)),
        ("inception_v3", "mixed7c.concat1", (2048, 8, 8)),
        ("densenet121", "block3.layer24.concat1", (1024, 14, 14)),
        ("mobilenet_v3_large", "block15.add1", (160, 7, 7)),
        ("mobilenet_v3_small", "block11.add1", (96, 7, 7)),
        ("shufflenet_v2_x1_0", "stage4.3.channelshuffle1", (464, 7, 7)),
        ("efficientnet_b0", "stage6.3.add1", (192, 7, 7)),
        ("convnext_tiny", "stage3.8.add1", (384, 14, 14)),
        ("unet", "up1.join", (128, 392, 392)),
        ("unet", "head", (2, 388, 388)),
        ("digits", "flatten1", (6272,)),
        ("rgb-4x4", "conv2", (3, 4, 4)),
        ("exercise", "conv2", (16, 5, 5)),
    ],
)
def test_intermediate_sizes_match(name: str, layer: str, shape: tuple[int, ...]) -> None:
    """Sizes that the papers' tables print."""
    assert load(name)[layer].output_shape == shape


def test_unet_against_pytorch() -> None:
    """The paper's list of layers, put together in PyTorch, has as many parameters."""
    torch = pytest.importorskip("torch")
    widths = [1, 64, 128, 256, 512, 1024]
    down = [pair for before, here in pairwise(widths) for pair in ((before, here), (here, here))]
    up = [pair for here in (512, 256, 128, 64) for pair in ((2 * here, here), (here, here))]
    modules = [torch.nn.Conv2d(*pair, 3, device="meta") for pair in down + up]
    modules += [torch.nn.ConvTranspose2d(2 * here, here, 2, 2, device="meta") for here in (512, 256, 128, 64)]
    modules += [torch.nn.Conv2d(64, 2, 1, device="meta")]
    expected = sum(weight.numel() for module in modules for weight in module.parameters())
    assert load("unet").parameter_count == expected
