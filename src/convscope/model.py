"""A network with parameters and an engine: it predicts, learns and is saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never, get_args

import numpy as np

from .arrays import Array, DType
from .data.batches import Data, as_dataset, check_dataset, checked_images, checked_labels
from .engines.common.arrays import ProgramArrays, check_array_sizes
from .engines.protocol import Precision, Program, StepResult, Training
from .engines.registry import engine_named
from .errors import BadSetting, NotFinite, nearest
from .layers import Sigmoid
from .loading import load
from .network import Network
from .optim.checks import check_integer, check_number
from .optim.initialization import initial_buffers, initial_parameters
from .optim.losses import Loss, Reading, objective, usual_loss
from .optim.optimizers import SGD, Optimizer
from .optim.schedules import Schedule, schedule_named
from .optim.tasks import Task, checked_probabilities, checked_task, probability_reading, task_of
from .parameters import buffer_shapes, parameter_shapes

if TYPE_CHECKING:
    from .analysis.report import Report
    from .training.fit import Augment
    from .training.history import History

CHUNK = 256
"""Images that are computed at once where a caller gives many: bounds the memory."""

_DTYPES: dict[str, DType] = {"float32": np.float32, "float64": np.float64}


class Model:
    """A network, its parameters, and the engine that runs them.

    `network` is a Network or anything `load` takes. Parameters start as `training.initialization` says, by `seed`
    alone: the same seed gives the same model, and the same training the same bits. Those that `parameters` names
    (running statistics, too) are taken from there, and nothing is drawn for them. `engine` is "native" (the
    default: generated vector code), "reference" (NumPy; "native" in float64 runs on it too) or "torch" (PyTorch's
    modules, autograd and optimizers, on the CPU); `precision` "strict" keeps the first to algorithms that round as
    sums do. CONVSCOPE_THREADS sets the native engine's threads, CONVSCOPE_CACHE the folder of its compiled code.
    `task` declares what the output means: "classification", "multi_label" or "regression". Left out, the loss that
    the model is trained or compiled with says it; until then `predict` returns the network's own output.

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
                f"Model.network must be a Network, a name or a path; got {type(network).__name__}; for a module "
                "with its weights use from_torch or from_keras with parameters=True. [model-network]"
            )
        self.network = load(network)
        self.seed = check_integer("Model", "seed", seed, 0, "use 0")
        if dtype not in _DTYPES:
            raise BadSetting(
                f"Model.dtype must be one of {', '.join(_DTYPES)}; got dtype={dtype!r}; "
                f"{nearest(str(dtype), _DTYPES)} [dtype]"
            )
        if precision not in get_args(Precision):
            raise BadSetting(
                f"Model.precision must be one of {', '.join(get_args(Precision))}; got precision={precision!r}; "
                "strict rounds as plain sums do, fast may use Winograd's algorithm. [precision]"
            )
        if len(self.network.inputs) > 1:
            raise BadSetting(
                f"Model.network must have one input; got {len(self.network.inputs)} in {self.network.name}; "
                "run it with convscope.engines.reference.layers.run instead. [several-inputs]"
            )
        check_array_sizes(self.network)
        self.dtype = _DTYPES[dtype]
        self.classes: tuple[str, ...] | None = None
        self.steps = 0
        self.chosen: dict[str, Any] = {}
        self._declared = checked_task(task)
        self._implied: Task | None = None
        self.precision = precision
        self._engine = engine_named(engine)
        self._schedule = schedule_named(None)
        shapes = parameter_shapes(self.network), buffer_shapes(self.network)
        self.parameters = ProgramArrays("parameter", self._current, shapes[0], self.dtype)
        self.buffers = ProgramArrays("buffer", self._current, shapes[1], self.dtype)
        self._training = Training(SGD(), objective(self.network, usual_loss(self.network)))
        self._program = self._compiled()
        given = {} if parameters is None else parameters
        self.parameters.update(initial_parameters(self.network, self.seed, given.keys()))
        self.buffers.update(initial_buffers(self.network))
        for name in given:
            (self.buffers if name in self.buffers else self.parameters)[name] = given[name]

    @property
    def engine(self) -> str:
        """Return the engine's name."""
        return self._engine.name

    @property
    def program(self) -> Program:
        """Return the compiled network, with all its arrays."""
        return self._program

    @property
    def training(self) -> Training:
        """Return the optimizer, loss and clipping that the model is compiled for."""
        return self._training

    @property
    def task(self) -> Task | None:
        """Return what the output means: as declared, or else as the loss of its training implies; None if neither.

        Setting it declares the task; None makes `predict` return the network's own output.

        Errors:   BadSetting [task]
        """
        return self._declared or self._implied

    @task.setter
    def task(self, task: str | None) -> None:
        known = checked_task(task)
        if known != self._implied:
            self._declared, self._implied = known, None

    def reading(self, probabilities: bool | None = None) -> Reading:
        """Return what `predict` applies to the network's output: "softmax", "sigmoid", or nothing ("as is").

        Errors:   BadSetting [probabilities]
        """
        wanted = checked_probabilities(probabilities)
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
        """Choose how to train. Parameters stay; the optimizer's state and the step count start anew.

        Errors:   BadSetting [setting], [loss], [schedule], [optimizer], [softmax-axis]
        """
        chosen = SGD() if optimizer is None else optimizer
        if not isinstance(chosen, Optimizer):
            raise BadSetting(
                f"Model.optimizer must be SGD, Adam or AdamW; got optimizer={optimizer!r}; "
                "use convscope.SGD(lr=0.01, momentum=0.9). [optimizer]"
            )
        if clip_norm is not None:
            clip_norm = check_number("Model", "clip_norm", clip_norm, 0, above=True, way_out="1 is usual")
        followed = schedule_named(schedule)
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

        Shapes:   x (n, c, h, w); labels (n,) class numbers, or targets in the shape of the output for mse and bce
        Errors:   BadData, BadShape for a batch that does not fit; NotFinite [not-finite], nothing being changed
        """
        rate = self._schedule.rate(self._training.optimizer.lr, self.steps)
        return self.step(x, labels, rate).loss

    def step(self, x: Array, labels: Array, lr: float, observe: bool = False) -> StepResult:
        """Train on one batch at a given learning rate.

        Errors:   as `train_step`; BadSetting [setting] for a rate that is negative, infinite or no number
        """
        lr = check_number("step", "lr", lr, 0, way_out="0.01 is a common start")
        most = float(np.finfo(self.dtype).max)
        if lr > most:
            check_number("step", "lr", lr, 0, most, way_out="0.01 is a common start")
        self.refuse_all_frozen()
        x = checked_images(self.network, x, self.dtype)
        result = self._program.step(x, checked_labels(labels, len(x)), lr, self.steps, observe)
        if result.fault is not None:
            layer, where = result.fault
            error = NotFinite(
                f"all numbers must stay finite; got NaN or infinity first in layer {layer!r} ({where}) at step "
                f"{self.steps}; lower the learning rate (now {lr:g}) or set clip_norm=1. [not-finite]"
            )
            error.layer = layer
            raise error
        self.steps += 1
        self._implied = task_of(self._training.objective.loss)
        return result

    def refuse_all_frozen(self) -> None:
        """Raise BadSetting [all-frozen] where training could move nothing because every parameter is frozen."""
        network = self.network
        if network.frozen_parameters and len(network.frozen_parameters) == len(self.parameters):
            layers = sum(bool(node.frozen) and node.owns_parameters for node in network)
            raise BadSetting(
                f"Model.network must have a parameter to train; got {layers} layers with parameters in "
                f"{network.name}, all frozen; use network.with_frozen() for the same network with none. "
                "[all-frozen]"
            )

    def gradients(self, x: Array, labels: Array) -> dict[str, Array]:
        """Return the gradient of every parameter for one batch, as the next step would find it.

        Frozen parameters have none and are left out, as PyTorch gives them no `.grad`.
        """
        x = checked_images(self.network, x, self.dtype)
        return self._program.gradients(x, checked_labels(labels, len(x)), self.steps)

    def activations(self, x: Array) -> dict[str, Array]:
        """Return every layer's output at inference by name, the input included."""
        return self._program.activations(checked_images(self.network, x, self.dtype))

    def predict(self, x: Array, probabilities: bool | None = None) -> Array:
        """Return probabilities where the model is a classifier by declaration, else the network's own output.

        A classifier is one that was trained or compiled with a classification loss, or made with
        `task="classification"` (or "multi_label"). `probabilities` True or False overrides that.

        Shapes:   x (n, c, h, w) → (n, …) as the network's output
        Errors:   BadSetting [probabilities]; BadData [images-type], [images-shape], [images-empty],
                  [images-nan]
        """

        reading = self.reading(probabilities)
        return _probabilities(self._in_chunks(self._program.predict, x), reading)

    def logits(self, x: Array) -> Array:
        """Return the scores that the loss reads: what stands before a last softmax or sigmoid."""
        scores = self._training.objective.scores
        if scores == self.network.outputs[-1].name:
            return self._in_chunks(self._program.predict, x)
        return self._in_chunks(lambda part: self._program.activations(part)[scores], x)

    def evaluate(self, data: Data, batch_size: int = CHUNK) -> dict[str, float]:
        """Return the mean loss and the share of images whose class is found.

        Errors:   BadData for data that does not fit
        """
        source = as_dataset(data)
        check_dataset(self.network, source, "data")
        size = check_integer("evaluate", "batch_size", batch_size, 1, f"{CHUNK} is usual")
        loss, correct, count = 0.0, 0, 0
        for first in range(0, len(source), size):
            x, labels = source.batch(np.arange(first, min(first + size, len(source))))
            result = self._program.evaluate(checked_images(self.network, x, self.dtype), labels)
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
        checkpoint_every: int | None = None,
        tensorboard: bool = False,
        notes: Mapping[str, Any] | None = None,
        progress: bool = True,
    ) -> History:
        """Train for some epochs; see `training.fit.fit` for every argument."""
        from .training import fit

        given = {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "loss": loss,
            "schedule": schedule,
            "clip_norm": clip_norm,
            "augment": augment,
            "patience": patience,
            "checkpoint_every": checkpoint_every,
        }
        settings = {name: value for name, value in given.items() if value is not None}
        places = fit.RunOptions(run, resume, tensorboard, notes or {})
        return fit.fit(self, data, validation, settings, places, progress)

    def summary(self) -> Report:
        """Return the report of the network: its str() is the table of layers, and notebooks show it as HTML."""
        from .analysis.report import inspect

        return inspect(self.network)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write parameters, statistics and the network: a .safetensors file, or a folder with one in it.

        Errors:   BadFile [write-failed]
        """
        from .training.model_io import save_model

        save_model(self, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], engine: str | None = None) -> Model:
        """Return the model of a file, of a folder written by `save`, or the best one of a run's folder.

        Errors:   BadFile [file-missing], [file-damaged], [no-network]
        """
        from .training.model_io import load_model

        return load_model(Path(path), engine)

    def load_parameters(self, path: str | os.PathLike[str], names: Mapping[str, str] | None = None) -> None:
        """Take parameters and statistics from a .safetensors file of any origin, PyTorch's state dicts included.

        `names` says which layer of the file is which here: {"features.0": "conv1"}.

        Errors:   BadFile [file-missing], [file-damaged], [other-network] with the differences listed
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
        x = checked_images(self.network, x, self.dtype)
        parts = [compute(x[first : first + CHUNK]) for first in range(0, len(x), CHUNK)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _probabilities(output: Array, reading: Reading) -> Array:
    """Return probabilities of an output, classes on the first axis after the batch."""
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
