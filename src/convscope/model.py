"""A network with parameters, executed by an engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never, get_args

import numpy as np

from .arrays import Array, DType
from .data.batches import Data, as_dataset, check_dataset, check_inputs, check_labels
from .data.normalization import Normalization, resolve_normalization
from .engines.common.arrays import ProgramArrays, check_array_sizes
from .engines.protocol import Precision, Program, StepResult, Training
from .engines.registry import engine_named
from .errors import BadSetting, NotFinite
from .layers import Sigmoid
from .loading import load
from .network import Network
from .optim.checks import check_integer, check_number
from .optim.initialization import initial_buffers, initial_parameters
from .optim.losses import (
    Loss,
    Reading,
    Task,
    check_probabilities,
    check_task,
    default_loss,
    objective,
    probability_reading,
    task_of,
)
from .optim.optimizers import SGD, Optimizer
from .optim.schedules import Schedule, get_schedule
from .parameters import buffer_shapes, parameter_shapes
from .text.language import Message
from .text.lists import join_or, listed

if TYPE_CHECKING:
    from .analysis.report import Report
    from .inside.class_maps import Placement
    from .inside.strongest import Response
    from .inside.targets import Target
    from .inside.terms import UnitTerms
    from .inside.trace import Trace
    from .training.control import Control
    from .training.fit import Augment
    from .training.history import History

CHUNK = 256
"""Maximum number of images that are computed at once, which bounds the memory."""

_FAULT_LOCATIONS = {
    "parameters": Message("parameters"),
    "output": Message("output"),
    "gradient": Message("gradient"),
    "loss": Message("loss"),
}
_DTYPES: dict[str, DType] = {"float32": np.float32, "float64": np.float64}


class Model:
    """A network, its parameters, and the engine that runs them.

    Results are reproducible: the same seed gives the same parameters, and the same training the same bits.

    Args:
        network: A Network, or anything that `load` accepts.
        seed: Random seed of the initial parameters, shuffling, augmentation and dropout.
        engine: "native" (the default: generated vector code), "reference" (NumPy; float64 models use it instead of
            "native", too) or "torch" (PyTorch's modules, autograd and optimizers, on the CPU).
        dtype: "float32" or "float64".
        precision: "fast", or "strict" to use only algorithms that round like plain sums (no Winograd).
        parameters: Initial parameters and running statistics by name. The others are drawn as described in
            `optim.initialization`.
        task: "classification", "multi_label" or "regression". By default the loss that the model is trained or
            compiled with implies it; until then `predict` returns the network's raw output.

    The environment variable CONVSCOPE_THREADS sets the threads of the native engine, CONVSCOPE_CACHE the folder of
    its compiled code.

    Raises:
        BadSetting: [model-network], [setting], [dtype], [precision], [several-inputs], [task]
        BadShape: [array-size]

    >>> model = Model("input 1x6x5 | conv 4 3 | relu | flatten | dense 3", seed=7)
    >>> model.predict(np.zeros((2, 1, 6, 5), np.float32)).shape
    (2, 3)
    """

    def __init__(
        self,
        network: Network | str | os.PathLike[str],
        seed: int = 0,
        engine: str | None = None,
        dtype: str = "float32",
        precision: Precision = "fast",
        parameters: Mapping[str, Array] | None = None,
        task: str | None = None,
    ) -> None:
        if not isinstance(network, Network | str | os.PathLike):
            raise BadSetting(
                "{setting} must be a Network, a name or a path (got {got}). For a module with its weights, use "
                "from_torch or from_keras with parameters=True. [model-network]",
                setting="Model.network",
                got=type(network).__name__,
            )
        self.network = load(network)
        self.seed = check_integer("Model.seed", seed, 0, Message("Use 0."))
        if dtype not in _DTYPES:
            raise BadSetting(
                "{setting} must be {known} (got {got!r}). [dtype]",
                setting="Model.dtype",
                known=join_or(_DTYPES),
                got=dtype,
            )
        if precision not in get_args(Precision):
            raise BadSetting(
                "{setting} must be one of {known} (got {got!r}). strict rounds as plain sums do, fast may use "
                "Winograd's algorithm. [precision]",
                setting="Model.precision",
                known=listed(get_args(Precision)),
                got=precision,
            )
        if len(self.network.inputs) > 1:
            raise BadSetting(
                "Model supports networks with one input ({network} has {count}). Run it with "
                "convscope.engines.reference.layers.run. [several-inputs]",
                network=self.network.name,
                count=len(self.network.inputs),
            )
        check_array_sizes(self.network)
        self.dtype = _DTYPES[dtype]
        self.classes: tuple[str, ...] | None = None
        self._normalization: Normalization | None = None
        self.steps = 0
        self.chosen: dict[str, Any] = {}
        self._declared = check_task(task)
        self._implied: Task | None = None
        self.precision = precision
        self._engine = engine_named(engine)
        self._schedule = get_schedule(None)
        shapes = parameter_shapes(self.network), buffer_shapes(self.network)
        self.parameters = ProgramArrays("parameter", self._current, shapes[0], self.dtype)
        self.buffers = ProgramArrays("buffer", self._current, shapes[1], self.dtype)
        self._training = Training(SGD(), objective(self.network, default_loss(self.network)))
        self._program = self._compiled()
        initial = {} if parameters is None else parameters
        self.parameters.update(initial_parameters(self.network, self.seed, initial.keys()))
        self.buffers.update(initial_buffers(self.network))
        for name in initial:
            (self.buffers if name in self.buffers else self.parameters)[name] = initial[name]

    @property
    def engine(self) -> str:
        """Return the name of the engine."""
        return self._engine.name

    @property
    def program(self) -> Program:
        """Return the compiled network, which owns all arrays."""
        return self._program

    @property
    def training(self) -> Training:
        """Return the optimizer, loss and clipping that the model is compiled with."""
        return self._training

    @property
    def task(self) -> Task | None:
        """Return the declared task, or the one that the loss of training implies, or None.

        Setting it declares the task. None makes `predict` return the network's raw output.

        Raises:
            BadSetting: [task]
        """
        return self._declared or self._implied

    @task.setter
    def task(self, task: str | None) -> None:
        known = check_task(task)
        if known != self._implied:
            self._declared, self._implied = known, None

    @property
    def normalization(self) -> Normalization | None:
        """Return how images of 0…1 become inputs of the network; None if they are inputs as they are.

        Image files, and data that `fit` loads by name, are normalized. Arrays are taken as inputs of the network:
        use `prepare` for images in memory. Set it to "imagenet", to (mean, std) with one value per channel, or to
        None. It is saved with the model, and written to ONNX files as metadata.

        Raises:
            BadSetting: [normalization]

        >>> model = Model("input 3x8x6 | conv 4 3")
        >>> model.normalization = "imagenet"
        >>> model.normalization
        Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
        """
        return self._normalization

    @normalization.setter
    def normalization(self, value: Normalization | str | Sequence[Sequence[float]] | None) -> None:
        self._normalization = resolve_normalization(value, self.network.input_shape)

    def prepare(self, images: Array) -> Array:
        """Return images of 0…1 as inputs of the network: normalized, if the model has a normalization.

        Shapes:   (c, h, w) or (n, c, h, w) → the same
        """
        return images if self._normalization is None else self._normalization.apply(np.asarray(images))

    def reading(self, probabilities: bool | None = None) -> Reading:
        """Return the function that `predict` applies to the network's output: "softmax", "sigmoid" or "as is".

        Raises:
            BadSetting: [probabilities]
        """
        wanted = check_probabilities(probabilities)
        if wanted is None:
            wanted = self.task in ("classification", "multi_label")
        chosen = None if self._implied is None else self._training.objective
        return probability_reading(self.network, self.task, chosen) if wanted else "as is"

    def compile(
        self,
        optimizer: Optimizer | None = None,
        loss: str | Loss = "cross_entropy",
        schedule: str | Schedule | None = None,
        clip_norm: float | None = None,
    ) -> None:
        """Configure training. Parameters are kept; the optimizer's state and the step count are reset.

        Args:
            optimizer: SGD, Adam or AdamW. SGD() by default.
            loss: A loss or its name.
            schedule: A learning-rate schedule or its name. Constant by default.
            clip_norm: Maximum global L2 norm of the gradients. None disables clipping.

        Raises:
            BadSetting: [setting], [loss], [schedule], [optimizer], [softmax-axis]
        """
        chosen = SGD() if optimizer is None else optimizer
        if not isinstance(chosen, Optimizer):
            raise BadSetting(
                "{setting} must be SGD, Adam or AdamW (got {got!r}). Use convscope.SGD(lr=0.01, momentum=0.9). "
                "[optimizer]",
                setting="compile.optimizer",
                got=optimizer,
            )
        if clip_norm is not None:
            clip_norm = check_number("compile.clip_norm", clip_norm, 0, above=True, hint=Message("1 is usual."))
        followed = get_schedule(schedule, "compile.schedule")
        before, self._training = self._program, Training(chosen, objective(self.network, loss), clip_norm)
        training, self._program = self._training, self._compiled()
        for name in (*self.parameters, *self.buffers):
            self._program.write(name, before.read(name))
        self._schedule, self.steps, self._implied = followed, 0, task_of(training.objective.loss)
        self.chosen = {
            "optimizer": chosen,
            "loss": training.objective.loss,
            "schedule": followed,
            "clip_norm": clip_norm,
        }

    def train_step(self, x: Array, labels: Array) -> float:
        """Train on one batch and return its loss before the update.

        Shapes:   x (n, c, h, w); labels (n,) class indices, or targets in the shape of the output for mse and bce
        Raises:   BadData, BadShape for a batch that does not fit; NotFinite [not-finite], with the model unchanged
        """
        rate = self._schedule.rate(self._training.optimizer.lr, self.steps)
        return self.step(x, labels, rate).loss

    def step(self, x: Array, labels: Array, lr: float, observe: bool = False) -> StepResult:
        """Train on one batch with a given learning rate, and collect statistics if `observe` is set.

        Raises:   as `train_step`; BadSetting [setting] for a learning rate that is negative or not finite
        """
        hint = Message("0.01 is a common start.")
        lr = check_number("step.lr", lr, 0, hint=hint)
        most = float(np.finfo(self.dtype).max)
        if lr > most:
            check_number("step.lr", lr, 0, most, hint=hint)
        self.refuse_all_frozen()
        x = check_inputs(self.network, x, self.dtype)
        result = self._program.step(x, check_labels(labels, len(x)), lr, self.steps, observe)
        if result.fault is not None:
            layer, where = result.fault
            error = NotFinite(
                "NaN or infinity in layer {layer!r} ({where}) at step {step}. Lower the learning rate "
                "(now {lr:g}), or clip the gradient norm to 1. [not-finite]",
                layer=layer,
                where=_FAULT_LOCATIONS.get(where, where),
                step=self.steps,
                lr=lr,
            )
            error.layer = layer
            raise error
        self.steps += 1
        self._implied = task_of(self._training.objective.loss)
        return result

    def refuse_all_frozen(self) -> None:
        """Raise BadSetting [all-frozen] if every parameter is frozen."""
        network = self.network
        if network.frozen_parameters and len(network.frozen_parameters) == len(self.parameters):
            layers = sum(bool(node.frozen) and node.owns_parameters for node in network)
            raise BadSetting(
                "{network} has no parameters to train (frozen layers: {count}). Use "
                "network.with_frozen() for the same network without frozen layers. [all-frozen]",
                network=network.name,
                count=layers,
            )

    def gradients(self, x: Array, labels: Array) -> dict[str, Array]:
        """Return the gradient of every parameter for one batch, as the next step would compute it.

        Frozen parameters are left out, as they have no `.grad` in PyTorch.
        """
        x = check_inputs(self.network, x, self.dtype)
        return self._program.gradients(x, check_labels(labels, len(x)), self.steps)

    def activations(self, x: Array, layers: Sequence[str] | None = None) -> dict[str, Array]:
        """Return the outputs of layers at inference by name; by default of all, including the input.

        Raises:
            UnknownLayer: [layer-name]
        """
        from .inside.targets import node_named

        names = None if layers is None else [node_named(self, layer).name for layer in layers]
        return self._program.activations(check_inputs(self.network, x, self.dtype), names)

    def trace(self, images: Array, target: Target | None = None, layers: Sequence[str] | None = None) -> Trace:
        """Return the values of layers for images, and the gradient of a target with respect to each.

        See `convscope.inside.trace`.
        """
        from .inside.trace import trace

        return trace(self, images, target, layers)

    def unit_terms(self, image: Array, layer: str, at: Sequence[int], target: Target | None = None) -> UnitTerms:
        """Return the arithmetic behind one unit for one image: inputs, weights, products and bias.

        See `convscope.inside.terms.unit_terms`.
        """
        from .inside.terms import unit_terms

        return unit_terms(self, image, layer, at, target)

    def attribute(
        self,
        images: Array,
        target: Target | None = None,
        method: str = "gradient",
        layer: str | None = None,
        placement: Placement = "exact",
        **settings: Any,
    ) -> Array:
        """Return how much each pixel, or each position, contributes to a target.

        See `convscope.inside.attribute`.
        """
        from .inside.attribution import attribute

        return attribute(self, images, target, method, layer, placement, **settings)

    def strongest(
        self, data: Data, layer: str, channel: int, count: int = 9, progress: bool = False
    ) -> list[Response]:
        """Return the images and positions with the strongest response of a channel, strongest first.

        See `convscope.inside.strongest`.
        """
        from .inside.strongest import strongest

        return strongest(self, data, layer, channel, count, progress)

    def maximize(self, layer: str, channel: int, **settings: Any) -> Array:
        """Return an image (c, h, w) that excites a channel, found by gradient ascent from noise.

        See `convscope.inside.maximize`.
        """
        from .inside.maximization import maximize

        return maximize(self, layer, channel, **settings)

    def predict(self, x: Array, probabilities: bool | None = None) -> Array:
        """Return probabilities if the model is a classifier, else the raw output of the network.

        A model is a classifier if it was trained or compiled with a classification loss, or created with
        `task="classification"` or "multi_label". `probabilities=True` or False overrides this.

        Shapes:   x (n, c, h, w) → (n, …) as the network's output
        Raises:   BadSetting [probabilities]; BadData [images-type], [images-shape], [images-empty], [images-nan]
        """

        reading = self.reading(probabilities)
        return _probabilities(self._in_chunks(self._program.predict, x), reading)

    def logits(self, x: Array) -> Array:
        """Return the scores that the loss reads: the input of a final softmax or sigmoid, else the output."""
        scores = self._training.objective.scores
        if scores == self.network.outputs[-1].name:
            return self._in_chunks(self._program.predict, x)
        return self._in_chunks(lambda part: self._program.activations(part)[scores], x)

    def evaluate(self, data: Data, batch_size: int = CHUNK) -> dict[str, float]:
        """Return the mean loss and the accuracy on a dataset.

        Raises:
            BadData: If the data does not fit the network.
        """
        source = as_dataset(data)
        check_dataset(self.network, source, "data")
        size = check_integer("evaluate.batch_size", batch_size, 1, Message("{usual} is usual.", usual=CHUNK))
        loss, correct, count = 0.0, 0, 0
        for first in range(0, len(source), size):
            x, labels = source.batch(np.arange(first, min(first + size, len(source))))
            result = self._program.evaluate(check_inputs(self.network, x, self.dtype), labels)
            loss += result.loss * len(x)
            correct += result.correct or 0
            count += result.targets
        return {"loss": loss / len(source), "accuracy": correct / count}

    def fit(
        self,
        data: Data | str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Optimizer | None = None,
        validation: Data | str | None = None,
        *,
        loss: str | Loss | None = None,
        schedule: str | Schedule | None = None,
        clip_norm: float | None = None,
        augment: Augment | None = None,
        patience: int | None = None,
        run: str | os.PathLike[str] | None = None,
        resume: str | os.PathLike[str] | None = None,
        fork: str | os.PathLike[str] | None = None,
        at: int | None = None,
        checkpoint_every: int | None = None,
        history: int | str | None = None,
        log_every: int | None = None,
        tensorboard: bool = False,
        notes: Mapping[str, Any] | None = None,
        progress: bool = True,
        control: Control | None = None,
    ) -> History:
        """Train on a dataset, and return the history of its epochs.

        Settings that are left out are those that the model was compiled with.

        Args:
            data: A dataset, (x, labels), or a name or path for `load_data`. Optional if named data is resumed.
            epochs: Number of epochs (default: 5).
            batch_size: Images per step (default: 64).
            optimizer: SGD, Adam or AdamW (default: SGD(lr=0.05, momentum=0.9)).
            validation: Validation data of the same kinds. By default the validation part of named data.
            loss: A loss or its name (default: cross-entropy, or the loss of the model's task).
            schedule: A learning-rate schedule or its name (default: constant).
            clip_norm: Maximum global L2 norm of the gradients. None disables clipping.
            augment: Augmentation, such as "shift=2,rotate=10".
            patience: Stop after so many epochs without a lower loss. None disables it.
            run: A new folder for the log and checkpoints.
            resume: The folder of a run to resume, bit-identically. Only `epochs`, `checkpoint_every`, `patience`,
                `history` and `log_every` may change.
            fork: The folder of a run that the new one continues from step `at`, with settings that may differ.
            at: The step to fork at, one of those for which the other run has a checkpoint.
            checkpoint_every: Steps between checkpoints. None saves after each epoch and every 30 seconds.
            history: Bytes for a ring of full checkpoints in the run folder, such as "256MB": all of the first
                steps, then fewer and fewer. None keeps only the last and the previous one.
            log_every: Steps between lines of the log with the loss of one step (default: 50).
            tensorboard: Whether to write TensorBoard events into the run folder.
            notes: JSON values to store in run.json.
            progress: Whether to show progress on stderr.
            control: Pauses, steps and stops the training from another thread: `training.control.Control`.

        Raises:
            BadSetting: For an invalid setting.
            BadData: If the data does not fit the network.
            BadFile: If a folder cannot be used.
            NotFinite: [not-finite]
        """
        from .training.fit import RunOptions, fit

        settings = {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "loss": loss,
            "schedule": schedule,
            "clip_norm": clip_norm,
            "augment": augment,
            "patience": patience,
            "checkpoint_every": checkpoint_every,
            "history": history,
            "log_every": log_every,
        }
        options = RunOptions(run, resume, tensorboard, notes or {}, fork, at, control)
        return fit(self, data, validation, settings, options, progress)

    def summary(self) -> Report:
        """Return the report of the network. Its str() is the table of layers; notebooks show it as HTML."""
        from .analysis.report import inspect

        return inspect(self.network)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the network, parameters and running statistics to a .safetensors file, or a folder with one.

        Raises:
            BadFile: [write-failed]
        """
        from .training.model_io import save_model

        save_model(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], engine: str | None = None) -> Model:
        """Load a model from a file, a folder written by `save`, or a run folder (its best checkpoint).

        Raises:
            BadFile: [file-missing], [file-damaged], [no-network]
        """
        from .training.model_io import load_model

        return load_model(Path(path), engine)

    def load_parameters(self, path: str | os.PathLike[str], names: Mapping[str, str] | None = None) -> None:
        """Load parameters and running statistics from a .safetensors file, such as a PyTorch state dict.

        Args:
            path: The file.
            names: Layer names of the file mapped to those of the network: {"features.0": "conv1"}.

        Raises:
            BadFile: [file-missing], [file-damaged], [other-network] with a list of the differences.
        """
        from .training.model_io import load_parameters

        load_parameters(self, Path(path), names or {})

    def __repr__(self) -> str:
        count = sum(int(np.prod(self.parameters.shape(name))) for name in self.parameters)
        return f"Model({self.network!r}, {count:,} parameters, engine={self.engine!r})"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def _compiled(self) -> Program:
        return self._engine.compile(self.network, self._training, self.seed, self.dtype, self.precision)

    def _current(self) -> Program:
        return self._program

    def _in_chunks(self, compute: Callable[[Array], Array], x: Array) -> Array:
        x = check_inputs(self.network, x, self.dtype)
        parts = [compute(x[first : first + CHUNK]) for first in range(0, len(x), CHUNK)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _probabilities(output: Array, reading: Reading) -> Array:
    """Return the probabilities of an output. Classes are on axis 1."""
    from .engines.reference.layers import value
    from .engines.reference.layers.softmax import softmax

    match reading:
        case "softmax":
            return softmax(output, 1)
        case "sigmoid":
            return value(Sigmoid(), output)
        case "as is":
            return output
        case _:
            assert_never(reading)
