"""Comparison of imported models with Keras: shapes and values of every layer's output, and parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import keras
import numpy as np

import convscope as cs
from convscope.interop.graph_builder import ImportedWeights
from convscope.interop.keras.converter import ModelConverter
from convscope.interop.keras.importer import convert_model
from convscope.interop.keras.symbolic import SymbolicTensor
from convscope.layers import Opaque

RELATIVE = 1e-5
"""Largest difference of two results, relative to the largest value."""


def randomized(model: keras.Model, seed: int = 0) -> keras.Model:
    """Randomize all weights, so that none is 0 or 1."""
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        spread = 1.0 if len(variable.shape) < 2 else prod(variable.shape[:-1]) ** -0.5
        numbers = generator.standard_normal(variable.shape) * spread
        if "variance" in variable.path:
            numbers = np.abs(numbers) + 0.5
        if "count" not in variable.path:
            variable.assign(numbers)
    return model


def unknown(network: cs.Network) -> list[str]:
    return [node.layer.operator for node in network.layers if isinstance(node.layer, Opaque)]


def variables_kept(converter: ModelConverter, network: cs.Network) -> int:
    """Return the number of elements of Keras' variables that a network has, each variable once."""
    kept = {}
    sources = converter.builder.weights()
    for node in network:
        for kind in (*node.facts.param_shapes, *node.facts.buffer_shapes):
            weights = sources.get(f"{node.name}.{kind}")
            for source in weights.sources if weights else ():
                if isinstance(source, keras.Variable):
                    kept[id(source)] = prod(source.shape)
    return sum(kept.values())


def counted_by_keras(model: keras.Model) -> int:
    """Return `count_params()` without the image counts of Normalization layers."""
    layers = model._flatten_layers()
    return model.count_params() - sum(
        isinstance(one, keras.layers.Normalization) and len(one.weights) == 3 for one in layers
    )


def learned_by_keras(model: keras.Model) -> int:
    return sum(prod(variable.shape) for variable in model.trainable_weights)


def read_whole(model: keras.Model, shape: Sequence[int] | None = None) -> tuple[ModelConverter, cs.Network]:
    """Import a model, and compare the shape of every symbolic tensor with Keras."""
    converter, outputs = convert_model(model, shape)
    network = converter.builder.build([one.layer for one in outputs], model.name)
    for tensor, flow in tensors_of(model, converter):
        shape = tensor.shape[1:]
        assert len(shape) == len(flow.shape), tensor.name
        assert all(m in (None, n) for n, m in zip(flow.shape, shape, strict=True)), tensor.name
    return converter, network


def tensors_of(model: keras.Model, converter: ModelConverter) -> list[tuple[Any, SymbolicTensor]]:
    """Return Keras' symbolic tensors of the outermost graph, with ours."""
    function = model._functional if isinstance(model, keras.Sequential) else model
    nodes = [node for listed in function._nodes_by_depth.values() for node in listed]
    tensors = [tensor for node in nodes for tensor in node.outputs]
    return [(tensor, converter.values[id(tensor)]) for tensor in tensors]


def held(flow: SymbolicTensor, array: np.ndarray) -> np.ndarray:
    """Return a batch of Keras with the axis order of our tensor."""
    return array.transpose(0, *(axis + 1 for axis in flow.order))


def predicted(model: keras.Model, outputs: Sequence[Any], x: np.ndarray) -> list[np.ndarray]:
    """Return what Keras computes for these symbolic tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy's, about what Keras itself calls
        found = keras.Model(model.inputs, list(outputs)).predict(x, verbose=0)
    return found if isinstance(found, list) else [found]


def same_values(model: keras.Model, x: np.ndarray | None = None, relative: float = RELATIVE) -> cs.Network:
    """Run a model here and in Keras on the same images, and compare the output of every layer."""
    converter, network = read_whole(model)
    assert unknown(network) == []
    sources = converter.builder.weights()
    ours = cs.Model(network, parameters=ImportedWeights(network, lambda name: sources[name].read()))
    pairs = [(tensor, flow) for tensor, flow in tensors_of(model, converter) if flow.layer in network]
    if x is None:
        x = np.random.default_rng(1).standard_normal((2, *model.inputs[0].shape[1:])).astype(np.float32)
    theirs = predicted(model, [tensor for tensor, _ in pairs], x)
    found = ours.activations(held(converter.values[id(model.inputs[0])], x).astype(np.float32))
    for (tensor, flow), expected in zip(pairs, theirs, strict=True):
        wanted = held(flow, np.asarray(expected))
        scale = np.abs(wanted).max()
        assert np.isfinite(scale), tensor.name
        np.testing.assert_allclose(
            found[flow.layer], wanted, rtol=relative, atol=relative * scale, err_msg=tensor.name
        )
    assert variables_kept(converter, network) == counted_by_keras(model)
    assert cs.inspect(network).totals.params == learned_by_keras(model)
    return network


def same_as_keras(model: keras.Model, x: np.ndarray | None = None) -> cs.Network:
    """Compare everything, with weights of which none is 0 or 1 by chance; return the network."""
    return same_values(randomized(model), x)


def chain(shape: tuple[int, ...], *layers: keras.layers.Layer) -> keras.Model:
    """Return a sequential model of these layers."""
    return keras.Sequential([keras.Input(shape), *layers])


def functional(shape: tuple[int, ...], build: Callable[[Any], Any]) -> keras.Model:
    """Return a functional model of one input."""
    image = keras.Input(shape, name="image")
    return keras.Model(image, build(image))


def kinds(network: cs.Network) -> list[tuple[str, str]]:
    return [(node.name, node.kind) for node in network.layers]
