"""Recipes: what a page without a server needs to compute the units of a layer from recorded arrays.

A recipe is a JSON document. Its `rule` names a function of `static/app/recorded_units.js`, which does one unit's
arithmetic; all geometry is in tables that are computed here.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from ..axis import Bins
from ..engines.reference.layers.sliding import divisors
from ..layers import (
    Add,
    BatchNorm,
    Concat,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    Linear,
    ReLU,
    Subtract,
)
from ..layers.base import Layer
from ..layers.connection import Shape
from ..layers.convolution import Conv
from ..layers.pooling import AdaptiveAvgPool, AvgPool, GlobalAvgPool, MaxPool, MinPool
from ..model import Model
from ..network import Node

Recipe = dict[str, Any]

PADDING, NONE = -1, -2
"""Entries of a table of taps that are no position: zero padding, and nothing."""


def recipe(model: Model, node: Node) -> Recipe | None:
    """Return the recipe of a layer, or None for a layer without one."""
    shapes = [model.network[name].output_shape for name in node.inputs]
    found = rule(node.layer, shapes, model, node) if shapes else None
    return None if found is None else {"kind": node.kind, "sources": list(node.inputs), **found}


@singledispatch
def rule(layer: Layer, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    """Return how a unit of a layer follows from its inputs, or None."""
    return None


def _parameters(node: Node) -> list[str]:
    """Return the names of weight and bias in the model."""
    return [f"{node.parameters_of}.{name}" for name in ("weight", "bias") if name in node.facts.param_shapes]


@rule.register
def _(layer: Conv, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    axes = [window.taps(n).tolist() for window, n in zip(layer.windows(shapes[0]), shapes[0][1:], strict=True)]
    return {"rule": "conv", "groups": layer.groups, "axes": axes, "parameters": _parameters(node)}


@rule.register
def _(layer: Linear, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    return {"rule": "linear", "length": layer.vector(shapes[0])[-1], "parameters": _parameters(node)}


@rule.register
def _(layer: MaxPool, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    if isinstance(layer, MinPool):
        return None
    axes = [window.taps(n).tolist() for window, n in zip(layer.windows(shapes[0]), shapes[0][1:], strict=True)]
    return {"rule": "max", "axes": axes}


@rule.register
def _(layer: AvgPool, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    along = list(zip(layer.windows(shapes[0]), shapes[0][1:], strict=True))
    return {
        "rule": "mean",
        "axes": [window.taps(n).tolist() for window, n in along],
        "divisors": [divisors(n, window, layer.count_include_pad).tolist() for window, n in along],
    }


@rule.register(AdaptiveAvgPool)
@rule.register(GlobalAvgPool)
def _(layer: Layer, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    sizes = node.output_shape[1:] if len(node.output_shape) == len(shapes[0]) else (1,) * (len(shapes[0]) - 1)
    spans = [Bins(n, size).span(np.arange(size)) for n, size in zip(shapes[0][1:], sizes, strict=True)]
    axes, counts = [], []
    for first, last in spans:
        lengths = last - first + 1
        table = first[:, None] + np.arange(int(lengths.max()))
        axes.append(np.where(table <= last[:, None], table, NONE).tolist())
        counts.append(lengths.tolist())
    return {"rule": "mean", "axes": axes, "divisors": counts}


@rule.register(Add)
@rule.register(Subtract)
def _(layer: Layer, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    if len(set(node.inputs)) < len(node.inputs):
        return None
    rest = -1 if isinstance(layer, Subtract) else 1
    return {"rule": "add", "factors": [1, *[rest] * (len(shapes) - 1)]}


@rule.register
def _(layer: BatchNorm, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    def of(store: Any, name: str, default: float) -> Any:
        found = store.get(f"{node.parameters_of}.{name}")
        return np.full(shapes[0][0], default) if found is None else np.asarray(found, np.float64)

    mean, variance = (of(model.buffers, name, 0.0) for name in ("running_mean", "running_var"))
    gamma, beta = of(model.parameters, "weight", 1.0), of(model.parameters, "bias", 0.0)
    factors = gamma / np.sqrt(variance + layer.eps)
    facts = {
        "mean": mean,
        "variance": variance,
        "eps": np.full_like(mean, layer.eps),
        "gamma": gamma,
        "beta": beta,
    }
    return {
        "rule": "scale",
        "factors": factors.tolist(),
        "shifts": (beta - mean * factors).tolist(),
        "facts": {name: values.tolist() for name, values in facts.items()},
    }


@rule.register
def _(layer: ReLU, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    return {"rule": "slope", "negative": 0}


@rule.register
def _(layer: LeakyReLU, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    return {"rule": "slope", "negative": layer.negative_slope}


@rule.register(Flatten)
@rule.register(Identity)
@rule.register(Dropout)
def _(layer: Layer, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    return {"rule": "copy", "shape": list(node.output_shape)}


@rule.register
def _(layer: Concat, shapes: list[Shape], model: Model, node: Node) -> Recipe | None:
    return {"rule": "concat", "axis": layer.axis}
