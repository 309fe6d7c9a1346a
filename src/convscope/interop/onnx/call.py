"""One node of a graph, as its converter sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ...errors import BadShape
from ...layers.base import Layer
from ...layers.connection import Shape
from .builder import Builder, reshaping
from .registry import Converter, UnsupportedOperator
from .values import MAX_LIST_LENGTH, Array, Constant, Flow, TooLarge, Value, shortest_float, type_name, with_axis

if TYPE_CHECKING:
    from onnx import NodeProto

    from .converter import GraphConverter
    from .graph import OperatorSchema

T = TypeVar("T")
L = TypeVar("L", bound=Layer)


class EmittedLayer(NamedTuple):
    """A layer that a converter added."""

    layer: Layer
    flows: tuple[Flow, ...]
    part: str
    parameters: Mapping[str, Constant]


@dataclass
class AccessLog:
    """The attributes and inputs of a node that its converter asked for."""

    attributes: set[str] = field(default_factory=set)
    inputs: set[int] = field(default_factory=set)


class Call:
    """A node with its inputs found: what it is called with, and where its layers go.

    `reads` notes what of the node was asked for; `inputs` are for those who only look on.
    """

    def __init__(
        self,
        node: NodeProto,
        name: str,
        inputs: Sequence[Value | None],
        scope: GraphConverter,
        reads: AccessLog | None = None,
    ) -> None:
        self.node = node
        self.name = name
        self.inputs = inputs
        self.converter = scope
        self.reads = AccessLog() if reads is None else reads
        self.used_context = False
        self.emitted: list[EmittedLayer] = []
        self.absorbed: list[NodeProto] = []
        self.opset = scope.opsets.get("", 0)
        self._attributes = attributes(node)

    @property
    def builder(self) -> Builder:
        """Return what collects the layers."""
        return self.converter.builder

    @property
    def context(self) -> GraphConverter:
        """Return the scope, for what other nodes and values say; the node's form alone decides no more."""
        self.used_context = True
        return self.converter

    @property
    def operator(self) -> str:
        """Return the operator's name."""
        return self.node.op_type

    # What the node is called with

    def attribute(self, name: str, default: T) -> T:
        """Return an attribute, or the default where it is not given."""
        self.reads.attributes.add(name)
        value: T = self._attributes.get(name, default)
        return value

    def optional_attribute(self, name: str) -> Any:
        """Return an attribute's value of whatever type, None where it is not given."""
        self.reads.attributes.add(name)
        return self._attributes.get(name)

    def input(self, index: int) -> Value | None:
        """Return an input, None where it is not given."""
        self.reads.inputs.add(index)
        return self.inputs[index] if index < len(self.inputs) else None

    def all_inputs(self) -> list[Value]:
        """Return all inputs that are given."""
        self.reads.inputs.update(range(len(self.inputs)))
        return [value for value in self.inputs if value is not None]

    def has_input(self, index: int) -> bool:
        """Return whether an input is given."""
        return self.input(index) is not None

    def flow(self, index: int = 0) -> Flow:
        """Return an input that depends on the image."""
        value = self.input(index)
        if not isinstance(value, Flow):
            raise UnsupportedOperator(f"input {index} is not made from the image")
        return value

    def images(self, index: int = 0) -> Flow:
        """Return an input whose first axis is the batch."""
        return with_batch_at(self.flow(index), 0)

    def constant(self, index: int) -> Constant:
        """Return an input that is the same for every image."""
        value = self.input(index)
        if not isinstance(value, Constant):
            raise UnsupportedOperator(f"input {index} depends on the image")
        return value

    def optional_constant(self, index: int) -> Constant | None:
        """Return a constant input, or None where it is not given."""
        return self.constant(index) if self.has_input(index) else None

    def integer_argument(self, index: int, attribute: str) -> list[int] | None:
        """Return numbers that were an attribute once and are an input in later versions; None if not given."""
        value = self.optional_attribute(attribute)
        if value is not None:
            return [int(item) for item in value] if isinstance(value, list) else [int(value)]
        return self.integer_list(index) if self.has_input(index) else None

    def integer_list(self, index: int) -> list[int]:
        """Return a constant input's whole numbers: a shape, axes or the like."""
        if self.constant(index).size > MAX_LIST_LENGTH:
            raise TooLarge(f"a list of {self.constant(index).size:,} numbers")
        return [int(item) for item in self.array(index).reshape(-1)]

    def array(self, index: int) -> Array:
        """Return a constant input's numbers."""
        return self.read(self.constant(index))

    def charge(self, shape: Sequence[int], times: int = 1) -> None:
        """Charge an array that is about to be made, or walked over, to the file's budget.

        Raises:
            TooLarge: when the file asks for too much.
        """
        self.converter.shared.budget.charge(shape, times)

    def read(self, constant: Constant) -> Array:
        """Return a constant's numbers, to be walked over."""
        self.charge(constant.shape)
        return constant.array

    # What it is made into

    def subcall(self, word: str) -> Call:
        """Return the call under the name of a part of its work."""
        return Call(self.node, f"{self.name}.{word}", self.inputs, self.converter, self.reads)

    def absorb(self, nodes: Sequence[NodeProto], value: Value) -> None:
        """Take further nodes as done; the last one's output is this value."""
        self.absorbed += nodes
        self.context.absorb(nodes, value)

    def emit(
        self, layer: Layer, *flows: Flow, part: str = "", parameters: Mapping[str, Constant] | None = None
    ) -> Flow:
        """Add a layer. The node's last one has its name; those before it name their part of the work."""
        self.emitted.append(EmittedLayer(layer, flows, part, parameters or {}))
        name = f"{self.name}.{part}" if part else self.name
        return self.builder.add(layer, flows, name, self.node.name or None, parameters)

    def reshape(self, flow: Flow, shape: Shape, batch: int | None, part: str = "") -> Flow:
        """Put a flow's elements into another shape, by a layer where the image's shape changes."""
        viewed = flow.view(shape, batch)
        if not flow.settled or viewed.settled:
            return viewed
        output = self.emit(reshaping(viewed.image), flow, part=part)
        return Flow(output.layer, shape, batch, output.held, flow.dtype)

    def invalid(self, what: str) -> BadShape:
        """Make the error for a node that no network can have."""
        return BadShape(f"{what}; export the model again. [onnx-node]")

    def is_output_used(self, index: int) -> bool:
        """Return whether anything uses an output."""
        return index < len(self.node.output) and self.context.is_used(self.node.output[index])


def cached_layer(kind: Callable[..., L], *settings: Any) -> L:
    """Return the layer of these settings; a large network asks for the same ones again and again."""
    layer: L = _made(kind, *settings)
    return layer


@lru_cache(maxsize=4096, typed=True)
def _made(kind: Any, *settings: Any) -> Any:
    return kind(*settings)


def with_batch_at(flow: Flow, axis: int) -> Flow:
    """Return the flow with the batch at an axis: where there is one image, any axis of size 1 will do."""
    if flow.batch == axis:
        return flow
    alone = flow.batch is None or flow.shape[flow.batch] == 1
    if not alone or axis >= len(flow.shape) or flow.shape[axis] != 1:
        raise UnsupportedOperator(f"axis {axis} is not the batch")
    return flow.view(flow.shape, axis)


def without_split_batch(call: Call) -> Flow | None:
    """Return the first input where one image was cut into several, which stand where the batch stood."""
    x = call.flow()
    alone = x.batch is None or (x.batch != 0 and x.shape[x.batch] == 1)
    if not alone or len(x.shape) < 2 or x.shape[0] == 1:
        return None
    return call.builder.settle(x.view(x.shape, None))


def without_batch(flow: Flow) -> Flow:
    """Return the flow of one image with its batch as an axis like any other."""
    if flow.batch is not None and flow.shape[flow.batch] != 1:
        raise UnsupportedOperator("several images at once")
    return flow.view(flow.shape, None)


def with_layer_output(flow: Flow, output: Flow, batch: int | None) -> Flow:
    """Return a layer's output with its batch put where ONNX has it now; `flow` says how large it is."""
    if batch == flow.batch and output.held == flow.image:
        return Flow(output.layer, flow.shape, batch, output.held, output.dtype)
    size = 1 if flow.batch is None else flow.shape[flow.batch]
    return Flow(output.layer, with_axis(output.held, batch, size), batch, output.held, output.dtype)


def attributes(node: NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name; text is decoded, tensors and graphs stay what they are."""
    return {item.name: attribute_value(item) for item in node.attribute}


def attribute_value(item: Any) -> Any:
    """Return an attribute's value; text is decoded, tensors and graphs stay what they are."""
    match item.type:
        case item.FLOAT:
            return shortest_float(np.float32(item.f))
        case item.INT:
            return item.i
        case item.STRING:
            return item.s.decode("utf-8", "replace")
        case item.TENSOR:
            return item.t
        case item.GRAPH:
            return item.g
        case item.FLOATS:
            return list(item.floats)
        case item.INTS:
            return list(item.ints)
        case item.STRINGS:
            return [text.decode("utf-8", "replace") for text in item.strings]
    return item


IRRELEVANT: Mapping[tuple[str, str], str] = {
    ("BatchNormalization", "momentum"): "moves the statistics in training only",
    ("Cast", "round_mode"): "rounds to 8-bit floats only, which no layer has",
    ("Cast", "saturate"): "limits 8-bit floats only, which no layer has",
    ("Dropout", "seed"): "draws masks in training only",
    ("GroupNormalization", "stash_type"): "is the precision of intermediate results",
    ("LayerNormalization", "stash_type"): "is the precision of intermediate results",
    ("MaxPool", "storage_order"): "orders the indices output, which no layer has",
    ("Resize", "extrapolation_value"): "is for tf_crop_and_resize, which is Opaque",
    ("Resize", "roi"): "is for tf_crop_and_resize, which is Opaque",
}
"""Attributes and inputs, by the operator and their name, that change no output a network has here, and why."""


def check_types(call: Call, converter: Converter) -> None:
    """Refuse inputs of an element type for which the converter's layers compute something else.

    Raises:
        UnsupportedOperator: naming the type.
    """
    for value in call.inputs:
        if isinstance(value, Flow) and value.dtype and value.dtype not in converter.types:
            name = type_name(value.dtype)
            raise UnsupportedOperator(f"values of type {name}", name)


def unread(call: Call, known: OperatorSchema | None, *, inputs: bool = True) -> str:
    """Return the first attribute or input of a node that says something and was not read; "" if all were."""
    for item in call.node.attribute:
        if item.name not in call.reads.attributes and not _is_irrelevant(call, item.name):
            default = None if known is None else _default(known.domain, call.operator, known.since, item.name)
            if attribute_value(item) != default:
                return str(item.name)
    if inputs and known is not None:
        for index, value in enumerate(call.inputs):
            if value is None or index in call.reads.inputs or index >= len(known.inputs):
                continue
            if not _is_irrelevant(call, known.inputs[index]):
                return known.inputs[index]
    return ""


def _is_irrelevant(call: Call, name: str) -> bool:
    return (call.operator, name) in IRRELEVANT


@lru_cache(maxsize=4096)
def _default(domain: str, operator: str, since: int, name: str) -> Any:
    """Return an attribute's default, from the newest version up to this one that has the attribute."""
    from onnx.defs import SchemaError, get_schema

    while since > 0:
        try:
            schema = get_schema(operator, since, domain)
        except SchemaError:
            return None
        if name in schema.attributes:
            default = schema.attributes[name].default_value
            return attribute_value(default) if default.type else None
        since = schema.since_version - 1
    return None
