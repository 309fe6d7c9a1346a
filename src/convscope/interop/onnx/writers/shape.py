"""Layers that rearrange, select or pass on elements, and resizing."""

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
from ....layers.structural import Dropout, Identity, Parameter
from .convolution import PAD_MODES
from .graph import END, LayerWriter, write


@write.register
def _(layer: Flatten, writer: LayerWriter) -> None:
    writer.add("Flatten", [writer.x], axis=1)


@write.register
def _(layer: Reshape, writer: LayerWriter) -> None:
    writer.reshape(writer.x, writer.node.output_shape)


@write.register
def _(layer: Permute, writer: LayerWriter) -> None:
    writer.transpose(writer.x, layer.order)


@write.register
def _(layer: Pad, writer: LayerWriter) -> None:
    windows = layer.windows(writer.shape)
    befores, afters = [w.before for w in windows], [w.after for w in windows]
    inputs = [writer.x, writer.integers("pads", [0, 0, *befores, 0, 0, *afters])]
    if layer.mode == "zeros":
        inputs.append(writer.scalar("value", layer.value))
    writer.add("Pad", inputs, mode=PAD_MODES[layer.mode])


@write.register
def _(layer: Crop, writer: LayerWriter) -> None:
    windows = layer.as_pad(writer.shape).windows(writer.shape)
    pads = [0, 0, *(w.before for w in windows), 0, 0, *(w.after for w in windows)]
    writer.add("Pad", [writer.x, writer.integers("pads", pads)], mode="constant")


@write.register
def _(layer: Slice, writer: LayerWriter) -> None:
    stop = END if layer.stop is None else layer.stop
    writer.slice(writer.x, layer.axis, layer.start, stop, layer.step)


@write.register
def _(layer: PixelShuffle, writer: LayerWriter) -> None:
    writer.add("DepthToSpace", [writer.x], blocksize=layer.upscale_factor, mode="CRD")


@write.register
def _(layer: ChannelShuffle, writer: LayerWriter) -> None:
    channels, *sizes = writer.shape
    groups = (layer.groups, channels // layer.groups, *sizes)
    shape = writer.integers("groups.shape", (-1, *groups))
    split = writer.add("Reshape", [writer.x, shape], "groups", name=writer.name)
    shuffled = writer.transpose(split, (1, 0, *range(2, len(groups))), "shuffled")
    writer.add("Reshape", [shuffled, writer.integers("shape", (-1, *writer.shape))], name=f"{writer.name}/joined")


@write.register
def _(layer: IndexSelect, writer: LayerWriter) -> None:
    index = writer.integers("index", writer.array("index").astype(int).tolist())
    writer.add("Gather", [writer.x, index], axis=layer.axis + 1)


@write.register
def _(layer: Roll, writer: LayerWriter) -> None:
    """Concatenate the two parts of each shifted axis in reverse order."""
    moves = [(axis, shift % writer.shape[axis]) for axis, shift in zip(layer.axes, layer.shifts, strict=True)]
    moves = [(axis, shift) for axis, shift in moves if shift]
    x = writer.x
    for index, (axis, shift) in enumerate(moves):
        n = writer.shape[axis]
        end = writer.slice(x, axis, n - shift, n, part=f"end{axis}")
        start = writer.slice(x, axis, 0, n - shift, part=f"start{axis}")
        x = writer.add("Concat", [end, start], "" if index == len(moves) - 1 else f"axis{axis}", axis=axis + 1)
    if not moves:
        writer.add("Identity", [x])


@write.register
def _(layer: Expand, writer: LayerWriter) -> None:
    x = writer.x
    if len(writer.shape) < len(layer.shape):
        x = writer.reshape(x, (*(1 for _ in layer.shape[len(writer.shape) :]), *writer.shape), "aligned")
    writer.add("Expand", [x, writer.integers("shape", (1, *layer.shape))])


@write.register
def _(layer: Upsample, writer: LayerWriter) -> None:
    resizes = layer.resizes(writer.shape)
    if layer.mode == "nearest" and any(one.size % one.n for one in resizes):
        _nearest_by_index(writer, resizes)
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
        writer.add("Resize", [writer.x, "", writer.tensor("scales", scales)], **settings)
        return
    sizes = writer.integers("sizes", [one.size for one in resizes])
    settings["axes"] = list(range(2, 2 + len(resizes)))
    writer.add("Resize", [writer.x, "", "", sizes], **settings)


def _nearest_by_index(writer: LayerWriter, resizes: tuple[Resize, ...]) -> None:
    """Append a Gather of the nearest pixels: Resize, with a scale in float32, is off by one for some sizes."""
    x = writer.x
    for axis, one in enumerate(resizes, start=1):
        index = writer.integers(f"index{axis}", one.taps(one.n)[:, 0].tolist())
        x = writer.add("Gather", [x, index], "" if axis == len(resizes) else f"axis{axis}", axis=axis + 1)


@write.register
def _(layer: Identity, writer: LayerWriter) -> None:
    writer.add("Identity", [writer.x])


@write.register
def _(layer: Dropout, writer: LayerWriter) -> None:
    writer.add("Dropout", [writer.x, writer.scalar("ratio", layer.p)])


@write.register
def _(layer: Parameter, writer: LayerWriter) -> None:
    """The array, expanded to the batch size."""
    store, part = (writer.parameter, "weight") if layer.learned else (writer.fixed, "value")
    array = store(part, lambda values: values[None], "one")
    count = writer.add("Shape", [writer.x], "count", start=0, end=1)
    ones = writer.tensor("ones", np.ones(len(layer.shape), np.int64))
    sizes = writer.add("Concat", [count, ones], "sizes", axis=0)
    writer.add("Expand", [array, sizes])
