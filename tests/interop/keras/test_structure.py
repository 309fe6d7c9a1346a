"""Names, sharing, nested models, subclassed models, and unsupported layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch
from keras import layers, ops

import convscope as cs
from convscope.interop.keras.call import known_names
from interop.keras.parity import chain, functional, kinds, same_as_keras, same_values, unknown

IMAGE = (12, 11, 3)


class Block(layers.Layer):
    """A custom layer: other layers, a weight, operators."""

    def __init__(self, filters, **kwargs) -> None:
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(filters, 3, padding="same", name="conv")
        self.bn = layers.BatchNormalization(name="bn")

    def build(self, shape) -> None:
        self.conv.build(shape)
        self.bn.build(self.conv.compute_output_shape(shape))
        self.factor = self.add_weight(shape=(self.conv.filters,), name="factor")

    def call(self, x, training=None):
        return ops.relu(self.bn(self.conv(x), training=training)) * self.factor + x * 2


class Net(keras.Model):
    """A custom model."""

    def __init__(self) -> None:
        super().__init__(name="net")
        self.stem = layers.Conv2D(4, 3, name="stem")
        self.block = Block(4, name="block")
        self.flat, self.fc = layers.Flatten(name="flat"), layers.Dense(5, name="fc")

    def build(self, shape) -> None:
        self.stem.build(shape)
        self.block.build(self.stem.compute_output_shape(shape))
        n = int(np.prod(self.stem.compute_output_shape(shape)[1:]))
        self.fc.build((None, n))

    def call(self, x, training=None):
        x = self.block(self.stem(x), training=training)
        return self.fc(self.flat(x - ops.mean(x, axis=(1, 2), keepdims=True)))


class Sum(layers.Layer):
    """A layer that computes with PyTorch, and cannot be traced without values."""

    def call(self, x):
        return torch.cumsum(x, 1)

    def compute_output_shape(self, shape):
        return shape


def test_layers_have_keras_names_and_origins():
    model = chain(IMAGE, layers.Conv2D(4, 3, activation="relu", name="conv"), layers.Flatten(name="flat"))
    network = cs.from_keras(model)
    assert [(node.name, node.origin) for node in network.layers] == [
        ("conv", "conv"),
        ("conv.relu", "conv"),
        ("flat.permute", "flat"),
        ("flat", "flat"),
    ]
    assert (network.name, network.input_shape) == (model.name, (3, 12, 11))
    assert cs.from_keras(model, name="mine").name == "mine"


def test_reserved_characters_in_names_are_replaced():
    network = cs.from_keras(chain(IMAGE, layers.Conv2D(4, 3, name="a=b conv")))
    assert [(node.name, node.origin) for node in network.layers] == [("a_b_conv", "a=b conv")]


def test_shared_layers_are_counted_once():
    conv, bn = layers.Conv2D(3, 3, padding="same", name="conv"), layers.BatchNormalization(name="bn")
    network = same_as_keras(functional(IMAGE, lambda x: bn(conv(bn(conv(x))))))
    assert [(node.name, node.params) for node in network.layers] == [
        ("conv", 84),
        ("bn", 6),
        ("conv_2", 0),
        ("bn_2", 0),
    ]


def test_nested_models_are_inlined():
    inner = keras.Sequential(
        [
            keras.Input((10, 9, 4)),
            layers.Conv2D(4, 3, padding="same", name="conv"),
            layers.LayerNormalization(name="ln"),
        ],
        name="inner",
    )
    middle = keras.Sequential([keras.Input((10, 9, 4)), inner, layers.ReLU(name="relu")], name="middle")
    build = lambda x: layers.Conv2D(2, 2, name="last")(middle(inner(layers.Conv2D(4, 3, name="first")(x))))  # noqa: E731
    network = same_as_keras(functional(IMAGE, build))
    assert [(node.name, node.owns_parameters) for node in network.layers] == [
        ("first", True),
        ("inner/conv", True),
        ("inner/ln", True),
        ("middle/inner/conv", False),
        ("middle/inner/ln", False),
        ("middle/relu", True),
        ("last", True),
    ]


def test_nested_models_accept_inputs_by_name():
    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    inner = keras.Model([right, left], layers.Subtract(name="minus")([left, right]), name="inner")
    model = functional((5,), lambda x: inner({"left": layers.Dense(5, name="a")(x), "right": x}))
    network = same_as_keras(model)
    assert network["inner/minus"].inputs == ("a", "image")


def test_functions_accept_keyword_arguments():
    def build(x):
        x = layers.Conv2D(4, 3, name="conv")(inputs=x)
        rows = layers.Reshape((-1, 4), name="rows")(x)
        return layers.MultiHeadAttention(2, 2, name="mha")(value=rows, query=rows)

    assert kinds(same_as_keras(functional((6, 5, 3), build)))[-1] == ("mha", "MultiheadAttention")


def test_custom_layers_are_traced():
    network = same_as_keras(chain((9, 8, 4), Block(4, name="block")))
    assert kinds(network) == [
        ("block/conv", "Conv2d"),
        ("block/bn", "BatchNorm2d"),
        ("block/relu", "ReLU"),
        ("block/multiply.value", "Parameter"),
        ("block/multiply", "Multiply"),
        ("block/multiply_2", "Affine"),
        ("block/add", "Add"),
    ]


def test_functions_in_lambda_layer_are_traced():
    layer = layers.Lambda(lambda x: x * 2 + ops.mean(x, axis=1, keepdims=True), name="mine")
    network = same_as_keras(chain(IMAGE, layers.Conv2D(4, 3), layer))
    assert kinds(network)[1:] == [("mine/multiply", "Affine"), ("mine/mean", "Reduce"), ("mine/add", "Add")]


def test_subclass_of_layer_is_converted_unless_it_overrides_call():
    class Same(layers.Conv2D):
        """Only another name."""

    class Twice(layers.Conv2D):
        """Another result."""

        def call(self, x):
            return super().call(x) * 2

    assert kinds(same_as_keras(chain(IMAGE, Same(4, 3, name="conv")))) == [("conv", "Conv2d")]
    network = cs.from_keras(chain(IMAGE, Twice(4, 3, name="conv")))
    assert (unknown(network), cs.inspect(network).totals.params) == (["Conv"], 112)


@pytest.mark.parametrize("built", [True, False])
def test_subclassed_models_are_traced(built):
    """For the shape that they were built for, or for `input_shape`."""
    model = Net()
    if built:
        model.build((None, *IMAGE))
    network = cs.from_keras(model, None if built else (3, 12, 11))
    assert [node.name for node in network.layers][:3] == ["stem", "block/conv", "block/bn"]
    assert cs.inspect(network).totals.params == sum(int(np.prod(one.shape)) for one in model.trainable_weights)
    x = np.random.default_rng(0).random((2, *IMAGE), np.float32)
    ours = cs.from_keras(model, (3, 12, 11), parameters=True).activations(x.transpose(0, 3, 1, 2))["fc"]
    theirs = model(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_unbuilt_sequential_model_is_built_for_input_shape():
    network = cs.from_keras(keras.Sequential([layers.Conv2D(4, 3, name="conv")]), (5, 9, 7))
    assert (network.input_shape, network["conv"].output_shape) == ((5, 9, 7), (4, 7, 5))


def test_open_sizes_have_defaults():
    model = chain((None, None, 3), layers.Conv2D(4, 3, name="conv"), layers.GlobalMaxPooling2D(name="pool"))
    assert cs.from_keras(model).input_shape == (3, 224, 224)
    assert cs.from_keras(model, (3, 19, 16))["conv"].output_shape == (4, 17, 14)


def test_input_shape_overrides_model():
    model = chain((12, 11, 3), layers.Conv2D(4, 3, name="conv"), Sum(name="sum"), layers.Dense(5, name="fc"))
    network = cs.from_keras(model, (3, 19, 16))
    assert [node.output_shape for node in network.layers][:2] == [(4, 17, 14), (17, 14, 4)]
    assert network["fc"].output_shape == (17, 14, 5)


def test_several_inputs_and_outputs():
    """The first output is the network's last layer; inputs that are not images are unchanged."""
    image, numbers = keras.Input((9, 8, 3), name="image"), keras.Input((5,), name="numbers")
    joined = layers.Concatenate(name="cat")([layers.Flatten(name="flat")(image), numbers])
    model = keras.Model(
        [image, numbers], [layers.Dense(4, name="fc")(joined), layers.Conv2D(2, 3, name="map")(image)]
    )
    network = cs.from_keras(model)
    assert [(node.name, node.output_shape) for node in network.inputs] == [
        ("image", (3, 9, 8)),
        ("numbers", (5,)),
    ]
    assert [node.name for node in network.outputs] == ["map", "fc"]


def test_output_used_by_other_layers_is_an_output():
    def build(x):
        features = layers.Conv2D(4, 3, name="conv")(x)
        return [features, layers.Flatten(name="flat")(features)]

    network = cs.from_keras(functional(IMAGE, build))
    assert network.nodes[-1].name == "conv.output"


@pytest.mark.parametrize(
    ("shape", "build", "operators"),
    [
        ((9, 5), lambda x: layers.GRU(3, name="one")(x), ["GRU"]),
        ((5, 9, 8, 3), lambda x: layers.ConvLSTM2D(4, 3, name="one")(x), ["ConvLSTM2D"]),
        (IMAGE, lambda x: layers.UnitNormalization(name="one")(x), ["UnitNormalization"]),
        (IMAGE, lambda x: layers.ReLU(threshold=0.5, name="one")(x), ["ReLU"]),
        (IMAGE, lambda x: layers.Conv2D(4, 3, activation="glu", name="one")(x), ["glu"]),
        (IMAGE, lambda x: layers.UpSampling2D(2, interpolation="bicubic", name="one")(x), ["UpSampling2D"]),
        (IMAGE, lambda x: layers.Resizing(5, 7, "nearest", name="one")(x), ["Resizing"]),
        (IMAGE, lambda x: layers.Lambda(lambda t: ops.cumsum(t, axis=1), name="one")(x), ["Cumsum"]),
        (IMAGE, lambda x: Sum(name="one")(x), ["Sum"]),
        (IMAGE, lambda x: ops.mean(x, axis=(1, 2, 3)), ["Mean"]),
        (IMAGE, lambda x: ops.reshape(x, (-1, 4, 11, 3)), ["Reshape"]),
        (IMAGE, lambda x: ops.flip(x, axis=1), ["Flip"]),
        ((9, 5), lambda x: layers.LSTM(3, return_state=True, name="one")(x)[0], ["LSTM"]),
        ((9, 5), lambda x: layers.LSTM(3, activation="relu", name="one")(x), ["LSTM"]),
        (
            (9, 6),
            lambda x: layers.MultiHeadAttention(2, 3, name="one")(x, x, use_causal_mask=True),
            ["MultiHeadAttention"],
        ),
    ],
)
def test_unsupported_layers_are_opaque_and_named(shape, build, operators):
    """Its shape matches Keras, and totals are marked as incomplete."""
    model = functional(shape, build)
    network = cs.from_keras(model)
    assert unknown(network) == operators
    assert cs.inspect(network).to_dict()["totals"]["status"] == "unknown"


def test_embedding_mask_is_ignored_unless_used():
    """A layer that uses the mask is opaque, one that does not is converted."""
    words = keras.Input((9,), name="words")
    rows = layers.Embedding(20, 4, mask_zero=True, name="rows")(words)
    network = cs.from_keras(keras.Model(words, layers.LSTM(3, name="lstm")(rows)))
    assert unknown(network) == ["NotEqual", "LSTM"]
    with pytest.warns(UserWarning, match="does not support masking"):
        features = layers.Conv1D(3, 2, name="conv")(rows)
    assert unknown(cs.from_keras(keras.Model(words, features))) == []


def test_layer_called_with_training_is_opaque():
    """It would normalize over the batch."""

    class Always(layers.Layer):
        def __init__(self, **kwargs) -> None:
            super().__init__(**kwargs)
            self.bn = layers.BatchNormalization(name="bn")

        def build(self, shape) -> None:
            self.bn.build(shape)

        def call(self, x):
            return self.bn(x, training=True)

    assert unknown(cs.from_keras(chain(IMAGE, Always(name="always")))) == ["BatchNormalization"]


def test_quantized_weights_are_opaque():
    model = chain(IMAGE, layers.Flatten(), layers.Dense(4, name="fc"))
    model.get_layer("fc").enable_lora(2)
    assert unknown(cs.from_keras(model)) == ["Dense"]


def test_import_does_not_change_model():
    model = chain(IMAGE, layers.Conv2D(4, 3, name="conv"), Block(4, name="block"))
    before, weights = model.get_config(), [one.path for one in model.weights]
    cs.from_keras(model, parameters=True)
    assert (model.get_config(), [one.path for one in model.weights]) == (before, weights)
    same_values(model)


def test_no_weight_is_read_unless_asked_for():
    """A model whose weights have no memory is imported too."""
    with keras.device("meta"):
        model = chain(IMAGE, layers.Conv2D(4, 3, name="conv"))
    assert cs.inspect(cs.from_keras(model)).totals.params == 112


def test_imported_network_round_trips_through_yaml(tmp_path):
    with keras.device("meta"):
        model = keras.applications.MobileNetV2(weights=None, input_shape=(64, 96, 3), classes=7)
    network = cs.from_keras(model)
    path = tmp_path / "net.yaml"
    path.write_text(cs.to_yaml(network), encoding="utf-8")
    assert cs.load(path) == network


def test_every_converted_class_exists_in_keras():
    """Except layers of other versions of Keras."""
    from importlib import import_module

    missing = []
    for name in known_names():
        home, _, word = name.rpartition(".")
        module = import_module("keras.layers" if home == "layers" else f"keras.src.{home}")
        missing += [] if hasattr(module, word) else [name]
    assert missing == []


def test_constants_without_values_are_parameters():
    """The structure does not depend on their values."""

    class Kept(layers.Layer):
        def build(self, shape) -> None:
            self.factor = ops.ones((1,))

        def call(self, x):
            return x * self.factor

    with keras.device("meta"):
        model = chain(IMAGE, Kept(name="kept"))
    assert kinds(cs.from_keras(model)) == [("kept/multiply.value", "Parameter"), ("kept/multiply", "Multiply")]
    assert kinds(same_as_keras(chain(IMAGE, Kept(name="kept")))) == [("kept/multiply", "Affine")]


def test_imported_weights_are_not_initialized_first(monkeypatch):
    """Random initialization of a large model takes longer than copying its weights."""
    monkeypatch.setattr("convscope.optim.initialization.initial", None)
    model = keras.Sequential([keras.Input(IMAGE), layers.Conv2D(5, 2, name="conv"), layers.Flatten()])
    kernel, bias = (variable.value.detach().numpy() for variable in model.weights)
    ours = cs.from_keras(model, parameters=True).parameters
    np.testing.assert_array_equal(ours["conv.weight"], kernel.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(ours["conv.bias"], bias)


def two_inputs() -> keras.Model:
    image, state = keras.Input((9, None, 3), name="image"), keras.Input((5,), name="state")
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(6, 3, name="conv")(image))
    return keras.Model(
        {"state": state, "image": image}, layers.Dense(4, name="fc")(layers.Concatenate()([x, state]))
    )


class Pair(keras.Model):
    """A model of two arguments."""

    def __init__(self) -> None:
        super().__init__(name="pair")
        self.conv, self.pool = layers.Conv2D(6, 3, name="conv"), layers.GlobalAveragePooling2D(name="pool")
        self.fc = layers.Dense(4, name="fc")

    def call(self, image, state, training=None):
        return self.fc(ops.concatenate([self.pool(self.conv(image)), state], axis=-1))


class Dict(Pair):
    """The same of a dict."""

    def call(self, inputs):
        return super().call(inputs["image"], inputs["state"])


class List(Pair):
    """The same of a list."""

    def call(self, inputs):
        return super().call(*inputs)


SHAPES = {"image": (3, 9, 8), "state": (5,)}
PARAMS = 6 * 3 * 9 + 6 + 4 * 11 + 4


@pytest.mark.parametrize(
    ("build", "shapes", "names"),
    [
        (two_inputs, SHAPES, ["image", "state"]),
        (two_inputs, {"image": (3, 9, 8)}, ["image", "state"]),
        (Pair, SHAPES, ["image", "state"]),
        (Dict, SHAPES, ["image", "state"]),
        (List, {"0": (3, 9, 8), "1": (5,)}, ["inputs0", "inputs1"]),
    ],
    ids=["functional", "functional-open-one", "arguments", "dict", "list"],
)
def test_models_of_two_inputs_have_two_inputs(build, shapes, names):
    network = cs.from_keras(build(), shapes)
    assert sorted((node.name, node.output_shape) for node in network.inputs) == [
        (names[0], (3, 9, 8)),
        (names[1], (5,)),
    ]
    assert network["conv"].output_shape == (6, 7, 6)
    assert unknown(network) == []
    assert cs.inspect(network).totals.params == PARAMS


@pytest.mark.parametrize("kind", [Dict, List])
def test_built_model_of_two_inputs_needs_no_shapes(kind):
    model = kind()
    image, state = ops.ones((2, 9, 8, 3)), ops.ones((2, 5))
    model({"image": image, "state": state} if kind is Dict else [image, state])
    network = cs.from_keras(model)
    assert sorted(node.output_shape for node in network.inputs) == [(3, 9, 8), (5,)]
    assert cs.inspect(network).totals.params == PARAMS
