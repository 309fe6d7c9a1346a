"""LSTM."""

from __future__ import annotations

import numpy as np

from ....errors import NoRule
from ....layers.recurrent import LSTM
from ..values import Array
from .graph import LayerWriter, write


@write.register
def _(layer: LSTM, task: LayerWriter) -> None:
    """One ONNX layer after another; sequences stand first there, and directions apart."""
    if layer.proj_size:
        raise NoRule(
            f"LSTM.proj_size must be 0 to be written; got proj_size={layer.proj_size} in layer {task.name!r}; "
            "ONNX has no projection: save the model with Model.save instead. [no-onnx]"
        )
    width = layer.directions * layer.width
    x = task.x
    for level in range(layer.num_layers):
        last = level == layer.num_layers - 1
        part = "" if last else f"level{level}"
        label = part or "last"
        first = task.transpose_all(x, (1, 0, 2), f"{label}.steps")
        made = task.add(
            "LSTM",
            [first, *_matrices(layer, task, level)],
            f"{label}.states",
            name=f"{task.name}/{part}" if part else task.name,
            hidden_size=layer.hidden_size,
            direction="bidirectional" if layer.bidirectional else "forward",
        )
        turned = task.transpose_all(made, (2, 0, 1, 3), f"{label}.images")
        x = task.reshape(turned, (task.shape[0], width), part, f"{task.name}/{label}.sequence")


def _matrices(layer: LSTM, task: LayerWriter, level: int) -> list[str]:
    """Store W, R and B of one level; PyTorch's gates are i, f, g, o, ONNX's i, o, f, c."""
    ends = [f"_l{level}{way}" for way in ("", "_reverse")[: layer.directions]]

    def ordered(array: Array) -> Array:
        i, f, g, o = np.split(array, 4)
        return np.concatenate([i, o, f, g])

    def stacked(name: str) -> Array:
        return np.stack([ordered(task.array(f"{name}{end}")) for end in ends]).astype(np.float32)

    names = [task.tensor(f"level{level}.{name}", stacked(name)) for name in ("weight_ih", "weight_hh")]
    if layer.biases == "none":
        return names
    own = stacked("bias_ih")
    other = stacked("bias_hh") if layer.biases == "two" else np.zeros_like(own)
    return [*names, task.tensor(f"level{level}.bias", np.concatenate([own, other], axis=1))]
