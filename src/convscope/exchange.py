"""Exchange models with other frameworks: importers that build a Model, exporters that take one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from .arrays import Array
from .errors import BadFile, BadSetting
from .input_shapes import InputShape
from .interop.keras.importer import load_weighted_model as load_weighted_keras
from .interop.keras.importer import read_network as read_keras
from .interop.onnx.exporter import check_size, write_onnx
from .interop.onnx.importer import read_network as read_onnx
from .interop.onnx.importer import read_properties
from .interop.onnx.importer import read_weights as read_onnx_weights
from .interop.onnx.reader import require_onnx
from .interop.torch.exporter import write_module
from .interop.torch.importer import load_weighted_module, usual_shape
from .interop.torch.importer import read_network as read_torch
from .interop.torch.state import assign_state, state_shapes, write_state
from .layers.activation import Softmax
from .loading import ModelSource, is_keras_model, is_torch_module, load
from .network import Network
from .training.model_io import (
    describe,
    describe_normalization,
    peek_metadata,
    read_saved_model,
    restore_description,
)
from .weights import WeightFile, array_shapes, match_arrays, read_weights

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

    return _declare_classifier(Model(network, parameters=weights))


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

    return _declare_classifier(Model(network, parameters=weights))


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

    model = Model(network, parameters=read_onnx_weights(network, stored, file))
    restore_description(model, read_properties(file), file)
    return _declare_classifier(model)


def to_onnx(model: Model, path: str | os.PathLike[str], probabilities: bool | None = None) -> None:
    """Export a model with its weights as an ONNX file. The write is atomic.

    The file computes what `model.predict` returns for the same `probabilities`. Its metadata and the description
    of its output say which of the two that is, and have the class names and the normalization. The batch size is
    open. A layer's node and output have the layer's
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
    properties: dict[str, Any] = describe_normalization(model)
    if model.classes is not None:
        properties["classes"] = list(model.classes)
    write_onnx(
        model.network, {**arrays[0], **arrays[1]}, target, model.reading(probabilities), model.task, properties
    )


def save_state(model: Model, path: str | os.PathLike[str]) -> None:
    """Write parameters and running statistics as a PyTorch state dict. The write is atomic.

    Raises:
        MissingExtra: [torch-missing]
        BadFile: [write-failed]
    """
    write_state(Path(path), {**model.parameters, **model.buffers})


def load_model(
    source: ModelSource,
    weights: str | os.PathLike[str] | None = None,
    *,
    input_shape: InputShape | None = None,
    engine: str | None = None,
) -> Model:
    """Return a model with its weights, from one source or from a network and a file.

    A run, a saved model, an .onnx file, a `torch:` or `keras:` callable, a module and a Keras model have weights
    of their own. Random initial weights of a callable are those of seed 0.

    The names in a file with weights are compared with those of the network; for PyTorch modules, with those of
    their state dict. If they differ, layers are matched by order and shape. Such a match, and arrays that are not
    used, are reported by a warning. Class names, the normalization and the task of a run travel with its weights.

    Args:
        source: What `load` takes.
        weights: A .safetensors, .pt, .pth, .onnx or .keras file, or the folder of a run.
        input_shape: Another input shape, as in `load`.
        engine: The engine, as in `Model`.

    Raises:
        BadFile: [no-weights] for a network that has a structure only; [other-network] for weights of another
            network; those of `read_weights`.
        ConvscopeError: As `load`.

    >>> model = load_model("lenet", weights="lenet.safetensors")  # doctest: +SKIP
    """
    from .model import Model

    file = None if weights is None else read_weights(weights)
    found = _read_source(source, input_shape, file)
    if file is not None and not found.is_assigned:
        found = found._replace(arrays=match_arrays(array_shapes(found.network), file, found.network.name))
    if found.arrays is None:
        raise BadFile(
            "{source!r} is a structure only, without weights. Set {setting} to a file with weights or a run, or "
            "name a run, as `convscope train` writes, an .onnx file, or a torch: or keras: callable. [no-weights]",
            source=str(source),
            setting="load_model.weights",
        )
    described = {**found.described, **({} if file is None else file.described)}
    seed, dtype = described.get("seed", 0), described.get("dtype", "float32")
    model = Model(found.network, seed, engine, dtype, parameters=found.arrays)
    restore_description(model, described, Path(str(source if weights is None else weights)))
    return model if "loss" in described else _declare_classifier(model)


def _declare_classifier(model: Model) -> Model:
    """Declare the task of a model whose one output is a softmax over classes, unless it has one."""
    last, *others = model.network.outputs
    if model.task is None and not others and type(last.layer) is Softmax and len(last.output_shape) == 1:
        model.task = "classification"
    return model


class _Source(NamedTuple):
    """A network, its arrays if it has some, and the metadata that convscope has written.

    `is_assigned` tells whether the arrays are those of the file with weights.
    """

    network: Network
    arrays: Mapping[str, Array] | None = None
    described: Mapping[str, Any] = MappingProxyType({})
    is_assigned: bool = False


def _read_source(source: ModelSource, input_shape: InputShape | None, file: WeightFile | None) -> _Source:
    """Read a network with the arrays of its own, or with those of a file where a PyTorch module takes them."""
    if not isinstance(source, str | os.PathLike):
        return _read_object(source, input_shape, file)
    name = os.fspath(source)
    suffix = Path(name).suffix.lower()
    if name.startswith("torch:"):
        assigned: list[bool] = []
        network, arrays = load_weighted_module(
            name, input_shape, lambda module: assigned.append(_assign(module, file))
        )
        return _Source(network, arrays, is_assigned=any(assigned))
    if name.startswith("keras:"):
        return _Source(*load_weighted_keras(name, input_shape))
    if os.path.isdir(name) or (
        suffix == ".safetensors" and (not os.path.isfile(name) or peek_metadata(Path(name)))
    ):
        network, arrays, described = read_saved_model(Path(name))
        return _Source(load(network, input_shape), arrays, described)
    if suffix == ".onnx":
        network, stored = read_onnx(Path(name), input_shape)
        return _Source(network, read_onnx_weights(network, stored, Path(name)), read_properties(Path(name)))
    return _Source(load(name, input_shape))


def _read_object(source: Any, input_shape: InputShape | None, file: WeightFile | None) -> _Source:
    from .model import Model

    if isinstance(source, Model):
        arrays = {**source.parameters, **source.buffers}
        return _Source(load(source, input_shape), arrays, describe(source))
    if is_keras_model(source):
        return _Source(*read_keras(source, input_shape))
    if is_torch_module(source):
        module = source if file is None else deepcopy(source)
        is_assigned = _assign(module, file)
        shape = usual_shape(module) if input_shape is None else input_shape
        return _Source(*read_torch(module, shape), is_assigned=is_assigned)
    return _Source(load(source, input_shape))


def _assign(module: nn.Module, file: WeightFile | None) -> bool:
    """Assign a file's arrays to a module, by the names of its state dict; False without a file or state dict."""
    shapes = None if file is None else state_shapes(module)
    if file is None or shapes is None:
        return False
    assign_state(module, match_arrays(shapes, file, type(module).__name__))
    return True
