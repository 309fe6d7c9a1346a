"""The network of docs/explanation/counted-by.md."""

from __future__ import annotations

from convscope import layers as cs
from convscope.network import Entry, Network

SMALL = Network(
    [
        Entry("input", cs.Input((3, 20, 28))),
        Entry("conv", cs.Conv2d(8, 3, padding=1, bias=False), ("input",)),
        Entry("bn", cs.BatchNorm2d(), ("conv",)),
        Entry("relu", cs.ReLU(), ("bn",)),
        Entry("depthwise", cs.Conv2d(8, 3, padding=1, groups=8), ("relu",)),
        Entry("sum", cs.Add(), ("relu", "depthwise")),
        Entry("pool", cs.MaxPool2d(2), ("sum",)),
        Entry("up", cs.ConvTranspose2d(4, 2, stride=2), ("pool",)),
        Entry("average", cs.GlobalAvgPool2d(), ("up",)),
        Entry("classes", cs.Linear(10), ("average",)),
        Entry("softmax", cs.Softmax(), ("classes",)),
    ],
    "small",
)
