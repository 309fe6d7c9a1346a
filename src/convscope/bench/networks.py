"""Training steps and inference of whole networks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..loading import load
from ..model import Model
from ..notation import parse_yaml
from ..optim.optimizers import SGD
from ..text.language import Message

DIGITS = "input 1x28x28 | conv 32 3 same | relu | maxpool 2 | conv 64 3 same | relu | maxpool 2 | flatten | \
dense 128 | relu | dense 10"

CIFAR_VGG = (
    "input 3x32x32 | "
    + " | maxpool 2 | ".join(
        f"conv {c} 3 same nobias | bn | relu | conv {c} 3 same nobias | bn | relu" for c in (64, 128, 256)
    )
    + " | maxpool 2 | flatten | dense 10"
)

RESNET18_CIFAR = """
name: resnet18-cifar
input: 3x32x32
blocks:
  basic width:
    - add:
        - ""
        - conv {width} 3 p1 nobias | bn | relu | conv {width} 3 p1 nobias | bn
    - relu
  basic-narrowing width:
    - add:
        - conv {width} 1 s2 nobias | bn
        - conv {width} 3 s2 p1 nobias | bn | relu | conv {width} 3 p1 nobias | bn
    - relu
layers:
  - conv 64 3 p1 nobias | bn | relu
  - basic 64
  - basic 64
  - basic-narrowing 128
  - basic 128
  - basic-narrowing 256
  - basic 256
  - basic-narrowing 512
  - basic 512
  - globalavgpool | flatten | dense 10
"""
"""ResNet-18 for images of 32 pixels: a first convolution of 3×3 with stride 1, and no pooling after it."""


class NetworkCase(NamedTuple):
    """Network with the work to benchmark."""

    title: Message
    model: str
    batch: int
    training: bool


CASES = (
    NetworkCase(Message("digits CNN, training"), DIGITS, 64, True),
    NetworkCase(Message("digits CNN, training"), DIGITS, 256, True),
    NetworkCase(Message("CIFAR-VGG with batch norm, training"), CIFAR_VGG, 64, True),
    NetworkCase(Message("ResNet-18 (CIFAR), training"), RESNET18_CIFAR, 64, True),
    NetworkCase(Message("VGG-16, inference"), "vgg16", 1, False),
    NetworkCase(Message("ResNet-18, inference"), "resnet18", 1, False),
    NetworkCase(Message("MobileNet-v2, inference"), "mobilenet_v2", 1, False),
    NetworkCase(Message("LeNet-5, inference"), "lenet", 1, False),
)


class Prepared(NamedTuple):
    """Model with one batch of images and labels."""

    model: Model
    x: np.ndarray
    labels: np.ndarray


def prepared(case: NetworkCase) -> Prepared:
    """Return the case's model on the native engine with one batch."""
    network = parse_yaml(case.model) if "\n" in case.model else load(case.model)
    model = Model(network, seed=0, engine="native")
    model.compile(optimizer=SGD(lr=0.01, momentum=0.9))
    draw = np.random.default_rng(0)
    x = draw.normal(size=(case.batch, *model.network.input_shape)).astype(np.float32)
    classes = model.network.outputs[-1].output_shape[0]
    return Prepared(model, x, draw.integers(0, classes, case.batch))


def macs(case: NetworkCase, model: Model) -> int:
    """Return the MACs of the direct algorithms; a training step counts each layer three times."""
    from ..analysis.report import inspect

    one = inspect(model.network).totals.macs * case.batch
    return 3 * one if case.training else one
