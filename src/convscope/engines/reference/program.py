"""A network compiled to NumPy, and the localization of NaN and infinity in a training step."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable

import numpy as np

from ...network import Network, Node
from ...optim.randomness import generator
from ...text.language import Message
from ..common.losses import Score, score
from ..common.updates import state_slots, update
from ..protocol import Array, DType, Fault, LayerStatistics, Program, StepResult, Training, required
from .layers import Derivatives, Run, run
from .layers.graph import buffer_shapes, parameter_shapes, trained_shapes
from .statistics import layer_statistics


class ReferenceProgram:
    """A program on dictionaries of NumPy arrays. Activations live for one call."""

    def __init__(self, network: Network, training: Training | None, seed: int, dtype: DType) -> None:
        self._network = network
        self._training = training
        self._seed = seed
        zeros = {name: np.zeros(shape, dtype) for name, shape in parameter_shapes(network).items()}
        self._parameters: dict[str, Array] = zeros
        self._buffers: dict[str, Array] = {
            name: np.zeros(shape, dtype) for name, shape in buffer_shapes(network).items()
        }
        slots = state_slots(training.optimizer) if training else ()
        self._state: dict[str, dict[str, Array]] = {
            name: {slot: np.zeros_like(zeros[name]) for slot in slots} for name in trained_shapes(network)
        }
        self._arrays = {
            **self._parameters,
            **self._buffers,
            **{f"{name}.{slot}": array for name, own in self._state.items() for slot, array in own.items()},
        }
        self._statistics: dict[str, LayerStatistics] = {}

    def names(self) -> tuple[str, ...]:
        """Return parameters, running statistics, then the optimizer's state."""
        return tuple(self._arrays)

    def read(self, name: str) -> Array:
        """Return a copy of an array."""
        return self._arrays[name].copy()

    def write(self, name: str, array: Array) -> None:
        """Overwrite an array."""
        self._arrays[name][...] = array

    def predict(self, x: Array) -> Array:
        """Return the network's output at inference."""
        return self._infer(x).output

    def activations(self, x: Array, layers: Collection[str] | None = None) -> dict[str, Array]:
        """Return the outputs of the layers at inference; by default of all, inputs included."""
        values = self._infer(x.copy()).values  # the images are among them, and views of them
        return values if layers is None else {name: values[name] for name in layers}

    def differentiate(
        self, x: Array, layer: str, gradient: Callable[[Array], Array], layers: Collection[str]
    ) -> dict[str, tuple[Array, Array]]:
        """Return the outputs of layers at inference, and the gradient of a scalar with respect to each."""
        with np.errstate(all="ignore"):
            passed = self._infer(x.copy())
            found = passed.backward({layer: gradient(passed.values[layer])}).values
        values = {name: passed.values[name] for name in layers}
        return {name: (value, found.get(name, np.zeros_like(value))) for name, value in values.items()}

    def evaluate(self, x: Array, labels: Array) -> StepResult:
        """Return the loss at inference."""
        training = required(self._training)
        with np.errstate(all="ignore"):
            got = score(training.objective.loss, self._infer(x).values[training.objective.scores], labels)
        return StepResult(got.loss, got.correct, got.targets)

    def gradients(self, x: Array, labels: Array, step: int) -> dict[str, Array]:
        """Return the gradient of every parameter that is not frozen, before clipping."""
        with np.errstate(all="ignore"):
            return self._differentiated(x, labels, step)[2].parameters

    def step(self, x: Array, labels: Array, lr: float, step: int, observe: bool = False) -> StepResult:
        """Train on one batch."""
        training = required(self._training)
        with np.errstate(all="ignore"):  # what overflows is found and named below
            passed, got, derivatives = self._differentiated(x, labels, step)
            fault = find_fault(passed, got.loss, derivatives)
            if fault is not None:
                return StepResult(got.loss, got.correct, got.targets, fault)
            before = {name: array.copy() for name, array in self._parameters.items()} if observe else {}
            scale = _clip_scale(derivatives.parameters, training.clip_norm)
            for name, gradient in derivatives.parameters.items():
                own = self._state[name]
                update(training.optimizer, self._parameters[name], gradient * scale, own, lr, step)
            for name, array in passed.new_buffers.items():
                self._buffers[name][...] = array
            if observe:
                self._statistics = layer_statistics(passed, derivatives.parameters, before, self._parameters)
        return StepResult(got.loss, got.correct, got.targets)

    def statistics(self) -> dict[str, LayerStatistics]:
        """Return the layer statistics of the last observed step."""
        return dict(self._statistics)

    def _infer(self, x: Array) -> Run:
        with np.errstate(all="ignore"):
            return run(self._network, x, self._parameters, self._buffers)

    def _differentiated(self, x: Array, labels: Array, step: int) -> tuple[Run, Score, Derivatives]:
        objective = required(self._training).objective
        masks = generator(self._seed, "masks", step)
        passed = run(self._network, x, self._parameters, self._buffers, training=True, generator=masks)
        got = score(objective.loss, passed.values[objective.scores], labels)
        return passed, got, passed.backward({objective.scores: got.gradient})


def _clip_scale(gradients: dict[str, Array], clip_norm: float | None) -> float:
    """Return the factor that brings the norm over all gradients down to `clip_norm`."""
    if clip_norm is None:
        return 1.0
    squares = [np.square(gradient, dtype=np.float64).sum() for gradient in gradients.values()]
    # As PyTorch's clip_grad_norm_. The 1e-6 only matters for tiny gradients.
    return min(1.0, clip_norm / (float(np.sqrt(sum(squares))) + 1e-6))


def first_fault(
    program: Program,
    network: Network,
    training: Training | None,
    seed: int,
    dtype: DType,
    x: Array,
    labels: Array,
    step: int,
) -> Fault:
    """Return the first array with NaN or infinity, by repeating a step of another engine's program.

    It is the loss if the reference, which rounds differently, finds none.
    """
    reference = ReferenceProgram(network, training, seed, dtype)
    for name in reference.names():
        reference.write(name, program.read(name))
    return reference.step(x, labels, 0.0, step).fault or Fault(network.outputs[-1].name, Message("loss"))


def find_fault(passed: Run, loss: float, derivatives: Derivatives) -> Fault | None:
    """Return the first array that is not finite, in the order of computation; None if all are finite."""
    if math.isfinite(loss) and _finite(derivatives.parameters.values()):
        return None
    for node in passed.network.nodes:
        if not _finite(_parameters(node, passed)):
            return Fault(node.name, Message("parameters"))
        if not _finite([passed.values[node.name]]):
            return Fault(node.name, Message("output"))
    for node in reversed(passed.network.layers):
        if node.name in derivatives.values and not _finite([derivatives.values[node.name]]):
            return Fault(node.name, Message("gradient"))
        own = [derivatives.parameters[f"{node.parameters_of}.{name}"] for name in node.trained]
        if not _finite(own):
            return Fault(node.name, Message("gradient of the parameters"))
    return Fault(passed.network.outputs[-1].name, Message("loss"))


def _parameters(node: Node, passed: Run) -> list[Array]:
    return [passed.parameters[f"{node.parameters_of}.{name}"] for name in node.facts.param_shapes]


def _finite(arrays: Iterable[Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)
