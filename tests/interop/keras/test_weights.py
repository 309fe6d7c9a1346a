"""Weights that custom layers combine with the input, directly or after functions of weights.

Every size differs, and values, shapes and counts are compared with Keras.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

import convscope as cs
from interop.keras.parity import chain, kinds, learned_by_keras, randomized, same_as_keras, unknown

IMAGE = (5, 7, 4)


class Own(layers.Layer):
    """A weight, and a computation with it."""

    def __init__(self, function, shape=(4,), **kwargs) -> None:
        super().__init__(**kwargs)
        self.function, self.shape = function, shape

    def build(self, shape) -> None:
        self.w = self.add_weight(shape=self.shape, initializer="ones", name="w")
        self.numbers = ops.convert_to_tensor(np.arange(3.0, 7.0, dtype="float32"))

    def call(self, x):
        return self.function(self, x)


def own(function, shape=(4,)) -> keras.Model:
    return chain(IMAGE, Own(function, shape, name="own"))


OPERATORS = {
    "mul": lambda s, x: s.w * x,
    "add": lambda s, x: s.w + x,
    "sub": lambda s, x: s.w - x,
    "div": lambda s, x: s.w / (x * x + 1),
    "reflected-sub": lambda s, x: x - s.w,
    "reflected-div": lambda s, x: x / (s.w * s.w + 1),
    "functions": lambda s, x: ops.maximum(s.w, ops.subtract(s.w, ops.multiply(s.w, x))),
    "neg": lambda s, x: x * -s.w + abs(s.w),
    "weights-first": lambda s, x: s.w * s.w + s.w * 2 - 1 / (s.w * s.w + 1) + x,
    "with-constant": lambda s, x: x + s.w * s.numbers + ops.divide(s.numbers, s.w * s.w + 1),
}


@pytest.mark.parametrize("function", OPERATORS.values(), ids=OPERATORS)
def test_operators_with_weight_first_are_converted(function):
    network = same_as_keras(own(function))
    assert cs.inspect(network).totals.params == 4


FUNCTIONS = {
    "sigmoid": ((4,), lambda s, x: x * ops.sigmoid(s.w)),
    "exp": ((), lambda s, x: x * ops.exp(s.w)),
    "softmax": ((4,), lambda s, x: x * ops.softmax(s.w)),
    "mean": ((3, 4), lambda s, x: x + ops.mean(s.w, axis=0)),
    "mean-kept": ((4, 3), lambda s, x: x + ops.mean(s.w, axis=-1)),
    "reshape": ((4,), lambda s, x: x + ops.reshape(s.w, (1, 1, 1, 4))),
    "expand": ((4,), lambda s, x: x + ops.expand_dims(s.w, (0, 1))),
    "new-axes": ((4,), lambda s, x: x + s.w[None, :]),
    "transpose": ((4, 7), lambda s, x: x * ops.transpose(s.w)),
    "turned-twice": ((4, 7, 5), lambda s, x: x * ops.swapaxes(ops.moveaxis(s.w, 0, 2), 0, 1)),
    "tile": ((4,), lambda s, x: x + ops.tile(s.w, (7, 1))),
    "tile-wide": ((2,), lambda s, x: x + ops.tile(s.w, 2)),
    "repeat": ((2,), lambda s, x: x + ops.repeat(s.w, 2, axis=0)),
    "broadcast": ((7, 1), lambda s, x: x + ops.broadcast_to(s.w, (5, 7, 4))),
    "slice": ((3, 6), lambda s, x: x * s.w[1, 2:]),
    "pick": ((3,), lambda s, x: x * s.w[1] + s.w[2]),
    "take": ((3, 4), lambda s, x: x + ops.take(s.w, [[2, 0, 2, 1, 1, 0, 0]] * 5, axis=0)),
    "concat": ((1, 4), lambda s, x: x + ops.concatenate([s.w, s.w * 2, ops.tile(s.w, (5, 1))], axis=0)),
    "stack": ((7, 4), lambda s, x: x[:, :2] + ops.stack([s.w, ops.relu(s.w)])),
    "pad": ((3,), lambda s, x: x + ops.pad(s.w, ((1, 0),), constant_values=2.0)),
    "split": ((8,), lambda s, x: x * ops.split(s.w, 2)[1]),
    "matmul-of-weights": ((7, 4), lambda s, x: ops.matmul(x, ops.matmul(ops.transpose(s.w), s.w))),
}


@pytest.mark.parametrize(("shape", "function"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_of_weights_become_layers(shape, function):
    network = same_as_keras(own(function, shape))
    assert cs.inspect(network).totals.params == int(np.prod(shape))


def test_reshaped_weight_is_one_layer():
    network = same_as_keras(own(lambda s, x: x + ops.reshape(s.w, (1, 1, 1, 4))))
    assert [kind for _, kind in kinds(network)] == ["Parameter", "Add"]


@pytest.mark.parametrize(
    "repeated",
    [
        lambda w, n: ops.tile(w, (n, 1, 1, 1)),
        lambda w, n: ops.broadcast_to(w, (n, 1, 7, 4)),
        lambda w, n: ops.repeat(w, n, axis=0),
        lambda w, n: ops.broadcast_to(w[0, 0], (n, 1, 7, 4)),
        lambda w, n: w * ops.ones((n, 1, 1, 1)),
    ],
    ids=["tile", "broadcast", "repeat", "broadcast-more-axes", "times-ones"],
)
def test_class_token_is_prepended_to_every_image(repeated):
    def join(s, x):
        return ops.concatenate([repeated(s.w, ops.shape(x)[0]), x], axis=1)

    network = same_as_keras(own(join, (1, 1, 7, 4)))
    assert cs.inspect(network).totals.params == 28


class Token(layers.Layer):
    """A token before a sequence, whose steps have gains."""

    def build(self, shape) -> None:
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, x):
        first = ops.tile(self.token, (ops.shape(x)[0], 1, 1))
        return ops.concatenate([first, ops.sigmoid(self.gain) * x], axis=1)


def test_small_vision_transformer_matches_keras():
    image = keras.Input((17, 14, 3), name="image")
    x = layers.Conv2D(6, (4, 3), (2, 3), "same", activation="relu", name="conv")(image)
    x = layers.AveragePooling2D((2, 2), name="pool")(layers.BatchNormalization(name="norm")(x))
    x = Token(name="token")(layers.Reshape((-1, 6), name="rows")(x))
    x = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    network = same_as_keras(keras.Model(image, layers.Dense(5, name="fc")(layers.Flatten(name="flat")(x))))
    assert cs.inspect(network).totals.status == "complete"


PRODUCTS = {
    "matmul": ((4, 3), lambda s, x: ops.matmul(x, s.w), "Linear"),
    "operator": ((4, 3), lambda s, x: x @ s.w, "Linear"),
    "transposed": ((3, 4), lambda s, x: ops.matmul(x, ops.transpose(s.w)), "Linear"),
    "reshaped": ((12,), lambda s, x: ops.matmul(x, ops.reshape(s.w, (4, 3))), "Linear"),
    "dot": ((4, 3), lambda s, x: ops.dot(x, s.w), "Linear"),
    "einsum": ((4, 3), lambda s, x: ops.einsum("bhwc,cd->bhwd", x, s.w), "Linear"),
    "einsum-weight-first": ((3, 4), lambda s, x: ops.einsum("dc,bhwc->bhwd", s.w, x), "Linear"),
    "weight-first": ((3, 7), lambda s, x: ops.matmul(s.w, x), "MatMul"),
    "operator-weight-first": ((3, 7), lambda s, x: s.w @ x, "MatMul"),
    "computed": ((4, 3), lambda s, x: ops.matmul(x, ops.tanh(s.w)), "MatMul"),
}


@pytest.mark.parametrize(("shape", "function", "kind"), PRODUCTS.values(), ids=PRODUCTS)
def test_products_with_a_weight(shape, function, kind):
    network = same_as_keras(own(function, shape))
    assert kinds(network)[-1][1] == kind


class Positions(layers.Layer):
    """An Embedding of constant positions, added to a sequence."""

    def __init__(self, numbers, **kwargs) -> None:
        super().__init__(**kwargs)
        self.table = layers.Embedding(9, 4, name="table")
        self.numbers = numbers

    def build(self, shape) -> None:
        self.table.build((1, 9))
        self.kept = self.add_weight(
            shape=(1, 9), initializer=lambda *_, **__: np.array([self.numbers]), dtype="int32", trainable=False
        )

    def call(self, x):
        return x + self.table(self.kept)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("numbers", "made"),
    [
        (range(9), ["Parameter", "Add"]),
        ([8, 0, 1, 1, 2, 3, 7, 5, 4], ["Parameter", "IndexSelect", "Reshape", "Add"]),
    ],
    ids=["in-turn", "mixed"],
)
def test_position_tables_are_parameters(numbers, made):
    model = chain((9, 4), Positions(list(numbers), name="positions"))
    network = cs.from_keras(model)
    assert [node.kind for node in network.layers][:1] == made[:1]
    assert unknown(network) == []
    assert cs.inspect(network).totals.params == 36
    randomized(model.get_layer("positions").table)
    x = np.random.default_rng(1).standard_normal((2, 9, 4)).astype(np.float32)
    ours = cs.from_keras(model, parameters=True).activations(x)[network.nodes[-1].name]
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(model(x)), rtol=1e-6)


class Tied(layers.Layer):
    """A table of words, and its transpose as the last layer."""

    def __init__(self, turned, **kwargs) -> None:
        super().__init__(**kwargs)
        self.table = layers.Embedding(4, 4, name="table")
        self.turned = turned

    def build(self, shape) -> None:
        self.table.build(shape)

    def call(self, x):
        w = self.table.embeddings
        return ops.matmul(self.table(x), ops.transpose(w) if self.turned else w)


def test_tied_weights_are_counted_once():
    words = np.random.default_rng(0).integers(0, 4, (2, 9))
    network = same_as_keras(chain((9,), Tied(True, name="tied")), words)
    assert [(node.kind, node.params) for node in network.layers] == [("Embedding", 16), ("Linear", 0)]


def test_weight_in_two_orders_is_opaque_and_counted_once():
    """A square table used as a matrix: if it were shared with its lookup, it would be transposed."""
    network = cs.from_keras(chain((9,), Tied(False, name="tied")))
    assert unknown(network) == ["Matmul"]
    assert cs.inspect(network).totals.params == 16


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((9, 5), lambda: layers.GRU(3, name="one")),
        ((5, 9, 8, 3), lambda: layers.ConvLSTM2D(4, 3, name="one")),
        (IMAGE, lambda: Own(lambda s, x: ops.where(x > 0, x, s.w * x), name="one")),
        (IMAGE, lambda: Own(lambda s, x: s.w**x, name="one")),
        (IMAGE, lambda: Own(lambda s, x: x * ops.cumsum(s.w), name="one")),
        (IMAGE, lambda: Own(lambda s, x: x * s.w.value, name="one")),
    ],
    ids=["GRU", "ConvLSTM2D", "where", "power", "of-weights-alone", "out-of-sight"],
)
def test_weights_of_opaque_layers_are_counted(shape, layer):
    model = chain(shape, layer())
    totals = cs.inspect(cs.from_keras(model)).totals
    assert totals.params == learned_by_keras(model)
    assert totals.status == "unknown"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_tracing_restores_keras():
    """Weights are symbolic only while a call is traced, even if it fails."""

    def fails(s, x):
        raise RuntimeError("in the middle")

    layer = Own(lambda s, x: s.w * x)
    layer.build((None, *IMAGE))
    failing = Own(fails, name="failing")
    failing.build((None, *IMAGE))
    failing.compute_output_shape = lambda shape: shape
    cs.from_keras(chain(IMAGE, failing))
    numbers = ops.convert_to_numpy(ops.sigmoid(layer.w) * 2 + layer.w)
    np.testing.assert_allclose(numbers, np.full(4, 2 / (1 + np.exp(-1)) + 1), rtol=1e-6)
    assert not keras.utils.is_keras_tensor(layer.w)
