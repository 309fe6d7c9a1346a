"""The networks that several tests explain."""

from __future__ import annotations

from convscope import layers as L
from convscope.network import Entry, Network


def chain(shape, *layers, name="network"):
    """Return a chain of (name, layer) on an input of this shape."""
    entries = [Entry("input", L.Input(shape))]
    for layer_name, layer in layers:
        entries.append(Entry(layer_name, layer, (entries[-1].name,)))
    return Network(entries, name)


EXERCISE = chain(
    (3, 224, 224),
    ("conv1", L.Conv2d(16, 3, stride=2)),
    ("relu1", L.ReLU()),
    ("bn1", L.BatchNorm2d()),
    ("pool1", L.MaxPool2d(2)),
    ("conv2", L.Conv2d(32, 3)),
    name="exercise",
)

ALEXNET = chain(
    (3, 227, 227),
    ("conv1", L.Conv2d(96, 11, stride=4)),
    ("pool1", L.MaxPool2d(3, 2)),
    ("conv2", L.Conv2d(256, 5, padding=2)),
    ("pool2", L.MaxPool2d(3, 2)),
    ("conv3", L.Conv2d(384, 3, padding=1)),
    ("conv4", L.Conv2d(384, 3, padding=1)),
    ("conv5", L.Conv2d(256, 3, padding=1)),
    ("pool5", L.MaxPool2d(3, 2)),
    ("fc6", L.Conv2d(4096, 6)),
    ("fc7", L.Conv2d(4096, 1)),
    name="alexnet",
)

SMALL = chain(
    (3, 32, 32),
    ("conv1", L.Conv2d(8, 3, padding=1)),
    ("pool1", L.MaxPool2d(2)),
    ("conv2", L.Conv2d(16, 3, padding=1)),
    name="small",
)

LARGE = chain(
    (3, 224, 224),
    ("conv1", L.Conv2d(64, 7, stride=2, padding=3)),
    ("pool1", L.MaxPool2d(3, 2, padding=1)),
    ("conv2", L.Conv2d(64, 3, padding=1)),
    name="large",
)

BRANCHED = Network(
    [
        Entry("input", L.Input((3, 20, 27))),
        Entry("stem", L.Conv2d(6, 3, stride=(2, 1), padding=1), ("input",)),
        Entry("wide", L.Conv2d(6, (5, 3), padding=(2, 1)), ("stem",)),
        Entry("shifted", L.Conv2d(6, 3, padding=((0, 2), (1, 1))), ("stem",)),
        Entry("add", L.Add(), ("stem", "wide")),
        Entry("hull", L.Add(), ("add", "shifted")),
        Entry("squeeze", L.GlobalAvgPool2d(), ("hull",)),
        Entry("gate", L.Sigmoid(), ("squeeze",)),
        Entry("scaled", L.Multiply(), ("hull", "gate")),
        Entry("up", L.Upsample((3, 2), mode="linear"), ("scaled",)),
        Entry("fine", L.Conv2d(5, 3), ("up",)),
        Entry("opaque", L.Opaque("Mystery", (5, 4, 3)), ("fine",)),
        Entry("after", L.ReLU(), ("opaque",)),
        Entry("flat", L.Flatten(), ("hull",)),
        Entry("dense", L.Linear(7), ("flat",)),
    ],
    "branched",
)

NETWORKS = [EXERCISE, ALEXNET, SMALL, LARGE, BRANCHED]
