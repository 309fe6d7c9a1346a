"""Layers that move elements without computing, and resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....axis import Resize
from ....layers.indexing import Expand, IndexSelect, Roll
from ....layers.rearrange import (
    ChannelShuffle,
    Crop,
    Flatten,
    Pad,
    Permute,
    PixelShuffle,
    Reshape,
    Slice,
)
from ....layers.resize import Upsample
from .convolution import BORDERS
from .graph import END, LayerWriter, write


@write.register
def _(layer: Flatten, task: LayerWriter) -> None:
    task.add("Flatten", [task.x], axis=1)


@write.register
def _(layer: Reshape, task: LayerWriter) -> None:
    task.reshape(task.x, task.node.output_shape)


@write.register
def _(layer: Permute, task: LayerWriter) -> None:
    task.transpose(task.x, layer.order)


@write.register
def _(layer: Pad, task: LayerWriter) -> None:
    windows = layer.windows(task.shape)
    befores, afters = [w.before for w in windows], [w.after for w in windows]
    inputs = [task.x, task.numbers("pads", [0, 0, *befores, 0, 0, *afters])]
    if layer.mode == "zeros":
        inputs.append(task.number("value", layer.value))
    task.add("Pad", inputs, mode=BORDERS[layer.mode])


@write.register
def _(layer: Crop, task: LayerWriter) -> None:
    windows = layer.as_pad(task.shape).windows(task.shape)
    pads = [0, 0, *(w.before for w in windows), 0, 0, *(w.after for w in windows)]
    task.add("Pad", [task.x, task.numbers("pads", pads)], mode="constant")


@write.register
def _(layer: Slice, task: LayerWriter) -> None:
    stop = END if layer.stop is None else layer.stop
    task.cut(task.x, layer.axis, layer.start, stop, layer.step)


@write.register
def _(layer: PixelShuffle, task: LayerWriter) -> None:
    task.add("DepthToSpace", [task.x], blocksize=layer.upscale_factor, mode="CRD")


@write.register
def _(layer: ChannelShuffle, task: LayerWriter) -> None:
    channels, *sizes = task.shape
    groups = (layer.groups, channels // layer.groups, *sizes)
    shape = task.numbers("groups.shape", (-1, *groups))
    split = task.add("Reshape", [task.x, shape], "groups", name=task.name)
    turned = task.transpose(split, (1, 0, *range(2, len(groups))), "dealt")
    task.add("Reshape", [turned, task.numbers("shape", (-1, *task.shape))], name=f"{task.name}/joined")


@write.register
def _(layer: IndexSelect, task: LayerWriter) -> None:
    index = task.numbers("index", task.array("index").astype(int).tolist())
    task.add("Gather", [task.x, index], axis=layer.axis + 1)


@write.register
def _(layer: Roll, task: LayerWriter) -> None:
    """Join each axis again where it was shifted."""
    moves = [(axis, shift % task.shape[axis]) for axis, shift in zip(layer.axes, layer.shifts, strict=True)]
    moves = [(axis, shift) for axis, shift in moves if shift]
    x = task.x
    for index, (axis, shift) in enumerate(moves):
        n = task.shape[axis]
        end = task.cut(x, axis, n - shift, n, part=f"end{axis}")
        start = task.cut(x, axis, 0, n - shift, part=f"start{axis}")
        x = task.add("Concat", [end, start], "" if index == len(moves) - 1 else f"axis{axis}", axis=axis + 1)
    if not moves:
        task.add("Identity", [x])


@write.register
def _(layer: Expand, task: LayerWriter) -> None:
    x = task.x
    if len(task.shape) < len(layer.shape):
        x = task.reshape(x, (*(1 for _ in layer.shape[len(task.shape) :]), *task.shape), "aligned")
    task.add("Expand", [x, task.numbers("shape", (1, *layer.shape))])


@write.register
def _(layer: Upsample, task: LayerWriter) -> None:
    resizes = layer.resizes(task.shape)
    if layer.mode == "nearest" and any(one.size % one.n for one in resizes):
        _picked(task, resizes)
        return
    settings: dict[str, Any] = {"mode": layer.mode, "coordinate_transformation_mode": "half_pixel"}
    if layer.mode == "nearest":
        settings |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    elif layer.align_corners:
        settings["coordinate_transformation_mode"] = "align_corners"
    if layer.mode == "cubic":
        settings["cubic_coeff_a"] = -0.75
    if all(one.size % one.n == 0 for one in resizes):
        scales = np.array([1, 1, *(one.size // one.n for one in resizes)], np.float32)
        task.add("Resize", [task.x, "", task.tensor("scales", scales)], **settings)
        return
    sizes = task.numbers("sizes", [one.size for one in resizes])
    settings["axes"] = list(range(2, 2 + len(resizes)))
    task.add("Resize", [task.x, "", "", sizes], **settings)


def _picked(task: LayerWriter, resizes: tuple[Resize, ...]) -> None:
    """Pick nearest pixels by their numbers: a scale in float32 would miss some by one."""
    x = task.x
    for axis, one in enumerate(resizes, start=1):
        index = task.numbers(f"index{axis}", one.taps(one.n)[:, 0].tolist())
        x = task.add("Gather", [x, index], "" if axis == len(resizes) else f"axis{axis}", axis=axis + 1)
