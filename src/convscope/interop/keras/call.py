"""One call of a layer or function of Keras, as its converter sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from ...errors import BadNetwork
from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.special import Parameter
from .arrange import arranged, held_as, in_sequence, reshaped_order, reshaping
from .flow import Flow, Order, Unmapped, channels_in_front, plain
from .weights import Array, Weights, numbers_of

if TYPE_CHECKING:
    from .walk import Walk

Change = Callable[[Array], Array]


def _same(array: Array) -> Array:
    return array


class Call:
    """A layer or function, what it is called with, and where its layers here go.

    In `args` and `kwargs` flows stand for Keras' symbolic tensors.
    """

    def __init__(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], walk: Walk
    ) -> None:
        self.op = operation
        self.name = name
        self.kwargs = {key: value for key, value in kwargs.items() if value is not None}
        first = next(iter(signature(operation.call).parameters), "")
        self.args = args or ((self.kwargs.pop(first),) if first in self.kwargs else ())
        self.walk = walk

    @property
    def data_format(self) -> str:
        """Return where the operation has its channels."""
        return str(getattr(self.op, "data_format", None) or self.walk.data_format)

    # What it is called with

    def flow(self, index: int = 0) -> Flow:
        """Return an argument that depends on the picture.

        Errors:   Unmapped where it does not
        """
        value = self.args[index] if index < len(self.args) else None
        if not isinstance(value, Flow):
            raise Unmapped("no tensor made from the picture")
        return value

    def flows(self) -> list[Flow]:
        """Return the tensors of a layer that takes a list of them.

        Errors:   Unmapped where one of them does not depend on the picture
        """
        given = self.args[0] if len(self.args) == 1 and isinstance(self.args[0], list | tuple) else self.args
        if not given or not all(isinstance(one, Flow) for one in given):
            raise Unmapped("no tensors made from the picture")
        return list(given)

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """Return an argument given by place or by name."""
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)

    def only(self, *names: str) -> None:
        """Refuse further arguments: masks, states, …

        Errors:   Unmapped
        """
        more = [name for name, value in self.kwargs.items() if name not in (*names, "training") and value]
        if more:
            raise Unmapped(f"called with {more[0]}")

    # What it is made into

    def emit(
        self,
        layer: Layer,
        *flows: Flow,
        part: str = "",
        order: Order | None = None,
        parameters: Mapping[str, Weights] | None = None,
        buffers: Mapping[str, Weights] | None = None,
    ) -> Flow:
        """Add a layer; its output has the first input's order unless another is given.

        The layer that does the work has Keras' name; those before and after it name their part: `conv1.relu`.
        """
        name = f"{self.name}.{part}" if part else self.name
        builder = self.walk.builder
        inputs = [flow.layer for flow in flows]
        added = builder.add(name, layer, inputs, parameters, buffers, self.name)
        held = builder.shapes[added]
        return Flow(added, held, flows[0].order if order is None else order)

    def arranged(self, flow: Flow, order: Order) -> Flow:
        """Return a flow with its axes in this order."""
        return arranged(self.walk.builder, flow, order, self.name, self.name)

    def plain(self, flow: Flow) -> Flow:
        """Return a flow with its axes as Keras has them."""
        return self.arranged(flow, plain(len(flow.order)))

    def picture(self, index: int = 0) -> Flow:
        """Return an argument with its channels in front."""
        flow = self.flow(index)
        return self.arranged(flow, channels_in_front(len(flow.order), self.data_format))

    def reshaped(self, flow: Flow, shape: Shape, part: str = "") -> Flow:
        """Put the elements, in Keras' order, into another shape of Keras."""
        order = reshaped_order(shape, self.data_format)
        ready = flow if in_sequence(flow) else self.plain(flow)
        return self.emit(reshaping(held_as(shape, order)), ready, part=part, order=order)

    def array(self, value: Any, like: Flow, part: str, shape: Shape | None = None, change: Change = _same) -> Flow:
        """Add a layer for a variable, or for numbers that are the same for every picture, once for each.

        Its axes are those of `like`, in its order, and of size 1 where `shape` (the value's own unless given) has
        none. What is learned is a parameter; `change` makes its numbers of the value's.
        """
        full = _full(tuple(int(size) for size in value.shape) if shape is None else shape, len(like.order))
        known = self.walk.array_of(value)
        _check_own(value)
        if known is not None:
            if known.shape != full:
                known = self.reshaped(known, full, f"{part}.reshape")
            return self.arranged(known, like.order)
        learned = bool(getattr(value, "trainable", False))
        held = held_as(full, like.order)
        weights = Weights((value,), lambda array: change(array).reshape(full).transpose(like.order))
        own = {"weight" if learned else "value": weights}
        layer = Parameter(held, learned)
        made = self.emit(
            layer, like, part=part, parameters=own if learned else None, buffers=None if learned else own
        )
        self.walk.keep_array(value, made)
        return made

    def number(self, value: Any) -> float | None:
        """Return a number that is the same for all pictures and not learned; None for anything else."""
        if isinstance(value, bool | int | float):
            return float(value)
        if isinstance(value, Flow) or getattr(value, "trainable", False) or not hasattr(value, "shape"):
            return None
        _check_own(value)
        try:
            return float(numbers_of(value).reshape(-1)[0]) if all(size == 1 for size in value.shape) else None
        except BadNetwork:  # an array without memory, whose number is not needed for the structure
            return None


def _full(shape: Shape, rank: int) -> Shape:
    """Return an array's shape against one picture.

    Errors:   Unmapped where it has more axes
    """
    if len(shape) == rank + 1 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) > rank:
        raise Unmapped("an array with more axes than a picture has")
    return (1,) * (rank - len(shape)) + shape


def _check_own(value: Any) -> None:
    """Refuse what was computed from learned arrays before it came here: they would not be counted.

    Errors:   Unmapped
    """
    if getattr(value, "requires_grad", False) and not hasattr(value, "trainable"):
        raise Unmapped("computed from learned arrays")
