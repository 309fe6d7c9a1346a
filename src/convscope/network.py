"""The graph of named layers, with inferred shapes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .errors import BadNetwork, BadShape, ConvscopeError, UnknownLayer, suggest
from .input_shapes import InputShape, check_channels_first, shapes_by_name
from .layers.base import Layer, ParamShapes, show_shape
from .layers.connection import Connection, Shape
from .layers.facts import Facts, facts
from .layers.operations import Operations, Status
from .layers.structural import Input
from .text.language import Message
from .text.lists import join_and, listed
from .text.table import align

if TYPE_CHECKING:
    from .analysis.region import Region, Units


K = TypeVar("K", bound=Hashable)


class Entry(NamedTuple):
    """A layer as a user lists it: its inputs, the owner of shared parameters, and frozen parameters."""

    name: str
    layer: Layer
    inputs: tuple[str, ...] = ()
    shares: str | None = None
    origin: str | None = None
    frozen: tuple[str, ...] = ()


class Columns(NamedTuple):
    """Facts of all nodes by column, for fast passes over a network.

    `sources` are the indices of each node's inputs. `unmoved` is the one input whose positions a node passes on as
    they are, -1 for any other node; it does so for the input axes in `still`, for all where that is None. The rest
    is each node's facts.
    """

    sources: list[tuple[int, ...]]
    unmoved: list[int]
    still: list[frozenset[int | None] | None]
    params: list[int]
    operations: Sequence[Operations]
    status: Sequence[Status]
    elements: Sequence[int]
    training_bytes: Sequence[int]
    keeps_input: Sequence[bool]
    keeps_output: Sequence[bool]
    view: Sequence[bool]


class Node(NamedTuple):
    """A layer in its network.

    `index` is its index in the order, `sources` the indices of its inputs, `parameters_of` the name under which
    its parameters are stored (another layer's where they are shared), `origin` where an importer found it.
    `frozen` are the frozen parameters, by the layer's names for them.
    """

    index: int  # type: ignore[assignment]  # shadows tuple.index deliberately
    name: str
    layer: Layer
    inputs: tuple[str, ...]
    sources: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    facts: Facts
    parameters_of: str
    origin: str | None = None
    frozen: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Return the layer's type."""
        return self.facts.kind

    @property
    def output_shape(self) -> Shape:
        """Return the output shape, without the batch axis."""
        return self.facts.output_shape

    @property
    def params(self) -> int:
        """Return the learned parameters; 0 where they are another layer's."""
        return self.facts.params if self.parameters_of == self.name else 0

    @property
    def owns_parameters(self) -> bool:
        """Return whether its parameters are counted here."""
        return self.parameters_of == self.name

    @property
    def is_frozen(self) -> bool:
        """Return whether the layer is frozen, its running statistics included."""
        return bool(self.frozen) and len(self.frozen) == len(freezable(self.facts))

    @property
    def trained(self) -> tuple[str, ...]:
        """Return the parameters that are trained."""
        return tuple(name for name in self.facts.param_shapes if name not in self.frozen)

    @property
    def frozen_params(self) -> int:
        """Return the elements of the frozen parameters; 0 where they are another layer's."""
        shapes = self.facts.param_shapes if self.owns_parameters and self.frozen else {}
        return sum(prod(shape) for name, shape in shapes.items() if name in self.frozen)


class Network:
    """An immutable graph of layers. Shapes are propagated once, at construction.

    Layers may be listed in any order; they are kept in one in which inputs come first. An error names the layer,
    shows the table up to it, and says how to fix it.

    >>> from convscope.layers import Conv2d, Input, ReLU
    >>> net = Network([Entry("input", Input((3, 32, 32))), Entry("conv1", Conv2d(8, 3), ("input",))])
    >>> net["conv1"].output_shape
    (8, 30, 30)
    """

    def __init__(self, entries: Iterable[Entry], name: str = "network") -> None:
        self.name = name
        unordered = list(entries)
        _check_names(unordered)
        nodes: list[Node] = []
        by_name: dict[str, Node] = {}
        known: _Known = {}
        for entry in in_dependency_order(unordered):
            node = _placed(entry, nodes, by_name, known)
            nodes.append(node)
            by_name[node.name] = node
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self._by_name: Mapping[str, Node] = by_name

    def __getitem__(self, name: str) -> Node:
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownLayer(
                "{network} has no layer {layer!r}. {hint} [layer-name]",
                network=self.name,
                layer=name,
                hint=suggest(name, self._by_name),
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        """Two networks are equal when they have the same layers, by name, settings and inputs."""
        return isinstance(other, Network) and self.entries == other.entries

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Network({self.name!r}, {len(self.layers)} layers, {self.shown_inputs})"

    @cached_property
    def _hash(self) -> int:
        return hash(self.entries)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Return the layers as a user would list them."""
        return tuple(
            Entry(n.name, n.layer, n.inputs, None, None, n.frozen)
            if n.owns_parameters
            else Entry(n.name, n.layer, n.inputs, n.parameters_of)
            for n in self.nodes
        )

    @cached_property
    def frozen_parameters(self) -> frozenset[str]:
        """Return the frozen parameters by "layer.name"."""
        owners = (node for node in self.nodes if node.frozen and node.owns_parameters)
        return frozenset(
            f"{node.name}.{name}" for node in owners for name in node.frozen if name in node.facts.param_shapes
        )

    @cached_property
    def layers(self) -> tuple[Node, ...]:
        """Return the nodes that are not inputs."""
        return tuple(node for node in self.nodes if node.inputs)

    @property
    def parameter_count(self) -> int:
        """Return the number of learned parameters, shared ones counted once."""
        return sum(self.columns.params)

    @cached_property
    def inputs(self) -> tuple[Node, ...]:
        """Return the input nodes, the main one first."""
        return tuple(node for node in self.nodes if not node.inputs)

    @cached_property
    def columns(self) -> Columns:
        """Return the nodes' facts by column."""
        sources = [node.sources for node in self.nodes]
        _, _, elements, _, _, _, operations, status, connections, training_bytes, *flags = zip(
            *[node.facts for node in self.nodes], strict=True
        )
        still = [*map(_still, connections)]
        unmoved = [
            -1 if kept is not None and not kept else before[0] for before, kept in zip(sources, still, strict=True)
        ]
        params = [node.params for node in self.nodes]
        return Columns(sources, unmoved, still, params, operations, status, elements, training_bytes, *flags)

    @property
    def input_shape(self) -> Shape:
        """Return the shape of the (first) input, without the batch axis."""
        return self.inputs[0].output_shape

    @property
    def shown_inputs(self) -> Message:
        """Return the input shapes as text: `input 3×224×224`, or `inputs x 3×8×9, z 5×4`."""
        if len(self.inputs) == 1:
            return Message("input {shape}", shape=show_shape(self.input_shape))
        shapes = listed(f"{node.name} {show_shape(node.output_shape)}" for node in self.inputs)
        return Message("inputs {shapes}", shapes=shapes)

    @cached_property
    def outputs(self) -> tuple[Node, ...]:
        """Return the nodes whose output no other node uses."""
        used = {source for node in self.nodes for source in node.sources}
        return tuple(node for node in self.nodes if node.index not in used)

    def consumers(self, name: str) -> tuple[Node, ...]:
        """Return the nodes that take this one's output."""
        return self._consumers[self[name].index]

    @cached_property
    def _consumers(self) -> list[tuple[Node, ...]]:
        consumers: list[list[Node]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for source in dict.fromkeys(node.sources):
                consumers[source].append(node)
        return [*map(tuple, consumers)]

    def with_input(self, input_shape: InputShape) -> Network:
        """Return the same network for inputs of other shapes.

        Args:
            input_shape: The shape of the first input, or a mapping from input names to shapes.

        Raises:
            BadSetting: [input-shape], [input-name]; [channels-last] for (h, w, c) where (c, h, w) is meant.
            BadShape: For a shape that a layer cannot take.
        """
        shapes = shapes_by_name(input_shape, [node.name for node in self.inputs])
        for name, shape in shapes.items():
            check_channels_first(shape, self[name].output_shape[0], name)
        changed = [e._replace(layer=Input(shapes[e.name])) if e.name in shapes else e for e in self.entries]
        return Network(changed, self.name)

    def with_frozen(self, *patterns: str) -> Network:
        """Return the same network in which exactly the layers that match are frozen; none at all without patterns.

        A pattern is a layer's name, that of a group of layers ("layer1"), or has wildcards ("layer?.*.bn*").

        Errors:   UnknownLayer [layer-name] for a pattern that no layer with parameters matches
        """
        owners = [node for node in self.nodes if node.owns_parameters and freezable(node.facts)]
        chosen: set[str] = set()
        for pattern in patterns:
            found = {node.name for node in owners if names_layer(pattern, node.name)}
            if not found:
                raise UnknownLayer(
                    "{network} has no layer with parameters that matches {pattern!r}. {hint} [layer-name]",
                    network=self.name,
                    pattern=pattern,
                    hint=suggest(pattern, [node.name for node in owners]),
                )
            chosen |= found
        names = {node.name: tuple(freezable(node.facts)) for node in owners}
        changed = [e._replace(frozen=names[e.name] if e.name in chosen else ()) for e in self.entries]
        return Network(changed, self.name)

    def field(self, layer: str, at: Iterable[int], origin: str | None = None) -> Region:
        """Return the exact region of the input (or of layer `origin`) that one unit sees; at=(row, column)."""
        from .analysis.region import region

        return region(self, layer, tuple(at), origin)

    def seen_by(self, pixel: Iterable[int], layer: str, origin: str | None = None) -> Units:
        """Return which units of a layer see this pixel (row, column) of the input, or of layer `origin`."""
        from .analysis.region import units_seeing

        return units_seeing(self, tuple(pixel), layer, origin)


def is_name(text: str) -> bool:
    """Return whether the text is a legal name: some characters have a meaning in the notation."""
    return text.isprintable() and _PLAIN(text) is not None


def freezable(known: Facts) -> tuple[str, ...]:
    """Return what can be frozen of a layer: its parameters, or the statistics of one that has none."""
    return tuple(known.param_shapes or known.buffer_shapes)


def names_layer(pattern: str, name: str) -> bool:
    """Return whether a pattern matches a layer: by name, by group, or with wildcards."""
    return name.startswith(f"{pattern}.") or fnmatchcase(name, pattern)


_PLAIN = re.compile(r"""[^ |,:=#"'{}]+""").fullmatch


def _still(connections: tuple[Connection, ...] | None) -> frozenset[int | None] | None:
    """Return the axes along which a layer's one input stays where it is; None where all do."""
    if connections is None:
        return None
    return connections[0].kept if len(connections) == 1 else frozenset()


def _check_names(entries: list[Entry]) -> None:
    names = [entry.name for entry in entries]
    if not all(names) or (names and not is_name("".join(names))):
        wrong = next(name for name in names if not is_name(name))
        raise BadNetwork(
            "Layer names must be text without spaces, quotes, braces and the characters | , : = # "
            "(got {name!r}). Use letters, digits, dots and dashes. [layer-name]",
            name=wrong,
        )
    known = set(names)
    if len(known) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise BadNetwork(
            "Layer names must be unique (got two layers named {name!r}). Rename one. [duplicate-name]",
            name=twice,
        )
    if not any(not entry.inputs for entry in entries):
        raise BadNetwork(
            "A network must have an input (got none). Begin with one, as in `input 3x224x224`. [no-input]"
        )
    for entry in entries:
        for name in (*entry.inputs, *([entry.shares] if entry.shares else [])):
            if name not in known:
                raise BadNetwork(
                    "Inputs of layer {layer!r} must be layers of the network (got {got!r}). {hint} "
                    "[unknown-input]",
                    layer=entry.name,
                    got=name,
                    hint=suggest(name, known),
                )
        if not entry.inputs and not isinstance(entry.layer, Input):
            raise BadNetwork(
                "Layer {layer!r} must take its input from a layer (got none). Name one. [no-inputs]",
                layer=entry.name,
            )


def in_dependency_order(entries: list[Entry]) -> list[Entry]:
    """Return the entries with inputs first, otherwise in the order listed.

    Errors:   BadNetwork [cycle], naming the layers of the cycle
    """
    needs = {e.name: e.inputs if e.shares is None else (*e.inputs, e.shares) for e in entries}
    ordered = topological_order(needs)
    if len(ordered) < len(entries):
        raise BadNetwork(
            "A network must not have cycles (got {cycle}). Change one of these inputs. [cycle]",
            cycle=" → ".join(_circle(entries, set(ordered))),
        )
    by_name = {entry.name: entry for entry in entries}
    return [by_name[name] for name in ordered]


def topological_order(needs: Mapping[K, Collection[K]]) -> list[K]:
    """Return the keys so that each follows those it needs, otherwise in their own order.

    Keys of a cycle, and those behind it, are left out.

    >>> topological_order({"c": ["b"], "a": [], "b": ["a"], "loop": ["loop"]})
    ['a', 'b', 'c']
    """
    placed: set[K] = set()
    waiting: dict[K, list[K]] = {}
    missing: dict[K, int] = {}
    ordered: list[K] = []
    for first, needed in needs.items():
        if not placed.issuperset(needed):
            before = set(needed) - placed
            missing[first] = len(before)
            for one in before:
                waiting.setdefault(one, []).append(first)
            continue
        ready = deque([first])
        while ready:
            key = ready.popleft()
            ordered.append(key)
            placed.add(key)
            for later in waiting.pop(key, ()):
                missing[later] -= 1
                if not missing[later]:
                    ready.append(later)
    return ordered


def _circle(entries: list[Entry], placed: set[str]) -> list[str]:
    """Return the names along one cycle among the unplaced entries."""
    needs = {
        e.name: next(n for n in (*e.inputs, e.shares) if n and n not in placed)
        for e in entries
        if e.name not in placed
    }
    name = next(iter(needs))
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = needs[name]
    return [*reversed(seen[seen.index(name) :]), seen[-1]]


_Known = dict[tuple[int, tuple[Shape, ...]], Facts]
"""Facts by the layer object and its inputs: importers use one object many times, and it is quicker to find."""


def _placed(entry: Entry, nodes: list[Node], by_name: dict[str, Node], known: _Known) -> Node:
    before = [by_name[name] for name in entry.inputs]
    shapes = tuple([node.facts.output_shape for node in before])
    owner, frozen = entry.name, entry.frozen
    try:
        found = known.get((id(entry.layer), shapes)) or facts(entry.layer, shapes)
        known[id(entry.layer), shapes] = found
        if entry.shares is not None:
            owner = by_name[entry.shares].parameters_of
            if by_name[owner].facts.param_shapes != found.param_shapes:
                raise BadShape(
                    "{layer} must have the parameters of {owner!r} to share them (got {got}, not {expected}). "
                    "Use the same settings and input channels. [shared-shapes]",
                    layer=entry.layer.kind,
                    owner=owner,
                    got=_listed(found.param_shapes),
                    expected=_listed(by_name[owner].facts.param_shapes),
                )
        if frozen or entry.shares is not None:
            frozen = _frozen(entry, found, owner, by_name)
    except ConvscopeError as error:
        raise failed(error, entry, shapes, nodes) from None
    sources = tuple([node.index for node in before])
    place = len(nodes)
    return Node(place, entry.name, entry.layer, entry.inputs, sources, shapes, found, owner, entry.origin, frozen)


def _listed(shapes: ParamShapes) -> str:
    return listed(f"{name} {show_shape(shape)}" for name, shape in shapes.items()) or Message("none")


def _frozen(entry: Entry, known: Facts, owner: str, by_name: Mapping[str, Node]) -> tuple[str, ...]:
    """Return the frozen parameters in the layer's own order; shared ones are frozen where their owner says so."""
    if entry.shares is not None and not entry.frozen:
        return by_name[owner].frozen
    if entry.shares is not None:
        raise BadNetwork(
            "frozen must be set on the layer that owns the parameters (got it on {layer!r}, which shares "
            "those of {owner!r}). Freeze {owner!r}. [frozen-shared]",
            layer=entry.name,
            owner=owner,
        )
    names = freezable(known)
    for name in entry.frozen:
        if name not in names:
            if not names:
                raise BadNetwork(
                    "frozen must name parameters of the layer (got {got!r}). {layer} has none: remove it. "
                    "[frozen-name]",
                    got=name,
                    layer=known.kind,
                )
            raise BadNetwork(
                "frozen must name parameters of the layer (got {got!r}). Use {names}. [frozen-name]",
                got=name,
                names=listed(names),
            )
    return tuple(name for name in names if name in entry.frozen)


def failed(error: ConvscopeError, entry: Entry, shapes: tuple[Shape, ...], nodes: list[Node]) -> ConvscopeError:
    """Return the error with the layer's name, its input and the table up to it."""
    shown = nodes[-12:]
    rows = [(node.name, node.kind, show_shape(node.output_shape)) for node in shown]
    rows.append((entry.name, entry.layer.kind, "✗"))
    table: str = "\n".join(f"  {line}" for line in align(rows))
    if len(nodes) > len(shown):
        table = Message("  … {count:,} earlier layer(s)\n{table}", count=len(nodes) - len(shown), table=table)
    if not shapes:
        return type(error)("Layer {layer!r}: {error}\n{table}", layer=entry.name, error=error, table=table)
    return type(error)(
        "Layer {layer!r} on input {shapes}: {error}\n{table}",
        layer=entry.name,
        shapes=join_and(map(show_shape, shapes)),
        error=error,
        table=table,
    )
