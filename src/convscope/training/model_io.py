"""Saving and loading of models and arrays in .safetensors files, with metadata and a checksum."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ..arrays import Array
from ..data.normalization import Normalization
from ..errors import BadFile, reason_of
from ..files.atomic import write_durably
from ..files.json_kinds import COUNT, OBJECT, TEXT, first_misfit, list_of, parse_json
from ..layers.base import show_shape
from ..layers.connection import Shape
from ..optim.losses import LOSSES
from ..parameters import buffer_shapes, parameter_shapes
from ..text.language import Message
from .configuration import from_json, to_json

if TYPE_CHECKING:
    from ..model import Model
    from ..network import Network

FORMAT = "convscope 1"
"""The value of "format" in the metadata of files written here."""

FILES_OF_A_FOLDER = ("model.safetensors", "best.safetensors", "last.safetensors", "previous.safetensors")
"""Names of the file with the arrays, in a saved model's folder or in a run folder, by priority."""

_ELEMENT_TYPES = {
    "int64": "I64",
    "float64": "F64",
    "float32": "F32",
    "int32": "I32",
    "float16": "F16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
"""Types by NumPy's and the format's names, in the order of the format's library, so that arrays are aligned."""

_ORDER = list(_ELEMENT_TYPES)
_ALIGNMENT = 8


class ModelFile(NamedTuple):
    """Contents of a file. `metadata` is empty for files of other programs."""

    arrays: dict[str, Array]
    metadata: dict[str, Any]


def write_model_file(
    path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, Any], keep_as: Path | None = None
) -> None:
    """Write arrays and JSON metadata. The file is written durably, and its bytes are reproducible.

    Raises:
        BadFile: [write-failed]
    """
    write_durably(path, encode_model_file(arrays, metadata), keep_as)


Chunks = list[bytes | memoryview]


def encode_model_file(arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> Chunks:
    """Return the bytes of a file with arrays and JSON metadata."""
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    words = json.dumps(metadata, sort_keys=True)
    described = {"format": FORMAT, "convscope": words, "checksum": _checksum(contiguous, words)}
    return list(_safetensors(contiguous, described))


def size_of(chunks: Chunks) -> int:
    """Return the length of encoded bytes."""
    return sum(map(len, chunks))


def read_model_file(path: Path, own: bool = False) -> ModelFile:
    """Read a .safetensors file. Files written by convscope must match their checksum.

    Args:
        path: The file.
        own: Whether the file must be one that convscope has written.

    Raises:
        BadFile: [file-missing], [file-damaged]
    """
    from safetensors import SafetensorError, safe_open

    if not os.path.isfile(path):
        raise BadFile(
            "{path!r} is not a readable .safetensors file. Check the path. [file-missing]",
            path=str(path),
        )
    try:
        with safe_open(path, framework="np") as file:
            described = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise _damaged(path, reason) from None
    # Two entries are checked, so that one flipped bit cannot make the file look like another program's.
    if not (own or described.get("format") == FORMAT or "convscope" in described):
        return ModelFile(arrays, {})
    if described.get("format") != FORMAT:
        got = described.get("format")
        raise _damaged(path, Message("its format is {got!r}, not {expected!r}", got=got, expected=FORMAT))
    words = described.get("convscope", "")
    if _checksum(arrays, words) != described.get("checksum"):
        raise _damaged(path, Message("its contents do not match its checksum"))
    return ModelFile(arrays, _metadata(path, words))


def peek_metadata(path: Path) -> dict[str, Any]:
    """Return a file's metadata without reading its arrays or checking them. Empty if there is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return _metadata(path, (file.metadata() or {}).get("convscope", ""))
    except (SafetensorError, OSError, TypeError, ValueError):
        return {}


def damaged_metadata(path: Path, misfit: str) -> BadFile:
    """Return the error for a file with unusable metadata."""
    return _damaged(path, Message("its metadata has {misfit}", misfit=misfit))


class HasShape(Protocol):
    """An array, or its shape only."""

    @property
    def shape(self) -> Shape: ...


def differences(expected: Mapping[str, Shape], got: Mapping[str, HasShape], most: int = 12) -> list[Message]:
    """List the differences between arrays and the expected names and shapes, one line each."""
    lines = [
        Message("{name}: missing, {expected} expected", name=name, expected=show_shape(shape))
        for name, shape in expected.items()
        if name not in got
    ]
    lines += [
        Message(
            "{name}: {got}, {expected} expected",
            name=name,
            got=show_shape(got[name].shape),
            expected=show_shape(shape),
        )
        for name, shape in expected.items()
        if name in got and got[name].shape != shape
    ]
    lines += [
        Message("{name}: {got}, unknown name", name=name, got=show_shape(array.shape))
        for name, array in got.items()
        if name not in expected
    ]
    return lines if len(lines) <= most else [*lines[:most], Message("… and {more} more", more=len(lines) - most)]


def listed(lines: Sequence[str]) -> str:
    """Return indented lines for the end of a message."""
    return reduce(lambda above, line: Message("{above}\n  {line}", above=above, line=line), lines, "")


def _safetensors(arrays: Mapping[str, Array], described: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a file. The library's own writer does not order the metadata reproducibly.

    Source:   the safetensors format: the header's length (8 bytes, little-endian), the header as JSON, the arrays
    """
    names = sorted(arrays, key=lambda name: (_ORDER.index(arrays[name].dtype.name), name))
    header: dict[str, Any] = {"__metadata__": dict(sorted(described.items()))}
    start = 0
    for name in names:
        array = arrays[name]
        end = start + array.nbytes
        header[name] = {
            "dtype": _ELEMENT_TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        array = arrays[name]
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        yield little.reshape(-1).view(np.uint8).data


def _metadata(path: Path, words: str) -> dict[str, Any]:
    try:
        metadata = parse_json(words)
    except ValueError as error:
        raise damaged_metadata(path, Message("no JSON: {reason}", reason=error.args[0])) from None
    if not isinstance(metadata, dict):
        raise damaged_metadata(path, Message("no JSON object"))
    return metadata


def _checksum(arrays: Mapping[str, Array], words: str) -> str:
    digest = hashlib.sha256(words.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _damaged(path: Path, reason: str) -> BadFile:
    return BadFile(
        "{path!r} is a damaged .safetensors file ({reason}). Use another copy. [file-damaged]",
        path=str(path),
        reason=reason,
    )


NOT_NEEDED = "num_batches_tracked"
"""PyTorch's counter of batches in a batch norm. It is unused if a momentum is set."""

_KINDS = {
    "network": TEXT,
    "dtype": TEXT,
    "seed": COUNT,
    "loss": OBJECT,
    "task": TEXT.or_null().maybe(),
    "classes": list_of(TEXT).or_null(),
    "normalization": OBJECT.maybe(),
}


def describe(model: Model) -> dict[str, Any]:
    """Return the metadata of a model."""
    from ..notation import to_yaml

    return {
        "network": to_yaml(model.network),
        "dtype": model.dtype.__name__,
        "seed": model.seed,
        "loss": to_json(model.training.objective.loss, LOSSES),
        "task": model.task,
        "classes": None if model.classes is None else list(model.classes),
        **describe_normalization(model),
    }


def describe_normalization(model: Model) -> dict[str, Any]:
    """Return the entry of the model's normalization in metadata; none for a model without one."""
    return {} if model.normalization is None else {"normalization": model.normalization.to_dict()}


def arrays_of(model: Model) -> dict[str, Array]:
    """Return parameters and running statistics by name."""
    return {**model.parameters, **model.buffers}


def save_model(model: Model, path: Path) -> None:
    """Write a .safetensors file, or a folder with one and the network as YAML."""
    described = describe(model)
    if path.suffix == ".safetensors":
        write_model_file(path, arrays_of(model), described)
        return
    make_folder(path)
    write_model_file(path / FILES_OF_A_FOLDER[0], arrays_of(model), described)
    write_durably(path / "network.yaml", described["network"].encode())


def make_folder(path: Path) -> None:
    """Create a folder, unless it exists.

    Raises:
        BadFile: [folder]
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(
            "{path!r} cannot be created ({reason}). Choose another folder. [folder]",
            path=str(path),
            reason=reason_of(error),
        ) from None


class SavedModel(NamedTuple):
    """The contents of a saved model: its network, arrays by name, and metadata, checked."""

    network: Network
    arrays: dict[str, Array]
    described: dict[str, Any]


def read_saved_model(path: Path) -> SavedModel:
    """Read the model of a file or folder, without creating it.

    Raises:
        BadFile: [no-model], [no-network], [other-network], [file-missing], [file-damaged]
    """
    from ..notation import parse_yaml

    file = file_of(path)
    read = read_model_file(file)
    if not read.metadata:
        raise BadFile(
            "{path!r} has arrays but no network. Use load_model(network, weights={path!r}). [no-network]",
            path=str(path),
        )
    misfit = first_misfit(read.metadata, _KINDS)
    if misfit is not None:
        raise damaged_metadata(file, misfit)
    network = parse_yaml(read.metadata["network"])
    return SavedModel(network, _known_arrays(network, read, path), read.metadata)


def load_model(path: Path, engine: str | None = None) -> Model:
    """Return the model of a file or folder."""
    from ..model import Model

    network, arrays, described = read_saved_model(path)
    model = Model(network, described["seed"], engine, described["dtype"], parameters=arrays)
    restore_description(model, described, path)
    return model


def restore_description(model: Model, described: Mapping[str, Any], path: Path) -> None:
    """Set the loss, task, classes and normalization of a model from metadata. Missing ones are left as they are.

    Raises:
        BadFile: [file-damaged]
    """
    if "loss" in described:
        model.compile(loss=from_json(described["loss"], LOSSES, "loss"))
    if described.get("classes") is not None:
        model.classes = tuple(described["classes"])
    if "loss" in described:
        # Older files have no task. Only `fit` set the classes then, so that a model without them was not trained.
        model.task = described.get("task", None if model.classes is None else model.task)
    if described.get("normalization") is not None:
        try:
            model.normalization = Normalization.from_dict(described["normalization"])
        except ValueError as error:
            raise damaged_metadata(path, error.args[0]) from None


def file_of(path: Path) -> Path:
    """Return the file with the arrays: the path itself, or the first one in a folder.

    Raises:
        BadFile: [no-model]
    """
    if not os.path.isdir(path):
        return path
    for name in FILES_OF_A_FOLDER:
        if os.path.exists(path / name):
            return path / name
    raise BadFile(
        "{path!r} is not the folder of a saved model or run (none of {names} in it). Check the path. [no-model]",
        path=str(path),
        names=", ".join(FILES_OF_A_FOLDER),
    )


def put_weights(model: Model, read: ModelFile, path: Path) -> None:
    """Write the parameters and running statistics of a file into a model of the same network.

    Raises:
        BadFile: [other-network]
    """
    for name, array in _known_arrays(model.network, read, path).items():
        model.program.write(name, array)


def _known_arrays(network: Network, read: ModelFile, path: Path) -> dict[str, Array]:
    """Return the network's parameters and statistics in a file. Other arrays are ignored.

    Raises:
        BadFile: [other-network]
    """
    shapes = {**parameter_shapes(network), **buffer_shapes(network)}
    known = {name: array for name, array in read.arrays.items() if name in shapes}
    _refuse_differences(differences(shapes, known), path, network)
    return known


def load_parameters(model: Model, path: Path, names: Mapping[str, str]) -> None:
    """Load arrays into a model from a file of any origin, which must have exactly the model's arrays."""
    given = {
        _renamed(name, names): array
        for name, array in read_model_file(path).arrays.items()
        if not name.endswith(NOT_NEEDED)
    }
    shapes = {name: array.shape for name, array in arrays_of(model).items()}
    _refuse_differences(differences(shapes, given), path, model.network)
    for name, array in given.items():
        if not np.issubdtype(array.dtype, np.floating):
            raise BadFile(
                "{path!r} must contain floating-point arrays (got {name} of {dtype}). Convert it. [file-type]",
                path=str(path),
                name=name,
                dtype=array.dtype,
            )
    _write(model, given)


def _renamed(name: str, names: Mapping[str, str]) -> str:
    layer, _, parameter = name.rpartition(".")
    return f"{names[layer]}.{parameter}" if layer in names else name


def _write(model: Model, arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        target = model.parameters if name in model.parameters else model.buffers
        target[name] = array


def _refuse_differences(lines: list[Message], path: Path, network: Network) -> None:
    if lines:
        raise BadFile(
            "{path!r} does not have the arrays of {network}. Load it into the network it was saved from. "
            "[other-network]{lines}",
            path=str(path),
            network=network.name,
            lines=listed(lines),
        )
