"""TensorFlow's float operations against numbers that its profiler printed.

TensorFlow 2.21.0 with Keras 3.15.1 on a CPU, in November 2026: each Keras layer in a model of its own, a batch of
one, frozen by convert_variables_to_constants_v2_as_graph, profiled with ProfileOptionBuilder.float_operation().
The shapes there are channels last; here they are the same with the channels first.
"""

from __future__ import annotations

import pytest

from analysis.counted_by.counted_layers import alone
from analysis.counted_by.small_network import SMALL
from convscope import layers as cs
from convscope.analysis.counted_by import recount
from convscope.network import Entry, Network

IMAGE, LINE, SOLID = (6, 8, 10), (6, 11), (3, 5, 6, 7)

PRINTED: dict[str, tuple[Network, int]] = {
    "Conv2D strided": (alone(cs.Conv2d(5, (3, 2), (2, 1)), IMAGE), 9855),
    "Conv2D dilated": (alone(cs.Conv2d(5, (3, 2), dilation=2, bias=False), IMAGE), 11520),
    "Conv2D dilated, odd": (alone(cs.Conv2d(5, (3, 2), dilation=2, bias=False), (6, 9, 11)), 21600),
    "Conv2D dilated apart": (alone(cs.Conv2d(5, (3, 2), dilation=(2, 3), bias=False), (6, 10, 11)), 19440),
    "Conv2D dilated, same": (
        alone(cs.Conv2d(5, (3, 2), padding="same", dilation=(2, 3), bias=False), (6, 10, 11)),
        43200,
    ),
    "Conv2D grouped": (alone(cs.Conv2d(4, (3, 2), groups=2), IMAGE), 216),
    "DepthwiseConv2D": (alone(cs.Conv2d(6, (3, 2), groups=6), (6, 11, 9)), 5616),
    "DepthwiseConv2D doubled": (alone(cs.Conv2d(12, (3, 2), groups=6, bias=False), IMAGE), 7776),
    "DepthwiseConv2D dilated": (alone(cs.Conv2d(6, (3, 2), dilation=2, groups=6, bias=False), (6, 9, 11)), 4320),
    "DepthwiseConv1D doubled": (alone(cs.Conv1d(12, 3, groups=6), LINE), 756),
    "Conv1D": (alone(cs.Conv1d(5, 3), LINE), 1665),
    "Conv1D dilated": (alone(cs.Conv1d(5, 3, dilation=4, bias=False), (6, 19)), 2160),
    "Conv3D": (alone(cs.Conv3d(5, 3), SOLID), 48900),
    "Conv3D dilated": (alone(cs.Conv3d(5, 3, dilation=2, bias=False), (3, 9, 10, 12)), 233280),
    "Conv3D grouped": (alone(cs.Conv3d(4, 3, groups=2), (6, 5, 6, 7)), 240),
    "Conv2DTranspose": (alone(cs.ConvTranspose2d(5, (3, 2), (2, 3), output_padding=(0, 1)), IMAGE), 33150),
    "Conv2DTranspose same": (alone(cs.ConvTranspose2d(5, (3, 2), (2, 3), "same", bias=False), IMAGE), 28800),
    "Conv2DTranspose overlapping": (alone(cs.ConvTranspose2d(5, (3, 4), (2, 3), bias=False), (3, 5, 7)), 14520),
    "Conv2DTranspose, half a product cut off": (alone(cs.ConvTranspose2d(5, 3, 2), (3, 5, 7)), 11962),
    "Conv1DTranspose": (alone(cs.ConvTranspose1d(5, 3, 2), LINE), 2185),
    "Conv3DTranspose": (alone(cs.ConvTranspose3d(5, 3, 2), SOLID), 10725),
    "Dense": (alone(cs.Linear(7), (13,)), 189),
    "Dense without bias": (alone(cs.Linear(7, bias=False), (13,)), 182),
    "Dense over a sequence": (alone(cs.Linear(7), (5, 13)), 945),
    "matmul": (alone(cs.MatMul(), (5, 7), (7, 3)), 210),
    "Embedding": (alone(cs.Embedding(30, 7), (11,)), 22),
    "MultiHeadAttention": (alone(cs.MultiheadAttention(3), (11, 12)), 15378),
    "MultiHeadAttention to other keys": (alone(cs.MultiheadAttention(3), (11, 12), (7, 12), (7, 12)), 12186),
    "MultiHeadAttention without bias": (
        alone(cs.MultiheadAttention(3, bias=False), (11, 12), (7, 12), (7, 12)),
        11754,
    ),
    "MultiHeadAttention with 2 heads": (alone(cs.MultiheadAttention(2), (5, 12)), 6300),
    "product with a variable": (alone(cs.Scale(), IMAGE), 480),
    "BatchNormalization": (alone(cs.BatchNorm2d(), IMAGE), 996),
    "BatchNormalization plain": (alone(cs.BatchNorm2d(affine=False), IMAGE), 990),
    "BatchNormalization of a vector": (alone(cs.BatchNorm1d(), (13,)), 104),
    "BatchNormalization of a solid": (alone(cs.BatchNorm3d(), SOLID), 1278),
    "LayerNormalization": (alone(cs.LayerNorm((0,)), IMAGE), 4640),
    "LayerNormalization of a sequence": (alone(cs.LayerNorm(), (5, 13)), 605),
    "LayerNormalization plain": (alone(cs.LayerNorm(affine=False), (5, 13)), 415),
    "LayerNormalization over all": (alone(cs.LayerNorm((0, 1, 2)), IMAGE), 4324),
    "LayerNormalization over two": (alone(cs.LayerNorm((0, 2)), IMAGE), 4352),
    "GroupNormalization": (alone(cs.GroupNorm(2), IMAGE), 2906),
    "GroupNormalization plain": (alone(cs.GroupNorm(3, affine=False), IMAGE), 2895),
    "GroupNormalization of a line": (alone(cs.GroupNorm(2), LINE), 422),
    "GroupNormalization by channel": (alone(cs.InstanceNorm2d(affine=True), IMAGE), 2922),
    "GroupNormalization by channel, plain": (alone(cs.InstanceNorm2d(), IMAGE), 2910),
    "local_response_normalization": (alone(cs.LocalResponseNorm(5), IMAGE), 0),
    "relu": (alone(cs.ReLU(), IMAGE), 0),
    "elu": (alone(cs.ELU(), IMAGE), 0),
    "sigmoid": (alone(cs.Sigmoid(), IMAGE), 0),
    "gelu": (alone(cs.GELU(), IMAGE), 1920),
    "gelu approximate": (alone(cs.GELU("tanh"), IMAGE), 3360),
    "silu": (alone(cs.SiLU(), IMAGE), 960),
    "mish": (alone(cs.Mish(), IMAGE), 480),
    "softplus": (alone(cs.Softplus(), IMAGE), 0),
    "hard_sigmoid": (alone(cs.Hardsigmoid(), IMAGE), 960),
    "hard_silu": (alone(cs.Hardswish(), IMAGE), 1440),
    "PReLU shared_axes": (alone(cs.PReLU(6), IMAGE), 1446),
    "softmax": (alone(cs.Softmax(), IMAGE), 2400),
    "softmax over rows": (alone(cs.Softmax(1), IMAGE), 2402),
    "log_softmax": (alone(cs.LogSoftmax(), IMAGE), 0),
    "MaxPooling2D": (alone(cs.MaxPool2d((3, 2), (2, 1)), IMAGE), 972),
    "AveragePooling2D same": (alone(cs.AvgPool2d((3, 2), padding="same"), IMAGE), 540),
    "AveragePooling1D": (alone(cs.AvgPool1d(3, 2), LINE), 90),
    "MaxPooling3D": (alone(cs.MaxPool3d(3, 2), SOLID), 0),
    "minus max_pool2d of minus": (alone(cs.MinPool2d((3, 2)), IMAGE), 900),
    "GlobalAveragePooling2D": (alone(cs.GlobalAvgPool2d(), IMAGE), 480),
    "GlobalAveragePooling1D": (alone(cs.GlobalAvgPool1d(), LINE), 66),
    "GlobalMaxPooling2D": (alone(cs.GlobalMaxPool2d(), IMAGE), 0),
    "Add": (alone(cs.Add(), IMAGE, IMAGE, IMAGE), 960),
    "Add of a vector": (alone(cs.Add(), IMAGE, (6, 1, 1)), 480),
    "Multiply growing": (alone(cs.Multiply(), (6, 1, 1), (6, 1, 10), IMAGE), 540),
    "Concatenate": (alone(cs.Concat(), IMAGE, IMAGE), 0),
    "UpSampling1D": (alone(cs.Upsample(3), LINE), 1),
    "UpSampling2D": (alone(cs.Upsample((2, 3)), IMAGE), 2),
    "UpSampling3D": (alone(cs.Upsample(2), SOLID), 3),
    "UpSampling2D bilinear": (alone(cs.Upsample((2, 3), mode="linear"), IMAGE), 0),
    "resize nearest": (alone(cs.Upsample(size=(16, 30)), IMAGE), 0),
    "depth_to_space": (alone(cs.PixelShuffle(2), (8, 4, 5)), 0),
    "ZeroPadding2D": (alone(cs.Pad(2), IMAGE), 0),
}


@pytest.mark.parametrize("case", PRINTED)
def test_a_layer_alone_costs_what_the_profiler_printed(case: str) -> None:
    """The float operations are the profiler's, as integers."""
    network, printed = PRINTED[case]
    told = recount(network, "tf.profiler")
    assert (told.total, told.status.word) == (printed, "complete")


def test_the_small_network_of_the_page_costs_what_the_profiler_printed() -> None:
    """Total and trainable parameters of the Keras model are 385,468 and 494."""
    told = recount(SMALL, "tf.profiler")
    assert (told.total, told.params) == (385_468, 494)


def test_a_network_with_a_shared_layer_costs_what_the_profiler_printed() -> None:
    """Every call is an operator of its own: 113,111 in all, 923 trainable parameters."""
    twice = cs.Conv2d(6, (3, 1), padding="same", bias=False)
    network = Network(
        [
            Entry("input", cs.Input((6, 9, 11))),
            Entry("conv", cs.Conv2d(6, 3, padding="same"), ("input",)),
            Entry("bn", cs.BatchNorm2d(), ("conv",)),
            Entry("silu", cs.SiLU(), ("bn",)),
            Entry("once", twice, ("silu",)),
            Entry("again", twice, ("once",), shares="once"),
            Entry("sum", cs.Add(), ("again", "input")),
            Entry("pool", cs.AvgPool2d((3, 2)), ("sum",)),
            Entry("norm", cs.LayerNorm((0,)), ("pool",)),
            Entry("slope", cs.PReLU(6), ("norm",)),
            Entry("flatten", cs.Flatten(), ("slope",)),
            Entry("dense", cs.Linear(5), ("flatten",)),
        ]
    )
    told = recount(network, "tf.profiler")
    assert (told.total, told.params) == (113_111, 923)


@pytest.mark.parametrize(
    "layer",
    [
        cs.AdaptiveAvgPool2d((3, 7)),
        cs.AdaptiveMaxPool2d(2),
        cs.LPPool2d(2),
        cs.SpatialPyramidPool(),
        cs.MaxPool2d(3, dilation=2),
        cs.MinPool2d(3, dilation=2),
        cs.ConvTranspose2d(4, 3, groups=2),
        cs.ConvTranspose2d(4, 3, dilation=2),
    ],
    ids=lambda layer: layer.kind,
)
def test_what_keras_has_no_layer_for_is_unknown(layer: cs.Layer) -> None:
    """A number is given only where the operators are known."""
    told = recount(alone(layer, IMAGE), "tf.profiler")
    assert (told.rows[0].theirs, told.status.word) == (None, "lower_bound")


def test_an_lstm_is_unknown_and_has_one_bias_per_gate() -> None:
    """A loop's body counts once whatever the steps; the 392 trainable parameters are Keras' LSTM(7) on 6."""
    told = recount(alone(cs.LSTM(7), (11, 6)), "tf.profiler")
    assert (told.rows[0].theirs, told.params) == (None, 392)


def test_an_adaptive_average_of_one_is_a_global_average() -> None:
    """Both are one Mean of all positions."""
    assert recount(alone(cs.AdaptiveAvgPool2d(1), IMAGE), "tf.profiler").total == 480
