"""Conversion of a graph: nodes become constants, layers, or other nodes.

A node that no layer computes becomes an Opaque layer, of which only the output shape is known.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import BadFile, ConvscopeError
from ...layers.connection import Shape
from ...text.language import Message
from ..errors import UnsupportedOperator
from ..graph_builder import opaque_layer
from .call import Builder, Call, OperatorVersion, check_types, converters, find_unread
from .constant_folding import fold, tables_as_layers
from .conversion_cache import (
    CachedConversion,
    NodeSignature,
    cacheable_conversion,
    conversion_cache,
    node_signature,
)
from .graph import MAX_GRAPH_DEPTH, OnnxNode, check_node, needed_nodes, operator_schema
from .reader import MAX_NODES, OnnxFile, domain_of, tensor_constant
from .values import Budget, Constant, Flow, Value, without_axis

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, NodeProto


class TensorType(NamedTuple):
    """A shape and ONNX's number of an element type."""

    shape: Shape
    dtype: int


@dataclass
class ModelContext:
    """State shared by all graphs of a file."""

    file: OnnxFile
    builder: Builder
    sizes: dict[str, int] = field(default_factory=dict)
    first_input: Flow | None = None
    node_count: int = 0
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        self.functions: dict[tuple[str, str], dict[str, FunctionProto]] = {}
        for one in self.file.model.functions:
            self.functions.setdefault((domain_of(one.domain), one.name), {})[one.overload] = one

    @cached_property
    def _value_info(self) -> dict[str, Any]:
        graph = self.file.model.graph
        return {item.name: item.type for item in (*graph.value_info, *graph.output)}

    def declared_type(self, name: str) -> TensorType | None:
        """Return the type that the file declares for a value, for outputs of unsupported operators."""
        declared = self._value_info.get(name)
        return None if declared is None else tensor_type_of(declared, self.sizes)


class GraphConverter:
    """Conversion of one graph, with its values and those of the graphs around it."""

    def __init__(
        self,
        model: ModelContext,
        values: MutableMapping[str, Value | None],
        opsets: dict[str, int],
        prefix: str = "",
        depth: int = 0,
    ) -> None:
        self.model = model
        self.builder = model.builder
        self.path = model.file.path
        self.values = values
        self._functions = model.functions
        self.opsets = opsets
        self._prefix = prefix
        self._depth = depth
        self._nodes: list[OnnxNode] = []
        self._outputs: Sequence[str] = ()
        self._absorbed: set[int] = set()
        self._unnamed: Counter[str] = Counter()
        self._cache = conversion_cache(tuple(sorted(opsets.items())))

    def run(self, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[Value | None]:
        """Convert the nodes that the outputs depend on, and return the outputs.

        Errors:   BadFile [onnx-nodes], [onnx-value], and those of every operator
        """
        self._nodes, self._outputs = needed_nodes(nodes, outputs, self.path), outputs
        self.model.node_count += len(self._nodes)
        if self.model.node_count > MAX_NODES:
            raise BadFile(
                "{path!r} must have at most {limit:,} nodes, with functions expanded (got {count:,}). Split the "
                "model. [onnx-nodes]",
                path=str(self.path),
                limit=MAX_NODES,
                count=self.model.node_count,
            )
        for node in self._nodes:
            if id(node.node) not in self._absorbed:
                self._convert(node)
        return [self._value(name, None) for name in outputs]

    def add_initializers(self, graph: GraphProto) -> None:
        """Add the graph's stored tensors to its values."""
        path, prefix, values = self.path, self._prefix, self.values
        for tensor in graph.initializer:
            name = tensor.name
            values[name] = tensor_constant(tensor, path, True, f"{prefix}{name}" if prefix else name)

    # Uses of a value, for converters that match several nodes

    def is_used(self, name: str) -> bool:
        """Return whether a node or an output uses this value."""
        return bool(name) and self._usage[0][name] > 0

    def sole_user(self, name: str) -> NodeProto | None:
        """Return the node that uses this value, if it is the only one and uses it once."""
        users = self.users(name)
        return users[0] if len(users) == 1 else None

    def users(self, name: str) -> list[NodeProto]:
        """Return the nodes that use this value; none if one uses it twice or it is an output of the graph."""
        count, nodes = self._usage
        users = nodes.get(name, [])
        return users if len(users) == count[name] else []

    def absorb(self, nodes: Iterable[NodeProto], value: Value) -> None:
        """Mark nodes as converted; `value` is the output of the last one."""
        last = None
        for last in nodes:
            self._absorbed.add(id(last))
        if last is not None:
            self.values[last.output[0]] = value

    def _release(self, nodes: Sequence[NodeProto]) -> None:
        """Undo `absorb`, so that the nodes are converted one by one."""
        for node in nodes:
            self._absorbed.discard(id(node))
            self.values.pop(node.output[0], None)

    @cached_property
    def _usage(self) -> tuple[Counter[str], dict[str, list[NodeProto]]]:
        """How often each value is used, and by which nodes."""
        count = Counter(self._outputs)
        users: dict[str, list[NodeProto]] = {}
        for node in self._nodes:
            for name in node.uses:
                count[name] += 1
                found = users.setdefault(name, [])
                if not found or found[-1] is not node.node:
                    found.append(node.node)
        return count, users

    def _value(self, name: str, user: OnnxNode | None) -> Value | None:
        value = self.values.get(name)
        if value is not None:
            return value
        use = Message("an output of the graph")
        if user is not None:
            use = Message("an input of node {node}", node=user.title)
        if name not in self.values:
            raise BadFile(
                "{path!r} uses a value that no node computes: {name!r}, {use}. Export the model again. "
                "[onnx-value]",
                path=str(self.path),
                name=name,
                use=use,
            )
        raise BadFile(
            "{path!r} uses a value of unknown shape: {name!r}, {use}. Run "
            "onnx.shape_inference.infer_shapes on it. [onnx-value]",
            path=str(self.path),
            name=name,
            use=use,
        )

    # Conversion of a node

    def _convert(self, node: OnnxNode) -> None:
        values = self.values
        inputs = [values.get(name) or self._value(name, node) if name else None for name in node.inputs]
        is_function = self._functions and (node.domain, node.operator) in self._functions
        signature = None if is_function else node_signature(node, inputs)
        cached = self._cache.get(signature)
        if cached is not None:
            values[node.outputs[0]] = self._repeat(cached, node, inputs)
            return
        call = Call(node.node, self._layer_name(node), inputs, self)
        try:
            inlined = self._inline(call)
            outputs = self._convert_call(call, signature) if inlined is None else inlined
        except ConvscopeError as error:
            if isinstance(error, BadFile):
                raise
            raise type(error)(
                "Node {node} of {path!r}: {error}", node=node.title, path=str(self.path), error=error
            ) from None
        for index, name in enumerate(node.outputs):
            if name:
                self.values[name] = outputs[index] if index < len(outputs) else None

    def _repeat(self, cached: CachedConversion, node: OnnxNode, inputs: Sequence[Value | None]) -> Flow:
        """Append the layer that another node with the same signature became."""
        layer, input_indices, parameter_indices, output = cached
        layers = tuple([inputs[index].layer for index in input_indices])  # type: ignore[union-attr]
        parameters: dict[str, Any] = {part: inputs[index] for part, index in parameter_indices}
        name = self.builder.append(layer, layers, self._layer_name(node), node.name or None, parameters)
        return Flow._make((name, *output))

    def _convert_call(self, call: Call, signature: NodeSignature | None) -> Sequence[Value | None]:
        """Return constants, the outputs of layers, or those of an Opaque layer."""
        domain = domain_of(call.node.domain)
        schema = operator_schema(domain, call.operator, self.opsets.get(domain, 1))
        check_node(call.node, schema, self.path)
        original, call = call, tables_as_layers(call)
        constants = fold(call, schema)
        if constants is not None:
            return constants
        converter = None
        if schema is not None:
            converter = converters().get(OperatorVersion(domain, call.operator, schema.since))
        before = len(self.builder.entries)
        reason = ""
        if converter is not None:
            try:
                check_types(call, converter)
                outputs = converter.convert(call)
                reason = find_unread(call, schema)
                missing = range(len(outputs), len(call.node.output))
                if not reason and not any(call.is_output_used(index) for index in missing):
                    if call is original and signature is not None:
                        self._cache_conversion(signature, call, outputs, len(self.builder.entries) - before)
                    return outputs
            except ConvscopeError:
                raise
            except UnsupportedOperator as error:
                reason = error.part
            except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
                pass  # attributes or shapes that the converter does not expect
            self.builder.rollback(before)
            self._release(call.absorbed)
        return opaque(call, reason)

    def _cache_conversion(
        self, signature: NodeSignature, call: Call, outputs: Sequence[Value | None], added: int
    ) -> None:
        conversion = cacheable_conversion(call, outputs[0]) if added == len(outputs) == 1 else None
        if conversion is not None:
            self._cache.add(signature, conversion)

    def _layer_name(self, node: OnnxNode) -> str:
        if node.name:
            return f"{self._prefix}{node.name}" if self._prefix else node.name
        self._unnamed[node.operator] += 1
        return f"{self._prefix}{node.operator.lower()}{self._unnamed[node.operator]}"

    # Subgraphs and functions

    def _inline(self, call: Call) -> list[Value | None] | None:
        """Return the outputs of a local function, or of an If node's branch if its condition is constant."""
        node = call.node
        function = self._functions.get((domain_of(node.domain), node.op_type), {}).get(node.overload)
        if function is not None:
            return self._call_function(call, function)
        if node.op_type != "If" or node.domain or not call.inputs or isinstance(call.inputs[0], Flow):
            return None
        condition = call.inputs[0]
        if condition is None or condition.size != 1:
            return None
        graph = call.optional_attribute("then_branch" if bool(condition.array.item()) else "else_branch")
        if graph is None:
            return None
        inner = self._inner_converter(ChainMap({}, self.values), self.opsets, call.name)
        inner.add_initializers(graph)
        return inner.run(graph.node, [item.name for item in graph.output])

    def _call_function(self, call: Call, function: FunctionProto) -> list[Value | None]:
        attributes = {item.name: item for item in (*function.attribute_proto, *call.node.attribute)}
        values: dict[str, Value | None] = dict.fromkeys(function.input)
        values.update(zip(function.input, call.inputs, strict=False))
        opsets = {domain_of(item.domain): item.version for item in function.opset_import}
        inner = self._inner_converter(values, {**self.opsets, **opsets}, call.name)
        nodes = [_with_function_attributes(node, attributes) for node in function.node]
        return inner.run(nodes, list(function.output))

    def _inner_converter(
        self, values: MutableMapping[str, Value | None], opsets: dict[str, int], name: str
    ) -> GraphConverter:
        if self._depth >= MAX_GRAPH_DEPTH:
            raise BadFile(
                "{path!r} must nest graphs and functions at most {limit} deep. Simplify it with an ONNX "
                "optimizer. [onnx-depth]",
                path=str(self.path),
                limit=MAX_GRAPH_DEPTH,
            )
        return GraphConverter(self.model, values, opsets, f"{name}/", self._depth + 1)


def _with_function_attributes(node: NodeProto, attributes: dict[str, Any]) -> NodeProto:
    """Return a function's node with references to the function's attributes replaced by their values."""
    if not any(item.ref_attr_name for item in node.attribute):
        return node
    copy = type(node)()
    copy.CopyFrom(node)
    del copy.attribute[:]
    for item in node.attribute:
        source = attributes.get(item.ref_attr_name) if item.ref_attr_name else item
        if source is not None:
            added = copy.attribute.add()
            added.CopyFrom(source)
            added.name = item.name
    return copy


# Unsupported operators

NO_SIZES: Mapping[str, int] = MappingProxyType({})

MAX_INFERENCE_ELEMENTS = 1 << 12
"""Elements of a constant that is passed to ONNX's shape inference: shapes and axes, not weights."""


def opaque(call: Call, reason: str = "") -> list[Value | None]:
    """Return an Opaque layer for each output that is used; `reason` is the unsupported attribute, input or type.

    Errors:   BadFile [onnx-operator] if neither ONNX nor the file declares an output's shape
    """
    flows = [value for value in call.inputs if isinstance(value, Flow)] or _first_input(call)
    rule = _SHAPE_RULES.get(_title(call))
    inferred = (None if rule is None else rule(call)) or _infer_types(call)
    used = [index for index in range(len(call.node.output)) if call.is_output_used(index)]
    outputs: list[Value | None] = [None] * len(call.node.output)
    for index in used:
        name = call.node.output[index]
        output_type = inferred.get(name) or call.converter.model.declared_type(name)
        if output_type is None:
            raise BadFile(
                "The shape of {name!r} in {path!r} is unknown: node {node!r} has the unsupported operator "
                "{operator}. Run onnx.shape_inference.infer_shapes on the file, or add value_info. "
                "[onnx-operator]",
                name=name,
                path=str(call.converter.path),
                node=call.node.name or call.name,
                operator=_title(call, reason),
            )
        part = "" if index == used[-1] else str(index)
        outputs[index] = _emit_opaque(call, flows, output_type, part, reason)
    return outputs


def _stft_type(call: Call) -> dict[str, TensorType] | None:
    """Return STFT's output type: (batch, frames, bins, 2). ONNX's own rule does not halve the bins.

    Source:   ONNX STFT
    """
    signal, step, window, length = [*call.inputs, None, None][:4]
    stride = step.scalar if isinstance(step, Constant) else None
    frame = length.scalar if isinstance(length, Constant) else None
    if frame is None and window is not None and len(window.shape) == 1:
        frame = window.shape[0]
    if signal is None or len(signal.shape) < 2 or not stride or not frame or min(stride, frame) < 1:
        return None
    frames = int((signal.shape[1] - frame) // stride) + 1
    bins = int(frame // 2 + 1 if call.attribute("onesided", 1) else frame)
    if frames <= 0:
        return None
    return {call.node.output[0]: TensorType((signal.shape[0], frames, bins, 2), signal.dtype)}


_SHAPE_RULES: Mapping[str, Callable[[Call], dict[str, TensorType] | None]] = {"STFT": _stft_type}
"""Shape rules of operators whose rule in the onnx package is wrong."""


def _first_input(call: Call) -> list[Flow]:
    """Return the network's input, for a node of constants: an Opaque layer must have an input."""
    first = call.converter.model.first_input
    assert first is not None
    return [first]


def _title(call: Call, reason: str = "") -> str:
    domain = domain_of(call.node.domain)
    title = f"{domain}.{call.operator}" if domain else call.operator
    return f"{title}[{reason}]" if reason else title


def _emit_opaque(call: Call, flows: list[Flow], output_type: TensorType, part: str, reason: str) -> Flow:
    shape, dtype = output_type
    batch = _output_batch(flows, shape)
    image = without_axis(shape, batch)
    try:
        output = call.emit(opaque_layer(_title(call, reason), image), *flows, part=part)
    except ConvscopeError as error:
        raise BadFile(
            "Node {node} of {path!r}: {error}", node=repr(call.name), path=str(call.converter.path), error=error
        ) from None
    return Flow(output.layer, shape, batch, output.layer_shape, dtype)


def _output_batch(flows: list[Flow], shape: Shape) -> int | None:
    """Return the output's batch axis: that of the first input, if the size fits, or the first axis."""
    first = flows[0]
    if first.batch is None:
        return None
    size = first.shape[first.batch]
    for axis in (first.batch, 0):
        if axis < len(shape) and shape[axis] == size:
            return axis
    if size == 1:
        return None
    raise BadFile(
        "The batch axis is combined with another axis (got a batch of {size} and an output of "
        "shape {shape}). Export the model with a batch of 1 or a symbolic one. [onnx-batch]",
        size=size,
        shape=shape,
    )


def _infer_types(call: Call) -> dict[str, TensorType]:
    """Return the types of the outputs that ONNX's shape inference finds for this node."""
    from onnx.checker import ValidationError
    from onnx.defs import SchemaError, get_schema
    from onnx.helper import make_opsetid
    from onnx.shape_inference import InferenceError, infer_node_outputs

    if any(item.type in (item.GRAPH, item.GRAPHS) for item in call.node.attribute):
        return {}
    domain = domain_of(call.node.domain)
    version = call.converter.opsets.get(domain, 1)
    types: dict[str, Any] = {}
    data: dict[str, Any] = {}
    try:
        schema = get_schema(call.operator, version, domain)
        for name, value in zip(call.node.input, call.inputs, strict=True):
            if value is not None:
                _add_input_type(name, value, types, data)
        found = infer_node_outputs(schema, call.node, types, data, opset_imports=[make_opsetid(domain, version)])
    except (SchemaError, InferenceError, ValidationError, ValueError, TypeError, KeyError, RuntimeError):
        return {}
    inferred = {name: tensor_type_of(kind) for name, kind in found.items()}
    return {name: one for name, one in inferred.items() if one is not None}


def _add_input_type(name: str, value: Value, types: dict[str, Any], data: dict[str, Any]) -> None:
    from onnx import numpy_helper
    from onnx.helper import make_tensor_type_proto

    types[name] = make_tensor_type_proto(value.dtype or 1, value.shape)
    if isinstance(value, Constant) and prod(value.shape) <= MAX_INFERENCE_ELEMENTS:
        data[name] = numpy_helper.from_array(value.array, name)


def tensor_type_of(declared: Any, sizes: Mapping[str, int] = NO_SIZES) -> TensorType | None:
    """Return a declared type if all its sizes are integers, or names in `sizes`."""
    if not declared.HasField("tensor_type") or not declared.tensor_type.HasField("shape"):
        return None
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") else sizes.get(dim.dim_param, -1)
        for dim in declared.tensor_type.shape.dim
    )
    return TensorType(shape, declared.tensor_type.elem_type) if min(shape, default=0) >= 0 else None
