"""Conv and ConvTranspose."""

from __future__ import annotations

from typing import Any

from ....layers.convolution import Conv, ConvTranspose
from ....settings import Pads
from .graph import LayerWriter, write

PAD_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""ONNX's names of the padding modes."""


def flat_pads(pads: Pads) -> list[int]:
    """Return pads as ONNX lists them: those before all axes, then those after."""
    return [before for before, _ in pads] + [after for _, after in pads]


def _weights(writer: LayerWriter, bias: bool) -> list[str]:
    return [writer.parameter("weight"), *([writer.parameter("bias")] if bias else [])]


@write.register
def _(layer: Conv, writer: LayerWriter) -> None:
    settings: dict[str, Any] = {
        "kernel_shape": layer.kernel_size,
        "strides": layer.stride,
        "dilations": layer.dilation,
        "group": layer.groups,
    }
    windows = layer.windows(writer.shape)
    pads = tuple((window.before, window.after) for window in windows)
    x = writer.x
    if layer.padding_mode != "zeros":
        border = writer.integers(
            "border", [0, 0, *flat_pads(pads)[: len(pads)], 0, 0, *flat_pads(pads)[len(pads) :]]
        )
        x = writer.add("Pad", [x, border], "pad", mode=PAD_MODES[layer.padding_mode])
    elif layer.padding == "same":
        settings["auto_pad"] = "SAME_UPPER"
    else:
        settings["pads"] = flat_pads(pads)
    writer.add("Conv", [x, *_weights(writer, layer.bias)], **settings)


@write.register
def _(layer: ConvTranspose, writer: LayerWriter) -> None:
    windows = layer.windows(writer.shape)
    writer.add(
        "ConvTranspose",
        [writer.x, *_weights(writer, layer.bias)],
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        dilations=layer.dilation,
        group=layer.groups,
        pads=flat_pads(tuple((window.before, window.after) for window in windows)),
        output_padding=[window.extra for window in windows],
    )
