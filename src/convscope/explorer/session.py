"""What one explorer shows: networks, images, and values that were computed for both."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np

from ..analysis.report import Report, inspect
from ..arrays import Array
from ..data.arrays import as_images
from ..data.datasets import digits
from ..data.load import read_input
from ..data.transforms import resize_dataset
from ..errors import BadSetting
from ..exchange import load_model
from ..images import sample_image
from ..inside.perturbation import strict_twin
from ..inside.targets import check_unit, node_named
from ..inside.terms import UnitTerms, terms_in
from ..inside.trace import LayerTrace, Trace, trace
from ..layers.operations import Status
from ..model import Model
from ..network import Network
from ..notation import parse_yaml, to_yaml
from ..text.language import Message, current_language
from ..training.fork import read_step
from ..training.model_io import put_weights, restore_description
from .cache import ArrayCache
from .jobs import Jobs
from .lessons import LessonLibrary
from .runs import FollowedRun, Runs
from .worker import Worker

Weights = Literal["trained", "untrained", "none"]
"""Weights of a shown network: from a run or a file, random by seed, or none as the network cannot be run."""

SAMPLE_MODEL = Path(__file__).parent / "data" / "lenet-digits.safetensors"
"""LeNet with weights that `data/train_lenet.py` trained on the bundled digits."""

MOST_IMAGES = 64
"""Uploads and drawings that are kept."""

VALUES_BYTES = 256 << 20
"""Layer outputs that are kept. Others are computed again: an image through VGG-16 takes tens of milliseconds."""

MOST_WEIGHTS = 1 << 29
"""Parameters up to which an untrained network gets random weights."""


@dataclass
class ShownNetwork:
    """A network with its analyses, which are made when they are first asked for."""

    id: str
    network: Network
    source: str
    given: Model | None = None
    reason: Message | None = None
    """Why the network cannot be run."""
    engine: str | None = None
    run: FollowedRun | None = None
    """The run of which each stored step can be shown."""
    seed: int = 0

    @cached_property
    def shared_source(self) -> str:
        """Return what the network was opened by, without the folders of a path."""
        path = Path(self.source)
        return path.name if path.is_absolute() or os.path.exists(path) else self.source

    @cached_property
    def title(self) -> str:
        """Return a short name: that of the file or run, or what the network was opened by."""
        path = Path(self.source)
        return path.stem if path.suffix and os.path.isfile(path) else self.shared_source

    @property
    def weights(self) -> Weights:
        """Return where the weights are from."""
        if self.given is not None:
            return "trained"
        return "untrained" if self.reason is None else "none"

    @cached_property
    def report(self) -> Report:
        """Return the report of the network."""
        return inspect(self.network)

    @cached_property
    def model(self) -> Model:
        """Return the model, with random weights if the network has none of its own.

        Raises:
            BadSetting: [no-values] if the network cannot be run.
        """
        if self.given is not None:
            return self.given
        if self.reason is not None:
            raise BadSetting(
                "{name} cannot be run. {reason} [no-values]", name=self.network.name, reason=self.reason
            )
        return Model(self.network, self.seed, self.engine)

    @cached_property
    def stepped(self) -> SteppedModel:
        """Return the model that takes the weights of each step of the run."""
        assert self.run is not None
        return SteppedModel(self.network, self.run, self.engine)


@dataclass
class ShownStep(ShownNetwork):
    """A network with the weights of one step of its run. `base` has its analyses."""

    base: ShownNetwork | None = None
    step: int = 0

    @classmethod
    def of(cls, base: ShownNetwork, step: int) -> ShownStep:
        """Return a network at a step of its run."""
        key = f"{base.id}@{step}"
        return cls(key, base.network, base.source, None, base.reason, base.engine, base.run, base.seed, base, step)

    @property
    def weights(self) -> Weights:
        return "trained" if self.step > 0 else "untrained"

    @cached_property
    def report(self) -> Report:
        assert self.base is not None
        return self.base.report

    @property
    def model(self) -> Model:
        """Return the model with the weights of this step, until another step is asked for."""
        assert self.base is not None
        return self.base.stepped.at(self.step)


class SteppedModel:
    """One compiled model, into which the weights of a run's steps are written when they are asked for."""

    def __init__(self, network: Network, run: FollowedRun, engine: str | None) -> None:
        self._network, self._run, self._engine = network, run, engine
        self._model: Model | None = None
        self._step: int | None = None

    def at(self, step: int) -> Model:
        """Return the model with the weights of a step.

        Raises:
            BadFile: [fork-step], [other-network]
        """
        if self._model is not None and step == self._step:
            return self._model
        read, path = read_step(self._run.path, step)
        if self._model is None:
            model = Model(self._network, 0, self._engine, read.metadata.get("dtype", "float32"))
            restore_description(model, read.metadata, path)
            self._model = model
        self._step = None  # until all weights are those of the step
        put_weights(self._model, read, path)
        self._step = step
        return self._model


@dataclass(frozen=True)
class ShownImage:
    """An image: a file or its bytes, which are fitted to each network, or an array for networks of its shape."""

    id: str
    name: str
    content: bytes | Path | Array | None
    path: str | None = None
    """Where the file is, if the command line named it."""

    def fitted(self, network: Network) -> Array:
        """Return the image as the network's input.

        Shapes:   → (c, h, w)
        Units:    0…1
        Raises:   BadShape if the network does not take images; BadFile for a damaged file
        """
        shape = network.input_shape
        if isinstance(self.content, bytes):
            return read_input(BytesIO(self.content), shape)
        if isinstance(self.content, Path):
            return read_input(self.content, shape)
        if self.content is None:
            return sample_input(network)
        if self.content.shape != shape:
            raise BadSetting(
                "The drawing has {got} values, the input of {name} {expected}. Draw again. [drawing-shape]",
                got="×".join(map(str, self.content.shape)),
                expected="×".join(map(str, shape)),
                name=network.name,
            )
        return self.content


SAMPLE = ShownImage("sample", "sample", None)


class Session:
    """Networks, images and values by id, and the two threads that compute.

    `forward` runs forward passes on one thread, as programs are not shared between threads, `analysis` the rest.
    Untrained networks get random weights if they have at most `most_weights`. `first` is the network that is
    shown at the start, `other` one to compare it with.
    """

    def __init__(
        self, engine: str | None = None, most_weights: int = MOST_WEIGHTS, runs: Path | None = None
    ) -> None:
        self.engine = engine
        self.runs = Runs(runs)
        self.jobs = Jobs()
        self.is_ending = False
        self.streams = 0
        self._nonce = os.urandom(8).hex()
        self.lang = current_language()
        self._most_weights = most_weights
        self.networks: dict[str, ShownNetwork] = {}
        self.images: OrderedDict[str, ShownImage] = OrderedDict({SAMPLE.id: SAMPLE})
        self.first: ShownNetwork | None = None
        self.lesson: str | None = None
        """The lesson that the page begins with."""
        self.landing = False
        """Whether the page begins with a hand that draws a digit for the first network."""
        self._sample: ShownNetwork | None = None
        self.lessons = LessonLibrary()
        self.other: ShownNetwork | None = None
        self.values = ArrayCache(VALUES_BYTES)
        self._traced: tuple[tuple[str, str, int], Trace] | None = None
        self._strict: tuple[str, Model] | None = None
        self.forward = Worker("forward passes")
        self.analysis = Worker("analyses")

    def add_network(self, network: Network, source: str, model: Model | None = None) -> ShownNetwork:
        """Show a network, and return its entry; the same one for the same content."""
        content = to_yaml(network) if model is None else f"{source}{id(model)}"
        key = hashlib.sha256(content.encode()).hexdigest()[:16]
        if key not in self.networks:
            reason = None if model is not None else self._reason(network)
            self.networks[key] = ShownNetwork(key, network, source, model, reason, self.engine)
        if self.first is None:
            self.first = self.networks[key]
        return self.networks[key]

    def add_lesson_network(self, network: Network, source: str, model: Model) -> ShownNetwork:
        """Show a network with the parameters that a lesson sets, which `source` describes."""
        key = hashlib.sha256(source.encode()).hexdigest()[:16]
        if key not in self.networks:
            self.networks[key] = ShownNetwork(key, network, "lesson", model, None, self.engine)
        return self.networks[key]

    def sample_network(self) -> ShownNetwork:
        """Return the bundled LeNet with its trained weights."""
        if self._sample is None:
            model = load_model(SAMPLE_MODEL, engine=self.engine)
            self._sample = self.add_network(model.network, str(SAMPLE_MODEL), model)
        return self._sample

    def add_run(self, run: FollowedRun, model: Model | None = None) -> ShownNetwork:
        """Show a run with a model of it, or with its first weights; its steps are shown by `network_of`.

        Raises:
            BadFile: [run-gone], and those of `read_run_document`.
        """
        key = hashlib.sha256(f"{run.path}{self._nonce}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        if key not in self.networks:
            document = run.document()
            network = parse_yaml(document["network"]) if model is None else model.network
            shown = ShownNetwork(key, network, run.name, model, self._reason(network), self.engine)
            shown.run, shown.seed = run, document["seed"]
            self.networks[key] = shown
        if self.first is None:
            self.first = self.networks[key]
        return self.networks[key]

    def network_of(self, key: str) -> ShownNetwork | None:
        """Return the network with an id, or at the step of its run that follows an `@`."""
        name, _, step = key.partition("@")
        shown = self.networks.get(name)
        if shown is None or not step:
            return shown
        if shown.run is None or not step.isascii() or not step.isdigit() or len(step) > 15:
            return None
        return ShownStep.of(shown, int(step))

    def end(self) -> list[str]:
        """End the streams, and ask the trainings of the page to save and end. Return the folders of these runs."""
        self.is_ending = True
        runs = [self.runs.get(key) for key in self.jobs.close()]
        return [str(run.path) for run in runs if run is not None]

    def _reason(self, network: Network) -> Message | None:
        """Return why a network cannot be run on an image, or None."""
        if len(network.inputs) > 1:
            return Message("It has several inputs.")
        if network.parameter_count > self._most_weights:
            return Message("Its weights are too large to draw at random.")
        unknown = next((node.name for node in network if node.facts.status is Status.UNKNOWN), None)
        if unknown is not None:
            return Message("What layer {layer!r} computes is unknown.", layer=unknown)
        return None

    def add_image(self, name: str, content: bytes | Array, path: str | None = None) -> ShownImage:
        """Keep an image, and return its entry. The ones used longest ago leave first."""
        raw = content if isinstance(content, bytes) else content.tobytes() + repr(content.shape).encode()
        image = ShownImage(hashlib.sha256(raw).hexdigest()[:16], name, content, path)
        self.images[image.id] = image
        kept = [key for key, one in self.images.items() if isinstance(one.content, bytes | np.ndarray)]
        for oldest in kept[:-MOST_IMAGES]:
            del self.images[oldest]
        return image

    def add_file(self, path: Path, name: str) -> ShownImage:
        """Show an image file, which is read when it is looked at, and return its entry."""
        about = path.stat()
        key = hashlib.sha256(f"{path.resolve()} {about.st_size} {about.st_mtime_ns}".encode()).hexdigest()[:16]
        image = ShownImage(key, name, path, str(path))
        self.images[image.id] = image
        return image

    def files(self) -> list[ShownImage]:
        """Return the sample and the image files; drawings come and go with every stroke."""
        return [image for image in self.images.values() if not isinstance(image.content, np.ndarray)]

    def pixels(self, shown: ShownNetwork, image: ShownImage) -> Array:
        """Return an image of 0…1 in the shape of a network's input: (c, h, w)."""
        return self.values.get_or_compute(
            (shown.id, image.id, None), lambda: np.asarray(image.fitted(shown.network), np.float32)
        )

    def inputs(self, shown: ShownNetwork, image: ShownImage) -> Array:
        """Return an image as a batch of one input, normalized as the model wants it: (1, c, h, w)."""
        return shown.model.prepare(self.pixels(shown, image)[None])

    def output(self, shown: ShownNetwork, image: ShownImage, layer: str) -> Array:
        """Return the output of a layer for an image, from the cache or by one forward pass."""
        found = self.values.get((shown.id, image.id, layer))
        return self.outputs(shown, image)[layer] if found is None else found

    def outputs(self, shown: ShownNetwork, image: ShownImage) -> dict[str, Array]:
        """Return the outputs of all layers for an image, and keep what the cache has room for.

        All at once, as each choice of layers would be compiled by itself.
        """
        names = [node.name for node in shown.network]
        known = [self.values.get((shown.id, image.id, name)) for name in names]
        if all(one is not None for one in known):
            return {name: one for name, one in zip(names, known, strict=True) if one is not None}
        found = shown.model.activations(self.inputs(shown, image))
        outputs = {name: found[name][0] for name in names}
        for name, output in outputs.items():
            self.values.put((shown.id, image.id, name), output)
        return outputs

    def strict(self, shown: ShownNetwork) -> Model:
        """Return a model with the same weights that computes every output by itself; the last one is kept."""
        if self._strict is None or self._strict[0] != shown.id:
            self._strict = None
            self._strict = (shown.id, strict_twin(shown.model))
        return self._strict[1]

    def terms(
        self, shown: ShownNetwork, image: ShownImage, layer: str, at: Sequence[int], target: int | None
    ) -> UnitTerms:
        """Return the arithmetic of one unit, and with a target its gradient.

        Raises:
            BadUnit: [unit-range], [target-class]
        """
        node = node_named(shown.model, layer)
        index = check_unit(node, at)
        if target is None:
            values = {name: self.output(shown, image, name) for name in dict.fromkeys([layer, *node.inputs])}
            layers = {name: LayerTrace(value[None], None) for name, value in values.items()}
            return terms_in(shown.model, Trace(layers, layer, None), layer, index)
        return terms_in(shown.model, self._gradients(shown, image, target), layer, index)

    def _gradients(self, shown: ShownNetwork, image: ShownImage, target: int) -> Trace:
        """Return the trace of all layers for a target; the last one is kept."""
        key = (shown.id, image.id, target)
        if self._traced is None or self._traced[0] != key:
            self._traced = None
            self._traced = (key, trace(shown.model, self.inputs(shown, image), target))
        return self._traced[1]


def sample_input(network: Network) -> Array:
    """Return an image for a network: a digit for small gray inputs, else a drawing.

    Shapes:   → (c, h, w)
    Units:    0…1
    """
    shape = network.input_shape
    if len(shape) == 3 and shape[0] == 1 and max(shape[1:]) <= 64:
        source = digits("test")
        assert source is not None
        digit = resize_dataset(source, size=(shape[1], shape[2]))
        return np.asarray(digit.batch(np.array([7]))[0][0], np.float32)
    if len(shape) == 3 and shape[0] in (1, 3):
        return as_images(sample_image(shape).transpose(2, 0, 1))
    return np.random.default_rng(0).random(shape, np.float32)
