"""Walk a graph: every node becomes constants, layers, or the nodes of an inner graph."""

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
from ...layers.structural import Opaque
from .builder import Builder
from .call import Call, check_types, unread
from .constant_folding import fold
from .conversion_cache import (
    CachedConversion,
    NodeSignature,
    cacheable_conversion,
    conversion_cache,
    node_signature,
)
from .graph import MAX_GRAPH_DEPTH, OnnxNode, check_node, needed_nodes, operator_schema
from .parameter_tables import tables_as_layers
from .reader import MAX_NODES, OnnxFile, domain_of, tensor_constant
from .registry import UnsupportedOperator, converter_for
from .values import Budget, Constant, Flow, Value

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, NodeProto

    from .call import Call


@dataclass
class ModelContext:
    """What all graphs of one file have in common."""

    file: OnnxFile
    builder: Builder
    sizes: dict[str, int] = field(default_factory=dict)
    first: Flow | None = None
    nodes: int = 0
    budget: Budget = field(default_factory=Budget)

    @cached_property
    def _told(self) -> dict[str, Any]:
        graph = self.file.model.graph
        return {item.name: item.type for item in (*graph.value_info, *graph.output)}

    def declared(self, name: str) -> TensorType | None:
        """Return what the file says of a value inside, for operators that nobody knows."""
        kind = self._told.get(name)
        return None if kind is None else tensor_type_of(kind, self.sizes)

    def __post_init__(self) -> None:
        self.functions: dict[tuple[str, str], dict[str, FunctionProto]] = {}
        for one in self.file.model.functions:
            self.functions.setdefault((domain_of(one.domain), one.name), {})[one.overload] = one


class GraphConverter:
    """The values of one graph by name, those of the graphs around it included."""

    def __init__(
        self,
        shared: ModelContext,
        values: MutableMapping[str, Value | None],
        opsets: dict[str, int],
        prefix: str = "",
        depth: int = 0,
    ) -> None:
        self.shared = shared
        self.builder = shared.builder
        self.path = shared.file.path
        self.values = values
        self._functions = shared.functions
        self.opsets = opsets
        self._prefix = prefix
        self._depth = depth
        self._steps: list[OnnxNode] = []
        self._outputs: Sequence[str] = ()
        self._absorbed: set[int] = set()
        self._numbers: Counter[str] = Counter()
        self._forms = conversion_cache(tuple(sorted(opsets.items())))

    def run(self, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[Value | None]:
        """Convert the nodes that the outputs need, and return the outputs.

        Errors:   BadFile [onnx-nodes], [onnx-value], and those of every operator
        """
        self._steps, self._outputs = needed_nodes(nodes, outputs, self.path), outputs
        self.shared.nodes += len(self._steps)
        if self.shared.nodes > MAX_NODES:
            raise BadFile(
                f"{str(self.path)!r} must have at most {MAX_NODES:,} nodes, functions written out; got more; "
                "split the model. [onnx-nodes]"
            )
        for step in self._steps:
            if id(step.node) not in self._absorbed:
                self._convert(step)
        return [self._value(name, None) for name in outputs]

    def initializers(self, graph: GraphProto) -> None:
        """Take in the graph's own tensors."""
        path, prefix, values = self.path, self._prefix, self.values
        for tensor in graph.initializer:
            name = tensor.name
            values[name] = tensor_constant(tensor, path, True, f"{prefix}{name}" if prefix else name)

    def is_used(self, name: str) -> bool:
        """Return whether a node or an output takes this value."""
        return bool(name) and self._usage[0][name] > 0

    def sole_user(self, name: str) -> NodeProto | None:
        """Return the one node that takes this value, if it is the only one and takes it once."""
        users = self.users(name)
        return users[0] if len(users) == 1 else None

    def users(self, name: str) -> list[NodeProto]:
        """Return the nodes that take this value; none where one takes it twice or the graph gives it out."""
        count, nodes = self._usage
        users = nodes.get(name, [])
        return users if len(users) == count[name] else []

    def absorb(self, nodes: Iterable[NodeProto], value: Value) -> None:
        """Take nodes as done; the last one's output is this value."""
        last = None
        for last in nodes:
            self._absorbed.add(id(last))
        if last is not None:
            self.values[last.output[0]] = value

    def _release(self, nodes: Sequence[NodeProto]) -> None:
        """Convert nodes on their own after all: what had taken them was given up."""
        for node in nodes:
            self._absorbed.discard(id(node))
            self.values.pop(node.output[0], None)

    @cached_property
    def _usage(self) -> tuple[Counter[str], dict[str, list[NodeProto]]]:
        """How often each value is taken, and by which nodes."""
        count = Counter(self._outputs)
        users: dict[str, list[NodeProto]] = {}
        for step in self._steps:
            for name in step.uses:
                count[name] += 1
                taken = users.setdefault(name, [])
                if not taken or taken[-1] is not step.node:
                    taken.append(step.node)
        return count, users

    def _value(self, name: str, user: OnnxNode | None) -> Value | None:
        value = self.values.get(name)
        if value is not None:
            return value
        told = "an output of the graph" if user is None else f"input of node {user.title}"
        if name not in self.values:
            raise BadFile(
                f"{str(self.path)!r} must make every value it uses; got none for {name!r}, {told}; "
                "export the model again. [onnx-value]"
            )
        raise BadFile(
            f"{str(self.path)!r} must use values that have a known shape; got {name!r}, {told}; "
            "run onnx.shape_inference.infer_shapes on it. [onnx-value]"
        )

    def _convert(self, step: OnnxNode) -> None:
        known = self.values
        inputs = [known.get(name) or self._value(name, step) if name else None for name in step.inputs]
        own = self._functions and (step.domain, step.operator) in self._functions
        form = None if own else node_signature(step, inputs)
        made = self._forms.get(form)
        if made is not None:
            known[step.outputs[0]] = self._again(made, step, inputs)
            return
        call = Call(step.node, self._name(step), inputs, self)
        try:
            inlined = self._inlined(call)
            outputs = self._converted(call, form) if inlined is None else inlined
        except ConvscopeError as error:
            if isinstance(error, BadFile):
                raise
            raise type(error)(f"node {step.title} of {str(self.path)!r}: {error}") from None
        for index, name in enumerate(step.outputs):
            if name:
                self.values[name] = outputs[index] if index < len(outputs) else None

    def _again(self, made: CachedConversion, step: OnnxNode, inputs: Sequence[Value | None]) -> Flow:
        """Append the layer that another node of the same form became."""
        layer, takes, holds, kind = made
        layers = tuple([inputs[index].layer for index in takes])  # type: ignore[union-attr]
        held: dict[str, Any] = {part: inputs[index] for part, index in holds}
        return Flow._make((self.builder.append(layer, layers, self._name(step), step.name or None, held), *kind))

    def _converted(self, call: Call, form: NodeSignature | None) -> Sequence[Value | None]:
        """Return constants, the outputs of layers, or those of an Opaque layer."""
        domain = domain_of(call.node.domain)
        known = operator_schema(domain, call.operator, self.opsets.get(domain, 1))
        check_node(call.node, known, self.path)
        given, call = call, tables_as_layers(call)
        constants = fold(call, known)
        if constants is not None:
            return constants
        converter = None if known is None else converter_for(domain, call.operator, known.since)
        before = len(self.builder.entries)
        reason = ""
        if converter is not None:
            try:
                check_types(call, converter)
                outputs = converter.convert(call)
                reason = unread(call, known)
                missing = range(len(outputs), len(call.node.output))
                if not reason and not any(call.is_output_used(index) for index in missing):
                    if call is given and form is not None:
                        self._remember(form, call, outputs, len(self.builder.entries) - before)
                    return outputs
            except ConvscopeError:
                raise
            except UnsupportedOperator as error:
                reason = error.part
            except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
                pass  # in a form that nobody foresaw
            self.builder.back_to(before)
            self._release(call.absorbed)
        return opaque(call, reason)

    def _remember(self, form: NodeSignature, call: Call, outputs: Sequence[Value | None], added: int) -> None:
        made = cacheable_conversion(call, outputs[0]) if added == len(outputs) == 1 else None
        if made is not None:
            self._forms.remember(form, made)

    def _name(self, step: OnnxNode) -> str:
        if step.name:
            return f"{self._prefix}{step.name}" if self._prefix else step.name
        self._numbers[step.operator] += 1
        return f"{self._prefix}{step.operator.lower()}{self._numbers[step.operator]}"

    # Inner graphs

    def _inlined(self, call: Call) -> list[Value | None] | None:
        """Return the outputs of a local function, or of the branch a constant condition takes."""
        node = call.node
        function = self._functions.get((domain_of(node.domain), node.op_type), {}).get(node.overload)
        if function is not None:
            return self._called(call, function)
        if node.op_type != "If" or node.domain or not call.inputs or isinstance(call.inputs[0], Flow):
            return None
        condition = call.inputs[0]
        if condition is None or condition.size != 1:
            return None
        graph = call.optional_attribute("then_branch" if bool(condition.array.item()) else "else_branch")
        if graph is None:
            return None
        inner = self._inner(ChainMap({}, self.values), self.opsets, call.name)
        inner.initializers(graph)
        return inner.run(graph.node, [item.name for item in graph.output])

    def _called(self, call: Call, function: FunctionProto) -> list[Value | None]:
        given = {**{item.name: item for item in function.attribute_proto}}
        given |= {item.name: item for item in call.node.attribute}
        values: dict[str, Value | None] = dict.fromkeys(function.input)
        values.update(zip(function.input, call.inputs, strict=False))
        opsets = {domain_of(item.domain): item.version for item in function.opset_import}
        inner = self._inner(values, {**self.opsets, **opsets}, call.name)
        return inner.run([_bound(node, given) for node in function.node], list(function.output))

    def _inner(
        self, values: MutableMapping[str, Value | None], opsets: dict[str, int], name: str
    ) -> GraphConverter:
        if self._depth >= MAX_GRAPH_DEPTH:
            raise BadFile(
                f"{str(self.path)!r} must nest graphs and functions at most {MAX_GRAPH_DEPTH} deep; got more; "
                "simplify it with an ONNX optimizer. [onnx-depth]"
            )
        return GraphConverter(self.shared, values, opsets, f"{name}/", self._depth + 1)


def _bound(node: NodeProto, given: dict[str, Any]) -> NodeProto:
    """Return a function's node with the attributes that the caller gives in their places."""
    if not any(item.ref_attr_name for item in node.attribute):
        return node
    copy = type(node)()
    copy.CopyFrom(node)
    del copy.attribute[:]
    for item in node.attribute:
        source = given.get(item.ref_attr_name) if item.ref_attr_name else item
        if source is not None:
            added = copy.attribute.add()
            added.CopyFrom(source)
            added.name = item.name
    return copy


NONE: Mapping[str, int] = MappingProxyType({})

MAX_INFERENCE_ELEMENTS = 1 << 12
"""Elements of a constant that is handed to ONNX's shape inference: shapes and axes, not weights."""


class TensorType(NamedTuple):
    """An output's shape and ONNX's number for its type."""

    shape: Shape
    dtype: int


def opaque(call: Call, reason: str = "") -> list[Value | None]:
    """Return Opaque layers, one per output that is used; `reason` is what of a known operator no layer does.

    Errors:   BadFile [onnx-operator] where neither ONNX nor the file says an output's shape
    """
    flows = [value for value in call.inputs if isinstance(value, Flow)] or _any(call)
    rule = _SHAPES.get(_title(call))
    inferred = (None if rule is None else rule(call)) or _inferred(call)
    wanted = [index for index in range(len(call.node.output)) if call.is_output_used(index)]
    outputs: list[Value | None] = [None] * len(call.node.output)
    for index in wanted:
        name = call.node.output[index]
        found = inferred.get(name) or call.converter.shared.declared(name)
        if found is None:
            raise BadFile(
                f"operator {_title(call, reason)} of node {call.node.name or call.name!r} in "
                f"{str(call.converter.path)!r} must be known, or the file give its output's shape; "
                f"got neither for {name!r}; "
                "run onnx.shape_inference.infer_shapes on it, or add value_info. [onnx-operator]"
            )
        outputs[index] = _stand_in(call, flows, found, "" if index == wanted[-1] else str(index), reason)
    return outputs


def _spectra(call: Call) -> dict[str, TensorType] | None:
    """Return STFT's output: (batch, frames, bins, 2), of which ONNX's own rule does not halve the bins.

    Source:   ONNX STFT
    """
    signal, step, window, length = [*call.inputs, None, None][:4]
    stride = step.number if isinstance(step, Constant) else None
    frame = length.number if isinstance(length, Constant) else None
    if frame is None and window is not None and len(window.shape) == 1:
        frame = window.shape[0]
    if signal is None or len(signal.shape) < 2 or not stride or not frame or min(stride, frame) < 1:
        return None
    frames = int((signal.shape[1] - frame) // stride) + 1
    bins = int(frame // 2 + 1 if call.attribute("onesided", 1) else frame)
    return (
        {call.node.output[0]: TensorType((signal.shape[0], frames, bins, 2), signal.dtype)} if frames > 0 else None
    )


_SHAPES: Mapping[str, Callable[[Call], dict[str, TensorType] | None]] = {"STFT": _spectra}
"""Shape rules of operators whose rule in the onnx package is wrong."""


def _any(call: Call) -> list[Flow]:
    """Return the image, for a node that takes nothing of it: a layer must hang somewhere."""
    first = call.converter.shared.first
    assert first is not None
    return [first]


def _title(call: Call, reason: str = "") -> str:
    domain = domain_of(call.node.domain)
    title = f"{domain}.{call.operator}" if domain else call.operator
    return f"{title}[{reason}]" if reason else title


def _stand_in(call: Call, flows: list[Flow], found: TensorType, part: str, reason: str) -> Flow:
    shape, dtype = found
    batch = _batch(flows, shape)
    image = (shape if batch is None else shape[:batch] + shape[batch + 1 :]) or (1,)
    title = _title(call, reason)
    operator = "".join(sign if sign.isprintable() and sign not in " |\"'#{}" else "_" for sign in title)
    try:
        output = call.emit(Opaque(operator, image), *flows, part=part)
    except ConvscopeError as error:
        raise BadFile(f"node {call.name!r} of {str(call.converter.path)!r}: {error}") from None
    return Flow(output.layer, shape, batch, output.held, dtype)


def _batch(flows: list[Flow], shape: Shape) -> int | None:
    """Return where the batch stands in the output: where it stood in the first input, if it fits there."""
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
        f"the batch must stay an axis of its own; got {size} images at once, and an output of shape {shape}; "
        "export the model with a batch of 1 or a symbolic one. [onnx-batch]"
    )


def _inferred(call: Call) -> dict[str, TensorType]:
    """Return the outputs' shapes and types as ONNX's own rule for this one operator finds them."""
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
                _describe(name, value, types, data)
        found = infer_node_outputs(schema, call.node, types, data, opset_imports=[make_opsetid(domain, version)])
    except (SchemaError, InferenceError, ValidationError, ValueError, TypeError, KeyError, RuntimeError):
        return {}
    known = {name: tensor_type_of(kind) for name, kind in found.items()}
    return {name: one for name, one in known.items() if one is not None}


def _describe(name: str, value: Value, types: dict[str, Any], data: dict[str, Any]) -> None:
    from onnx import numpy_helper
    from onnx.helper import make_tensor_type_proto

    types[name] = make_tensor_type_proto(value.dtype or 1, value.shape)
    if isinstance(value, Constant) and prod(value.shape) <= MAX_INFERENCE_ELEMENTS:
        data[name] = numpy_helper.from_array(value.array, name)


def tensor_type_of(kind: Any, known: Mapping[str, int] = NONE) -> TensorType | None:
    """Return a type's shape where every size is known, by number or by a name that stands for one."""
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    sizes = [
        dim.dim_value if dim.HasField("dim_value") else known.get(dim.dim_param, -1)
        for dim in kind.tensor_type.shape.dim
    ]
    return TensorType(tuple(sizes), kind.tensor_type.elem_type) if min(sizes, default=0) >= 0 else None
