"""A network compiled to PyTorch modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import BadShape
from ...layers.normalization import BatchNorm
from ...network import Network
from ...optim.randomness import generator
from ..common.losses import Score, score
from ..common.updates import state_slots
from ..protocol import Array, DType, LayerStatistics, StepResult, Training, required
from ..reference.layers import Run
from ..reference.layers.graph import buffer_shapes, keeps_statistics, parameter_shapes
from ..reference.layers.normalization import check_batch
from ..reference.program import first_fault
from ..reference.statistics import layer_statistics
from .arrays import TorchArrays, optimizer_of, update
from .graph_module import GraphModule

Values = dict[str, Tensor]


class TorchProgram:
    """Modules in a tree, called in the network's order; their tensors are the program's arrays."""

    def __init__(self, network: Network, training: Training | None, seed: int, dtype: DType) -> None:
        self._network = network
        self._training = training
        self._seed = seed
        self._dtype = dtype
        kind = torch.float64 if dtype is np.float64 else torch.float32
        self._module = GraphModule(network).to(kind)
        slots = state_slots(training.optimizer) if training else ()
        parameters, buffers = parameter_shapes(network), buffer_shapes(network)
        self._arrays = TorchArrays(self._module, parameters, buffers, slots, kind)
        learned = list(self._arrays.learned.values())
        self._optimizer = optimizer_of(training.optimizer, learned) if training and learned else None
        self._statistics: dict[str, LayerStatistics] = {}
        self._normalizations = [
            (node.layer, node.input_shapes[0])
            for node in network.layers
            if isinstance(node.layer, BatchNorm) and not keeps_statistics(node)
        ]
        kept = {node.name for node in network.layers if keeps_statistics(node)}
        self._still = [module for name, _, module in self._module.order if name in kept]

    def names(self) -> tuple[str, ...]:
        """Return parameters, running statistics, then the optimizer's state."""
        return self._arrays.names()

    def read(self, name: str) -> Array:
        """Return a copy of an array."""
        array: Array = self._arrays.read(name)
        return array

    def write(self, name: str, array: Array) -> None:
        """Overwrite an array."""
        self._arrays.write(name, array)

    def predict(self, x: Array) -> Array:
        """Return the network's output at inference."""
        self._module.eval()
        with torch.no_grad(), _refusals():
            found = self._module(_tensor(x))
        return _array(found[self._network.outputs[-1].name] if isinstance(found, dict) else found)

    def activations(self, x: Array, layers: Collection[str] | None = None) -> dict[str, Array]:
        """Return the outputs of the layers at inference; by default of all, inputs included."""
        values = self._inferred(x)
        return {name: _array(values[name]) for name in (values if layers is None else layers)}

    def differentiate(
        self, x: Array, layer: str, gradient: Callable[[Array], Array], layers: Collection[str]
    ) -> dict[str, tuple[Array, Array]]:
        """Return the outputs of layers at inference, and the gradient of a scalar with respect to each."""
        self._module.eval()
        images = _tensor(x).requires_grad_()
        values = self._values(images, None)
        seed = torch.from_numpy(gradient(_array(values[layer])))
        asked = [name for name in layers if values[name].requires_grad]
        found = torch.autograd.grad(values[layer], [values[name] for name in asked], seed, allow_unused=True)
        by_name = dict(zip(asked, found, strict=True))
        return {name: (_array(values[name]), _or_zeros(by_name.get(name), values[name])) for name in layers}

    def evaluate(self, x: Array, labels: Array) -> StepResult:
        """Return the loss at inference."""
        objective = required(self._training).objective
        with np.errstate(all="ignore"):
            got = score(objective.loss, _array(self._inferred(x)[objective.scores]), labels)
        return StepResult(got.loss, got.correct, got.targets)

    def gradients(self, x: Array, labels: Array, step: int) -> dict[str, Array]:
        """Return the gradient of every parameter that is not frozen, before clipping."""
        before = self._running()
        self._differentiated(x, labels, step)
        self._restore(before)
        return self._gradients()

    def step(self, x: Array, labels: Array, lr: float, step: int, observe: bool = False) -> StepResult:
        """Train on one batch."""
        training, before = required(self._training), self._running()
        values, got = self._differentiated(x, labels, step)
        result = StepResult(got.loss, got.correct, got.targets)
        learned = list(self._arrays.learned.values())
        if not (math.isfinite(got.loss) and all(bool(torch.isfinite(_gradient(one)).all()) for one in learned)):
            self._restore(before)
            fault = first_fault(self, self._network, training, self._seed, self._dtype, x, labels, step)
            return result._replace(fault=fault)
        passed, gradients = (self._passed(values), self._gradients()) if observe else (None, {})
        if training.clip_norm is not None:
            nn.utils.clip_grad_norm_(learned, training.clip_norm)
        if self._optimizer is not None:
            update(self._optimizer, self._arrays.state, lr, step)
        if passed is not None:
            after = {name: self.read(name) for name in self._arrays.parameters}
            self._statistics = layer_statistics(passed, gradients, dict(passed.parameters), after)
        return result

    def statistics(self) -> dict[str, LayerStatistics]:
        """Return the layer statistics of the last observed step."""
        return dict(self._statistics)

    def _inferred(self, x: Array) -> Values:
        self._module.eval()
        with torch.no_grad():
            return self._values(x, None)

    def _differentiated(self, x: Array, labels: Array, step: int) -> tuple[Values, Score]:
        """Run a forward and a backward pass as in training; gradients are left on the parameters.

        A rejected batch leaves the running statistics as they were.
        """
        objective, before = required(self._training).objective, self._running()
        for layer, shape in self._normalizations if len(x) == 1 else ():
            check_batch(layer, (1, *shape))
        self._module.train()
        for module in self._still:
            module.eval()
        try:
            values = self._values(x, generator(self._seed, "masks", step))
            scores = values[objective.scores]
            with np.errstate(all="ignore"):
                got = score(objective.loss, _array(scores), labels)
        except BaseException:
            self._restore(before)
            raise
        learned = list(self._arrays.learned.values()) if scores.requires_grad else []
        back = torch.from_numpy(got.gradient)
        found = torch.autograd.grad(scores, learned, back, allow_unused=True) if learned else ()
        for tensor, gradient in zip_longest(self._arrays.learned.values(), found):
            tensor.grad = torch.zeros_like(tensor) if gradient is None else gradient
        return values, got

    def _values(self, x: Array | Tensor, masks: np.random.Generator | None) -> Values:
        """Return every layer's output; masks are drawn as the reference draws them, layer after layer."""
        values: Values = {self._network.inputs[0].name: x if isinstance(x, Tensor) else _tensor(x)}
        for name, inputs, module in self._module.order:
            if masks is not None and isinstance(module, nn.Dropout):
                values[name] = _dropped(values[inputs[0]], module.p, masks)
                continue
            with _refusals(name):
                output = module(*(values[one] for one in inputs))
            # Layers that change nothing return their input: a view has a gradient of its own.
            values[name] = output.view_as(output) if any(output is values[one] for one in inputs) else output
        return values

    def _gradients(self) -> dict[str, Array]:
        return {name: _array(_gradient(tensor)) for name, tensor in self._arrays.learned.items()}

    def _running(self) -> Values:
        """Return copies of the running statistics, to come back to."""
        return {name: tensor.clone() for name, tensor in self._arrays.buffers.items()}

    def _restore(self, buffers: Values) -> None:
        for name, tensor in buffers.items():
            self._arrays.buffers[name].copy_(tensor)

    def _passed(self, values: Values) -> Run:
        parameters = {name: self.read(name) for name in self._arrays.parameters}
        return Run(self._network, parameters, {name: _array(value) for name, value in values.items()}, {})


@contextmanager
def _refusals(layer: str = "") -> Iterator[None]:
    """Return a one-line error for what PyTorch cannot run."""
    try:
        yield
    except (RuntimeError, ValueError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        if layer:
            raise BadShape(
                "PyTorch cannot run layer {layer!r} ({reason}). Use engine='native' or 'reference'. [torch-run]",
                layer=layer,
                reason=reason,
            ) from None
        raise BadShape(
            "PyTorch cannot run the network ({reason}). Use engine='native' or 'reference'. [torch-run]",
            reason=reason,
        ) from None


def _dropped(x: Tensor, p: float, masks: np.random.Generator) -> Tensor:
    stays = torch.from_numpy(masks.random(tuple(x.shape)) >= p).to(x.dtype)
    return x * (stays / (1 - p) if p < 1 else stays)


def _tensor(x: Array) -> Tensor:
    return torch.from_numpy(np.array(x, order="C"))


def _array(tensor: Tensor) -> Array:
    """Return a copy: the tensor's memory may be used again."""
    array: Array = tensor.detach().numpy().copy()
    return array


def _or_zeros(gradient: Tensor | None, value: Tensor) -> Array:
    return _array(torch.zeros_like(value) if gradient is None else gradient)


def _gradient(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None
    return tensor.grad
