"""Layers without windows: shapes, parameters and values match Keras, with all sizes different."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from interop.keras.parity import chain, functional, kinds, same_as_keras, same_values

IMAGE = (17, 14, 6)
FUNCTIONS = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
]
FUNCTIONS += ["log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax"]
FUNCTIONS += ["softplus", "softsign", "tanh", "tanh_shrink"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_activations_match_keras_as_layers_and_arguments(function):
    alone, argument = (
        layers.Activation(function, name="act"),
        layers.Conv2D(4, 3, activation=function, name="conv"),
    )
    network = same_as_keras(chain(IMAGE, alone, argument))
    assert ("conv" if function == "linear" else f"conv.{function}") in network
    assert network["act"].origin == "act"


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (layers.ReLU(name="act"), "ReLU"),
        (layers.ReLU(6, name="act"), "ReLU6"),
        (layers.ReLU(0.7, name="act"), "Clamp"),
        (layers.ReLU(negative_slope=0.3, name="act"), "LeakyReLU"),
        (layers.ReLU(0.5, negative_slope=0.3, name="act"), "Clamp"),
        (layers.LeakyReLU(0.1, name="act"), "LeakyReLU"),
        (layers.ELU(0.7, name="act"), "ELU"),
        (layers.PReLU(name="act"), "Subtract"),
        (layers.PReLU(shared_axes=[1, 2], name="act"), "PReLU"),
        (layers.PReLU(shared_axes=[1, 2, 3], name="act"), "PReLU"),
        (layers.PReLU(shared_axes=[2, 3], name="act"), "PReLU"),
        (layers.Softmax(name="act"), "Softmax"),
        (layers.Softmax(1, name="act"), "Softmax"),
    ],
)
def test_activation_layers_match_keras(layer, kind):
    assert same_as_keras(chain(IMAGE, layer))["act"].kind == kind


def test_layer_as_activation_is_converted():
    conv = layers.Conv2D(4, 3, activation=layers.LeakyReLU(0.2, name="leaky"), name="conv")
    network = same_as_keras(chain(IMAGE, conv, layers.Activation(layers.ReLU(3.0), name="act")))
    assert kinds(network) == [("conv", "Conv2d"), ("conv.leaky", "LeakyReLU"), ("act", "Clamp")]


def test_user_function_as_activation_is_traced():
    def doubled_gate(x):
        return 2 * x * keras.ops.sigmoid(x)

    network = same_as_keras(chain(IMAGE, layers.Conv2D(4, 3, activation=doubled_gate, name="conv")))
    assert [kind for _, kind in kinds(network)] == ["Conv2d", "Affine", "Sigmoid", "Multiply"]


FLAGS = [{}, {"scale": False}, {"center": False}, {"scale": False, "center": False}]


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalization(flags, axis):
    layer = layers.BatchNormalization(axis=axis, momentum=0.9, epsilon=0.01, name="bn", **flags)
    network = same_as_keras(chain(IMAGE, layers.Conv2D(5, 3), layer))
    assert (network["bn"].layer.eps, round(network["bn"].layer.momentum, 9)) == (0.01, 0.1)


@pytest.mark.parametrize("shape", [(7,), (9, 5), (4, 6, 5, 3)], ids=str)
def test_batch_normalization_of_other_ranks(shape):
    same_as_keras(chain(shape, layers.BatchNormalization()))


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("axis", [-1, (1, 2, 3), (2, 3)], ids=str)
def test_layer_normalization(flags, axis):
    same_as_keras(chain(IMAGE, layers.Conv2D(5, 3), layers.LayerNormalization(axis=axis, epsilon=0.01, **flags)))


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize(("groups", "axis"), [(3, -1), (-1, -1), (5, 1)])
def test_group_normalization(flags, groups, axis):
    layer = layers.GroupNormalization(groups, axis, epsilon=0.01, **flags)
    same_as_keras(chain(IMAGE, layers.Conv2D(6, 3), layer))


@pytest.mark.parametrize("axis", [-1, (2, 3)], ids=str)
def test_root_mean_square_normalization(axis):
    same_as_keras(chain(IMAGE, layers.RMSNormalization(axis=axis, epsilon=0.01)))


@pytest.mark.parametrize(
    "chained",
    [
        (layers.Conv2D(5, 3), layers.Flatten(), layers.Dense(4)),
        (layers.Conv2D(5, 3), layers.Dense(7, activation="gelu"), layers.Conv2D(3, 2)),
        (layers.Reshape((7, -1, 4)), layers.Conv2D(3, 2)),
        (layers.GlobalAveragePooling2D(), layers.Reshape((1, 1, 6)), layers.Conv2D(3, 1), layers.Flatten()),
        (layers.Permute((3, 1, 2)), layers.Flatten(), layers.Dense(4)),
        (layers.Permute((2, 1, 3)), layers.Conv2D(3, 2)),
    ],
    ids=["flatten", "dense", "reshape", "squeeze-excite", "to-channels-first", "transposed"],
)
def test_flatten_keeps_row_column_channel_order(chained):
    same_as_keras(chain(IMAGE, *chained))


def test_flatten_order_is_channels_last_for_any_data_format(channels_first):
    chained = (layers.Conv2D(4, 3), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(3))
    network = same_as_keras(chain((3, 17, 14), *chained))
    assert network.input_shape == (3, 17, 14)


def test_sequences():
    same_as_keras(chain((5,), layers.RepeatVector(4), layers.Conv1D(3, 2)))
    same_as_keras(chain((9, 5), layers.TimeDistributed(layers.Dense(4))))


def test_arithmetic_on_input_is_converted():
    same_as_keras(chain(IMAGE, layers.Rescaling(1 / 255, -1.0)))
    same_as_keras(chain((9, 8, 3), layers.Rescaling([0.1, 0.2, 0.3], [1, 2, 3]), layers.Conv2D(4, 3)))
    given = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0])
    same_as_keras(chain((9, 8, 3), given, layers.Conv2D(4, 3)))
    same_as_keras(chain((9, 8, 3), layers.Normalization(mean=1.5, variance=4.0, axis=None)))


def test_adapted_statistics_match_keras():
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).random((5, 9, 8, 3)))
    same_values(chain((9, 8, 3), layer, layers.Conv2D(4, 3)))


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concatenation(axis):
    same_as_keras(
        functional(IMAGE, lambda x: layers.Concatenate(axis)([layers.Conv2D(4, 3)(x), layers.Conv2D(4, 3)(x)]))
    )


def test_branches_of_different_axis_order_merge():
    same_as_keras(functional(IMAGE, lambda x: layers.Concatenate()([layers.Conv2D(4, 1)(x), layers.Dense(5)(x)])))
    same_as_keras(functional(IMAGE, lambda x: layers.Add()([layers.Dense(4)(x), layers.Conv2D(4, 1)(x)])))


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"])
def test_merge_layers_match_keras(name):
    """Two images; an image and a vector that is broadcast over pixels."""
    join = getattr(layers, name)()

    def branches(x):
        conv = layers.Conv2D(4, 3)
        vector = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
        return [join([conv(x), layers.Conv2D(4, 3)(x)]), getattr(layers, name)()([conv(x), vector])]

    same_as_keras(functional(IMAGE, branches))


@pytest.mark.parametrize(
    ("shape", "build"),
    [
        ((9, 5), lambda x: layers.Dot(1)([layers.Dense(4)(x), layers.Dense(3)(x)])),
        ((9, 5), lambda x: layers.Dot((2, 1))([layers.Dense(9)(x), layers.Dense(3)(x)])),
        ((9, 5), lambda x: layers.Dot((1, 1))([layers.Conv1D(4, 1)(x), layers.Dense(9)(layers.Flatten()(x))])),
        ((5,), lambda x: layers.Dot(1)([layers.Dense(4)(x), layers.Dense(4)(x)])),
        ((9, 6), lambda x: layers.Attention(use_scale=True)([x, layers.Conv1D(6, 3)(x)])),
        ((9, 6), lambda x: layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")(x)),
        ((9, 6), lambda x: layers.EinsumDense("abc,cde->abde", (None, 4, 5), bias_axes="de")(x)),
        ((9, 6, 5), lambda x: layers.EinsumDense("abcd,cde->abe", (9, 4), bias_axes="e")(x)),
        ((9, 6), lambda x: layers.EinsumDense("...c,cd->...d", 4, activation="relu")(x)),
    ],
)
def test_products(shape, build):
    same_as_keras(functional(shape, build))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: layers.MultiHeadAttention(2, 3, name="mha")(x, x),
        lambda x: layers.MultiHeadAttention(2, 3, name="mha")(x, layers.Conv1D(6, 3)(x)),
        lambda x: layers.MultiHeadAttention(2, 3, use_bias=False, name="mha")(x, x),
    ],
    ids=["self", "cross", "without-bias"],
)
def test_plain_attention_is_one_layer(build):
    assert same_as_keras(functional((9, 6), build))["mha"].kind == "MultiheadAttention"


@pytest.mark.parametrize(
    "build",
    [
        lambda x: layers.MultiHeadAttention(2, 5, value_dim=4, use_bias=False, name="mha")(x, x),
        lambda x: layers.MultiHeadAttention(2, 5, output_shape=7, name="mha")(x, layers.Conv1D(4, 3)(x)),
    ],
    ids=["widths", "output"],
)
def test_other_attention_is_converted_in_parts(build):
    assert same_as_keras(functional((9, 6), build))["mha"].kind == "Linear"


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("use_bias", [True, False])
def test_lstm(sequences, use_bias):
    same_as_keras(chain((9, 5), layers.LSTM(6, return_sequences=sequences, use_bias=use_bias)))


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
def test_lstm_in_both_directions(sequences, mode):
    same_as_keras(chain((9, 5), layers.Bidirectional(layers.LSTM(6, return_sequences=sequences), mode)))


def test_embedding():
    words = np.random.default_rng(0).integers(0, 30, (2, 9))
    network = same_as_keras(chain((9,), layers.Embedding(30, 6), layers.Conv1D(3, 2)), words)
    assert network.input_shape == (9,)


@pytest.mark.parametrize(
    "layer",
    [
        *(
            layers.Dropout(0.3),
            layers.SpatialDropout2D(0.3),
            layers.AlphaDropout(0.3),
            layers.GaussianDropout(0.3),
        ),
        *(layers.GaussianNoise(0.3), layers.Identity(), layers.ActivityRegularization(0.1)),
        *(layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.1), layers.RandomContrast(0.1)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_without_effect_at_inference_are_identities(layer):
    network = same_as_keras(chain((17, 14, 3), layer))
    assert {node.kind for node in network.layers} <= {"Dropout", "Identity"}
