"""Run by itself with KERAS_BACKEND set: hold one network of each family against the backend in use."""

from __future__ import annotations

import sys

import keras
import numpy as np
from keras import layers, ops

import convscope as cs


class Token(layers.Layer):
    """A class token in front of a sequence, and a gain."""

    def build(self, shape) -> None:
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, x):
        first = ops.tile(self.token, (ops.shape(x)[0], 1, 1))
        return ops.concatenate([first, ops.sigmoid(self.gain) * x], axis=1)


def small() -> keras.Model:
    picture = keras.Input((17, 14, 3), name="picture")
    x = layers.Conv2D(6, (4, 3), (2, 3), "same", activation="relu", name="conv")(picture)
    x = layers.AveragePooling2D((2, 2), padding="same", name="pool")(layers.BatchNormalization(name="bn")(x))
    x = Token(name="token")(layers.Reshape((-1, 6), name="rows")(x))
    x = layers.MultiHeadAttention(2, 3, name="mha")(x, x)
    return keras.Model(picture, layers.Dense(5, name="fc")(layers.Flatten(name="flat")(x)))


def check(model: keras.Model) -> None:
    """Compare parameters and the shape of the output."""
    network = cs.from_keras(model)
    learned = sum(int(np.prod(variable.shape)) for variable in model.trainable_weights)
    kept = sum(int(np.prod(shape)) for node in network for shape in node.facts.buffer_shapes.values())
    assert cs.inspect(network).totals.params == learned, model.name
    assert learned + kept == model.count_params(), model.name
    assert sorted(network.nodes[-1].output_shape) == sorted(model.output_shape[1:]), model.name


def check_values(model: keras.Model) -> None:
    """Compare the output for two images."""
    x = np.random.default_rng(0).standard_normal((2, 17, 14, 3)).astype(np.float32)
    ours = cs.from_keras(model, parameters=True).activations(x.transpose(0, 3, 1, 2))["fc"]
    theirs = ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


if __name__ == "__main__":
    check(small())
    check_values(small())
    for family in sys.argv[1:]:
        keras.utils.clear_session(free_memory=True)
        check(getattr(keras.applications, family)(weights=None, input_shape=(96, 80, 3), classes=11))
    print(keras.backend.backend(), "agrees")
