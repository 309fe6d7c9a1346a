"""Parameters and multiply-adds of every network against published figures."""

from __future__ import annotations

from math import prod

import pytest

from convscope.loading import load, zoo_names
from convscope.zoo.page import macs

TORCHVISION = {
    # name: (num_params, _ops in 10⁹ multiply-adds), from the weights' metadata in torchvision.models, version 0.15
    # and later. inception_v3 is below: its num_params counts the auxiliary head, its _ops does not.
    "alexnet-torchvision": (61_100_840, 0.714),
    "convnext_tiny": (28_589_128, 4.456),
    "densenet121": (7_978_856, 2.834),
    "efficientnet_b0": (5_288_548, 0.386),
    "googlenet": (6_624_904, 1.498),
    "mobilenet_v2": (3_504_872, 0.301),
    "mobilenet_v3_large": (5_483_032, 0.217),
    "mobilenet_v3_small": (2_542_856, 0.057),
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
    "shufflenet_v2_x1_0": (2_278_604, 0.145),
    "squeezenet1_0": (1_248_424, 0.819),
    "squeezenet1_1": (1_235_496, 0.349),
    "vgg11": (132_863_336, 7.609),
    "vgg11_bn": (132_868_840, 7.609),
    "vgg13": (133_047_848, 11.308),
    "vgg13_bn": (133_053_736, 11.308),
    "vgg16": (138_357_544, 15.47),
    "vgg16_bn": (138_365_992, 15.47),
    "vgg19": (143_667_240, 19.632),
    "vgg19_bn": (143_678_248, 19.632),
}

INCEPTION_V3_WITH_AUXILIARY = 27_161_264
"""torchvision's num_params of inception_v3; its _ops is 5.713."""

SEPARABLE = [
    # Channels in and out, and the side of the output: 3×3 per channel, then 1×1.
    before * 9 * side**2 + before * after * side**2
    for before, after, side in [
        (32, 64, 112),
        (64, 128, 56),
        (128, 128, 56),
        (128, 256, 28),
        (256, 256, 28),
        (256, 512, 14),
        *[(512, 512, 14)] * 5,
        (512, 1024, 7),
        (1024, 1024, 7),
    ]
]

UNET = [
    # Taps, channels in, channels out, side, side: of the output; of the input where the convolution is transposed.
    *[(9, 1, 64, 570, 570), (9, 64, 64, 568, 568), (9, 64, 128, 282, 282), (9, 128, 128, 280, 280)],
    *[(9, 128, 256, 138, 138), (9, 256, 256, 136, 136), (9, 256, 512, 66, 66), (9, 512, 512, 64, 64)],
    *[(9, 512, 1024, 30, 30), (9, 1024, 1024, 28, 28)],
    *[(4, 1024, 512, 28, 28), (9, 1024, 512, 54, 54), (9, 512, 512, 52, 52)],
    *[(4, 512, 256, 52, 52), (9, 512, 256, 102, 102), (9, 256, 256, 100, 100)],
    *[(4, 256, 128, 100, 100), (9, 256, 128, 198, 198), (9, 128, 128, 196, 196)],
    *[(4, 128, 64, 196, 196), (9, 128, 64, 390, 390), (9, 64, 64, 388, 388)],
    (1, 64, 2, 388, 388),
]

OTHERS = {
    # Kernels by hand: 6·(1·5·5)·28² + 16·(6·5·5)·10² + 400·120 + 120·84 + 84·10.
    "lenet": (61_706, 416_520),
    # Caffe's bvlc_alexnet; 724 million multiply-adds in Sze, Chen, Yang, Emer 2017, "Efficient processing of deep
    # neural networks", table II.
    "alexnet": (60_965_224, 724_406_816),
    # Howard et al. 2017, table 4: 4.2 million parameters, 569 million multiply-adds. The exact number of parameters
    # is Keras's "trainable params" of MobileNet; multiply-adds from the paper's table 1, below.
    "mobilenet_v1": (4_231_976, 10_838_016 + sum(SEPARABLE) + 1024 * 1000),
    # Figure 1 of the paper: the widths and sizes below; the parameters also in PyTorch, in test_structure.py.
    "unet": (31_030_658, sum(map(prod, UNET))),
    # By hand: 2·9 + 2; 18·8 + 8; 8·2 + 2, multiply-adds 2·9·6² + 18·8 + 8·2.
    "seed-8x8": (20 + 152 + 18, 648 + 144 + 16),
    # By hand: 32·9 + 32; 6272·128 + 128; 128·64 + 64; 64·10 + 10, multiply-adds 32·9·28² + the matrices.
    "digits": (320 + 802_944 + 8_256 + 650, 225_792 + 802_816 + 8_192 + 640),
    # By hand: 2·(3·9) + 2 and 3·(2·9) + 3 on 4×4 pixels.
    "rgb-4x4": (56 + 57, 16 * 54 + 16 * 54),
    # By hand: 8·(3·9) + 8 on 15×15, 2·8 for the normalization, 16·(8·9) + 16 on 5×5.
    "exercise": (224 + 16 + 1_168, 15 * 15 * 216 + 5 * 5 * 1_152),
    # By hand: 8·(3·9) + 8 on 32×32 and 16·(8·9) + 16 on 16×16.
    "s4-example-1": (224 + 1_168, 32 * 32 * 216 + 16 * 16 * 1_152),
    # By hand: 64·(3·49) + 64 on 112×112 and 128·(64·9) + 128 on 56×56.
    "s4-example-2": (9_472 + 73_856, 112 * 112 * 9_408 + 56 * 56 * 73_728),
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_against_torchvision(name: str) -> None:
    """Parameters to the last, multiply-adds to every digit that torchvision prints."""
    network = load(name)
    assert (network.parameter_count, round(macs(network) / 1e9, 3)) == TORCHVISION[name]


@pytest.mark.parametrize("name", OTHERS)
def test_against_other_sources(name: str) -> None:
    """Parameters and multiply-adds to the last."""
    network = load(name)
    assert (network.parameter_count, macs(network)) == OTHERS[name]


def test_mobilenet_v1_as_its_paper_prints_it() -> None:
    """Howard et al. 2017, table 4: 569 million multiply-adds, 4.2 million parameters."""
    network = load("mobilenet_v1")
    assert (round(macs(network) / 1e6), round(network.parameter_count / 1e6, 1)) == (569, 4.2)


def test_inception_v3_without_its_head() -> None:
    """The auxiliary head (128 by 1×1, 768 by 5×5, 1000 classes, two normalizations) makes up the difference."""
    head = 768 * 128 + 2 * 128 + 128 * 25 * 768 + 2 * 768 + 768 * 1000 + 1000
    network = load("inception_v3")
    assert network.parameter_count + head == INCEPTION_V3_WITH_AUXILIARY
    assert round(macs(network) / 1e9, 3) == 5.713


def test_every_network_has_a_source() -> None:
    """No network in the zoo without published figures."""
    assert sorted([*TORCHVISION, *OTHERS, "inception_v3"]) == zoo_names()
