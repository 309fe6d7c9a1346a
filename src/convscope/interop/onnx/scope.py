"""Walk a graph: every node becomes constants, layers, or the nodes of an inner graph."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import BadFile, ConvscopeError
from . import tensors
from .builder import Builder
from .call import Call
from .file import MOST_NODES, OnnxFile, check_text, domain_of
from .folding import fold
from .opaque import Found, found_in, opaque
from .order import DEEPEST_GRAPHS, needed
from .registry import Unmapped, converter_for
from .signature import check, signature
from .tables import call_on_tables
from .values import Flow, Value

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, NodeProto


@dataclass
class Shared:
    """What all graphs of one file have in common."""

    file: OnnxFile
    builder: Builder
    sizes: dict[str, int] = field(default_factory=dict)
    first: Flow | None = None
    nodes: int = 0

    @cached_property
    def _told(self) -> dict[str, Any]:
        graph = self.file.model.graph
        return {item.name: item.type for item in (*graph.value_info, *graph.output)}

    def declared(self, name: str) -> Found | None:
        """Return what the file says of a value inside, for operators that nobody knows."""
        kind = self._told.get(name)
        return None if kind is None else found_in(kind, self.sizes)

    def __post_init__(self) -> None:
        self.functions = {
            (domain_of(one.domain), one.name, one.overload): one for one in self.file.model.functions
        }


class Scope:
    """The values of one graph by name, those of the graphs around it included."""

    def __init__(
        self,
        shared: Shared,
        values: MutableMapping[str, Value | None],
        opsets: dict[str, int],
        prefix: str = "",
        depth: int = 0,
    ) -> None:
        self.shared = shared
        self.values = values
        self.opsets = opsets
        self._prefix = prefix
        self._depth = depth
        self._users: dict[str, list[NodeProto]] = {}
        self._uses: Counter[str] = Counter()
        self._absorbed: set[int] = set()
        self._numbers: Counter[str] = Counter()

    @property
    def builder(self) -> Builder:
        """Return what collects the layers."""
        return self.shared.builder

    @property
    def path(self) -> Path:
        """Return the model's file."""
        return self.shared.file.path

    def run(self, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[Value | None]:
        """Convert the nodes that the outputs need, and return the outputs.

        Errors:   BadFile [onnx-nodes], [onnx-value], and those of every operator
        """
        kept = needed(nodes, outputs, self.path)
        self.shared.nodes += len(kept)
        if self.shared.nodes > MOST_NODES:
            raise BadFile(
                f"{str(self.path)!r} must have at most {MOST_NODES:,} nodes, functions written out; got more; "
                "split the model. [onnx-nodes]"
            )
        self._note_users(kept, outputs)
        for node, _ in kept:
            if id(node) not in self._absorbed:
                self._convert(node)
        return [self._value(name, "an output of the graph") for name in outputs]

    def initializers(self, graph: GraphProto) -> None:
        """Take in the graph's own tensors."""
        for tensor in graph.initializer:
            key = f"{self._prefix}{tensor.name}"
            self.values[tensor.name] = tensors.constant(tensor, self.path, True, key)

    def is_used(self, name: str) -> bool:
        """Return whether a node or an output takes this value."""
        return bool(name) and self._uses[name] > 0

    def sole_user(self, name: str) -> NodeProto | None:
        """Return the one node that takes this value, if it is the only one and takes it once."""
        users = self._users.get(name, [])
        return users[0] if len(users) == 1 and self._uses[name] == 1 else None

    def users(self, name: str) -> list[NodeProto]:
        """Return the nodes that take this value; none where the graph gives it out as well."""
        users = self._users.get(name, [])
        return users if len(users) == self._uses[name] else []

    def absorb(self, nodes: Iterable[NodeProto], value: Value) -> None:
        """Take nodes as done; the last one's output is this value."""
        last = None
        for last in nodes:
            self._absorbed.add(id(last))
        if last is not None:
            self.values[last.output[0]] = value

    def _note_users(self, nodes: Sequence[tuple[NodeProto, list[str]]], outputs: Sequence[str]) -> None:
        self._uses.update(outputs)
        for node, used in nodes:
            for name in used:
                self._uses[name] += 1
                users = self._users.setdefault(name, [])
                if not users or users[-1] is not node:
                    users.append(node)

    def _value(self, name: str, user: str) -> Value | None:
        try:
            value = self.values[name]
        except KeyError:
            raise BadFile(
                f"{str(self.path)!r} must make every value it uses; got none for {name!r}, {user}; "
                "export the model again. [onnx-value]"
            ) from None
        if value is None:
            raise BadFile(
                f"{str(self.path)!r} must use values that have a known shape; got {name!r}, {user}; "
                "run onnx.shape_inference.infer_shapes on it. [onnx-value]"
            )
        return value

    def _convert(self, node: NodeProto) -> None:
        check_text(self.path, node.name, node.op_type, node.domain, node.overload, *node.input, *node.output)
        title = node.name or next(iter(node.output), "")
        told = f"input of node {title!r} ({node.op_type})"
        inputs = [self._value(name, told) if name else None for name in node.input]
        call = Call(node, self._name(node), inputs, self)
        try:
            inlined = self._inlined(call)
            outputs = self._outputs(call) if inlined is None else inlined
        except ConvscopeError as error:
            if isinstance(error, BadFile):
                raise
            raise type(error)(f"node {title!r} ({node.op_type}) of {str(self.path)!r}: {error}") from None
        for index, name in enumerate(node.output):
            if name:
                self.values[name] = outputs[index] if index < len(outputs) else None

    def _outputs(self, call: Call) -> Sequence[Value | None]:
        """Return constants, the outputs of layers, or those of an Opaque layer."""
        domain = domain_of(call.node.domain)
        known = signature(domain, call.operator, self.opsets.get(domain, 1))
        check(call.node, known, self.path)
        call = call_on_tables(call)
        constants = fold(call)
        if constants is not None:
            return constants
        converter = None if known is None else converter_for(domain, call.operator, known.since)
        mark = self.builder.mark()
        if converter is not None:
            try:
                outputs = converter(call)
                missing = range(len(outputs), len(call.node.output))
                if not any(call.wanted(index) for index in missing):
                    return outputs
            except ConvscopeError:
                raise
            except (Unmapped, ArithmeticError, LookupError, TypeError, ValueError):
                pass  # in a form that no layer says, or that nobody foresaw
            self.builder.back_to(mark)
        return opaque(call)

    def _name(self, node: NodeProto) -> str:
        if node.name:
            return f"{self._prefix}{node.name}"
        self._numbers[node.op_type] += 1
        return f"{self._prefix}{node.op_type.lower()}{self._numbers[node.op_type]}"

    # Inner graphs

    def _inlined(self, call: Call) -> list[Value | None] | None:
        """Return the outputs of a local function, or of the branch a constant condition takes."""
        node = call.node
        function = self.shared.functions.get((domain_of(node.domain), node.op_type, node.overload))
        if function is not None:
            return self._called(call, function)
        if node.op_type != "If" or node.domain or not call.inputs or isinstance(call.inputs[0], Flow):
            return None
        graph = call.given("then_branch" if bool(call.array(0).item()) else "else_branch")
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

    def _inner(self, values: MutableMapping[str, Value | None], opsets: dict[str, int], name: str) -> Scope:
        if self._depth >= DEEPEST_GRAPHS:
            raise BadFile(
                f"{str(self.path)!r} must nest graphs and functions at most {DEEPEST_GRAPHS} deep; got more; "
                "simplify it with an ONNX optimizer. [onnx-depth]"
            )
        return Scope(self.shared, values, opsets, f"{name}/", self._depth + 1)


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
