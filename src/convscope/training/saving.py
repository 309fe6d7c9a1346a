"""A model in a file, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.protocol import Array
from ..engines.reference.layers.graph import buffer_shapes, parameter_shapes
from ..errors import BadFile
from ..files.durable import write_durably
from ..optim.losses import LOSSES
from .configuration import from_json, to_json
from .json_kinds import COUNT, OBJECT, TEXT, first_misfit, list_of
from .model_file import (
    FILES_OF_A_FOLDER,
    ModelFile,
    damaged_metadata,
    differences,
    read_model_file,
    write_model_file,
)

if TYPE_CHECKING:
    from ..model import Model
    from ..network import Network

_NOT_NEEDED = "num_batches_tracked"
"""PyTorch counts the batches a batch norm has seen; with a momentum given, nothing reads the count."""

_KINDS = {
    "network": TEXT,
    "dtype": TEXT,
    "seed": COUNT,
    "loss": OBJECT,
    "task": TEXT.or_null().maybe(),
    "classes": list_of(TEXT).or_null(),
}


def describe(model: Model) -> dict[str, Any]:
    """Return what a file says of a model beside its arrays."""
    from ..notation import to_yaml

    return {
        "network": to_yaml(model.network),
        "dtype": model.dtype.__name__,
        "seed": model.seed,
        "loss": to_json(model.training.objective.loss, LOSSES),
        "task": model.task,
        "classes": None if model.classes is None else list(model.classes),
    }


def arrays_of(model: Model) -> dict[str, Array]:
    """Return parameters and statistics by name."""
    return {**model.parameters, **model.buffers}


def save_model(model: Model, path: Path) -> None:
    """Write a .safetensors file, or a folder with one and the network's YAML."""
    described = describe(model)
    if path.suffix == ".safetensors":
        write_model_file(path, arrays_of(model), described)
        return
    make_folder(path)
    write_model_file(path / FILES_OF_A_FOLDER[0], arrays_of(model), described)
    write_durably(path / "network.yaml", described["network"].encode())


def make_folder(path: Path) -> None:
    """Make a folder where there is none.

    Errors:   BadFile [folder]
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadFile(
            f"{str(path)!r} must be a folder that can be made; got an error ({reason}); choose another. [folder]"
        ) from None


def load_model(path: Path, engine: str | None = None) -> Model:
    """Return the model of a file or folder."""
    from ..model import Model
    from ..notation import parse_yaml

    file = file_of(path)
    read = read_model_file(file)
    if not read.metadata:
        raise BadFile(
            f"{str(path)!r} must hold its network, as a file saved by Model.save does; got arrays only; "
            "make Model(network) and use load_parameters. [no-network]"
        )
    described = read.metadata
    misfit = first_misfit(described, _KINDS)
    if misfit is not None:
        raise damaged_metadata(file, misfit)
    network = parse_yaml(described["network"])
    parameters = _known_arrays(network, read, path)
    model = Model(network, described["seed"], engine, described["dtype"], parameters=parameters)
    model.compile(loss=from_json(described["loss"], LOSSES, "loss"))
    model.classes = None if described["classes"] is None else tuple(described["classes"])
    # Files written before tasks were kept: only `fit` gave a model classes, so one without was not trained.
    model.task = described.get("task", None if model.classes is None else model.task)
    return model


def file_of(path: Path) -> Path:
    """Return the file with the arrays: the path itself, or the first that a folder has.

    Errors:   BadFile [no-model]
    """
    if not os.path.isdir(path):
        return path
    for name in FILES_OF_A_FOLDER:
        if os.path.exists(path / name):
            return path / name
    raise BadFile(
        f"{str(path)!r} must be a saved model's or a run's folder; got none of {', '.join(FILES_OF_A_FOLDER)} "
        "in it; check the path. [no-model]"
    )


def _known_arrays(network: Network, read: ModelFile, path: Path) -> dict[str, Array]:
    """Return the network's parameters and statistics out of a file; what else the file has is left.

    Errors:   BadFile [other-network]
    """
    shapes = {**parameter_shapes(network), **buffer_shapes(network)}
    known = {name: array for name, array in read.arrays.items() if name in shapes}
    _refuse_differences(differences(shapes, known), path, network)
    return known


def load_parameters(model: Model, path: Path, names: Mapping[str, str]) -> None:
    """Put arrays of any origin into a model; the file must have exactly what the model has."""
    given = {
        _renamed(name, names): array
        for name, array in read_model_file(path).arrays.items()
        if not name.endswith(_NOT_NEEDED)
    }
    shapes = {name: array.shape for name, array in arrays_of(model).items()}
    _refuse_differences(differences(shapes, given), path, model.network)
    for name, array in given.items():
        if not np.issubdtype(array.dtype, np.floating):
            raise BadFile(
                f"{str(path)!r} must hold real numbers; got {name} of {array.dtype}; convert it. [file-type]"
            )
    _write(model, given)


def _renamed(name: str, names: Mapping[str, str]) -> str:
    layer, _, parameter = name.rpartition(".")
    return f"{names[layer]}.{parameter}" if layer in names else name


def _write(model: Model, arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        target = model.parameters if name in model.parameters else model.buffers
        target[name] = array


def _refuse_differences(lines: list[str], path: Path, network: Network) -> None:
    if lines:
        listed = "".join(f"\n  {line}" for line in lines)
        raise BadFile(
            f"{str(path)!r} must hold the arrays of {network.name}; got others; "
            f"load it into the network it was saved from. [other-network]{listed}"
        )
