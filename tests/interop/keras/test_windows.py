"""Layers with windows: shapes, parameters and values match Keras, with all sizes different."""

from __future__ import annotations

import pytest
from keras import layers

from interop.keras.parity import chain, same_as_keras

IMAGE = (17, 14, 6)
SHAPES = {1: (19, 5), 2: IMAGE, 3: (7, 9, 8, 3)}
STRIDES = [(1, 1), (2, 3)]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("kernel", [(4, 3), (1, 5), (2, 2)])
def test_convolution(padding, strides, kernel):
    network = same_as_keras(chain(IMAGE, layers.Conv2D(8, kernel, strides, padding, name="conv", groups=2)))
    assert [(node.name, node.kind, node.origin) for node in network.layers] == [("conv", "Conv2d", "conv")]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_dilated_convolution(padding):
    same_as_keras(chain(IMAGE, layers.Conv2D(8, (4, 3), padding=padding, dilation_rate=(2, 3), use_bias=False)))


@pytest.mark.parametrize("strides", [1, 2])
def test_causal_convolution_matches_keras(strides):
    network = same_as_keras(chain((19, 5), layers.Conv1D(7, 4, strides, padding="causal", name="conv")))
    assert network["conv"].layer.padding == ((3, 0),)


def test_dilated_causal_convolution():
    same_as_keras(chain((19, 5), layers.Conv1D(7, 4, dilation_rate=3, padding="causal")))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda padding: layers.Conv3D(5, (2, 3, 4), (1, 2, 3), padding),
        lambda padding: layers.Conv3DTranspose(5, (2, 3, 4), (1, 2, 3), padding),
    ],
    ids=["plain", "transposed"],
)
def test_convolution_over_three_axes(layer, padding):
    same_as_keras(chain(SHAPES[3], layer(padding)))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("kernel", [(4, 3), (2, 5), (1, 2)])
def test_transposed_convolution(padding, strides, kernel):
    """Also with strides that are longer than the kernel."""
    same_as_keras(chain(IMAGE, layers.Conv2DTranspose(5, kernel, strides, padding)))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("extra", [0, 1, (1, 2)], ids=str)
def test_transposed_convolution_with_output_padding(padding, extra):
    same_as_keras(chain(IMAGE, layers.Conv2DTranspose(5, (4, 5), (2, 3), padding, output_padding=extra)))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_dilated_transposed_convolution(padding):
    same_as_keras(chain(IMAGE, layers.Conv2DTranspose(5, (4, 3), padding=padding, dilation_rate=(2, 3))))


def test_transposed_convolution_over_one_axis():
    same_as_keras(chain((9, 5), layers.Conv1DTranspose(7, 4, 3, padding="same")))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 3])
def test_depthwise_convolution(padding, strides):
    layer = layers.DepthwiseConv2D((4, 3), strides, padding, depth_multiplier=2, name="deep")
    network = same_as_keras(chain(IMAGE, layer))
    assert (network["deep"].layer.groups, network["deep"].layer.out_channels) == (6, 12)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 3])
def test_separable_convolution_is_two_layers(padding, strides):
    layer = layers.SeparableConv2D(5, (4, 3), strides, padding, depth_multiplier=2, name="apart")
    network = same_as_keras(chain(IMAGE, layer))
    assert [node.name for node in network.layers] == ["apart.depthwise", "apart"]


@pytest.mark.parametrize(
    "layer",
    [layers.DepthwiseConv1D(4, 2, padding="same"), layers.SeparableConv1D(6, 4, 2, padding="same")],
    ids=["depthwise", "separable"],
)
def test_convolution_in_two_steps_over_one_axis(layer):
    same_as_keras(chain((19, 5), layer))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("kernel", [(3, 5), (4, 3)])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_pooling(kind, kernel, strides, padding):
    """SAME padding is asymmetric for an even window."""
    same_as_keras(chain(IMAGE, getattr(layers, f"{kind}Pooling2D")(kernel, strides, padding)))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_pooling_of_all_ranks_matches_keras(kind, rank):
    same_as_keras(chain(SHAPES[rank], getattr(layers, f"{kind}Pooling{rank}D")(2)))
    same_as_keras(chain(SHAPES[rank], getattr(layers, f"Adaptive{kind}Pooling{rank}D")(3)))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling(kind, rank, keepdims):
    pool = getattr(layers, f"Global{kind}Pooling{rank}D")(keepdims=keepdims, name="pool")
    network = same_as_keras(chain(SHAPES[rank], pool, layers.Dense(4, name="fc")))
    assert ("pool.flatten" in network) is not keepdims


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "name", ["ZeroPadding{}D", "Cropping{}D", "UpSampling{}D", "SpatialDropout{}D"], ids=lambda n: n[:-3]
)
def test_padding_cropping_and_upsampling_match_keras(name, rank):
    same_as_keras(chain(SHAPES[rank], getattr(layers, name.format(rank))(0.2 if "Drop" in name else 2)))


@pytest.mark.parametrize(
    "layer",
    [
        layers.ZeroPadding2D(((1, 2), (3, 0))),
        layers.Cropping2D(((1, 2), (3, 0))),
        layers.UpSampling2D((2, 3), interpolation="bilinear"),
        layers.Resizing(11, 29),
        layers.Resizing(34, 42, interpolation="nearest"),
        layers.Resizing(17, 14),
        layers.CenterCrop(8, 9),
    ],
    ids=lambda layer: layer.name,
)
def test_asymmetric_padding_matches_keras(layer):
    same_as_keras(chain(IMAGE, layer))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.Conv2D(4, (2, 3), (2, 3), "same", name="one"),
        lambda: layers.Conv2DTranspose(4, (2, 3), (2, 3), "same", name="one"),
        lambda: layers.DepthwiseConv2D((2, 3), name="one"),
        lambda: layers.AveragePooling2D((2, 3), name="one"),
        lambda: layers.GlobalMaxPooling2D(name="one"),
        lambda: layers.ZeroPadding2D(((1, 2), (3, 0)), name="one"),
        lambda: layers.Cropping2D(((1, 2), (3, 0)), name="one"),
        lambda: layers.UpSampling2D((2, 3), name="one"),
        lambda: layers.Resizing(11, 29, name="one"),
    ],
)
def test_channels_first_models_match_keras(channels_first, layer):
    """Then no axes are transposed."""
    network = same_as_keras(chain((6, 17, 14), layer()))
    assert {node.name for node in network.layers} <= {"one", "one.flatten"}
