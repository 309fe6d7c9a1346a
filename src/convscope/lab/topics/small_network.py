"""A whole small network on two classes of digits: every number of a forward pass, then training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...data import load_data
from ...derivations.derivation import Text
from ...engines.reference.layers.graph import parameter_shapes, run
from ...engines.reference.layers.rules import Array
from ...errors import BadShape
from ...layers.base import show_shape
from ...loading import load
from ...model import Model
from ...network import Network
from ...optim.optimizers import SGD
from ..arrays import numbers, of_rank
from ..lesson import Block, Curves, Lesson, Row, Section, Table, Taught, Value, Words, same
from ..options import INPUT, SEED, Option, integer, word
from ..topic import Chapter, Topic

MOST_NUMBERS = 4096
"""A layer of more numbers is beyond what anyone reads."""

CLASSES = (0, 1)
"""The digits of the two-class data."""

BATCH, LR, MOMENTUM = 32, 0.1, 0.9

TITLE = Text("A whole small network", "一个完整的小网络")
LAYER = Text("{name} ({kind}): {shape}", "{name}（{kind}）：{shape}")
INPUT_WORDS = Text(
    "Every layer follows with its weights and its output. The weights are drawn at random: nothing is learned "
    "yet.",
    "下面逐层列出权重与输出。权重是随机抽取的，尚未学习。",
)
OUTPUT = Text("output", "输出")
NAMES = {"weight": Text("weight", "权重"), "bias": Text("bias", "偏置")}
TRAINING = Text(
    "Training: {epochs} epochs on {count} images of the digits 0 and 1",
    "训练：用 {count} 张数字 0 与 1 的图像，{epochs} 轮",
)
TRAINING_WORDS = Text(
    "Weights start at random again, as a Model draws them. Gradient descent with momentum lowers the "
    "cross-entropy.",
    "权重按 Model 的初始化重新抽取。带动量的梯度下降使交叉熵下降。",
)
HISTORY = {
    "epoch": Text("epoch", "轮次"),
    "loss": Text("loss", "损失"),
    "accuracy": Text("accuracy", "准确率"),
}
AFTER = Text("Probabilities of the first image after training", "训练后第一张图像的概率")
LOSS_BY_EPOCH = Text("Loss by epoch", "各轮次的损失")


@dataclass(frozen=True)
class Walk(Taught):
    """A network's forward pass on one image: every layer's output, the parameters that made it."""

    network: Network
    x: Array
    parameters: dict[str, Array]
    values: dict[str, Array]

    @property
    def output(self) -> Array:
        """Return what the network gives."""
        return self.values[self.network.outputs[-1].name]

    def lesson(self) -> Lesson:
        return Lesson("small-network", TITLE, tuple(self.sections()))

    def sections(self) -> Iterator[Section]:
        """Yield a section per layer: its parameters and its output."""
        for place, node in enumerate(self.network):
            value = self.values[node.name]
            title = LAYER.fill(name=node.name, kind=node.kind, shape=show_shape(value.shape))
            blocks: list[Block] = [Words(INPUT_WORDS)] if place == 0 else []
            for name in node.facts.param_shapes:
                full = f"{node.parameters_of}.{name}"
                label = NAMES.get(name, same(name))
                key = full if node.owns_parameters else f"{node.name}.{name}"
                blocks.append(Row((Value(key, self.parameters[full], label),)))
            blocks.append(Row((Value(node.name, value, OUTPUT),)))
            yield Section(title, tuple(blocks))


def walk(
    model: Network | str, x: ArrayLike | None = None, parameters: dict[str, Array] | None = None, seed: int = 0
) -> Walk:
    """Run a small network forward on one image and keep every number.

    `model` is a Network, or whatever `convscope.load` reads. Left out, pixels are quarters from 0 to 1 and
    parameters quarters from −1 to 1, drawn by `seed`: short to write, exact in a computer, and nothing learned.

    Shapes:   x (c, h, w) as the network's input
    Errors:   BadShape [lab-network], and those of `reference.run`
    """
    network = load(model)
    largest = max(int(np.prod(node.output_shape)) for node in network)
    if largest > MOST_NUMBERS or len(network.inputs) > 1:
        raise BadShape(
            "The network must have one input and layers of at most {most:,} values (got {count} input(s) and a "
            "layer of {largest:,}). Use a smaller one. [lab-network]",
            most=MOST_NUMBERS,
            count=len(network.inputs),
            largest=largest,
        )
    generator = np.random.default_rng(seed)
    shape = network.inputs[0].output_shape
    image = generator.integers(0, 5, shape) / 4 if x is None else numbers("x", x)
    if parameters is None:
        parameters = {
            name: generator.integers(-4, 5, size) / 4 for name, size in parameter_shapes(network).items()
        }
    passed = run(network, image[None], parameters)
    return Walk(network, image, dict(parameters), {name: value[0] for name, value in passed.values.items()})


def two_classes() -> tuple[Array, Array]:
    """Return the bundled digits 0 and 1 with their labels.

    Shapes:   images (n, 1, 8, 8) from 0 to 1, labels (n)
    """
    source = load_data("digits")
    images, labels = source.batch(np.arange(len(source)))
    chosen = np.isin(labels, CLASSES)
    return images[chosen].astype(np.float32), labels[chosen]


def train_small(network: Network, epochs: int, seed: int) -> tuple[Model, list[tuple[int, float, float]]]:
    """Train a network on the two classes; return the model, and (epoch, loss, accuracy), before training too."""
    images, labels = two_classes()
    model = Model(network, seed=seed, engine="reference")
    model.compile(optimizer=SGD(lr=LR, momentum=MOMENTUM), loss="cross_entropy")
    generator = np.random.default_rng(seed)
    history = [(0, *_quality(model, images, labels))]
    for epoch in range(1, epochs + 1):
        for batch in np.array_split(generator.permutation(len(images)), -(-len(images) // BATCH)):
            model.train_step(images[batch], labels[batch])
        history.append((epoch, *_quality(model, images, labels)))
    return model, history


def _quality(model: Model, images: Array, labels: Array) -> tuple[float, float]:
    probabilities = model.predict(images)
    right = probabilities[np.arange(len(labels)), labels]
    loss = float(-np.log(np.maximum(right, 1e-12)).mean())
    return loss, float((probabilities.argmax(axis=1) == labels).mean())


def _teach(x: ArrayLike | None = None, model: str | None = None, epochs: int = 5, seed: int = 0) -> Lesson:
    network = load("seed-8x8" if model is None else model)
    images, _ = two_classes()
    image = None
    if x is not None:
        image = of_rank("input", x, 2, "0,1/1,0")[None]
    elif network.input_shape == images.shape[1:]:
        image = images[0]
    walked = walk(network, image, seed=seed)
    sections = list(walked.sections())
    if network.input_shape == images.shape[1:] and network.outputs[-1].output_shape == (len(CLASSES),):
        trained, history = train_small(network, epochs, seed)
        after = trained.predict(images[:1])[0]
        losses = np.array([loss for _, loss, _ in history])
        curve = Curves("loss", LOSS_BY_EPOCH, HISTORY["epoch"], np.arange(epochs + 1.0), {"loss": losses})
        sections.append(
            Section(
                TRAINING.fill(epochs=epochs, count=len(images)),
                (
                    Words(TRAINING_WORDS),
                    Table("training", HISTORY, tuple(history)),
                    curve,
                    Row((Value("probabilities_after", after, AFTER),)),
                ),
            )
        )
    return Lesson("small-network", TITLE, tuple(sections), network)


TOPIC = Topic(
    "small-network",
    Chapter.NETWORK,
    Text(
        "8×8 pixels, two kernels, two classes: every number, then training",
        "8×8 像素，两个卷积核，两个类别：每个数值，再训练",
    ),
    _teach,
    (
        INPUT,
        Option(
            "model", "--model", "MODEL", "Own small network, such as a line of notation.", word, source="model"
        ),
        Option("epochs", "--epochs", "COUNT", "Epochs of training.", integer(1, 100)),
        SEED,
    ),
    "small-network --epochs 3 --seed 1",
)
