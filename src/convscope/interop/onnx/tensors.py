"""Tensors of a file: their shapes at once, their numbers when asked for."""

from __future__ import annotations

from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import BadFile
from ...files.regular import open_regular
from ...layers.base import show_shape
from ...settings import LARGEST
from .element_types import REAL
from .file import refused
from .values import Array, Constant
from .wire import OWN_FILE

if TYPE_CHECKING:
    from onnx import TensorProto


def constant(tensor: TensorProto, path: Path, learned: bool, key: str | None = None) -> Constant:
    """Return a tensor of the model at `path`; nothing is read yet. Of `learned` ones, real numbers are weights.

    Errors:   BadFile [onnx-tensor] for a shape or type that no tensor has
    """
    shape = tuple(tensor.dims[:])
    size, dtype = prod(shape), tensor.data_type
    if (shape and min(shape) < 0) or size > LARGEST or len(shape) > 64:
        name = tensor.name or "without a name"
        raise _bad_tensor(path, name, f"have at most {LARGEST:,} elements", f"shape {show_shape(shape)}")
    weights = size if learned and dtype in REAL else 0
    return Constant(shape, dtype, partial(_numbers, tensor, path, shape), key, weights)


def _numbers(tensor: TensorProto, path: Path, shape: tuple[int, ...]) -> Array:
    """Return a tensor's numbers.

    Errors:   BadFile [onnx-tensor], [onnx-external]
    """
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        whole = TensorProto(data_type=tensor.data_type, dims=shape, raw_data=_external(tensor, path))
    else:
        whole = tensor
    try:
        array: Array = numpy_helper.to_array(whole)
        if array.shape != shape:
            raise ValueError(f"shape {array.shape}")
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        text = str(error).partition("\n")[0]
        raise _bad_tensor(path, tensor.name, f"hold the numbers of shape {show_shape(shape)}", text) from None
    return array


def _external(tensor: TensorProto, path: Path) -> bytes:
    """Return the bytes that lie in another file, or were left in this one."""
    place = {entry.key: entry.value for entry in tensor.external_data}
    file = _external_file(place.get("location", OWN_FILE), tensor.name, path)
    try:
        offset, length = int(place.get("offset", 0)), int(place.get("length", -1))
        if offset < 0:
            raise ValueError(f"offset {offset}")
        whole = _nbytes(tensor)
        if length > whole:
            raise ValueError(f"{length:,} bytes, where {whole:,} are enough")
        with open_regular(file) as opened:
            if length > opened.seek(0, 2) - offset:
                raise ValueError(
                    f"only {max(opened.tell() - offset, 0):,} bytes at offset {offset:,} of {file.name}"
                )
            opened.seek(offset)
            return opened.read(length if length >= 0 else whole)
    except OSError as error:
        raise refused(
            path,
            f"have the data of tensor {tensor.name!r} beside it",
            f"{str(file)!r}: {(error.strerror or type(error).__name__).lower()}",
            "copy that file into the model's folder too",
            "onnx-external",
        ) from None
    except ValueError as error:
        raise _bad_tensor(path, tensor.name, "have its data where it says", str(error)) from None


def _external_file(location: str, tensor: str, path: Path) -> Path:
    """Return the file with a tensor's data; it must lie in the model's folder."""
    if location == OWN_FILE:
        return path
    folder = path.parent.resolve()
    file = Path(location)
    if "\0" in location or not (folder / file).resolve().is_relative_to(folder):
        raise refused(
            path,
            f"keep the data of tensor {tensor!r} in its own folder",
            f"location={location!r}",
            "do not use this file unless you trust it",
            "onnx-external",
        )
    return folder / file


def _nbytes(tensor: TensorProto) -> int:
    from onnx.helper import tensor_dtype_to_np_dtype

    itemsize = np.dtype(tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    return int(prod(tensor.dims) * itemsize)


def _bad_tensor(path: Path, name: str, rule: str, got: Any) -> BadFile:
    return BadFile(
        f"tensor {name!r} of {str(path)!r} must {rule}; got {got}; "
        "export or download the model again. [onnx-tensor]"
    )
