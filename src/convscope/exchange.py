"""Exchange models with other frameworks: importers that build a Model, exporters that take one."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from .errors import BadSetting
from .input_shapes import InputShape
from .interop.onnx.exporter import check_size, write_onnx
from .interop.onnx.importer import read_network as read_onnx
from .interop.onnx.importer import read_weights
from .interop.onnx.reader import require_onnx
from .network import Network

if TYPE_CHECKING:
    from .model import Model


@overload
def from_onnx(
    path: str | os.PathLike[str],
    parameters: Literal[False] = False,
    input_shape: InputShape | None = None,
) -> Network: ...


@overload
def from_onnx(
    path: str | os.PathLike[str], parameters: Literal[True], input_shape: InputShape | None = None
) -> Model: ...


@overload
def from_onnx(
    path: str | os.PathLike[str], parameters: bool, input_shape: InputShape | None = None
) -> Network | Model: ...


def from_onnx(
    path: str | os.PathLike[str], parameters: bool = False, input_shape: InputShape | None = None
) -> Network | Model:
    """Import an ONNX file.

    Layers are named after the file's nodes; characters that the notation reserves are replaced. Weights stay in
    the file unless `parameters` asks for them. An unsupported operator becomes an `Opaque` layer with the right
    output shape and the status "unknown".

    Args:
        path: The file.
        parameters: Whether to load the weights too, and return a Model.
        input_shape: The shape of the first input without the batch axis, or a mapping from input names to shapes.
            Needed where the file leaves sizes open; otherwise it overrides the file's sizes.

    Returns:
        A Network, or with `parameters=True` a Model with the file's weights.

    Raises:
        MissingExtra: [missing-onnx]
        BadFile: For a file that is damaged, hostile, or not an ONNX model; codes begin with [onnx-] or [file-].
        BadShape: For an input shape that does not fit: [onnx-dims], [onnx-rank], [onnx-node].
        BadSetting: [input-shape], [input-name]
    """
    file = Path(os.fspath(path))
    network, stored = read_onnx(file, input_shape)
    if not parameters:
        return network
    from .model import Model  # not needed for a structure, and slow to import

    return Model(network, parameters=read_weights(network, stored, file))


def to_onnx(model: Model, path: str | os.PathLike[str], probabilities: bool | None = None) -> None:
    """Export a model with its weights as an ONNX file. The write is atomic.

    The file computes what `model.predict` returns for the same `probabilities`. Its metadata and the description
    of its output say which of the two that is. The batch size is open. A layer's node and output have the layer's
    name.

    Args:
        model: The model.
        path: The file to write.
        probabilities: Whether the output is probabilities, as in `Model.predict`.

    Raises:
        MissingExtra: [missing-onnx]
        NoRule: [no-onnx] for a layer that cannot be expressed in ONNX operators.
        BadSetting: [onnx-model], [probabilities]
        BadFile: [onnx-large], [write-failed]
    """
    from .model import Model

    require_onnx()
    if not isinstance(model, Model):
        raise BadSetting(
            f"to_onnx.model must be a Model (got {type(model).__name__}). "
            "Use convscope.Model(network) for one with fresh weights. [onnx-model]"
        )
    target = Path(os.fspath(path))
    arrays = (model.parameters, model.buffers)
    check_size(target, sum(4 * prod(group.shape(name)) for group in arrays for name in group))
    write_onnx(model.network, {**arrays[0], **arrays[1]}, target, model.reading(probabilities), model.task)
