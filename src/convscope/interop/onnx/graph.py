"""A graph's inputs, its nodes in the order of their conversion, and the operators' declarations."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import BadFile, BadShape
from ...input_shapes import InputShape, check_channels_first, shapes_by_name
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...settings import LARGEST
from .reader import bad_file, check_names
from .values import without_axis

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, NodeProto


class DeclaredInput(NamedTuple):
    """An input as the file declares it: sizes are numbers, names of unknown numbers, or nothing."""

    name: str
    dtype: int
    dims: tuple[int | str | None, ...]
    batch: int | None


class GraphInput(NamedTuple):
    """An input with every size known."""

    name: str
    dtype: int
    shape: Shape
    batch: int | None


_SEQUENCES_FIRST = frozenset({"LSTM", "GRU", "RNN"})

_USUAL_SIZES = {1: (100,), 2: (3, 100), 3: (3, 224, 224), 4: (3, 16, 112, 112)}
"""Sizes to suggest for inputs of so many axes, batch left out."""


def graph_inputs(
    graph: GraphProto, stored: Container[str], path: Path, input_shape: InputShape | None
) -> tuple[list[GraphInput], dict[str, int]]:
    """Return the graph's inputs with their sizes, and what the names of unknown sizes stand for.

    `stored` are the names of its initializers, which old files list among the inputs.
    A batch of unknown size is one image. Other unknown sizes must come with `input_shape`, the first input's or
    those of several inputs by their names in the file.

    Errors:   BadFile [onnx-input]; BadShape [onnx-dims], [onnx-rank]; BadSetting as `shapes_by_name`
    """
    items = [item for item in graph.input if item.name not in stored]
    declared: list[DeclaredInput] = []
    for item in items:
        declared.append(_declared(item, graph, path, declared[0] if declared else None))
    if not declared:
        raise bad_file(path, "have an input", "a graph of constants", "export it with its input", "onnx-input")
    shapes = shapes_by_name(input_shape, [item.name for item in declared])
    known: dict[str, int] = {}
    # GraphInput shapes first: what a name stands for in one of them, it stands for in all inputs.
    order = sorted(declared, key=lambda item: item.name not in shapes)
    given = {item.name: _given(item, path, known, shapes, item is declared[0]) for item in order}
    return [given[item.name] for item in declared], known


def _declared(item: Any, graph: GraphProto, path: Path, first: DeclaredInput | None) -> DeclaredInput:
    check_names(path, item.name)
    kind = item.type.tensor_type
    if not item.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise bad_file(
            path,
            "declare the shape of its inputs",
            f"none for {item.name!r}",
            "export it with the shape of the image",
            "onnx-input",
        )
    dims = tuple(_dim(dim) for dim in kind.shape.dim)
    batch = _batch_axis(item.name, dims, graph) if first is None else _batch_axis_like(dims, first)
    return DeclaredInput(item.name, kind.elem_type, dims, batch)


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


def _batch_axis_like(dims: tuple[int | str | None, ...], first: DeclaredInput) -> int | None:
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
    item: DeclaredInput, path: Path, known: dict[str, int], shapes: Mapping[str, Shape], is_first: bool
) -> GraphInput:
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
        raise bad_file(
            path, f"have sizes of at most {LARGEST:,}", show_shape(whole), "export it again", "onnx-input"
        )
    return GraphInput(item.name, item.dtype, whole, item.batch)


def _check_rank(shape: Shape, image: Shape, item: DeclaredInput, path: Path) -> None:
    if len(shape) != len(image):
        raise BadShape(
            f"input_shape must have the {len(image)} axes of input {item.name!r} of {str(path)!r}, "
            f"batch left out; got input_shape={show_shape(shape)}; leave it out to see the file's own. [onnx-rank]"
        )


def image_shape(given: GraphInput) -> Shape:
    """Return an input's shape without the batch."""
    return without_axis(given.shape, given.batch) or (1,)


MAX_GRAPH_DEPTH = 16
"""Graphs inside nodes inside graphs."""


_TENSOR, _GRAPH, _TENSORS, _GRAPHS = 4, 5, 9, 10
"""ONNX's numbers for types of attributes."""

_HOLDERS = frozenset({_TENSOR, _GRAPH, _TENSORS, _GRAPHS})


class OnnxNode(NamedTuple):
    """A node as the walk over a graph uses it, read once.

    `uses` are its inputs and what its inner graphs take from around them. `settings` are its attributes in their
    stored form; None where they hold tensors or graphs.
    """

    node: NodeProto
    name: str
    operator: str
    domain: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    uses: Sequence[str]
    settings: bytes | None

    @property
    def title(self) -> str:
        """Return what messages call it."""
        return f"{self.name or next(iter(self.outputs), '')!r} ({self.operator})"


def needed_nodes(nodes: Iterable[NodeProto], outputs: Iterable[str], path: Path) -> list[OnnxNode]:
    """Return the nodes that the outputs are made from; inputs first, else as listed.

    Errors:   BadFile [onnx-twice], [onnx-cycle], [onnx-depth], [onnx-damaged]
    """
    steps = [_read(node, path) for node in nodes]
    maker = _makers(steps, path)
    needs: dict[int, set[int]] = {}
    wanted = [maker[name] for name in outputs if name in maker]
    while wanted:
        index = wanted.pop()
        if index not in needs:
            needs[index] = before = {maker[name] for name in steps[index].uses if name in maker}
            wanted += before
    # Constants come first, so that whoever looks ahead finds them.
    listed = sorted(needs)
    constants = [index for index in listed if steps[index].operator == "Constant"]
    if constants:
        listed = [*constants, *(index for index in listed if steps[index].operator != "Constant")]
    return [steps[index] for index in _sorted(listed, needs, steps, path)]


def _read(node: NodeProto, path: Path) -> OnnxNode:
    name, operator, domain, inputs, outputs = node.name, node.op_type, node.domain, node.input[:], node.output[:]
    try:
        "".join((name, operator, domain, node.overload, *inputs, *outputs))
    except TypeError:
        check_names(path, name, operator, domain, node.overload, *inputs, *outputs)
    uses: list[str] = inputs
    stored: list[bytes] = []
    plain = True
    for attribute in node.attribute:
        kind = attribute.type
        if kind in _HOLDERS:
            plain = False
            uses = [*uses, *(free for graph in _graphs(attribute) for free in _free_names(graph, path, 1))]
        elif plain:
            stored.append(attribute.SerializeToString())
    settings = b"".join(stored) if plain else None
    return OnnxNode(node, name, operator, "" if domain == "ai.onnx" else domain, inputs, outputs, uses, settings)


def _graphs(attribute: AttributeProto) -> Iterable[GraphProto]:
    if attribute.type == _GRAPH:
        return [attribute.g]
    return attribute.graphs if attribute.type == _GRAPHS else ()


def _used_by(node: NodeProto, path: Path, depth: int) -> list[str]:
    names = list(node.input)
    for attribute in node.attribute:
        for graph in _graphs(attribute):
            names += _free_names(graph, path, depth + 1)
    return names


def _free_names(graph: GraphProto, path: Path, depth: int) -> list[str]:
    """Return the values that a graph takes from around it."""
    if depth > MAX_GRAPH_DEPTH:
        raise BadFile(
            f"{str(path)!r} must nest graphs at most {MAX_GRAPH_DEPTH} deep; got more; "
            "simplify it with an ONNX optimizer. [onnx-depth]"
        )
    own = {item.name for item in (*graph.input, *graph.initializer)}
    used: list[str] = [item.name for item in graph.output]
    for node in graph.node:
        own.update(node.output)
        used += _used_by(node, path, depth)
    return [name for name in used if name not in own]


def _makers(steps: Sequence[OnnxNode], path: Path) -> dict[str, int]:
    maker: dict[str, int] = {}
    for index, step in enumerate(steps):
        for name in step.outputs:
            if name in maker:
                raise BadFile(
                    f"{str(path)!r} must make each value once; got {name!r} from two nodes; "
                    "export the model again. [onnx-twice]"
                )
            if name:
                maker[name] = index
    return maker


def _sorted(wanted: list[int], needs: dict[int, set[int]], steps: Sequence[OnnxNode], path: Path) -> list[int]:
    missing: dict[int, int] = {}
    waiting: dict[int, list[int]] = {}
    placed: set[int] = set()
    ordered: list[int] = []
    for listed in wanted:
        if not needs[listed] <= placed:
            before = needs[listed] - placed
            missing[listed] = len(before)
            for index in before:
                waiting.setdefault(index, []).append(listed)
            continue
        ready = [listed]
        while ready:
            index = ready.pop()
            placed.add(index)
            ordered.append(index)
            for later in waiting.pop(index, ()):
                missing[later] -= 1
                if not missing[later]:
                    ready.append(later)
    if len(ordered) < len(wanted):
        first = steps[next(index for index in wanted if index not in placed)]
        raise BadFile(
            f"{str(path)!r} must not go round in circles; got a node that needs its own output: "
            f"{first.title}; export the model again. [onnx-cycle]"
        )
    return ordered


_TERM = r"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?"

_EQUATION = re.compile(rf"{_TERM}(?:,{_TERM})*(?:->{_TERM})?", re.ASCII)
"""An equation of Einsum without its spaces. ONNX's shape inference never ends on a point too many."""

MAX_SHOWN_LENGTH = 60
"""Characters of a text that a message repeats."""


class OperatorSchema(NamedTuple):
    """One version of an operator: since when it is so, its attributes' types, its inputs' names and count."""

    domain: str
    since: int
    attributes: Mapping[str, int]
    inputs: tuple[str, ...]
    fewest: int
    most: int


@lru_cache(maxsize=4096)
def operator_schema(domain: str, operator: str, opset: int) -> OperatorSchema | None:
    """Return an operator as an operator set has it; None where ONNX does not know it."""
    from onnx.defs import SchemaError, get_schema

    try:
        schema = get_schema(operator, opset, domain)
    except SchemaError:
        return None
    types = {name: int(one.type.value) for name, one in schema.attributes.items()}  # type: ignore[attr-defined]
    names = tuple(one.name for one in schema.inputs)
    return OperatorSchema(domain, int(schema.since_version), types, names, schema.min_input, schema.max_input)


def check_node(node: NodeProto, known: OperatorSchema | None, path: Path) -> None:
    """Refuse a node whose inputs or attributes the operator cannot have.

    Errors:   BadFile [onnx-node]
    """
    if known is None:
        return
    given = len(node.input)
    while given and not node.input[given - 1]:
        given -= 1
    if not known.fewest <= given <= known.most:
        most = f" to {known.most}" if known.most != known.fewest else ""
        raise bad_node(node, path, f"have {known.fewest}{most} inputs", str(given))
    for attribute in node.attribute:
        wanted = known.attributes.get(attribute.name, attribute.type)
        if attribute.type != wanted:
            types = attribute.AttributeType
            got = types.Name(attribute.type) if attribute.type in types.values() else str(attribute.type)
            raise bad_node(node, path, f"have {attribute.name} of type {types.Name(wanted)}", got)
        if (known.domain, node.op_type, attribute.name) == ("", "Einsum", "equation"):
            _check_equation(node, attribute.s.decode("utf-8", "replace"), path)


def _check_equation(node: NodeProto, equation: str, path: Path) -> None:
    if _EQUATION.fullmatch(equation.replace(" ", "")) is None:
        rule = "have an equation of letters and commas, with at most one '...' in a term and one '->'"
        shown = equation if len(equation) <= MAX_SHOWN_LENGTH else f"{equation[:MAX_SHOWN_LENGTH]}…"
        raise bad_node(node, path, rule, f"equation={shown!r}")


def bad_node(node: NodeProto, path: Path, rule: str, got: str) -> BadFile:
    """Make the error for a node that no graph can have."""
    return BadFile(
        f"node {node.name or next(iter(node.output), '')!r} ({node.op_type}) of {str(path)!r} must {rule}; "
        f"got {got}; export or download the model again. [onnx-node]"
    )
