"""Counting tools, and the rules that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import singledispatch
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ...layers.base import Layer, size_of
from ...layers.elementwise import Pointwise
from ...layers.indexing import Expand, IndexSelect, Roll
from ...layers.merge import Concat, Divide, Extreme, Subtract
from ...layers.rearrange import ChannelShuffle, Crop, Flatten, Pad, Permute, PixelShuffle, Reshape, Slice
from ...layers.recurrent import LSTM
from ...layers.reduction import Reduce
from ...layers.structural import Dropout, Identity, Input, Opaque, Parameter
from ...network import Network, Node
from ...text.language import Message

if TYPE_CHECKING:
    from functools import _SingleDispatchCallable

Rearrangement: TypeAlias = (
    Input
    | Identity
    | Dropout
    | Flatten
    | Reshape
    | Permute
    | Pad
    | Crop
    | Slice
    | Concat
    | PixelShuffle
    | ChannelShuffle
    | IndexSelect
    | Roll
    | Expand
    | Parameter
)
"""Layers that compute nothing at inference; every tool counts 0 for them."""


Arithmetic: TypeAlias = Subtract | Divide | Extreme | Pointwise | Reduce
"""Layers that frameworks have as functions or operators, not as modules."""


class Counted(NamedTuple):
    """A tool's count for one layer, None where it is unknown, and the reason for a difference from ours."""

    value: int | None
    reason: str = ""


NOTHING = Counted(0)
"""A layer that costs nothing in the tool."""

UNDETERMINED = Counted(None, Message("what is counted depends on how it is written"))
"""The default of a layer for which a tool has no rule: unknown, never 0."""


@dataclass(frozen=True)
class Tool:
    """A tool's rules.

    `count` is a singledispatch function of (layer, node), `params` the tool's number of parameters of one node,
    `notes` the general differences that matter for a network.
    """

    name: str
    version: str
    unit: str
    count: Callable[[Layer, Node], Counted]
    params: Callable[[Node], int]
    notes: Callable[[Network], tuple[str, ...]]


Rules: TypeAlias = "_SingleDispatchCallable[Counted]"


def with_default_rules(count: Callable[[Layer, Node], Counted]) -> Rules:
    """Turn a tool's default rule into a singledispatch function with the rules that all tools share."""
    rules = singledispatch(count)
    rules.register(Rearrangement, lambda _layer, _node: NOTHING)
    rules.register(
        Opaque,
        lambda layer, _node: Counted(
            None, Message("{operator} is an unsupported operator", operator=layer.operator)
        ),
    )
    return rules


def not_in_pytorch(_layer: Layer, _node: Node) -> Counted:
    """Return the count of a layer that PyTorch lacks."""
    return Counted(None, Message("PyTorch has no such layer; what is counted depends on how it is written"))


def entering(node: Node) -> int:
    """Return the elements of the (first) input."""
    return size_of(node.input_shapes[0])


def leaving(node: Node) -> int:
    """Return the elements of the output."""
    return node.facts.elements


def bias_additions(node: Node) -> int:
    """Return one addition per output where the layer has a bias, else 0."""
    return leaving(node) if "bias" in node.facts.param_shapes else 0


def in_pytorch(layer: Layer) -> Layer:
    """Return the layer as PyTorch has it: an LSTM with any bias has two."""
    return replace(layer, biases="two") if isinstance(layer, LSTM) and layer.biases == "one" else layer


def pytorch_params(node: Node) -> int:
    """Return the parameters of the layer's PyTorch module."""
    return sum(map(prod, in_pytorch(node.layer).param_shapes(*node.input_shapes).values()))


_WRITTEN = Message(
    "Which operators are modules is not known from the structure: every layer is taken for a module of its own, "
    "all of them children of one parent, and Add, Multiply, Concat and MatMul for +, *, torch.cat and @."
)
_SHARED = Message(
    "A shared layer is taken for one module called again: counted at every call, its parameters once."
)
_ONE_BIAS = Message("PyTorch's LSTM has two biases where this network's has one; the tool sees both.")


def pytorch_notes(network: Network, *notes: str) -> tuple[str, ...]:
    """Return the assumptions behind a PyTorch tool's numbers, then the tool's own notes."""
    said = [_WRITTEN]
    if any(not node.owns_parameters for node in network.layers):
        said.append(_SHARED)
    if any(isinstance(node.layer, LSTM) and node.layer.biases == "one" for node in network.layers):
        said.append(_ONE_BIAS)
    return (*said, *notes)
