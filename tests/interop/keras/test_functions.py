"""Functions of keras.ops, and operators, in functional graphs: shapes and values match Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from interop.keras.parity import functional, same_as_keras

IMAGE = (17, 14, 6)

ARITHMETIC = {
    "operators": lambda x: ops.relu(x * 2 + 1) - ops.sigmoid(x) / 3,
    "number-minus": lambda x: 1 - x,
    "number-over": lambda x: 2 / (ops.exp(x) + 1),
    "one-over": lambda x: 1 / (ops.exp(x) + 1),
    "negative": lambda x: -x,
    "power": lambda x: ops.power(ops.abs(x), 1.5) + ops.square(x) + x**2,
    "roots": lambda x: ops.sqrt(ops.abs(x)) + ops.rsqrt(ops.abs(x) + 1) + ops.log(ops.abs(x) + 2),
    "waves": lambda x: ops.sin(x) + ops.cos(x) + ops.erf(x),
    "steps": lambda x: ops.floor(x) + ops.ceil(x) + ops.round(x) + ops.sign(x),
    "clip": lambda x: ops.clip(x, -0.5, 0.7),
    "extremes": lambda x: ops.maximum(x, 0.1) + ops.minimum(0.2, x) + ops.maximum(x, ops.square(x)),
    "reciprocal": lambda x: ops.reciprocal(ops.square(x) + 1),
    "arrays": lambda x: (
        x * np.arange(6.0, dtype="float32") + np.linspace(0, 1, 17, dtype="float32").reshape(17, 1, 1)
    ),
    "array-first": lambda x: (
        ops.subtract(np.arange(6.0, dtype="float32"), x) - ops.divide(x, np.full((1, 17, 14, 6), 3.0, "float32"))
    ),
    "cast": lambda x: ops.stop_gradient(ops.cast(x, "float64")),
    "activations": lambda x: (
        ops.silu(x) + ops.gelu(x, approximate=True) + ops.leaky_relu(x, 0.3) + ops.elu(x, 0.5)
    ),
    "more-activations": lambda x: ops.hard_silu(x) + ops.softsign(x) + ops.tanh(x) + ops.softplus(x) + ops.celu(x),
    "keras-activations": lambda x: keras.activations.relu(x, 0.2, max_value=1.5) + keras.activations.hard_tanh(x),
    "softmax": lambda x: ops.log_softmax(x, axis=2) + ops.softmax(x, axis=1),
}

REDUCTIONS = {
    "mean": lambda x: ops.mean(x, axis=(1, 2)),
    "mean-kept": lambda x: x * ops.mean(x, axis=[1, 2], keepdims=True),
    "extremes": lambda x: ops.max(x, axis=-1) + ops.min(x, axis=3),
    "sum": lambda x: ops.sum(x, axis=1),
    "amax": lambda x: ops.amax(x, axis=2, keepdims=True) - ops.amin(x, axis=2, keepdims=True),
}

REARRANGING = {
    "transpose": lambda x: ops.transpose(x, (0, 3, 1, 2)),
    "swap": lambda x: ops.swapaxes(x, 1, 3),
    "move": lambda x: ops.moveaxis(x, -1, 1),
    "reshape": lambda x: ops.reshape(x, (-1, 7, 34, 6)),
    "squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 1), 1),
    "expand": lambda x: ops.expand_dims(x, -1),
    "rows": lambda x: x[:, 1:9:2, :, 2],
    "channels": lambda x: x[..., 1:3] + x[:, :, :, -1:],
    "split": lambda x: ops.concatenate(ops.split(x, 2, axis=-1)[::-1], axis=1),
    "split-at": lambda x: ops.split(x, [3, 5], axis=2),
    "stack": lambda x: ops.stack([x, x * 2], axis=2),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))),
    "pad-channels": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 3), (1, 0)), constant_values=2.0),
    "pad-mirror": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0)), mode="reflect"),
    "broadcast": lambda x: ops.broadcast_to(x[:, :1], (2, 5, 14, 6)),
    "matmul": lambda x: ops.matmul(x, ops.swapaxes(x, 2, 3)),
    "resize": lambda x: ops.image.resize(x, (11, 29)),
}


@pytest.mark.parametrize("build", ARITHMETIC.values(), ids=ARITHMETIC)
def test_arithmetic(build):
    same_as_keras(functional(IMAGE, build))


@pytest.mark.parametrize("build", REDUCTIONS.values(), ids=REDUCTIONS)
def test_reductions(build):
    same_as_keras(functional(IMAGE, build))


@pytest.mark.parametrize("build", REARRANGING.values(), ids=REARRANGING)
def test_shape_functions_match(build):
    """By itself, and between layers that expect channels first."""
    same_as_keras(functional(IMAGE, build))
    same_as_keras(functional((19, 16, 4), lambda x: build(layers.Conv2D(6, 3)(x))))


def test_channel_shuffle():
    def shuffle(x):
        x = ops.reshape(x, (-1, 17, 14, 3, 2))
        return layers.Conv2D(4, 2)(ops.reshape(ops.transpose(x, (0, 1, 2, 4, 3)), (-1, 17, 14, 6)))

    same_as_keras(functional(IMAGE, shuffle))


def test_squeeze_and_excitation():
    def block(x):
        squeezed = ops.mean(x, axis=(1, 2), keepdims=True)
        return x * layers.Conv2D(6, 1, activation="sigmoid")(layers.Conv2D(2, 1, activation="relu")(squeezed))

    same_as_keras(functional(IMAGE, block))
