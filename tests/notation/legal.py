"""Legal layers and networks at random: every keyword, every form of setting. One list of choices at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

from convscope.errors import ConvscopeError
from convscope.layers.base import Layer
from convscope.layers.connection import Shape
from convscope.layers.facts import facts
from convscope.layers.structural import Input
from convscope.network import Entry, Network, freezable
from convscope.notation.keywords import Kind, kinds
from convscope.settings import (
    Choice,
    Count,
    FieldType,
    Flag,
    Integers,
    Optional,
    PerAxis,
    PerAxisPads,
    PlainText,
    Real,
)

Choose = Callable[[Sequence[Any]], Any]
"""Picks one of some options: hypothesis in property tests, a seeded generator elsewhere."""

SHAPES: tuple[Shape, ...] = ((6,), (6, 4), (12, 11), (6, 7, 5), (12, 9, 8), (1, 8, 9), (4, 5, 6, 7), (6, 1, 1))
NAMES = ("conv1", "relu1", "pool2", "add1", "input2", "block.0.bn", "same", "s2", "x-y/z", "1.0", "no", "é")


@singledispatch
def some_value(form: FieldType, choose: Choose, shape: Shape) -> Any:
    """Choose a value of a setting, as a user would give it."""
    raise TypeError(f"no values for {type(form).__name__}")


@some_value.register
def _(form: Count, choose: Choose, shape: Shape) -> Any:
    return choose([n for n in (0, 1, 2, 3, 4, 6, 12, -1) if form.least <= n <= form.most])


@some_value.register
def _(form: Real, choose: Choose, shape: Shape) -> Any:
    return choose([x for x in (0.5, 1e-3, 2, 1 / 3, 1e-7, -0.25, 1e22) if form.least <= x <= form.most])


@some_value.register
def _(form: Flag, choose: Choose, shape: Shape) -> Any:
    return choose([True, False])


@some_value.register
def _(form: Choice, choose: Choose, shape: Shape) -> Any:
    return choose(form.words)


@some_value.register
def _(form: PlainText, choose: Choose, shape: Shape) -> Any:
    return choose(["Einsum", "aten::roll", "s2", "same", "a=b", "ends:", "é(1,2)"])


@some_value.register
def _(form: Integers, choose: Choose, shape: Shape) -> Any:
    reversed_axes = tuple(range(len(shape)))[::-1]
    return choose([shape, (2, 1), reversed_axes, (shape[-1], -1), (*shape[1:], shape[0]), (-1,), (0,), (5,)])


@some_value.register
def _(form: PerAxis, choose: Choose, shape: Shape) -> Any:
    return choose([1, 2, 3, *[tuple(1 + (n + axis) % 3 for axis in range(len(shape) - 1)) for n in range(2)]])


@some_value.register
def _(form: PerAxisPads, choose: Choose, shape: Shape) -> Any:
    uneven = tuple((axis % 2, 1 + axis) for axis in range(len(shape) - 1))
    cut = tuple((-1, axis) for axis in range(len(shape) - 1))
    words = ["same", "valid"] if form.same else [cut]
    return choose([0, 1, uneven, tuple(range(len(shape) - 1)), *words])


@some_value.register
def _(form: Optional, choose: Choose, shape: Shape) -> Any:
    if isinstance(form.form, Count):
        return choose([None, shape[0], shape[-1]])
    return choose([None, some_value(form.form, choose, shape)])


def some_layer(kind: Kind, inputs: tuple[Shape, ...], choose: Choose) -> Layer | None:
    """Choose settings for a layer; None where they turn out illegal."""
    family = kind.fitting(inputs)
    settings = {}
    for name, form in family.forms():
        if name in kind.required or choose([True, False]):
            settings[name] = some_value(form, choose, inputs[0])
    if kind.word == "dwconv":
        settings |= {"groups": inputs[0][0], "out_channels": inputs[0][0] * choose([1, 2])}
    try:
        layer = family(**settings)
        facts(layer, inputs)
    except ConvscopeError:
        return None
    return layer


def some_network(choose: Choose, length: int) -> Network:
    """Choose a graph of legal layers; an attempt at an illegal one is left out."""
    entries = [Entry("input", Input(choose(SHAPES)))]
    shapes = {"input": entries[0].layer.output_shape()}
    for number in range(length):
        kind = kinds()[choose(sorted(kinds()))]
        named = (f"{kind.base}{choose([1, 2, number])}", choose(NAMES), f"layer{number}")
        name = choose([name for name in named if name not in shapes])
        if kind.is_input:
            entries.append(Entry(name, Input(choose(SHAPES))))
            shapes[name] = entries[-1].layer.output_shape()
            continue
        sources = [entries[-1].name]
        if kind.classes[0].arity != (1, 1):
            alike = [one for one in shapes if shapes[one] == shapes[sources[0]]]
            sources += [choose(alike) for _ in range(choose([0, 1, 2]))]
        elif choose([True, False]):
            sources = [choose(sorted(shapes))]
        inputs = tuple(shapes[source] for source in sources)
        layer = some_layer(kind, inputs, choose)
        if layer is None:
            continue
        alike = [
            None,
            *[e.name for e in entries if e.shares is None and _same_parameters(e, layer, inputs, shapes)],
        ]
        shares, found = choose(alike), freezable(facts(layer, inputs))
        frozen = choose([(), found, found[:1]]) if shares is None else ()
        entries.append(Entry(name, layer, tuple(sources), shares, frozen=frozen))
        shapes[name] = facts(layer, inputs).output_shape
    return Network(entries, choose(["network", "no", "my net: 1"]))


def _same_parameters(entry: Entry, layer: Layer, inputs: tuple[Shape, ...], shapes: dict[str, Shape]) -> bool:
    if not entry.inputs:
        return False
    known = facts(entry.layer, tuple(shapes[source] for source in entry.inputs)).param_shapes
    return bool(known) and known == facts(layer, inputs).param_shapes
