"""Attributions: which pixels a target depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..data.batches import check_inputs
from ..engines.reference import ENGINE as REFERENCE
from ..engines.reference.layers.rules import Context, Gradients, Inputs, Parameters, backward
from ..errors import BadSetting, suggest
from ..layers import ReLU
from ..network import Network
from ..text.language import Message
from .class_maps import CLASS_MAPS, Placement, class_maps
from .targets import Target, resolve_target
from .trace import trace

if TYPE_CHECKING:
    from ..model import Model

BATCH = 16
"""Images of one backward pass, where a method needs many of them."""

Method = Callable[["Model", Array, Target, dict[str, Any]], Array]


def attribute(
    model: Model,
    images: Array,
    target: Target | None = None,
    method: str = "gradient",
    layer: str | None = None,
    placement: Placement = "exact",
    **settings: Any,
) -> Array:
    """Return how much each pixel, or each position, contributes to a target.

    Args:
        images: x (n, c, h, w).
        target: A class, one class per image, or `("layer", (channel, row, column))`. By default the class with the
            highest score of each image.
        method: "gradient", "input_x_gradient", "integrated_gradients", "smooth_grad", "guided_backprop",
            "deconvolution" or "occlusion" for each pixel; "grad_cam", "grad_cam_plus_plus" or "layer_cam" for a
            map by position.
        layer: The layer of a class map. By default the last one with more than one position.
        placement: Where class maps are drawn: "exact" at the centers of the units' receptive fields, "resize" as
            if the map covered the image evenly, as other tools do.
        settings: `steps` and `baseline` of integrated gradients; `samples`, `noise` and `seed` of SmoothGrad;
            `window`, `stride` and `fill` of occlusion.

    Shapes:   class maps (n, h, w); others (n, c, h, w)

    Raises:
        BadSetting: [method], [method-setting], [target], [placement]
        UnknownLayer: [layer-name]
        BadUnit: [target-class], [no-positions]
        BadData: If the images do not fit the network.
    """
    x = check_inputs(model.network, images, model.dtype)
    name = str(method).replace("-", "_")
    if name not in METHODS and name not in CLASS_MAPS:
        raise BadSetting(
            "{method!r} is not an attribution method. {hint} [method]",
            method=method,
            hint=suggest(name, (*METHODS, *CLASS_MAPS), 10),
        )
    allowed = _SETTINGS.get(name, {})
    for key in settings:
        if key not in allowed:
            hint = suggest(key, allowed) if allowed else Message("Leave it out.")
            raise BadSetting(
                "{method} has no setting {key!r}. {hint} [method-setting]", method=name, key=key, hint=hint
            )
    if target is None:
        target = model.logits(x).reshape(len(x), -1).argmax(axis=1).tolist()
    assert target is not None
    if name in CLASS_MAPS:
        return class_maps(model, x, target, name, layer, placement)
    return METHODS[name](model, x, target, {**allowed, **settings})


def _gradient(model: Model, x: Array, target: Target, _: dict[str, Any]) -> Array:
    found = trace(model, x, target, layers=[]).input.gradient
    assert found is not None
    return found


def _input_x_gradient(model: Model, x: Array, target: Target, settings: dict[str, Any]) -> Array:
    product: Array = x * _gradient(model, x, target, settings)
    return product


def _integrated_gradients(model: Model, x: Array, target: Target, settings: dict[str, Any]) -> Array:
    """Average gradients on the straight line from a baseline, by the midpoint rule.

    Source:   Sundararajan, Taly & Yan 2017
    """
    steps, baseline = int(settings["steps"]), np.asarray(settings["baseline"], x.dtype)
    total = np.zeros(x.shape)
    for step in range(steps):
        total += _gradient(model, baseline + (x - baseline) * x.dtype.type((step + 0.5) / steps), target, {})
    found: Array = ((x - baseline) * total / steps).astype(x.dtype)
    return found


def _smooth_grad(model: Model, x: Array, target: Target, settings: dict[str, Any]) -> Array:
    """Average the gradients of noisy copies; `noise` is a share of each image's range.

    Source:   Smilkov et al. 2017
    """
    samples, draw = int(settings["samples"]), np.random.default_rng(int(settings["seed"]))
    axes = tuple(range(1, x.ndim))
    deviation = float(settings["noise"]) * (x.max(axis=axes, keepdims=True) - x.min(axis=axes, keepdims=True))
    total = np.zeros(x.shape)
    for _ in range(samples):
        noisy = x + (draw.standard_normal(x.shape) * deviation).astype(x.dtype)
        total += _gradient(model, noisy, target, {})
    return (total / samples).astype(x.dtype)


@dataclass(frozen=True)
class GuidedReLU(ReLU):
    """ReLU that passes back positive gradients where its input was positive (Springenberg et al. 2015)."""


@dataclass(frozen=True)
class DeconvolutionReLU(ReLU):
    """ReLU that passes back positive gradients, whatever its input was (Zeiler & Fergus 2014)."""


@backward.register
def _(
    layer: GuidedReLU, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    return Gradients((np.maximum(grad_output, 0) * (inputs[0] > 0),))


@backward.register
def _(
    layer: DeconvolutionReLU, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    return Gradients((np.maximum(grad_output, 0),))


def _with_relu(kind: type[ReLU]) -> Method:
    """Return a method: the gradient of the same network whose ReLUs have another backward pass."""

    def method(model: Model, x: Array, target: Target, _: dict[str, Any]) -> Array:
        network = model.network
        entries = [
            entry._replace(layer=kind()) if type(entry.layer) is ReLU else entry for entry in network.entries
        ]
        program = REFERENCE.compile(Network(entries, network.name), None, model.seed, model.dtype)
        for store in (model.parameters, model.buffers):
            for name in store:
                program.write(name, store[name])
        seed = resolve_target(model, target, len(x))
        first = network.inputs[0].name
        return program.differentiate(x, seed.layer, seed.gradient, [first])[first][1]

    return method


def _occlusion(model: Model, x: Array, target: Target, settings: dict[str, Any]) -> Array:
    """Return the mean change of the target over all windows that cover a pixel.

    Source:   Zeiler & Fergus 2014; edges are covered by windows that are cut off there
    """
    sizes = x.shape[2:]
    window = _per_axis(settings["window"], len(sizes))
    stride = _per_axis(settings["stride"] or tuple(max(1, w // 2) for w in window), len(sizes))
    before = _scores(model, x, target)
    change = np.zeros((len(x), *sizes))
    covered = np.zeros(sizes)
    starts = [
        sorted({*range(0, max(1, n - w + 1), s), max(0, n - w)})
        for n, w, s in zip(sizes, window, stride, strict=True)
    ]
    for corner in _grid(starts):
        box = tuple(slice(first, first + w) for first, w in zip(corner, window, strict=True))
        hidden = x.copy()
        hidden[(slice(None), slice(None), *box)] = settings["fill"]
        drop = before - _scores(model, hidden, target)
        change[(slice(None), *box)] += drop.reshape(-1, *(1 for _ in sizes))
        covered[box] += 1
    mean = (change / covered)[:, None]
    return np.broadcast_to(mean, x.shape).astype(x.dtype)


def _scores(model: Model, x: Array, target: Target) -> Array:
    seed = resolve_target(model, target, len(x))
    return seed.pick(model.activations(x, [seed.layer])[seed.layer]).astype(np.float64)


def _per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    values = tuple(int(one) for one in np.atleast_1d(value))
    return values * rank if len(values) == 1 else values


def _grid(starts: list[list[int]]) -> list[tuple[int, ...]]:
    return [tuple(starts[axis][i] for axis, i in enumerate(index)) for index in np.ndindex(*map(len, starts))]


METHODS: dict[str, Method] = {
    "gradient": _gradient,
    "input_x_gradient": _input_x_gradient,
    "integrated_gradients": _integrated_gradients,
    "smooth_grad": _smooth_grad,
    "guided_backprop": _with_relu(GuidedReLU),
    "deconvolution": _with_relu(DeconvolutionReLU),
    "occlusion": _occlusion,
}
"""Methods with a value for each pixel and channel."""

_SETTINGS: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"steps": 50, "baseline": 0.0},
    "smooth_grad": {"samples": 25, "noise": 0.15, "seed": 0},
    "occlusion": {"window": 8, "stride": None, "fill": 0.0},
}
