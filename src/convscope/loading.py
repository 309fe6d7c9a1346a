"""Load networks by name, notation, file or object."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import BadFile, ConvscopeError, UnknownModel, suggest
from .files.regular import open_regular
from .input_shapes import InputShape
from .network import Network
from .text.language import Message

if TYPE_CHECKING:
    import keras
    from torch import nn

    from .model import Model

ModelSource: TypeAlias = "Network | Model | nn.Module | keras.Model | str | os.PathLike[str]"
"""Everything that is accepted as a model."""

LARGEST_FILE = 16 << 20
"""Maximum size of a file with a network, in bytes. Even large descriptions are far smaller."""

_MODULE = Message(
    "{path!r} has a PyTorch module or its weights, which need the code that builds them. Name that code, "
    "torch:package.module:callable, and give the weights to the commands that run it by --weights, or to "
    "cs.load_model in Python. [model-file]"
)
_KERAS = Message(
    "{path!r} has a Keras model. Load it with keras:keras.models:load_model --arg filepath={path}, or pass "
    "keras.models.load_model({path!r}) to cs.from_keras in Python. [model-file]"
)
_TENSORFLOW = Message(
    "{path!r} has a TensorFlow graph. Convert it to ONNX with tf2onnx, and name the .onnx file. [model-file]"
)

_IMAGE = Message("{path!r} is an image, not a model. Name the model first, and images after it. [model-file]")

ADVICE = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"), _IMAGE),
    ".pt": _MODULE,
    ".pth": _MODULE,
    ".safetensors": Message(
        "{path!r} has weights without a network. Name the network, such as torch:package.module:callable, and "
        "give the weights to the commands that run it by --weights. [model-file]"
    ),
    ".keras": _KERAS,
    ".h5": _KERAS,
    ".tflite": _TENSORFLOW,
    ".pb": _TENSORFLOW,
}
"""Messages about files that are no models, by suffix."""

_ZOO = Path(__file__).parent / "zoo"


def load(model: ModelSource, input_shape: InputShape | None = None) -> Network:
    """Return the network of a model, with another input shape if `input_shape` is given.

    Args:
        model: A zoo name, notation, a file, a run folder, a Network, a Model, a PyTorch module or a Keras model.
        input_shape: One shape, channels first and without the batch, or a mapping from input names to shapes. For
            PyTorch modules the default has the channels of the first layer with weights, and 224 pixels per side.

    Raises:
        UnknownModel: [model-name], [model-type]
        BadFile: If a file is missing or damaged.
        BadNotation: If a text or file has mistakes.
        BadShape: If the network does not accept `input_shape`.
        BadSetting: [input-shape], [input-name], [channels-last]

    >>> load("input 1x28x28 | conv 6 5 p2 | relu", input_shape=(1, 32, 30))["conv1"].output_shape
    (6, 32, 30)
    """
    if isinstance(model, Network):
        return _resized(model, input_shape)
    if not isinstance(model, str | os.PathLike):
        return _from_object(model, input_shape)
    name = os.fspath(model)
    for recognizes, read in _READERS:
        if recognizes(name):
            return read(name, input_shape)
    shown = name if len(name) <= 60 else f"{name[:60]}…"
    raise UnknownModel(
        "There is no model {got!r}. {hint} A model is a name in the zoo, notation (`input 3x224x224 | conv …`), "
        "a .yaml, .json or .onnx file, or a run folder. [model-name]",
        got=shown,
        hint=suggest(_key(name), zoo_names()),
    )


def zoo_names() -> list[str]:
    """Return the names of the bundled networks."""
    return sorted(path.stem for path in _zoo().values())


@cache
def _zoo() -> Mapping[str, Path]:
    """Return the zoo's files by normalized name."""
    return {_key(path.stem): path for path in _ZOO.glob("*.yaml")}


def _key(name: str) -> str:
    return name.lower().replace("-", "_")


@cache
def _from_zoo(key: str) -> Network:
    path = _zoo()[key]
    return _from_file(path)


def _from_file(path: Path) -> Network:
    from .notation import parse_json, parse_yaml

    text = _text(path)
    read = parse_json if path.suffix.lower() == ".json" else parse_yaml
    try:
        return read(text, path.stem)
    except ConvscopeError as error:
        raise type(error)("{path}: {error}", path=path, error=error) from None


def _from_folder(path: Path) -> Network:
    """Return the network of a run folder, or of a folder written by Model.save."""
    from .notation import parse_yaml
    from .training.run_document import NAME, read_run_document

    if os.path.exists(path / NAME):
        return parse_yaml(read_run_document(path)["network"], path.name)
    if os.path.isfile(path / "network.yaml"):
        return _from_file(path / "network.yaml")
    raise BadFile(
        "{path!r} must be the folder of a run or a saved model (got no run.json and no network.yaml in it). "
        "Check the path. [model-folder]",
        path=str(path),
    )


def _text(path: Path) -> str:
    name = str(path)
    if "\0" in name:
        raise BadFile(
            "A file name must have no zero byte (got {path!r}). Check the path. [file-missing]", path=name
        )
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise BadFile(
                "{path!r} must be a file (got a folder or device). Name a .yaml or .json file. [file-kind]",
                path=name,
            )
        if size > LARGEST_FILE:
            raise BadFile(
                "{path!r} must have at most {most} MiB (got {got:,} bytes). Describe repeated parts with blocks. "
                "[file-size]",
                path=name,
                most=LARGEST_FILE >> 20,
                got=size,
            )
        with open_regular(path) as file:
            data = file.read()
    except OSError as error:
        raise BadFile(
            "{path!r} cannot be read ({reason}). Check the path. [file-missing]",
            path=name,
            reason=(error.strerror or type(error).__name__).lower(),
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(
            "{path!r} must be text in UTF-8 (got another encoding at byte {position:,}). Save it as UTF-8. "
            "[file-text]",
            path=name,
            position=error.start,
        ) from None
    if "\0" in text:
        raise BadFile(
            "{path!r} must be text (got binary data). Name a .yaml or .json file. [file-text]", path=name
        )
    return text


def _resized(network: Network, size: InputShape | None) -> Network:
    return network if size is None else network.with_input(size)


def is_keras_model(model: object) -> bool:
    """Tell whether an object is a Keras model, without importing Keras."""
    return _is_instance(model, "keras", "Model")


def is_torch_module(model: object) -> bool:
    """Tell whether an object is a PyTorch module, without importing PyTorch."""
    return _is_instance(model, "torch.nn", "Module")


def _is_instance(model: object, package: str, name: str) -> bool:
    kind = getattr(sys.modules.get(package), name, None)
    return kind is not None and isinstance(model, kind)


def _from_object(model: Any, size: InputShape | None) -> Network:
    """Return the network of a Model, Keras model or PyTorch module. Their packages are loaded already."""
    for package, name, read in _OBJECTS:
        if _is_instance(model, package, name):
            return read(model, size)
    raise UnknownModel(
        "A model must be a name, a path, a Network, a Model, a torch.nn.Module or a keras.Model (got {got}). "
        "Pass one of these. [model-type]",
        got=type(model).__name__,
    )


def _is_notation(name: str) -> bool:
    return "|" in name or "\n" in name or name.lstrip().startswith("input ")


def _ends(*endings: str) -> Callable[[str], bool]:
    return lambda name: Path(name).suffix.lower() in endings


def _read_notation(name: str, size: InputShape | None) -> Network:
    from .notation import parse

    return _resized(parse(name), size)


def _read_onnx(name: str, size: InputShape | None) -> Network:
    from .interop.onnx.importer import read_network

    return read_network(Path(name), size)[0]


def _read_torch(name: str, size: InputShape | None) -> Network:
    from .interop.torch.importer import load_module

    return load_module(name, size)


def _read_keras(name: str, size: InputShape | None) -> Network:
    from .interop.keras.importer import load_model

    return load_model(name, size)


def _read_torch_module(module: nn.Module, size: InputShape | None) -> Network:
    from .interop.torch.importer import read_network, usual_shape

    return read_network(module, usual_shape(module) if size is None else size)[0]


def _read_keras_model(model: keras.Model, size: InputShape | None) -> Network:
    from .interop.keras.importer import read_network

    return read_network(model, size)[0]


def _is_saved_model(name: str) -> bool:
    from .training.model_io import peek_metadata

    return Path(name).suffix.lower() == ".safetensors" and "network" in peek_metadata(Path(name))


def _read_saved_model(name: str, size: InputShape | None) -> Network:
    from .notation import parse_yaml
    from .training.model_io import peek_metadata

    return _resized(parse_yaml(str(peek_metadata(Path(name))["network"]), Path(name).stem), size)


def _read_foreign(path: str, _: InputShape | None) -> Network:
    suffix = Path(path).suffix.lower()
    if suffix == ".safetensors" and os.path.isfile(path):
        from .training.model_io import read_model_file

        read_model_file(Path(path))  # a damaged file is reported as such
    raise UnknownModel(ADVICE[suffix].template, path=path)


_OBJECTS: tuple[tuple[str, str, Callable[[Any, InputShape | None], Network]], ...] = (
    ("convscope.model", "Model", lambda model, size: _resized(model.network, size)),
    ("keras", "Model", _read_keras_model),  # before PyTorch: with its backend a Keras model is a module, too
    ("torch.nn", "Module", _read_torch_module),
)
"""Supported classes by package and name, with their readers."""

_READERS: tuple[tuple[Callable[[str], bool], Callable[[str, InputShape | None], Network]], ...] = (
    (lambda name: _key(name.strip()) in _zoo(), lambda name, size: _resized(_from_zoo(_key(name.strip())), size)),
    (_is_notation, _read_notation),
    (lambda name: name.startswith("torch:"), _read_torch),
    (lambda name: name.startswith("keras:"), _read_keras),
    (_ends(".onnx"), _read_onnx),
    (_is_saved_model, _read_saved_model),
    (_ends(*ADVICE), _read_foreign),
    (_ends(".yaml", ".yml", ".json"), lambda name, size: _resized(_from_file(Path(name)), size)),
    (os.path.isdir, lambda name, size: _resized(_from_folder(Path(name)), size)),  # last: it accepts any text
)
"""Predicates on names with their readers, in this order."""
