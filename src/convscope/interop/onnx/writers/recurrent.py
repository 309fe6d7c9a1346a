"""LSTM."""

from __future__ import annotations

import numpy as np

from ....errors import NoRule
from ....layers.recurrent import LSTM
from ..values import Array
from .graph import LayerWriter, write


@write.register
def _(layer: LSTM, writer: LayerWriter) -> None:
    """One ONNX LSTM per level. Their sequence axis comes first, and directions have their own axis."""
    if layer.proj_size:
        raise NoRule(
            "ONNX's LSTM has no projection (got proj_size={proj_size} in layer {name!r}). Save the "
            "model with Model.save instead. [no-onnx]",
            proj_size=layer.proj_size,
            name=writer.name,
        )
    width = layer.directions * layer.width
    x = writer.x
    for level in range(layer.num_layers):
        last = level == layer.num_layers - 1
        part = "" if last else f"level{level}"
        label = part or "last"
        steps = writer.transpose_all(x, (1, 0, 2), f"{label}.steps")
        states = writer.add(
            "LSTM",
            [steps, *_matrices(layer, writer, level)],
            f"{label}.states",
            name=f"{writer.name}/{part}" if part else writer.name,
            hidden_size=layer.hidden_size,
            direction="bidirectional" if layer.bidirectional else "forward",
        )
        by_image = writer.transpose_all(states, (2, 0, 1, 3), f"{label}.images")
        x = writer.reshape(by_image, (writer.shape[0], width), part, f"{writer.name}/{label}.sequence")


def _matrices(layer: LSTM, writer: LayerWriter, level: int) -> list[str]:
    """Store W, R and B of one level; PyTorch's gates are ordered i, f, g, o, ONNX's i, o, f, c."""
    ends = [f"_l{level}{direction}" for direction in ("", "_reverse")[: layer.directions]]

    def reorder(array: Array) -> Array:
        i, f, g, o = np.split(array, 4)
        return np.concatenate([i, o, f, g])

    def stack(name: str) -> Array:
        return np.stack([reorder(writer.array(f"{name}{end}")) for end in ends]).astype(np.float32)

    names = [writer.tensor(f"level{level}.{name}", stack(name)) for name in ("weight_ih", "weight_hh")]
    if layer.biases == "none":
        return names
    input_bias = stack("bias_ih")
    hidden_bias = stack("bias_hh") if layer.biases == "two" else np.zeros_like(input_bias)
    return [*names, writer.tensor(f"level{level}.bias", np.concatenate([input_bias, hidden_bias], axis=1))]
