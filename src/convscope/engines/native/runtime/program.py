"""A network compiled to vector code by the native engine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection

import numpy as np

from ....layers import Activation, BatchNorm
from ....network import Network, freezable
from ...common.losses import score
from ...common.updates import state_slots
from ...protocol import Array, LayerStatistics, StepResult, Training, required
from ...reference.layers import Run
from ...reference.layers.graph import keeps_statistics
from ...reference.layers.normalization import check_batch
from ...reference.program import first_fault
from ...reference.statistics import layer_statistics
from ..codegen.compiler import Loader
from ..layout import Blocked, Floats
from ..lowering import Mode, gradient_plan, inference_plan, training_plan
from ..lowering.loss import MEAN
from ..lowering.optimizer import update_arguments, update_plan
from ..plan import Plan, PlanKind, PlanSection, PlanValue, Role, RuntimeArg, gradient_of
from .executable import Executable, ExecutableCache, PlanKey
from .fallback import PlanFallbackContext
from .locks import PROGRAM, ForkLock
from .parameters import Arrays
from .threads import ThreadPool

TYPICAL_BATCH = 64
"""A typical training batch."""


def batch_hint(batch: int) -> int:
    """Return the batch size that plans for this size are optimized for: 1, 8 or 64."""
    return 1 if batch < 4 else 8 if batch < 32 else TYPICAL_BATCH


class NativeProgram:
    """Plans for training and for inference over one set of arrays.

    Kernels are compiled when a plan first runs. A plan is instantiated for each batch size in use. Threads may
    call a program concurrently; their calls run one after the other, since all plans share one memory.
    """

    def __init__(
        self,
        network: Network,
        training: Training | None,
        seed: int,
        strict: bool,
        loader: Loader,
        pool: ThreadPool,
    ) -> None:
        self._network, self._training, self._seed, self._strict = network, training, seed, strict
        self._loader = loader
        self.arrays = Arrays(network, state_slots(training.optimizer) if training else ())
        self._plans: dict[PlanKey, Plan] = {}
        self._executables = ExecutableCache(loader, pool, self.arrays)
        self._observed: dict[str, LayerStatistics] = {}
        self._busy = ForkLock(PROGRAM)
        self._normalizations = [
            (node.layer, node.input_shapes[0])
            for node in network.layers
            if isinstance(node.layer, BatchNorm) and not keeps_statistics(node)
        ]
        for kind in (PlanKind.TRAINING, PlanKind.INFERENCE) if training else (PlanKind.INFERENCE,):
            self.plan(kind)
        self.arrays.settle(training is not None)

    def names(self) -> tuple[str, ...]:
        """Return parameters, running statistics, then the optimizer's state."""
        return self.arrays.names()

    def read(self, name: str) -> Array:
        """Return a copy of an array."""
        return self.arrays.read(name)

    def write(self, name: str, array: Array) -> None:
        """Overwrite an array."""
        self.arrays.write(name, array)

    # plans

    def plan(self, kind: PlanKind | str, batch: int = TYPICAL_BATCH) -> Plan:
        """Return a plan, by kind or by the kind's name.

        Plans are optimized for few or for many images. Any plan works for any batch, but not as fast.
        """
        key = PlanKey(PlanKind(kind), batch_hint(batch))
        if key not in self._plans:
            self._plans[key] = self._lowered(key.kind, key.batch)
        return self._plans[key]

    def _lowered(self, kind: PlanKind, hint: int) -> Plan:
        target, layouts = self._loader.target, self.arrays.layouts
        if kind is PlanKind.UPDATE:
            return update_plan(required(self._training).optimizer, self.arrays.floats, target)
        if kind in (PlanKind.TRAINING, PlanKind.OBSERVED):
            objective = required(self._training).objective
            wanted = _observed_layers(self._network) if kind is PlanKind.OBSERVED else frozenset()
            mode = Mode(training=True, strict=self._strict, batch_hint=hint)
            return training_plan(kind, self._network, objective, target, mode, layouts, wanted)
        every = kind is PlanKind.EVERY_LAYER
        names = {node.name for node in self._network} if every else {self._network.outputs[-1].name}
        if self._training is not None:
            names.add(self._training.objective.scores)
        mode = Mode(training=False, fused=not every, strict=self._strict, batch_hint=hint)
        return inference_plan(kind, self._network, target, mode, layouts, frozenset(names))

    def executable(self, kind: PlanKind, batch: int) -> Executable:
        """Return a plan instantiated for a batch size; its kernels are compiled if they are new."""
        return self._executables.get(PlanKey(kind, batch_hint(batch)), self.plan(kind, batch), batch)

    @property
    def nbytes(self) -> int:
        """The bytes of everything that outlives a call."""
        return self._executables.nbytes

    # inference

    def predict(self, x: Array) -> Array:
        """Return the network's output at inference."""
        with self._busy:
            return unpacked(self._infer(PlanKind.INFERENCE, x), self._network.outputs[-1].name)

    def activations(self, x: Array, layers: Collection[str] | None = None) -> dict[str, Array]:
        """Return the outputs of the layers at inference; by default of all, inputs included."""
        names = [node.name for node in self._network] if layers is None else layers
        with self._busy:
            executable = self._infer(PlanKind.EVERY_LAYER, x)
            return {name: unpacked(executable, name) for name in names}

    def differentiate(
        self, x: Array, layer: str, gradient: Callable[[Array], Array], layers: Collection[str]
    ) -> dict[str, tuple[Array, Array]]:
        """Return the outputs of layers at inference, and the gradient of a scalar with respect to each."""
        key = PlanKey(PlanKind.GRADIENTS, batch_hint(len(x)), layer, frozenset(layers))
        with self._busy:
            if key not in self._plans:
                self._plans[key] = self._gradient_plan(key)
            executable = self._executables.get(key, self._plans[key], len(x))
            context = self._fallback(executable, 0)
            context.target_gradient = gradient
            self._load_images(executable, x)
            for section in (PlanSection.FORWARD, PlanSection.LOSS, PlanSection.BACKWARD):
                executable.run(section, context)
            return {name: (unpacked(executable, name), _gradient(executable, name)) for name in layers}

    def _gradient_plan(self, key: PlanKey) -> Plan:
        """Return a plan for the network without trained parameters: no gradient of a parameter is computed."""
        owners = [node.name for node in self._network if node.owns_parameters and freezable(node.facts)]
        frozen = self._network.with_frozen(*owners)
        mode = Mode(training=False, fused=False, strict=self._strict, batch_hint=key.batch, gradients=True)
        layouts = self.arrays.layouts
        return gradient_plan(key.kind, frozen, key.target, self._loader.target, mode, layouts, key.layers)

    def evaluate(self, x: Array, labels: Array) -> StepResult:
        """Return the loss at inference."""
        objective = required(self._training).objective
        with self._busy:
            scores = unpacked(self._infer(PlanKind.INFERENCE, x), objective.scores)
        with np.errstate(all="ignore"):
            got = score(objective.loss, scores, labels)
        return StepResult(got.loss, got.correct, got.targets)

    def _infer(self, kind: PlanKind, x: Array) -> Executable:
        executable = self.executable(kind, len(x))
        fallback = self._fallback(executable, 0)
        key = PlanKey(kind, batch_hint(len(x)))
        if not self._executables.is_prepared(key):
            executable.run(PlanSection.PREPARE, fallback)
            self._executables.set_prepared(key)
        self._load_images(executable, x)
        executable.run(PlanSection.FORWARD, fallback)
        return executable

    # training

    def gradients(self, x: Array, labels: Array, step: int) -> dict[str, Array]:
        """Return the gradient of every parameter that is not frozen, before clipping."""
        statistics = self.arrays.all_of(Role.STATISTIC)
        with self._busy:
            before = statistics.copy()
            self._differentiate(PlanKind.TRAINING, x, labels, step)
            statistics[...] = before
            return {name: self.arrays.gradient(name) for name in self.arrays.trained_shapes}

    def step(self, x: Array, labels: Array, lr: float, step: int, observe: bool = False) -> StepResult:
        """Train on one batch."""
        with self._busy:
            return self._step(x, labels, lr, step, observe)

    def _step(self, x: Array, labels: Array, lr: float, step: int, observe: bool) -> StepResult:
        training, statistics = required(self._training), self.arrays.all_of(Role.STATISTIC)
        before = statistics.copy()
        kind = PlanKind.OBSERVED if observe else PlanKind.TRAINING
        executable, result = self._differentiate(kind, x, labels, step)
        update = self.executable(PlanKind.UPDATE, 1)
        update.run(PlanSection.NORM, self._fallback(update, step))
        squares = float(update.memory(update.plan.values[PlanValue.SQUARES].buffer).sum(dtype=np.float64))
        if not self._sound(result.loss, squares):
            statistics[...] = before
            fault = first_fault(self, self._network, training, self._seed, np.float32, x, labels, step)
            return result._replace(fault=fault)
        # PyTorch's clip_grad_norm_ adds 1e-6, which shows only in gradients that are themselves tiny.
        limit = training.clip_norm
        scale = 1.0 if limit is None else min(1.0, limit / (math.sqrt(squares) + 1e-6))
        update.set_arguments(update_arguments(training.optimizer, lr, scale, step))
        watched = self._watch(executable) if observe else None
        update.run(PlanSection.UPDATE, self._fallback(update, step))
        self.arrays.version += 1
        if watched is not None:
            self._observed = watched()
        return result

    def statistics(self) -> dict[str, LayerStatistics]:
        """Return the layer statistics of the last observed step."""
        return dict(self._observed)

    def _differentiate(self, kind: PlanKind, x: Array, labels: Array, step: int) -> tuple[Executable, StepResult]:
        objective = required(self._training).objective
        for norm, shape in self._normalizations if len(x) == 1 else ():
            check_batch(norm, (1, *shape))
        executable = self.executable(kind, len(x))
        context = self._fallback(executable, step)
        context.labels, context.loss = labels, objective.loss
        self._load_images(executable, x)
        values = executable.plan.values
        if PlanValue.LABELS in values:
            _check_labels(objective.loss, values[objective.scores].shape[0], len(x), labels)
            executable.memory(values[PlanValue.LABELS].buffer).view(np.int32)[:, 0] = labels
        arguments = {MEAN: 1.0 / len(x)}
        for layer in executable.plan.random:
            low, high = self._key(step, layer)
            arguments |= {RuntimeArg("key_low", layer): low, RuntimeArg("key_high", layer): high}
        executable.set_arguments(arguments)
        statistics = self.arrays.all_of(Role.STATISTIC)
        before = statistics.copy()
        try:
            for section in (PlanSection.FORWARD, PlanSection.LOSS, PlanSection.BACKWARD):
                executable.run(section, context)
        except BaseException:  # a loss in Python may reject labels, and the user may interrupt
            statistics[...] = before
            raise
        if context.result is not None:
            return executable, context.result
        losses = executable.memory(values[PlanValue.LOSSES].buffer)
        correct = executable.memory(values[PlanValue.CORRECT].buffer)
        return executable, StepResult(float(losses.mean(dtype=np.float64)), int(correct.sum()), len(x))

    def _key(self, step: int, layer: str) -> tuple[int, int]:
        """Return the random key of a layer in a step."""
        digest = hashlib.sha256(f"{self._seed}/masks/{step}/{layer}".encode()).digest()
        return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")

    def _sound(self, loss: float, squares: float) -> bool:
        if math.isfinite(loss) and math.isfinite(squares):
            return True
        # The sum of squares overflows long before the gradients do.
        return math.isfinite(loss) and bool(np.isfinite(self.arrays.all_of(Role.GRADIENT)).all())

    def _watch(self, executable: Executable) -> Callable[[], dict[str, LayerStatistics]]:
        """Record an observed step before the update. The function returned computes its statistics afterwards."""
        parameters = {name: self.read(name) for name in self.arrays.parameter_shapes}
        gradients = {name: self.arrays.gradient(name) for name in self.arrays.trained_shapes}
        values = {name: unpacked(executable, name) for name in _observed_layers(self._network)}
        passed = Run(self._network, parameters, values, {})

        def complete() -> dict[str, LayerStatistics]:
            after = {name: self.read(name) for name in parameters}
            return layer_statistics(passed, gradients, parameters, after)

        return complete

    def _load_images(self, executable: Executable, x: Array) -> None:
        value = executable.plan.values[self._network.inputs[0].name]
        executable.memory(value.buffer)[...] = x.reshape(len(x), -1)

    def _fallback(self, executable: Executable, step: int) -> PlanFallbackContext:
        return PlanFallbackContext(executable, self.arrays, self._seed, step)


def unpacked(executable: Executable, name: str) -> Floats:
    """Return a layer's output in NumPy's layout, (n, c, h, w)."""
    value = executable.plan.values[name]
    memory = executable.memory(value.buffer)
    if isinstance(value.layout, Blocked) and value.layout.height == value.layout.width == 1:
        return memory[:, : value.layout.channels].reshape(executable.batch, *value.shape).copy()
    return np.array(value.layout.unpack(memory)).reshape(executable.batch, *value.shape)


def _gradient(executable: Executable, name: str) -> Floats:
    """Return the gradient of a layer's output; zeros if the target does not depend on it."""
    if gradient_of(name) in executable.plan.values:
        return unpacked(executable, gradient_of(name))
    value = executable.plan.values[name]
    return np.zeros((executable.batch, *value.shape), np.float32)


def _observed_layers(network: Network) -> frozenset[str]:
    """Return the layers whose outputs statistics need: activations, and the inputs of saturating ones."""
    names: set[str] = set()
    for node in network.layers:
        if isinstance(node.layer, Activation):
            names.add(node.name)
            if len(node.layer.properties.saturates) == 2:
                names.update(node.inputs)
    return frozenset(names)


def _check_labels(loss: object, classes: int, batch: int, labels: Array) -> None:
    """Reject labels for which a kernel would read out of bounds, with the error of the reference engine."""
    # Written so that NaN is rejected.
    if labels.shape != (batch,) or not ((labels >= 0) & (labels < classes) & (np.floor(labels) == labels)).all():
        score(loss, np.zeros((batch, classes), np.float32), labels)  # type: ignore[arg-type]
