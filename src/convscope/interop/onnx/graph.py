"""Inputs of a graph, its nodes in order, and declarations of its operators."""

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
from ...network import topological_order
from ...settings import LARGEST
from .reader import check_names
from .values import without_axis

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, NodeProto

# Inputs


class DeclaredInput(NamedTuple):
    """An input as the file declares it.

    Each size is an integer, the name of an unknown size, or None.
    """

    name: str
    dtype: int
    dims: tuple[int | str | None, ...]
    batch: int | None


class GraphInput(NamedTuple):
    """An input whose sizes are all known."""

    name: str
    dtype: int
    shape: Shape
    batch: int | None


_SEQUENCE_FIRST_OPERATORS = frozenset({"LSTM", "GRU", "RNN"})

_EXAMPLE_SIZES = {1: (100,), 2: (3, 100), 3: (3, 224, 224), 4: (3, 16, 112, 112)}
"""Sizes that messages suggest, by the number of axes without the batch."""


def graph_inputs(
    graph: GraphProto, initializers: Container[str], path: Path, input_shape: InputShape | None
) -> tuple[list[GraphInput], dict[str, int]]:
    """Return the graph's inputs with their sizes, and the sizes that names stand for.

    `initializers` are names that old files list among the inputs. An unknown batch size is 1. Other unknown sizes
    must be in `input_shape`: the first input's shape, or shapes by input name.

    Errors:   BadFile [onnx-input]; BadShape [onnx-dims], [onnx-rank]; BadSetting as `shapes_by_name`
    """
    declared: list[DeclaredInput] = []
    for item in graph.input:
        if item.name not in initializers:
            declared.append(_parse_input(item, graph, path, declared[0] if declared else None))
    if not declared:
        raise BadFile(
            "{path!r} must have an input (got a graph of constants). Export it with its input. [onnx-input]",
            path=str(path),
        )
    shapes = shapes_by_name(input_shape, [item.name for item in declared])
    sizes: dict[str, int] = {}
    # Inputs with an explicit shape go first: the sizes of named axes are then known to the others.
    order = sorted(declared, key=lambda item: item.name not in shapes)
    inputs = {item.name: _resolve_sizes(item, path, sizes, shapes, item is declared[0]) for item in order}
    return [inputs[item.name] for item in declared], sizes


def image_shape(item: GraphInput) -> Shape:
    """Return an input's shape without the batch."""
    return without_axis(item.shape, item.batch) or (1,)


def _parse_input(item: Any, graph: GraphProto, path: Path, first: DeclaredInput | None) -> DeclaredInput:
    check_names(path, item.name)
    tensor = item.type.tensor_type
    if not item.type.HasField("tensor_type") or not tensor.HasField("shape"):
        raise BadFile(
            "{path!r} must declare the shape of its inputs (got none for {name!r}). Export it with an example "
            "input. [onnx-input]",
            path=str(path),
            name=item.name,
        )
    dims = tuple(_size_or_name(dim) for dim in tensor.shape.dim)
    batch = _batch_axis(item.name, dims, graph) if first is None else _batch_axis_like(dims, first)
    return DeclaredInput(item.name, tensor.elem_type, dims, batch)


def _size_or_name(dim: Any) -> int | str | None:
    if dim.HasField("dim_value"):
        return int(dim.dim_value) if dim.dim_value > 0 else None  # exporters write 0 or -1 for unknown sizes
    return str(dim.dim_param) or None


def _batch_axis(name: str, dims: tuple[int | str | None, ...], graph: GraphProto) -> int | None:
    """Return the batch axis: the one named so, the second one of a recurrent layer's sequence, or the first."""
    if len(dims) < 2:
        return 0 if dims and not isinstance(dims[0], int) else None
    named = [axis for axis, size in enumerate(dims) if isinstance(size, str) and "batch" in size.lower()]
    if len(named) == 1:
        return named[0]
    for node in graph.node:
        if node.op_type in _SEQUENCE_FIRST_OPERATORS and node.input and node.input[0] == name:
            return 0 if any(item.name == "layout" and item.i == 1 for item in node.attribute) else 1
    return 0


def _batch_axis_like(dims: tuple[int | str | None, ...], first: DeclaredInput) -> int | None:
    """Return the batch axis of a further input: the one with the name or size of the first input's batch."""
    if first.batch is None:
        return None
    size = first.dims[first.batch]
    if isinstance(size, str) and size in dims:
        return dims.index(size)
    if not dims or not isinstance(dims[0], int):
        return 0 if dims else None
    # The file does not tell: assume the first axis if its size fits.
    return 0 if len(dims) > 1 and dims[0] == (size if isinstance(size, int) else 1) else None


def _resolve_sizes(
    item: DeclaredInput, path: Path, known: dict[str, int], shapes: Mapping[str, Shape], is_first: bool
) -> GraphInput:
    sizes, shape = list(item.dims), shapes.get(item.name)
    if item.batch is not None:
        size = sizes[item.batch]
        if not isinstance(size, int):
            if size is not None:
                known.setdefault(size, 1)
            sizes[item.batch] = known.get(size, 1) if size is not None else 1
    image_axes = without_axis(tuple(range(len(sizes))), item.batch)
    if shape is not None:
        _check_rank(shape, image_axes, item, path)
        channels = sizes[image_axes[0]] if image_axes else None
        if isinstance(channels, int):
            check_channels_first(shape, channels, item.name)
        for axis, size in zip(image_axes, shape, strict=True):
            name = sizes[axis]
            if isinstance(name, str):
                known[name] = size
            sizes[axis] = size
    sizes = [known.get(size, size) if isinstance(size, str) else size for size in sizes]
    if not all(isinstance(size, int) for size in sizes):
        raise _unknown_sizes(item, [sizes[axis] for axis in image_axes], path, shapes, is_first)
    whole = tuple(size for size in sizes if isinstance(size, int))
    if max(whole, default=1) > LARGEST:
        raise BadFile(
            "The inputs of {path!r} must have sizes of at most {limit:,} (got {shape}). Export it again. "
            "[onnx-input]",
            path=str(path),
            limit=LARGEST,
            shape=show_shape(whole),
        )
    return GraphInput(item.name, item.dtype, whole, item.batch)


def _unknown_sizes(
    item: DeclaredInput, sizes: list[int | str | None], path: Path, shapes: Mapping[str, Shape], is_first: bool
) -> BadShape:
    shown = "×".join(str(size) if isinstance(size, int) else "?" for size in sizes)
    example = _EXAMPLE_SIZES.get(len(sizes), (100,) * len(sizes))
    hint = tuple(size if isinstance(size, int) else one for size, one in zip(sizes, example, strict=True))
    argument, option = (hint, "") if is_first else ({**shapes, item.name: hint}, f"{item.name}=")
    return BadShape(
        "The size of input {name!r} of {path!r} is unknown (got {shown}). Pass "
        "input_shape={argument}, or --input {option}{sizes}. [onnx-dims]",
        name=item.name,
        path=str(path),
        shown=shown,
        argument=argument,
        option=option,
        sizes="x".join(map(str, hint)),
    )


def _check_rank(shape: Shape, image_axes: Shape, item: DeclaredInput, path: Path) -> None:
    if len(shape) != len(image_axes):
        raise BadShape(
            "input_shape must have the {count} axes of input {name!r} of {path!r}, without the batch "
            "(got {shape}). Omit it to use the file's own. [onnx-rank]",
            count=len(image_axes),
            name=item.name,
            path=str(path),
            shape=show_shape(shape),
        )


# Nodes in topological order

MAX_GRAPH_DEPTH = 16
"""Nesting of graphs inside nodes."""

_TENSOR, _GRAPH, _TENSORS, _GRAPHS = 4, 5, 9, 10
"""AttributeProto's types."""

_LARGE_ATTRIBUTES = frozenset({_TENSOR, _GRAPH, _TENSORS, _GRAPHS})


class OnnxNode(NamedTuple):
    """The fields of a node, read once from the protocol buffer.

    `uses` are its inputs and the outer values that its subgraphs use. `attributes` are its serialized attributes,
    or None if they contain tensors or graphs.
    """

    node: NodeProto
    name: str
    operator: str
    domain: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    uses: Sequence[str]
    attributes: bytes | None

    @property
    def title(self) -> str:
        """The node's name and operator, for messages."""
        return f"{self.name or next(iter(self.outputs), '')!r} ({self.operator})"


def needed_nodes(nodes: Iterable[NodeProto], outputs: Iterable[str], path: Path) -> list[OnnxNode]:
    """Return the nodes that the outputs depend on, inputs first, otherwise in the order listed.

    Errors:   BadFile [onnx-twice], [onnx-cycle], [onnx-depth], [onnx-damaged]
    """
    parsed = [_parse_node(node, path) for node in nodes]
    producer = _producers(parsed, path)
    needs: dict[int, set[int]] = {}
    stack = [producer[name] for name in outputs if name in producer]
    while stack:
        index = stack.pop()
        if index not in needs:
            needs[index] = before = {producer[name] for name in parsed[index].uses if name in producer}
            stack += before
    # Constants come first, so that converters that look ahead find them.
    listed = sorted(needs)
    constants = [index for index in listed if parsed[index].operator == "Constant"]
    if constants:
        listed = [*constants, *(index for index in listed if parsed[index].operator != "Constant")]
    return [parsed[index] for index in _topological_order(listed, needs, parsed, path)]


def _parse_node(node: NodeProto, path: Path) -> OnnxNode:
    name, operator, domain, inputs, outputs = node.name, node.op_type, node.domain, node.input[:], node.output[:]
    try:
        "".join((name, operator, domain, node.overload, *inputs, *outputs))
    except TypeError:
        check_names(path, name, operator, domain, node.overload, *inputs, *outputs)
    uses: list[str] = inputs
    serialized: list[bytes] = []
    is_small = True
    for attribute in node.attribute:
        kind = attribute.type
        if kind in _LARGE_ATTRIBUTES:
            is_small = False
            uses = [*uses, *(free for graph in _subgraphs(attribute) for free in _free_names(graph, path, 1))]
        elif is_small:
            serialized.append(attribute.SerializeToString())
    attributes = b"".join(serialized) if is_small else None
    domain = "" if domain == "ai.onnx" else domain
    return OnnxNode(node, name, operator, domain, inputs, outputs, uses, attributes)


def _subgraphs(attribute: AttributeProto) -> Iterable[GraphProto]:
    if attribute.type == _GRAPH:
        return [attribute.g]
    return attribute.graphs if attribute.type == _GRAPHS else ()


def _used_names(node: NodeProto, path: Path, depth: int) -> list[str]:
    names = list(node.input)
    for attribute in node.attribute:
        for graph in _subgraphs(attribute):
            names += _free_names(graph, path, depth + 1)
    return names


def _free_names(graph: GraphProto, path: Path, depth: int) -> list[str]:
    """Return the outer values that a graph uses."""
    if depth > MAX_GRAPH_DEPTH:
        raise BadFile(
            "{path!r} must nest graphs at most {limit} deep. Simplify it with an ONNX optimizer. [onnx-depth]",
            path=str(path),
            limit=MAX_GRAPH_DEPTH,
        )
    own = {item.name for item in (*graph.input, *graph.initializer)}
    used: list[str] = [item.name for item in graph.output]
    for node in graph.node:
        own.update(node.output)
        used += _used_names(node, path, depth)
    return [name for name in used if name not in own]


def _producers(nodes: Sequence[OnnxNode], path: Path) -> dict[str, int]:
    producer: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.outputs:
            if name in producer:
                raise BadFile(
                    "{path!r} must compute each value once (got {name!r} from two nodes). Export the model "
                    "again. [onnx-twice]",
                    path=str(path),
                    name=name,
                )
            if name:
                producer[name] = index
    return producer


def _topological_order(
    listed: list[int], needs: dict[int, set[int]], nodes: Sequence[OnnxNode], path: Path
) -> list[int]:
    ordered = topological_order({index: needs[index] for index in listed})
    if len(ordered) < len(listed):
        placed = set(ordered)
        first = nodes[next(index for index in listed if index not in placed)]
        raise BadFile(
            "{path!r} contains a cycle: node {title} depends on its own output. Export the model "
            "again. [onnx-cycle]",
            path=str(path),
            title=first.title,
        )
    return ordered


# Declarations of operators

_TERM = r"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?"

_EQUATION = re.compile(rf"{_TERM}(?:,{_TERM})*(?:->{_TERM})?", re.ASCII)
"""Einsum's equation without spaces. ONNX's shape inference does not terminate on other input."""

MAX_SHOWN_LENGTH = 60
"""Characters of an equation that a message repeats."""


class OperatorSchema(NamedTuple):
    """Declaration of an operator's version: types of attributes, and inputs."""

    domain: str
    since: int
    attributes: Mapping[str, int]
    inputs: tuple[str, ...]
    min_inputs: int
    max_inputs: int


@lru_cache(maxsize=4096)
def operator_schema(domain: str, operator: str, opset: int) -> OperatorSchema | None:
    """Return an operator's version in an operator set; None if ONNX does not define it."""
    from onnx.defs import SchemaError, get_schema

    try:
        schema = get_schema(operator, opset, domain)
    except SchemaError:
        return None
    types = {name: int(one.type.value) for name, one in schema.attributes.items()}  # type: ignore[attr-defined]
    names = tuple(one.name for one in schema.inputs)
    return OperatorSchema(domain, int(schema.since_version), types, names, schema.min_input, schema.max_input)


def check_node(node: NodeProto, schema: OperatorSchema | None, path: Path) -> None:
    """Refuse a node with the wrong number of inputs or wrong types of attributes.

    Errors:   BadFile [onnx-node]
    """
    if schema is None:
        return
    count = len(node.input)
    while count and not node.input[count - 1]:
        count -= 1
    if not schema.min_inputs <= count <= schema.max_inputs:
        raise _wrong_input_count(node, path, schema, count)
    for attribute in node.attribute:
        expected = schema.attributes.get(attribute.name, attribute.type)
        if attribute.type != expected:
            types = attribute.AttributeType
            raise BadFile(
                "Attribute {attribute} of node {node} in {path!r} must have type {expected} (got {got}). Export "
                "or download the model again. [onnx-node]",
                attribute=attribute.name,
                node=_title(node),
                path=str(path),
                expected=types.Name(expected),
                got=types.Name(attribute.type) if attribute.type in types.values() else attribute.type,
            )
        if (schema.domain, node.op_type, attribute.name) == ("", "Einsum", "equation"):
            _check_equation(node, attribute.s.decode("utf-8", "replace"), path)


def _wrong_input_count(node: NodeProto, path: Path, schema: OperatorSchema, count: int) -> BadFile:
    most = schema.max_inputs
    if most == schema.min_inputs:
        return BadFile(
            "Node {node} of {path!r} must have {count} input(s) (got {got}). Export or download the model "
            "again. [onnx-node]",
            node=_title(node),
            path=str(path),
            count=most,
            got=count,
        )
    return BadFile(
        "Node {node} of {path!r} must have {least} to {most} inputs (got {got}). Export or download the model "
        "again. [onnx-node]",
        node=_title(node),
        path=str(path),
        least=schema.min_inputs,
        most=most,
        got=count,
    )


def _title(node: NodeProto) -> str:
    return f"{node.name or next(iter(node.output), '')!r} ({node.op_type})"


def _check_equation(node: NodeProto, equation: str, path: Path) -> None:
    if _EQUATION.fullmatch(equation.replace(" ", "")) is None:
        raise BadFile(
            "The equation of node {node} in {path!r} must consist of letters and commas, with at most one '...' "
            "in a term and one '->' (got {equation!r}). Export or download the model again. [onnx-node]",
            node=_title(node),
            path=str(path),
            equation=equation if len(equation) <= MAX_SHOWN_LENGTH else f"{equation[:MAX_SHOWN_LENGTH]}…",
        )
