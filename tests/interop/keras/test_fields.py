"""Receptive fields match gradients in Keras, computed without the package's arithmetic.

A copy of a model is linear and has positive weights, so that nothing cancels: a pixel's gradient is positive exactly
in the receptive field.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch
from keras import layers

import convscope as cs


def linearized(model: keras.Model) -> keras.Model:
    """Return a copy: kernels of equal weights, no bias, activations left out, maxima means."""

    def linear(layer: keras.layers.Layer) -> keras.layers.Layer:
        settings = layer.get_config()
        if isinstance(layer, layers.ReLU | layers.Activation):
            return layers.Activation("linear", name=layer.name)
        if isinstance(layer, layers.MaxPooling2D):
            return layers.AveragePooling2D.from_config(settings)
        if "activation" in settings:
            settings["activation"] = "linear"
        return type(layer).from_config(settings)

    copy = keras.models.clone_model(model, clone_function=linear)
    for variable in copy.weights:
        whole = 1 / np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 1.0
        variable.assign(
            np.full(variable.shape, 0.0 if variable.name in ("bias", "beta", "moving_mean") else whole)
        )
    return copy


def seen_by(model: keras.Model, layer: str, unit: tuple[int, int]) -> tuple[int, ...]:
    """Return the box of pixels with a gradient of one unit of a layer, all channels together.

    The box is top, left, bottom, right, the last two behind the last pixel.
    """
    part = keras.Model(model.inputs, model.get_layer(layer).output)
    image = torch.rand((1, *model.input_shape[1:]), requires_grad=True)
    part(image, training=False)[0, unit[0], unit[1]].sum().backward()
    pixels = (image.grad[0].abs().sum(-1) > 0).nonzero()
    (top, left), (bottom, right) = pixels.min(0).values.tolist(), (pixels.max(0).values + 1).tolist()
    return top, left, bottom, right


def hourglass() -> keras.Model:
    """Return a model with SAME windows of even sizes, a dilated branch and transposed convolution."""
    image = keras.Input((61, 53, 3))
    x = layers.Conv2D(4, (4, 3), (2, 3), "same", name="stem")(image)
    x = layers.MaxPooling2D((2, 3), (2, 1), "same", name="pool")(x)
    branch = layers.SeparableConv2D(4, (3, 4), dilation_rate=2, padding="same", name="wide")(x)
    x = layers.Add(name="add")([x, branch])
    x = layers.Conv2DTranspose(4, (4, 5), (2, 3), "same", name="up")(x)
    return keras.Model(image, layers.Cropping2D(((1, 0), (0, 2)), name="crop")(x))


MODELS = {
    "hourglass": (hourglass, "crop"),
    "ResNet50": (lambda: keras.applications.ResNet50(weights=None, input_shape=(80, 63, 3)), "conv3_block2_out"),
    "MobileNetV2": (lambda: keras.applications.MobileNetV2(weights=None, input_shape=(96, 64, 3)), "block_4_add"),
    "InceptionV3": (lambda: keras.applications.InceptionV3(weights=None, input_shape=(107, 91, 3)), "mixed1"),
}


@pytest.mark.parametrize(("build", "layer"), MODELS.values(), ids=MODELS)
def test_receptive_fields_match_gradients(build, layer):
    model = build()
    network, copy = cs.from_keras(model), linearized(model)
    p, q = network[layer].output_shape[-2:]
    for unit in ((0, 0), (p // 2, q // 3), (p - 1, q - 1)):
        assert seen_by(copy, layer, unit) == tuple(network.field(layer, at=unit).clipped)
