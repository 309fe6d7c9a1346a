"""Weights of networks in files of any origin: reading them, and matching their names with a network's."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .arrays import Array, ComputedArrays
from .errors import BadFile
from .interop.keras.importer import read_file as read_keras_file
from .interop.onnx.importer import read_network as read_onnx
from .interop.onnx.importer import read_properties
from .interop.onnx.importer import read_weights as read_onnx_weights
from .interop.torch.state import read_state
from .layers.base import show_shape
from .layers.connection import Shape
from .network import Network
from .parameters import buffer_shapes, parameter_shapes
from .text.language import Message
from .text.lists import join_or, shortened_with_count
from .training.model_io import NOT_NEEDED, differences, listed, read_model_file, read_saved_model

WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".onnx", ".keras")
"""Suffixes of files with weights; a folder must be that of a run or of a saved model."""

_UNUSED_LISTED = 6


class WeightFile(NamedTuple):
    """Arrays by name, with their shapes, and the metadata of a file that convscope has written.

    `is_ordered` tells whether the arrays are in the order of the network's layers.
    """

    path: str
    arrays: Mapping[str, Array]
    shapes: Mapping[str, Shape]
    is_ordered: bool
    described: Mapping[str, Any]


def read_weights(source: str | os.PathLike[str]) -> WeightFile:
    """Read a file with weights, or those of a run.

    Pickled objects other than tensors are refused: PyTorch's files are read with `weights_only=True`.

    Raises:
        BadFile: [weights-kind], [weights-pickle], [file-missing], [file-damaged], [no-model], and those of the
            importers.
        MissingExtra: If a library is missing.
    """
    path = Path(source)
    suffix = path.suffix.lower()
    if os.path.isdir(path):
        return _saved(path)
    if not os.path.isfile(path):
        raise BadFile(
            "There is no file or folder {path!r} with weights. Check the path. [file-missing]", path=str(path)
        )
    if suffix in (".h5", ".hdf5"):
        raise BadFile(
            "{path!r} has Keras weights in HDF5. Load them into their model in Keras, save it with "
            "model.save('model.keras'), and name that file. [weights-kind]",
            path=str(path),
        )
    if suffix not in WEIGHT_SUFFIXES:
        raise BadFile(
            "{path!r} is not a file with weights. Use {suffixes}, or the folder of a run. [weights-kind]",
            path=str(path),
            suffixes=join_or(WEIGHT_SUFFIXES),
        )
    match suffix:
        case ".onnx":
            network, stored = read_onnx(path)
            return _of_network(path, network, read_onnx_weights(network, stored, path), read_properties(path))
        case ".keras":
            return _of_network(path, *read_keras_file(path))
        case ".pt" | ".pth":
            state = read_state(path)
            return _of_arrays(path, state, True)
    read = read_model_file(path)
    # The format orders arrays by type and name.
    return _saved(path) if read.metadata else _of_arrays(path, read.arrays, False)


def _saved(path: Path) -> WeightFile:
    network, arrays, described = read_saved_model(path)
    return _of_network(path, network, arrays, described)


def _of_network(
    path: Path, network: Network, arrays: Mapping[str, Array], described: Mapping[str, Any] | None = None
) -> WeightFile:
    return WeightFile(str(path), arrays, array_shapes(network), True, described or {})


def _of_arrays(path: Path, arrays: Mapping[str, Array], is_ordered: bool) -> WeightFile:
    shapes = {name: tuple(array.shape) for name, array in arrays.items() if not name.endswith(NOT_NEEDED)}
    return WeightFile(str(path), arrays, shapes, is_ordered, {})


def array_shapes(network: Network) -> dict[str, Shape]:
    """Return the shapes of a network's parameters and running statistics by name, in the order of its layers."""
    shapes = {**parameter_shapes(network), **buffer_shapes(network)}
    place = {node.name: index for index, node in enumerate(network)}
    return dict(sorted(shapes.items(), key=lambda item: place[_split(item[0])[0]]))


def match_arrays(wanted: Mapping[str, Shape], file: WeightFile, network: str) -> Mapping[str, Array]:
    """Return the file's array for each wanted name, read when it is asked for.

    Layers are matched by name, without prefixes that all of the file's names share, such as `module.`. Layers that
    have other names in the file are matched by their order and shapes, or, if their order differs or the file has
    none, by shapes that occur only once. Such a match, and arrays that are not used, are reported by a warning.

    Args:
        wanted: Names and shapes, in the order of the layers.
        file: The file.
        network: The network's name, for messages.

    Raises:
        BadFile: [other-network], with a list of what is missing or has another shape.
    """
    wanted = {name: shape for name, shape in wanted.items() if not name.endswith(NOT_NEEDED)}
    full_names = _plain_names(wanted, file.shapes)
    ours, theirs = _layers(wanted), _layers({name: file.shapes[full] for name, full in full_names.items()})
    layers = {layer: layer for layer, arrays in ours.items() if arrays.items() <= theirs.get(layer, {}).items()}
    others = {layer: arrays for layer, arrays in ours.items() if layer not in layers}
    if others:
        rest = {layer: arrays for layer, arrays in theirs.items() if layer not in layers}
        paired = _pair_by_shape(others, rest, file.is_ordered)
        if paired is None:
            raise BadFile(
                "{path!r} does not have the weights of {network}. Name the network that they belong to. "
                "[other-network]{lines}",
                path=file.path,
                network=network,
                lines=listed(_misfits(ours, theirs, file.is_ordered)),
            )
        layers |= paired
        _warn(
            Message(
                "{path}: matched {count} layer(s) of {network} by order and shape, since their names differ",
                path=file.path,
                count=len(others),
                network=network,
            )
        )
    sources = {
        _joined(layer, name): full_names[_joined(layers[layer], name)]
        for layer, arrays in ours.items()
        for name in arrays
    }
    _report_unused(set(file.shapes) - set(sources.values()), file, network)
    return ComputedArrays(wanted, lambda name: file.arrays[sources[name]])


def _report_unused(unused: set[str], file: WeightFile, network: str) -> None:
    if unused:
        names = [name for name in file.shapes if name in unused]
        _warn(
            Message(
                "{path}: {count} array(s) are not used by {network}: {names}",
                path=file.path,
                count=len(names),
                network=network,
                names=shortened_with_count(names, _UNUSED_LISTED),
            )
        )


def _plain_names(wanted: Mapping[str, Shape], shapes: Mapping[str, Shape]) -> dict[str, str]:
    """Return the file's names by plain ones, without the prefix under which most of the wanted names are found."""
    first = next(iter(wanted), "")
    prefixes = {name.removesuffix(first) for name in shapes if first and name.endswith(f".{first}")}
    counts = {prefix: sum(prefix + name in shapes for name in wanted) for prefix in ("", *sorted(prefixes))}
    best = max(counts, key=lambda prefix: counts[prefix])
    if 2 * counts[best] < len(wanted):
        best = ""
    return {name.removeprefix(best): name for name in shapes}


_Layers = dict[str, dict[str, Shape]]
"""Shapes by the names of layers, and of their arrays."""


def _layers(shapes: Mapping[str, Shape]) -> _Layers:
    layers: _Layers = {}
    for full, shape in shapes.items():
        layer, name = _split(full)
        layers.setdefault(layer, {})[name] = shape
    return layers


def _split(full: str) -> tuple[str, str]:
    layer, _, name = full.rpartition(".")
    return layer, name


def _joined(layer: str, name: str) -> str:
    return f"{layer}.{name}" if layer else name


def _pair_by_shape(ours: _Layers, theirs: _Layers, is_ordered: bool) -> dict[str, str] | None:
    """Match layers by their order and shapes, or by shapes that occur only once; None if neither is possible."""
    mine, others = ([tuple(sorted(arrays.items())) for arrays in layers.values()] for layers in (ours, theirs))
    if is_ordered and mine == others:
        return dict(zip(ours, theirs, strict=True))
    if Counter(mine) == Counter(others) and len(set(mine)) == len(mine):
        by_shape = dict(zip(others, theirs, strict=True))
        return {layer: by_shape[shapes] for layer, shapes in zip(ours, mine, strict=True)}
    return None


class _Shaped(NamedTuple):
    shape: Shape


def _misfits(ours: _Layers, theirs: _Layers, is_ordered: bool) -> list[Message]:
    """Describe what differs: by name if there are common names, else the first layer that differs in order."""
    if ours.keys() & theirs.keys():
        return differences(_flat(ours), {name: _Shaped(shape) for name, shape in _flat(theirs).items()})
    lines = [
        Message(
            "no names in common; layers with weights: {expected} expected, {got} in the file",
            expected=len(ours),
            got=len(theirs),
        )
    ]
    pairs = zip(ours.items(), theirs.items(), strict=False)
    different = next((pair for pair in pairs if pair[0][1] != pair[1][1]), None)
    if is_ordered and different is not None:
        (layer, arrays), (other, found) = different
        lines.append(
            Message(
                "first difference in order: {layer} ({expected}) expected, {other} ({got}) in the file",
                layer=layer,
                expected=_show(arrays),
                other=other,
                got=_show(found),
            )
        )
    return lines


def _flat(layers: _Layers) -> dict[str, Shape]:
    return {_joined(layer, name): shape for layer, arrays in layers.items() for name, shape in arrays.items()}


def _show(arrays: Mapping[str, Shape]) -> str:
    return ", ".join(f"{name} {show_shape(shape)}" for name, shape in arrays.items())


def _warn(message: Message) -> None:
    warnings.warn(message, stacklevel=4)
