"""Random networks: the native engine beside the reference in float64, in all that a model does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import convscope as cs
from convscope.optim.optimizers import SGD

from .network_draws import drawn_network

IMAGES = 3
NUDGE = 1e-6
"""A relative change of every number that goes in: sixteen times the rounding of a float32."""
BOUND = 2e-5
"""Of the largest number, where nothing is badly conditioned: some hundred roundings that add up."""
LEEWAY = 30
"""Three nudges seldom find the direction in which an array moves most, and rounding happens in every layer."""
STEEPEST = 1e-5
"""Where a nudge moves more than that, a ReLU or a maximum hangs by a thread, and the case says nothing."""


@dataclass
class Case:
    """A network, a batch, and what the reference makes of it, with how much a nudge moves that."""

    network: cs.Network
    loss: str
    state: dict[str, np.ndarray]
    x: np.ndarray
    labels: np.ndarray
    truth: dict[str, np.ndarray]
    moved: dict[str, float]

    def model(self, engine: str, dtype: str) -> cs.Model:
        return _model(self.network, self.loss, self.state, engine, dtype)


def _model(network: cs.Network, loss: str, state: dict[str, np.ndarray], engine: str, dtype: str) -> cs.Model:
    model = cs.Model(network, seed=1, engine=engine, dtype=dtype)
    model.compile(optimizer=SGD(lr=0.01, momentum=0.9), loss=loss)
    for name, array in state.items():
        model.program.write(name, array.astype(model.dtype))
    return model


def everything(model: cs.Model, x: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return all that a model answers for a batch, by what it is."""
    x = x.astype(model.dtype)
    labels = labels.astype(model.dtype) if labels.ndim > 1 else labels
    found = {"predict": model.predict(x)}
    found |= {f"output of {name}": array for name, array in model.activations(x).items()}
    found |= {f"gradient of {name}": array for name, array in model.gradients(x, labels).items()}
    before = {name: model.program.read(name) for name in model.program.names()}
    for step in range(3):
        found[f"loss {step}"] = np.asarray(model.train_step(x, labels))
    found |= {f"change of {name}": model.program.read(name) - array for name, array in before.items()}
    found["loss afterwards"] = np.asarray(model.program.evaluate(x, labels).loss)
    return found


def _scales(truth: dict[str, np.ndarray]) -> dict[str, float]:
    """Return what an error is measured by: the largest number of an array, or a twentieth of its kind's largest."""
    largest = {name: float(np.abs(array).max(initial=0)) for name, array in truth.items()}
    kinds: dict[str, float] = {}
    for name, number in largest.items():
        kinds[name.split()[0]] = max(kinds.get(name.split()[0], 1e-6), number)
    return {name: max(number, kinds[name.split()[0]] / 20) for name, number in largest.items()}


def case(seed: int) -> Case:
    """Return the case of a seed: the first batch and parameters that are well conditioned."""
    network = drawn_network(seed)
    shape = network.outputs[-1].output_shape
    loss = "cross_entropy" if len(shape) == 1 and shape[0] > 1 else "mse"
    start = cs.Model(network, seed=seed, engine="reference", dtype="float64")
    for attempt in range(40):
        draw = np.random.default_rng((seed, attempt))
        state = {name: start.program.read(name) for name in (*start.parameters, *start.buffers)}
        for name in start.buffers:
            state[name] = draw.uniform(0.5, 1.5, start.buffers.shape(name))
        for name in start.parameters:
            state[name] = state[name] + 0.1 * draw.normal(size=start.parameters.shape(name))
        state = {name: array.astype(np.float32).astype(np.float64) for name, array in state.items()}
        x = draw.normal(size=(IMAGES, *network.input_shape)).astype(np.float32).astype(np.float64)
        targets = draw.normal(size=(IMAGES, *shape)).astype(np.float32)
        labels = draw.integers(0, shape[0], IMAGES) if loss == "cross_entropy" else targets
        truth = everything(_model(network, loss, state, "reference", "float64"), x, labels)
        moved = _moved(network, loss, state, x, labels, truth, draw)
        if max(moved.values()) < STEEPEST:
            return Case(network, loss, state, x, labels, truth, moved)
    pytest.skip("every batch hangs by a thread")


def _moved(network, loss, state, x, labels, truth, draw) -> dict[str, float]:
    """Return how far each array moves by float32 in the reference and by nudges of all that goes in."""

    def nudged(array: np.ndarray) -> np.ndarray:
        return array * (1 + NUDGE * draw.uniform(-1, 1, array.shape))

    scales = _scales(truth)
    moved = dict.fromkeys(truth, 0.0)
    rounded = _model(network, loss, state, "reference", "float32")
    others = [everything(rounded, x, labels)]
    for _ in range(2):
        own = {name: nudged(array) for name, array in state.items()}
        others.append(everything(_model(network, loss, own, "reference", "float64"), nudged(x), labels))
    for other in others:
        for name, array in other.items():
            change = float(np.abs(array - truth[name]).max(initial=0)) / scales[name]
            moved[name] = max(moved[name], np.inf if np.isnan(change) else change)
    return moved


def differences(case: Case, native: cs.Model) -> list[str]:
    """Say where a model is further from the truth than rounding explains."""
    scales, wrong = _scales(case.truth), []
    for name, array in everything(native, case.x, case.labels).items():
        expected = case.truth[name]
        if array.shape != expected.shape:
            wrong.append(f"{name}: {array.shape} and not {expected.shape}")
            continue
        off = float(np.abs(array - expected).max(initial=0)) / scales[name]
        if not off <= BOUND + LEEWAY * case.moved[name]:
            wrong.append(f"{name}: off by {off:.1e}, where a nudge moves {case.moved[name]:.1e}")
    return wrong


@pytest.mark.parametrize("seed", [1060, 1070, 1165, 1167, *range(22)])
def test_random_network_matches_reference(seed: int) -> None:
    """Output, every layer's output, gradients, losses, three steps with momentum, statistics, evaluation.

    The first four are networks that once went wrong: a differentiable image as it comes read by a convolution,
    and products of three, whose gradients add up outside of blocks.
    """
    own = case(seed)
    assert differences(own, own.model("native", "float32")) == []


def test_small_defect_is_detected() -> None:
    """One weight that is off by a thousandth of the largest shows."""
    own = case(0)
    native = own.model("native", "float32")
    name = next(name for name in native.parameters if name.endswith("weight"))
    weight = native.parameters[name].copy()
    weight.flat[0] += 1e-3 * np.abs(weight).max()
    native.parameters[name] = weight
    assert differences(own, native) != []


def test_every_kind_of_layer_is_drawn() -> None:
    """Among the networks of some hundred seeds is all that has a kernel, shared and branched, and more."""
    networks = [drawn_network(seed) for seed in range(400)]
    nodes = [node for network in networks for node in network.layers]
    drawn = {type(node.layer).__name__ for node in nodes}
    pools = [
        f"{kind}Pool{axes}d" for kind in ("Max", "Min", "Avg", "AdaptiveAvg", "AdaptiveMax") for axes in (1, 2)
    ]
    wanted = {
        "Conv1d",
        "Conv2d",
        "ConvTranspose1d",
        "ConvTranspose2d",
        *pools,
        "GlobalMaxPool2d",
        "Linear",
        "PReLU",
    }
    wanted |= {"BatchNorm1d", "BatchNorm2d", "Add", "Concat", "Multiply", "Pad", "Crop", "Slice", "Upsample"}
    wanted |= {"ChannelShuffle", "PixelShuffle", "Softmax", "LogSoftmax", "Sigmoid", "ReLU", "LocalResponseNorm"}
    assert wanted <= drawn
    assert any(not node.owns_parameters for node in nodes)
    assert any(len(network.consumers(node.name)) > 2 for network in networks for node in network)
    assert any(len(network.outputs) > 1 for network in networks)
    assert any(len(network.outputs[-1].output_shape) == 3 for network in networks)
