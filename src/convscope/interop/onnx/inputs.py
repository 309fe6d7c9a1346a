"""The inputs of a graph: which of them are images, of what shape, and where the batch stands."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import BadShape
from ...input_shapes import InputShape, check_channels_first, shapes_by_name
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...settings import LARGEST
from .file import check_text, refused
from .values import without_axis

if TYPE_CHECKING:
    from onnx import GraphProto


class Declared(NamedTuple):
    """An input as the file declares it: sizes are numbers, names of unknown numbers, or nothing."""

    name: str
    dtype: int
    dims: tuple[int | str | None, ...]
    batch: int | None


class Given(NamedTuple):
    """An input with every size known."""

    name: str
    dtype: int
    shape: Shape
    batch: int | None


_SEQUENCES_FIRST = frozenset({"LSTM", "GRU", "RNN"})

_USUAL_SIZES = {1: (100,), 2: (3, 100), 3: (3, 224, 224), 4: (3, 16, 112, 112)}
"""Sizes to suggest for inputs of so many axes, batch left out."""


def inputs_of(
    graph: GraphProto, stored: Container[str], path: Path, input_shape: InputShape | None
) -> tuple[list[Given], dict[str, int]]:
    """Return the graph's inputs with their sizes, and what the names of unknown sizes stand for.

    `stored` are the names of its initializers, which old files list among the inputs.
    A batch of unknown size is one image. Other unknown sizes must come with `input_shape`, the first input's or
    those of several inputs by their names in the file.

    Errors:   BadFile [onnx-input]; BadShape [onnx-dims], [onnx-rank]; BadSetting as `shapes_by_name`
    """
    items = [item for item in graph.input if item.name not in stored]
    declared: list[Declared] = []
    for item in items:
        declared.append(_declared(item, graph, path, declared[0] if declared else None))
    if not declared:
        raise refused(path, "have an input", "a graph of constants", "export it with its input", "onnx-input")
    shapes = shapes_by_name(input_shape, [item.name for item in declared])
    known: dict[str, int] = {}
    # Given shapes first: what a name stands for in one of them, it stands for in all inputs.
    order = sorted(declared, key=lambda item: item.name not in shapes)
    given = {item.name: _given(item, path, known, shapes, item is declared[0]) for item in order}
    return [given[item.name] for item in declared], known


def _declared(item: Any, graph: GraphProto, path: Path, first: Declared | None) -> Declared:
    check_text(path, item.name)
    kind = item.type.tensor_type
    if not item.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise refused(
            path,
            "declare the shape of its inputs",
            f"none for {item.name!r}",
            "export it with the shape of the image",
            "onnx-input",
        )
    dims = tuple(_dim(dim) for dim in kind.shape.dim)
    batch = _batch_axis(item.name, dims, graph) if first is None else _batch_axis_like(dims, first)
    return Declared(item.name, kind.elem_type, dims, batch)


def _dim(dim: Any) -> int | str | None:
    """Return a size, its name, or None; a size below 1 is an exporter's word for unknown."""
    if dim.HasField("dim_value"):
        return int(dim.dim_value) if dim.dim_value > 0 else None
    return str(dim.dim_param) or None


def _batch_axis(name: str, dims: tuple[int | str | None, ...], graph: GraphProto) -> int | None:
    """Return the batch's axis: the one of that name, the second of a recurrent layer's sequence, or the first."""
    if len(dims) < 2:
        return 0 if dims and not isinstance(dims[0], int) else None
    called = [axis for axis, size in enumerate(dims) if isinstance(size, str) and "batch" in size.lower()]
    if len(called) == 1:
        return called[0]
    for node in graph.node:
        if node.op_type in _SEQUENCES_FIRST and node.input and node.input[0] == name:
            return 0 if any(item.name == "layout" and item.i == 1 for item in node.attribute) else 1
    return 0


def _batch_axis_like(dims: tuple[int | str | None, ...], first: Declared) -> int | None:
    """Return the batch's axis of a further input: the one that has the name or size of the first input's batch."""
    if first.batch is None:
        return None
    size = first.dims[first.batch]
    if isinstance(size, str) and size in dims:
        return dims.index(size)
    if not dims or not isinstance(dims[0], int):
        return 0 if dims else None
    # Nothing says where it is: the first axis, where that is as large.
    return 0 if len(dims) > 1 and dims[0] == (size if isinstance(size, int) else 1) else None


def _given(
    item: Declared, path: Path, known: dict[str, int], shapes: Mapping[str, Shape], is_first: bool
) -> Given:
    sizes, shape = list(item.dims), shapes.get(item.name)
    if item.batch is not None:
        size = sizes[item.batch]
        if not isinstance(size, int):
            if size is not None:
                known.setdefault(size, 1)
            sizes[item.batch] = known.get(size, 1) if size is not None else 1
    image = without_axis(tuple(range(len(sizes))), item.batch)
    if shape is not None:
        _check_rank(shape, image, item, path)
        channels = sizes[image[0]] if image else None
        if isinstance(channels, int):
            check_channels_first(shape, channels, item.name)
        for axis, size in zip(image, shape, strict=True):
            name = sizes[axis]
            if isinstance(name, str):
                known[name] = size
            sizes[axis] = size
    sizes = [known.get(size, size) if isinstance(size, str) else size for size in sizes]
    if not all(isinstance(size, int) for size in sizes):
        open_sizes = [sizes[axis] for axis in image]
        words = [str(size) if isinstance(size, int) else "?" for size in open_sizes]
        usual = _USUAL_SIZES.get(len(open_sizes), (100,) * len(open_sizes))
        hint = tuple(size if isinstance(size, int) else one for size, one in zip(open_sizes, usual, strict=True))
        argument, option = (hint, "") if is_first else ({**shapes, item.name: hint}, f"{item.name}=")
        raise BadShape(
            f"the input's size must be known; got {'×'.join(words)} for input {item.name!r} of {str(path)!r}; "
            f"give input_shape={argument}, or --input {option}{'x'.join(map(str, hint))}. [onnx-dims]"
        )
    whole = tuple(size for size in sizes if isinstance(size, int))
    if max(whole, default=1) > LARGEST:
        raise refused(
            path, f"have sizes of at most {LARGEST:,}", show_shape(whole), "export it again", "onnx-input"
        )
    return Given(item.name, item.dtype, whole, item.batch)


def _check_rank(shape: Shape, image: Shape, item: Declared, path: Path) -> None:
    if len(shape) != len(image):
        raise BadShape(
            f"input_shape must have the {len(image)} axes of input {item.name!r} of {str(path)!r}, "
            f"batch left out; got input_shape={show_shape(shape)}; leave it out to see the file's own. [onnx-rank]"
        )


def image_of(given: Given) -> Shape:
    """Return an input's shape without the batch."""
    return without_axis(given.shape, given.batch) or (1,)
