"""Nodes as converters see them, and the registry of converters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.facts import facts
from ...text.language import Message
from ..errors import UnsupportedOperator
from ..graph_builder import GraphBuilder, reshape_layer
from ..registry import OperatorRegistry
from .values import (
    MAX_LIST_LENGTH,
    REAL,
    Array,
    Constant,
    Flow,
    TooLarge,
    Value,
    shortest_float,
    type_name,
    with_axis,
)

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
    """The attributes and inputs that a converter read."""

    attributes: set[str] = field(default_factory=set)
    inputs: set[int] = field(default_factory=set)


class Call:
    """A node with its inputs, and the methods by which its converter adds layers.

    Its methods log which attributes and inputs were read; `inputs` itself gives access without logging.
    """

    def __init__(
        self,
        node: NodeProto,
        name: str,
        inputs: Sequence[Value | None],
        converter: GraphConverter,
        reads: AccessLog | None = None,
    ) -> None:
        self.node = node
        self.name = name
        self.inputs = inputs
        self.converter = converter
        self.reads = AccessLog() if reads is None else reads
        self.used_context = False
        self.emitted: list[EmittedLayer] = []
        self.absorbed: list[NodeProto] = []
        self.opset = converter.opsets.get("", 0)
        self._attributes = attributes(node)

    @property
    def builder(self) -> Builder:
        """The network under construction."""
        return self.converter.builder

    @property
    def context(self) -> GraphConverter:
        """The graph's other nodes and values. A conversion that looks at them is not cached."""
        self.used_context = True
        return self.converter

    @property
    def operator(self) -> str:
        """The operator's name."""
        return self.node.op_type

    # Attributes and inputs

    def attribute(self, name: str, default: T) -> T:
        """Return an attribute, or the default if it is missing."""
        self.reads.attributes.add(name)
        value: T = self._attributes.get(name, default)
        return value

    def optional_attribute(self, name: str) -> Any:
        """Return an attribute of any type, or None if it is missing."""
        self.reads.attributes.add(name)
        return self._attributes.get(name)

    def input(self, index: int) -> Value | None:
        """Return an input, or None if it is missing."""
        self.reads.inputs.add(index)
        return self.inputs[index] if index < len(self.inputs) else None

    def all_inputs(self) -> list[Value]:
        """Return all inputs that are present."""
        self.reads.inputs.update(range(len(self.inputs)))
        return [value for value in self.inputs if value is not None]

    def has_input(self, index: int) -> bool:
        """Return whether an input is present."""
        return self.input(index) is not None

    def flow(self, index: int = 0) -> Flow:
        """Return an input that depends on the network's input."""
        value = self.input(index)
        if not isinstance(value, Flow):
            raise UnsupportedOperator(f"input {index} is a constant")
        return value

    def images(self, index: int = 0) -> Flow:
        """Return an input whose first axis is the batch."""
        return with_batch_at(self.flow(index), 0)

    def constant(self, index: int) -> Constant:
        """Return an input that is a constant."""
        value = self.input(index)
        if not isinstance(value, Constant):
            raise UnsupportedOperator(f"input {index} is not a constant")
        return value

    def optional_constant(self, index: int) -> Constant | None:
        """Return an input that is a constant, or None if it is missing."""
        return self.constant(index) if self.has_input(index) else None

    def integer_argument(self, index: int, attribute: str) -> list[int] | None:
        """Return integers that are an attribute in old versions and an input in later ones; None if missing."""
        value = self.optional_attribute(attribute)
        if value is not None:
            return [int(item) for item in value] if isinstance(value, list) else [int(value)]
        return self.integer_list(index) if self.has_input(index) else None

    def integer_list(self, index: int) -> list[int]:
        """Return the integers of a constant input: a shape, axes or the like."""
        if self.constant(index).size > MAX_LIST_LENGTH:
            raise TooLarge(Message("a list of {size:,} integers", size=self.constant(index).size))
        return [int(item) for item in self.array(index).reshape(-1)]

    def array(self, index: int) -> Array:
        """Return the array of a constant input."""
        return self.read(self.constant(index))

    def charge(self, shape: Sequence[int], cost: int = 1) -> None:
        """Charge an array that is about to be computed or iterated over to the file's budget.

        Raises:
            TooLarge: if the file asks for too much.
        """
        self.converter.model.budget.charge(shape, cost)

    def read(self, constant: Constant) -> Array:
        """Return a constant's array, charged to the budget."""
        self.charge(constant.shape)
        return constant.array

    # Layers

    def subcall(self, part: str) -> Call:
        """Return the same call, with names of its layers that end in `part`."""
        return Call(self.node, f"{self.name}.{part}", self.inputs, self.converter, self.reads)

    def absorb(self, nodes: Sequence[NodeProto], value: Value) -> None:
        """Mark further nodes as converted; `value` is the output of the last one."""
        self.absorbed += nodes
        self.context.absorb(nodes, value)

    def emit(
        self, layer: Layer, *flows: Flow, part: str = "", parameters: Mapping[str, Constant] | None = None
    ) -> Flow:
        """Add a layer. A node's last layer has the node's name, others have a `part` added to it."""
        self.emitted.append(EmittedLayer(layer, flows, part, parameters or {}))
        name = f"{self.name}.{part}" if part else self.name
        return self.builder.add(layer, flows, name, self.node.name or None, parameters)

    def reshape(self, flow: Flow, shape: Shape, batch: int | None, part: str = "") -> Flow:
        """Return a flow under another shape, with a layer if the shape without the batch changes."""
        viewed = flow.view(shape, batch)
        if not flow.matches_layer or viewed.matches_layer:
            return viewed
        output = self.emit(reshape_layer(viewed.image), flow, part=part)
        return Flow(output.layer, shape, batch, output.layer_shape, flow.dtype)

    def is_output_used(self, index: int) -> bool:
        """Return whether a node or the graph uses an output."""
        return index < len(self.node.output) and self.context.is_used(self.node.output[index])


def cached_layer(kind: Callable[..., L], *settings: Any) -> L:
    """Return a layer with these settings, cached because large networks repeat them."""
    layer: L = _cached_layer(kind, *settings)
    return layer


@lru_cache(maxsize=4096, typed=True)
def _cached_layer(kind: Any, *settings: Any) -> Any:
    return kind(*settings)


# The batch axis


def with_batch_at(flow: Flow, axis: int) -> Flow:
    """Return the flow with the batch at `axis`. With a batch of 1, that may be any axis of size 1."""
    if flow.batch == axis:
        return flow
    is_one_image = flow.batch is None or flow.shape[flow.batch] == 1
    if not is_one_image or axis >= len(flow.shape) or flow.shape[axis] != 1:
        raise UnsupportedOperator(f"axis {axis} is not the batch")
    return flow.view(flow.shape, axis)


def without_batch(flow: Flow) -> Flow:
    """Return the flow of one image with its batch as an ordinary axis."""
    if flow.batch is not None and flow.shape[flow.batch] != 1:
        raise UnsupportedOperator("a batch of several images")
    return flow.view(flow.shape, None)


def split_image(call: Call) -> Flow | None:
    """Return the first input if it is one image, split along the batch axis into windows or patches."""
    x = call.flow()
    is_one_image = x.batch is None or (x.batch != 0 and x.shape[x.batch] == 1)
    if not is_one_image or len(x.shape) < 2 or x.shape[0] == 1:
        return None
    return call.builder.settle(x.view(x.shape, None))


def with_layer_output(flow: Flow, output: Flow, batch: int | None) -> Flow:
    """Return a layer's output with the batch of `flow` at axis `batch`."""
    if batch == flow.batch and output.layer_shape == flow.image:
        return Flow(output.layer, flow.shape, batch, output.layer_shape, output.dtype)
    size = 1 if flow.batch is None else flow.shape[flow.batch]
    return Flow(output.layer, with_axis(output.layer_shape, batch, size), batch, output.layer_shape, output.dtype)


# Attributes, and those that were left unread


def attributes(node: NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name."""
    return {item.name: attribute_value(item) for item in node.attribute}


def attribute_value(item: Any) -> Any:
    """Return an attribute's value; text is decoded, tensors and graphs remain protocol buffers."""
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
    ("BatchNormalization", "momentum"): "updates the statistics in training only",
    ("Cast", "round_mode"): "concerns 8-bit floats, which no layer has",
    ("Cast", "saturate"): "concerns 8-bit floats, which no layer has",
    ("Dropout", "seed"): "draws masks in training only",
    ("GroupNormalization", "stash_type"): "is the precision of intermediate results",
    ("LayerNormalization", "stash_type"): "is the precision of intermediate results",
    ("MaxPool", "storage_order"): "orders the indices output, which no layer has",
    ("Resize", "extrapolation_value"): "is for tf_crop_and_resize, which is Opaque",
    ("Resize", "roi"): "is for tf_crop_and_resize, which is Opaque",
}
"""Attributes and inputs, by operator and name, that cannot change a layer's output, and why."""


def check_types(call: Call, converter: Converter) -> None:
    """Refuse inputs of an element type that the converter's layers compute differently.

    Raises:
        UnsupportedOperator: naming the type.
    """
    for value in call.inputs:
        if isinstance(value, Flow) and value.dtype and value.dtype not in converter.types:
            name = type_name(value.dtype)
            raise UnsupportedOperator(f"values of type {name}", name)


def find_unread(call: Call, schema: OperatorSchema | None, *, inputs: bool = True) -> str:
    """Return the first attribute or input that differs from its default and was not read; "" if there is none.

    A node with one must not be converted: the layer would silently compute something else.
    """
    for item in call.node.attribute:
        if item.name not in call.reads.attributes and not _is_irrelevant(call, item.name):
            default = None if schema is None else _default(schema.domain, call.operator, schema.since, item.name)
            if attribute_value(item) != default:
                return str(item.name)
    if inputs and schema is not None:
        for index, value in enumerate(call.inputs):
            if value is None or index in call.reads.inputs or index >= len(schema.inputs):
                continue
            if not _is_irrelevant(call, schema.inputs[index]):
                return schema.inputs[index]
    return ""


def _is_irrelevant(call: Call, name: str) -> bool:
    return (call.operator, name) in IRRELEVANT


@lru_cache(maxsize=4096)
def _default(domain: str, operator: str, since: int, name: str) -> Any:
    """Return an attribute's default in the newest version up to `since` that has the attribute."""
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


# The network under construction


class Builder(GraphBuilder[Constant]):
    """Graph builder whose layers share parameters if they use the same initializers."""

    def sharing_key(self, parameters: Mapping[str, Constant]) -> Hashable | None:
        keys = tuple([constant.key for constant in parameters.values()])
        return None if None in keys else (*parameters, *keys)

    def add(
        self,
        layer: Layer,
        inputs: Sequence[Flow],
        name: str,
        origin: str | None,
        parameters: Mapping[str, Constant] | None = None,
    ) -> Flow:
        """Append a layer, and return its output, whose batch axis is that of the first input.

        Raises:
            ConvscopeError: Where the layer cannot take its inputs.
        """
        flows = [self.settle(flow) for flow in inputs]
        output = facts(layer, tuple(flow.image for flow in flows)).output_shape
        name = self.append(layer, tuple([flow.layer for flow in flows]), name, origin, parameters or {})
        if not flows:
            return Flow(name, output, None, output, 0)
        first = flows[0]
        if output == first.image:
            return Flow(name, first.shape, first.batch, output, first.dtype)
        size = 1 if first.batch is None else first.shape[first.batch]
        batch = first.batch if first.batch is None else min(first.batch, len(output))
        return Flow(name, with_axis(output, batch, size), batch, output, first.dtype)

    def settle(self, flow: Flow) -> Flow:
        """Return the flow reshaped, if its layer's output has another shape."""
        if flow.matches_layer:
            return flow
        layer = reshape_layer(flow.image)
        facts(layer, (flow.layer_shape,))
        name = self.append(layer, (flow.layer,), f"{flow.layer}.shape", None, {})
        return Flow(name, flow.shape, flow.batch, flow.image, flow.dtype)


# Registry of converters

Convert = Callable[["Call"], Sequence[Value | None]]
"""Emits the layers of one node; returns its outputs, None for those that cannot be used."""


class Converter(NamedTuple):
    """A converter, and the input element types that its layers support."""

    convert: Convert
    types: AbstractSet[int]


class OperatorVersion(NamedTuple):
    """An operator of a domain, and the operator set that introduced this version."""

    domain: str
    operator: str
    since: int

    def __str__(self) -> str:
        return f"{self.domain or 'ai.onnx'}.{self.operator} of version {self.since}"


_REGISTRY: OperatorRegistry[OperatorVersion, Converter] = OperatorRegistry(f"{__package__}.operators")


def converts(
    *operators: str, since: Sequence[int], types: AbstractSet[int] = REAL, domain: str = ""
) -> Callable[[Convert], Convert]:
    """Register a converter for operators, each of their versions `since`, and element types."""

    def register(function: Convert) -> Convert:
        keys = [OperatorVersion(domain, operator, version) for operator in operators for version in since]
        _REGISTRY.register(*keys)(Converter(function, types))
        return function

    return register


def converters() -> Mapping[OperatorVersion, Converter]:
    """Return the converter of each version of an operator."""
    return _REGISTRY.load()
