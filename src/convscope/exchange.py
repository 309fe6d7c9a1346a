"""Exchange models with other frameworks: importers that build a Model, exporters that take one."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from .errors import BadFile, BadSetting
from .input_shapes import InputShape
from .interop.keras.importer import read_network as read_keras
from .interop.onnx.exporter import check_size, write_onnx
from .interop.onnx.importer import read_network as read_onnx
from .interop.onnx.importer import read_weights as read_onnx_weights
from .interop.onnx.reader import require_onnx
from .interop.torch.exporter import write_module
from .interop.torch.importer import read_network as read_torch
from .network import Network

if TYPE_CHECKING:
    from torch import nn

    from .model import Model


@overload
def from_torch(
    module: nn.Module, input_shape: InputShape, parameters: Literal[False] = ..., name: str | None = ...
) -> Network: ...


@overload
def from_torch(
    module: nn.Module, input_shape: InputShape, parameters: Literal[True], name: str | None = ...
) -> Model: ...


@overload
def from_torch(
    module: nn.Module, input_shape: InputShape, parameters: bool, name: str | None = ...
) -> Network | Model: ...


def from_torch(
    module: nn.Module, input_shape: InputShape, parameters: bool = False, name: str | None = None
) -> Network | Model:
    """Import a PyTorch module.

    One forward pass in evaluation mode is recorded on tensors that have a shape and no memory. Layers are named
    after the modules' paths. An unsupported operator becomes an `Opaque` layer with the operator's name. Modules
    and parameters that are used twice are counted once; those that are not used are left out. The module is not
    changed: lazy layers get their shapes in a copy.

    Args:
        module: The module.
        input_shape: The shape of the first argument of `forward` without the batch axis, or a mapping from its
            arguments to shapes, as in `{"image": (3, 64, 64), "state": (7,)}`. Several inputs are named after the
            arguments; a single one is named `input`.
        parameters: Whether to load the parameters too, and return a Model.
        name: The network's name; by default that of the module's class.

    Returns:
        A Network, or with `parameters=True` a Model with the module's parameters.

    Raises:
        MissingExtra: [torch-missing]
        BadSetting: [torch-module], [torch-input], [input-shape], [input-name]
        BadShape: [torch-forward]
        BadNetwork: [torch-control-flow], [torch-forward], [torch-inputs], [torch-output], [torch-script],
            [torch-unseen], [torch-memory], [torch-lazy], [torch-no-numbers]

    >>> import torch
    >>> net = from_torch(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU()), (3, 32, 30))
    >>> [(node.name, node.kind, node.output_shape) for node in net.layers]
    [('0', 'Conv2d', (8, 28, 26)), ('1', 'ReLU', (8, 28, 26))]
    """
    network, weights = read_torch(module, input_shape, name)
    if not parameters:
        return network
    from .model import Model  # slow to import, and not needed for the structure

    return Model(network, parameters=weights)


def to_torch(model: Model | Network | str | os.PathLike[str]) -> nn.Module:
    """Export a model as a PyTorch module with the same parameter names and values.

    Submodules are nested by the layers' names; `_layer` is appended to a name that PyTorch reserves, and the
    module's `state_names` maps parameters to their names in `state_dict()`. `forward` returns the network's output
    without the softmax or sigmoid that `predict` applies, or a dict of outputs by layer name if there are several.
    The module is in training mode, as new modules are. Frozen parameters do not require gradients. A frozen batch
    norm must be put in evaluation mode to keep its running statistics, as in PyTorch.

    Args:
        model: The model. A network, a name or a path gets the parameters of `Model(network)`.

    Raises:
        MissingExtra: [torch-missing]
        NoRule: [no-torch] for a layer that PyTorch does not have.

    >>> print(to_torch("input 1x6x5 | conv 4 3 | relu | flatten | dense 3"))
    GraphModule(
      (conv1): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))
      (relu1): ReLU()
      (flatten1): Flatten(start_dim=1, end_dim=-1)
      (dense1): Linear(in_features=48, out_features=3, bias=True)
    )
    """
    from .model import Model

    source = model if isinstance(model, Model) else Model(model)
    return write_module(source.network, source.parameters, source.buffers)


@overload
def from_keras(
    model: Any, input_shape: InputShape | None = ..., parameters: Literal[False] = ..., name: str | None = ...
) -> Network: ...


@overload
def from_keras(
    model: Any, input_shape: InputShape | None, parameters: Literal[True], name: str | None = ...
) -> Model: ...


@overload
def from_keras(
    model: Any, input_shape: InputShape | None = ..., *, parameters: Literal[True], name: str | None = ...
) -> Model: ...


@overload
def from_keras(
    model: Any, input_shape: InputShape | None = ..., parameters: bool = ..., name: str | None = ...
) -> Network | Model: ...


def from_keras(
    model: Any, input_shape: InputShape | None = None, parameters: bool = False, name: str | None = None
) -> Network | Model:
    """Import a Keras 3 model.

    Keras' own graph is read, of functional, sequential and nested models. A subclassed model or layer is called
    with symbolic tensors, without computing anything. Layers have Keras' names. Images are channels first here,
    whatever the model's data format is. An unsupported layer becomes an `Opaque` layer with its class's name.

    Args:
        model: The model.
        input_shape: The shape of the first input, channels first and without the batch axis, or a mapping from
            input names to shapes. It fills in the sizes that a model leaves open, which are 224 pixels a side by
            default, or overrides them.
        parameters: Whether to load the weights too, and return a Model.
        name: The network's name; by default the model's.

    Returns:
        A Network, or with `parameters=True` a Model with the model's weights.

    Raises:
        MissingExtra: [missing-keras]
        BadSetting: [keras-model], [keras-unbuilt], [keras-inputs], [keras-input], [keras-open], [input-shape],
            [input-name]
        BadShape: [keras-shape], [keras-weights]
        BadNetwork: [keras-trace], [keras-no-numbers], [keras-rows]
    """
    network, weights = read_keras(model, input_shape, name)
    if not parameters:
        return network
    from .model import Model  # slow to import, and not needed for the structure

    return Model(network, parameters=weights)


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

    return Model(network, parameters=read_onnx_weights(network, stored, file))


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
            "to_onnx.model must be a Model (got {got}). Use convscope.Model(network) for one with "
            "fresh weights. [onnx-model]",
            got=type(model).__name__,
        )
    target = Path(os.fspath(path))
    arrays = (model.parameters, model.buffers)
    check_size(target, sum(4 * prod(group.shape(name)) for group in arrays for name in group))
    write_onnx(model.network, {**arrays[0], **arrays[1]}, target, model.reading(probabilities), model.task)


def load_model(source: str | os.PathLike[str], engine: str | None = None) -> Model:
    """Return a model with its weights: a run folder, a folder or file written by `Model.save`, or an ONNX file.

    Raises:
        BadFile: [no-weights] for a network that has a structure only; [file-missing], [file-damaged]
    """
    from .model import Model

    path = Path(source)
    if path.suffix.lower() == ".onnx":
        imported = from_onnx(path, parameters=True)
        return imported if engine is None else Model(imported.network, engine=engine, parameters=_arrays(imported))
    if path.is_dir() or path.suffix.lower() == ".safetensors":
        return Model.load(path, engine)
    raise BadFile(
        "{source!r} has no weights, only a structure. Pass the folder of a run, a .safetensors file saved by "
        "convscope, or an .onnx file. [no-weights]",
        source=str(source),
    )


def _arrays(model: Model) -> dict[str, Any]:
    return {**model.parameters, **model.buffers}
