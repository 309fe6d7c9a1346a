"""Walk a graph: every node becomes constants, layers, or the nodes of an inner graph."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...errors import BadFile, ConvscopeError
from . import tensors
from .audit import check_types, unread
from .budget import Budget
from .builder import Builder
from .call import Call
from .conversion_cache import Form, Made, form_of, forms_in, made_of
from .file import MOST_NODES, OnnxFile, domain_of
from .folding import fold
from .opaque import Found, found_in, opaque
from .order import DEEPEST_GRAPHS, Step, needed
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
    budget: Budget = field(default_factory=Budget)

    @cached_property
    def _told(self) -> dict[str, Any]:
        graph = self.file.model.graph
        return {item.name: item.type for item in (*graph.value_info, *graph.output)}

    def declared(self, name: str) -> Found | None:
        """Return what the file says of a value inside, for operators that nobody knows."""
        kind = self._told.get(name)
        return None if kind is None else found_in(kind, self.sizes)

    def __post_init__(self) -> None:
        self.functions: dict[tuple[str, str], dict[str, FunctionProto]] = {}
        for one in self.file.model.functions:
            self.functions.setdefault((domain_of(one.domain), one.name), {})[one.overload] = one


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
        self.builder = shared.builder
        self.path = shared.file.path
        self.values = values
        self._functions = shared.functions
        self.opsets = opsets
        self._prefix = prefix
        self._depth = depth
        self._steps: list[Step] = []
        self._outputs: Sequence[str] = ()
        self._absorbed: set[int] = set()
        self._numbers: Counter[str] = Counter()
        self._forms = forms_in(tuple(sorted(opsets.items())))

    def run(self, nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[Value | None]:
        """Convert the nodes that the outputs need, and return the outputs.

        Errors:   BadFile [onnx-nodes], [onnx-value], and those of every operator
        """
        self._steps, self._outputs = needed(nodes, outputs, self.path), outputs
        self.shared.nodes += len(self._steps)
        if self.shared.nodes > MOST_NODES:
            raise BadFile(
                f"{str(self.path)!r} must have at most {MOST_NODES:,} nodes, functions written out; got more; "
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
            values[name] = tensors.constant(tensor, path, True, f"{prefix}{name}" if prefix else name)

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

    def _value(self, name: str, user: Step | None) -> Value | None:
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

    def _convert(self, step: Step) -> None:
        known = self.values
        inputs = [known.get(name) or self._value(name, step) if name else None for name in step.inputs]
        own = self._functions and (step.domain, step.operator) in self._functions
        form = None if own else form_of(step, inputs)
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

    def _again(self, made: Made, step: Step, inputs: Sequence[Value | None]) -> Flow:
        """Append the layer that another node of the same form became."""
        layer, takes, holds, kind = made
        layers = tuple([inputs[index].layer for index in takes])  # type: ignore[union-attr]
        held: dict[str, Any] = {part: inputs[index] for part, index in holds}
        return Flow._make((self.builder.append(layer, layers, self._name(step), step.name or None, held), *kind))

    def _converted(self, call: Call, form: Form | None) -> Sequence[Value | None]:
        """Return constants, the outputs of layers, or those of an Opaque layer."""
        domain = domain_of(call.node.domain)
        known = signature(domain, call.operator, self.opsets.get(domain, 1))
        check(call.node, known, self.path)
        given, call = call, call_on_tables(call)
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
                if not reason and not any(call.wanted(index) for index in missing):
                    if call is given and form is not None:
                        self._remember(form, call, outputs, len(self.builder.entries) - before)
                    return outputs
            except ConvscopeError:
                raise
            except Unmapped as error:
                reason = error.part
            except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
                pass  # in a form that nobody foresaw
            self.builder.back_to(before)
            self._release(call.absorbed)
        return opaque(call, reason)

    def _remember(self, form: Form, call: Call, outputs: Sequence[Value | None], added: int) -> None:
        made = made_of(call, outputs[0]) if added == len(outputs) == 1 else None
        if made is not None:
            self._forms.remember(form, made)

    def _name(self, step: Step) -> str:
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
        graph = call.given("then_branch" if bool(condition.array.item()) else "else_branch")
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
