"""Conv and ConvTranspose."""

from __future__ import annotations

from typing import Any

from ....layers.convolution import Conv, ConvTranspose
from ....settings import Pads
from .graph import LayerWriter, write

BORDERS = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""ONNX's words for what stands around an image."""


def flat(pads: Pads) -> list[int]:
    """Return pads as ONNX lists them: all the befores, then all the afters."""
    return [before for before, _ in pads] + [after for _, after in pads]


def _weights(task: LayerWriter, bias: bool) -> list[str]:
    return [task.parameter("weight"), *([task.parameter("bias")] if bias else [])]


@write.register
def _(layer: Conv, task: LayerWriter) -> None:
    settings: dict[str, Any] = {
        "kernel_shape": layer.kernel_size,
        "strides": layer.stride,
        "dilations": layer.dilation,
        "group": layer.groups,
    }
    windows = layer.windows(task.shape)
    pads = tuple((window.before, window.after) for window in windows)
    x = task.x
    if layer.padding_mode != "zeros":
        border = task.numbers("border", [0, 0, *flat(pads)[: len(pads)], 0, 0, *flat(pads)[len(pads) :]])
        x = task.add("Pad", [x, border], "pad", mode=BORDERS[layer.padding_mode])
    elif layer.padding == "same":
        settings["auto_pad"] = "SAME_UPPER"
    else:
        settings["pads"] = flat(pads)
    task.add("Conv", [x, *_weights(task, layer.bias)], **settings)


@write.register
def _(layer: ConvTranspose, task: LayerWriter) -> None:
    windows = layer.windows(task.shape)
    task.add(
        "ConvTranspose",
        [task.x, *_weights(task, layer.bias)],
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        dilations=layer.dilation,
        group=layer.groups,
        pads=flat(tuple((window.before, window.after) for window in windows)),
        output_padding=[window.extra for window in windows],
    )
